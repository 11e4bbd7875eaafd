"""Public keys of senders are fetched, kept for some hours, and asked for again with moderation."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

import pytest

from exporter.core.signature import Refusal, SignatureError
from exporter.net.network import LoopNetwork
from exporter.signatures import KeyCache
from tests.clock import HandClock
from tests.servers.threaded_http import serving

HOUR = 3_600.0


@dataclass
class Vendor:
    """Publishes keys at `url`."""

    url: str = ""
    status: int = 200
    body: bytes = b'{"keys": [1]}'
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    made = Vendor()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            self.send_response(made.status)
            self.send_header("Content-Length", str(len(made.body)))
            self.end_headers()
            self.wfile.write(made.body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep the output clean."""

    with serving(Handler) as port:
        made.url = f"http://127.0.0.1:{port}/jwks.json"
        yield made


@pytest.fixture
async def network() -> AsyncIterator[LoopNetwork]:
    made = LoopNetwork()
    yield made
    await made.close()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def cache(network: LoopNetwork, clock: HandClock) -> KeyCache:
    return KeyCache(network, clock.now)


async def unavailable(cache: KeyCache, url: str) -> None:
    with pytest.raises(SignatureError) as caught:
        await cache(url)
    assert caught.value.refusal is Refusal.KEY_UNAVAILABLE


async def test_a_document_is_fetched_once_for_many_webhooks(cache: KeyCache, vendor: Vendor) -> None:
    assert set(await asyncio.gather(*(cache(vendor.url) for _ in range(50)))) == {vendor.body}
    assert vendor.asked == ["/jwks.json"]


async def test_a_document_is_fetched_again_after_some_hours(
    cache: KeyCache, vendor: Vendor, clock: HandClock
) -> None:
    old = await cache(vendor.url)
    vendor.body = b'{"keys": [2]}'
    await clock.advance(5 * HOUR)
    assert await cache(vendor.url) == old
    await clock.advance(2 * HOUR)
    assert await cache(vendor.url) == vendor.body


async def test_a_new_key_is_had_at_once_and_not_more_often_than_each_minute(
    cache: KeyCache, vendor: Vendor, clock: HandClock
) -> None:
    await cache(vendor.url)
    await clock.advance(61)
    vendor.body = b'{"keys": [2]}'
    assert await cache(vendor.url, again=True) == vendor.body
    for _ in range(20):  # whoever sends nonsense
        await cache(vendor.url, again=True)
    assert len(vendor.asked) == 2
    await clock.advance(61)
    await cache(vendor.url, again=True)
    assert len(vendor.asked) == 3


@pytest.mark.parametrize("status", [404, 500, 302])
async def test_the_last_document_counts_for_a_day_while_no_other_is_to_be_had(
    cache: KeyCache, vendor: Vendor, clock: HandClock, status: int
) -> None:
    old = await cache(vendor.url)
    vendor.status, vendor.body = status, b"gone"
    for _ in range(23):
        await clock.advance(HOUR)
        assert await cache(vendor.url) == old
    await clock.advance(1.5 * HOUR)
    await unavailable(cache, vendor.url)
    vendor.status = 200
    await clock.advance(61)
    assert await cache(vendor.url) == b"gone"


async def test_a_vendor_that_is_down_is_asked_once_a_minute(
    cache: KeyCache, vendor: Vendor, clock: HandClock
) -> None:
    vendor.status = 503
    for _ in range(5):
        await unavailable(cache, vendor.url)
    assert len(vendor.asked) == 1
    await clock.advance(61)
    vendor.status = 200
    assert await cache(vendor.url) == vendor.body


async def test_a_closed_port_and_a_bad_address_are_no_crash(cache: KeyCache) -> None:
    for url in ("http://127.0.0.1:1/", "http://[::1", "http://nowhere.invalid/"):
        await unavailable(cache, url)


async def test_each_address_has_keys_of_its_own(cache: KeyCache, vendor: Vendor) -> None:
    await cache(vendor.url)
    await cache(vendor.url + "?other")
    assert vendor.asked == ["/jwks.json", "/jwks.json?other"]
