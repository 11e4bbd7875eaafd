"""Endpoints by API: made with a secret that is shown once, changed, rotated, paused and deleted."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from exporter.core.secret import Secret
from exporter.endpoints.directory import EndpointDirectory
from exporter.endpoints.stored import EndpointStore, StoredEndpoint
from exporter.store.database import Database
from exporter.store.encryption import Seals
from tests.server.house import NOW, Room, house
from tests.server.webhook_desk import (
    ACME,
    APP,
    CRM,
    GIVEN,
    GLOBEX,
    KEY,
    LOOKER,
    OPS,
    TOKENS,
    Desk,
    webhook_desk,
)
from tests.waiting import PATIENCE


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/state.db")
    made.open()
    yield made
    made.close()


@pytest.fixture
async def desk(tmp_path: Path, store: Database) -> AsyncIterator[Desk]:
    async with webhook_desk(tmp_path, store) as made:
        yield made


async def test_a_new_endpoint_shows_its_secret_once_and_signs_by_it(desk: Desk) -> None:
    made = await desk.make()
    assert made.status == 201 and made.headers["location"] == "/api/v1/endpoints/acme-crm"
    secret = made.json["secret"]
    assert secret.startswith("whsec_")
    endpoint = desk.directory.get("acme-crm")
    assert endpoint and [one.reveal() for one in endpoint.secrets] == [secret]
    for path in ("", "/acme-crm", "?format=csv", "?format=ndjson"):
        text = (await desk.ask("GET", path)).text
        assert "acme-crm" in text and secret not in text and "hunter2" not in text


async def test_a_secret_of_one_s_own_is_taken_and_a_bad_one_is_not(desk: Desk) -> None:
    assert (await desk.make(secret=GIVEN)).json["secret"] == GIVEN
    for bad in ("", "whsec_short", "plain text", 7):
        refused = await desk.make(name="other", secret=bad)
        assert refused.status == 400 and "secret" in refused.json["error"]


async def test_nothing_secret_is_in_the_store_as_text(desk: Desk, tmp_path: Path) -> None:
    secret = (await desk.make(headers={"Authorization": "Bearer sesame-sesame"})).json["secret"]
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("state.db*"))
    assert b"acme-crm" in kept
    for text in (secret, "sesame-sesame", "hunter2hunter2"):
        assert text.encode() not in kept


async def test_without_keys_no_endpoint_is_made_and_the_answer_says_what_to_do(
    tmp_path: Path, store: Database
) -> None:
    web = tmp_path / "web.yml"
    web.write_text(TOKENS)
    async with house(Room([], path=web, store=store)) as made:
        refused = await made.ask("/api/v1/endpoints", "POST", OPS, data=json.dumps(CRM))
    assert refused.status == 409
    assert "store.token_keys" in refused.json["error"] and "tokens key" in refused.json["error"]


@pytest.mark.parametrize("name", ["acme-crm", "fixed"])
async def test_a_name_is_taken_by_the_api_and_by_the_file(desk: Desk, name: str) -> None:
    await desk.make()
    refused = await desk.make(name=name)
    assert refused.status == 409 and "name" in refused.json["error"]


async def test_an_endpoint_of_the_file_is_only_read_and_its_state_set(desk: Desk) -> None:
    for method, path, body in (
        ("PATCH", "/fixed", {"url": "https://other.example/"}),
        ("DELETE", "/fixed", None),
        ("POST", "/fixed/rotate", {}),
    ):
        refused = await desk.ask(method, path, body)
        assert refused.status == 409 and "configuration file" in refused.json["error"]
    paused = await desk.ask("PATCH", "/fixed", {"state": "paused"})
    assert (paused.status, paused.json["state"], paused.json["origin"]) == (200, "paused", "file")
    found = desk.directory.get("fixed")
    assert found is not None and not found.enabled


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "a b"),
        ("name", "x\n"),
        ("tenant", "a/b"),
        ("url", "ftp://crm.example/"),
        ("url", ""),
        ("fallback_url", "nonsense"),
        ("types", ["order created"]),
        ("types", "order.*"),
        ("headers", {"Webhook-Id": "1"}),
        ("headers", {"X-A": "two\r\nlines"}),
        ("retry", {"attempts": 0}),
        ("retry", {"timeout": "1h"}),
        ("retry", {"tries": 1}),
        ("rate", "fast"),
        ("concurrency", 0),
        ("concurrency", "4"),
        ("disable_after", "never"),
        ("enabled", 1),
        ("unknown", 1),
    ],
)
async def test_a_key_that_is_wrong_is_named_and_nothing_is_made(desk: Desk, key: str, value: Any) -> None:
    refused = await desk.make(**{key: value})
    assert refused.status == 400 and key in refused.json["error"]
    assert desk.directory.find("acme-crm") is None


async def test_a_change_leaves_the_other_keys_and_takes_effect_at_once(desk: Desk) -> None:
    made = await desk.make(types=["order.*"], headers={"X-Env": "test"}, retry={"attempts": 3})
    secret = made.json["secret"]
    answer = await desk.ask("PATCH", "/acme-crm", {"retry": {"timeout": "5s"}, "rate": "50/1s"})
    assert answer.status == 200 and answer.json["rate"] == "50/1s"
    found = desk.directory.get("acme-crm")
    assert found is not None
    assert (found.limits.retry.attempts, found.limits.retry.timeout) == (3, 5.0)
    assert (found.limits.rate, found.types, found.headers) == (50, ("order.*",), (("X-Env", "test"),))
    assert found.url == CRM["url"] and [one.reveal() for one in found.secrets] == [secret]
    assert (await desk.ask("PATCH", "/acme-crm", {"rate": None})).json["rate"] is None


async def test_name_tenant_and_secret_are_not_changed_by_a_patch(desk: Desk) -> None:
    await desk.make()
    for change in ({"name": "other"}, {"tenant": "globex"}, {"secret": GIVEN}):
        assert (await desk.ask("PATCH", "/acme-crm", change)).status == 400
    assert (await desk.ask("PATCH", "/acme-crm", {"name": "acme-crm", "enabled": False})).status == 200


async def test_after_a_rotation_old_and_new_sign_for_a_while_and_then_the_new_alone(desk: Desk) -> None:
    old = (await desk.make()).json["secret"]
    answer = await desk.ask("POST", "/acme-crm/rotate", {"overlap": "1h"})
    new = answer.json["secret"]
    assert new != old and len(answer.json["secrets"]) == 2

    def signing() -> list[str]:
        found = desk.directory.get("acme-crm")
        return [one.reveal() for one in found.secrets] if found else []

    assert signing() == [new, old]
    desk.room.now += 3601
    assert signing() == [new]
    await desk.ask("POST", "/acme-crm/rotate", {"secret": GIVEN, "overlap": "0s"})
    assert signing() == [GIVEN]


@pytest.mark.parametrize("body", [{"overlap": "31d"}, {"overlap": 5}, {"secret": "x"}, {"other": 1}])
async def test_a_rotation_that_cannot_be_meant_is_refused(desk: Desk, body: dict[str, Any]) -> None:
    await desk.make()
    assert (await desk.ask("POST", "/acme-crm/rotate", body)).status == 400


async def test_pause_drain_and_disable_say_what_is_made_and_what_is_sent(desk: Desk) -> None:
    await desk.make()
    for state, takes, sends in (
        ("paused", True, False),
        ("draining", False, True),
        ("disabled", False, False),
        ("active", True, True),
    ):
        answer = await desk.ask("PATCH", "/acme-crm", {"state": state})
        assert (answer.json["state"], answer.json["state_actor"]) == (state, "token:ops")
        found = desk.directory.get("acme-crm")
        assert found is not None and found.enabled is sends
        made_for = [one.endpoint.name for one in desk.directory.matching("acme", "order.created")]
        assert ("acme-crm" in made_for) is takes
    assert (await desk.ask("PATCH", "/acme-crm", {"state": "asleep"})).status == 400


async def test_a_deleted_endpoint_is_gone_with_all_that_is_known_of_it(desk: Desk) -> None:
    await desk.make()
    await desk.ask("PATCH", "/acme-crm", {"state": "paused"})
    assert (await desk.ask("DELETE", "/acme-crm")).status == 204
    assert (await desk.ask("GET", "/acme-crm")).status == 404
    assert (await desk.ask("DELETE", "/acme-crm")).status == 404
    again = await desk.make()
    assert (again.status, again.json["state"]) == (201, "active")


async def test_a_tenant_s_own_token_manages_its_own_endpoints_and_no_others(desk: Desk) -> None:
    assert (await desk.make(who=ACME)).status == 201
    assert (await desk.ask("PATCH", "/acme-crm", {"types": ["a"]}, ACME)).status == 200
    for method, path, body in (
        ("GET", "/acme-crm", None),
        ("PATCH", "/acme-crm", {"enabled": False}),
        ("DELETE", "/acme-crm", None),
        ("POST", "/acme-crm/rotate", {}),
    ):
        assert (await desk.ask(method, path, body, GLOBEX)).status == 404
    assert (await desk.make(who=GLOBEX, name="sneaky")).status == 403
    assert (await desk.make(who=APP, name="sneaky")).status == 403  # of no tenant, and no admin
    assert (await desk.make(who=LOOKER, name="sneaky")).status == 403
    for who, names in ((ACME, ["acme-crm", "fixed"]), (GLOBEX, []), (LOOKER, ["acme-crm", "fixed"])):
        found = (await desk.ask("GET", "", None, who)).json["endpoints"]
        assert [one["name"] for one in found] == names


async def test_a_tenant_cannot_open_our_own_network(desk: Desk) -> None:
    assert (await desk.make(who=ACME, allow_private=True)).status == 403
    await desk.make(who=ACME)
    assert (await desk.ask("PATCH", "/acme-crm", {"allow_private": True}, ACME)).status == 403
    assert (await desk.ask("PATCH", "/acme-crm", {"allow_private": True})).status == 200
    # What the operator has opened does not keep the tenant from changing the rest.
    assert (await desk.ask("PATCH", "/acme-crm", {"types": ["b"]}, ACME)).status == 200


async def test_a_tenant_has_no_more_than_a_hundred_endpoints(desk: Desk) -> None:
    for number in range(100):
        stored = await desk.make(who=ACME, name=f"n{number}")
        assert stored.status == 201
    assert (await desk.make(who=ACME)).status == 409
    assert (await desk.make(tenant="globex")).status == 201


async def test_every_change_is_in_the_audit_with_its_actor(desk: Desk) -> None:
    await desk.make(who=ACME)
    await desk.ask("PATCH", "/acme-crm", {"types": ["a"], "state": "paused"})
    await desk.ask("POST", "/acme-crm/rotate", {})
    await desk.ask("DELETE", "/acme-crm")
    entries = [(one.actor, one.action, one.resource, one.tenant) for one in desk.room.audit]
    assert entries == [
        ("token:acme", "endpoint.created", "acme-crm", "acme"),
        ("token:ops", "endpoint.changed", "acme-crm", "acme"),
        ("token:ops", "endpoint.paused", "acme-crm", "acme"),
        ("token:ops", "endpoint.rotated", "acme-crm", "acme"),
        ("token:ops", "endpoint.deleted", "acme-crm", "acme"),
    ]
    assert "whsec_" not in str(desk.room.audit)


async def test_another_replica_knows_it_after_a_refresh_and_a_restart_forgets_nothing(
    desk: Desk, store: Database
) -> None:
    secret = (await desk.make()).json["secret"]
    await desk.ask("PATCH", "/acme-crm", {"state": "draining"})
    other = EndpointDirectory(EndpointStore(store, Seals((KEY,))), lambda _: None, lambda: NOW)
    await other.refresh()
    entry = other.find("acme-crm")
    assert entry is not None and entry.state == "draining"
    assert [one.value.reveal() for one in entry.secrets] == [secret]
    await desk.ask("DELETE", "/acme-crm")
    await other.refresh()
    assert other.find("acme-crm") is None


async def test_two_that_change_one_endpoint_at_once_do_not_undo_one_another(
    desk: Desk, store: Database
) -> None:
    await desk.make()
    other = EndpointDirectory(EndpointStore(store, Seals((KEY,))), lambda _: None, lambda: NOW)
    await other.refresh()
    before = other.find("acme-crm")
    await desk.ask("PATCH", "/acme-crm", {"types": ["a"]})
    assert before is not None and before.body is not None and before.changed is not None
    late = StoredEndpoint(before.body, before.secrets, NOW, NOW + 9)
    assert not other.store.change(late, before.changed)
    found = desk.directory.get("acme-crm")
    assert found is not None and found.types == ("a",)


async def test_keys_that_are_exchanged_open_what_older_ones_have_closed(desk: Desk, store: Database) -> None:
    await desk.make()
    newer = Secret(Fernet.generate_key().decode())
    kept = EndpointStore(store, Seals((newer, KEY)))
    assert kept.encrypt_again() == 1
    assert kept.encrypt_again() == 0
    assert [one.body.name for one in EndpointStore(store, Seals((newer,))).load().endpoints] == ["acme-crm"]
    assert EndpointStore(store, Seals((KEY,))).load().unreadable == ("acme-crm",)


async def test_a_store_that_fails_is_a_503_and_nothing_changes(desk: Desk, store: Database) -> None:
    await desk.make()
    await desk.outbox.stop(PATIENCE)  # else it makes a new file
    store.close()
    Path(str(store.url.database)).unlink()
    assert (await desk.make(name="other")).status == 503
    assert (await desk.ask("PATCH", "/acme-crm", {"state": "paused"})).status == 503
    assert (await desk.ask("GET", "/acme-crm")).json["state"] == "active"
