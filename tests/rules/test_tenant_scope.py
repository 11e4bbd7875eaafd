"""What belongs to a tenant and no integration: metrics, thresholds, rules, panels and the exposition."""

from pathlib import Path

import pytest

from exporter.alerts.cases.series import text
from exporter.core.alert import Alert, Case, Runbook
from exporter.core.metric import Kind, Metric, Scope
from exporter.core.panel import Panel
from exporter.core.severity import Severity
from exporter.core.threshold import Threshold, ThresholdFamily
from exporter.engine.threshold_series import ThresholdSeries
from exporter.exposition import Exposition
from exporter.generate.dashboards import _promql
from exporter.generate.document import as_yaml
from exporter.generate.rule_tests import tests_of as generated_tests
from exporter.generate.rule_text import TextValues
from exporter.generate.rules import Links, alert_files
from tests.generate.dashboards_asking import knowing
from tests.rules.tools import program, run, write

NOW = 1_790_000_040.0
FAILED = Metric(
    "integration_made_failed_ratio", "Share of requests that fail.", unit="ratio", scope=Scope.TENANT
)
LATENCY = Metric(
    "integration_made_latency_seconds",
    "How long requests take.",
    Kind.HISTOGRAM,
    unit="seconds",
    scope=Scope.TENANT,
    buckets=(0.1, 1.0, 10.0),
)
RATIO = ThresholdFamily(
    "made_failed_ratio",
    "Share of requests above which too many fail.",
    {Severity.MEDIUM: 0.05, Severity.HIGH: 0.2},
    unit="ratio",
    scope=Scope.TENANT,
)
SLOW = ThresholdFamily(
    "made_latency_seconds",
    "Latency above which requests are slow.",
    {Severity.LOW: 5.0},
    unit="seconds",
    scope=Scope.TENANT,
)
PAGE = Runbook("a", "b", "c", "d")
LINKS = Links("https://exporter.example", grafana="https://grafana.example")


def share(tenant: str) -> str:
    return text(FAILED, tenant=tenant)


def override(tenant: str, severity: str) -> str:
    return text(RATIO.metric, tenant=tenant, severity=severity)


HIGH, MEDIUM = ({"tenant": "acme", "severity": level} for level in ("high", "medium"))
FAILING = Alert(
    "IntegrationMadeFailing",
    "Requests fail.",
    "Requests of tenant {{ $labels.tenant }} fail.",
    PAGE,
    observed=f"max by (tenant) (last_over_time({FAILED}[$lookback]))",
    by=Scope.TENANT.value,
    family=RATIO,
    cases=(
        Case("fires", {share("acme"): "0.3x30", share("good"): "0.01x30"}, "20m", (HIGH, MEDIUM)),
        Case("quiet", {share("acme"): "0.01x30"}, "20m"),
        Case("boundary", {share("acme"): "0.2x30"}, "20m", (MEDIUM,), says="a fifth is not more than that"),
        Case("missing", {}, "20m"),
        Case(
            "quiet",
            {
                share("acme"): "0.3x30",
                override("acme", "high"): "0.5x30",
                override("acme", "medium"): "0.4x30",
            },
            "20m",
            says="a laxer override silences the tenant",
        ),
        Case(
            "fires",
            {share("acme"): "0.03x30", share("good"): "0.03x30", override("acme", "medium"): "0.02x30"},
            "20m",
            (MEDIUM,),
            says="a stricter override fires for its tenant alone",
        ),
    ),
)


def buckets(tenant: str, *rates: int) -> dict[str, str]:
    """A histogram that grows by `rates` a minute, bucket by bucket."""
    bounds = ("0.1", "1.0", "10.0", "+Inf")
    return {
        text(f"{LATENCY}_bucket", tenant=tenant, le=bound): f"0+{rate}x60"
        for bound, rate in zip(bounds, rates, strict=True)
    }


SLOW_REQUESTS = Alert(
    "IntegrationMadeSlow",
    "Requests are slow.",
    "Requests of tenant {{ $labels.tenant }} are slow.",
    PAGE,
    observed=f"histogram_quantile(0.95, sum by (tenant, le) (rate({LATENCY}_bucket[5m])))",
    by=Scope.TENANT.value,
    family=SLOW,
    cases=(
        Case("fires", buckets("acme", 10, 20, 100, 100), "20m", ({"tenant": "acme"},)),
        Case("quiet", buckets("acme", 10, 99, 100, 100), "20m"),
    ),
)
ALERTS, FAMILIES = (FAILING, SLOW_REQUESTS), (RATIO, SLOW)


