"""Adds entries to the chain of the audit: judged, sealed, and one after the other, whoever writes."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, Select, delete, insert, select, tuple_

from exporter.core.audit import AuditEntry, Novelty, SignIn
from exporter.core.audit_rules import SUCCESS, class_of, outcome_of
from exporter.core.stored_event import StoredEvent
from exporter.store import chain
from exporter.store.batch import RecordBatch
from exporter.store.driver_sql import DriverStatement, is_one_of, text_list
from exporter.store.places import KnownPlaces
from exporter.store.rows import REPLICA, TableRow, clean
from exporter.store.subjects import audit, audit_head, events
from exporter.store.subjects.audit_head import ChainHead
from exporter.store.subjects.audit_people import TABLE as PERSON
from exporter.store.upserts import insert_all

if TYPE_CHECKING:
    # It takes 8 MB: a process that has nothing in its audit must not load it.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MOST_PEOPLE = 20_000
"""People whose keys a process remembers."""

PORTION = 500
"""Values of one statement."""

LONGEST = 1000
"""Characters of a text from outside that are kept: a user agent may be of any length."""

DurableEvent = StoredEvent | tuple[str, AuditEntry]
"""An event, or for the audit what its entry may be there once by and the entry."""

NewEntry = tuple[str | None, AuditEntry]
"""What an entry may be there once by, None for any number of them, and the entry."""

_PersonKey = tuple[str, str]
"""Tenant and actor."""


class Judge(Protocol):
    """Gives entries their score; it is asked by one transaction after the other."""

    def judge(self, entry: AuditEntry, novelty: Novelty) -> AuditEntry:
        """Return `entry` with its score, and its flag where a person must look at it."""

    def judge_country(self, sign_in: SignIn) -> AuditEntry:
        """Return the entry of a sign-in from a country where its actor was not seen before."""


@dataclass(frozen=True)
class _Person:
    number: int
    cipher: "AESGCM"


class AuditLedger:
    """The one way into the chain. `judge` scores what has no score yet; without one nothing is scored.

    The lock of the head puts transactions one after the other, over threads and replicas alike.
    """

    def __init__(self, judge: Judge | None = None) -> None:
        """Remember nobody yet."""
        self._judge = judge
        self._people: OrderedDict[_PersonKey, _Person] = OrderedDict()
        self._places = KnownPlaces()
        self._erasures = 0
        self._transaction: object = None
        # People whom the transaction of the moment added: it may be rolled back, and their keys with it.
        self._unsure: set[_PersonKey] = set()

    def append(self, connection: Connection, entries: Sequence[NewEntry]) -> list[int | None]:
        """Add entries; return the number of each, None of one that is there already."""
        if not entries:
            return []
        head = self._lock(connection)
        is_new = _are_new(connection, entries)
        fresh = [entry for entry, new in zip(entries, is_new, strict=True) if new]
        numbers, _ = self._append(connection, head, fresh)
        found = iter(numbers)
        return [next(found) if new else None for new in is_new]

    def store(self, connection: Connection, bodies: Sequence[Sequence[DurableEvent]]) -> list[list[bool]]:
        """Store what is new of the events of several requests; return of each event whether it was."""
        every = [event for body in bodies for event in body]
        stored = [event for event in every if isinstance(event, StoredEvent)]
        entries = [event for event in every if not isinstance(event, StoredEvent)]
        new_events = iter(events.add_new(connection, stored))
        new_entries = iter(self.append(connection, entries))
        # In the order of the requests again.
        return [
            [
                next(new_events) if isinstance(event, StoredEvent) else next(new_entries) is not None
                for event in body
            ]
            for body in bodies
        ]

    def review(self, connection: Connection, reviews: Sequence[tuple[int, AuditEntry]]) -> list[str]:
        """Add reviews of flagged entries, each with the number of its entry; return what is wrong, or ""."""
        found = []
        for number, entry in reviews:
            about = audit.find(connection, number)
            if about is None:
                found.append("missing")
            elif about.flag is None:
                found.append("not flagged")
            else:
                # Never before what it reviews: retention takes the review last.
                entry = replace(entry, at=max(entry.at, about.at), tenant=about.tenant)
                added = self.append(connection, [(audit.review_of(number), entry)])
                found.append("" if added[0] is not None else "reviewed")
        return found

    def erase(self, connection: Connection, asked: Sequence[tuple[str, str | None, AuditEntry]]) -> list[int]:
        """Destroy the keys of people, by actor and tenant (None: all); return how many each was.

        The entry says who did it; its resource becomes the number of the person.
        """
        return [self._erase(connection, *one) for one in asked]

    def see(self, connection: Connection, sign_ins: Sequence[SignIn]) -> None:
        """Learn where actors were seen; one who is in a new country gets an entry."""
        head = self._lock(connection)
        seen = [one for one in sign_ins if not one.failed]
        found = self._places.learn(connection, head.secret, seen)
        if self._judge is not None:
            judge = self._judge.judge_country
            new = [(None, judge(one)) for one, novelty in zip(seen, found, strict=True) if novelty.country]
            self._append(connection, head, new)

    def _lock(self, connection: Connection) -> ChainHead:
        head = audit_head.lock(connection)
        # The lock of the head lets one transaction in after the other: that of before has ended.
        if connection.get_transaction() is not self._transaction:
            self._transaction = connection.get_transaction()
            self._unsure.clear()
            self._places.begin()
        if head.erasures != self._erasures:
            # A key that is destroyed must seal nothing more: nobody could read it.
            self._people.clear()
            self._places.clear()
            self._erasures = head.erasures
        return head

    def _append(
        self, connection: Connection, head: ChainHead, entries: Sequence[NewEntry]
    ) -> tuple[list[int], ChainHead]:
        """Add entries that are new; the head is locked, and moves."""
        judged = self._judged(connection, head, entries)
        people, head = self._find_people(
            connection, head, dict.fromkeys((one.tenant, one.actor) for _, one in judged)
        )
        rows, before, number = [], head.hash, head.entries
        replica = connection.get_execution_options().get(REPLICA, "")
        for (once, entry), nonce in zip(judged, chain.new_nonces(len(judged)), strict=True):
            number += 1
            row = _row(number, once, entry, people[entry.tenant, entry.actor], head.secret, nonce)
            row |= {"replica": entry.replica or replica, "before": before}
            before = row["hash"] = chain.hash_of(before, row)
            rows.append(row)
        if rows:
            insert_all(connection, audit.TABLE, rows)
            head = replace(head, entries=number, hash=before)
            audit_head.move(connection, head)
        return [row["id"] for row in rows], head

    def _judged(self, connection: Connection, head: ChainHead, entries: Sequence[NewEntry]) -> list[NewEntry]:
        tidy = [(once, _tidy(entry)) for once, entry in entries]
        if self._judge is None:
            return tidy
        novelties = self._places.learn(connection, head.secret, [_sign_in(entry) for _, entry in tidy])
        return [
            (once, entry if entry.risk is not None else self._judge.judge(entry, novelty))
            for (once, entry), novelty in zip(tidy, novelties, strict=True)
        ]

    def _find_people(
        self, connection: Connection, head: ChainHead, wanted: Iterable[_PersonKey]
    ) -> tuple[dict[_PersonKey, _Person], ChainHead]:
        """Return the people, new ones with a new key."""
        # Held apart from what is remembered, which may forget one of many.
        found: dict[_PersonKey, _Person] = {}
        missing = []
        for key in wanted:
            known = self._people.get(key)
            if known is None:
                missing.append(key)
            else:
                self._people.move_to_end(key)
                found[key] = known
        read = _read_people(connection, missing)
        self._remember(read)
        found |= read
        number, new = head.people, list[TableRow]()
        for key in missing:
            if key not in read:
                number += 1
                secret = chain.new_key()
                new.append({"id": number, "tenant": key[0], "actor": key[1], "key": secret})
                found[key] = _Person(number, chain.cipher(secret))
        if new:
            connection.execute(insert(PERSON), new)
            self._unsure.update((row["tenant"], row["actor"]) for row in new)
        return found, replace(head, people=number)

    def _remember(self, people: Mapping[_PersonKey, _Person]) -> None:
        self._people.update((key, person) for key, person in people.items() if key not in self._unsure)
        while len(self._people) > MOST_PEOPLE:
            self._people.popitem(last=False)

    def _erase(self, connection: Connection, actor: str, tenant: str | None, entry: AuditEntry) -> int:
        actor = _text(actor)
        head = self._lock(connection)
        query = select(PERSON.c.id, PERSON.c.tenant).where(PERSON.c.actor == actor)
        if tenant is not None:
            query = query.where(PERSON.c.tenant == tenant)
        people = connection.execute(query.order_by(PERSON.c.id)).all()
        said: list[NewEntry] = [
            (audit.erasure_of(number), replace(entry, resource=f"person:{number}", tenant=of))
            for number, of in people
        ]
        _, head = self._append(connection, head, said or [(None, entry)])
        # The one who erases may be the one who is erased: then that entry's key goes, too.
        connection.execute(delete(PERSON).where(PERSON.c.id.in_([number for number, _ in people])))
        tenants = {of for _, of in people} | events.forget_sign_ins(connection, actor, tenant)
        self._places.forget(connection, head.secret, [(of, actor) for of in tenants])
        audit_head.move(connection, replace(head, erasures=head.erasures + 1))
        return len(people)


@dataclass
class AuditBatch(RecordBatch[AuditEntry]):
    """Entries on their way to the store."""

    ledger: AuditLedger = field(default_factory=AuditLedger)

    def write(self, connection: Connection) -> None:
        """Add them."""
        self.ledger.append(connection, [(None, entry) for entry in self.records])


@dataclass
class SignInBatch(RecordBatch[SignIn]):
    """Sign-ins that succeeded, on their way to what is known of places."""

    ledger: AuditLedger = field(default_factory=AuditLedger)

    def write(self, connection: Connection) -> None:
        """Learn from them."""
        self.ledger.see(connection, self.records)


def _select_known(dialect: str) -> Select[tuple[str | None]]:
    return select(audit.TABLE.c.once).where(is_one_of(dialect, audit.TABLE.c.once, "names"))


_KNOWN = DriverStatement(_select_known)


def _are_new(connection: Connection, entries: Sequence[NewEntry]) -> list[bool]:
    """Return of each entry whether nothing is there by its name; the head is locked, so that this holds."""
    wanted = [once for once, _ in entries if once is not None]
    known: set[str] = set()
    if wanted:
        known.update(row[0] for row in _KNOWN.run(connection, [{"names": text_list(wanted)}]))
    found = []
    for once, _ in entries:
        found.append(once is None or once not in known)
        # Of two with one name the first is in, the other is its duplicate.
        known.update([once] if once is not None else ())
    return found


def _read_people(connection: Connection, wanted: Sequence[_PersonKey]) -> dict[_PersonKey, _Person]:
    found: dict[_PersonKey, _Person] = {}
    columns = (PERSON.c.actor, PERSON.c.tenant)
    for place in range(0, len(wanted), PORTION):
        keys = [(actor, tenant) for tenant, actor in wanted[place : place + PORTION]]
        rows = connection.execute(
            select(*columns, PERSON.c.id, PERSON.c.key).where(tuple_(*columns).in_(keys))
        )
        found |= {(tenant, actor): _Person(number, chain.cipher(key)) for actor, tenant, number, key in rows}
    return found


def _row(
    number: int, once: str | None, entry: AuditEntry, person: _Person, secret: bytes, nonce: bytes
) -> TableRow:
    return {
        "id": number,
        "at": float(entry.at),
        "person": person.number,
        "integration": entry.integration,
        "tenant": entry.tenant,
        "action": entry.action,
        "action_class": class_of(entry.action).name,
        "outcome": entry.outcome,
        "count": entry.count,
        "risk": entry.risk,
        "flag": entry.flag,
        "once": once,
        "address_mark": chain.mark(secret, "address", entry.address),
        "resource_mark": chain.mark(secret, "resource", entry.resource),
        "sealed": chain.seal(person.cipher, entry, nonce),
    }


_TEXTS = (
    "integration",
    "tenant",
    "actor",
    "action",
    "resource",
    "outcome",
    "address",
    "country",
    "user_agent",
)


_texts = attrgetter(*_TEXTS)


def _tidy(entry: AuditEntry) -> AuditEntry:
    """Return `entry` with texts that a database takes."""
    whole = "".join(_texts(entry))
    if len(whole) <= LONGEST and _text(whole) is whole:  # as nearly all are: one look for all of them
        return entry
    changed: dict[str, Any] = {}
    for name in _TEXTS:
        text = getattr(entry, name)
        if (tidy := _text(text)) != text:
            changed[name] = tidy
    return replace(entry, **changed) if changed else entry


def _text(text: str) -> str:
    return text if text.isascii() and len(text) <= LONGEST and "\0" not in text else clean(text)[:LONGEST]


def _sign_in(entry: AuditEntry) -> SignIn:
    """Return what an entry says of a place; one that failed teaches nothing."""
    failed = outcome_of(entry.outcome) != SUCCESS
    return SignIn(entry.at, entry.tenant, entry.actor, entry.address, entry.country, failed)
