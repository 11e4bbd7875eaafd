import asyncio
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from exporter import registry
from exporter.core.errors import StartError
from exporter.sandbox.harness import Answer, Call, Endpoint, Reply, Sandbox, Stand, Vendor, run, serve
from tests.servers.ports import free_row
from tests.waiting import PATIENCE, until

ECHO_KEY = "sesame"


def guard(call: Call) -> Reply | None:
    return None if call.headers.get("x-key") == call.credentials["key"] else Reply(401, {"error": "key"})


def options(endpoint: Endpoint) -> dict[str, Any]:
    return {"url": endpoint.url}


ECHO = Vendor(
    name="echo",
    title="Echo",
    options=options,
    credentials={"key": ECHO_KEY},
    guard=guard,
    routes={
        "GET /say/{word}": lambda call: Reply(body={"word": call.match["word"], "on": [*call.scenarios]})
    },
    scenarios={"hoarse": "It whispers."},
)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serve([ECHO]) as running:
        yield running


@pytest.fixture
def stand(sandbox: Sandbox) -> Stand:
    return sandbox.stands["echo"]


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(timeout=timeout, headers={"X-Key": ECHO_KEY}) as session:
        yield session


async def status_of(client: aiohttp.ClientSession, url: str, **arguments: Any) -> int:
    async with client.get(url, **arguments) as answer:
        await answer.read()
        return answer.status


async def test_a_vendor_is_served_plain_and_with_a_certificate_of_the_sandbox(
    stand: Stand, client: aiohttp.ClientSession
) -> None:
    context = ssl.create_default_context(cafile=stand.endpoint.ca_file)
    for url, tls in ((stand.endpoint.url, True), (stand.endpoint.tls_url, context)):
        async with client.get(f"{url}/say/hello", ssl=tls) as answer:
            assert await answer.json() == {"word": "hello", "on": []}


async def test_unknown_paths_methods_and_wrong_credentials_are_refused(
    stand: Stand, client: aiohttp.ClientSession
) -> None:
    url = stand.endpoint.url
    assert await status_of(client, f"{url}/say") == 404
    assert await status_of(client, f"{url}/say/a/b") == 404
    assert await status_of(client, f"{url}/say/a", headers={"X-Key": "other"}) == 401
    async with client.post(f"{url}/say/a") as answer:
        assert answer.status == 404


async def test_calls_are_remembered(stand: Stand, client: aiohttp.ClientSession) -> None:
    await status_of(client, f"{stand.endpoint.url}/say/a?x=1&x=2")
    assert [(call.path, call.query) for call in stand.calls] == [("/say/a", {"x": ["1", "2"]})]


async def test_answers_of_faults(stand: Stand, client: aiohttp.ClientSession) -> None:
    url = f"{stand.endpoint.url}/say/a"
    for fault, expected in {
        "rate_limited": 429,
        "server_error": 500,
        "bad_credential": 401,
        "missing_field": 200,
        "bad_json": 200,
    }.items():
        await stand.set_fault(fault)
        assert await status_of(client, url) == expected
    async with client.get(url) as answer:
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            await answer.json()
    await stand.set_fault(None)
    assert await status_of(client, url) == 200


async def test_a_fault_meets_only_the_calls_that_hold_a_text(
    stand: Stand, client: aiohttp.ClientSession
) -> None:
    url = stand.endpoint.url
    for only, met in (("acme one", "say/a?of=acme%20one"), ("say/b", "say/b")):
        await stand.set_fault("server_error", only=only)
        assert await status_of(client, f"{url}/{met}") == 500
        assert await status_of(client, f"{url}/say/c?of=globex") == 200
    await stand.set_fault("rate_limited", only="planted")
    assert await status_of(client, f"{url}/say/a", data=b"planted") == 429
    with pytest.raises(ValueError, match="meets every call"):
        await stand.set_fault("refused", only="acme")


async def test_a_cut_answer_ends_in_its_middle(stand: Stand, client: aiohttp.ClientSession) -> None:
    await stand.set_fault("cut")
    with pytest.raises(aiohttp.ClientError):
        await status_of(client, f"{stand.endpoint.url}/say/a")


