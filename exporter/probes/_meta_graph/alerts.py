"""Alerts that every provider on the Graph API has: the version expires, a scope is missing."""

from exporter.alerts.cases.series import series, target
from exporter.core.alert import BY, WHO, Alert, Case, Runbook
from exporter.core.severity import Severity
from exporter.probes._meta_graph.metrics import GraphMetrics

DAY = 86_400
NOTICE = 30 * DAY
"""Seconds before the announced end of a version from which the alert fires."""


def levels(*severities: str) -> tuple[dict[str, str], ...]:
    """Return the labels of a target's alert once for each severity."""
    return tuple({**target(), "severity": severity} for severity in severities)


def version_alert(prefix: str, metrics: GraphMetrics, effect: str) -> Alert:
    """Return the alert on the API version; `prefix` begins its name, `effect` is what an old version does."""
    end, gone = metrics.version_end, metrics.version_deprecated
    left = f"max by ({BY}) (last_over_time({end}[$lookback])) - time()"
    return Alert(
        name=f"{prefix}ApiVersionEnding",
        summary="An old version of Meta's API is asked for.",
        description=f"The configured API version of {WHO} ends soon or is served no more.",
        exprs={
            Severity.HIGH: f"max by ({BY}) (last_over_time({gone}[$lookback]) == 1)",
            Severity.MEDIUM: f"{left} < {NOTICE}",
        },
        cases=_version_cases(metrics),
        runbook=Runbook(
            meaning=(
                "Medium: the announced end of the version in the option `api_version` is less than 30 days "
                "away. High: the end is past, or Meta's answers say that the call was served by a newer "
                "version. The label `version` of "
                f"`{gone}` names the one that is asked for."
            ),
            impact=effect,
            diagnosis=(
                "1. Which version does the platform's own code ask for? It most likely has the same age.\n"
                "2. Read Meta's changelog from that version on: which fields and calls changed?"
            ),
            mitigation=(
                "Raise the platform's version first, test it, then set `api_version` of the integration to "
                "the same and reload. Nothing else of the exporter has to change."
            ),
        ),
    )


def _version_cases(metrics: GraphMetrics) -> tuple[Case, ...]:
    def ends(seconds: int) -> dict[str, str]:
        return {series(metrics.version_end, version="v25.0"): f"{1800 + seconds}x60"}

    gone = series(metrics.version_deprecated, version="v25.0")
    return (
        Case("fires", ends(29 * DAY), "30m", levels("medium"), says="29 days left"),
        Case("fires", {gone: "1x60"}, "30m", levels("high"), says="Meta says so"),
        Case("fires", {gone: "1x60"} | ends(-DAY), "30m", levels("high", "medium"), says="the end is past"),
        Case("quiet", {gone: "0x60"} | ends(300 * DAY), "30m"),
        Case("boundary", ends(NOTICE), "30m", says="30 days are not less than 30 days"),
        Case("boundary", ends(NOTICE - 1), "30m", levels("medium"), says="a second less is"),
        Case("missing", {gone: "_x60"}, "30m", says="no end is announced and Meta says nothing"),
        Case(
            "missing",
            {gone: "1x20 stale _x5 1x60"},
            "24m",
            levels("high"),
            says="a restart resolves nothing",
        ),
    )


def scope_alert(prefix: str, metrics: GraphMetrics, impact: str) -> Alert:
    """Return the alert on scopes that the token lacks; `impact` says what then does not work."""
    lacks = metrics.scope_missing
    return Alert(
        name=f"{prefix}ScopeMissing",
        summary="The token lacks a permission that the integration needs.",
        description=f"The token of {WHO} lacks {{{{ $value }}}} of the scopes it needs.",
        expr=f"sum by ({BY}) (max by ({BY}, scope) (last_over_time({lacks}[$lookback]) > 0))",
        severities=(Severity.HIGH,),
        cases=_scope_cases(metrics),
        runbook=Runbook(
            meaning=(
                f"The token was inspected and a scope is not among those granted: `{lacks}` is 1 for it. It "
                "is looked at every hour."
            ),
            impact=impact,
            diagnosis=(
                "1. Was the token made again with fewer scopes, or did its owner take one back?\n"
                "2. Did the app lose its approval for the scope? Look at the app's review in Meta's "
                "dashboard.\n"
                "3. Is the right token configured? A platform often has several."
            ),
            mitigation=(
                "Make a token that has the scope, or let the tenant connect again and grant it, and put it "
                "where the configuration reads it."
            ),
        ),
    )


def _scope_cases(metrics: GraphMetrics) -> tuple[Case, ...]:
    one, other = (series(metrics.scope_missing, scope=name) for name in ("first", "second"))
    return (
        Case("fires", {one: "0x60", other: "1x60"}, "30m", levels("high"), says="one of two"),
        Case("quiet", {one: "0x60", other: "0x60"}, "30m"),
        Case("quiet", {one: "1x9 0x60"}, "40m", says="granted again"),
        Case("boundary", {one: "0x29 1x60"}, "30m", levels("high"), says="at the first inspection"),
        Case("missing", {one: "_x60"}, "30m", says="a token that cannot be inspected"),
        Case("missing", {one: "1x20 stale _x5 1x60"}, "24m", levels("high"), says="a restart"),
    )
