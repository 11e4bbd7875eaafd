"""The client asks real Alertmanagers, alone and as a cluster of two, and servers that do it no good."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from exporter.alertmanager.address import address_of
from exporter.alertmanager.client import AlertmanagerClient
from exporter.core.alertmanager import (
    AlertmanagerAddress,
    AlertmanagerError,
    FiredAlert,
    Matcher,
    Silence,
    SilenceState,
)
from exporter.core.generation import AlertmanagerPeer, Generation
from exporter.core.notifications import AlertmanagerApi, AlertmanagerAuth, AlertmanagerLogin
from exporter.core.secret import Secret
from exporter.net.network import LoopNetwork
from tests.servers import raw
from tests.servers.alertmanager import alertmanager, alertmanager_pair
from tests.servers.ports import free_port
from tests.servers.threaded_http import serving
from tests.waiting import PATIENCE

CONFIG = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
LABELS = {"alertname": "IntegrationDown", "tenant": 'a "b" \\c', "severity": "high"}


@pytest.fixture
async def network() -> AsyncIterator[LoopNetwork]:
    made = LoopNetwork()
    yield made
    await made.close()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "alertmanager.yml"
    path.write_text(CONFIG)
    return path


def client(network: LoopNetwork, *addresses: str) -> AlertmanagerClient:
    address = AlertmanagerAddress(tuple(f"http://{one}" for one in addresses))
    return AlertmanagerClient(network, lambda: address)


def fired(seconds: float = 600) -> FiredAlert:
    now = time.time()
    return FiredAlert(LABELS, {"summary": "it is down"}, now, now + seconds, "http://exporter.example/")


def silence(seconds: float = 600) -> Silence:
    now = time.time()
    matchers = tuple(Matcher(name, value) for name, value in LABELS.items() if name != "severity")
    return Silence(matchers, now, now + seconds, "ada", "looked at it")


async def test_an_alert_that_is_fired_is_listed_with_all_it_has(
    network: LoopNetwork, config: Path, tmp_path: Path
) -> None:
    async with alertmanager(tmp_path, config) as server:
        asked = client(network, server.address)
        assert await asked.fire([fired()]) == (f"http://{server.address}",)
        (found,) = await asked.alerts([Matcher("tenant", LABELS["tenant"])])
        assert await asked.alerts([Matcher("tenant", "other")]) == []
    assert (found.labels, found.annotations) == (LABELS, {"summary": "it is down"})
    assert (found.receivers, found.source) == (("nobody",), "http://exporter.example/")
    assert found.fingerprint


async def test_a_silence_silences_is_renewed_in_its_place_and_expires(
    network: LoopNetwork, config: Path, tmp_path: Path
) -> None:
    async with alertmanager(tmp_path, config) as server:
        asked = client(network, server.address)
        await asked.fire([fired()])
        first = await asked.put_silence(silence())
        (stored,) = await asked.silences()
        assert stored.id == first
        assert (stored.author, stored.comment, stored.state) == ("ada", "looked at it", SilenceState.ACTIVE)
        assert set(stored.matchers) == set(silence().matchers)
        await until_silenced(asked, first)
        longer = Silence(stored.matchers, stored.starts, stored.ends + 60, "ada", "still", stored.id)
        assert await asked.put_silence(longer) == first
        await asked.expire_silence(first)
        (over,) = await asked.silences()
        assert (over.state, over.comment) == (SilenceState.EXPIRED, "still")
        with pytest.raises(AlertmanagerError):
            await asked.expire_silence("2b5bd9cb-1b5c-4b1e-8f4b-000000000000")


async def until_silenced(asked: AlertmanagerClient, silence_id: str) -> None:
    # Alertmanager writes what silences an alert when it next looks at it.
    async with asyncio.timeout(PATIENCE):
        while not any(silence_id in one.silenced_by for one in await asked.alerts()):
            await asyncio.sleep(0.02)


async def test_members_of_a_cluster_each_get_alerts_and_share_silences(
    network: LoopNetwork, config: Path, tmp_path: Path
) -> None:
    async with alertmanager_pair(tmp_path, config) as (one, two):
        both = client(network, one.address, two.address)
        assert len(await both.fire([fired()])) == 2
        for member in (one, two):
            assert len(await client(network, member.address).alerts()) == 1
        stored = await both.put_silence(silence())
        for member in (one, two):
            await until_silenced(client(network, member.address), stored)


async def test_a_member_that_is_away_is_passed_over(
    network: LoopNetwork, config: Path, tmp_path: Path
) -> None:
    async with alertmanager(tmp_path, config) as server:
        asked = client(network, f"127.0.0.1:{free_port()}", server.address)
        assert await asked.fire([fired()]) == (f"http://{server.address}",)
        assert len(await asked.alerts()) == 1


async def _say_nothing(visit: raw.Visit) -> None:
    await visit.reader.read()  # until the client hangs up


async def test_members_that_say_nothing_share_the_time_for_an_answer(
    network: LoopNetwork, config: Path, tmp_path: Path
) -> None:
    async with raw.serving(_say_nothing) as one, raw.serving(_say_nothing) as two:
        urls = tuple(f"http://127.0.0.1:{server.port}" for server in (one, two))
        asked = AlertmanagerClient(network, lambda: AlertmanagerAddress(urls), timeout=0.5)
        with pytest.raises(AlertmanagerError, match=f"{urls[0]} does not answer within 0.25 s"):
            await asked.alerts()
        with pytest.raises(AlertmanagerError, match=f"{urls[0]} does not answer within 0.5 s"):
            await asked.fire([fired()])  # every member is asked at once
        async with alertmanager(tmp_path, config) as server:
            # The other one has its share, whatever the first has taken.
            both = (urls[0], f"http://{server.address}")
            asked = AlertmanagerClient(network, lambda: AlertmanagerAddress(both), timeout=6.0)
            assert await asked.alerts() == []


async def test_nobody_who_answers_is_an_error_that_names_the_address(network: LoopNetwork) -> None:
    address = f"127.0.0.1:{free_port()}"
    asked = client(network, address)
    for question in (asked.alerts(), asked.silences(), asked.put_silence(silence()), asked.fire([fired()])):
        with pytest.raises(AlertmanagerError, match=address) as caught:
            await question
        assert caught.value.status is None


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (500, b"\x1b[31mbroken\n", r"HTTP 500 to /api/v2/alerts:  ?\[31mbroken"),
        (200, b"<html>", "does not answer /api/v2/alerts as Alertmanager does"),
        (200, b'[{"labels": 1}]', "as Alertmanager does"),
        (401, b"", "HTTP 401"),
    ],
)
async def test_an_answer_that_is_none_is_an_error(
    network: LoopNetwork, status: int, body: bytes, expected: str
) -> None:
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(Handler) as port:
        auth = AlertmanagerAuth(basic=AlertmanagerLogin(username="ada", password=Secret("pw-0123456789")))
        api = AlertmanagerApi(url=f"http://127.0.0.1:{port}/", auth=auth)
        asked = AlertmanagerClient(network, lambda: address_of(api, Generation()))
        with pytest.raises(AlertmanagerError, match=expected) as caught:
            await asked.alerts()
    assert "pw-0123456789" not in str(caught.value)
    assert seen == [f"Basic {base64.b64encode(b'ada:pw-0123456789').decode()}"]


async def test_a_page_of_something_else_takes_no_alert_and_no_silence_away(network: LoopNetwork) -> None:
    class Portal(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.send_response(200)
            self.send_header("Content-Length", "16")
            self.end_headers()
            self.wfile.write(b"<html>sign in...")

        do_POST = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(Portal) as port:
        asked = client(network, f"127.0.0.1:{port}")
        for question in (asked.fire([fired()]), asked.expire_silence("4ac5c5a4-9b8b-4d56")):
            with pytest.raises(AlertmanagerError, match="as Alertmanager does"):
                await question


def test_without_a_url_it_is_where_prometheus_reaches_it() -> None:
    assert address_of(AlertmanagerApi(), Generation()).urls == ("http://127.0.0.1:9093",)
    peer = AlertmanagerPeer(addresses=("a:1", "b:2"), scheme="https", path_prefix="/am")
    found = address_of(AlertmanagerApi(), Generation(alertmanager=peer))
    assert found.urls == ("https://a:1/am", "https://b:2/am")
    given = AlertmanagerApi(url=("http://a/x/", "http://b"), auth=AlertmanagerAuth(bearer_token=Secret("t")))
    found = address_of(given, Generation())
    assert found.urls == ("http://a/x", "http://b")
    assert found.authorization is not None
    assert found.authorization.reveal() == "Bearer t"
