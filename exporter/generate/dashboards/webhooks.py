"""Do webhooks arrive, are they processed, and do those that we send reach their receivers?"""

from typing import Any

from exporter.alerts.webhooks import BACKLOG_AGE, BAD_MINUTES, BAD_SIGNATURES, EVENTS_1H, FAILURES_1H, SUCCESS
from exporter.core import webhook_metrics as m
from exporter.core.metric import Metric
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards import _sql as sql
from exporter.generate.dashboards import _store_panels as store
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._columns import integration_column, tenant_column
from exporter.generate.dashboards._links import VALUE, DataLink, link_to
from exporter.generate.dashboards._panels import PanelQuery, TableColumn
from exporter.generate.dashboards._reported import say_nothing
from exporter.generate.dashboards._scale import record
from exporter.generate.dashboards._variables import TARGET

SOURCES, ENDPOINTS = ask.match_variables(("source", "endpoint"))
IN, OUT = f'direction="{m.INBOUND}", {SOURCES}', f'direction="{m.OUTBOUND}", {ENDPOINTS}'
RATE = "[$__rate_interval]"
HOUR = "[1h]"

UID = "integration-webhooks"
PICKED = (*TARGET, "source", "endpoint")


def _place(name: str) -> TableColumn:
    """Return the column of sources or of endpoints; a click shows one of them."""
    only = DataLink(f"Show only this {name}", link_to(UID, carry=PICKED, **{name: VALUE}))
    return TableColumn(name, name.capitalize(), width=130, links=(only,), wrap=True)


TENANT, INTEGRATION = tenant_column(UID, carry=PICKED), integration_column(UID, carry=PICKED)
SOURCE, ENDPOINT = _place("source"), _place("endpoint")
STATES = {"1": ("Up", show.GOOD), "0": ("Down", show.BAD), "-1": ("Disabled", show.BAD)}


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=UID,
        title="Integrations / Webhooks",
        description="Webhooks that vendors send and those that tenants get: arriving, verified, delivered.",
        sections=(
            Section("", say_nothing("Not known", _counts())),
            Section("Received", say_nothing("No webhook has arrived", _received())),
            Section("Sent", say_nothing("No webhook was sent", (*_sent(), _endpoints()))),
            Section("Backlog and dead letters", say_nothing("Nothing was sent", (*_waiting(), _backlog()))),
            Section("From the store", _log()),
        ),
        variables=PICKED,
    )


def _counts() -> tuple[Any, ...]:
    return (
        show.number(
            "Sources that fail",
            "Sources whose last webhook was not processed by the app.",
            f"sum({_each(m.CONSECUTIVE_FAILURES, 'source', IN)} > bool 0)",
            bad=show.BAD,
        ),
        show.number(
            "Endpoints down",
            "Receivers whose last delivery failed, and those that are disabled.",
            f"sum({_each(m.ENDPOINT_UP, 'endpoint', ENDPOINTS)} == bool 0)",
            bad=show.BAD,
        ),
        show.number(
            "Waiting",
            "Deliveries of both directions that wait for an attempt.",
            f"sum({_each(m.BACKLOG, 'endpoint, direction')})",
            bad=show.WARNING,
        ),
        show.number(
            "Given up",
            "Deliveries that are dead: `integration-exporter webhooks retry` tries them again.",
            f"sum({_each(m.DEAD, 'endpoint, direction')})",
            bad=show.BAD,
        ),
        show.number(
            "Refused, 1 h",
            "Webhooks without a good signature in the last hour.",
            f"round(sum(increase({ask.series(m.SIGNATURE_FAILURES, SOURCES)}{HOUR})))",
            bad=show.WARNING,
        ),
        show.number(
            "Duplicates, 1 h",
            "Webhooks that were here already, in the last hour; they are not forwarded again.",
            f"round(sum(increase({ask.series(m.DUPLICATES, SOURCES)}{HOUR})))",
            bad=show.QUIET,
        ),
    )


