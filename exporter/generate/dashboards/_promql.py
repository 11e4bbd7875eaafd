"""PromQL of the dashboards: filtered by the variables, replicas collapsed, each written once."""

from collections.abc import Iterable, Iterator

from exporter.core.alert import BY
from exporter.core.common_metrics import INFO
from exporter.core.metric import Metric, Scope
from exporter.core.panel import MOST as MOST
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

ALERT = f"severity, alertname, {BY}"
_NO_TENANT = 'tenant=""'
_SOME_TENANT = 'tenant!=""'
NOT_ALL = 'instance!~"$tenant"'
"""Matches nothing while all tenants are picked, who are written `.*`: as is every instance, and none."""


def series(metric: Metric, *matchers: str) -> str:
    """Return the selector of `metric` for what the reader picked: the dashboard has its scope's variables."""
    return f"{metric}{{{', '.join((*match_variables(metric.scope.value), *matchers))}}}"


def match_variables(names: Iterable[str]) -> Iterator[str]:
    """Yield the matcher of each variable: the label of its name has one of the values that were picked."""
    return (f'{name}=~"${name}"' for name in names)


def alert_matchers(*matchers: str, variables: Iterable[str] = Scope.TARGET.value) -> str:
    """Return the matchers of the alerts on what was picked in `variables`.

    An alert on the exporter itself has none of these labels; it concerns every view.
    """
    return ", ".join(
        ('alertname=~"Integration.+"', *(f'{name}=~"${name}|"' for name in variables), *matchers)
    )


def each(metric: Metric, *own: str, how: str = "max") -> str:
    """Return `metric` once for what its scope names (and per label in `own`), over all replicas."""
    return f"{how} by ({', '.join((*metric.scope.value, *own))}) ({series(metric)})"


def top(expr: str, count: int = MOST) -> str:
    """Return the `count` largest series of `expr`."""
    return f"topk({count}, {expr})"


def firing(
    *matchers: str, offset: str = "", window: str = "", variables: Iterable[str] = Scope.TARGET.value
) -> str:
    """Return 1 for each alert that fires, whatever labels it has of its own.

    It fired before with an `offset`, and at any time of a `window`. Of the alerts without a tenant, once
    tenants are picked, those on their integrations and on the exporter.
    """
    names = tuple(variables)
    rest = tuple(name for name in names if name != "tenant")

    def select(*more: str) -> str:
        chosen = alert_matchers('alertstate="firing"', *matchers, *more, variables=rest)
        found = f"ALERTS{{{chosen}}}{f'[{window}]' if window else ''}{f' offset {offset}' if offset else ''}"
        return f"max_over_time({found})" if window else found

    if rest == names:
        return f"max by ({ALERT}) ({select()})"
    theirs = f"{INFO}{{{', '.join((*match_variables(names), NOT_ALL))}}}"
    found = (
        select('tenant=~"$tenant"'),
        f"{select(_NO_TENANT)} and on (integration) {theirs}",
        select(_NO_TENANT, 'integration=""'),
    )
    return f"max by ({ALERT}) ({' or '.join(found)})"


def rank_alerts() -> str:
    """Return each alert that fires, at its highest severity, as a number: 4 for critical down to 1 for low.

    The steps of a condition fire together; the highest says it all, as it does in notifications.
    """
    steps = " or ".join(f"{firing(_is(severity))} * {rank(severity)}" for severity in Severity)
    return f"topk by (alertname, {BY}) (1, {steps})"


def rank(severity: Severity) -> int:
    """Return the severity as a number that sorts: 4 for critical down to 1 for low."""
    return len(severity.below) + 1


def limit(family: ThresholdFamily) -> str:
    """Return the strictest default of `family` by severity, over the integrations that were picked."""
    strictest = "min" if family.rising else "max"
    # Defaults alone: one tenant's override would move the line for all of them.
    matchers = ", ".join((*match_variables(family.default_labels), _NO_TENANT))
    return f"{strictest} by (severity) ({family.metric}{{{matchers}}})"


def level(observed: str, family: ThresholdFamily, *, inclusive: bool = False) -> str:
    """Return how far each target of `observed` is: the rank of the severity whose threshold it crossed, or 0.

    `observed` has the labels of the family's scope, and may have others. A tenant's override wins over the
    default, as in the rules. `inclusive`: who is at a threshold has crossed it.
    """
    steps = (severity for severity in Severity if severity in family.steps)
    crossed = (
        f"(({_compare(observed, family, severity, inclusive)}) * 0 + {rank(severity)})" for severity in steps
    )
    return " or ".join((*crossed, f"({observed}) * 0"))


def _compare(observed: str, family: ThresholdFamily, severity: Severity, inclusive: bool) -> str:
    beyond = (">" if family.rising else "<") + "=" * inclusive
    common, labels = ", ".join(family.default_labels), ", ".join(family.scope.value)
    default = f"max by ({common}) ({family.metric}{{{_is(severity)}, {_NO_TENANT}}})"
    override = f"max by ({labels}) ({family.metric}{{{_is(severity)}, {_SOME_TENANT}}})"
    return (
        f"({observed} {beyond} on ({common}) group_left () {default} "
        f"unless on ({labels}) {override}) or {observed} {beyond} on ({labels}) group_left () {override}"
    )


def _is(severity: Severity) -> str:
    return f'severity="{severity}"'
