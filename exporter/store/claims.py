"""Who carries what: a replica claims deliveries that are due, and frees what it, or a dead one, held."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, TextClause, bindparam, case, exists, select, text, update

from exporter.core.breaker import TRIES
from exporter.core.delivery import EXPIRED, Delivery, EndpointKey, EndpointState
from exporter.core.reason import Reason
from exporter.store.driver_sql import DriverStatement
from exporter.store.rows import readable
from exporter.store.subjects import endpoints, replicas
from exporter.store.subjects.deliveries import TABLE, UNOWNED, delivery_of

EACH = 64
FEW = 8
"""Deliveries of one endpoint that one claim takes at most: usually, and where room is scarce."""

PORTION = 500
"""Rows that one transaction frees or changes, so that others need not wait for long."""

# The endpoints with work are found by a loose index scan: from one name to the next, whatever waits of each.
# So 100,000 rows of one endpoint cost a claim of the others nothing.
_CLAIM = """
WITH RECURSIVE lane(name) AS (
    SELECT min(d.endpoint) FROM delivery d
    WHERE d.kind = :kind AND d.state = 'waiting' AND d.owner = '' AND d.endpoint > :after
    UNION ALL
    SELECT (
        SELECT min(d.endpoint) FROM delivery d
        WHERE d.kind = :kind AND d.state = 'waiting' AND d.owner = '' AND d.endpoint > lane.name
    )
    FROM lane WHERE lane.name IS NOT NULL
),
free(name) AS (
    SELECT lane.name FROM lane LEFT JOIN endpoint e ON e.kind = :kind AND e.name = lane.name
    WHERE lane.name IS NOT NULL AND lane.name NOT IN :busy
    AND (e.name IS NULL OR (
        NOT e.metered AND e.failures < :tries AND e.open_until <= :now AND e.next_free <= :now))
),
chosen(id) AS MATERIALIZED (
    {chosen}
    LIMIT :room
)
UPDATE delivery SET owner = :owner WHERE id IN (SELECT id FROM chosen)
RETURNING {columns}
"""
_DUE = """
    SELECT d.id FROM delivery d
    WHERE d.kind = :kind AND d.endpoint = free.name AND d.state = 'waiting' AND d.owner = '' AND d.due <= :now
    ORDER BY d.due LIMIT :each
