"""How much of each endpoint waits or is dead: counted from indexes, and not for each scrape."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from exporter.core.delivery import Backlog, EndpointKey
from exporter.store.subjects.deliveries import TABLE, UNOWNED


def backlogs(connection: Connection) -> dict[EndpointKey, Backlog]:
    """Return the backlog of every endpoint that has one."""
    # Apart, so that each of the counts reads a partial index and no row.
    unowned = _counts(connection, UNOWNED)
    carried = _counts(connection, TABLE.c.owner != "")
    dead = _counts(connection, TABLE.c.state == "dead")
    found: dict[EndpointKey, Backlog] = {}
    for lane in unowned.keys() | carried.keys() | dead.keys():
        parts = [part[lane] for part in (unowned, carried) if lane in part]
        oldest = min((since for _, since in parts), default=None)
        found[lane] = Backlog(sum(count for count, _ in parts), oldest, dead.get(lane, (0, 0.0))[0])
    return found


def _counts(connection: Connection, which: ColumnElement[Any]) -> dict[EndpointKey, tuple[int, float]]:
    place = TABLE.c.kind, TABLE.c.endpoint
    asked = select(*place, func.count(), func.min(TABLE.c.at)).where(which).group_by(*place)
    return {(kind, name): (count, since) for kind, name, count, since in connection.execute(asked)}
