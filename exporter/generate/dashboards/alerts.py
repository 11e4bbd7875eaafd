"""Which alerts fire, who looks after them, and which wake people for nothing."""

from typing import Any

from exporter.core import notice_metrics as m
from exporter.core.alert_action import AlertVerb
from exporter.core.metric import Metric
from exporter.core.notice import ACKNOWLEDGED, RESOLVED
from exporter.core.severity import Severity
from exporter.generate.dashboards import _alertmanager_panels
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards import _reported as reported
from exporter.generate.dashboards import _sql as sql
from exporter.generate.dashboards import _store_panels as store
from exporter.generate.dashboards._alert_tables import PREFIX, firing_alerts, shorten
from exporter.generate.dashboards._alertmanager_panels import STATES, notices
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._columns import integration_column, tenant_column
from exporter.generate.dashboards._looks import ValueWord
from exporter.generate.dashboards._marks import LOUD
from exporter.generate.dashboards._panels import PanelQuery, TableColumn
from exporter.generate.dashboards._variables import TARGET

UID = "integration-alerts"
INTEGRATION, TENANT = integration_column(UID), tenant_column(UID)
ALERT = TableColumn("alert", "Alert", width=208)
NAME = f"regexp_replace(alert, '^{PREFIX}', '') AS alert"
"""The name of an alert without the word that all begin with, which would fill the column."""
SEVERITY_WORDS: dict[str, ValueWord] = {
    severity.value: (severity.capitalize(), show.SEVERITY_COLOURS[severity]) for severity in Severity
}
SEVERITY = TableColumn("severity", "Severity", width=95, words=SEVERITY_WORDS)
INCIDENTS = f"""\
SELECT alert, severity, integration, tenant, provider, fingerprint,
  min(starts) AS starts, min(started) AS began, max(flap) AS flap,
  min(at) FILTER (WHERE state = '{ACKNOWLEDGED}') AS acknowledged,
  max(ends) FILTER (WHERE state = '{RESOLVED}') AS ends
FROM {sql.view("alert_history")}
WHERE {sql.where(variables=TARGET)}
GROUP BY alert, severity, integration, tenant, provider, fingerprint, date_trunc('milliseconds', started)"""
"""One row for each time that an alert fired: when it was first acknowledged, and when it was resolved.

What an older version stored of a message has more digits than what Alertmanager's API said of that alert.
"""


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=UID,
        title="Integrations / Alerts",
        description="Which alerts fire, who looks after them, what they were, and which are noise.",
        sections=(
            Section("Now", (*_counts(), firing_alerts((INTEGRATION, TENANT), (14, 10)), _over_time())),
            Section("What the exporter does", _alertmanager_panels.panels()),
            Section("Noise, by the counters of the exporter", _noise()),
            Section("From the store", _history()),
        ),
        start="now-7d",
    )


def _counts() -> tuple[Any, ...]:
    loud = f"max by (alertname, integration, provider, tenant) ({ask.firing(LOUD)})"
    every = f"max by (alertname, integration, provider, tenant) ({ask.firing()})"
    # Zero is claimed only while the Watchdog fires: it proves that rules are evaluated at all.
    alive = 'max(ALERTS{alertname="Watchdog", alertstate="firing"}) * 0'
    return (
        show.number(
            "Critical and high",
            "Alerts of severity critical or high that fire now. No data means that no rules are evaluated.",
            f"count({loud}) or {alive}",
            bad=show.BAD,
        ),
        show.number(
            "Firing in all",
            "Alerts of any severity that fire now. No data means that no rules are evaluated.",
            f"count({every}) or {alive}",
            bad=show.WARNING,
        ),
        _day("Began, 24 h", "Alerts that began to fire in the last 24 hours.", m.ALERTS_FIRED),
        _day("Flapped, 24 h", "Alerts that fired again soon after they were resolved.", m.ALERTS_FLAPPED),
        _mean(
            "To acknowledge",
            "From the start of an alert until somebody acknowledged it, on average of the time range.",
            m.ACKNOWLEDGE_SECONDS,
            m.ALERTS_ACKNOWLEDGED,
        ),
        _mean(
            "To resolve",
            "From the start of an alert to its end, on average of the time range.",
            m.RESOLVE_SECONDS,
            m.ALERTS_RESOLVED,
        ),
    )


