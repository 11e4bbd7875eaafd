"""From alerts to Prometheus rules: groups of recorded observations, one rule per severity, and files.

Everything here is valid on Prometheus 2.42.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from exporter.core.alert import EVERY, Alert
from exporter.core.durations import seconds
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.generate.rule_text import TextValues
from exporter.generate.threshold_rules import (
    compare,
    records,
    threshold_rules,
)

GROUP_LIMIT = 20
"""Most rules a group may have: some rulers refuse more."""

PrometheusRule = dict[str, Any]

_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@dataclass(frozen=True)
class Links:
    """Base URLs of what an alert links to.

    `runbooks` is where the pages are as files, "" for those that the exporter serves; `grafana` is "" where
    there is none, and then nothing links to it.
    """

    exporter: str
    runbooks: str = ""
    grafana: str = ""

    def of(self, alert: Alert) -> dict[str, str]:
        """Return the annotations that are links, "" for what there is not."""
        return {
            "runbook_url": self.runbook(alert),
            "dashboard_url": self.dashboard(alert) if self.grafana else "",
            "details_url": self.details(alert) if alert.cause == "probe" else "",
        }

    def runbook(self, alert: Alert) -> str:
        """Return the address of the alert's runbook page."""
        if self.runbooks:
            return f"{self.runbooks.rstrip('/')}/{alert.name}.md"
        return f"{self.exporter.rstrip('/')}/runbooks/{alert.name}"

    def dashboard(self, alert: Alert) -> str:
        """Return the address of the alert's dashboard with what the alert speaks of selected."""
        return self.board(alert.dashboard, alert.by)

    def board(self, uid: str, labels: Collection[str]) -> str:
        """Return the address of a dashboard with what an alert with these labels speaks of selected."""
        return f"{self.grafana.rstrip('/')}/d/{uid}{_query(labels, 'var-')}"

    def details(self, alert: Alert) -> str:
        """Return the address of the page about the integration of the alert: it has the whole error."""
        # Without an integration that page is about nothing.
        page = "integration" if "integration" in alert.by else "integrations"
        return f"{self.exporter.rstrip('/')}/{page}{_query(alert.by, '')}"


def _query(labels: Collection[str], prefix: str) -> str:
    chosen = [label for label in ("integration", "tenant") if label in labels]
    query = "&".join(f"{prefix}{label}={{{{ $labels.{label} }}}}" for label in chosen)
    return f"?{query}" if query else ""


def threshold_groups(families: Iterable[ThresholdFamily], filling: TextValues) -> list[dict[str, Any]]:
    """Return one group for each family: its defaults and its overrides, replicas collapsed."""
    return [
        _group(f"integration-threshold-{family.name.replace('_', '-')}", threshold_rules(family, filling))
        for family in families
    ]


def condition(alert: Alert, severity: Severity | None) -> str:
    """Return the alert's condition for one severity, with `$lookback` and `$job` still in it."""
    if alert.expr:
        return alert.expr
    if severity is None:
        raise ValueError(f"alert {alert.name} has a condition for each severity")
    return alert.exprs[severity] if alert.exprs else compare(alert, severity)


def alert_rules(alert: Alert, filling: TextValues, links: Links) -> list[PrometheusRule]:
    """Return the alert's rules, highest severity first; one without severity gets `none`."""
    return [_alert_rule(alert, severity, filling, links) for severity in alert.levels or (None,)]


def _alert_rule(alert: Alert, severity: Severity | None, filling: TextValues, links: Links) -> PrometheusRule:
    rule: PrometheusRule = {"alert": alert.name, "expr": filling.of(condition(alert, severity))}
    if alert.hold not in ("", "0s", "0m"):
        rule["for"] = alert.hold
    if alert.keep_firing:
        # This key came with Prometheus 2.42, the oldest version that the rules are for.
        rule["keep_firing_for"] = filling.of(alert.keep_firing)
    rule["labels"] = {"severity": str(severity or "none"), **alert.fixed_labels}
    annotations = {
        "summary": alert.say(severity),
        "description": alert.description,
        "reason": alert.reason,
        **links.of(alert),
    }
    rule["annotations"] = {name: filling.of_text(text) for name, text in annotations.items() if text}
    return rule


class RuleFiles:
    """Builds the groups of every file; alerts that read the same record share its recording rule."""

    def __init__(self, filling: TextValues, links: Links) -> None:
        """Start with nothing recorded."""
        self._filling = filling
        self._links = links
        self._known: dict[str, tuple[str, str]] = {}

    def groups(self, name: str, alerts: Iterable[Alert]) -> list[dict[str, Any]]:
        """Return the groups of one file: what an alert reads is recorded before it.

        Alerts of one subject that are evaluated equally often are one group, and groups run side by side. A
        record has the pace of the first alert that needs it, or its own one, and is then in a group apart.
        """
        made: dict[tuple[str, str], list[list[PrometheusRule]]] = {}
        for alert in alerts:
            subject = f"integration-{alert.subject}" if alert.subject else name
            # First, so that the group of a slow record stands before its reader's: tests go by the order.
            for pace, record in self._records(alert):
                made.setdefault((subject, pace), []).append([record])
            made.setdefault((subject, alert.every), []).append(alert_rules(alert, self._filling, self._links))
        return [group for (subject, pace), parts in made.items() for group in _split(subject, pace, parts)]

    def _records(self, alert: Alert) -> Iterator[tuple[str, PrometheusRule]]:
        """Give the recording rules that `alert` is the first to need, each with its pace."""
        for name, expression in records(alert).items():
            pace = alert.record_every.get(name, alert.every)
            new = name not in self._known
            known, known_pace = self._known.setdefault(name, (expression, pace))
            # Two expressions under one name would be mixed in one series, and each alert would read both.
            if known != expression:
                raise ValueError(f"alert {alert.name}: {name} is recorded elsewhere with another expression")
            if seconds(known_pace) > seconds(pace):
                raise ValueError(f"alert {alert.name}: {name} is recorded every {known_pace}, too seldom")
            if new:
                yield pace, {"record": name, "expr": self._filling.of(expression)}