async def test_a_slow_vendor_does_not_answer_in_time_and_does_not_delay_the_end(
    stand: Stand, client: aiohttp.ClientSession
) -> None:
    await stand.set_fault("slow")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(status_of(client, f"{stand.endpoint.url}/say/a"), 0.1)


async def test_a_refusing_vendor_listens_again_on_the_same_port(
    stand: Stand, client: aiohttp.ClientSession
) -> None:
    before = stand.endpoint
    assert await status_of(client, f"{before.url}/say/a") == 200
    await stand.set_fault("refused")
    with pytest.raises(aiohttp.ClientConnectorError):
        await status_of(client, f"{before.url}/say/a")
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", before.port))  # what is not kept, anybody may be given meanwhile
    await stand.set_fault("refused")
    await stand.set_fault(None)
    assert stand.endpoint == before
    assert await status_of(client, f"{before.url}/say/a") == 200


async def test_a_wrong_certificate_is_shown_to_new_and_old_clients(
    stand: Stand, client: aiohttp.ClientSession
) -> None:
    context = ssl.create_default_context(cafile=stand.endpoint.ca_file)
    url = f"{stand.endpoint.tls_url}/say/a"
    assert await status_of(client, url, ssl=context) == 200
    await stand.set_fault("wrong_certificate")
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await status_of(client, url, ssl=context)
    await stand.set_fault(None)
    assert await status_of(client, url, ssl=context) == 200


async def test_an_answer_can_be_ordered_for_a_part_of_the_paths(
    stand: Stand, client: aiohttp.ClientSession
) -> None:
    await stand.set_fault(None, answer=Answer(Reply(403, {"error": "no"}), "/say/secret"))
    assert await status_of(client, f"{stand.endpoint.url}/say/secret") == 403
    assert await status_of(client, f"{stand.endpoint.url}/say/a") == 200


async def test_a_fault_begins_and_ends_by_itself(stand: Stand) -> None:
    await stand.set_fault("server_error", after=0.05, lasts=1.5)
    seen = [stand.fault]
    for _ in range(10_000):
        await asyncio.sleep(0.005)
        if stand.fault != seen[-1]:
            seen.append(stand.fault)
        if len(seen) == 3:
            break
    assert seen == [None, "server_error", None]


async def test_a_new_order_replaces_a_plan(stand: Stand) -> None:
    await stand.set_fault("server_error", after=0.05)
    await stand.set_fault("slow")
    await asyncio.sleep(0.1)
    assert stand.fault == "slow"


async def test_the_control_port_tells_and_obeys(sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
    base = f"{sandbox.control}/_sandbox"
    async with client.get(base) as answer:
        message = (await answer.json())["echo"]
    endpoint = sandbox.stands["echo"].endpoint
    assert (message["url"], message["tls_url"], message["fault"]) == (endpoint.url, endpoint.tls_url, None)
    assert message["options"] == {"url": endpoint.url}
    assert "slow" in message["faults"]
    async with client.post(f"{base}/echo/fault", json={"fault": "server_error"}) as answer:
        assert (await answer.json())["fault"] == "server_error"
    assert await status_of(client, f"{endpoint.url}/say/a") == 500
    async with client.post(f"{base}/echo/fault", json={}) as answer:
        assert (await answer.json())["fault"] is None
    order = {"answer": {"status": 418, "body": {"error": "teapot"}}}
    async with client.post(f"{base}/echo/fault", json=order) as answer:
        assert answer.status == 200
    assert await status_of(client, f"{endpoint.url}/say/a") == 418
    async with client.post(f"{base}/echo/scenario", json={"scenario": "hoarse"}) as answer:
        assert (await answer.json())["scenarios_on"] == ["hoarse"]
    async with client.post(f"{base}/echo/scenario", json={"scenario": "hoarse", "on": False}) as answer:
        assert (await answer.json())["scenarios_on"] == []


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("echo/fault", '{"fault": "flood"}', 400, "knows the faults slow"),
        ("echo/fault", '{"fault": 3}', 400, "Expected `str | null`"),
        ("echo/fault", '{"falut": "slow"}', 400, "unknown field"),
        ("echo/fault", '{"fault": "slow", "after": -1}', 400, ">= 0"),
        ("echo/fault", "not json", 400, "malformed"),
        ("echo/scenario", '{"scenario": "shouting"}', 400, "knows the scenarios hoarse"),
        ("nobody/fault", "{}", 404, "there are echo"),
    ],
)
async def test_a_wrong_order_is_refused_with_a_sentence(
    sandbox: Sandbox, client: aiohttp.ClientSession, path: str, body: str, status: int, words: str
) -> None:
    async with client.post(f"{sandbox.control}/_sandbox/{path}", data=body) as answer:
        assert answer.status == status
        assert words in await answer.text()
    assert sandbox.stands["echo"].fault is None


