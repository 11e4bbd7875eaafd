"""The rules hold when the targets of an integration are spread over several exporters.

Every case of the alerts of availability is played again with each target on one of two instances, as shards
show them: an integration's own series and its default thresholds on both. The same alerts must fire.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from exporter import registry
from exporter.alerts.availability import AVAILABILITY, DOWN
from exporter.core.alert import Alert
from exporter.core.common_metrics import CONSECUTIVE_FAILURES, CRITICAL
from exporter.core.generation import Generation
from exporter.core.metric import Kind, Scope
from exporter.generate import bundle
from exporter.generate.document import as_yaml
from exporter.generate.rule_tests import tests_of as generated_tests
from tests.rules.tools import program, run, write

FILES = bundle.rule_files(generation=Generation(aggregation_labels=()))
RULES = {f"{name}.yml": FILES[name] for name in ("thresholds", "probes")}
COUNTERS = {metric.name for metric in registry.metrics() if metric.kind is Kind.COUNTER}
OF_INTEGRATIONS = {metric.name for metric in registry.metrics() if metric.scope is Scope.INTEGRATION}
INSTANCES = ("a", "b")


def spread(series: str, values: str) -> dict[str, str]:
    """Return a series as two shards would show it."""
    name, _, labels = series.partition("{")
    if 'integration="' not in labels or 'instance="' in labels:
        return {series: values}
    placed = [f'{name}{{instance="{instance}",{labels}' for instance in INSTANCES]
    tenant = re.search(r'tenant="([^"]*)"', labels)
    everywhere = name.startswith("integration_threshold_") and not (tenant and tenant[1])
    if everywhere or name == CRITICAL.name:
        return dict.fromkeys(placed, values)
    if name in OF_INTEGRATIONS:  # one shard counts, the other has nothing to count
        assert name in COUNTERS
        return {placed[0]: values, placed[1]: "0x100"}
    return {placed[_place(labels)]: values}


def _place(labels: str) -> int:
    """Return the instance of a target, that of all its series: neighbouring tenants are on different ones."""
    tenant = re.search(r'tenant="([^"]+)"', labels)
    return ord(tenant[1][-1]) % 2 if tenant else 0


def spread_tests(alerts: Iterable[Alert], rules: Mapping[str, Any]) -> dict[str, Any]:
    content = generated_tests(alerts, registry.families().values(), rules)
    for test in content["tests"]:
        found: dict[str, str] = {}
        for one in test["input_series"]:
            found |= spread(one["series"], one["values"])
        test["input_series"] = [{"series": name, "values": values} for name, values in found.items()]
    return content


def judged(folder: Path, rules: Mapping[str, Any], alerts: Iterable[Alert]) -> tuple[bool, str]:
    tests = {"tests.yml": as_yaml(spread_tests(alerts, rules))}
    write(folder, {**tests, **{name: as_yaml(part) for name, part in rules.items()}})
    done = run(program("promtool"), "test", "rules", "tests.yml", cwd=folder)
    return done.returncode == 0, done.stdout + done.stderr


def test_the_targets_of_a_case_are_on_both() -> None:
    (case,) = spread_tests([replace(DOWN, cases=DOWN.cases[:1])], RULES)["tests"]
    failures = [one["series"] for one in case["input_series"] if CONSECUTIVE_FAILURES.name in one["series"]]
    assert sorted(re.findall(r'instance="(\w+)"', " ".join(failures[:2]))) == ["a", "b"]


def test_every_case_holds_with_the_targets_on_two_shards(tmp_path: Path) -> None:
    passed, output = judged(tmp_path, RULES, AVAILABILITY)
    assert passed, output


def test_a_rule_that_looks_at_one_shard_alone_is_found(tmp_path: Path) -> None:
    alone = {
        "provider, tenant) (last": "provider, tenant, instance) (last",
        "min by (integration, provider) (": "min by (integration, provider, instance) (",
    }
    rules: Any = RULES
    for old, new in alone.items():
        rules = _replaced(rules, old, new)
    assert not judged(tmp_path, rules, [DOWN])[0]


def _replaced(content: Any, old: str, new: str) -> Any:
    if isinstance(content, dict):
        return {name: _replaced(part, old, new) for name, part in content.items()}
    if isinstance(content, list):
        return [_replaced(part, old, new) for part in content]
    return content.replace(old, new) if isinstance(content, str) else content
