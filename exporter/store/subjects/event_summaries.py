"""Summaries of events: a row for each subject, outcome and hour, later for each day; by tenant and of all."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Double,
    Index,
    String,
    Table,
    func,
    literal_column,
    select,
)

from exporter.core.event_summary import (
    ALL_TENANTS,
    TIMED,
    EventKey,
    EventStatistic,
    EventSummaries,
    EventSummary,
    EventWindow,
)
from exporter.core.hours import DAY
from exporter.core.store import Filter, Subject
from exporter.store.columns import METADATA
from exporter.store.hours import TOOK, between, fold_tables, weigh
from exporter.store.lists import conditions
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow, clean
from exporter.store.upserts import add as add_rows
from exporter.store.view import View

MOST = 100_000
"""Summaries that wait at most."""

TABLE = Table(
    "event_summary",
    METADATA,
    # In this order: a question is about one topic of few tenants, whose rows then lie together.
    Column("topic", String, primary_key=True),
    Column("tenant", String, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    *(Column(word, String, primary_key=True) for word in ("integration", "name", "variant", "outcome")),
    Column("number", BigInteger, nullable=False),
    Column("amount", Double, nullable=False),
    # A month of a busy route does not fit into an Integer of PostgreSQL.
    *(Column(bucket, BigInteger) for bucket in TOOK),
    Index("event_summary_by_hour", "hour"),
    sqlite_with_rowid=False,
)

# As a literal: PostgreSQL takes two parameters of one value for two expressions, and refuses to group by one.
_DAY = (TABLE.c.hour - TABLE.c.hour % literal_column(str(DAY), BigInteger)).label("day")


def fold(connection: Connection, now: float) -> int:
    """Add the oldest hour that is old enough to its day; return how many rows went."""
    return fold_tables(connection, now, TABLE)


RETENTION = (TableRetention(TABLE, "statistics", compact=fold),)

VIEWS = (
    View(
        "event_hours",
        "What apps reported in an hour (UTC, from `at` on); the tenant `*` is the sum over all of them.",
        TABLE,
        ("topic", "integration", "tenant", "name", "variant", "outcome", "number", "amount"),
        at="hour",
    ),
)


@dataclass
class EventSummaryBatch:
    """Summaries on their way to the store, which adds them to what it has of their hours."""

    summaries: EventSummaries = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self.summaries)

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.summaries)

    def merge(self, newer: "EventSummaryBatch", /) -> None:
        """Add the summaries of `newer`."""
        for key, summary in newer.summaries.items():
            known = self.summaries.setdefault(key, summary)
            if known is not summary:
                known.add(summary)

    def cut(self, most: int) -> int:
        """Drop the oldest beyond MOST, which is more than `most`: one stands for many events."""
        over = max(0, len(self.summaries) - max(most, MOST))
        for key in list(self.summaries)[:over]:
            del self.summaries[key]
        return over

    def write(self, connection: Connection) -> None:
        """Add them to what the store has, and their sums to the rows of all tenants."""
        totals = total_of(self.summaries)
        # Those beyond the limit of tenants have none; they are in the sums already.
        of_tenants = {key: one for key, one in self.summaries.items() if key[1] != ALL_TENANTS}
        add_rows(connection, TABLE, [_row(key, one) for key, one in (of_tenants | totals).items()])


def total_of(summaries: EventSummaries) -> EventSummaries:
    """Return the sums of `summaries` over their tenants."""
    totals: EventSummaries = {}
    for key, summary in summaries.items():
        total: EventKey = (key[0], ALL_TENANTS, *key[2:])
        totals.setdefault(total, EventSummary()).add(summary)
    return totals


def statistics(connection: Connection, window: EventWindow) -> dict[Subject, EventStatistic]:
    """Return what each subject resulted in, in the order of subjects; hours and days are numbers as text."""
    by = [_DAY if name == "day" else TABLE.c[name] for name in window.by]
    took_columns = TOOK if window.topic in TIMED else ()
    sums = [func.sum(weigh(TABLE, name, window.first)) for name in ("number", "amount", *took_columns)]
    query = select(*by, TABLE.c.outcome, *sums).where(*_in(window))
    query = query.group_by(*by, TABLE.c.outcome).order_by(*by)
    found: dict[Subject, EventStatistic] = {}
    width = len(by)
    for row in connection.execute(query):
        subject = tuple(map(str, row[:width]))
        statistic = found.get(subject)
        if statistic is None:
            statistic = found[subject] = EventStatistic(subject)
        outcome, number, amount, *took = row[width:]
        # PostgreSQL sums whole numbers to decimals, and an hour that counts in part has no whole ones.
        statistic.add(outcome, round(number), float(amount), _counts(took))
    return found


def first_hour(connection: Connection, window: EventWindow) -> int | None:
    """Return the first hour of the window that has anything."""
    found = connection.execute(select(func.min(TABLE.c.hour)).where(*_in(window))).scalar()
    return None if found is None else int(found)


def has(connection: Connection, chosen: Filter, topics: Collection[str]) -> bool:
    """Return whether there is anything of `topics` for the integration and the tenants of `chosen`."""
    # The topic is the beginning of the key: without it this would read the whole table.
    query = select(TABLE.c.topic).where(TABLE.c.topic.in_(sorted(topics)), *conditions(TABLE, chosen))
    return connection.execute(query.where(TABLE.c.tenant != ALL_TENANTS).limit(1)).first() is not None


def _counts(took: list[float | None]) -> Mapping[int, int]:
    return {bucket: round(count) for bucket, count in enumerate(took) if count}


def _in(window: EventWindow) -> Iterator[ColumnElement[bool]]:
    yield TABLE.c.topic == window.topic
    yield from between(TABLE, *window.hours)
    if window.integration:
        yield TABLE.c.integration == window.integration
    if window.tenant is None and window.tenants is None:
        yield TABLE.c.tenant == ALL_TENANTS
        return
    # The sum over all tenants is nobody's, whatever a caller calls itself.
    yield TABLE.c.tenant != ALL_TENANTS
    if window.tenant is not None:
        yield TABLE.c.tenant == window.tenant
    if window.tenants is not None:
        yield TABLE.c.tenant.in_(sorted(window.tenants))


def _row(key: EventKey, summary: EventSummary) -> TableRow:
    topic, tenant, hour, integration, name, variant, outcome = key
    return {
        "topic": topic,
        "tenant": tenant,
        "hour": hour,
        "integration": integration,
        "name": clean(name),
        "variant": clean(variant),
        "outcome": outcome,
        "number": summary.number,
        "amount": summary.amount,
        **{bucket: summary.latencies.get(place) for place, bucket in enumerate(TOOK)},
    }