"""
# Only the way to "so many of each" differs: SQLite has no LATERAL, and no row locks.
_CHOSEN = {
    "sqlite": "SELECT m.id FROM free CROSS JOIN delivery m WHERE m.id IN ({due})",
    "postgresql": "SELECT m.id FROM free CROSS JOIN LATERAL ({due} FOR UPDATE SKIP LOCKED) m",
}

# From one kind to the next, as with endpoints; where nothing waits it is one look into an empty index.
_WAITING = """
WITH RECURSIVE waiting(kind) AS (
    SELECT min(d.kind) FROM delivery d WHERE d.state = 'waiting' AND d.owner = ''
    UNION ALL
    SELECT (
        SELECT min(d.kind) FROM delivery d
        WHERE d.state = 'waiting' AND d.owner = '' AND d.kind > waiting.kind
    )
    FROM waiting WHERE waiting.kind IS NOT NULL
)
SELECT kind FROM waiting WHERE kind IS NOT NULL
"""


@dataclass(frozen=True)
class Claim:
    """What a replica has room for: `room` of `kind`, of endpoints after `after`, but of none of `busy`."""

    kind: str
    owner: str
    now: float
    room: int
    busy: frozenset[str] = frozenset()
    after: str = ""
    each: int = EACH


@dataclass(frozen=True)
class Turn:
    """One claim of an endpoint that takes turns: `lane` with room for `room`, by its limits.

    `spacing` are the seconds between attempts that its rate allows, `burst` how many may come at once;
    `trial` the seconds for which an open breaker lets no second one through.
    """

    lane: EndpointKey
    owner: str
    now: float
    room: int
    spacing: float = 0.0
    burst: int = 1
    ordered: bool = False
    trial: float = 60.0


def claim(connection: Connection, wanted: Claim) -> list[Delivery]:
    """Let `wanted.owner` carry what is due of endpoints that are free, at most `each` of one.

    One statement decides: two replicas never get the same row.
    """
    binds = {
        **{"kind": wanted.kind, "owner": wanted.owner, "now": wanted.now, "room": wanted.room},
        **{"after": wanted.after, "busy": sorted(wanted.busy) or [""], "tries": TRIES, "each": wanted.each},
    }
    rows = connection.execute(statement_of(connection), binds).mappings()
    return readable(connection, map(dict, rows), delivery_of)


def waiting_kinds(connection: Connection) -> set[str]:
    """Return the kinds of which anything waits that nobody carries, due or not."""
    return {kind for (kind,) in _KINDS.run(connection, [{}])}


def lanes_behind(connection: Connection, kind: str, names: Collection[str], now: float) -> set[str]:
    """Return those endpoints of `names` of which something is due that nobody carries."""
    return {
        name
        for name in names  # one look into an index each, whatever waits of it
        if connection.execute(
            select(TABLE.c.id)
            .where(TABLE.c.kind == kind, TABLE.c.endpoint == name, UNOWNED, TABLE.c.due <= now)
            .limit(1)
        ).first()
    }


def lanes_in_turn(connection: Connection, kind: str, now: float) -> list[str]:
    """Return the endpoints whose turn it is, of those that take turns: metered, or with an open breaker."""
    row = endpoints.TABLE.c
    due = exists().where(TABLE.c.kind == row.kind, TABLE.c.endpoint == row.name, UNOWNED, TABLE.c.due <= now)
    turn = row.metered | (row.failures >= TRIES)
    asked = select(row.name).where(row.kind == kind, turn, due)
    asked = asked.where(row.open_until <= now, row.next_free <= now)
    return list(connection.execute(asked.order_by(row.name)).scalars())


def take_turn(connection: Connection, turn: Turn) -> list[Delivery]:
    """Let the owner carry what the rate, the order and the breaker of one endpoint allow now.

    Its row stays locked meanwhile, so that replicas share one rate and one trial.
    """
    kind, name = turn.lane
    state = endpoints.read(connection, kind, name, lock=True, skip=True)
    if state is None or turn.room < 1:
        return []
    if max(state.open_until, state.next_free) > turn.now or (turn.ordered and _is_carried(connection, turn)):
        return []
    count = _allowed(state, turn)
    found = _take(connection, turn, count)
    changed: dict[str, float] = {}
    if found and turn.spacing:
        # What was not used before is worth `burst` attempts at once, and no more.
        start = max(state.next_free, turn.now - turn.spacing * (turn.burst - 1))
        changed["next_free"] = start + turn.spacing * len(found)
    if found and state.failures >= TRIES:
        changed["open_until"] = turn.now + turn.trial
    if changed:
        endpoints.change(connection, turn.lane, **changed)
    return found


def _allowed(state: EndpointState, turn: Turn) -> int:
    if turn.ordered or state.failures >= TRIES:
        return 1
    if not turn.spacing:
        return turn.room
    start = max(state.next_free, turn.now - turn.spacing * (turn.burst - 1))
    return min(turn.room, int((turn.now - start) / turn.spacing + 1e-9) + 1)


def _is_carried(connection: Connection, turn: Turn) -> bool:
    kind, name = turn.lane
    carried = select(TABLE.c.id).where(TABLE.c.kind == kind, TABLE.c.endpoint == name, TABLE.c.owner != "")
    return connection.execute(carried.limit(1)).first() is not None


def _take(connection: Connection, turn: Turn, count: int) -> list[Delivery]:
    kind, name = turn.lane
    due = select(TABLE.c.id).where(
        TABLE.c.kind == kind, TABLE.c.endpoint == name, UNOWNED, TABLE.c.due <= turn.now
    )
    due = due.order_by(TABLE.c.due, TABLE.c.at, TABLE.c.id).limit(count).with_for_update(skip_locked=True)
    taken = update(TABLE).where(TABLE.c.id.in_(due)).values(owner=turn.owner).returning(*TABLE.c)
    rows = connection.execute(taken).mappings()
    return sorted(
        readable(connection, map(dict, rows), delivery_of), key=lambda one: (one.due, one.created, one.id)
    )


def free(connection: Connection, owner: str) -> int:
    """Free a portion of what `owner` carried; return how many rows, 0 once none is left."""
    return _free(connection, TABLE.c.owner == owner)


def free_some(connection: Connection, owner: str, ids: Collection[str]) -> int:
    """Free those of `ids` that `owner` carries."""
    return _free(connection, TABLE.c.owner == owner, TABLE.c.delivery.in_(sorted(ids)))


def free_orphans(connection: Connection) -> int:
    """Free a portion of what is carried by no replica that has a lease; return how many rows."""
    return _free(connection, TABLE.c.owner != "", TABLE.c.owner.not_in(select(replicas.TABLE.c.name)))


def _free(connection: Connection, *which: Any) -> int:
    chosen = select(TABLE.c.id).where(TABLE.c.owner != "", *which).limit(PORTION)
    chosen = chosen.with_for_update(skip_locked=True)
    return connection.execute(update(TABLE).where(TABLE.c.id.in_(chosen)).values(owner="")).rowcount


def statement_of(connection: Connection) -> TextClause:
    """Return the statement of `claim` in the words of the database."""
    return _STATEMENTS[connection.dialect.name]


_KINDS = DriverStatement(lambda _: text(_WAITING))
_COLUMNS = ", ".join(f"delivery.{column.name}" for column in TABLE.c)
_STATEMENTS = {
    name: text(_CLAIM.format(chosen=chosen.format(due=_DUE), columns=_COLUMNS)).bindparams(
        bindparam("busy", expanding=True)
    )
    for name, chosen in _CHOSEN.items()
}


def free_each(connection: Connection, calls: Sequence[tuple[str, Collection[str]]]) -> list[int]:
    """Free, for each call, those of the ids that the owner carries; return how many."""
    return [free_some(connection, owner, ids) for owner, ids in calls]


def owned_ids(connection: Connection, owner: str) -> set[str]:
    """Return the ids of everything that `owner` carries."""
    asked = select(TABLE.c.delivery).where(TABLE.c.owner != "", TABLE.c.owner == owner)
    return set(connection.execute(asked).scalars())


def expire(connection: Connection, now: float) -> int:
    """Let a portion of what expired before an attempt could succeed be dead; return how many rows."""
    old = select(TABLE.c.id).where(UNOWNED, TABLE.c.expires <= now).limit(PORTION)
    old = old.with_for_update(skip_locked=True)
    dead = update(TABLE).where(TABLE.c.id.in_(old)).values(state="dead", reason=_reason())
    return connection.execute(dead).rowcount


def abandon(connection: Connection, lanes: Sequence[EndpointKey]) -> list[int]:
    """Let a portion of what waits of each lane, which is gone, be dead; return how many rows of each."""
    return [_abandon(connection, kind, endpoint) for kind, endpoint in lanes]


def _abandon(connection: Connection, kind: str, endpoint: str) -> int:
    which = select(TABLE.c.id).where(TABLE.c.kind == kind, TABLE.c.endpoint == endpoint, UNOWNED)
    which = which.limit(PORTION).with_for_update(skip_locked=True)
    dead = update(TABLE).where(TABLE.c.id.in_(which))
    values = {"state": "dead", "reason": Reason.NOT_CONFIGURED.value, "detail": "its endpoint was deleted"}
    return connection.execute(dead.values(values)).rowcount


def _reason() -> Any:
    """Return the reason of the last attempt, or that there was none in time."""
    return case((TABLE.c.reason == "", EXPIRED), else_=TABLE.c.reason)
