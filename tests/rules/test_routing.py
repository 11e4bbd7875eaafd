"""Who is notified: routes and receivers, judged by Alertmanager's own tool."""

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from exporter.core.alert import EVERY
from exporter.core.durations import seconds
from exporter.core.notifications import (
    BusinessHours,
    Email,
    Notifications,
    PagerDuty,
    QuietHours,
    Slack,
    Team,
    Webhook,
)
from exporter.core.secret import Secret
from exporter.core.severity import Severity
from exporter.core.sms import Sms, Sns
from exporter.generate import routing
from exporter.generate.document import as_yaml
from exporter.generate.secret_files import SecretFiles
from tests.rules.tools import program, run, write

CHANNELS: dict[str, Any] = {
    "slack": Slack(api_url=Secret("https://hooks.example/planted-slack"), channel="#alerts"),
    "email": Email(to=("a@example.org", "b@example.org"), username="u", password=Secret("planted-mail")),
    "pagerduty": PagerDuty(routing_key=Secret("planted-pager")),
    "sms": Sms(
        to=("+491701",),
        sns=Sns(region="eu-central-1", access_key="AKIA", secret_key=Secret("planted-aws")),
    ),
    "webhook": Webhook(url="http://127.0.0.1:9/", bearer_token=Secret("planted-token")),
}
SETS = [chosen for size in range(len(CHANNELS) + 1) for chosen in combinations(CHANNELS, size)]
KEYS = {
    "slack": "slack_configs",
    "email": "email_configs",
    "pagerduty": "pagerduty_configs",
    "sms": "sns_configs",
    "webhook": "webhook_configs",
}
# The table of the product: who is notified of what.
TOLD = {
    "critical": {"slack", "email", "pagerduty", "sms", "webhook"},
    "high": {"slack", "email", "webhook"},
    "medium": {"slack", "webhook"},
    "low": {"email", "webhook"},
    "default": {"slack", "email", "webhook"},
}


def _generated(notifications: Notifications, folder: Path) -> tuple[dict[str, Any], SecretFiles, Path]:
    secrets = SecretFiles("/run/alertmanager")
    content = routing.configuration(notifications, secrets)
    path = folder / "alertmanager.yml"
    write(folder, {"alertmanager.yml": as_yaml(content), "templates/x.tmpl": '{{ define "x" }}{{ end }}'})
    return content, secrets, path


def _receivers(path: Path, labels: dict[str, str]) -> list[str]:
    """Return the names of the receivers that amtool finds for an alert."""
    words = [f"{name}={value}" for name, value in labels.items()]
    done = run(program("amtool"), "config", "routes", "test", f"--config.file={path}", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().split(",")


@pytest.mark.parametrize("chosen", SETS, ids="+".join)
def test_every_set_of_channels_is_valid_and_gets_what_it_should(
    chosen: tuple[str, ...], tmp_path: Path
) -> None:
    content, _, path = _generated(Notifications(**{name: CHANNELS[name] for name in chosen}), tmp_path)
    done = run(program("amtool"), "check-config", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    message = {receiver["name"]: set(receiver) - {"name"} for receiver in content["receivers"]}
    for name, kinds in TOLD.items():
        assert message[name] == {KEYS[kind] for kind in kinds & set(chosen)}


@pytest.mark.parametrize("chosen", [(), tuple(CHANNELS)], ids=["none", "all"])
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        *(({"alertname": "IntegrationX", "severity": str(level)}, str(level)) for level in Severity),
        ({"alertname": "IntegrationX", "severity": "warning"}, "default"),
        ({"alertname": "IntegrationX"}, "default"),
        ({"alertname": "Watchdog", "severity": "none"}, "nowhere"),
        ({"alertname": "Watchdog", "severity": "critical"}, "nowhere"),
    ],
)
def test_an_alert_takes_the_route_of_its_severity(
    chosen: tuple[str, ...], labels: dict[str, str], receiver: str, tmp_path: Path
) -> None:
    _, _, path = _generated(Notifications(**{name: CHANNELS[name] for name in chosen}), tmp_path)
    words = [f"{name}={value}" for name, value in labels.items()]
    command = [program("amtool"), "config", "routes", "test", f"--config.file={path}"]
    assert run(*command, f"--verify.receivers={receiver}", *words).returncode == 0
    assert run(*command, "--verify.receivers=somebody-else", *words).returncode == 1