def _split(subject: str, pace: str, parts: Iterable[list[PrometheusRule]]) -> Iterator[dict[str, Any]]:
    """Give the groups of one subject and pace, each small enough for every ruler; `parts` stay whole."""
    groups: list[list[PrometheusRule]] = [[]]
    for part in parts:
        if len(groups[-1]) + len(part) > GROUP_LIMIT:
            groups.append([])
        groups[-1] += part
    name = subject if pace == EVERY else f"{subject}-{pace}"
    names = [name, *(f"{name}-{number}" for number in range(2, len(groups) + 1))]
    yield from (_group(one, rules, pace) for one, rules in zip(names, groups, strict=True))


def _group(name: str, rules: list[PrometheusRule], pace: str = EVERY) -> dict[str, Any]:
    return {"name": name, "interval": pace, "rules": rules}


def reads(alert: Alert, family: ThresholdFamily) -> bool:
    """Return whether the alert, or what it records, uses the recorded thresholds of `family`."""
    names = family.records
    texts = [*records(alert).values(), *(condition(alert, level) for level in alert.levels or (None,))]
    # As a whole word: one record's name may be the beginning of another's.
    return any(re.search(rf"{re.escape(name)}\b", text) for name in names for text in texts)


def alert_files(
    alerts: Mapping[str, tuple[Alert, ...]],
    families: Iterable[ThresholdFamily],
    filling: TextValues,
    links: Links,
) -> dict[str, dict[str, Any]]:
    """Return the content of each rule file by name: `thresholds`, then one for each key of `alerts`.

    Thresholds that the alerts of one file alone read are recorded in that file.
    """
    homes = {family: _home(family, alerts) for family in families}
    builder = RuleFiles(filling, links)

    def record_groups(name: str) -> list[dict[str, Any]]:
        return threshold_groups((family for family, home in homes.items() if home == name), filling)

    files = {"thresholds": {"groups": record_groups("thresholds")}}
    for name, some in alerts.items():
        files[name] = {"groups": [*record_groups(name), *builder.groups(f"integration-{name}", some)]}
    return files


def _home(family: ThresholdFamily, alerts: Mapping[str, tuple[Alert, ...]]) -> str:
    readers = [name for name, some in alerts.items() if any(reads(alert, family) for alert in some)]
    # With its only reader: the tests of other rule files then load and evaluate less.
    return readers[0] if len(readers) == 1 else "thresholds"


def select_files(
    files: Mapping[str, dict[str, Any]],
    always: Iterable[str],
    providers: Iterable[str],
    metrics: Collection[str],
) -> dict[str, dict[str, Any]]:
    """Return the files of `always` and `providers`, those that read one of `metrics`, and what these need.

    Rules on databases are in one provider's file and read another's series too.
    """
    own = {"thresholds", *always, *providers}
    readers = {file for file, rule in _rules(files) if not {*_WORD.findall(rule["expr"])}.isdisjoint(metrics)}
    chosen = [file for file in files if file in own | readers]
    needed = {name for file in chosen for name in find_required_files(files, file)}
    return {name: part for name, part in files.items() if name in needed}


def find_required_files(files: Mapping[str, Mapping[str, Any]], name: str) -> list[str]:
    """Return the files that the rules of `name` need: itself, and those that record what it reads."""
    recorders = {rule["record"]: file for file, rule in _rules(files) if "record" in rule}
    needed, new = set[str](), {name}
    while new:
        needed |= new
        words = {word for file, rule in _rules(files) if file in new for word in _WORD.findall(rule["expr"])}
        # What a file reads may be recorded in another one, which again reads what a third one records.
        new = {recorders[word] for word in words & recorders.keys()} - needed
    return [file for file in files if file in needed]


def required_rules(files: Mapping[str, Mapping[str, Any]], alert: str) -> dict[str, Any]:
    """Return one file with the rules of `alert` and those that record what they read, in their groups."""
    recorders: dict[str, list[PrometheusRule]] = {}
    for _, rule in _rules(files):
        recorders.setdefault(rule.get("record", ""), []).append(rule)
    new = [rule for _, rule in _rules(files) if rule.get("alert") == alert]
    needed: list[PrometheusRule] = []
    while new:
        needed += new
        words = {word for rule in new for word in _WORD.findall(rule["expr"])}
        found = [rule for word in words for rule in recorders.get(word, ())]
        new = [rule for rule in found if not any(rule is one for one in needed)]
    kept = {id(rule) for rule in needed}
    groups = [group for content in files.values() for group in content["groups"]]
    small = [group | {"rules": [rule for rule in group["rules"] if id(rule) in kept]} for group in groups]
    return {"groups": [group for group in small if group["rules"]]}


def _rules(files: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, PrometheusRule]]:
    for file, content in files.items():
        for group in content["groups"]:
            yield from ((file, rule) for rule in group["rules"])
