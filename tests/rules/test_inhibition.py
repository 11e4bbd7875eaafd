"""What hides what, seen in a real Alertmanager."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter import registry
from exporter.alerts.availability import DOWN
from exporter.core.alert import Alert
from exporter.core.severity import Severity
from tests.rules.tools import program
from tests.servers.ports import free_port

FIXED = {alert.name: alert.fixed_labels for alert in registry.alerts()}


class Alertmanager:
    """A running Alertmanager; asks its API v2."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._turns = 0

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._base}/-/ready", timeout=20) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._base}{path}", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def hidden(self, alerts: list[dict[str, str]]) -> list[bool]:
        """Fire `alerts`, tell which are hidden by another one, and resolve them again."""
        self._turns += 1
        # The inhibitor takes alerts up in their order: when it hides the last one, it has seen all.
        mark = {"integration": f"mark{self._turns}", "provider": "mark", "tenant": "mark"}
        marks = [_alert("CertificateExpiring", level, **mark) for level in ("critical", "medium")]
        self._post([*alerts, *marks], "2099-01-01T00:00:00Z")
        end = time.monotonic() + 60
        while not all(self._hides([*alerts, *marks])[-1:]):
            assert time.monotonic() < end, "the inhibitor did not take the alerts up"
            time.sleep(0.02)
        hidden = self._hides(alerts)
        self._post([*alerts, *marks], "2020-01-01T00:01:00Z")
        return hidden

    def _hides(self, alerts: list[dict[str, str]]) -> list[bool]:
        """Tell which of `alerts` are hidden now; what is not there yet is not."""
        found = {_key(one["labels"]): one["status"]["inhibitedBy"] for one in self._ask("/api/v2/alerts")}
        return [bool(found.get(_key(labels))) for labels in alerts]

    def _post(self, alerts: list[dict[str, str]], ends: str) -> None:
        body = [{"labels": labels, "startsAt": "2020-01-01T00:00:00Z", "endsAt": ends} for labels in alerts]
        self._ask("/api/v2/alerts", body)


def _key(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in labels.items() if value))