def _day(title: str, text: str, metric: Metric) -> Any:
    expr = f"round({reported.rise_of_new(str(metric), window='24h')})"
    panel = show.number(title, f"{text} Of all integrations, whatever is picked.", expr, bad=show.WARNING)
    # The counters begin with the first alert: without one there is nothing that is 0.
    return panel.no_value("None yet")


def _mean(title: str, text: str, seconds: Metric, times: Metric) -> Any:
    # None of them is 0 / 0, which is no mean.
    took, count = (reported.rise_of_new(str(metric), window=reported.RANGE) for metric in (seconds, times))
    expr = f"{took} / ({count} > 0)"
    panel = show.figure(
        title, f"{text} Of all integrations, whatever is picked.", PanelQuery(expr), size=(4, 4), unit="s"
    )
    return panel.no_value("None yet")


def _over_time() -> Any:
    # One that fired for a minute between two points counts, too.
    fired = ask.firing(window="$__rate_interval")
    return show.stacked(
        "Alerts that fire, by severity",
        "How many fired in the time of each bar, however shortly; the steps of one condition count each.",
        PanelQuery(f"count by (severity) ({fired})", "{{severity}}"),
        size=(10, 10),
        unit="short",
        step="1m",
        colours={str(severity): colour for severity, colour in show.SEVERITY_COLOURS.items()},
    ).no_value("No alert is known to have fired")


def _noise() -> tuple[Any, ...]:
    fired = _increase(m.ALERTS_FIRED)
    most = ask.top(f"{fired} > 0")
    unseen = f"clamp_min({fired} - {_increase(m.ALERTS_ACKNOWLEDGED)}, 0)"
    resolved = f"{_increase(m.RESOLVE_SECONDS)} / ({_increase(m.ALERTS_RESOLVED)} > 0)"
    acknowledged = f"{_increase(m.ACKNOWLEDGE_SECONDS)} / ({_increase(m.ALERTS_ACKNOWLEDGED)} > 0)"
    kept = f"and on (alert) {most}"
    return (
        show.rows(
            "Most frequent alerts",
            f"The {ask.MOST} alerts that fired most in the time range: what nobody acknowledges, or what "
            "flaps, wakes people for nothing. Of all integrations, whatever is picked.",
            tuple(
                shorten(expr, "alert")
                for expr in (
                    most,
                    f"{_increase(m.ALERTS_FLAPPED)} {kept}",
                    f"{unseen} {kept}",
                    f"{acknowledged} {kept}",
                    f"{resolved} {kept}",
                )
            ),
            (
                ALERT,
                TableColumn("A", "Began", bar=True),
                TableColumn("B", "Flapped", width=90),
                TableColumn("C", "Not acknowledged", width=145),
                TableColumn("D", "To acknowledge", unit="s", width=130),
                TableColumn("E", "To resolve", unit="s", width=110),
            ),
            size=(24, 10),
            sort=(("Began", True),),
            empty="No alert is known to have fired",
        ),
        notices((12, 8)),
        show.stacked(
            "Notices repeated, and alerts left out",
            "Notices that were known before, and alerts that Alertmanager left out of too long messages, in "
            "the time of each bar.",
            PanelQuery(
                reported.rises_in_step({"repeated": m.REPEATED, "left out": m.TRUNCATED}), "{{event}}"
            ),
            size=(12, 8),
            unit="short",
            step=show.COUNTED,
        ).no_value("No notice has come"),
    )


def _increase(metric: Metric) -> str:
    # Each replica counts the notices that it stored, so their counters add up; each begins with the first.
    return f"round({reported.rise_of_new(str(metric), 'alert', reported.RANGE)})"


def _history() -> tuple[Any, ...]:
    return (
        store.log(
            "History",
            f"The newest {sql.MOST_ROWS} times that an alert began to fire, was acknowledged or resolved.",
            sql.newest(
                "alert_history",
                ("time", "state", "severity", NAME, "integration", "tenant", "summary"),
                variables=TARGET,
            ),
            (
                store.time_column(),
                TableColumn("state", "State", width=115, words=STATES),
                SEVERITY,
                ALERT,
                INTEGRATION,
                TENANT,
                TableColumn("summary", "Summary", wrap=True),
            ),
            size=(24, 11),
            sort=(("Time", True),),
            empty="No alert fired in the time range",
        ),
        _acknowledged(),
        _never_acknowledged(),
        _noise_of_store(),
        _actions(),
    )


