"""The audit in figures: how many entries of which class, outcome and actor, and what was flagged."""

from dataclasses import dataclass, field

from sqlalchemy import Column, ColumnElement, Connection, func, select

from exporter.core.store import Filter
from exporter.store.lists import conditions
from exporter.store.subjects.audit import TABLE, is_open, is_ours, is_reviewed, keys_of

MOST_ACTORS = 10


@dataclass(frozen=True)
class AuditFigures:
    """Entries of a span of time; each mapping is a number by a word, the largest first.

    `actors` are (name, tenant, entries), those with the most entries. `unreviewed` is of all times.
    """

    entries: int
    classes: dict[str, int]
    outcomes: dict[str, int]
    flags: dict[str, int]
    ours: int
    reviewed: int
    unreviewed: int
    highest_risk: int
    actors: list[tuple[str, str, int]] = field(default_factory=list)


def figures(connection: Connection, chosen: Filter) -> AuditFigures:
    """Return the figures of the entries that `chosen` chooses."""
    where = [*conditions(TABLE, chosen)]
    span = [*where, *_between(chosen)]
    flagged = TABLE.c.flag.is_not(None)
    number, highest = func.count(), func.max(TABLE.c.risk)
    total, risk = connection.execute(select(number, highest).select_from(TABLE).where(*span)).one()
    return AuditFigures(
        entries=total,
        classes=_counts(connection, TABLE.c.action_class, span),
        outcomes=_counts(connection, TABLE.c.outcome, span),
        flags=_counts(connection, TABLE.c.flag, [*span, flagged]),
        ours=_count(connection, [*span, is_ours()]),
        reviewed=_count(connection, [*span, flagged, is_reviewed()]),
        unreviewed=_count(connection, [*where, is_open()]),
        highest_risk=risk or 0,
        actors=_actors(connection, span),
    )


def _between(chosen: Filter) -> list[ColumnElement[bool]]:
    since = [TABLE.c.at >= chosen.since] if chosen.since is not None else []
    return since + ([TABLE.c.at < chosen.until] if chosen.until is not None else [])


def _counts(connection: Connection, column: Column[str], where: list[ColumnElement[bool]]) -> dict[str, int]:
    number = func.count()
    query = select(column, number).where(*where).group_by(column)
    # Apps choose the words of an outcome: those that are rare are not listed.
    rows = connection.execute(query.order_by(number.desc(), column).limit(100))
    return dict(rows.all())


def _count(connection: Connection, where: list[ColumnElement[bool]]) -> int:
    query = select(func.count()).select_from(TABLE).where(*where)
    return int(connection.execute(query).scalar_one())


def _actors(connection: Connection, where: list[ColumnElement[bool]]) -> list[tuple[str, str, int]]:
    number = func.count()
    query = select(TABLE.c.person, TABLE.c.tenant, number).where(*where)
    query = query.group_by(TABLE.c.person, TABLE.c.tenant).order_by(number.desc(), TABLE.c.person)
    rows = connection.execute(query.limit(MOST_ACTORS)).all()
    names = keys_of(connection, {person for person, _, _ in rows})
    return [
        (names[person][0] if person in names else f"erased:{person}", tenant, count)
        for person, tenant, count in rows
    ]
