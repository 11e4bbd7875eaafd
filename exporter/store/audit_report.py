"""What an auditor asks of the audit, for a span of time: sections of entries, each with their number."""

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, func, select

from exporter.core.audit import AuditEntry
from exporter.core.audit_rules import EXPORT, OUTCOMES, REFUSED
from exporter.core.store import Filter
from exporter.store.audit_summary import AuditFigures, figures
from exporter.store.rows import fetch
from exporter.store.subjects import audit_head
from exporter.store.subjects.audit import TABLE, entries_of, is_open, is_ours, is_reviewed, keys_of

MOST_ENTRIES = 5000
"""Entries of a section at most; an export has all of them."""

MOST_PEOPLE = 1000


@dataclass(frozen=True)
class ReportSection:
    """Entries about one question, the newest first, and how many there are in all."""

    name: str
    title: str
    entries: list[AuditEntry]
    total: int


@dataclass(frozen=True)
class SeenActor:
    """Somebody who used the exporter itself: how often, when first and when last (Unix seconds)."""

    actor: str
    entries: int
    first: float
    last: float


@dataclass(frozen=True)
class AuditReport:
    """The sections of a report of `since` to `until`, with figures and the head of the chain at its time."""

    since: float
    until: float
    figures: AuditFigures
    entries: int
    head: bytes
    people: list[SeenActor] = field(default_factory=list)
    sections: list[ReportSection] = field(default_factory=list)


def read_report(connection: Connection, since: float, until: float) -> AuditReport:
    """Return the report of `since` to `until` (Unix seconds)."""
    span = (TABLE.c.at >= since, TABLE.c.at < until)
    head = audit_head.read(connection)
    return AuditReport(
        since,
        until,
        figures(connection, Filter(since=since, until=until)),
        head.entries if head else 0,
        head.hash if head else b"",
        _people(connection, span),
        [_section(connection, *one, span) for one in _sections()],
    )


def _sections() -> list[tuple[str, str, ColumnElement[bool]]]:
    flagged = TABLE.c.flag.is_not(None)
    # Webhooks and attacks are seen by the exporter, not done by who runs it.
    done_by_people = ~TABLE.c.action.like("webhook.%") & ~TABLE.c.action.like("sign\\_in.%", escape="\\")
    refused = func.lower(TABLE.c.outcome).in_(sorted(OUTCOMES[REFUSED]))
    return [
        ("admin_actions", "Administrative actions", is_ours() & done_by_people & ~refused),
        ("refused", "Refused attempts", refused),
        ("reviews_open", "Flagged, not reviewed", is_open()),
        ("reviews_done", "Flagged and reviewed", flagged & is_reviewed()),
        ("exports", "Exports", TABLE.c.action_class == EXPORT),
        ("erasures", "Erasures of people", TABLE.c.once.like("erased:%")),
    ]


def _section(
    connection: Connection,
    name: str,
    title: str,
    condition: ColumnElement[bool],
    span: tuple[ColumnElement[bool], ...],
) -> ReportSection:
    where = (*span, condition)
    total = connection.execute(select(func.count()).select_from(TABLE).where(*where)).scalar_one()
    query = select(TABLE).where(*where).order_by(TABLE.c.at.desc(), TABLE.c.id.desc())
    rows = fetch(connection, query.limit(MOST_ENTRIES))
    return ReportSection(name, title, entries_of(connection, rows), total)


def _people(connection: Connection, span: tuple[ColumnElement[bool], ...]) -> list[SeenActor]:
    number, first, last = func.count(), func.min(TABLE.c.at), func.max(TABLE.c.at)
    query = select(TABLE.c.person, number, first, last).where(*span, is_ours()).group_by(TABLE.c.person)
    rows = connection.execute(query.order_by(number.desc(), TABLE.c.person).limit(MOST_PEOPLE)).all()
    names = keys_of(connection, {person for person, *_ in rows})
    return [
        SeenActor(names[person][0] if person in names else f"erased:{person}", count, since, until)
        for person, count, since, until in rows
    ]
