"""Has deliveries attempted again by hand: those that are dead, or any of given ids."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from exporter.core.delivery import DeliveryState, RetryPolicy
from exporter.core.store import ALL, Filter
from exporter.store.lists import conditions
from exporter.store.rows import clean
from exporter.store.subjects import endpoints
from exporter.store.subjects.deliveries import TABLE

AGE = RetryPolicy().max_age
"""Seconds that a delivery may take from now on."""


@dataclass(frozen=True)
class RetryChoice:
    """Which deliveries: those of `ids`, in whatever state, or the dead ones of `chosen`; of `kinds` alone.

    `chosen` narrows both: a caller who is bound to tenants retries theirs.
    """

    ids: tuple[str, ...] = ()
    chosen: Filter = ALL
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RetryPortion:
    """Rows that `actor` has retried at `now` (Unix seconds), by their numbers."""

    numbers: tuple[int, ...]
    actor: str
    now: float


def numbers_of(connection: Connection, choice: RetryChoice) -> list[int]:
    """Return the numbers of the chosen rows, in the order of acceptance."""
    asked = select(TABLE.c.id).where(TABLE.c.kind.in_(sorted(choice.kinds)), TABLE.c.owner == "")
    asked = asked.where(*conditions(TABLE, choice.chosen))
    chosen = choice.chosen
    if chosen.since is not None:
        asked = asked.where(TABLE.c.at >= chosen.since)
    if chosen.until is not None:
        asked = asked.where(TABLE.c.at < chosen.until)
    if choice.ids:
        asked = asked.where(TABLE.c.delivery.in_(sorted(choice.ids)))
    else:
        asked = asked.where(TABLE.c.state == DeliveryState.DEAD.value)
    return list(connection.execute(asked.order_by(TABLE.c.id)).scalars())


def retry(connection: Connection, portions: Sequence[RetryPortion]) -> list[int]:
    """Let every row wait for an attempt at once, with all its attempts and time before it again.

    What is carried just now is left alone. Return how many rows of each portion.
    """
    return [_retry(connection, portion) for portion in portions]


def _retry(connection: Connection, portion: RetryPortion) -> int:
    which = update(TABLE).where(TABLE.c.id.in_(portion.numbers), TABLE.c.owner == "")
    which = which.values(
        state=DeliveryState.WAITING.value,
        due=portion.now,
        expires=portion.now + AGE,
        attempts_before=TABLE.c.attempts,
        actor=clean(portion.actor),
    )
    lanes = connection.execute(which.returning(TABLE.c.kind, TABLE.c.endpoint)).all()
    _close_breakers(connection, {(kind, name) for kind, name in lanes})
    return len(lanes)


def _close_breakers(connection: Connection, lanes: Collection[tuple[str, str]]) -> None:
    """Let a trial begin at once: a person who retries wants to see what comes of it now."""
    row = endpoints.TABLE.c
    for kind, name in sorted(lanes):
        mine = update(endpoints.TABLE).where(row.kind == kind, row.name == name, row.open_until > 0)
        connection.execute(mine.values(open_until=0.0))
