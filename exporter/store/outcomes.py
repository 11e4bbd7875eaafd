"""What came of attempts: written together, and only over what the writer still carries."""

from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    Connection,
    Select,
    String,
    bindparam,
    func,
    literal_column,
    select,
    update,
)

from exporter.core import breaker
from exporter.core.delivery import Attempt, Delivery, EndpointKey, EndpointState
from exporter.store.driver_sql import DriverStatement
from exporter.store.subjects import attempts, endpoints
from exporter.store.subjects.deliveries import TABLE


class Outcome(NamedTuple):
    """What came of one attempt that `owner` made: the delivery as it is now, and how its endpoint did."""

    delivery: Delivery
    owner: str
    attempt: Attempt
    report: breaker.AttemptReport

    @property
    def lane(self) -> EndpointKey:
        """The endpoint that was attempted."""
        return self.delivery.kind, self.delivery.endpoint


class Settlement(NamedTuple):
    """What the store says to an outcome: whether the owner still carried it, and how its endpoint does now.

    `endpoint` is None where it has no row: it never failed, and has no limits of its own. `order` rises from
    one word about an endpoint to the next, where its row was locked; it is 0 where that was read alone.
    """

    owned: bool
    endpoint: EndpointState | None = None
    order: int = 0


_ORDER = count(1)


_SETTLE = DriverStatement(
    lambda _: (
        update(TABLE)
        .where(TABLE.c.delivery == bindparam("which"), TABLE.c.owner == bindparam("whose"))
        .values(
            state=bindparam("to_state"),
            due=bindparam("to_due"),
            attempts=bindparam("to_attempts"),
            reason=bindparam("to_reason"),
            detail=bindparam("to_detail"),
            actor=literal_column("''"),
            owner=literal_column("''"),
        )
    )
)


def _select_owners() -> Select[tuple[str, str]]:
    """Return the query of PostgreSQL for the owners of the deliveries `ids`, an array."""
    names: Any = bindparam("ids", type_=ARRAY(String))
    wanted = TABLE.c.delivery.in_(select(func.unnest(names)))
    # In one order, and locked until the end: two sessions that change the same rows wait for each other.
    return select(TABLE.c.delivery, TABLE.c.owner).where(wanted).order_by(TABLE.c.delivery).with_for_update()


_OWNERS = DriverStatement(lambda _: _select_owners())


def record(connection: Connection, outcomes: Sequence[Outcome]) -> list[Settlement]:
    """Write every outcome; the attempt is written in any case: it was made."""
    owned = _settle(connection, outcomes)
    attempts.insert_all(connection, [attempts.attempt_row(one.attempt, one.delivery) for one in outcomes])
    reports: dict[EndpointKey, list[breaker.AttemptReport]] = {}
    for one in outcomes:
        reports.setdefault(one.lane, []).append(one.report)
    states = {lane: _judge(connection, lane, reports[lane]) for lane in sorted(reports)}
    return [Settlement(one.delivery.id in owned, *states[one.lane]) for one in outcomes]


def _settle(connection: Connection, outcomes: Sequence[Outcome]) -> set[str]:
    """Write what deliveries are now that are still carried by who made the attempt; return their ids.

    A replica that was frozen may come back when another one has its deliveries: its word is not taken.
    """
    if connection.dialect.name == "sqlite":  # which has one writer, and no server to go to for each
        return {one.delivery.id for one in outcomes if _SETTLE.run(connection, [_binds(one)]).rowcount}
    owners = {one.delivery.id: one.owner for one in outcomes}
    rows = _OWNERS.run(connection, [{"ids": list(owners)}])
    owned = {name for name, owner in rows if owner == owners[name]}
    if settled := [_binds(one) for one in outcomes if one.delivery.id in owned]:
        _SETTLE.run(connection, settled)
    return owned


def _binds(outcome: Outcome) -> dict[str, object]:
    delivery = outcome.delivery
    return {
        "which": delivery.id,
        "whose": outcome.owner,
        "to_state": delivery.state.value,
        "to_due": delivery.due,
        "to_attempts": delivery.attempts,
        "to_reason": delivery.reason,
        "to_detail": delivery.detail,
    }


def _judge(
    connection: Connection, lane: EndpointKey, reports: Sequence[breaker.AttemptReport]
) -> tuple[EndpointState | None, int]:
    """Return how an endpoint does, and the order of that; its row is written only where that changes it."""
    before = endpoints.read(connection, *lane)
    if all(report.works and not report.hold_until for report in reports) and not (before and before.failures):
        return before, 0
    if before is None:
        endpoints.change(connection, lane)
    before = endpoints.read(connection, *lane, lock=True)
    assert before is not None  # noqa: S101  # the row is there, and nobody deletes any
    now = before
    for report in sorted(reports, key=lambda one: one.at):
        now = breaker.after(now, report)
    endpoints.write(connection, lane, now)
    # Taken while its row is locked: it says which word is newer, in whatever order two threads answer.
    return now, next(_ORDER)
