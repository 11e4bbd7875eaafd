"""What no tool of Prometheus looks at: names, pages, and that every metric asked for exists."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import promql_parser
import pytest
from yarl import URL

from exporter import registry
from exporter.config.feeds.feeds import Feeds
from exporter.core.alert import Alert
from exporter.core.counting import COUNTERS
from exporter.core.generation import AGGREGATION_LABELS
from exporter.core.monitoring_series import MONITORING_SERIES
from exporter.core.severity import Severity
from exporter.engine.selfmetrics import SelfMetrics
from exporter.engine.tenants import TenantCollector
from exporter.generate import bundle
from exporter.generate.rules import GROUP_LIMIT
from exporter.lifecycle.own_metrics import export_own_metrics
from exporter.lifecycle.ratelimits import export_limit_metrics
from exporter.server.pages import tabs

FILES = bundle.rule_files()
GROUPS = [group for content in FILES.values() for group in content["groups"]]
RULES = [rule for group in GROUPS for rule in group["rules"]]
RECORDS = [rule for rule in RULES if "record" in rule]
ALERT_RULES = [rule for rule in RULES if "alert" in rule]
RECORD_NAME = re.compile(r"(?P<level>[a-z_]+):(?P<metric>integration_[a-z0-9_]+):[a-z0-9_]+\Z")
DURATION = re.compile(r"(\d+[smhd])+\Z")
# Functions that came after 2.42, and those that need a feature flag.
TOO_NEW = {
    "mad_over_time",
    "sort_by_label",
    "sort_by_label_desc",
    "info",
    "limitk",
    "limit_ratio",
    "double_exponential_smoothing",
}


def _named(rule: dict[str, Any]) -> str:
    return str(rule.get("alert") or rule["record"])


def _nodes(expression: str) -> list[Any]:
    found: list[Any] = []
    promql_parser.walk(promql_parser.parse(expression), lambda node: found.append(node))
    return found


def uncounted(expression: str) -> list[str]:
    """Return what is counted and not called like a counter: Prometheus 3 answers it with a notice."""
    calls = [node for node in _nodes(expression) if isinstance(node, promql_parser.Call)]
    counted = [node.args[0] for node in calls if node.func.name in ("increase", "rate", "irate")]
    named = [
        str(one.vector_selector.name) for one in counted if isinstance(one, promql_parser.MatrixSelector)
    ]
    return [name for name in named if not name.endswith(COUNTERS)]


def _metrics(expression: str) -> Iterator[str]:
    for node in _nodes(expression):
        if isinstance(node, promql_parser.VectorSelector):
            yield str(node.name)


def _watched() -> set[str]:
    """Return the names of what the exporter reads from its parts at each scrape."""
    metrics = SelfMetrics()
    # Their values are asked for at a scrape alone, so that nothing needs to be behind these.
    export_own_metrics(metrics, MagicMock(), MagicMock())
    export_limit_metrics(metrics, MagicMock())
    return {str(name) for name in metrics.registry._names_to_collectors}


def _known() -> set[str]:
    tenants = TenantCollector(Feeds(), lambda: None)
    families = [family for part in (SelfMetrics().registry, tenants) for family in part.collect()]
    # Counters alone are asked for by another name than their family's; some have no sample yet.
    own = {f"{family.name}_total" for family in families if family.type == "counter"}
    own |= {family.name for family in families if family.type != "counter"}
    ours = {name for metric in registry.metrics() for name in metric.series_names}
    return {"up", *MONITORING_SERIES, *_watched(), *own, *ours, *(rule["record"] for rule in RECORDS)}


@pytest.mark.parametrize("rule", RULES, ids=_named)
def test_a_rule_asks_only_for_metrics_that_exist(rule: dict[str, Any]) -> None:
    assert set(_metrics(rule["expr"])) <= _known()


@pytest.mark.parametrize("rule", RULES, ids=_named)
def test_a_rule_uses_nothing_newer_than_prometheus_2_42(rule: dict[str, Any]) -> None:
    calls = {node.func.name for node in _nodes(rule["expr"]) if isinstance(node, promql_parser.Call)}
    assert not calls & TOO_NEW
    assert "$" not in rule["expr"]
    assert set(rule) <= {"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"}


def _labels(node: Any) -> list[str]:
    """Return the labels of what an expression gives, which is that of its left side in a comparison."""
    if isinstance(node, promql_parser.AggregateExpr) and str(node.op) in ("topk", "bottomk"):
        # Of what it chooses from.
        return _labels(node.expr)
    if isinstance(node, promql_parser.AggregateExpr):
        assert node.modifier is not None
        return list(node.modifier.labels)
    if isinstance(node, promql_parser.BinaryExpr) and str(node.op) == "or":
        # Its series are of either side, and its name tells all labels that one may have.
        return max(_labels(node.lhs), _labels(node.rhs), key=len)
    if isinstance(node, promql_parser.BinaryExpr):
        # A number and time() have no labels: `1 - x` has those of x.
        bare = isinstance(node.lhs, promql_parser.NumberLiteral) or not getattr(node.lhs, "args", [1])
        return _labels(node.rhs if bare else node.lhs)
    if isinstance(node, promql_parser.ParenExpr):
        return _labels(node.expr)
    if isinstance(node, promql_parser.Call) and node.func.name == "label_replace":
        return [*_labels(node.args[0]), node.args[1].val]
    if isinstance(node, promql_parser.Call):
        return _labels(node.args[0])
    if isinstance(node, promql_parser.MatrixSelector):
        return _labels(node.vector_selector)
    (recorded,) = (rule for rule in RECORDS if rule["record"] == node.name)
    return _labels(promql_parser.parse(recorded["expr"]))


@pytest.mark.parametrize("rule", RECORDS, ids=_named)
def test_the_name_of_a_record_tells_its_labels_and_its_metric(rule: dict[str, Any]) -> None:
    match = RECORD_NAME.match(rule["record"])
    assert match, rule["record"]
    # Labels that are kept apart besides are a setting; a name that changed with it would lose its past.
    own = [label for label in _labels(promql_parser.parse(rule["expr"])) if label not in AGGREGATION_LABELS]
    assert match["level"] == ("_".join(own) or "all")
    assert match["metric"] in set(map(str, registry.metrics()))
    # A record may read other records, whose names hold their metric.
    assert match["metric"] in {part for name in _metrics(rule["expr"]) for part in name.split(":")}


@pytest.mark.parametrize("rule", RULES, ids=_named)
def test_a_rule_counts_nothing_that_is_not_called_like_a_counter(rule: dict[str, Any]) -> None:
    assert not uncounted(rule["expr"])


def test_no_two_metrics_have_a_series_of_one_name() -> None:
    names = [name for metric in registry.metrics() for name in metric.series_names]
    assert len(names) == len(set(names))


def test_a_record_is_written_once() -> None:
    names = [rule["record"] for rule in RECORDS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group["name"])
def test_a_group_is_small_enough_for_every_ruler(group: dict[str, Any]) -> None:
    assert len(group["rules"]) <= GROUP_LIMIT


def test_group_names_are_unique() -> None:
    assert len({group["name"] for group in GROUPS}) == len(GROUPS)


@pytest.mark.parametrize("rule", ALERT_RULES, ids=_named)
def test_an_alert_rule_says_who_what_and_where(rule: dict[str, Any]) -> None:
    assert re.fullmatch(r"([A-Z][a-z0-9]+)+", rule["alert"])
    assert not re.search(
        r"Critical|High$|Medium|Low$|\d", rule["alert"].removesuffix("High").removesuffix("Low")
    )
    assert rule["labels"]["severity"] in {*Severity, "none"}
    assert rule["labels"]["scope"] in {"tenant", "integration", "exporter"}
    assert not any("{{" in value for value in rule["labels"].values()), (
        "a value in a label is a new alert each time"
    )
    notes = rule["annotations"]
    links = {"runbook_url", *(["details_url"] if rule["labels"].get("cause") == "probe" else [])}
    assert set(notes) - {"reason"} == {"summary", "description", *links}
    assert "{{" not in notes["summary"]
    assert notes["summary"][0].isupper() and notes["summary"].endswith(".")
    assert notes["description"].endswith(".")
    for key in ("for", "keep_firing_for"):
        assert DURATION.match(rule.get(key, "1m"))
    assert rule.get("for", "1m") not in ("30s", "15s"), "a hold below two evaluations may never be seen"


@pytest.mark.parametrize("rule", ALERT_RULES, ids=_named)
def test_the_details_of_an_alert_are_on_a_page_about_its_integration(rule: dict[str, Any]) -> None:
    found = rule["annotations"].get("details_url")
    if rule["labels"].get("cause") != "probe":
        assert found is None
        return
    # Prometheus fills the labels in; the page is a tab that there is.
    asked = URL(found.replace("{{ $labels.", "").replace(" }}", ""))
    assert asked.path == "/integration" and asked.path in {tab.path for tab in tabs()}
    assert asked.query.get("integration") == "integration"
    assert asked.query.get("tenant", "tenant") == "tenant"


@pytest.mark.parametrize("alert", registry.alerts(), ids=lambda alert: alert.name)
def test_the_steps_of_an_alert_hold_equally_long(alert: Alert) -> None:
    holds = {rule.get("for") for rule in ALERT_RULES if rule["alert"] == alert.name}
    assert len(holds) == 1, "the higher step could not hide the lower one at once"


@pytest.mark.parametrize("alert", registry.alerts(), ids=lambda alert: alert.name)
def test_an_alert_carries_no_label_of_a_replica(alert: Alert) -> None:
    if alert.scope != "exporter":
        assert not {"instance", "job"} & set(alert.by)
        for case in alert.cases:
            assert not any({"instance", "job"} & set(labels) for labels in case.fires)


@pytest.mark.parametrize("alert", registry.alerts(), ids=lambda alert: alert.name)
def test_the_runbook_of_an_alert_has_its_four_sections(alert: Alert, tree: Path) -> None:
    page = (tree / f"docs/runbooks/{alert.name}.md").read_text()
    assert re.findall(r"^## (\w+)$", page, re.M) == ["Meaning", "Impact", "Diagnosis", "Mitigation"]
    for section in re.split(r"^## \w+$", page, flags=re.M)[1:]:
        assert len(section.split()) >= 5
    assert page.startswith("<!-- generated")


@pytest.mark.parametrize("alert", registry.alerts(), ids=lambda alert: alert.name)
def test_the_dashboard_of_an_alert_exists(alert: Alert, tree: Path) -> None:
    assert (tree / f"grafana/dashboards/{alert.dashboard}.json").exists()


@pytest.mark.parametrize("family", registry.families().values(), ids=lambda family: family.name)
def test_the_default_thresholds_are_in_order(family: Any) -> None:
    assert family.disorder(family.steps) == ""
