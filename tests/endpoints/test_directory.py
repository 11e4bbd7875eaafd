"""What is known of endpoints: which take what, how they answer, and which the exporter disables itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import structlog
from cryptography.fernet import Fernet

from exporter.core.action import EndpointReport
from exporter.core.audit import AuditEntry
from exporter.core.delivery import EndpointLimits
from exporter.core.endpoint import EndpointFacts, ReceiverMode
from exporter.core.errors import StoreError
from exporter.core.secret import Secret
from exporter.core.webhook import WebhookEndpoint, Webhooks
from exporter.endpoints.body import parse
from exporter.endpoints.directory import EndpointDirectory, wants
from exporter.endpoints.entry import SigningSecret, entry_json
from exporter.endpoints.facts import join
from exporter.endpoints.stored import EndpointStore, StoredEndpoint
from exporter.store.batch import Batch
from exporter.store.database import Database
from exporter.store.encryption import Seals

KEY = Secret(Fernet.generate_key().decode())
SECRET = Secret("whsec_" + "a" * 43 + "=")
DAY = 86_400.0
CRM = WebhookEndpoint(
    "crm", "acme", "https://crm.example/", (SECRET,), limits=EndpointLimits(disable_after=5 * DAY)
)


@dataclass
class Replica:
    """One process: its directory, its clock, and what it left."""

    database: Database
    now: float = 1_800_000_000.0
    audit: list[AuditEntry] = field(default_factory=list)
    abandoned: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.directory = EndpointDirectory(
            EndpointStore(self.database, Seals((KEY,))),
            self.write,
            lambda: self.now,
            self.audit.append,
        )
        self.directory.abandon = self.abandon
        self.directory.apply(Webhooks(endpoints=(CRM,)))

    async def abandon(self, name: str) -> None:
        self.abandoned.append(name)

    def write(self, batch: Batch) -> None:
        self.database.write([batch])

    def attempt(self, reason: str = "", *, after: float = 0.0, gone: bool = False) -> None:
        self.now += after
        self.directory.report(EndpointReport("crm", self.now, reason, gone=gone))

    @property
    def facts(self) -> EndpointFacts:
        entry = self.directory.find("crm")
        assert entry is not None and entry.facts is not None
        return entry.facts

    def is_in(self, mode: ReceiverMode) -> bool:
        entry = self.directory.find("crm")
        return entry is not None and entry.state is mode


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/state.db")
    made.open()
    yield made
    made.close()


@pytest.fixture
def replica(database: Database) -> Replica:
    return Replica(database)


def stored(name: str = "shop", now: float = 1.0, **changes: object) -> StoredEndpoint:
    values = {"name": name, "tenant": "acme", "url": "https://shop.example/"} | changes
    return StoredEndpoint(parse(values), (SigningSecret(SECRET),), now, now)


@pytest.mark.parametrize(
    ("types", "kind", "wanted"),
    [
        ((), "anything", True),
        (("order.*",), "order.created", True),
        (("order.*",), "orders.created", False),
        (("order.*",), "Order.created", False),
        (("a", "b.?"), "b.1", True),
        (("a",), "", False),
    ],
)
def test_an_endpoint_wants_the_types_that_its_globs_fit(
    types: tuple[str, ...], kind: str, wanted: bool
) -> None:
    assert wants(types, kind) is wanted


def test_deliveries_are_made_for_the_endpoints_of_their_tenant_alone(replica: Replica) -> None:
    other = replace(CRM, name="other", tenant="globex")
    shared = replace(CRM, name="none", tenant="")
    replica.directory.apply(Webhooks(endpoints=(CRM, other, shared)))
    for tenant, names in (("acme", ["crm"]), ("globex", ["other"]), ("", ["none"]), ("unknown", [])):
        assert [one.endpoint.name for one in replica.directory.matching(tenant, "x")] == names


def test_attempts_say_whether_an_endpoint_is_up_and_since_when_it_is_not(replica: Replica) -> None:
    entry = replica.directory.find("crm")
    assert entry is not None and entry_json(entry, replica.now)["up"] is None
    replica.attempt()
    assert replica.facts.up is True and replica.facts.last_success == replica.now
    replica.attempt("timeout", after=10)
    first = replica.now
    replica.attempt("connect", after=10)
    facts = replica.facts
    assert (facts.up, facts.failing_since, facts.reason) == (False, first, "connect")
    replica.attempt(after=10)
    assert (replica.facts.up, replica.facts.failing_since, replica.facts.reason) == (True, None, "")


def test_an_attempt_that_failed_before_tls_leaves_the_certificate_that_is_known(replica: Replica) -> None:
    replica.directory.report(EndpointReport("crm", replica.now, "", 1_900_000_000.0))
    replica.attempt("connect", after=1)
    assert replica.facts.certificate_expiry == 1_900_000_000.0


def test_an_endpoint_of_nothing_but_failures_is_disabled_after_its_days_with_notice(
    replica: Replica,
) -> None:
    replica.attempt("timeout")
    replica.attempt("timeout", after=5 * DAY - 1)
    assert replica.is_in(ReceiverMode.ACTIVE)
    with structlog.testing.capture_logs() as logs:
        replica.attempt("timeout", after=2)
        replica.attempt("timeout", after=2)
    assert replica.is_in(ReceiverMode.DISABLED)
    assert [one["event"] for one in logs] == ["endpoint disabled"]
    assert [(one.action, one.actor, one.tenant) for one in replica.audit] == [
        ("endpoint.disabled", "exporter", "acme")
    ]
    found = replica.directory.get("crm")
    assert found is not None and not found.enabled
    assert replica.directory.matching("acme", "x") == []
    entry = replica.directory.find("crm")
    assert entry is not None and "5.0 days" in entry_json(entry, replica.now)["state_why"]


def test_a_success_in_between_starts_the_days_again(replica: Replica) -> None:
    replica.attempt("timeout")
    replica.attempt(after=4 * DAY)
    replica.attempt("timeout", after=1)
    replica.attempt("timeout", after=4 * DAY)
    assert replica.is_in(ReceiverMode.ACTIVE)


def test_without_such_a_limit_an_endpoint_may_fail_for_ever(replica: Replica) -> None:
    replica.directory.apply(Webhooks(endpoints=(replace(CRM, limits=EndpointLimits()),)))
    replica.attempt("timeout")
    replica.attempt("timeout", after=400 * DAY)
    assert replica.is_in(ReceiverMode.ACTIVE)


async def test_an_endpoint_that_wants_no_more_is_disabled_at_once_and_stays_so_after_a_restart(
    replica: Replica, database: Database
) -> None:
    replica.attempt("not_found", gone=True)
    assert replica.is_in(ReceiverMode.DISABLED)
    await replica.directory.save()
    again = Replica(database)
    await again.directory.refresh()
    assert again.is_in(ReceiverMode.DISABLED)
    entry = again.directory.find("crm")
    assert entry is not None and entry.mode is not None and "410" in entry.mode.why


async def test_one_that_a_person_activates_again_has_its_days_before_it(replica: Replica) -> None:
    replica.attempt("timeout")
    replica.attempt("timeout", after=6 * DAY)
    await replica.directory.set_mode("crm", ReceiverMode.ACTIVE, "user:ada")
    replica.attempt("timeout", after=1)
    assert replica.is_in(ReceiverMode.ACTIVE)
    replica.attempt("timeout", after=5 * DAY)
    assert replica.is_in(ReceiverMode.DISABLED)


async def test_what_could_not_be_saved_holds_here_and_is_saved_later(
    replica: Replica, database: Database
) -> None:
    replica.attempt("not_found", gone=True)
    await replica.directory.refresh()  # the store does not know of it yet
    assert replica.is_in(ReceiverMode.DISABLED)
    await replica.directory.save()
    other = Replica(database)
    await other.directory.refresh()
    assert other.is_in(ReceiverMode.DISABLED)


async def test_a_mode_that_is_not_stored_is_not_taken(replica: Replica, database: Database) -> None:
    database.close()
    Path(str(database.url.database)).unlink()
    with pytest.raises(StoreError):
        await replica.directory.set_mode("crm", ReceiverMode.PAUSED, "user:ada")
    assert replica.is_in(ReceiverMode.ACTIVE)


async def test_facts_come_back_after_a_restart(replica: Replica, database: Database) -> None:
    replica.attempt()
    replica.attempt("timeout", after=5)
    again = Replica(database)
    await again.directory.refresh()
    assert again.facts == replica.facts


async def test_the_file_wins_where_both_have_a_name(replica: Replica) -> None:
    assert replica.directory.store.create(stored("crm", url="https://api.example/"))
    await replica.directory.refresh()
    found = replica.directory.get("crm")
    assert found is not None and found.url == CRM.url
    replica.directory.apply(Webhooks())
    found = replica.directory.get("crm")
    assert found is not None and found.url == "https://api.example/"


async def test_what_another_replica_deleted_is_abandoned_here_until_all_that_was_under_way_is_over(
    replica: Replica, database: Database
) -> None:
    other = Replica(database)
    for name in ("shop", "crm", "foreign"):
        assert other.directory.store.create(stored(name))
    await replica.directory.refresh()
    assert replica.abandoned == []
    for name in ("shop", "crm"):
        assert other.directory.store.remove(name)
    await replica.directory.refresh()
    await replica.directory.refresh()
    assert replica.abandoned == ["shop", "shop"], "the file still has the other one"
    assert other.directory.store.create(stored("shop", 2.0))
    await replica.directory.refresh()
    assert other.directory.store.remove("foreign")
    await replica.directory.refresh()
    replica.now += 601.0
    await replica.directory.refresh()
    assert replica.abandoned == ["shop", "shop", "foreign"]


async def test_an_endpoint_whose_key_is_gone_is_not_deleted(replica: Replica) -> None:
    assert replica.directory.store.create(stored("shop"))
    await replica.directory.refresh()
    replica.directory.store.exchange_keys(Seals((Secret(Fernet.generate_key().decode()),)))
    await replica.directory.refresh()
    assert replica.directory.find("shop") is None and replica.abandoned == []


async def test_a_row_that_no_key_opens_is_reported_once_and_costs_no_other(
    replica: Replica, database: Database
) -> None:
    foreign = EndpointStore(database, Seals((Secret(Fernet.generate_key().decode()),)))
    assert foreign.create(stored("foreign"))
    assert replica.directory.store.create(stored("shop"))
    with structlog.testing.capture_logs() as logs:
        await replica.directory.refresh()
        await replica.directory.refresh()
    assert [one["endpoints"] for one in logs] == [["foreign"]]
    assert [one.endpoint.name for one in replica.directory.entries()] == ["crm", "shop"]


MINE = EndpointFacts("crm", last_success=10.0, last_failure=90.0, failing_since=80.0, reason="dns")


@pytest.mark.parametrize(
    ("mine", "other", "since", "up"),
    [
        (MINE, MINE, 80.0, False),
        (MINE, replace(MINE, last_success=95.0, last_failure=None, failing_since=None), None, True),
        (MINE, replace(MINE, last_success=85.0, last_failure=None, failing_since=None), 90.0, False),
        (MINE, EndpointFacts("crm", last_failure=50.0, failing_since=40.0, reason="tls"), 80.0, False),
    ],
    ids=["the same", "it succeeded after ours failed", "it succeeded in between", "it knows less"],
)
def test_what_another_replica_saw_counts_too(
    mine: EndpointFacts, other: EndpointFacts, since: float | None, up: bool
) -> None:
    found = join(mine, other)
    assert (found.failing_since, found.up) == (since, up)


async def test_what_another_replica_makes_pauses_or_deletes_is_said_once_by_tenant(
    replica: Replica, database: Database
) -> None:
    other, said = Replica(database), list[str]()
    replica.directory.on_foreign = said.append

    async def news() -> list[str]:
        said.clear()
        await replica.directory.refresh()
        await replica.directory.refresh()
        return list(said)

    assert other.directory.store.create(stored("shop"))
    tenant = (stored("shop").body.tenant,)
    assert await news() == [*tenant]
    await other.directory.refresh()
    await other.directory.set_mode("shop", ReceiverMode.PAUSED, "ops")
    assert await news() == [*tenant]
    assert other.directory.store.remove("shop")
    assert await news() == [*tenant]
    assert await news() == []
