"""What is stored of webhooks besides deliveries, on both databases: summaries, endpoints, modes and facts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from exporter.core.endpoint import EndpointFacts, ModeChange, ReceiverMode
from exporter.core.secret import Secret
from exporter.core.summary import HOUR
from exporter.core.webhook_summary import WebhookKey, WebhookStatistic, WebhookSummary, WebhookWindow
from exporter.endpoints.body import parse
from exporter.endpoints.entry import SigningSecret
from exporter.endpoints.stored import EndpointStore, StoredEndpoint, rotate
from exporter.store.database import Database
from exporter.store.encryption import Seals
from exporter.store.subjects import webhook_summaries as subject
from exporter.store.subjects.webhook_endpoints import EndpointFactsBatch
from exporter.store.subjects.webhook_summaries import WebhookSummaryBatch

HOUR_0 = 499_000 * HOUR
DAY = 24 * HOUR


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    is_file = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/state.db" if is_file else request.getfixturevalue("database")
    made = Database(url)
    made.open()
    yield made
    made.close()


def summary(*attempts: tuple[float, str], dead: bool = False) -> WebhookSummary:
    made = WebhookSummary()
    for seconds, reason in attempts:
        made.record(seconds, reason, dead=dead and bool(reason))
    return made


def batch(
    hour: int, name: str, tenant: str, made: WebhookSummary, way: str = "outbound"
) -> WebhookSummaryBatch:
    key: WebhookKey = (HOUR_0 + hour * HOUR, way, name, tenant)
    return WebhookSummaryBatch({key: made})


def ask(
    store: Database, *by: str, hours: int = 24, direction: str = "", tenants: set[str] | None = None
) -> list[WebhookStatistic]:
    window = WebhookWindow(HOUR_0, HOUR_0 + hours * HOUR, by, direction, tenants=tenants)
    return store.read(lambda connection: subject.statistics(connection, window))


def test_attempts_of_an_hour_add_up_however_often_they_are_written(store: Database) -> None:
    store.write([batch(0, "crm", "acme", summary((0.1, ""), (0.2, "timeout")))])
    store.write([batch(0, "crm", "acme", summary((0.1, ""), (0.3, "timeout"), dead=True))])
    store.write([batch(1, "crm", "acme", summary((0.1, "")))])
    (found,) = ask(store, "name")
    assert (found.subject, found.attempts, found.failed, found.dead) == (("crm",), 5, 2, 1)
    assert found.success_ratio == pytest.approx(0.6)
    assert found.latency(0.95) == pytest.approx(0.1, rel=0.11)
    window = WebhookWindow(HOUR_0, HOUR_0 + DAY, ("name",))
    why = store.read(lambda connection: subject.reasons(connection, window))
    assert why == {("crm",): {"timeout": 2}}


def test_the_worst_comes_first_and_callers_see_their_tenants_alone(store: Database) -> None:
    store.write([batch(0, "good", "acme", summary((0.1, "")))])
    store.write([batch(0, "bad", "globex", summary((0.1, "dns")))])
    store.write([batch(0, "stripe", "", summary((0.1, "")), "inbound")])
    assert [one.subject for one in ask(store, "name")] == [("bad",), ("good",), ("stripe",)]
    assert [one.subject for one in ask(store, "tenant", tenants={"acme"})] == [("acme",)]
    assert [one.subject for one in ask(store, "name", direction="inbound")] == [("stripe",)]
    assert [one.attempts for one in ask(store)] == [3]
    assert ask(store, "name", hours=0) == [] and ask(store, hours=0) == []
    assert ask(store, tenants=set()) == []


def test_old_hours_become_days_and_nothing_is_lost(store: Database) -> None:
    for hour in range(30):
        store.write([batch(hour, "crm", "acme", summary((0.1, ""), (0.1, "dns")))])
    before = ask(store, "name", hours=48)
    now = HOUR_0 + 40 * DAY
    with store.writing() as connection:
        rows = 0
        while gone := subject.fold(connection, now):
            rows += gone
    assert rows > 0
    window = WebhookWindow(HOUR_0 // DAY * DAY, HOUR_0 + 3 * DAY, ("name",))
    after = store.read(lambda connection: subject.statistics(connection, window))
    assert after == before
    assert store.retain({"webhooks": DAY}, now) > 0


def test_batches_that_wait_are_joined_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = batch(0, "crm", "acme", summary((0.1, "")))
    waiting.merge(batch(0, "crm", "acme", summary((0.1, "dns"))))
    waiting.merge(batch(1, "crm", "acme", summary((0.1, ""))))
    assert waiting.size == 2
    assert next(iter(waiting.summaries.values())).attempts == 2
    monkeypatch.setattr(subject, "MOST", 1)
    assert waiting.cut(1) == 1 and waiting.size == 1


def test_an_endpoint_comes_back_as_it_was_stored(store: Database) -> None:
    kept = EndpointStore(store, Seals((Secret(Fernet.generate_key().decode()),)))
    secret = SigningSecret(Secret("whsec_" + "a" * 43 + "="))
    values = {"name": "crm", "tenant": "acme", "url": "https://crm.example/é", "headers": {"X-A": "1"}}
    made = StoredEndpoint(parse(values | {"retry": {"attempts": 3}, "rate": "5/1m"}), (secret,), 1.5, 2.5)
    assert kept.create(made)
    assert not kept.create(made)
    assert kept.load().endpoints == (made,)
    newer = StoredEndpoint(made.body, rotate(made.secrets, Secret("whsec_new"), 10.0, 60.0), 1.5, 3.5)
    assert kept.change(newer, 2.5)
    assert not kept.change(newer, 2.5)
    (found,) = kept.load().endpoints
    assert [(one.value.reveal(), one.until) for one in found.secrets] == [
        ("whsec_new", None),
        (secret.value.reveal(), 70.0),
    ]
    kept.write_mode(ModeChange("crm", ReceiverMode.PAUSED, 4.0, "user:ada"))
    kept.write_mode(ModeChange("crm", ReceiverMode.DISABLED, 5.0, "exporter", "410"))
    facts = EndpointFacts("crm", 1.0, 2.0, 2.0, "timeout", 9.0)
    store.write([EndpointFactsBatch({"crm": facts})])
    view = kept.load()
    assert view.modes["crm"] == ModeChange("crm", ReceiverMode.DISABLED, 5.0, "exporter", "410")
    assert view.facts == {"crm": facts}
    assert kept.remove("crm")
    assert not kept.remove("crm")
    empty = kept.load()
    assert (empty.endpoints, empty.modes, empty.facts) == ((), {}, {})