def _acknowledged() -> Any:
    query = f"""\
SELECT DISTINCT ON (fingerprint) time, {NAME}, severity, integration, tenant, actor, note, until
FROM {sql.view("alert_actions")} AS done
WHERE action = '{AlertVerb.ACKNOWLEDGE}' AND (until IS NULL OR until > now())
  AND {sql.matches()}
  AND NOT EXISTS (SELECT FROM {sql.view("alert_history")} AS history
    WHERE history.fingerprint = done.fingerprint AND state = '{RESOLVED}' AND history.at > done.at)
ORDER BY fingerprint, at DESC
LIMIT {sql.MOST_ROWS}"""
    return store.log(
        "Acknowledged",
        "Alerts that somebody looks after now, and until when their notifications are silenced.",
        query,
        (
            store.time_column(),
            SEVERITY,
            ALERT,
            INTEGRATION,
            TENANT,
            TableColumn("actor", "By", width=120, wrap=True),
            TableColumn("note", "Note", wrap=True),
            store.time_column("until", "Until"),
        ),
        size=(24, 8),
        sort=(("Time", True),),
        empty="No alert is acknowledged now",
    )


def _never_acknowledged() -> Any:
    query = f"""\
SELECT began, {NAME}, severity, integration, tenant, ends - starts AS lasted
FROM ({INCIDENTS}) AS incident
WHERE acknowledged IS NULL AND severity IN ('{Severity.CRITICAL}', '{Severity.HIGH}')
ORDER BY starts DESC
LIMIT {sql.MOST_ROWS}"""
    return store.log(
        "Never acknowledged",
        "Critical and high alerts of the time range that nobody acknowledged; those without a duration fire.",
        query,
        (
            store.time_column("began", "Began"),
            SEVERITY,
            ALERT,
            INTEGRATION,
            TENANT,
            TableColumn("lasted", "Lasted", unit="s"),
        ),
        size=(24, 8),
        sort=(("Began", True),),
        empty="Every critical and high alert was acknowledged",
    )


def _noise_of_store() -> Any:
    query = f"""\
SELECT {NAME}, count(*) AS began, sum(flap) AS flapped,
  count(*) FILTER (WHERE acknowledged IS NULL) AS ignored,
  avg(acknowledged - starts) AS waited, avg(ends - starts) AS lasted
FROM ({INCIDENTS}) AS incident
GROUP BY incident.alert
ORDER BY began DESC
LIMIT {ask.MOST}"""
    return store.log(
        "Noise for what is picked",
        f"The {ask.MOST} most frequent alerts on the integrations and tenants that are picked.",
        query,
        (
            TableColumn("alert", "Alert"),
            TableColumn("began", "Began", width=90),
            TableColumn("flapped", "Flapped", width=75),
            TableColumn("ignored", "Not acknowledged", width=145),
            TableColumn("waited", "To acknowledge", unit="s", width=130),
            TableColumn("lasted", "To resolve", unit="s", width=110),
        ),
        size=(24, 8),
        sort=(("Began", True),),
        empty="No alert fired in the time range",
    )


def _actions() -> Any:
    return store.log(
        "Who did what",
        f"The newest {sql.MOST_ROWS} acknowledgements, assignments, and alerts fired or resolved by hand.",
        sql.newest(
            "alert_actions",
            ("time", "action", "actor", "assignee", NAME, "integration", "tenant", "note"),
        ),
        (
            store.time_column(),
            TableColumn("action", "Action", width=110),
            TableColumn("actor", "By", width=120, wrap=True),
            TableColumn("assignee", "Given to", width=120, wrap=True),
            ALERT,
            INTEGRATION,
            TENANT,
            TableColumn("note", "Note", wrap=True),
        ),
        size=(24, 8),
        sort=(("Time", True),),
        empty="Nobody did anything in the time range",
    )