def test_the_shipped_configuration_is_valid_as_it_stands(tree: Path) -> None:
    done = run(program("amtool"), "check-config", str(tree / "alertmanager/alertmanager.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_watchdog_goes_to_the_heartbeat_alone_and_often(tmp_path: Path) -> None:
    beat = Webhook(url="https://heartbeat.example/ping", bearer_token=Secret("planted-beat"))
    content, secrets, path = _generated(Notifications(heartbeat=beat, webhook=CHANNELS["webhook"]), tmp_path)
    assert _receivers(path, {"alertname": "Watchdog", "severity": "none"}) == ["heartbeat"]
    first = content["route"]["routes"][0]
    assert (first["group_interval"], first["repeat_interval"]) == ("1m", "5m")
    assert secrets.files["heartbeat-webhook-token"].reveal() == "planted-beat"
    assert secrets.files["webhook-token"].reveal() == "planted-token"


TEAMS = Notifications(
    slack=CHANNELS["slack"],
    email=Email(to=("all@example.org",), smarthost="mail.example.org:587", sender="x@example.org"),
    business_hours=BusinessHours(time_zone="Europe/Berlin", days="monday:thursday, friday", end="24:00"),
    teams=(
        Team(
            name="gold",
            tenants=("acme", "gl.bex"),
            minimum_severity=Severity.HIGH,
            quiet_hours=QuietHours(start="22:00", end="06:30", time_zone="Europe/Berlin"),
            slack=Slack(channel="#gold"),
            email=Email(to=("gold@example.org",)),
        ),
        Team(
            name="money",
            integrations=("payments",),
            alerts=("IntegrationDown", "IntegrationOutage"),
            webhook=Webhook(url="http://127.0.0.1:8/", bearer_token=Secret("planted-money")),
            receiver={"name": "ignored", "webhook_configs": [{"url": "http://127.0.0.1:7/"}]},
        ),
        Team(name="everything", minimum_severity=Severity.LOW, webhook=Webhook(url="http://127.0.0.1:6/")),
    ),
)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"severity": "high", "tenant": "acme"}, ["team-gold", "team-everything", "high"]),
        ({"severity": "critical", "tenant": "gl.bex"}, ["team-gold", "team-everything", "critical"]),
        ({"severity": "high", "tenant": "glxbex"}, ["team-everything", "high"]),
        ({"severity": "high", "tenant": "acme2"}, ["team-everything", "high"]),
        ({"severity": "medium", "tenant": "acme"}, ["team-everything", "medium"]),
        (
            {"severity": "low", "integration": "payments", "alertname": "IntegrationDown"},
            ["team-money", "team-everything", "low"],
        ),
        (
            {"severity": "low", "integration": "payments", "alertname": "IntegrationX"},
            ["team-everything", "low"],
        ),
        ({"severity": "odd"}, ["default"]),
        ({"alertname": "Watchdog", "severity": "none"}, ["nowhere"]),
    ],
)
def test_a_team_gets_what_it_cares_for_and_the_others_still_are(
    labels: dict[str, str], message: list[str], tmp_path: Path
) -> None:
    _, _, path = _generated(TEAMS, tmp_path)
    assert run(program("amtool"), "check-config", str(path)).returncode == 0
    assert _receivers(path, labels) == message


def test_a_team_takes_what_it_leaves_out_from_the_shared_channels(tmp_path: Path) -> None:
    content, _, _ = _generated(TEAMS, tmp_path)
    gold = next(receiver for receiver in content["receivers"] if receiver["name"] == "team-gold")
    (slack,), (email,) = gold["slack_configs"], gold["email_configs"]
    assert slack["channel"] == "#gold"
    assert slack["api_url_file"] == "/run/alertmanager/team-gold-slack-url"
    assert (email["to"], email["smarthost"]) == ("gold@example.org", "mail.example.org:587")


