"""The audit: one row for each thing that somebody did or tried, chained to the row before.

Rows are added, and deleted by retention; none is ever changed. A review is a row of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Double,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    cast,
    delete,
    exists,
    func,
    literal,
    select,
)

from exporter.core.audit import AuditEntry, AuditReview
from exporter.core.audit_rules import BY_NAME, FAILURE, PATTERNS, REFUSED, SCORE, SUCCESS
from exporter.core.clock import iso
from exporter.core.listing import AT, TARGET, Listing, OutputColumn
from exporter.core.store import ALL, Filter, Page
from exporter.store import chain
from exporter.store.columns import METADATA, number_column, replica_column
from exporter.store.lists import newest
from exporter.store.partial_index import PartialIndex
from exporter.store.retention import PORTION, TableRetention
from exporter.store.rows import TableRow, fetch
from exporter.store.subjects import audit_head
from exporter.store.subjects.audit_head import RemovedSpan
from exporter.store.subjects.audit_people import TABLE as PERSON
from exporter.store.view import View

TABLE = Table(
    "audit_entry",
    METADATA,
    # The place in the chain: it comes from the head, without a gap.
    number_column(),
    Column("at", Double, nullable=False),
    Column("person", BigInteger, nullable=False),
    Column("integration", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("action", String, nullable=False),
    Column("action_class", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("count", Integer, nullable=False),
    Column("risk", Integer),
    Column("flag", String),
    # What it is there once by: `audit:` and the id of an app's event, `review:` and the number of the entry,
    # `erased:` and that of the person; NULL for other entries of our own.
    Column("once", String),
    replica_column(),
    Column("address_mark", Integer, nullable=False),
    Column("resource_mark", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("before", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("audit_entry_once", "once", unique=True),
    Index("audit_entry_by_time", "at"),
    Index("audit_entry_by_tenant", "tenant", "at"),
    Index("audit_entry_by_person", "person", "at"),
)
PartialIndex("audit_entry_flagged", TABLE.c.at, where=TABLE.c.flag.is_not(None))

_REVIEW = TABLE.alias("review")
_OF_APP = "audit:%"


def review_of(number: int) -> str:
    """Return what the review of entry `number` is there once by."""
    return f"review:{number}"


def erasure_of(person: int) -> str:
    """Return what the erasure of a person is there once by."""
    return f"erased:{person}"


def is_reviewed() -> ColumnElement[bool]:
    """Return the condition that somebody has reviewed an entry."""
    of_it = literal("review:", String) + cast(TABLE.c.id, String)
    return exists(select(_REVIEW.c.id).where(_REVIEW.c.once == of_it))


def is_open() -> ColumnElement[bool]:
    """Return the condition that an entry is flagged and nobody has reviewed it."""
    return TABLE.c.flag.is_not(None) & ~is_reviewed()


def is_ours() -> ColumnElement[bool]:
    """Return the condition that an entry is of the exporter itself, not an event of an app."""
    return TABLE.c.once.is_(None) | ~TABLE.c.once.like(_OF_APP)


def prune(connection: Connection, moment: float) -> int:
    """Delete a portion of what is older than `moment`, flagged entries only once they are reviewed.

    The chain keeps the hashes on both sides of what goes. Erasures stay: they say why a key is missing.
    """
    old = select(TABLE.c.id, TABLE.c.before, TABLE.c.hash).where(
        TABLE.c.at < moment,
        TABLE.c.flag.is_(None) | is_reviewed(),
        TABLE.c.once.is_(None) | ~TABLE.c.once.like("erased:%"),
    )
    # By time and number: a flagged entry is never older than its review, and goes first.
    portion = fetch(connection, old.order_by(TABLE.c.at, TABLE.c.id).limit(PORTION))
    if not portion:
        return 0
    audit_head.lock(connection)
    audit_head.add_spans(connection, _spans(portion))
    return connection.execute(delete(TABLE).where(TABLE.c.id.in_([row["id"] for row in portion]))).rowcount


def _spans(rows: Iterable[TableRow]) -> list[RemovedSpan]:
    single = (RemovedSpan(row["id"], row["id"], row["before"], row["hash"]) for row in rows)
    return audit_head.join(sorted(single, key=lambda span: span.first))


RETENTION = (TableRetention(TABLE, "audit", prune=prune),)

VIEWS = (
    View(
        "audit",
        "An entry of the audit by the number of its person; never who that is, nor what is sealed.",
        TABLE,
        (
            *("id", "person", "integration", "tenant", "action", "action_class", "outcome", "count", "risk"),
            "flag",
        ),
    ),
)

_MARKED = ("address", "resource")
_OPEN, _DONE = "open", "done"


def query(connection: Connection, chosen: Filter = ALL, limit: int = 100) -> Page[AuditEntry]:
    """Return a page of the audit, the newest entry first."""
    wanted = dict(chosen.fields)
    also = list(_conditions(connection, wanted))
    plain = tuple(pair for pair in chosen.fields if pair[0] in TABLE.c)
    page = newest(connection, TABLE, dict, replace(chosen, fields=plain), limit, also=also)
    entries = entries_of(connection, page.rows)
    # Several texts have one mark: what is found by it is compared.
    exact = {name: wanted[name] for name in _MARKED if name in wanted}
    return Page(
        [one for one in entries if all(getattr(one, name) == text for name, text in exact.items())], page.next
    )


def find(connection: Connection, number: int) -> AuditEntry | None:
    """Return the entry `number`, None where there is none."""
    rows = fetch(connection, select(TABLE).where(TABLE.c.id == number))
    return entries_of(connection, rows)[0] if rows else None


def entries_of(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[AuditEntry]:
    """Return the entries that `rows` hold, opened, with their reviews."""
    flagged = [review_of(row["id"]) for row in rows if row["flag"] is not None]
    reviews = fetch(connection, select(TABLE).where(TABLE.c.once.in_(flagged))) if flagged else []
    keys = keys_of(connection, {row["person"] for row in (*rows, *reviews)})
    found = {row["once"]: _review(_entry(row, keys)) for row in reviews}
    return [replace(_entry(row, keys), review=found.get(review_of(row["id"]))) for row in rows]


def keys_of(connection: Connection, people: Iterable[int]) -> dict[int, tuple[str, bytes]]:
    """Return actor and key of those of `people` who were not erased."""
    asked = sorted(people)
    found: dict[int, tuple[str, bytes]] = {}
    # A database takes so many values of one statement.
    for place in range(0, len(asked), 1000):
        query = select(PERSON.c.id, PERSON.c.actor, PERSON.c.key).where(
            PERSON.c.id.in_(asked[place : place + 1000])
        )
        found |= {number: (actor, key) for number, actor, key in connection.execute(query)}
    return found


def unreviewed(connection: Connection) -> dict[str, tuple[int, int]]:
    """Return of each tenant how many flagged entries wait for a review, and the highest score of them."""
    query = select(TABLE.c.tenant, func.count(), func.max(TABLE.c.risk)).where(is_open())
    rows = connection.execute(query.group_by(TABLE.c.tenant))
    return {tenant: (count, risk or 0) for tenant, count, risk in rows}


def _conditions(connection: Connection, wanted: Mapping[str, str]) -> Iterable[ColumnElement[bool]]:
    if "actor" in wanted:
        people = select(PERSON.c.id).where(PERSON.c.actor == wanted["actor"])
        yield TABLE.c.person.in_(people)
    if "review" in wanted:
        yield is_open() if wanted["review"] == _OPEN else TABLE.c.flag.is_not(None) & is_reviewed()
    if any(name in wanted for name in _MARKED):
        head = audit_head.read(connection)
        for name in _MARKED:
            if name in wanted:
                number = chain.mark(head.secret, name, wanted[name]) if head else None
                yield TABLE.c[f"{name}_mark"] == number


def _entry(row: Mapping[str, Any], keys: Mapping[int, tuple[str, bytes]]) -> AuditEntry:
    names = ("at", "integration", "tenant", "action", "outcome", "count", "risk", "flag", "replica", "id")
    plain = {name: row[name] for name in names}
    known = keys.get(row["person"])
    if known is None:
        return AuditEntry(**plain, actor=f"erased:{row['person']}")
    try:
        return AuditEntry(**plain, **chain.unseal(chain.cipher(known[1]), row["sealed"]))
    except ValueError:
        # `audit verify` says which; the other entries can be read all the same.
        return AuditEntry(**plain, actor=f"unreadable:{row['person']}")


def _review(entry: AuditEntry) -> AuditReview:
    return AuditReview(entry.at, entry.actor, str(entry.details.get("note", "")))


def entry_json(entry: AuditEntry) -> dict[str, Any]:
    """Return an entry as JSON."""
    review = entry.review
    return {
        "id": entry.id,
        "at": iso(entry.at),
        **{name: getattr(entry, name) for name in ("actor", "action", "resource", "outcome")},
        **{name: getattr(entry, name) for name in ("integration", "tenant", "address", "country")},
        **{name: getattr(entry, name) for name in ("user_agent", "count", "risk", "flag", "replica")},
        "reviewed": iso(review.at) if review else None,
        "reviewer": review.reviewer if review else None,
        "note": review.note if review else None,
        "details": entry.details,
    }


LISTINGS = (
    Listing(
        name="audit",
        title="entries of the audit",
        empty="nothing is in the audit",
        columns=(
            *("id", "at", "actor", "action", "resource", "outcome", "integration", "tenant", "address"),
            *("country", "user_agent", "count", "risk", "flag", "reviewed", "reviewer", "note", "replica"),
            "details",
        ),
        table=(
            OutputColumn("id", "ID", number=True, keep=True),
            AT,
            OutputColumn("actor", "ACTOR", keep=True),
            OutputColumn("action", "ACTION", keep=True),
            OutputColumn("resource", "RESOURCE"),
            OutputColumn("outcome", "OUTCOME", keep=True),
            *TARGET,
            OutputColumn("address", "ADDRESS"),
            OutputColumn("risk", "RISK", number=True),
            OutputColumn("flag", "FLAG"),
            OutputColumn("reviewed", "REVIEWED"),
        ),
        query=query,
        row=entry_json,
        retention=RETENTION[0].key,
        role="admin",
        filters=("actor", "action", "action_class", "resource", "outcome", "address", "flag", "review"),
        choices={
            "action_class": tuple(BY_NAME),
            "flag": (SCORE, *(pattern.name for pattern in PATTERNS)),
            "review": (_OPEN, _DONE),
        },
        usual={"outcome": (SUCCESS, FAILURE, REFUSED)},
        buffered=True,
        exports_audited=True,
    ),
)