@pytest.fixture(scope="module")
def alertmanager(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    port = free_port()
    folder = tmp_path_factory.mktemp("alertmanager")
    command = [
        program("prometheus-alertmanager", "alertmanager"),
        f"--config.file={tree}/alertmanager/alertmanager.yml",
        f"--storage.path={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        server = Alertmanager(port)
        end = time.monotonic() + 60
        while not server.ready():
            assert time.monotonic() < end and process.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        yield server
        process.terminate()


def _alert(name: str, severity: str, **labels: str) -> dict[str, str]:
    name = f"Integration{name}"
    return {"alertname": name, "severity": severity, **FIXED.get(name, {}), **labels}


STRIPE = {"integration": "payments", "provider": "stripe"}
ACME = {**STRIPE, "tenant": "acme"}
OUTAGE = _alert("Outage", "critical", **STRIPE)
ISOLATED = _alert("ExporterIsolated", "critical")
NO_EXPORTER = _alert("ExporterDown", "high", job="x", replicas="none")
REPLICA_DOWN = _alert("ExporterDown", "high", job="x", instance="a")
ORDERS = {"integration": "orders", "provider": "postgres"}
REFUSED = _alert("DatabaseConnectionsRefused", "critical", **ORDERS)
EXPIRED = _alert("TokenExpired", "critical", **ACME, token="access")


@pytest.mark.parametrize(
    ("source", "other", "hidden"),
    [
        (OUTAGE, _alert("TargetFailing", "high", **ACME), True),
        (OUTAGE, _alert("LatencyHigh", "medium", **ACME), True),
        (OUTAGE, _alert("Down", "critical", **STRIPE), True),
        (OUTAGE, _alert("TargetFailing", "high", **{**ACME, "integration": "billing"}), False),
        (OUTAGE, _alert("TargetFailing", "high", **{**ACME, "provider": "twilio"}), False),
        (OUTAGE, _alert("CertificateExpiring", "critical", **ACME), False),
        (OUTAGE, _alert("ProbeStale", "high", **ACME), False),
        (ISOLATED, OUTAGE, True),
        (ISOLATED, _alert("Down", "critical", **STRIPE), True),
        (ISOLATED, _alert("TargetFailing", "high", **ACME), True),
        (ISOLATED, _alert("CertificateExpiring", "high", **ACME), False),
        (ISOLATED, _alert("ExporterDown", "high", job="integration-exporter"), False),
        (NO_EXPORTER, _alert("ProbeStale", "high", **ACME), True),
        (NO_EXPORTER, _alert("ThresholdsMissing", "high", **STRIPE), True),
        (NO_EXPORTER, _alert("TargetFailing", "high", **ACME), False),
        (NO_EXPORTER, _alert("ConfigReloadFailed", "medium", job="x"), False),
        (NO_EXPORTER, REPLICA_DOWN, True),
        (NO_EXPORTER, _alert("ExporterDown", "high", job="y", instance="c"), False),
        # The replica that still answers hangs.
        (REPLICA_DOWN, _alert("ProbeStale", "high", **ACME), False),
        (REPLICA_DOWN, _alert("ExporterDown", "high", job="x", instance="b"), False),
        (REFUSED, _alert("Down", "high", **ORDERS), True),
        (REFUSED, _alert("TargetFailing", "high", **ORDERS), True),
        (REFUSED, _alert("TargetFailing", "high", **ORDERS, tenant="acme"), False),
        (REFUSED, _alert("CertificateExpiring", "high", **ORDERS), False),
        (EXPIRED, _alert("TokenRefused", "high", **ACME, token="refresh"), True),
        (EXPIRED, _alert("TokenRefreshFailing", "high", **ACME, token="access"), True),
        (EXPIRED, _alert("TargetFailing", "high", **ACME), True),
        (EXPIRED, _alert("TargetFailing", "high", **STRIPE, tenant="beta"), False),
        (_alert("TokenRefused", "high", **ACME), _alert("TokenRefreshFailing", "high", **ACME), True),
        (_alert("TokenRefused", "high", **STRIPE, tenant="beta"), EXPIRED, False),
        (_alert("QuotaNearLimit", "critical", **ACME), _alert("TargetFailing", "high", **ACME), True),
        (_alert("QuotaNearLimit", "critical", **ORDERS), _alert("Down", "high", **ORDERS), True),
        (
            _alert("QuotaNearLimit", "critical", **ACME, quota="emails"),
            _alert("TargetFailing", "high", **ACME),
            False,
        ),
        # One that nobody acknowledged is no worse than it was: the quota is not used up.
        (
            _alert("QuotaNearLimit", "critical", **ACME, escalated_from="high"),
            _alert("TargetFailing", "high", **ACME),
            False,
        ),
        (
            _alert("QuotaNearLimit", "critical", **ACME, escalated_from="high"),
            _alert("QuotaNearLimit", "high", **ACME),
            True,
        ),
        ({**ISOLATED, "environment": "staging"}, _alert("TargetFailing", "high", **ACME), False),
        (
            {**ISOLATED, "environment": "staging"},
            _alert("TargetFailing", "high", **ACME, environment="staging"),
            True,
        ),
        ({**NO_EXPORTER, "environment": "staging"}, _alert("ProbeStale", "high", **ACME), False),
        (_alert("Down", "high", **STRIPE), _alert("TargetFailing", "high", **STRIPE), True),
        (_alert("Down", "high", **STRIPE), _alert("TargetFailing", "high", **ACME), False),
        # Of the only target of an integration.
        (_alert("Down", "critical", **ACME), _alert("TargetFailing", "high", **ACME), True),
        (_alert("Down", "high", **ACME), _alert("ProbeFailureRatioHigh", "high", **STRIPE), True),
        (_alert("Down", "high", **ACME), _alert("ErrorBudgetBurning", "medium", **STRIPE), True),
        (EXPIRED, _alert("Down", "high", **ACME), True),
        (EXPIRED, _alert("Down", "high", **STRIPE), False),
    ],
)
def test_what_explains_another_alert_hides_it(
    alertmanager: Alertmanager, source: dict[str, str], other: dict[str, str], hidden: bool
) -> None:
    assert alertmanager.hidden([source, other]) == [False, hidden]


@pytest.mark.parametrize("higher", Severity)
@pytest.mark.parametrize("lower", Severity)
def test_a_higher_severity_hides_a_lower_one_of_the_same_condition(
    alertmanager: Alertmanager, higher: Severity, lower: Severity
) -> None:
    if higher is lower:
        return
    alerts = [_alert("CertificateExpiring", level, **ACME) for level in (higher, lower)]
    assert alertmanager.hidden(alerts) == [higher in lower.below, lower in higher.below]


@pytest.mark.parametrize(
    "label", ["integration", "provider", "tenant", "token", "quota", "bucket", "database", "period"]
)
def test_conditions_that_differ_in_a_label_do_not_hide_each_other(
    alertmanager: Alertmanager, label: str
) -> None:
    labels = {**ACME, "token": "a", "quota": "a", "bucket": "a", "database": "a", "period": "a"}
    alerts = [_alert("X", "critical", **labels), _alert("X", "medium", **{**labels, label: "other"})]
    assert alertmanager.hidden(alerts) == [False, False]


def test_another_alert_of_the_same_target_is_not_hidden_by_severity(alertmanager: Alertmanager) -> None:
    alerts = [_alert("CertificateExpiring", "critical", **ACME), _alert("LatencyHigh", "medium", **ACME)]
    assert alertmanager.hidden(alerts) == [False, False]


@pytest.mark.parametrize("alert", registry.alerts(), ids=lambda alert: alert.name)
def test_an_alert_on_one_target_hides_none_on_a_whole_integration(alert: Alert) -> None:
    """But that on all targets may, since it has the tenant of an only target."""
    by = {one.name: one.by for one in registry.alerts()}
    whole = [name for name in alert.explains if "tenant" not in by[name]]
    assert not whole or "tenant" not in alert.by or alert is DOWN


@pytest.mark.parametrize("alert", registry.alerts(), ids=lambda alert: alert.name)
def test_an_alert_hides_only_what_is_not_more_severe(alert: Alert) -> None:
    known = {one.name: one for one in registry.alerts()}
    chosen = [level for level in alert.levels if f'severity="{level}"' in alert.explains_if]
    for name in alert.explains:
        least = (chosen or alert.levels)[-1]
        assert not set(known[name].levels) & (set(Severity) - {least, *least.below})
