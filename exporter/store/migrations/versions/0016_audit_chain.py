"""The audit as a chain: entries of before are sealed and chained, in the order in which they came."""

import json
import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

from exporter.core.audit import AuditEntry
from exporter.core.audit_rules import class_of
from exporter.store import chain

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

PORTION = 1000
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

_PLAIN = ("at", "integration", "tenant", "action", "outcome", "count", "risk", "flag", "once", "replica")


def upgrade() -> None:
    """Create the tables, and bring the entries over; exporter/store/subjects/audit.py says what they hold."""
    _create_entries()
    _create_others()
    _Chain(op.get_bind()).build()
    op.drop_table("audit")


def _create_entries() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("person", sa.BigInteger, nullable=False),
        *(
            sa.Column(name, sa.String, nullable=False)
            for name in ("integration", "tenant", "action", "action_class", "outcome")
        ),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("risk", sa.Integer),
        sa.Column("flag", sa.String),
        sa.Column("once", sa.String),
        sa.Column("replica", sa.String, nullable=False, server_default=""),
        sa.Column("address_mark", sa.Integer, nullable=False),
        sa.Column("resource_mark", sa.Integer, nullable=False),
        *(sa.Column(name, sa.LargeBinary, nullable=False) for name in ("sealed", "before", "hash")),
    )
    op.create_index("audit_entry_once", "audit_entry", ["once"], unique=True)
    op.create_index("audit_entry_by_time", "audit_entry", ["at"])
    op.create_index("audit_entry_by_tenant", "audit_entry", ["tenant", "at"])
    op.create_index("audit_entry_by_person", "audit_entry", ["person", "at"])
    flagged = sa.text("flag IS NOT NULL")
    op.create_index(
        "audit_entry_flagged", "audit_entry", ["at"], sqlite_where=flagged, postgresql_where=flagged
    )


def _create_others() -> None:
    op.create_table(
        "audit_person",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
    )
    op.create_index("audit_person_by_actor", "audit_person", ["actor", "tenant"], unique=True)
    op.create_table(
        "audit_place",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("actor", sa.LargeBinary, nullable=False),
        sa.Column("place", sa.LargeBinary, nullable=False, unique=True),
    )
    op.create_index("audit_place_by_actor", "audit_place", ["actor"])
    op.create_index("audit_place_by_time", "audit_place", ["at"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("entries", "people", "erasures")),
        *(sa.Column(name, sa.LargeBinary, nullable=False) for name in ("hash", "secret")),
    )
    op.create_table(
        "audit_removed",
        sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("last", sa.BigInteger, nullable=False, unique=True),
        *(sa.Column(name, sa.LargeBinary, nullable=False) for name in ("before", "hash")),
    )


class _Chain:
    """Chains the rows of the table of before; numbers begin with 1, whatever they were."""

    def __init__(self, connection: sa.Connection) -> None:
        """Reflect the tables as they are at this step: later ones may differ from those in the code."""
        self._connection = connection
        tables = sa.MetaData()
        names = ("audit", "audit_entry", "audit_person", "audit_head")
        self._old, self._new, self._person, self._head = (
            sa.Table(name, tables, autoload_with=connection) for name in names
        )
        self._secret = secrets.token_bytes(32)
        self._people: dict[tuple[str, str], tuple[int, Any]] = {}
        self._number, self._hash = 0, chain.FIRST

    def build(self) -> None:
        """Bring every row over, a portion at a time."""
        last = 0
        while rows := self._rows(last):
            last = rows[-1]["id"]
            self._connection.execute(sa.insert(self._new), [self._row(dict(row)) for row in rows])
        if self._number:
            head = {"entries": self._number, "hash": self._hash, "people": len(self._people)}
            self._connection.execute(
                sa.insert(self._head).values(id=1, erasures=0, secret=self._secret, **head)
            )

    def _rows(self, last: int) -> Any:
        query = sa.select(self._old).where(self._old.c.id > last).order_by(self._old.c.id).limit(PORTION)
        return self._connection.execute(query).mappings().all()

    def _row(self, old: dict[str, Any]) -> dict[str, Any]:
        texts = {name: old[name] for name in (*chain.SEALED, "action")}
        entry = AuditEntry(old["at"], details=_details(old["details"]), **texts)
        number, cipher = self._find_person(old["tenant"], old["actor"])
        self._number += 1
        row = {name: old[name] for name in _PLAIN} | {
            "id": self._number,
            "person": number,
            "action_class": class_of(old["action"]).name,
            "address_mark": chain.mark(self._secret, "address", old["address"]),
            "resource_mark": chain.mark(self._secret, "resource", old["resource"]),
            "sealed": chain.seal(cipher, entry),
            "before": self._hash,
        }
        self._hash = row["hash"] = chain.hash_of(self._hash, row)
        return row

    def _find_person(self, tenant: str, actor: str) -> tuple[int, Any]:
        found = self._people.get((tenant, actor))
        if found is None:
            key = chain.new_key()
            found = self._people[tenant, actor] = len(self._people) + 1, chain.cipher(key)
            row = {"id": found[0], "tenant": tenant, "actor": actor, "key": key}
            self._connection.execute(sa.insert(self._person).values(**row))
        return found


def _details(text: str) -> dict[str, Any]:
    """Return what `text` holds; a row that somebody broke must not keep the exporter from its start."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def downgrade() -> None:
    """Drop the tables and all that is in them: no table of before holds what is sealed."""
    for name in ("audit_removed", "audit_head", "audit_place", "audit_person", "audit_entry"):
        op.drop_table(name)
    texts = ("integration", "tenant", "actor", "action", "resource", "outcome", "address", "country")
    op.create_table(
        "audit",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in texts),
        sa.Column("user_agent", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("risk", sa.Integer),
        sa.Column("flag", sa.String),
        sa.Column("once", sa.String),
        sa.Column("replica", sa.String, nullable=False, server_default=""),
    )
    op.create_index("audit_once", "audit", ["once"], unique=True)
    op.create_index("audit_by_time", "audit", ["at"])
    op.create_index("audit_by_tenant", "audit", ["tenant", "at"])
    op.create_index("audit_by_actor", "audit", ["actor", "at"])
