"""Do the events of apps arrive, which are refused, and does everything that they say become a series?"""

from typing import Any

from exporter.core import event_metrics as m
from exporter.core.webhook_metrics import SERIES_DROPPED
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards import _reported as reported
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._panels import PanelQuery, TableColumn
from exporter.generate.dashboards._reported import say_nothing

ACCEPTED, REJECTED, DUPLICATES = map(str, m.INTAKE_SERIES)
DROPPED = str(SERIES_DROPPED)
_STORE = "integration_exporter_store"
KIND = TableColumn("kind", "Kind", width=130)


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid="integration-events",
        title="Integrations / Events",
        description="Events of apps on their way in: accepted, refused, counted twice, left out, stored.",
        sections=(
            Section("", say_nothing("No event", _counts())),
            Section("What arrives", say_nothing("No event has arrived", _arrivals())),
            Section("What is left out", say_nothing("Nothing is known to be left out", _losses())),
        ),
        variables=(),
    )


def _counts() -> tuple[Any, ...]:
    return (
        show.figure(
            "Events per minute",
            "Events that were accepted, on average of 5 minutes.",
            PanelQuery(reported.pace_now(ACCEPTED)),
            size=(4, 4),
            unit="cpm",
        ),
        show.number(
            "Refused, 1 h",
            "Events that were not valid: the answer names the field and the reason.",
            f"round({reported.rise(REJECTED)}) or sum({ACCEPTED}) * 0",
            bad=show.WARNING,
        ),
        show.number(
            "Duplicates, 1 h",
            "Events whose id was counted before: an app that sends again, which costs nothing.",
            f"round({reported.rise(DUPLICATES)}) or sum({ACCEPTED}) * 0",
            bad=show.QUIET,
        ),
        show.number(
            "Left out, 1 h",
            "Counts that were left out of series, because their metric has as many series as it may have.",
            f"round({reported.rise(DROPPED)}) or sum({ACCEPTED}) * 0",
            bad=show.BAD,
        ),
        show.number(
            "Stores that fail",
            "Exporters that cannot write or read: events that must be stored are answered with 503.",
            f"sum({_STORE}_healthy == bool 0)",
            bad=show.BAD,
        ),
        show.number(
            "Rows lost",
            "Rows that were dropped since each exporter began, because its store failed for long.",
            f"sum({_STORE}_dropped)",
            bad=show.BAD,
        ),
    )


def _arrivals() -> tuple[Any, ...]:
    most = ask.top(reported.rise(ACCEPTED, "kind"))
    rejected = f"{reported.rise(REJECTED, 'kind, reason')} > 0"
    return (
        show.stacked(
            "Events per minute, by kind",
            "What apps report; those of several exporters together.",
            PanelQuery(reported.per_minute(ACCEPTED, "kind"), "{{kind}}"),
            size=(12, 8),
            unit="cpm",
            step="1m",
        ),
        show.stacked(
            "Refused events per minute, by reason",
            "Why events are not valid: an app that does not follow the fields of a kind.",
            PanelQuery(reported.per_minute(REJECTED, "reason"), "{{reason}}"),
            size=(12, 8),
            unit="cpm",
            step="1m",
        ),
        show.rows(
            "Kinds in an hour",
            "How many events of each kind were accepted, came twice, and were refused.",
            (
                most,
                f"{reported.rise(DUPLICATES, 'kind')} and on (kind) {most}",
                f"{reported.rise(REJECTED, 'kind')} and on (kind) {most}",
            ),
            (
                KIND,
                TableColumn("A", "Accepted", unit="locale", decimals=0, bar=True),
                TableColumn("B", "Duplicates", unit="locale", width=100, decimals=0),
                TableColumn("C", "Refused", unit="locale", width=100, decimals=0),
            ),
            size=(12, 9),
            sort=(("Accepted", True),),
            empty="No event has arrived",
        ),
        show.rows(
            "Refused in an hour, by kind and reason",
            f"The {ask.MOST} most frequent; of some not even the kind could be read.",
            (ask.top(f'label_replace({rejected}, "kind", "unreadable", "kind", "")'),),
            (
                KIND,
                TableColumn("reason", "Reason", wrap=True),
                TableColumn("A", "Events", unit="locale", width=100, decimals=0),
            ),
            size=(12, 9),
            sort=(("Events", True),),
            empty="No event was refused",
        ),
    )


def _losses() -> tuple[Any, ...]:
    return (
        show.lines(
            "Left out of series per minute, by metric",
            f"Of the {ask.MOST} metrics with the most: list values under `events.allow`, or raise "
            "`events.series_limit`.",
            (
                PanelQuery(reported.per_minute(DROPPED), "all metrics"),
                # Those with none would fill the legend.
                PanelQuery(ask.top(f"{reported.per_minute(DROPPED, 'metric')} > 0"), "{{metric}}"),
            ),
            size=(12, 8),
            unit="cpm",
        ),
        show.lines(
            "Store: what failed",
            "Writes and reads that failed and rows that were dropped, since each exporter began.",
            tuple(
                PanelQuery(f"sum({_STORE}_{name})", title)
                for name, title in (
                    ("failed_writes", "failed writes"),
                    ("failed_reads", "failed reads"),
                    ("dropped", "rows lost"),
                )
            ),
            size=(12, 8),
            unit="short",
        ),
    )
