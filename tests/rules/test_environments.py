"""Environments that one Prometheus, ruler or Alertmanager has together are kept apart."""

from pathlib import Path
from typing import Any

import promql_parser
import pytest

from exporter import registry
from exporter.config.load import load_file
from exporter.core.errors import ConfigError
from exporter.core.generation import AGGREGATION_LABELS, Generation
from exporter.core.notifications import Notifications
from exporter.generate import bundle, routing
from exporter.generate.facts import facts_template
from exporter.generate.secret_files import SecretFiles

RULES = [
    rule for content in bundle.rule_files().values() for group in content["groups"] for rule in group["rules"]
]
INTEGRATIONS = "integrations: [{name: a, provider: tcp, options: {host: localhost, port: 1}}]\n"


def _named(rule: dict[str, Any]) -> str:
    return str(rule.get("alert") or rule["record"])


def folded(expression: str, labels: tuple[str, ...] = AGGREGATION_LABELS) -> list[str]:
    """Return the aggregations and matchings of `expression` that do not keep all of `labels` apart."""
    found: list[str] = []

    def look(node: Any) -> None:
        if isinstance(node, promql_parser.AggregateExpr):
            modifier = node.modifier
            named = modifier.labels if modifier else []
            apart = modifier is not None and modifier.type == promql_parser.AggModifierType.Without
        elif _is_choice(node):
            return
        elif isinstance(node, promql_parser.BinaryExpr) and node.modifier and node.modifier.matching:
            named = node.modifier.matching.labels
            apart = node.modifier.matching.type == promql_parser.LabelModifierType.Exclude
        else:
            return
        if not (set(labels).isdisjoint(named) if apart else set(labels) <= set(named)):
            found.append(str(node))

    promql_parser.walk(promql_parser.parse(expression), look)
    return found


def _is_choice(node: Any) -> bool:
    """Return whether `node` only leaves series out by a label: vector() is of no environment."""
    matching = isinstance(node, promql_parser.BinaryExpr) and str(node.op) in ("and", "unless")
    return matching and isinstance(node.rhs, promql_parser.Call) and node.rhs.func.name == "vector"


def test_an_expression_that_folds_environments_is_found() -> None:
    both = ", ".join(AGGREGATION_LABELS)
    for good in (
        f"sum by (a, {both}) (x)",
        "sum without (a) (x)",
        "x / y",
        f"x / on ({both}) y",
        "x > 3",
        "x and on (a) vector(1)",
    ):
        assert folded(good) == []
    for bad in (
        "sum(x)",
        "sum by (a) (x)",
        "sum without (cluster) (x)",
        "x / on (a) y",
        "x * on (a) vector(1)",
    ):
        assert len(folded(bad)) == 1
    assert len(folded(f"x / on (a) sum by ({both}) (sum by (environment) (y))")) == 2


@pytest.mark.parametrize("rule", RULES, ids=_named)
def test_a_rule_keeps_environments_apart_wherever_it_groups_and_matches(rule: dict[str, Any]) -> None:
    assert folded(rule["expr"]) == []


def test_the_labels_kept_apart_are_a_setting() -> None:
    files = bundle.rule_files(generation=Generation(aggregation_labels=("region",)))
    texts = [
        rule["expr"] for content in files.values() for group in content["groups"] for rule in group["rules"]
    ]
    assert not any(folded(text, ("region",)) for text in texts)
    assert not any("cluster" in text or "environment" in text for text in texts)


def test_nothing_hides_anything_of_another_environment() -> None:
    for rule in routing.inhibitions(("region",)):
        assert {"region", "cluster", "environment", "namespace"} <= set(rule["equal"])


def test_messages_and_silences_are_those_of_one_environment() -> None:
    route = routing.configuration(Notifications(), SecretFiles("/run/x"), ("region",))["route"]
    assert "region" in route["group_by"]
    assert "|region|" in facts_template(kept_apart=("region",))


@pytest.mark.parametrize("label", ["tenant", "instance", "severity", "alertname", "__name__"])
def test_a_label_that_rules_use_themselves_is_refused(tmp_path: Path, label: str) -> None:
    path = tmp_path / "c.yml"
    path.write_text(f"{INTEGRATIONS}generate: {{aggregation_labels: [region, {label}]}}\n")
    with pytest.raises(ConfigError, match=f"c.yml:2: the label {label} has its own part in the rules"):
        load_file(str(path), registry.catalogue(), {})


def test_another_job_is_in_every_rule() -> None:
    files = bundle.rule_files(generation=Generation(job="others-exporter"))
    texts = "".join(
        rule["expr"] for content in files.values() for group in content["groups"] for rule in group["rules"]
    )
    assert 'job="others-exporter"' in texts
    assert 'job="integration-exporter"' not in texts
