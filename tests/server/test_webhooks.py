"""`/webhooks/{source}` over a real socket: open to whoever can sign, whole to the byte, and nothing else."""

import asyncio
import gzip
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.core.delivery import Delivery
from exporter.core.forwarding import HOP_BY_HOP
from exporter.core.secret import Secret
from exporter.core.webhook import WebhookSource
from tests.ingest.intake import SECRET, Stand, github, github_headers
from tests.server.house import House, Room, bearer, house
from tests.server.test_access import TOKENS, web_config

FOREIGN = {"Host": "hooks.example.com", "X-Forwarded-For": "203.0.113.9"}


def wire(headers: list[tuple[bytes, bytes]], body: bytes, path: str = "/webhooks/github") -> bytes:
    lines = [b"POST " + path.encode() + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", b""]) + body


async def exchange(port: int, data: bytes) -> bytes:
    """Send bytes, and return what comes back until the first answer is whole or the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        return head + await reader.read(1 << 16) if b"close" in head.lower() else head
    finally:
        writer.close()
        await writer.wait_closed()


async def status(port: int, data: bytes) -> int:
    return int((await exchange(port, data)).split()[1])


def signed(body: bytes, delivery: str = "d-1") -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in github_headers(body, delivery)]


@asynccontextmanager
async def serving(
    *sources: WebhookSource, path: Path | None = None, public_url: str = ""
) -> AsyncIterator[tuple[House, Stand]]:
    stand = Stand(*(sources or (github(),)), public_url=public_url)
    async with house(Room([], path=path, webhooks=stand.intake)) as made:
        yield made, stand


@pytest.fixture
async def place() -> AsyncIterator[tuple[House, Stand]]:
    async with serving() as made:
        yield made


async def test_whoever_signs_is_let_in_and_every_other_path_stays_closed(
    place: tuple[House, Stand],
) -> None:
    served, stand = place
    headers = FOREIGN | {k: v for k, v in github_headers(b"{}") if k != "Host"}
    assert (await served.ask("/webhooks/github", "POST", headers, admin=False, data=b"{}")).status == 200
    assert stand.only.body == b"{}"
    for path in ("/", "/metrics/", "/config", "/webhooks", "/webhooks/", "/webhooks/a/b", "/api/v1/status"):
        assert (await served.ask(path, "GET", FOREIGN, admin=False)).status == 403, path


async def test_access_that_is_configured_is_not_asked_for(tmp_path: Path) -> None:
    async with serving(path=web_config(tmp_path)) as (served, stand):
        headers = dict(github_headers(b"{}"))
        assert (await served.ask("/webhooks/github", "POST", headers, admin=False, data=b"{}")).status == 200
        # A token in it is not ours to judge.
        odd = dict(github_headers(b"[]")) | bearer("somebody-elses")
        assert (await served.ask("/webhooks/github", "POST", odd, admin=False, data=b"[]")).status == 200
        assert len(stand.store.deliveries) == 2
        assert (await served.ask("/api/v1/status", admin=False)).status == 401
        assert (await served.ask("/api/v1/status", headers=bearer(TOKENS["viewer"]))).status == 200


async def test_the_rate_limit_of_the_web_configuration_is_not_that_of_vendors(tmp_path: Path) -> None:
    path = web_config(tmp_path, "rate_limit: {interval: 1h, burst: 2}")
    async with serving(path=path) as (served, _):
        for number in range(20):
            headers = dict(github_headers(b"{}", str(number)))
            answer = await served.ask("/webhooks/github", "POST", headers, admin=False, data=b"{}")
            assert answer.status == 200
        codes = [(await served.ask("/-/healthy", admin=False)).status for _ in range(4)]
        assert codes == [200, 200, 429, 429]


async def test_an_unknown_source_and_a_wrong_method_are_refused_before_the_body(
    place: tuple[House, Stand],
) -> None:
    served, _ = place
    head = b"POST /webhooks/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    assert await status(served.port, head % b"gitlab") == 404
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = await served.ask("/webhooks/github", method, FOREIGN, admin=False)
        assert (answer.status, answer.headers["allow"]) == (405, "POST"), method


async def test_a_body_that_is_too_long_is_refused_whether_its_length_is_said_or_not() -> None:
    async with serving(github(max_body_bytes=1024)) as (served, stand):
        said = b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: 1025\r\n\r\n"
        assert await status(served.port, said) == 413
        chunked = b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert await status(served.port, chunked + b"401\r\n" + b"x" * 1025 + b"\r\n0\r\n\r\n") == 413
        body = b"x" * 1024
        assert await status(served.port, wire(signed(body), body)) == 200
        assert len(stand.only.body) == 1024


async def test_a_body_in_chunks_is_the_same_webhook(place: tuple[House, Stand]) -> None:
    served, stand = place
    body = b"hello, world"
    lines = b"\r\n".join(name + b": " + value for name, value in signed(body))
    head = b"POST /webhooks/github HTTP/1.1\r\n" + lines + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert await status(served.port, head + b"5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n") == 200
    assert stand.only.body == body


async def test_a_body_that_breaks_off_is_no_webhook_and_does_not_fill_the_log(
    place: tuple[House, Stand], caplog: pytest.LogCaptureFixture
) -> None:
    made, stand = place
    reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
    writer.write(b"POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{}")
    writer.write_eof()
    await reader.read()
    writer.close()
    await writer.wait_closed()
    assert stand.entries == [] and caplog.records == []


async def test_a_compressed_body_is_not_unpacked(place: tuple[House, Stand]) -> None:
    served, stand = place
    body = gzip.compress(b'{"a": 1}')
    data = wire([*signed(body), (b"Content-Encoding", b"gzip")], body)
    assert await status(served.port, data) == 200
    assert stand.only.body == body and ("Content-Encoding", "gzip") in stand.only.headers


async def test_compressed_bodies_of_our_own_api_are_unpacked_within_their_bound(
    place: tuple[House, Stand],
) -> None:
    served, _ = place
    headers = {"Content-Encoding": "gzip", "X-Integration-Exporter": "1"}
    good = gzip.compress(b'{"integration": "none"}')
    bomb = gzip.compress(b" " * 10_000_000)
    assert (await served.ask("/api/v1/checks", "POST", headers, data=good)).status == 404
    assert (await served.ask("/api/v1/checks", "POST", headers, data=bomb)).status == 413


def names() -> st.SearchStrategy[bytes]:
    letters = st.sampled_from("abcXYZ019-_.!#$%&'*+^`|~")
    return st.text(letters, min_size=1, max_size=12).map(lambda text: b"X-" + text.encode())


def field_values() -> st.SearchStrategy[bytes]:
    return st.binary(max_size=40).map(
        lambda raw: bytes(b for b in raw if b == 9 or 32 <= b != 127).strip(b" \t")
    )


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(headers=st.lists(st.tuples(names(), field_values()), max_size=12), body=st.binary(max_size=300))
async def test_whatever_arrives_is_kept_to_the_byte(
    place: tuple[House, Stand], headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    served, stand = place
    stand.store.deliveries.clear()
    sent = [*signed(body), *headers]
    assert await status(served.port, wire(sent, body)) == 200
    assert stand.only.body == body
    assert original_lines(stand.only) == [line for line in sent if is_end_to_end(line[0])]


def is_end_to_end(name: bytes) -> bool:
    return name.decode().lower() not in HOP_BY_HOP


def original_lines(delivery: Delivery) -> list[tuple[bytes, bytes]]:
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in delivery.headers]
    return [line for line in lines if not line[0].startswith((b"X-Integration-Exporter-", b"traceparent"))]


async def test_the_url_that_was_signed_is_the_public_one() -> None:
    async with serving(public_url="https://hooks.example.com/base/") as (served, stand):
        data = wire(signed(b"{}"), b"{}", "/webhooks/github?b=%2F&a=1")
        assert await status(served.port, data) == 200
        urls = [v for k, v in stand.only.headers if k == "X-Integration-Exporter-Url"]
        assert urls == ["https://hooks.example.com/base/webhooks/github?b=%2F&a=1"]


async def test_meta_is_answered_its_challenge_and_nobody_else_is() -> None:
    meta = WebhookSource("meta", "meta", (Secret(SECRET),), verify_token=Secret("sesame"))
    async with serving(meta) as (served, stand):
        query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
        good = await served.ask(f"/webhooks/meta?{query}sesame", admin=False)
        assert (good.status, good.text) == (200, "1158201444")
        assert good.headers["content-type"].startswith("text/plain")
        assert good.headers["x-content-type-options"] == "nosniff"
        assert (await served.ask(f"/webhooks/meta?{query}wrong", admin=False)).status == 401
        assert (await served.ask("/webhooks/meta", admin=False)).status == 400
        assert (await served.ask("/webhooks/meta", "DELETE", admin=False)).headers["allow"] == "GET,POST"
        body = b'{"object": "page"}'
        mark = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": mark}
        assert (await served.ask("/webhooks/meta", "POST", headers, data=body)).status == 200
        assert stand.only.type == "page"


async def test_a_store_that_fails_is_answered_503_with_a_time_to_wait(place: tuple[House, Stand]) -> None:
    served, stand = place
    stand.store.broken = True
    answer = await served.ask("/webhooks/github", "POST", dict(github_headers(b"{}")), data=b"{}")
    assert answer.status == 503 and int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("", "127.0.0.1"),
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 127.0.0.1", "203.0.113.9"),
        ("nonsense", "127.0.0.1"),
        ("203.0.113.9, nonsense", "127.0.0.1"),
    ],
)
async def test_a_proxy_of_this_machine_says_whom_it_speaks_for(
    place: tuple[House, Stand], forwarded: str, expected: str
) -> None:
    served, stand = place
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    await served.ask("/webhooks/github", "POST", headers, admin=False, data=b"{}")
    assert stand.entries[-1].address == expected
