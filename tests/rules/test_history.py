"""The receiver of the history gets every notice, and takes none from anybody else."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import registry
from exporter.config.load import load_file
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from exporter.core.metric import Metric
from exporter.core.own_alert import OwnAlert
from exporter.core.severity import Severity
from exporter.generate import bundle, routing
from exporter.generate.document import as_yaml
from exporter.generate.secret_files import SecretFiles
from exporter.notices.payload import MOST_ALERTS
from tests.rules.test_routing import TEAMS
from tests.rules.tools import program, run, write

OWN = OwnAlert(
    *("QueueLong", Metric("integration_queue_length", "Length."), ">", 1.0, Severity.MEDIUM, "x"),
    recipients=("gold", "money"),
)
RECEIVER = {"name": "history", "webhook_configs": [{"url": "http://127.0.0.1:10055/api/v1/notices"}]}


def _file(folder: Path, content: dict[str, Any], name: str) -> Path:
    write(folder, {name: as_yaml(content), "templates/x.tmpl": '{{ define "x" }}{{ end }}'})
    done = run(program("amtool"), "check-config", str(folder / name))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / name


def _receivers(path: Path, labels: dict[str, str]) -> list[str]:
    words = [f"{name}={value}" for name, value in labels.items()]
    done = run(program("amtool"), "config", "routes", "test", f"--config.file={path}", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().split(",")


CASES: list[dict[str, str]] = [
    *({"alertname": "IntegrationDown", "severity": severity.value} for severity in Severity),
    {"alertname": "IntegrationDown", "severity": "high", "tenant": "acme"},
    {"alertname": "IntegrationDown", "severity": "low", "integration": "payments"},
    {"alertname": "QueueLong", "severity": "medium"},
    {"alertname": "Elsewhere", "severity": "page"},
    {"alertname": "Elsewhere"},
]


@pytest.mark.parametrize("labels", CASES, ids=lambda labels: "-".join(labels.values()))
def test_every_alert_reaches_the_history_and_whom_it_reached_before(
    labels: dict[str, str], tmp_path: Path
) -> None:
    without = routing.configuration(TEAMS, SecretFiles("/run/a"), own=(OWN,))
    with_it = routing.configuration(TEAMS, SecretFiles("/run/a"), own=(OWN,), history=RECEIVER)
    before = _receivers(_file(tmp_path, without, "before.yml"), labels)
    assert _receivers(_file(tmp_path, with_it, "after.yml"), labels) == ["history", *before]


def test_the_watchdog_is_no_notice(tmp_path: Path) -> None:
    content = routing.configuration(TEAMS, SecretFiles("/run/a"), history=RECEIVER)
    path = _file(tmp_path, content, "am.yml")
    assert _receivers(path, {"alertname": "Watchdog", "severity": "none"}) == ["nowhere"]


def test_in_a_configuration_of_others_it_gets_our_alerts_alone(tmp_path: Path) -> None:
    parts = routing.for_existing(TEAMS, SecretFiles("/run/a"), history=RECEIVER)
    whole = {
        "route": {"receiver": "theirs", **parts["route"]},
        "receivers": [{"name": "theirs"}, *parts["receivers"]],
        "time_intervals": parts["time_intervals"],
    }
    path = _file(tmp_path, whole, "am.yml")
    ours = {"alertname": "IntegrationDown", "severity": "critical", "scope": "tenant"}
    assert _receivers(path, ours)[0] == "integration-history"
    assert _receivers(path, {"alertname": "Theirs", "severity": "critical"}) == ["theirs"]


def test_what_is_collected_waits_as_long_as_for_the_channels() -> None:
    content = routing.configuration(TEAMS, SecretFiles("/run/a"), history=RECEIVER)
    (route,) = [one for one in content["route"]["routes"] if one["receiver"] == "history"]
    waits = {one["matchers"][0]: one["group_wait"] for one in route["routes"]}
    assert waits == {f'severity="{severity}"': severity.group_wait for severity in Severity}


def _loaded(folder: Path, history: str, exporter: str = "{}") -> Configuration:
    path = folder / "c.yml"
    path.write_text(f"generate: {{exporter: {exporter}}}\nnotifications: {{history: {history}}}\n")
    return load_file(str(path), registry.catalogue(), {})


def _configs(made: bundle.UserFiles) -> list[dict[str, Any]]:
    content = yaml.safe_load(made.files["alertmanager/alertmanager.yml"])
    found = [one["webhook_configs"] for one in content["receivers"] if one["name"] == "history"]
    return [config for configs in found for config in configs]


def test_it_is_there_only_where_it_is_asked_for(tmp_path: Path) -> None:
    assert _configs(bundle.user_files(None)) == []
    assert _configs(bundle.user_files(_loaded(tmp_path, "null"))) == []


def test_each_replica_gets_every_notice_with_the_credential_of_a_file(tmp_path: Path) -> None:
    exporter = "{addresses: ['a:1', 'b:2'], scheme: https, path_prefix: /x, url: https://people.example}"
    made = bundle.user_files(_loaded(tmp_path, "{bearer_token: planted-notify}", exporter))
    (name,) = made.secrets
    path = f"{made.generation.secrets.dir}/{name}"
    assert made.secrets[name].reveal() == "planted-notify"
    assert not [text for text in made.files.values() if "planted-notify" in text]
    assert _configs(made) == [
        {
            "send_resolved": True,
            "url": f"https://{address}/x/api/v1/notices",
            "max_alerts": MOST_ALERTS,
            "http_config": {"authorization": {"type": "Bearer", "credentials_file": path}},
        }
        for address in ("a:1", "b:2")
    ]


def test_a_credential_that_was_read_from_a_file_stays_there_and_an_address_of_its_own_counts(
    tmp_path: Path,
) -> None:
    for name in ("token", "ca.pem"):
        (tmp_path / name).write_text("planted-notify")
    history = "{bearer_token_file: token, url: 'https://inner:9/x/', tls: {ca_file: ca.pem}}"
    made = bundle.user_files(_loaded(tmp_path, history))
    (config,) = _configs(made)
    assert config["url"] == "https://inner:9/x/api/v1/notices" and not made.secrets
    assert config["http_config"] == {
        "authorization": {"type": "Bearer", "credentials_file": f"{tmp_path}/token"},
        "tls_config": {"ca_file": f"{tmp_path}/ca.pem"},
    }


@pytest.mark.parametrize(
    ("history", "says"),
    [
        ("{}", "history has no bearer_token"),
        ("{bearer_token: x, url: nowhere}", "url is no web address"),
        ("{bearer_token: x, tls: {cert_file: c.yml}}", "cert_file and key_file belong together"),
    ],
)
def test_a_history_that_cannot_work_is_a_mistake(tmp_path: Path, history: str, says: str) -> None:
    with pytest.raises(ConfigError) as found:
        _loaded(tmp_path, history)
    assert says in str(found.value)
