"""The shape of a Prometheus rule file: what can be judged without evaluating PromQL.

Source of the keys: prometheus.io/docs/prometheus/latest/configuration/recording_rules.
"""

import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from typing import Any

from exporter.config.document.context import Path
from exporter.config.document.source import Source, quotable_key
from exporter.config.document.validate import suggestion
from exporter.core.severity import Severity

GROUP_KEYS = frozenset(
    {
        "name",
        "interval",
        "limit",
        "query_offset",
        "labels",
        "rules",
        "partial_response_strategy",
        "source_tenants",
    }
)
"""Those of Prometheus, Thanos and Mimir."""

RULE_KEYS = frozenset({"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"})
NO_SEVERITY = "none"
"""What an alert that needs no answer says in place of a severity."""

_DURATION = re.compile(r"0|([0-9]+(y|w|d|h|m|s|ms))+")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_RECORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")

ShapeIssue = tuple[Path, str, str]


@dataclass
class RuleShape:
    """Judges the rule files of one configuration, one after the other.

    `taken` are the names of alerts that are defined elsewhere, `recorded` those of series. One name may be
    used again within one file: that is how an alert has several severities.
    """

    add_error: Callable[[tuple[str, int], str, str], None]
    taken: Set[str]
    recorded: Set[str]
    _homes: dict[str, str] = field(default_factory=dict)

    def check(self, source: Source) -> None:
        """Add every mistake in the document."""
        for path, what, remedy in self._document(source.value, source.place(())[0]):
            self.add_error(source.place(path), what, remedy)

    def _document(self, value: Any, file: str) -> Iterator[ShapeIssue]:
        if not isinstance(value, dict) or not isinstance(value.get("groups"), list):
            yield (), "the file has no list groups", "write groups: with a name and rules for each"
            return
        yield from _unknown(value, frozenset({"groups"}), ())
        seen: set[Any] = set()
        for index, group in enumerate(value["groups"]):
            path: Path = ("groups", index)
            if not isinstance(group, dict):
                yield path, "a group is no mapping", "write name: and rules:"
                continue
            yield from self._group(group, path, file)
            name = group.get("name")
            if isinstance(name, str) and name in seen:
                yield (*path, "name"), "two groups of the file have one name", "rename one of them"
            seen.add(name if isinstance(name, str) else None)

    def _group(self, group: dict[str, Any], path: Path, file: str) -> Iterator[ShapeIssue]:
        yield from _unknown(group, GROUP_KEYS, path)
        if not isinstance(group.get("name"), str) or not group["name"]:
            yield path, "a group has no name", "add name:"
        if "interval" in group and not _is_duration(group["interval"]):
            yield (*path, "interval"), "the interval is no duration", "write one such as 30s or 5m"
        rules = group.get("rules")
        if not isinstance(rules, list):
            yield path, "a group has no list of rules", "add rules:"
            return
        shared = group.get("labels") if isinstance(group.get("labels"), dict) else {}
        for index, rule in enumerate(rules):
            here: Path = (*path, "rules", index)
            if isinstance(rule, dict):
                yield from self._rule(rule, here, file, shared or {})
            else:
                yield here, "a rule is no mapping", "write alert: or record:, and expr:"

    def _rule(
        self, rule: dict[str, Any], path: Path, file: str, shared: dict[str, Any]
    ) -> Iterator[ShapeIssue]:
        yield from _unknown(rule, RULE_KEYS, path)
        if ("alert" in rule) == ("record" in rule):
            yield path, "a rule is either an alert or a record", "give one of alert: and record:"
        if not _is_expression(rule.get("expr")):
            yield path, "a rule has no expression", "add expr:"
        for key in ("for", "keep_firing_for"):
            if key in rule and not _is_duration(rule[key]):
                yield (*path, key), f"{key} is no duration", "write one such as 30s or 5m"
        for key in ("labels", "annotations"):
            yield from _texts(rule.get(key), (*path, key))
        if "alert" in rule:
            yield from self._alert(rule, path, file, shared)
        elif "record" in rule:
            yield from self._record(rule["record"], (*path, "record"))

    def _record(self, name: Any, path: Path) -> Iterator[ShapeIssue]:
        if not _matches(_RECORD, name):
            yield path, "the record has no name of a metric", "use letters, digits, _ and :"
        elif name in self.recorded:
            # Two rules that write one series: Prometheus keeps what comes first and drops the other.
            yield path, f"{name} is recorded by the shipped rules", "choose another name"

    def _alert(
        self, rule: dict[str, Any], path: Path, file: str, shared: dict[str, Any]
    ) -> Iterator[ShapeIssue]:
        name = rule["alert"]
        if not isinstance(name, str) or not name:
            yield (*path, "alert"), "the alert has no name", "write one such as QueueLong"
            return
        if name in self.taken:
            yield (*path, "alert"), f"the alert {quotable_key(name)} is there already", "choose another name"
        elif (home := self._homes.setdefault(name, file)) != file:
            yield (
                (*path, "alert"),
                f"the alert {quotable_key(name)} is in {home} already",
                "choose another name",
            )
        yield from _severity(rule.get("labels"), shared, path)


def _severity(labels: Any, shared: dict[str, Any], path: Path) -> Iterator[ShapeIssue]:
    own = labels if isinstance(labels, dict) else {}
    words = [*map(str, Severity), NO_SEVERITY]
    value = own.get("severity", shared.get("severity"))
    if value is None:
        yield path, "the alert has no label severity", f"add labels: {{severity: {Severity.MEDIUM}}}"
    elif isinstance(value, str) and "{{" in value:
        yield (
            (*path, "labels", "severity"),
            "the severity is a template, which no route can be checked with",
            "write one rule for each severity",
        )
    elif value not in words:
        yield (*path, "labels", "severity"), "the severity is not known", suggestion(str(value), words)


def _unknown(value: dict[str, Any], known: Set[str], path: Path) -> Iterator[ShapeIssue]:
    for key in value:
        if key not in known:
            yield (*path, key), f"unknown key {quotable_key(key)}", suggestion(key, set(known))


def _texts(value: Any, path: Path) -> Iterator[ShapeIssue]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield path, f"{path[-1]} is no mapping", "write names with texts"
        return
    for name, text in value.items():
        if not _LABEL.fullmatch(name):
            yield (*path, name), "a name is no Prometheus label name", "use letters, digits and _"
        if not isinstance(text, str):
            yield (*path, name), "the value is no text", "put the value into quotes"


def _is_expression(value: Any) -> bool:
    # A number is a whole expression too, such as `expr: 1`.
    return bool(value.strip()) if isinstance(value, str) else type(value) in (int, float)


def _is_duration(value: Any) -> bool:
    return value == 0 or _matches(_DURATION, value)


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and bool(pattern.fullmatch(value))