def _received() -> tuple[Any, ...]:
    last = f"{_each(m.LAST_EVENT, 'source', IN)}"
    oldest = ask.top(f"{last} * 1000")
    return (
        show.lines(
            "Webhooks processed per minute, by source",
            "Attempts to get a webhook processed by the app; retries count.",
            (PanelQuery(ask.top(f"sum by (source) ({_rate(m.EVENTS, IN)}) * 60"), "{{source}}"),),
            size=(12, 8),
            unit="cpm",
        ),
        show.stacked(
            "Failures to process per minute, by reason",
            "Why the app did not process what was forwarded to it.",
            PanelQuery(f"sum by (reason) ({_rate(m.EVENT_FAILURES, IN)}) * 60", "{{reason}}"),
            size=(12, 8),
            unit="cpm",
            step="1m",
        ),
        show.lines(
            "Processing time, 95th percentile by source",
            "How long the app took to answer, where it accepted the webhook.",
            (PanelQuery(ask.top(_quantile(m.PROCESSING_DURATION, "source", IN)), "{{source}}"),),
            size=(12, 8),
            unit="s",
        ),
        show.stacked(
            "Refused per minute, by reason",
            "Webhooks that are not proven to be genuine: a secret that was not rotated here, or an attack. "
            "Dashed: the thresholds for one source.",
            PanelQuery(f"sum by (reason) ({_rate(m.SIGNATURE_FAILURES, SOURCES)}) * 60", "{{reason}}"),
            size=(12, 8),
            unit="cpm",
            step="1m",
            limits=show.limits_of(BAD_SIGNATURES, 1 / BAD_MINUTES),
        ),
        show.rows(
            "Sources",
            f"The {ask.MOST} sources that sent most recently, how often the app failed in a row and in one "
            "hour, and after which time without a webhook they count as silent, where that is watched.",
            (
                oldest,
                f"{_each(m.CONSECUTIVE_FAILURES, 'source', IN)} and on ({_names('source')}) {oldest}",
                f"{_failing(m.EVENT_FAILURES, m.EVENTS, 'source', IN)} and on ({_names('source')}) {oldest}",
                f"{_each(m.SILENCE_LIMIT, 'source', SOURCES)} and on ({_names('source')}) {oldest}",
            ),
            (
                SOURCE,
                TENANT,
                TableColumn("A", "Last webhook", unit="dateTimeFromNow", width=140),
                TableColumn("B", "In a row", width=105),
                TableColumn("C", "Failing, 1 h", unit="percentunit", decimals=1, bar=True),
                TableColumn("D", "Silent after", unit="s", width=105),
            ),
            size=(16, 9),
            sort=(("In a row", True),),
            empty="No webhook has arrived",
        ),
        show.bars(
            "Types received in an hour",
            "Genuine webhooks that were new, by the types that the configuration lists.",
            PanelQuery(
                ask.top(f"round(sum by (type) (increase({ask.series(m.RECEIVED, SOURCES)}{HOUR})))"),
                "{{type}}",
            ),
            size=(8, 9),
            unit="short",
        ),
    )


def _sent() -> tuple[Any, ...]:
    return (
        show.lines(
            "Deliveries per minute, by endpoint",
            f"Attempts to deliver to the {ask.MOST} busiest endpoints.",
            (PanelQuery(ask.top(f"sum by (endpoint) ({_rate(m.DELIVERIES, OUT)}) * 60"), "{{endpoint}}"),),
            size=(12, 8),
            unit="cpm",
        ),
        show.stacked(
            "Failed deliveries per minute, by reason",
            "Why receivers did not take what we sent.",
            PanelQuery(f"sum by (reason) ({_rate(m.DELIVERY_FAILURES, OUT)}) * 60", "{{reason}}"),
            size=(12, 8),
            unit="cpm",
            step="1m",
        ),
        show.lines(
            "Success ratio of attempts",
            "Share of the attempts of an hour that succeeded, by direction. Dashed: the strictest threshold.",
            (PanelQuery(_success(), "{{direction}}"),),
            size=(12, 8),
            unit="percentunit",
            limits=show.limits_of(SUCCESS),
            steps=show.FEW_STEPS,
        ),
        show.lines(
            "Delivery time, 95th percentile",
            "How long an attempt took, whatever its outcome, by direction.",
            (PanelQuery(_quantile(m.DELIVERY_DURATION, "direction"), "{{direction}}"),),
            size=(12, 8),
            unit="s",
        ),
    )


def _success() -> str:
    """Return the share of the attempts of an hour that succeeded, from the records that the alert reads."""
    failed, tried = (f"sum by (direction) ({record(name)})" for name in (FAILURES_1H, EVENTS_1H))
    return f"1 - ({failed} or {tried} * 0) / ({tried} > 0)"


def _endpoints() -> Any:
    up = _each(m.ENDPOINT_UP, "endpoint", ENDPOINTS)
    disabled = _each(m.ENDPOINT_DISABLED, "endpoint", ENDPOINTS)
    worst = f"bottomk({ask.MOST}, {up} - ({disabled} or {up} * 0))"
    known = f"on ({_names('endpoint')}) {worst}"
    return show.rows(
        "Endpoints",
        f"The {ask.MOST} endpoints that need a look first: those that the exporter disabled, those "
        "that are down, then any.",
        (
            worst,
            f"{_each(m.ENDPOINT_LAST_SUCCESS, 'endpoint', ENDPOINTS)} * 1000 and {known}",
            f"{_each(m.ENDPOINT_CERTIFICATE, 'endpoint', ENDPOINTS)} - time() and {known}",
            f"{_failing(m.DELIVERY_FAILURES, m.DELIVERIES, 'endpoint', OUT)} and {known}",
        ),
        (
            TableColumn("A", "State", width=90, words=STATES),
            ENDPOINT,
            TENANT,
            INTEGRATION,
            TableColumn("B", "Last success", unit="dateTimeFromNow", width=140),
            TableColumn("D", "Failing, 1 h", unit="percentunit", decimals=1, bar=True),
            TableColumn("C", "Certificate left", unit="s", decimals=1, width=110),
        ),
        size=(24, 8),
        sort=(("State", False),),
        empty="No endpoint was tried",
    )


