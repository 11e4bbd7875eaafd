"""A good server: phases, connections kept and made again, what is on the wire."""

import asyncio
import gc
import time
from pathlib import Path

import pytest

from exporter.core.errors import ProbeError
from exporter.core.network import Request, Trace
from exporter.core.options import TlsOptions
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.net import pool
from exporter.net.dial import dial
from exporter.net.network import LoopNetwork
from exporter.net.reader import AnswerReader
from tests.net.failing import fails, fails_late
from tests.servers.authority import Authority
from tests.servers.ports import free_port
from tests.servers.raw import Visit, answering, keeping, ok, serving
from tests.waiting import PATIENCE, rest, until

PHASES = ("resolve", "connect", "tls", "processing", "transfer")


def open_sockets() -> int:
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found += str(entry.readlink()).startswith("socket:")
        except OSError:
            continue
    return found


async def test_a_new_https_connection_by_name_has_all_five_phases(
    network: LoopNetwork, authority: Authority
) -> None:
    trace = Trace()
    async with serving(keeping(), tls=authority.server()) as server:
        answer = await network.call(
            Request(
                server.url(scheme="https", host="localhost"),
                tls=TlsOptions(ca_file=authority.ca_file),
                reuse=False,
            ),
            trace,
        )
    assert tuple(trace.phases) == PHASES
    assert all(0 <= seconds < 5 for seconds in trace.phases.values())
    assert (answer.status, answer.body, trace.http_status) == (200, b'{"status": "ok"}', 200)
    assert (answer.http_version, answer.tls_version) == ("1.1", "TLSv1.3")
    assert answer.certificate_expiry == trace.certificate_expiry
    assert answer.certificate_expiry == pytest.approx(time.time() + 30 * 86_400, abs=120)
    message = "\n".join(text for _, text in trace.log)
    for words in ("resolved localhost to", "connected to", "TLSv1.3", "expires", "sending GET", "status 200"):
        assert words in message


async def test_an_address_is_not_resolved_and_plain_http_has_no_tls_phase(network: LoopNetwork) -> None:
    trace = Trace()
    async with serving(keeping()) as server:
        answer = await network.call(Request(server.url(), reuse=False), trace)
    assert tuple(trace.phases) == ("connect", "processing", "transfer")
    assert answer.certificate_expiry is None


async def test_a_kept_connection_has_neither_resolve_nor_connect_nor_tls(
    network: LoopNetwork, authority: Authority
) -> None:
    async with serving(keeping(), tls=authority.server()) as server:
        request = Request(server.url(scheme="https"), tls=TlsOptions(ca_file=authority.ca_file))
        await network.call(request, Trace())
        trace = Trace()
        answer = await network.call(request, trace)
    assert server.visits == 1
    assert tuple(trace.phases) == ("processing", "transfer")
    assert answer.certificate_expiry == trace.certificate_expiry is not None


async def test_without_reuse_each_call_connects_again_and_keeps_nothing(network: LoopNetwork) -> None:
    async with serving(keeping()) as server:
        for _ in range(3):
            await network.call(Request(server.url(), reuse=False), Trace())
        assert server.visits == 3
        assert b"Connection: close" in server.requests[0]
    assert network.idle == 0


async def test_origins_and_judgements_of_certificates_do_not_share_connections(
    network: LoopNetwork, authority: Authority
) -> None:
    async with serving(keeping(), tls=authority.server()) as server:
        for tls in (TlsOptions(ca_file=authority.ca_file), TlsOptions(insecure_skip_verify=True)):
            await network.call(Request(server.url(scheme="https"), tls=tls), Trace())
    assert server.visits == 2


