"""The audit keeps who did what, and a flood costs it a row a minute."""

from pathlib import Path

from exporter.core.audit import AuditEntry
from exporter.ingest.audit import MOST_WINDOWS, WINDOW, AuditLog
from exporter.store.batch import Batch, Pending
from exporter.store.database import Database
from exporter.store.ledger import LONGEST, AuditBatch
from exporter.store.subjects import audit


class Book:
    """Takes what the audit hands over."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.entries: list[AuditEntry] = []
        self.log = AuditLog(self.take, lambda: self.now)

    def take(self, batch: Batch) -> None:
        assert isinstance(batch, AuditBatch)
        self.entries += batch.records


def refusal(address: str = "192.0.2.7", user_agent: str = "") -> AuditEntry:
    return AuditEntry(
        1000.0,
        "nobody",
        "webhook.refused",
        "stripe",
        "refused",
        address=address,
        user_agent=user_agent,
    )


def test_an_entry_comes_back_as_it_was(tmp_path: Path) -> None:
    entry = AuditEntry(
        *(5.0, "token:ops", "endpoint.create", "acme-crm", "success", "payments", "acme", "192.0.2.1", "DE"),
        user_agent="curl/8 \N{SNOWMAN}",
        details={"url": "https://crm.acme.example", "list": [1, None]},
        risk=70,
        flag="off_hours",
    )
    store = Database(f"sqlite:///{tmp_path}/state.db")
    store.open()
    store.write(Pending([AuditBatch([entry, refusal()])]))
    found = store.read(audit.query)
    store.close()
    assert list(found.rows) == [refusal(), entry]
    assert found.rows[1].replica


def test_texts_that_a_caller_chose_cannot_break_the_row(tmp_path: Path) -> None:
    store = Database(f"sqlite:///{tmp_path}/state.db")
    store.open()
    store.write(Pending([AuditBatch([refusal(user_agent="\0\ud800" + "x" * 100_000)])]))
    (row,) = store.read(audit.query).rows
    store.close()
    assert len(row.user_agent) == LONGEST and "\0" not in row.user_agent


def test_a_flood_from_one_address_is_one_entry_a_minute() -> None:
    book = Book()
    for _ in range(5000):
        book.log.add_repeatable(refusal(), "mismatch")
    assert [entry.count for entry in book.entries] == [1]
    book.now += WINDOW
    book.log.add_repeatable(refusal(), "mismatch")
    assert [entry.count for entry in book.entries] == [1, 4999, 1]


def test_refusals_for_other_reasons_or_of_others_are_entries_of_their_own() -> None:
    book = Book()
    book.log.add_repeatable(refusal(), "mismatch")
    book.log.add_repeatable(refusal(), "stale")
    book.log.add_repeatable(refusal("192.0.2.8"), "stale")
    assert len(book.entries) == 3


def test_a_flood_from_many_addresses_is_bounded_and_loses_no_count() -> None:
    book = Book()
    for number in range(10 * MOST_WINDOWS):
        book.log.add_repeatable(refusal(f"2001:db8::{number:x}"), "mismatch")
    assert len(book.entries) == MOST_WINDOWS + 1
    book.log.sweep(everything=True)
    assert sum(entry.count for entry in book.entries) == 10 * MOST_WINDOWS


def test_nothing_is_kept_while_it_is_switched_off() -> None:
    book = Book()
    book.log.enabled = False
    book.log.add(refusal())
    book.log.add_repeatable(refusal())
    book.log.sweep(everything=True)
    assert book.entries == []
