"""Deliveries made for a test, and a receiver that does as it is asked to."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import text

from exporter.core.delivery import AttemptError, Delivery, EndpointLimits, Receipt
from exporter.store.accept import Acceptance, accept
from exporter.store.database import Database

KIND = "forward"
NOW = 1_800_000_000.0


def parcel(name: str, endpoint: str = "crm", **changes: Any) -> Delivery:
    made = Delivery(name, KIND, endpoint, b"body of " + name.encode(), NOW, NOW + 1000.0, due=NOW)
    return replace(made, **changes)


def put(store: Database, deliveries: Iterable[Delivery], owner: str = "", **more: Any) -> list[bool]:
    pairs = tuple((delivery, owner) for delivery in deliveries)
    with store.writing() as connection:
        (result,) = accept(connection, [Acceptance(pairs, **more)])
    return result


def rows(store: Database, columns: str, table: str = "delivery", order: str = "1") -> list[Any]:
    asked = text(f"SELECT {columns} FROM {table} ORDER BY {order}")  # columns of this file's callers
    found = store.read(lambda connection: list(connection.execute(asked)))
    return [row[0] if len(row) == 1 else tuple(row) for row in found]


class Receiver:
    """An action whose endpoints answer by `answers`: an error to raise, or None; it counts what it got."""

    kind = KIND

    def __init__(self, limits: EndpointLimits | None = None, seconds: float = 0.0) -> None:
        self.usual = limits or EndpointLimits()
        self.of: dict[str, EndpointLimits | None] = {}
        self.answers: dict[str, Callable[[Delivery], AttemptError | None]] = {}
        self.seconds = seconds
        self.got: Counter[str] = Counter()
        self.order: list[str] = []
        self.most: Counter[str] = Counter()
        self._running: Counter[str] = Counter()

    def limits(self, endpoint: str) -> EndpointLimits | None:
        return self.of.get(endpoint, self.usual)

    async def run(self, delivery: Delivery) -> Receipt:
        name = delivery.endpoint
        self._running[name] += 1
        self.most[name] = max(self.most[name], self._running[name])
        try:
            await asyncio.sleep(self.seconds)
            error = self.answers[name](delivery) if name in self.answers else None
            if error is not None:
                raise error
            self.got[delivery.id] += 1
            self.order.append(delivery.id)
            return Receipt(200, url="https://crm.example/hook")
        finally:
            self._running[name] -= 1