async def test_a_connection_is_made_again_after_five_minutes(
    network: LoopNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pool.MAX_AGE == 300
    monkeypatch.setattr(pool, "MAX_AGE", 0.05)
    async with serving(keeping()) as server:
        await network.call(Request(server.url()), Trace())
        await asyncio.sleep(0.06)
        await network.call(Request(server.url()), Trace())
        assert server.visits == 2


async def test_a_kept_connection_that_the_server_closed_is_replaced_without_a_failure(
    network: LoopNetwork,
) -> None:
    async with serving(answering(ok())) as server:  # says keep-alive and closes
        for _ in range(5):
            assert (await network.call(Request(server.url()), Trace())).status == 200
        assert server.visits == 5


async def test_a_connection_that_dies_under_the_next_request_is_retried_once(network: LoopNetwork) -> None:
    async def talk(visit: Visit) -> None:
        await visit.request()
        await visit.say(ok())
        if visit.server.visits == 1:
            await visit.request()  # takes the second request and hangs up
        else:
            await visit.request()
            await visit.say(ok())

    async with serving(talk) as server:
        await network.call(Request(server.url()), Trace())
        trace = Trace()
        assert (await network.call(Request(server.url()), trace)).status == 200
        assert server.visits == 2
    assert any("connecting again" in text for _, text in trace.log)


async def test_calls_under_way_together_find_their_connections_again(network: LoopNetwork) -> None:
    async with serving(keeping()) as server:
        request = Request(server.url())
        for _ in range(3):
            await asyncio.gather(*[network.call(request, Trace()) for _ in range(20)])
        assert server.visits == network.idle == 20


async def test_bytes_that_nobody_asked_for_never_become_the_next_answer(network: LoopNetwork) -> None:
    async def talk(visit: Visit) -> None:
        await visit.request()
        await visit.say(ok(b"first"))
        await asyncio.sleep(0.03)
        await visit.say(ok(b"stale"))
        await visit.request()
        await visit.say(ok(b"second"))

    async with serving(talk) as server:
        assert (await network.call(Request(server.url()), Trace())).body == b"first"
        await until(lambda: network.idle == 0)
        assert (await network.call(Request(server.url()), Trace())).body == b"first"
        assert server.visits == 2


async def test_a_post_never_goes_out_on_a_kept_connection(network: LoopNetwork) -> None:
    async with serving(keeping()) as server:
        for _ in range(2):
            await network.call(Request(server.url(), method="POST", body=b"x"), Trace())
        assert server.visits == 2


async def test_the_pool_is_bounded(authority: Authority) -> None:
    network = LoopNetwork(most_idle=3)
    async with serving(keeping()) as server:
        await asyncio.gather(*(network.call(Request(server.url()), Trace()) for _ in range(20)))
        assert network.idle <= 3
        await network.close()
        await until(lambda: server.open == 0)


async def test_the_last_wish_of_a_closed_network_is_no_open_socket(authority: Authority) -> None:
    gc.collect()
    before, tasks = open_sockets(), len(asyncio.all_tasks())
    network = LoopNetwork()
    tls = TlsOptions(ca_file=authority.ca_file)
    async with (
        serving(keeping(), tls=authority.server()) as server,
        serving(answering(b"HTTP/1.1 200 OK\r\n", stay=True)) as slow,
    ):
        for reuse in (True, False):
            await asyncio.gather(
                *(
                    network.call(Request(server.url(scheme="https"), tls=tls, reuse=reuse), Trace())
                    for _ in range(10)
                )
            )
        await fails_late(network, Request(slow.url()), lambda: slow.requests)
        await fails(network, Request(server.url()))  # TLS is spoken there
        await fails(network, Request("http://127.0.0.1:1/"))
        await until(lambda: slow.open == 0)  # a call that was cancelled hangs up at once
        assert slow.visits == 1
        await network.close()
    await until(lambda: (open_sockets(), len(asyncio.all_tasks())) == (before, tasks))


async def test_an_answer_before_the_question_leaves_no_error_behind(network: LoopNetwork) -> None:
    async def talk(visit: Visit) -> None:
        await visit.say(b"SSH-2.0-OpenSSH_9.2p1\r\n")
        await visit.reader.read()

    left_over: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: left_over.append(context))
    async with serving(talk) as server:
        peers = [await dial(["127.0.0.1"], server.port, Trace()) for _ in range(5)]
        await rest()  # what the server says comes first
        for peer in peers:
            with pytest.raises(ProbeError, match="not HTTP"):
                await peer.exchange(b"GET / HTTP/1.1\r\n\r\n", AnswerReader("GET", 9))
            peer.abort()
        await rest()
        del peers, peer
        gc.collect()
        await asyncio.sleep(0)
    assert left_over == []