def test_alerts_of_tenants_hold_in_promtool(tmp_path: Path) -> None:
    files = alert_files({"made": ALERTS}, FAMILIES, TextValues("10m"), LINKS)
    rules = {f"{name}.yml": content for name, content in files.items()}
    tests = generated_tests(ALERTS, FAMILIES, rules)
    write(
        tmp_path, {"tests.yml": as_yaml(tests), **{name: as_yaml(content) for name, content in rules.items()}}
    )
    for command in (("check", "rules", "--lint=all", "--lint-fatal", *rules), ("test", "rules", "tests.yml")):
        done = run(program("promtool"), *command, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    text = "".join(map(as_yaml, rules.values()))
    assert "provider" not in text
    assert "integration," not in text


def test_records_and_alerts_are_named_after_the_tenant() -> None:
    files = alert_files({"made": ALERTS}, FAMILIES, TextValues("10m"), LINKS)
    rules = [rule for group in files["made"]["groups"] for rule in group["rules"]]
    assert [rule["record"] for rule in rules if "record" in rule] == [
        "severity:integration_threshold_made_failed_ratio:default",
        "tenant_severity:integration_threshold_made_failed_ratio:override",
        "all:integration_threshold_made_failed_ratio:loosest",
        "severity:integration_threshold_made_latency_seconds:default",
        "tenant_severity:integration_threshold_made_latency_seconds:override",
        "all:integration_threshold_made_latency_seconds:loosest",
        "tenant:integration_threshold_made_failed_ratio:beyond",
        "tenant:integration_threshold_made_latency_seconds:beyond",
    ]
    alert = next(rule for rule in rules if "alert" in rule)
    assert alert["labels"] == {"severity": "high", "scope": "tenant"}
    assert alert["annotations"]["dashboard_url"].endswith("?var-tenant={{ $labels.tenant }}")


def test_thresholds_of_tenants_carry_the_tenant_alone() -> None:
    exposition = Exposition()
    ThresholdSeries(exposition).apply(
        (
            (
                Threshold(RATIO, "", "", "", Severity.HIGH, 0.2),
                Threshold(RATIO, "", "", "acme", Severity.HIGH, 0.5),
            ),
        )
    )
    body = exposition.render(False, False).decode()
    assert 'integration_threshold_made_failed_ratio{severity="high",tenant=""} 0.2\n' in body
    assert 'integration_threshold_made_failed_ratio{severity="high",tenant="acme"} 0.5\n' in body
    assert "integration=" not in body


@pytest.mark.parametrize("scope", [Scope.INTEGRATION, Scope.EXPORTER])
def test_thresholds_without_tenants_are_refused(scope: Scope) -> None:
    with pytest.raises(ValueError, match="must be TARGET or TENANT"):
        ThresholdFamily("made", "Made.", {Severity.HIGH: 1.0}, scope=scope)


def test_an_alert_without_the_labels_of_its_thresholds_is_refused() -> None:
    family = ThresholdFamily("made", "Made.", {Severity.HIGH: 1.0})
    with pytest.raises(ValueError, match="the labels of the scope"):
        Alert("IntegrationMade", "S.", "D.", PAGE, observed="x", by=("tenant",), family=family)


def test_dashboards_filter_by_the_labels_that_there_are(tmp_path: Path) -> None:
    assert _promql.series(FAILED, 'a="b"') == f'{FAILED}{{tenant=~"$tenant", a="b"}}'
    assert _promql.each(FAILED) == f'max by (tenant) ({FAILED}{{tenant=~"$tenant"}})'
    assert _promql.limit(RATIO) == f'min by (severity) ({RATIO.metric}{{tenant=""}})'
    panel = Panel("A", "A.", _promql.each(FAILED), scope=Scope.TENANT)
    assert (panel.variables, panel.legend_format) == (("tenant",), "{{tenant}}")
    series = {
        share("lax"): 0.3,
        share("usual"): 0.3,
        override("", "high"): 0.2,
        override("", "medium"): 0.05,
        override("lax", "high"): 0.9,
    }
    lines = [f"{name} {value} {NOW:.0f}" for name, value in series.items()]
    with knowing([*lines, "# EOF"], NOW, tmp_path) as asked:
        found = asked.ask(_promql.level(f"max by (tenant) ({FAILED})", RATIO))
    assert {row["metric"]["tenant"]: row["value"][1] for row in found} == {"lax": "2", "usual": "3"}
