"""Every scheme over a real socket and behind a proxy, as its vendor would call."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace

import msgspec
import pytest

from exporter.core.secret import Secret
from exporter.core.signature import IncomingRequest
from exporter.core.webhook import Forward, WebhookSource
from exporter.signatures import schemes
from tests.ingest.intake import APP, Stand
from tests.server.house import House, Reply, Room, house
from tests.signatures.signer import URL, Published, Signer
from tests.signatures.test_contract import signer_of

PUBLIC_URL, _, PATH = URL.partition("/webhooks/")
PROXY = {"Host": "127.0.0.1:10055", "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}


def source_of(signer: Signer) -> WebhookSource:
    secrets = () if signer.document else tuple(map(Secret, signer.secrets[:2]))
    options = msgspec.convert(dict(signer.options), signer.scheme.options)
    return WebhookSource(PATH, signer.scheme.name, secrets, forward=Forward(APP), options=options)


@pytest.fixture(params=schemes())
def signer(request: pytest.FixtureRequest) -> Signer:
    return signer_of(request.param)


@pytest.fixture
async def place(signer: Signer) -> AsyncIterator[tuple[House, Stand]]:
    keys = Published(signer.document(signer.secrets[:2]) if signer.document else b"")
    stand = Stand(source_of(signer), public_url=PUBLIC_URL, fetch=keys)
    async with house(Room([], webhooks=stand.intake)) as made:
        yield made, stand


async def ask(served: House, request: IncomingRequest) -> Reply:
    path = request.url.removeprefix(PUBLIC_URL)
    headers = PROXY | dict(request.headers)
    return await served.ask(path, "POST", headers, admin=False, data=request.body)


async def send(served: House, request: IncomingRequest) -> int:
    return (await ask(served, request)).status


async def test_a_genuine_webhook_is_stored_once_and_no_other_is(
    signer: Signer, place: tuple[House, Stand]
) -> None:
    served, stand = place
    genuine = signer.sign(signer.body, signer.secrets[0], int(time.time()))
    assert await send(served, genuine) == 200
    assert (stand.only.body, stand.only.endpoint) == (signer.body, PATH)
    again = signer.sign(signer.body, signer.secrets[1], int(time.time()) + 1)
    assert await send(served, again) == 200
    assert stand.only.attempts == 0, "the second one is the first"
    for wrong in (
        replace(genuine, body=genuine.body + b" "),
        signer.sign(signer.body, signer.secrets[2], int(time.time())),
        replace(genuine, headers=()),
    ):
        assert await send(served, wrong) in (400, 401)
    assert len(stand.store.deliveries) == 1


async def test_any_bytes_arrive_as_they_were_signed(signer: Signer, place: tuple[House, Stand]) -> None:
    served, stand = place
    for body in (b"", b"\x00\xff\r\n", "Grüße 👋".encode(), bytes(range(256)) * 40):
        stand.store.deliveries.clear()
        assert await send(served, signer.sign(body, signer.secrets[0], int(time.time()))) == 200
        assert stand.only.body == body


async def test_the_answer_is_the_one_that_the_vendor_acts_on(
    signer: Signer, place: tuple[House, Stand]
) -> None:
    served, _ = place
    for _again in range(2):
        reply = await ask(served, signer.sign(signer.body, signer.secrets[0], int(time.time())))
        assert (reply.status, reply.text.encode()) == (200, signer.scheme.answer)
        assert reply.headers["content-type"].partition(";")[0] == signer.scheme.answer_type
