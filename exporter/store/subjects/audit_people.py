"""Who is in the audit: the key that opens what is personal in a person's entries, and where they were seen.

A person is an actor of a tenant. Destroying the key is what erases them.
"""

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, String, Table

from exporter.store.columns import METADATA, number_column
from exporter.store.retention import TableRetention

TABLE = Table(
    "audit_person",
    METADATA,
    # Numbers come from the head of the chain: one is never given again, also after an erasure.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("tenant", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Index("audit_person_by_actor", "actor", "tenant", unique=True),
)

PLACE = Table(
    "audit_place",
    METADATA,
    number_column(),
    # When the actor was last seen there, to the day.
    Column("at", Double, nullable=False),
    # Keyed hashes of the actor with the kind of the place, and of both with the place itself.
    Column("actor", LargeBinary, nullable=False),
    Column("place", LargeBinary, nullable=False, unique=True),
    Index("audit_place_by_actor", "actor"),
    Index("audit_place_by_time", "at"),
)

RETENTION = (TableRetention(TABLE), TableRetention(PLACE, "audit"))
