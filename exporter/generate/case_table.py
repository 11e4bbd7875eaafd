"""The page that shows which cases prove each alert, kind by kind, without a hole."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable

from exporter.core.alert import CASE_KINDS, DERIVED_KINDS, Alert, Case
from exporter.core.common_metrics import CONSECUTIVE_FAILURES, FAILURE_INFO, SUCCESS
from exporter.core.metric import Metric, Scope
from exporter.generate.document import as_markdown, table

_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_OWN = ("integration_", "process_", "prometheus_", "alertmanager_", "scrape_")
_STATE = {str(CONSECUTIVE_FAILURES), str(FAILURE_INFO), str(SUCCESS)}

Derive = Callable[[Alert], Iterable[Case]]
"""Returns the cases that are derived from those of an alert."""


def target_series(metrics: Iterable[Metric]) -> frozenset[str]:
    """Return the names of the series of targets and integrations, which every replica shows."""
    scopes = (Scope.TARGET, Scope.INTEGRATION)
    return frozenset(name for metric in metrics if metric.scope in scopes for name in metric.series_names)


def words_read(alert: Alert) -> set[str]:
    """Return the words of all that the alert reads, by itself or recorded; series are among them."""
    return {word for text in alert.expressions for word in _WORD.findall(text)}


def not_applicable(alert: Alert, of_targets: Collection[str]) -> dict[str, str]:
    """Return the derived kinds that do not apply to the alert, each with the reason.

    `of_targets` are the names of the series of targets.
    """
    words = words_read(alert)
    own = {word for word in words if word.startswith(_OWN)}
    facts = {
        "restart": (own, "no series of the exporter"),
        "replicas": (words & set(of_targets), "no series of a target"),
        "flap": (words & _STATE, "not whether probes fail"),
        "environments": (own | words & {"up"}, "no series"),
    }
    exempt = {case.kind: case.exempt for case in alert.cases if case.exempt}
    return {kind: f"reads {text}" for kind, (found, text) in facts.items() if not found} | exempt


def case_table(alerts: Iterable[Alert], derive: Derive, of_targets: Collection[str]) -> str:
    """Return the page: one row for each alert, in each cell a count or why there is none."""
    kinds = (*CASE_KINDS, *DERIVED_KINDS)
    rows = []
    for alert in alerts:
        counts = Counter(case.kind for case in (*alert.cases, *derive(alert)) if not case.exempt)
        without = not_applicable(alert, of_targets)
        rows.append((f"`{alert.name}`", *(str(counts[kind] or without.get(kind, "-")) for kind in kinds)))
    return as_markdown(
        "# Cases of alerts",
        "How many unit tests prove each alert. `fires`, `quiet`, `boundary` and `missing` (data that is not "
        "there) are written beside the alert. The others are derived from the cases in which it fires: "
        "`restart` takes two minutes of every series away, and the alert neither resolves nor fires again; "
        "`replicas` puts a second exporter beside the first, one that agrees, one that is blind, one that "
        "gets through; `flap` lets the targets recover and fail in turn; `environments` shows another "
        "environment that is well. A cell without a number says why the kind does not apply.",
        table(("Alert", *kinds), rows),
    )
