"""Endpoints of webhooks that were made by API, what was decided about endpoints, and how they answer.

Three tables: what is configured by API (secrets, headers and URLs encrypted), the mode of any endpoint, also
of one in the configuration file, and the facts that attempts leave.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, Double, String, Table, Text, delete, select, update

from exporter.core.endpoint import EndpointFacts, ModeChange, ReceiverMode
from exporter.store.columns import METADATA
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow, clean, fetch, readable
from exporter.store.upserts import insert_once, replace

TABLE = Table(
    "webhook_endpoint",
    METADATA,
    Column("name", String, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("settings", Text, nullable=False),  # JSON: what is not secret
    Column("sealed", Text, nullable=False),  # encrypted JSON: URLs, headers, secrets
    Column("created", Double, nullable=False),
    Column("changed", Double, nullable=False),
)

MODES = Table(
    "webhook_endpoint_mode",
    METADATA,
    Column("name", String, primary_key=True),
    Column("mode", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("actor", String, nullable=False),
    Column("why", Text, nullable=False),
)

FACTS = Table(
    "webhook_endpoint_facts",
    METADATA,
    Column("name", String, primary_key=True),
    Column("last_success", Double),
    Column("last_failure", Double),
    Column("failing_since", Double),
    Column("reason", String, nullable=False),
    Column("certificate_expiry", Double),
)

RETENTION = (TableRetention(TABLE), TableRetention(MODES), TableRetention(FACTS))


@dataclass(frozen=True)
class EndpointRow:
    """An endpoint as it is stored; `settings` is JSON, `sealed` is encrypted, times are Unix seconds."""

    name: str
    tenant: str
    settings: str
    sealed: str = field(repr=False)
    created: float
    changed: float


@dataclass(frozen=True)
class StoredEndpoints:
    """All that is stored of endpoints."""

    rows: tuple[EndpointRow, ...]
    modes: dict[str, ModeChange]
    facts: dict[str, EndpointFacts]


def load(connection: Connection) -> StoredEndpoints:
    """Return everything."""
    rows = fetch(connection, select(TABLE))
    modes = readable(connection, fetch(connection, select(MODES)), mode_of)
    facts = readable(connection, fetch(connection, select(FACTS)), facts_of)
    return StoredEndpoints(
        tuple(EndpointRow(**row) for row in rows),
        {one.endpoint: one for one in modes},
        {one.endpoint: one for one in facts},
    )


def create(connection: Connection, row: EndpointRow) -> bool:
    """Add an endpoint; return whether its name was free."""
    return insert_once(connection, TABLE, asdict(row))


def change(connection: Connection, row: EndpointRow, known: float) -> bool:
    """Write `row` over the one of its name; return whether it was there as it was changed at `known`."""
    where = (TABLE.c.name == row.name) & (TABLE.c.changed == known)
    values = {"settings": row.settings, "sealed": row.sealed, "changed": row.changed}
    return bool(connection.execute(update(TABLE).where(where).values(**values)).rowcount)


def remove(connection: Connection, name: str) -> bool:
    """Delete an endpoint and what is known of it; return whether it was there."""
    gone = connection.execute(delete(TABLE).where(TABLE.c.name == name)).rowcount
    for table in (MODES, FACTS):
        connection.execute(delete(table).where(table.c.name == name))
    return bool(gone)


def write_mode(connection: Connection, changed: ModeChange) -> None:
    """Keep the mode of an endpoint."""
    replace(connection, MODES, [mode_row(changed)])


@dataclass
class EndpointFactsBatch:
    """Facts on their way to the store; newer ones of an endpoint take the place of older ones."""

    facts: dict[str, EndpointFacts] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self.facts)

    @property
    def size(self) -> int:
        """How many endpoints it is about."""
        return len(self.facts)

    def merge(self, newer: "EndpointFactsBatch", /) -> None:
        """Add the facts of `newer`."""
        self.facts |= newer.facts

    def cut(self, most: int) -> int:
        """Keep all: there is one for each endpoint."""
        del most
        return 0

    def write(self, connection: Connection) -> None:
        """Write them."""
        add_facts(connection, self.facts.values())


def add_facts(connection: Connection, facts: Iterable[EndpointFacts]) -> None:
    """Write `facts` over what is known of these endpoints."""
    replace(connection, FACTS, [facts_row(one) for one in facts])


def mode_row(changed: ModeChange) -> TableRow:
    """Return the row of a mode."""
    row = asdict(changed)
    row["name"] = row.pop("endpoint")
    return row | {"mode": changed.mode.value, "actor": clean(changed.actor), "why": clean(changed.why)}


def mode_of(row: TableRow) -> ModeChange:
    """Return the mode that `row` holds."""
    return ModeChange(row["name"], ReceiverMode(row["mode"]), row["at"], row["actor"], row["why"])


def facts_row(facts: EndpointFacts) -> TableRow:
    """Return the row of what is known of an endpoint."""
    row = asdict(facts)
    row["name"] = row.pop("endpoint")
    return row


def facts_of(row: TableRow) -> EndpointFacts:
    """Return what `row` says of an endpoint."""
    values: dict[str, Any] = {name: value for name, value in row.items() if name != "name"}
    return EndpointFacts(row["name"], **values)


def encrypt_again(connection: Connection, renew: Callable[[str], str | None]) -> int:
    """Write what `renew` returns for what is encrypted, None leaving it as it is; return how many changed."""
    changed = 0
    for name, sealed in connection.execute(select(TABLE.c.name, TABLE.c.sealed)).all():
        if (text := renew(sealed)) is not None:
            connection.execute(update(TABLE).where(TABLE.c.name == name).values(sealed=text))
            changed += 1
    return changed
