"""One page for each alert: what it means, what it harms, how to look, what to do."""

from collections.abc import Iterable

from exporter.core.alert import Alert
from exporter.core.app_metric import FAMILY_PREFIX
from exporter.core.defaults import JOB
from exporter.core.metric import Scope
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.generate import paths
from exporter.generate.document import NOTICE, as_markdown, table
from exporter.generate.rules import condition
from exporter.generate.threshold_rules import records

_LOOKBACK = (
    "`$lookback` is 10 minutes or 2.5 times the longest interval of the configuration, whichever is longer."
)
_COMPARISONS = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below"}


def pages(alerts: Iterable[Alert], folder: str = paths.RUNBOOKS, notice: str = NOTICE) -> dict[str, str]:
    """Return the pages by path."""
    return {f"{folder}/{alert.name}.md": page(alert, notice) for alert in alerts}


def page(alert: Alert, notice: str = NOTICE) -> str:
    """Return the page of one alert."""
    return as_markdown(
        f"# {alert.name}",
        alert.summary,
        *_steps(alert),
        f"## Meaning\n\n{alert.runbook.meaning}",
        f"## Impact\n\n{alert.runbook.impact}",
        f"## Diagnosis\n\n{alert.runbook.diagnosis}",
        f"## Mitigation\n\n{alert.runbook.mitigation}",
        f"<details>\n<summary>Full condition</summary>\n\n{_conditions(alert)}\n\n</details>",
        notice=notice,
    )


def limit(alert: Alert, severity: Severity) -> str:
    """Return the default at which the alert has this severity, such as `above 5`; "" without thresholds."""
    if alert.family is None or not alert.observed:
        return ""
    return f"{_COMPARISONS[alert.op]} {_amount(alert.family.steps[severity], alert.family.unit)}"


def _amount(value: float, unit: str) -> str:
    if unit == "seconds":
        # 0 is a whole number of days too, but stays in seconds.
        return f"{value / 86_400:g} d" if value and value % 86_400 == 0 else f"{value:g} s"
    if unit == "ratio":
        return f"{value * 100:g} %"
    return f"{value:g} {unit.upper()}".strip()


def _steps(alert: Alert) -> Iterable[str]:
    if not alert.levels:
        return
    head = ("Severity", "Respond", "Default threshold", "For")
    rows = [
        (
            level.value,
            level.response,
            limit(alert, level) or "fixed",
            alert.hold if alert.hold != "0s" else "at once",
        )
        for level in alert.levels
    ]
    yield table(head, rows)
    if alert.observed and alert.family:
        yield _where(alert.family)


def _where(family: ThresholdFamily) -> str:
    """Say where the numbers are set."""
    if family.name.startswith(FAMILY_PREFIX):
        return "Set it under `events.metrics`, with the metric."
    whom = "for all, an integration or a tenant" if family.scope is Scope.TARGET else "for all"
    return f"Set it under `thresholds:` as `{family.name}`: {whom}."


def _conditions(alert: Alert) -> str:
    recorded = [f"# recorded as {name}\n{expression}" for name, expression in records(alert).items()]
    rules = [f"# severity {level or 'none'}\n{condition(alert, level)}" for level in alert.levels or (None,)]
    # A page is the same for every configuration, so it names the default job.
    text = "```promql\n" + "\n\n".join((*recorded, *rules)).replace("$job", JOB) + "\n```"
    return f"{text}\n\n{_LOOKBACK}" if "$lookback" in text else text