def test_a_native_receiver_of_a_team_joins_its_channels(tmp_path: Path) -> None:
    content, _, _ = _generated(TEAMS, tmp_path)
    money = next(receiver for receiver in content["receivers"] if receiver["name"] == "team-money")
    assert [config["url"] for config in money["webhook_configs"]] == [
        "http://127.0.0.1:8/",
        "http://127.0.0.1:7/",
    ]


def test_quiet_hours_pass_midnight_and_never_hold_back_what_is_critical(tmp_path: Path) -> None:
    content, _, _ = _generated(TEAMS, tmp_path)
    quiet = next(part for part in content["time_intervals"] if part["name"] == "quiet-gold")
    assert quiet["time_intervals"][0]["times"] == [
        {"start_time": "22:00", "end_time": "24:00"},
        {"start_time": "00:00", "end_time": "06:30"},
    ]
    route = next(route for route in content["route"]["routes"] if route["receiver"] == "team-gold")
    muted = {step["matchers"][0]: "mute_time_intervals" in step for step in route["routes"]}
    assert muted == {'severity="critical"': False, 'severity="high"': True}


def test_low_waits_for_business_hours_and_nothing_else_does(tmp_path: Path) -> None:
    content, _, _ = _generated(TEAMS, tmp_path)
    waits = {route["receiver"] for route in content["route"]["routes"] if "active_time_intervals" in route}
    assert waits == {"low"}
    hours = content["time_intervals"][0]["time_intervals"][0]
    assert hours["weekdays"] == ["monday:thursday", "friday"]
    assert hours["location"] == "Europe/Berlin"


@pytest.mark.parametrize(
    ("days", "written"),
    [
        ("monday:sunday", ["monday:saturday", "sunday"]),
        ("saturday:sunday", ["saturday", "sunday"]),
        ("friday:monday , wednesday", ["friday:saturday", "sunday:monday", "wednesday"]),
        ("sunday:saturday", ["sunday:saturday"]),
        ("tuesday:tuesday", ["tuesday"]),
    ],
)
def test_days_over_the_end_of_a_week_are_ranges_that_alertmanager_takes(
    days: str, written: list[str], tmp_path: Path
) -> None:
    hours = BusinessHours(days=days)
    content, _, path = _generated(Notifications(email=TEAMS.email, business_hours=hours), tmp_path)
    assert content["time_intervals"][0]["time_intervals"][0]["weekdays"] == written
    done = run(program("amtool"), "check-config", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_secret_stands_in_the_text_and_every_one_has_a_file(tmp_path: Path) -> None:
    _, secrets, path = _generated(Notifications(**CHANNELS, teams=TEAMS.teams), tmp_path)
    text = path.read_text()
    assert "planted" not in text
    written = "\n".join(secret.reveal() for secret in secrets.files.values())
    for planted in ("slack", "mail", "pager", "aws", "token", "money"):
        assert f"planted-{planted}" in written
    for name in secrets.files:
        assert f"/run/alertmanager/{name}" in text or name == "aws-credentials"
    assert "planted" not in repr(secrets)


def test_a_secret_that_was_read_from_a_file_is_referred_to_there(tmp_path: Path) -> None:
    notifications = Notifications(
        slack=Slack(api_url=Secret("https://hooks.example/x", file="/run/secrets/slack")),
        pagerduty=PagerDuty(routing_key=Secret("k", file="/run/secrets/pager")),
    )
    _, secrets, path = _generated(notifications, tmp_path)
    text = path.read_text()
    assert "api_url_file: /run/secrets/slack" in text
    assert "routing_key_file: /run/secrets/pager" in text
    assert not secrets.files


def test_a_channel_without_its_secret_is_not_configured(tmp_path: Path) -> None:
    content, _, path = _generated(Notifications(slack=Slack(channel="#x"), pagerduty=PagerDuty()), tmp_path)
    assert run(program("amtool"), "check-config", str(path)).returncode == 0
    assert all(set(receiver) == {"name"} for receiver in content["receivers"])


def test_high_waits_two_evaluations_so_that_a_critical_step_can_hide_it() -> None:
    assert seconds(Severity.HIGH.group_wait) >= 2 * seconds(EVERY)