async def test_what_a_cancelled_call_waited_for_is_in_the_log(network: LoopNetwork) -> None:
    async with serving(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", stay=True)) as server:
        trace = Trace()
        await fails_late(network, Request(server.url()), lambda: server.requests, trace)
        await rest()
    assert trace.log[-1][1] == "stopped while waiting for the rest of the body (3 bytes so far)"
    assert trace.log[-1][0] > trace.log[-2][0]
    assert trace.http_status == 200


async def test_a_dead_address_does_not_fail_a_name_that_has_a_living_one(network: LoopNetwork) -> None:
    # localhost is both 127.0.0.1 and, on most machines, ::1, where nobody listens
    async with serving(keeping()) as server:
        trace = Trace()
        answer = await network.call(Request(server.url(host="localhost"), reuse=False), trace)
    assert answer.status == 200


async def test_a_family_that_the_address_is_not_of_is_a_dns_failure(network: LoopNetwork) -> None:
    with pytest.raises(ProbeError) as caught:
        await network.call(Request("http://127.0.0.1:9/", family="6"), Trace())
    assert caught.value.reason is Reason.DNS


async def test_a_name_that_does_not_exist_is_a_dns_failure(network: LoopNetwork) -> None:
    for name in ("no-such-name.invalid", "x" * 63 + ".invalid"):
        with pytest.raises(ProbeError) as caught:
            async with asyncio.timeout(PATIENCE):
                await network.call(Request(f"http://{name}/"), Trace())
        assert caught.value.reason is Reason.DNS


async def test_a_port_where_nobody_listens_refuses(network: LoopNetwork) -> None:
    with pytest.raises(ProbeError) as caught:
        await network.call(Request(f"http://127.0.0.1:{free_port()}/"), Trace())
    assert caught.value.reason is Reason.CONNECT
    assert "refused the connection" in caught.value.detail


async def test_tcp_and_tls_connections_are_opened_and_closed(
    network: LoopNetwork, authority: Authority
) -> None:
    async def banner(visit: Visit) -> None:
        await visit.say(b"220 hello\r\n")
        await visit.reader.read()

    async with serving(banner) as plain, serving(keeping(), tls=authority.server()) as secure:
        trace = Trace()
        peer = await network.connect("127.0.0.1", plain.port, trace)
        assert (peer.address, peer.certificate_expiry) == (f"127.0.0.1:{plain.port}", None)
        assert tuple(trace.phases) == ("connect",)
        trace = Trace()
        tls = TlsOptions(ca_file=authority.ca_file)
        peer = await network.connect("localhost", secure.port, trace, tls=tls)
        assert peer.tls_version == "TLSv1.3"
        assert peer.certificate_expiry == trace.certificate_expiry is not None
        assert tuple(trace.phases) == ("resolve", "connect", "tls")
        await until(lambda: (plain.open, secure.open) == (0, 0))


async def test_a_changed_authority_file_is_read_again(
    network: LoopNetwork, tmp_path: Path, authority: Authority
) -> None:
    other = Authority(tmp_path, "other")
    file = tmp_path / "trusted.pem"
    other.ca.cert_pem.write_to_path(str(file))
    async with serving(keeping(), tls=authority.server()) as server:
        request = Request(server.url(scheme="https"), tls=TlsOptions(ca_file=str(file)), reuse=False)
        with pytest.raises(ProbeError):
            await network.call(request, Trace())
        authority.ca.cert_pem.write_to_path(str(file))
        async with asyncio.timeout(PATIENCE):
            # Files are looked at once a second.
            while (answered := await _status(network, request)) is None:
                await asyncio.sleep(0.05)
        assert answered == 200


async def _status(network: LoopNetwork, request: Request) -> int | None:
    try:
        return (await network.call(request, Trace())).status
    except ProbeError:
        return None


async def test_secrets_are_on_the_wire_and_nowhere_else(network: LoopNetwork) -> None:
    async with serving(keeping()) as server:
        trace = Trace()
        await network.call(
            Request(
                server.url("/a?plain=planted-plain"),
                headers=(("X-Own", Secret("planted-own")),),
                auth=(("Authorization", Secret("Bearer planted-token")),),
                query=(("key", Secret("planted key&")),),
            ),
            trace,
        )
    sent = server.requests[0]
    assert b"GET /a?plain=planted-plain&key=planted%20key%26 HTTP/1.1\r\n" in sent
    assert b"X-Own: planted-own\r\nAuthorization: Bearer planted-token\r\n" in sent
    assert "planted" not in repr(trace)


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-A", "a\r\nX-B: c"), ("X-A\r\nX-B", "c"), ("X A", "c"), ("Content-Length", "5"), ("X-A", "a\0")],
)
async def test_a_header_cannot_smuggle_another(network: LoopNetwork, name: str, value: str) -> None:
    with pytest.raises(ProbeError) as caught:
        await network.call(Request("http://127.0.0.1:9/", headers=((name, Secret(value)),)), Trace())
    assert caught.value.reason is Reason.NOT_CONFIGURED


@pytest.mark.parametrize(
    "url",
    [
        "ftp://localhost/",
        "http://",
        "http://user:planted@localhost/",
        "http://localhost/a b",
        "http://localhost/\r\nX: y",
        "http://localhost:99999/",
        "http://localhost:0/",
        "http://[::1/",
        "http://a..b/",
        f"http://{'x' * 64}.invalid/",
        "/relative",
        "http://localhost\\@evil/",
    ],
)
async def test_a_url_that_can_be_read_in_two_ways_is_refused(network: LoopNetwork, url: str) -> None:
    with pytest.raises(ProbeError) as caught:
        await network.call(Request(url), Trace())
    assert caught.value.reason is Reason.NOT_CONFIGURED
    assert "planted" not in str(caught.value)
