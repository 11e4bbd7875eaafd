"""How channels are reached and judged, as Alertmanager's own tool takes it; and when they are quiet."""

import re
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import registry
from exporter.config.load import load_file
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from exporter.core.notifications import Email, Notifications, PagerDuty, QuietHours, Slack, Team, Webhook
from exporter.core.options import TlsOptions
from exporter.core.secret import Secret
from exporter.core.severity import Severity
from exporter.core.sms import Sms, Sns
from exporter.generate import bundle, routing
from exporter.generate.document import as_yaml
from exporter.generate.secret_files import SecretFiles
from tests.rules.tools import program, run, write

CHANNELS = {
    "slack": ("slack_configs", "api_url: https://hooks.example/x"),
    "email": ("email_configs", "to: [a@example.org], smarthost: 'mail.example:587'"),
    "pagerduty": ("pagerduty_configs", "routing_key: x"),
    "sms": ("sns_configs", "to: ['+491701234567'], sns: {region: eu-central-1}"),
    "webhook": ("webhook_configs", "url: https://hooks.example/y"),
    "heartbeat": ("webhook_configs", "url: https://hooks.example/z"),
}


def _loaded(folder: Path, notifications: str, defaults: str = "{}") -> Configuration:
    for name in ("ca.pem", "other.pem", "own.pem", "own.key"):
        (folder / name).write_text("x")
    (folder / "c.yml").write_text(f"defaults: {defaults}\nnotifications: {{{notifications}}}\n")
    return load_file(str(folder / "c.yml"), registry.catalogue(), {})


