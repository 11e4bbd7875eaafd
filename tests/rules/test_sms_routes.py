"""Text messages by Twilio go through the exporter, but for those that say that the exporter is ill."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import registry
from exporter.alerts.process import COMPONENT
from exporter.config.load import load_file
from exporter.core.configuration import Configuration
from exporter.core.severity import Severity
from exporter.generate import bundle
from exporter.generate.routing import OURS, PAST_BRIDGE
from exporter.notices.payload import MOST_ALERTS
from tests.rules.tools import program, run, write
from tests.servers.text_vendors import sms_yaml

CRITICAL = {"alertname": "IntegrationDown", "severity": "critical", "integration": "payments"}
ILL = {"alertname": "IntegrationExporterDown", "severity": "critical", **COMPONENT}


def _loaded(folder: Path, sms: str, more: str = "") -> Configuration:
    path = folder / "c.yml"
    path.write_text(
        "generate: {exporter: {addresses: ['a:1', 'b:2']}}\n"
        "notifications:\n"
        "  webhook: {url: 'http://127.0.0.1:9/'}\n"
        "  pagerduty: {routing_key: x}\n"
        f"  sms: {sms}\n{more}"
    )
    return load_file(str(path), registry.catalogue(), {})


def _made(folder: Path, sms: str, more: str = "") -> tuple[bundle.UserFiles, dict[str, dict[str, Any]], Path]:
    made = bundle.user_files(_loaded(folder, sms, more))
    write(folder, made.files)
    path = folder / "alertmanager/alertmanager.yml"
    done = run(program("amtool"), "check-config", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    return made, {one["name"]: one for one in yaml.safe_load(path.read_text())["receivers"]}, path


def _receivers(path: Path, labels: dict[str, str]) -> list[str]:
    words = [f"{name}={value}" for name, value in labels.items()]
    done = run(program("amtool"), "config", "routes", "test", f"--config.file={path}", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().split(",")


def _urls(receiver: dict[str, Any]) -> list[str]:
    return [one["url"] for one in receiver.get("webhook_configs", ())]


TOKEN = "  history: {bearer_token: planted-notify}\n"


@pytest.mark.parametrize("sns", [True, False], ids=["sns", "no sns"])
def test_critical_alerts_go_to_each_replica_and_what_says_it_is_ill_goes_past_it(
    sns: bool, tmp_path: Path
) -> None:
    made, receivers, path = _made(tmp_path, sms_yaml("http://127.0.0.1:8", sns=sns), TOKEN)
    bridge = ["http://a:1/api/v1/sms", "http://b:2/api/v1/sms"]
    assert _receivers(path, CRITICAL) == ["history", "critical"]
    assert _urls(receivers["critical"]) == [*bridge, "http://127.0.0.1:9/"]
    assert "sns_configs" not in receivers["critical"]
    assert _receivers(path, ILL) == ["history", PAST_BRIDGE]
    assert _urls(receivers[PAST_BRIDGE]) == ["http://127.0.0.1:9/"]
    assert ("sns_configs" in receivers[PAST_BRIDGE]) is sns
    assert receivers[PAST_BRIDGE]["pagerduty_configs"] == receivers["critical"]["pagerduty_configs"]
    elsewhere = [
        name for name, one in receivers.items() if name != "critical" and set(_urls(one)) & set(bridge)
    ]
    assert elsewhere == []
    config = receivers["critical"]["webhook_configs"][0]
    secret = f"{made.generation.secrets.dir}/history-token"
    assert config == {
        "send_resolved": True,
        "url": bridge[0],
        "max_alerts": MOST_ALERTS,
        "http_config": {"authorization": {"type": "Bearer", "credentials_file": secret}},
    }
    assert not [text for text in made.files.values() if "planted" in text or "token-0123" in text]


@pytest.mark.parametrize("level", [one for one in Severity if one is not Severity.CRITICAL])
def test_no_other_severity_is_a_text_message(level: Severity, tmp_path: Path) -> None:
    _, receivers, path = _made(tmp_path, sms_yaml("http://127.0.0.1:8"))
    for labels in (CRITICAL, ILL):
        assert _receivers(path, labels | {"severity": level}) == [level]
    assert "sns_configs" not in receivers[level] and len(_urls(receivers[level])) <= 1


def test_every_alert_about_the_exporter_says_so_by_the_label_that_the_route_looks_at() -> None:
    about = [one.name for one in registry.alerts() if "component" in one.labels]
    assert {"IntegrationExporterDown", "IntegrationSmsFailing", "IntegrationSmsBacklog"} <= set(about)
    assert all(dict(one.labels) == COMPONENT for one in registry.alerts() if one.name in about)
    # What speaks of no integration and no tenant speaks of the exporter, or of what watches it.
    apps = {one for name in registry.event_sources() for one in registry.sources()[name].alerts}
    silent = {
        one.name for one in registry.alerts() if one.scope == "exporter" and one.levels and one not in apps
    }
    assert silent - set(about) == set()


def test_a_way_of_its_own_has_a_token_of_its_own(tmp_path: Path) -> None:
    bridge = ", bridge: {bearer_token: planted-bridge, url: 'https://inner:9/x/'}"
    made, receivers, _ = _made(tmp_path, sms_yaml("http://127.0.0.1:8", more=bridge), TOKEN)
    config = receivers["critical"]["webhook_configs"][0]
    assert config["url"] == "https://inner:9/x/api/v1/sms"
    assert config["http_config"]["authorization"]["credentials_file"].endswith("/sms-token")
    assert made.secrets["sms-token"].reveal() == "planted-bridge"


def test_without_a_token_it_is_a_note(tmp_path: Path) -> None:
    without = _loaded(tmp_path, sms_yaml("http://127.0.0.1:8"))
    assert any("sms.bridge.bearer_token_file" in note for note in without.notes)
    assert not [
        note for note in _loaded(tmp_path, sms_yaml("http://127.0.0.1:8"), TOKEN).notes if "sms" in note
    ]


def test_amazon_alone_is_spoken_to_by_alertmanager_itself(tmp_path: Path) -> None:
    sms = "{to: ['+491701234567'], sns: {region: r, api_url: 'http://127.0.0.1:7/'}}"
    _, receivers, path = _made(tmp_path, sms)
    assert _receivers(path, ILL) == _receivers(path, CRITICAL) == ["critical"]
    assert receivers["critical"]["sns_configs"][0]["api_url"] == "http://127.0.0.1:7/"
    assert PAST_BRIDGE not in receivers


def test_in_a_configuration_of_others_it_is_the_same(tmp_path: Path) -> None:
    made = bundle.user_files(_loaded(tmp_path, sms_yaml("http://127.0.0.1:8"), TOKEN))
    parts = yaml.safe_load(made.files["alertmanager/into-yours.yml"])
    whole = {
        "route": {"receiver": "theirs", **parts["route"]},
        "receivers": [{"name": "theirs"}, *parts["receivers"]],
        "time_intervals": parts["time_intervals"],
    }
    write(tmp_path, {"whole.yml": yaml.safe_dump(whole)})
    scope = {"scope": "exporter"} if "scope" in OURS else {}
    assert _receivers(tmp_path / "whole.yml", ILL | scope) == [
        "integration-history",
        f"integration-{PAST_BRIDGE}",
    ]
