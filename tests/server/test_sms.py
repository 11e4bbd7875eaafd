"""`/api/v1/sms` over a real socket, with a real store."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.core.errors import StoreError
from tests.notices.texts import TextRoom, group, text_room
from tests.server.house import House, Reply, Room, bearer, house, state
from tests.server.test_access import TOKENS, web_config
from tests.servers.text_vendors import TextVendors, sms_settings, text_vendors
from tests.waiting import until

PATH = "/api/v1/sms"


@dataclass
class Office:
    """A server that takes text messages, what it keeps them in, and the vendors."""

    house: House
    texts: TextRoom
    vendors: TextVendors

    async def send(self, body: bytes, who: str = "notify") -> Reply:
        headers = {**bearer(TOKENS[who]), "Content-Type": "application/json"}
        return await self.house.ask(PATH, "POST", headers, data=body)

    async def read(self, path: str = PATH, who: str = "admin") -> Reply:
        return await self.house.ask(path, headers=bearer(TOKENS[who]))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with (
        text_vendors() as vendors,
        text_room(f"sqlite:///{tmp_path}/state.db", sms_settings(vendors.url)) as texts,
    ):
        room = Room(
            [state("calendar", "acme")], path=web_config(tmp_path), store=texts.database, sms=texts.intake
        )
        async with house(room) as served:
            yield Office(served, texts, vendors)


async def test_200_says_that_it_is_stored_and_what_became_of_it_is_listed(office: Office) -> None:
    answer = await office.send(group(tenant="acme"))
    assert (answer.status, answer.json) == (200, {"verdict": "send", "messages": 1})
    assert (await office.send(group(tenant="acme"))).json == {"verdict": "repeated", "messages": 0}
    await until(lambda: [one.state.value for one in office.texts.messages()] == ["accepted"])
    (found,) = (await office.read()).json["sms"]
    assert (found["state"], found["account"], found["recipient"]) == ("accepted", "twilio", "+491701234567")
    assert found["text"].startswith("CRITICAL payments tenant acme: IntegrationDown: ")
    assert (await office.read(who="viewer")).status == 403
    assert (await office.read(f"{PATH}?format=csv")).text.count("\n") == 2


async def test_503_asks_alertmanager_to_send_it_again(office: Office) -> None:
    office.texts.broken = True
    answer = await office.send(group())
    assert answer.status == 503 and answer.headers["retry-after"] == "10"
    assert office.texts.messages() == []
    office.texts.broken = False
    office.texts.ledger.apply(None)
    assert (await office.send(group())).status == 503


async def test_a_store_that_is_gone_is_503(office: Office) -> None:
    with office.texts.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE sms_incident")
    answer = await office.send(group())
    assert answer.status == 503 and "planted" not in answer.text
    with pytest.raises(StoreError):
        await office.texts.fire()


async def test_what_is_no_message_of_alertmanager_is_400(office: Office) -> None:
    for body in (b"", b"{}", b"[]", group().replace(b'"4"', b'"3"')):
        assert (await office.send(body)).status == 400


async def test_only_alertmanager_and_administrators_may_send(office: Office) -> None:
    for who, status in (("viewer", 403), ("ingest", 403), ("bound_admin", 403), ("admin", 200)):
        assert (await office.send(group(), who)).status == status
