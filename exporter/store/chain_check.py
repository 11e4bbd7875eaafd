"""Checks the chain of the audit: what was changed, removed or inserted behind its back, and where."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from exporter.store import chain
from exporter.store.rows import TableRow, fetch
from exporter.store.subjects import audit_head
from exporter.store.subjects.audit import TABLE, erasure_of, keys_of
from exporter.store.subjects.audit_head import ChainHead, RemovedSpan

PORTION = 10_000
"""Entries of one transaction."""

MOST_PROBLEMS = 100

CHANGED, REMOVED, INSERTED = "changed", "removed", "inserted"


@dataclass(frozen=True)
class ChainProblem:
    """What is wrong with entry `number`, or with those up to `last`; `what` is one of the three words."""

    number: int
    what: str
    detail: str
    last: int | None = None


@dataclass
class ChainCheck:
    """A portion of the chain that was checked: from behind `after` to `next`, which is None at its end.

    `hash` is that of the head, `entries` its number; `pruned` of the portion are gone by retention.
    """

    after: int
    entries: int
    hash: bytes
    checked: int = 0
    pruned: int = 0
    next: int | None = None
    problems: list[ChainProblem] = field(default_factory=list)


def check(connection: Connection, after: int = 0, limit: int = PORTION) -> ChainCheck:
    """Check the entries behind number `after`, `limit` at most, in one transaction."""
    if connection.dialect.name == "postgresql":
        # One view of all tables: others go on writing, and retention deleting.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    head = audit_head.read(connection) or ChainHead(0, chain.FIRST, 0, 0, b"")
    query = select(TABLE).where(TABLE.c.id > after).order_by(TABLE.c.id)
    # One more than asked for: whether an entry or the one before was changed shows at the next one.
    rows = fetch(connection, query.limit(limit + 1))
    found = ChainCheck(after, head.entries, head.hash)
    if len(rows) > limit:
        found.next = rows[limit - 1]["id"]
    _Walk(connection, head, found).go(rows, limit)
    return found


def place_of(connection: Connection, hash_: bytes) -> int | None:
    """Return the number of the entry that has this hash, None where none has: the anchor of an auditor."""
    number = connection.execute(select(TABLE.c.id).where(TABLE.c.hash == hash_)).scalar()
    if number is None:
        query = select(audit_head.REMOVED.c.last).where(audit_head.REMOVED.c.hash == hash_)
        number = connection.execute(query).scalar()
    return number


def as_json(found: ChainCheck) -> dict[str, Any]:
    """Return a portion that was checked as JSON."""
    return {
        "after": found.after,
        "next": found.next,
        "checked": found.checked,
        "pruned": found.pruned,
        "entries": found.entries,
        "head": found.hash.hex(),
        "problems": [asdict(problem) for problem in found.problems],
    }


class _Walk:
    """Goes from entry to entry; `expected` is the number that must come, `hash` what it must build on.

    `doubt` is the number of an entry that is whole, and does not build on the one before: the next one shows
    which of the two was changed.
    """

    def __init__(self, connection: Connection, head: ChainHead, found: ChainCheck) -> None:
        self._connection, self._head, self._found = connection, head, found
        self._expected = found.after + 1
        self._hash = self._hash_at(found.after)
        self._doubt: int | None = None
        self._reported: set[tuple[int, str]] = set()

    def go(self, rows: list[TableRow], limit: int) -> None:
        """Check all but those of `rows` that are beyond `limit`."""
        portion, more = rows[:limit], rows[limit:]
        last = portion[-1]["id"] if more else max(self._head.entries, self._found.after)
        spans = audit_head.spans(self._connection, self._found.after + 1, last)
        inside = _numbers_in(spans, portion)
        waiting = deque(spans)
        for row in portion:
            number = row["id"]
            if number in inside or number > self._head.entries:
                self._report(number, INSERTED, "the exporter has added no entry of this number")
                continue
            while waiting and waiting[0].first < number:
                self._pass(waiting.popleft())
            self._lack(number)
            self._take(row)
        while waiting:
            self._pass(waiting.popleft())
        if self._found.after == 0:
            self._find_strange()
        if more:
            self._fits(more[0]["before"])
        else:
            self._end()
        self._open_seals(portion)

    def _hash_at(self, number: int) -> bytes | None:
        """Return the hash of entry `number`; None where it is not known."""
        if number == 0:
            return chain.FIRST
        # A span first: an entry in the place of what is gone was inserted.
        for span in audit_head.spans(self._connection, number, number):
            return span.hash if span.last == number else None
        row = self._connection.execute(select(TABLE.c.hash).where(TABLE.c.id == number)).scalar()
        return None if row is None else bytes(row)

    def _pass(self, span: RemovedSpan) -> None:
        """Go over entries that retention took out."""
        # One that began before the portion was counted with it.
        first = max(span.first, self._expected)
        self._lack(first)
        if span.first == first and not self._fits(span.before):
            self._report(first - 1, CHANGED, "the entries removed after it were built on another hash")
        self._found.pruned += span.last - first + 1
        self._expected, self._hash = span.last + 1, span.hash

    def _lack(self, number: int) -> None:
        """Report what should be before entry `number` and is not."""
        if number > self._expected:
            self._fits(None)
            detail = "no entry is there, and retention did not take it"
            self._report(self._expected, REMOVED, detail, last=number - 1)
            self._expected, self._hash = number, None

    def _take(self, row: TableRow) -> None:
        number = row["id"]
        self._found.checked += 1
        fits = self._fits(row["before"])
        if chain.hash_of(row["before"], row) != row["hash"]:
            self._report(number, CHANGED, "what it says does not fit its hash")
        elif not fits:
            self._doubt = number
        self._expected, self._hash = number + 1, row["hash"]

    def _fits(self, before: bytes | None) -> bool:
        """Return whether what comes next builds on the last hash; None: it is not known.

        A doubt is resolved then: an entry that the next one builds on is what it was.
        """
        fits = before is None or self._hash is None or before == self._hash
        if self._doubt is None:
            return fits
        changed = self._doubt - 1 if fits and self._doubt > 1 else self._doubt
        self._report(changed, CHANGED, "its hash is not the one that the chain was built with")
        self._doubt = None
        return True

    def _end(self) -> None:
        if self._found.after > self._head.entries:
            return  # what is here was inserted, and says nothing of the head
        self._lack(self._head.entries + 1)
        if not self._fits(self._head.hash):
            self._report(self._head.entries, CHANGED, "the head of the chain has another hash")

    def _find_strange(self) -> None:
        query = select(TABLE.c.id).where(TABLE.c.id <= 0).limit(MOST_PROBLEMS)
        for number in self._connection.execute(query).scalars():
            self._report(number, INSERTED, "the exporter has added no entry of this number")

    def _open_seals(self, rows: list[TableRow]) -> None:
        keys = keys_of(self._connection, {row["person"] for row in rows})
        ciphers = {number: chain.cipher(key) for number, (_, key) in keys.items() if len(key) == 16}
        erased = self._erased({row["person"] for row in rows} - keys.keys())
        for row in rows:
            if detail := _seal_problem(row, keys, ciphers, erased):
                self._report(row["id"], CHANGED, detail)

    def _erased(self, people: Iterable[int]) -> set[int]:
        names = {erasure_of(number): number for number in people}
        found: set[int] = set()
        every = list(names)
        for place in range(0, len(every), 1000):
            query = select(TABLE.c.once).where(TABLE.c.once.in_(every[place : place + 1000]))
            found.update(names[name] for name in self._connection.execute(query).scalars())
        return found

    def _report(self, number: int, what: str, detail: str, last: int | None = None) -> None:
        # One entry that is another one shows at several places.
        if (number, what) in self._reported or len(self._found.problems) >= MOST_PROBLEMS:
            return
        self._reported.add((number, what))
        self._found.problems.append(ChainProblem(number, what, detail, None if last == number else last))


def _numbers_in(spans: list[RemovedSpan], rows: list[TableRow]) -> set[int]:
    """Return the numbers of those of `rows` that lie in a span of what is gone."""
    found: set[int] = set()
    waiting: Iterator[RemovedSpan] = iter(spans)
    span = next(waiting, None)
    for row in rows:
        while span is not None and span.last < row["id"]:
            span = next(waiting, None)
        if span is not None and span.first <= row["id"]:
            found.add(row["id"])
    return found


def _seal_problem(
    row: TableRow, keys: Mapping[int, tuple[str, bytes]], ciphers: Mapping[int, Any], erased: set[int]
) -> str:
    """Return what is wrong with the key of the person of a row, "" where nothing is."""
    person = row["person"]
    if person not in keys:
        return "" if person in erased else f"the key of person {person} is gone, and nobody erased them"
    if person not in ciphers:
        return f"the key of person {person} was changed"
    try:
        actor = chain.unseal(ciphers[person], row["sealed"])["actor"]
    except ValueError:
        return f"the key of person {person} was changed"
    return "" if actor == keys[person][0] else f"the name of person {person} was changed"
