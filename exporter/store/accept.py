"""Takes deliveries in: what is new is stored, owned at once where its replica has room for it."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from exporter.core.delivery import Delivery, EndpointKey
from exporter.store.subjects import deliveries, endpoints


class Acceptance(NamedTuple):
    """Deliveries that are stored together, each with the owner that carries it, "" for none.

    `metered` are endpoints that take turns, and were not known to.
    """

    deliveries: tuple[tuple[Delivery, str], ...]
    metered: frozenset[EndpointKey] = frozenset()


def accept(connection: Connection, acceptances: Sequence[Acceptance]) -> list[list[bool]]:
    """Insert what is new; return for each delivery of each acceptance whether it was."""
    if lanes := {lane for one in acceptances for lane in one.metered}:
        endpoints.mark_metered(connection, lanes)
    rows = [
        deliveries.delivery_row(delivery, owner) for one in acceptances for delivery, owner in one.deliveries
    ]
    new = deliveries.insert_all(connection, rows)
    results: list[list[bool]] = []
    for acceptance in acceptances:
        results.append([])
        for delivery, _ in acceptance.deliveries:
            # Of two with one id in one transaction the first one is in, the other is its duplicate.
            results[-1].append(delivery.id in new)
            new.discard(delivery.id)
    return results