def _waiting() -> tuple[Any, ...]:
    return (
        show.lines(
            "Waiting and given up",
            "Deliveries that wait for an attempt, and dead ones that are still stored, by direction.",
            (
                PanelQuery(_stored(m.BACKLOG), "{{direction}}, waiting"),
                PanelQuery(_stored(m.DEAD), "{{direction}}, given up"),
            ),
            size=(7, 9),
            unit="short",
        ),
        show.lines(
            "Age of the oldest that waits",
            "By direction; 0 where none waits. Dashed: the thresholds.",
            (
                PanelQuery(
                    # Aggregated before anything else: by endpoint it takes seconds at ten thousand tenants.
                    f"time() - min by (direction) ({ask.series(m.OLDEST)})"
                    f" or min by (direction) ({ask.series(m.BACKLOG)}) * 0",
                    "{{direction}}",
                ),
            ),
            steps=show.FEW_STEPS,
            size=(7, 9),
            unit="s",
            limits=show.limits_of(BACKLOG_AGE),
        ),
    )


def _stored(metric: Metric) -> str:
    """Return a sum over all that is stored, by direction: each replica knows the whole of one store."""
    # Summed before replicas are collapsed: by endpoint it takes seconds at ten thousand tenants.
    return f"max by (direction) (sum by (direction, instance, job) ({ask.series(metric)}))"


def _age() -> str:
    """Return how old the oldest delivery of each queue is, where any waits."""
    own = "endpoint, direction"
    waiting = f"{_each(m.BACKLOG, own)} > 0"
    return f"time() - {_each(m.OLDEST, own, how='min')} and on ({_names(own)}) {waiting}"


def _backlog() -> Any:
    longest = ask.top(f"{_each(m.BACKLOG, 'endpoint, direction')} > 0")
    return show.rows(
        "Backlog",
        f"The {ask.MOST} longest queues, of apps and of endpoints, and how old their oldest delivery is.",
        (longest, f"{_age()} and on ({_names('endpoint, direction')}) {longest}"),
        (
            TableColumn("endpoint", "Receiver", wrap=True),
            TableColumn("direction", "Direction", width=90),
            TableColumn("A", "Waiting", width=90),
            TableColumn("B", "Oldest", unit="s", width=95),
        ),
        size=(10, 9),
        sort=(("Waiting", True),),
        empty="Nothing is known to wait",
    )


def _log() -> tuple[Any, ...]:
    places = ("tenant", "endpoint")
    return (
        store.log(
            "Given up, one by one",
            f"The newest {sql.MOST_ROWS} dead deliveries; `integration-exporter webhooks retry` tries again.",
            sql.newest(
                "deliveries",
                ("time", "endpoint", "tenant", "kind", "type", "attempts", "reason", "delivery"),
                "state = 'dead'",
                variables=places,
            ),
            (
                store.time_column(),
                ENDPOINT,
                TENANT,
                TableColumn("kind", "Kind", width=100),
                TableColumn("type", "Type", width=180, wrap=True),
                TableColumn("attempts", "Attempts", width=90),
                TableColumn("reason", "Reason", width=130),
                TableColumn("delivery", "Delivery", wrap=True),
            ),
            size=(24, 8),
            sort=(("Time", True),),
            empty="Nothing was given up in the time range",
        ),
        store.log(
            "Failed attempts",
            f"The newest {sql.MOST_ROWS} attempts to deliver that failed, and how long the receiver took.",
            sql.newest(
                "delivery_attempts",
                ("time", "endpoint", "tenant", "kind", "number", "status", "reason", "took", "delivery"),
                "reason <> ''",
                variables=places,
            ),
            (
                store.time_column(),
                ENDPOINT,
                TENANT,
                TableColumn("kind", "Kind", width=100),
                TableColumn("number", "Attempt", width=85),
                TableColumn("status", "HTTP", width=70),
                TableColumn("reason", "Reason", width=130),
                TableColumn("took", "Took", unit="s", width=90),
                TableColumn("delivery", "Delivery", wrap=True),
            ),
            size=(24, 8),
            sort=(("Time", True),),
            empty="No attempt failed in the time range",
        ),
    )


def _names(own: str) -> str:
    return f"integration, provider, tenant, {own}"


def _each(metric: Metric, own: str, *matchers: str, how: str = "max") -> str:
    """Return a gauge once for each target and label in `own`: replicas report the same of one store."""
    return f"{how} by ({_names(own)}) ({ask.series(metric, *matchers)})"


def _failing(part: Metric, whole: Metric, own: str, *matchers: str) -> str:
    """Return the share of the attempts of an hour that failed, over all processes."""
    by = _names(own)
    failed, tried = (
        f"sum by ({by}) (increase({ask.series(metric, *matchers)}{HOUR}))" for metric in (part, whole)
    )
    return f"{failed} / ({tried} > 0)"


def _rate(metric: Metric, *matchers: str) -> str:
    return f"rate({ask.series(metric, *matchers)}{RATE})"


def _quantile(metric: Metric, by: str, *matchers: str) -> str:
    buckets = ask.series(metric, *matchers).replace(str(metric), f"{metric}_bucket", 1)
    return f"histogram_quantile(0.95, sum by (le, {by}) (rate({buckets}{RATE})))"