async def test_the_control_port_serves_the_vendor_under_its_name_too(
    sandbox: Sandbox, client: aiohttp.ClientSession
) -> None:
    url = f"{sandbox.control}/echo/say/hello"
    assert await status_of(client, url) == 200
    assert await status_of(client, url, headers={"X-Key": "other"}) == 401
    await sandbox.stands["echo"].set_fault("cut")
    with pytest.raises(aiohttp.ClientError):
        await status_of(client, url)


async def test_the_ports_follow_the_one_that_was_asked_for() -> None:
    port = free_row(3)
    async with serve({"echo": ECHO}, port=port) as running:
        endpoint = running.stands["echo"].endpoint
        assert running.control == f"http://127.0.0.1:{port}"
        assert (endpoint.port, endpoint.tls_port) == (port + 1, port + 2)


async def test_a_port_in_use_is_said_plainly() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"cannot listen on 127.0.0.1:{port}"):
            await run(f"127.0.0.1:{port}", [])


@pytest.mark.parametrize("listen", ["", "127.0.0.1", "127.0.0.1:no", ":1", "127.0.0.1:70000"])
async def test_an_odd_address_is_said_plainly(listen: str) -> None:
    with pytest.raises(StartError, match="give host:port"):
        await run(listen, [])


async def test_run_tells_where_everything_is_until_it_is_stopped() -> None:
    said: list[str] = []
    task = asyncio.create_task(run("127.0.0.1:0", [ECHO], said.append))
    await until(lambda: len(said) >= 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert said[0].startswith("control  http://127.0.0.1:")
    assert said[1].startswith("echo")


def test_sigterm_ends_it_and_leaves_nothing_behind(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "exporter", "sandbox", "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline().split()[1].startswith(b"http://127.0.0.1:")
        assert list(tmp_path.iterdir()) != []
        process.terminate()
        assert process.wait(timeout=60) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_vendor_that_names_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="no such faults: flood"):
        Vendor("odd", "Odd", options, faults=("flood",))


ASKS_NOBODY = {("supabase", "GET /storage/v1/status")}
"""Routes that the vendor itself serves to everybody."""


@pytest.mark.parametrize("vendor", registry.sandbox_vendors().values(), ids=lambda vendor: vendor.name)
async def test_every_vendor_refuses_outsiders_and_unknown_paths(
    vendor: Vendor, client: aiohttp.ClientSession
) -> None:
    async with serve([vendor]) as running:
        url = running.stands[vendor.name].endpoint.url
        for route in vendor.routes:
            method, _, path = route.partition(" ")
            # RFC 6749, section 5.2; Google inspects tokens in the same words, Resend refuses every key so
            by_400 = path.endswith(("/token", "/tokeninfo")) or vendor.name == "resend"
            refusals = (400, 401) if by_400 else (401, 403)
            for credential in ({}, {"Authorization": "Bearer wrong-key"}):
                async with client.request(method, url + path, headers=credential) as answer:
                    is_open = not vendor.credentials or (vendor.name, route) in ASKS_NOBODY
                    assert is_open or answer.status in refusals, route
        assert await status_of(client, f"{url}/no/such/path") in (401, 403, 404)