def _generated(notifications: Notifications, folder: Path) -> dict[str, Any]:
    content = routing.configuration(notifications, SecretFiles("/run/alertmanager"))
    write(folder, {"am.yml": as_yaml(content), "templates/x.tmpl": '{{ define "x" }}{{ end }}'})
    done = run(program("amtool"), "check-config", str(folder / "am.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    return content


def _configs(content: dict[str, Any], kind: str, receiver: str) -> list[dict[str, Any]]:
    (found,) = [one[kind] for one in content["receivers"] if one["name"] == receiver]
    return list(found)


def _tls(config: dict[str, Any]) -> Any:
    return config.get("tls_config") or config.get("http_config", {}).get("tls_config")


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_channel_may_say_how_its_server_is_judged(tmp_path: Path, channel: str) -> None:
    kind, given = CHANNELS[channel]
    tls = (
        "ca_file: ca.pem, cert_file: own.pem, key_file: own.key, server_name: other.example,"
        " insecure_skip_verify: true, min_version: TLS13"
    )
    configuration = _loaded(tmp_path, f"{channel}: {{{given}, tls: {{{tls}}}}}")
    content = _generated(configuration.notifications, tmp_path)
    name = "heartbeat" if channel == "heartbeat" else "critical"
    assert [_tls(config) for config in _configs(content, kind, name)] == [
        {
            "ca_file": f"{tmp_path}/ca.pem",
            "cert_file": f"{tmp_path}/own.pem",
            "key_file": f"{tmp_path}/own.key",
            "server_name": "other.example",
            "insecure_skip_verify": True,
            "min_version": "TLS13",
        }
    ]


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_without_tls_says_nothing_of_it(tmp_path: Path, channel: str) -> None:
    kind, given = CHANNELS[channel]
    content = _generated(_loaded(tmp_path, f"{channel}: {{{given}}}").notifications, tmp_path)
    name = "heartbeat" if channel == "heartbeat" else "critical"
    assert [_tls(config) for config in _configs(content, kind, name)] == [None]


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_trusts_the_default_authorities_unless_it_names_its_own(
    tmp_path: Path, channel: str
) -> None:
    kind, given = CHANNELS[channel]
    name = "heartbeat" if channel == "heartbeat" else "critical"
    for own, trusted in (("", "ca.pem"), (", tls: {ca_file: other.pem}", "other.pem")):
        configuration = _loaded(tmp_path, f"{channel}: {{{given}{own}}}", "{tls: {ca_file: ca.pem}}")
        content = _generated(configuration.notifications, tmp_path)
        configs = _configs(content, kind, name)
        assert [_tls(config) for config in configs] == [{"ca_file": f"{tmp_path}/{trusted}"}]


@pytest.mark.parametrize("channel", CHANNELS)
def test_half_a_certificate_of_our_own_is_a_mistake(tmp_path: Path, channel: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _loaded(tmp_path, f"{channel}: {{{CHANNELS[channel][1]}, tls: {{cert_file: own.pem}}}}")
    (mistake,) = caught.value.mistakes
    assert (mistake.line, mistake.what) == (2, "cert_file and key_file belong together")


def test_the_token_of_a_webhook_and_its_authorities_go_together(tmp_path: Path) -> None:
    webhook = Webhook(url="https://h/", bearer_token=Secret("t"), tls=TlsOptions(ca_file="/ca.pem"))
    content = _generated(Notifications(webhook=webhook), tmp_path)
    (config,) = _configs(content, "webhook_configs", "low")
    assert config["http_config"] == {
        "authorization": {"type": "Bearer", "credentials_file": "/run/alertmanager/webhook-token"},
        "tls_config": {"ca_file": "/ca.pem"},
    }


def test_every_template_that_a_receiver_names_is_defined(tmp_path: Path) -> None:
    """Alertmanager's tool does not look: it would fail when the first alert is reported."""
    channels = ", ".join(f"{name}: {{{given}}}" for name, (_, given) in CHANNELS.items())
    content = _generated(_loaded(tmp_path, channels).notifications, tmp_path)
    used = set(re.findall(r'{{ template "([^"]+)" \. }}', str(content)))
    files = bundle.files()
    texts = [text for path, text in files.items() if path.startswith("alertmanager/templates/")]
    defined = {name for text in texts for name in re.findall(r'{{ define "([^"]+)"', text)}
    assert used <= defined
    facts = {
        name for name in defined if name.rpartition(".")[2] in ("colour", "response", "severity", "subject")
    }
    assert facts - used <= {"integration.severity"}, "a fact that no message tells"
    assert str(content).count("{{ template ") == len(
        re.findall(r'{{ template "[^"]+" \. }}[\'"]', str(content))
    )


EU = "https://events.eu.pagerduty.com/v2/enqueue"


def test_events_go_to_the_address_that_is_given_for_pagerduty(tmp_path: Path) -> None:
    shared = PagerDuty(routing_key=Secret("a"), url=EU)
    teams = (
        Team(name="own-key", pagerduty=PagerDuty(routing_key=Secret("b"))),
        Team(name="own-both", pagerduty=PagerDuty(routing_key=Secret("c"), url="https://sink.example/")),
        Team(name="lent", pagerduty=PagerDuty()),
    )
    content = _generated(Notifications(pagerduty=shared, teams=teams), tmp_path)
    receivers = ("critical", "team-own-key", "team-own-both", "team-lent")
    urls = [_configs(content, "pagerduty_configs", name)[0]["url"] for name in receivers]
    assert urls == [EU, EU, "https://sink.example/", EU]
    content = _generated(Notifications(pagerduty=PagerDuty(routing_key=Secret("a"))), tmp_path)
    assert "url" not in _configs(content, "pagerduty_configs", "critical")[0]


def test_an_address_for_pagerduty_that_is_none_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        _loaded(tmp_path, "pagerduty: {routing_key: x, url: events.eu.pagerduty.com}")
    (mistake,) = caught.value.mistakes
    assert (mistake.line, mistake.what) == (2, "url is no web address")


def test_a_team_that_borrows_the_webhook_of_slack_borrows_how_it_is_judged(tmp_path: Path) -> None:
    shared = Slack(api_url=Secret("https://h/"), tls=TlsOptions(ca_file="/ca.pem"))
    own = TlsOptions(ca_file="/own.pem")
    teams = (
        Team(name="lent", slack=Slack(channel="#a")),
        Team(name="judges", slack=Slack(channel="#b", tls=own)),
        Team(name="own", slack=Slack(api_url=Secret("https://i/"))),
    )
    content = _generated(Notifications(slack=shared, teams=teams), tmp_path)
    found = [_tls(_configs(content, "slack_configs", f"team-{team.name}")[0]) for team in teams]
    assert found == [{"ca_file": "/ca.pem"}, {"ca_file": "/own.pem"}, None]


@pytest.mark.parametrize(
    ("start", "end", "times"),
    [
        ("22:00", "00:00", [("22:00", "24:00")]),
        ("00:00", "06:00", [("00:00", "06:00")]),
        ("22:00", "06:00", [("22:00", "24:00"), ("00:00", "06:00")]),
        ("00:01", "00:00", [("00:01", "24:00")]),
        ("12:00", "13:00", [("12:00", "13:00")]),
    ],
)
def test_quiet_hours_are_ranges_that_alertmanager_takes(
    tmp_path: Path, start: str, end: str, times: list[tuple[str, str]]
) -> None:
    team = Team(name="a", quiet_hours=QuietHours(start=start, end=end), email=Email(to=("a@b.c",)))
    content = _generated(Notifications(teams=(team,)), tmp_path)
    quiet = next(one for one in content["time_intervals"] if one["name"] == "quiet-a")
    ranges = [(one["start_time"], one["end_time"]) for one in quiet["time_intervals"][0]["times"]]
    assert ranges == times


def test_a_teams_low_alerts_wait_for_business_hours_and_its_others_do_not(tmp_path: Path) -> None:
    team = Team(name="everything", minimum_severity=Severity.LOW, email=Email(to=("a@b.c",)))
    content = _generated(Notifications(teams=(team,)), tmp_path)
    route = next(one for one in content["route"]["routes"] if one["receiver"] == "team-everything")
    waits = {step["matchers"][0]: step.get("active_time_intervals") for step in route["routes"]}
    assert waits == {
        'severity="critical"': None,
        'severity="high"': None,
        'severity="medium"': None,
        'severity="low"': ["business-hours"],
    }


def test_a_team_gets_each_severity_at_its_pace(tmp_path: Path) -> None:
    team = Team(name="a", minimum_severity=Severity.MEDIUM, email=Email(to=("a@b.c",)))
    content = _generated(Notifications(teams=(team,)), tmp_path)
    ours = next(one for one in content["route"]["routes"] if one["receiver"] == "team-a")
    assert ours["continue"] is True
    assert 'severity=~"critical|high|medium"' in ours["matchers"]
    for step, severity in zip(ours["routes"], Severity, strict=False):
        pace = (step["group_wait"], step["group_interval"], step["repeat_interval"])
        assert pace == (severity.group_wait, severity.group_interval, severity.repeat_interval)
    assert len(ours["routes"]) == 3


def test_yaml_that_was_generated_reads_back_as_it_was(tmp_path: Path) -> None:
    content = _generated(Notifications(email=Email(to=("a@b.c",))), tmp_path)
    assert yaml.safe_load((tmp_path / "am.yml").read_text()) == content


def test_a_mail_goes_from_its_sender_by_its_server_with_tls_unless_configured_otherwise(
    tmp_path: Path,
) -> None:
    email = Email(
        to=("a@b.c", "d@e.f"), sender="x@y.z", smarthost="m:587", username="u", password=Secret("p")
    )
    (config,) = _configs(_generated(Notifications(email=email), tmp_path), "email_configs", "low")
    assert {key: value for key, value in config.items() if "{{" not in str(value)} == {
        "send_resolved": True,
        "to": "a@b.c, d@e.f",
        "from": "x@y.z",
        "smarthost": "m:587",
        "require_tls": True,
        "auth_username": "u",
        "auth_password_file": "/run/alertmanager/smtp-password",
    }
    plain = Email(to=("a@b.c",), require_tls=False)
    (config,) = _configs(_generated(Notifications(email=plain), tmp_path), "email_configs", "low")
    assert config["require_tls"] is False
    assert set(config["headers"]) == {"Subject"}


@pytest.mark.parametrize(
    ("channel", "texts"),
    [
        ("slack", {"color", "title", "title_link", "fallback", "text"}),
        ("email", {"headers", "html", "text"}),
        (
            "pagerduty",
            {"severity", "description", "class", "component", "group", "client_url", "details", "links"},
        ),
        ("sms", {"message"}),
        ("webhook", set()),
    ],
)
def test_every_text_of_a_channel_is_ours(tmp_path: Path, channel: str, texts: set[str]) -> None:
    kind, given = CHANNELS[channel]
    content = _generated(_loaded(tmp_path, f"{channel}: {{{given}}}").notifications, tmp_path)
    (config,) = _configs(content, kind, "critical")
    assert {key for key, value in config.items() if "{{" in str(value)} == texts
    assert set(config.get("details", ())) <= {"firing", "resolved", "respond"}


def test_the_credentials_of_text_messages_are_a_file_of_aws() -> None:
    sns = Sns(region="eu-central-1", access_key="AKIA", secret_key=Secret("planted"))
    sms = Sms(to=("+491701234567",), sns=sns)
    secrets = SecretFiles("/run/alertmanager")
    routing.configuration(Notifications(sms=sms), secrets)
    file = ConfigParser()
    file.read_string(secrets.files["aws-credentials"].reveal())
    wanted = {"aws_access_key_id": "AKIA", "aws_secret_access_key": "planted"}
    assert dict(file["integration-exporter"]) == wanted
