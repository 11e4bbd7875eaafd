"""The rules are judged by Prometheus' own tool: every alert fires, stays quiet and bears missing data."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporter import registry
from exporter.alerts.availability import STATE
from exporter.core.alert import CASE_KINDS, Alert, Case, Runbook
from exporter.core.common_metrics import CONSECUTIVE_FAILURES
from exporter.core.durations import seconds
from exporter.core.generation import Generation
from exporter.generate import bundle
from exporter.generate.document import as_yaml
from exporter.generate.rule_tests import tests_of as generated_tests
from exporter.generate.rule_text import TextValues, look_back
from exporter.generate.rules import Links, RuleFiles, find_required_files
from tests.rules.tools import program, run, write

ALERTS = registry.alerts()
LINKS = Links("https://exporter.example")
NAMES = [*bundle.alert_sources(), "without-exporter"]


def test_the_rules_pass_the_check_of_prometheus_without_a_remark(tree: Path) -> None:
    rules = sorted(map(str, (tree / "prometheus/rules").glob("*.yml")))
    done = run(program("promtool"), "check", "rules", "--lint=all", "--lint-fatal", *rules)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_accepts_its_configuration(tree: Path) -> None:
    done = run(program("promtool"), "check", "config", str(tree / "prometheus/prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rule files found" in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_every_case_holds(tree: Path, name: str) -> None:
    done = run(program("promtool"), "test", "rules", f"{name}.yml", cwd=tree / "prometheus/tests")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_has_a_case_of_every_kind(alert: Alert) -> None:
    assert {case.kind for case in alert.cases} >= set(CASE_KINDS)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_severity_of_an_alert_fires_in_a_case(alert: Alert) -> None:
    fired = {labels.get("severity", "") for case in alert.cases for labels in case.fires}
    if len(alert.levels) > 1:
        assert fired == {str(level) for level in alert.levels}
    assert any(case.fires for case in alert.cases)


REMEMBERED = f"last_over_time({CONSECUTIVE_FAILURES}[{STATE}])"
NEWEST = str(CONSECUTIVE_FAILURES)
OVERRIDES = "max by (integration, provider, tenant, severity)"
ANY_INTEGRATION = "max by (provider, tenant, severity)"
SABOTAGE = [
    ("TargetFailing", "three failures are", ">= on (integration, provider)", "> on (integration, provider)"),
    ("TargetFailing", "two failures are not three", ">= on (integration", "!= on (integration"),
    (
        "TargetFailing",
        "one replica that still gets through is believed",
        "min by (integration",
        "max by (integration",
    ),
    ("TargetFailing", "a laxer integration override silences", ">= on (integration", "< on (integration"),
    ("TargetFailing", "a laxer tenant override silences that tenant only", "unless on", "and on"),
    (
        "TargetFailing",
        "a stricter tenant override fires for that tenant only",
        "provider, tenant) group",
        "provider) group",
    ),
    (
        "TargetFailing",
        "a tenant's override for one integration leaves its other ones alone",
        OVERRIDES,
        ANY_INTEGRATION,
    ),
    (
        "TargetFailing",
        "two replicas give one alert",
        "provider, severity) (",
        "provider, severity, instance) (",
    ),
    ("TargetFailing", "a gap while the exporter restarts does not resolve it", REMEMBERED, NEWEST),
    ("Outage", "it stays 10 minutes after the share fell", "10m", "1m"),
    ("Outage", "it is held where it came twice, longer than those of its targets", "[90m]", "[30m]"),
    ("Outage", "30 % is not more than 30 %", "> 0.3", ">= 0.3"),
    ("Outage", "revoked credentials are no outage", "auth|", ""),
    ("ExporterIsolated", "another replica gets through", "min by (integration", "max by (integration"),
    ("ThresholdsMissing", "without latency_seconds", "latency_seconds[", "probe_failure_ratio["),
    ("CertificateExpiring", "21 days are not less than 21 days", "< on", "<= on"),
    ("LatencyHigh", "a target that fails is reported by other alerts", "[15m]) > 0", "[15m]) > 99"),
    ("BalanceRunningOut", "the pace of a few minutes is none", ">= 4", ">= 1"),
    ("LatencyHigh", "one slow probe of three", "(0.5,", "(0.95,"),
    ("LatencyHigh", "one slow probe of one every ten minutes", "> 400", "> 4000"),
    ("LatencyHigh", "one of two replicas is far away", "min by (integration", "max by (integration"),
    ("TargetFailing", "what fails twice within an hour is held", ">= 2", ">= 3"),
    ("Outage", "two that fail are too few", ">= 3", ">= 2"),
    ("ExporterIsolated", "a hiccup", ":failing >= 2", ":failing >= 1"),
    (
        "ProbeStale",
        "a target that was taken away in the middle of its probe is never overdue",
        "[4m]",
        "[6m]",
    ),
    ("Flapping", "six changes are not more than six", "> on", ">= on"),
    ("ProbeStale", "another replica probes", "max by (integration", "min by (integration"),
]


@pytest.mark.parametrize(("name", "says", "old", "new"), SABOTAGE)
def test_a_wrong_rule_is_found_by_its_case(tmp_path: Path, name: str, says: str, old: str, new: str) -> None:
    alert = next(alert for alert in ALERTS if alert.name == f"Integration{name}")
    (source,) = (source for source, some in bundle.alert_sources().items() if alert in some)
    # The labels kept apart besides would have to be in every text that is replaced.
    files = bundle.rule_files(generation=Generation(aggregation_labels=()))
    rules = {f"{needed}.yml": files[needed] for needed in find_required_files(files, source)}
    (case,) = (case for case in alert.cases if case.says == says)
    tests = generated_tests([replace(alert, cases=(case,))], registry.families().values(), rules)
    for content, passes in ((rules, True), (_replaced(rules, old, new), False)):
        write(
            tmp_path, {"tests.yml": as_yaml(tests), **{name: as_yaml(part) for name, part in content.items()}}
        )
        done = run(program("promtool"), "test", "rules", "tests.yml", cwd=tmp_path)
        assert (done.returncode == 0) is passes, done.stdout + done.stderr


def _replaced(content: Any, old: str, new: str) -> Any:
    if isinstance(content, dict):
        return {name: _replaced(part, old, new) for name, part in content.items()}
    if isinstance(content, list):
        return [_replaced(part, old, new) for part in content]
    return content.replace(old, new) if isinstance(content, str) else content


@pytest.mark.parametrize("source", bundle.alert_sources())
def test_the_texts_of_every_alert_are_expanded(tree: Path, tmp_path: Path, source: str) -> None:
    """Ask promtool for alerts that are not there, and read those that it got instead."""
    files, alerts = bundle.rule_files(), bundle.alert_sources()[source]
    rules = {
        f"{tree}/prometheus/rules/{name}.yml": files[name] for name in find_required_files(files, source)
    }
    alerts = tuple(replace(alert, cases=_one_of_each_severity(alert)) for alert in alerts)
    content = generated_tests(alerts, registry.families().values(), rules)
    cases = ((alert.name, case.at) for alert in alerts for case in alert.cases)
    for test, (name, moment) in zip(content["tests"], cases, strict=True):
        del test["promql_expr_test"]
        test["alert_rule_test"] = [{"alertname": name, "eval_time": moment, "exp_alerts": []}]
    (tmp_path / "texts.yml").write_text(as_yaml(content))
    done = run(program("promtool"), "test", "rules", str(tmp_path / "texts.yml"))
    output = done.stdout + done.stderr
    got = re.findall(r"Annotations:\{(.*?)\}\n", output)
    assert len(got) >= len(content["tests"])
    for text in got:
        assert not re.search(r"error exp|error:|\{\{|<no value>|%!", text), text
    for alert in alerts:
        assert f'runbook_url="http://127.0.0.1:10055/runbooks/{alert.name}"' in output


def _one_of_each_severity(alert: Alert) -> tuple[Case, ...]:
    """Return the shortest cases in which each severity of the alert fires."""
    chosen: dict[str, Case] = {}
    for case in sorted(alert.cases, key=lambda case: seconds(case.at)):
        for labels in case.fires:
            chosen.setdefault(labels.get("severity", ""), case)
    return tuple(case for case in alert.cases if any(case is one for one in chosen.values()))


def test_rules_look_back_two_and_a_half_intervals_but_ten_minutes_at_least() -> None:
    assert [look_back(seconds) for seconds in (0, 60, 240, 300, 3600)] == ["10m", "10m", "10m", "13m", "150m"]


def test_a_record_that_two_alerts_name_differently_is_refused() -> None:
    first, second = (_recording(expression) for expression in ("a", "b"))
    with pytest.raises(ValueError, match="recorded elsewhere"):
        RuleFiles(TextValues("10m"), LINKS).groups("x", [first, second])


def _recording(expression: str) -> Alert:
    page = Runbook("a", "b", "c", "d")
    return Alert("IntegrationX", "S.", "D.", page, expr="x:y:z > 1", records={"x:y:z": expression})


def test_a_record_that_is_made_too_seldom_for_an_alert_is_refused() -> None:
    slow = replace(_recording("a"), every="5m")
    with pytest.raises(ValueError, match="recorded every 5m, too seldom"):
        RuleFiles(TextValues("10m"), LINKS).groups("x", [slow, _recording("a")])


def test_alerts_of_one_subject_and_pace_are_a_group_that_runs_beside_the_others() -> None:
    page = Runbook("a", "b", "c", "d")
    first, second = (Alert(f"IntegrationX{end}", "S.", "D.", page, expr="1", subject="y") for end in "AB")
    third = replace(
        first, name="IntegrationXC", records={"a:b:c": "1"}, record_every={"a:b:c": "15m"}, every="4m"
    )
    groups = RuleFiles(TextValues("10m"), LINKS).groups("x", [first, third, second, _recording("a")])
    assert [(one["name"], one["interval"], len(one["rules"])) for one in groups] == [
        ("integration-y", "30s", 2),
        ("integration-y-15m", "15m", 1),
        ("integration-y-4m", "4m", 1),
        ("x", "30s", 2),
    ]


def test_the_catalogue_knows_the_name_of_everything_that_is_recorded() -> None:
    recorded = {rule["record"] for group in GROUPS for rule in group["rules"] if "record" in rule}
    assert registry.catalogue().records == recorded


def test_a_match_by_what_it_names_alone_gets_no_labels_of_environments() -> None:
    text = "a and on (tenant) b and $on (tenant) vector(1)"
    apart = TextValues("10m", labels=("cluster",)).of(text)
    assert apart == "a and on (tenant, cluster) b and on (tenant) vector(1)"
    assert TextValues("10m", labels=()).of(text) == "a and on (tenant) b and on (tenant) vector(1)"


def test_no_rule_chooses_series_by_a_tenant_that_is_empty() -> None:
    """For that matcher Prometheus reads the postings of every tenant."""
    rules = [rule for group in GROUPS for rule in group["rules"]]
    assert any("on (tenant) vector(1)" in rule["expr"] for rule in rules)
    found = [rule["expr"] for rule in rules if re.search(r'tenant\s*!?=~?\s*""', rule["expr"])]
    assert not found


GROUPS = [group for content in bundle.rule_files().values() for group in content["groups"]]
SLOW = {
    rule["record"]: group["name"]
    for group in GROUPS
    for rule in group["rules"]
    if "record" in rule and seconds(group["interval"]) > 120
}


@pytest.mark.parametrize("name", SLOW)
def test_what_is_recorded_in_minutes_is_read_with_a_look_back_by_other_groups(name: str) -> None:
    """Prometheus forgets a sample after five minutes."""
    for group in GROUPS:
        for rule in group["rules"]:
            if group["name"] != SLOW[name]:
                assert not re.search(rf"{re.escape(name)}\b(?!\[)", rule["expr"]), rule


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_is_evaluated_before_prometheus_forgets_that_it_fires(alert: Alert) -> None:
    assert seconds(alert.every) <= 240
