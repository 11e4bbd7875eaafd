"""From the cases of alerts to unit tests for `promtool test rules`.

What fires is read from `ALERTS`, so that a case need not repeat the alert's annotations.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from exporter.core.alert import Alert, Case
from exporter.core.durations import seconds
from exporter.core.metric import Labels
from exporter.core.threshold import ThresholdFamily
from exporter.generate.derived_cases import derived_cases
from exporter.generate.rules import reads

STEP = "1m"
"""Time between two evaluations in a test: that of the series, for nothing changes in between."""

RulesByPath = Mapping[str, Mapping[str, Any]]
"""The content of rule files by their path."""

_MINUTE = 60
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def tests_of(
    alerts: Iterable[Alert], families: Iterable[ThresholdFamily], rule_files: RulesByPath
) -> dict[str, Any]:
    """Return a test file for `alerts`, run over `rule_files` (path from the test file to its content)."""
    known = tuple(families)
    written = ((alert, case) for alert in alerts for case in alert.cases if not case.exempt)
    return _file(rule_files, [_test(alert, case, known) for alert, case in written])


def derived_tests_of(
    alerts: Iterable[Alert], families: Iterable[ThresholdFamily], rule_files: RulesByPath
) -> dict[str, Any]:
    """Return the test file of the cases that are derived from those of `alerts`."""
    known = tuple(families)
    derived = ((alert, case) for alert in alerts for case in cases_derived_from(alert, known))
    return _file(rule_files, [_test(alert, case, known) for alert, case in derived])


def _file(rule_files: RulesByPath, tests: list[dict[str, Any]]) -> dict[str, Any]:
    groups = [group["name"] for content in rule_files.values() for group in content["groups"]]
    return {
        "rule_files": list(rule_files),
        "evaluation_interval": STEP,
        "group_eval_order": groups,  # what one group records, a later one reads
        "tests": tests,
    }


def cases_derived_from(alert: Alert, families: Iterable[ThresholdFamily]) -> tuple[Case, ...]:
    """Return the cases that are derived from those in which the alert fires."""
    known = tuple(families)
    return derived_cases(alert, lambda case: complete(alert, case, known))


def complete(alert: Alert, case: Case, families: tuple[ThresholdFamily, ...]) -> Case:
    """Return the case with the default thresholds that it is judged by, unless it has them."""
    if not case.defaults:
        return case
    series = {**case.series, **_defaults(alert, case, families)}
    return replace(case, series=series, defaults=False)


def quiet_without_exporter(noisy: Iterable[str], rule_files: RulesByPath) -> dict[str, Any]:
    """Return a test: on a Prometheus that knows no exporter, only the alerts named in `noisy` fire."""
    names = "|".join(noisy)
    silent = {"expr": f'ALERTS{{alertname!~"{names}"}}', "eval_time": "1h", "exp_samples": []}
    test = {
        "name": "a Prometheus that knows no exporter is quiet",
        "interval": "1m",
        "input_series": [{"series": 'up{job="prometheus"}', "values": "1x60"}],
        "promql_expr_test": [silent],
    }
    return _file(rule_files, [test])


def _test(alert: Alert, case: Case, families: tuple[ThresholdFamily, ...]) -> dict[str, Any]:
    values = complete(alert, case, families).series
    name = f"{alert.name}, {case.kind}" + (f": {case.says}" if case.says else "")
    return {
        "name": name,
        "interval": case.interval,
        "input_series": [{"series": name, "values": text} for name, text in values.items()],
        "promql_expr_test": [
            {
                # promtool 2.42 names no test in its complaint, but it shows the expression
                "expr": f'ALERTS{{alertname="{alert.name}",alertstate="firing"}} # {name}',
                "eval_time": moment,
                "exp_samples": [
                    {"labels": _alerts_series(alert, labels), "value": 1} for labels in case.fires
                ],
            }
            for moment in _moments(case)
        ],
    }


def _moments(case: Case) -> list[str]:
    """Return when the case is judged: at its moment, and each minute from then on to its `until`."""
    last = seconds(case.until) if case.until else 0
    later = range(seconds(case.at) + _MINUTE, last + 1, _MINUTE)
    return [case.at, *(f"{moment // _MINUTE}m" for moment in later)]


def _alerts_series(alert: Alert, labels: Mapping[str, str]) -> str:
    only = {"severity": str(alert.levels[0])} if len(alert.levels) == 1 else {}
    none = {} if alert.levels else {"severity": "none"}
    given = {name: value for name, value in labels.items() if value}  # an empty label counts as none
    everything = {
        "alertname": alert.name,
        "alertstate": "firing",
        **alert.fixed_labels,
        **only,
        **none,
        **given,
    }
    return "ALERTS{" + ", ".join(f'{name}="{everything[name]}"' for name in sorted(everything)) + "}"


def _defaults(alert: Alert, case: Case, families: tuple[ThresholdFamily, ...]) -> dict[str, str]:
    """Return the default thresholds that the alert reads, for each integration that the case speaks of."""
    everything = [dict(_LABEL.findall(name)) for name in case.series]
    steps = _samples(case)
    return {
        _series(family, labels): f"{value:g}x{steps}"
        for family in families
        if reads(alert, family)
        for where in _places(family, everything)
        for severity, value in family.steps.items()
        for labels in [(*where, ("tenant", ""), ("severity", severity.value))]
        if not _has_default(case, family, labels)
    }


def _places(family: ThresholdFamily, everything: Iterable[Mapping[str, str]]) -> list[Labels]:
    """Return the labels of each default of `family`, by the labels of the series of a case."""
    names = family.default_labels
    return sorted(
        {
            tuple((name, labels[name]) for name in names)
            for labels in everything
            if labels.keys() >= set(names)
        }
    )


def _series(family: ThresholdFamily, labels: Labels) -> str:
    inside = ",".join(f'{name}="{value}"' for name, value in labels)
    return f"{family.metric}{{{inside}}}"


def _has_default(case: Case, family: ThresholdFamily, labels: Labels) -> bool:
    wanted = set(labels)
    return any(
        name.partition("{")[0] == str(family.metric) and wanted <= {("tenant", ""), *_LABEL.findall(name)}
        for name in case.series
        if 'tenant="' not in name or 'tenant=""' in name
    )


def _samples(case: Case) -> int:
    """Return how many samples at the case's interval reach beyond its evaluation."""
    last = max(seconds(case.at), seconds(case.until))
    return int(last / seconds(case.interval)) + 1
