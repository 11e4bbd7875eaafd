"""One target for each layer of TLS that can be wrong: which one, and until when the certificate is good."""

import asyncio
import re
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import trustme

from exporter.core.errors import ProbeError
from exporter.core.network import Request, Trace
from exporter.core.options import TlsOptions
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.net.network import LoopNetwork
from tests.net.failing import PLANTED, fails, fails_late
from tests.servers.alerting import alerting
from tests.servers.authority import Authority, self_signed
from tests.servers.raw import Visit, answering, keeping, serving

OK = b"HTTP/1.1 200 OK\r\n"


def old_protocol(authority: Authority) -> ssl.SSLContext:
    context = authority.server()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


TLS_CASES: dict[str, tuple[Callable[[Authority, Path], ssl.SSLContext], dict[str, str], str]] = {
    "expired": (lambda ca, _: ca.server(since=-30, until=-1), {}, "has expired"),
    "not yet valid": (lambda ca, _: ca.server(since=1, until=9), {}, "not yet valid"),
    "for another name": (lambda ca, _: ca.server("other.example"), {}, "another address than 127.0.0.1"),
    "for another name than asked": (
        lambda ca, _: ca.server("other.example"),
        {"server_name": "third.example"},
        "another host name than third.example",
    ),
    "self-signed": (lambda _, path: self_signed(path), {}, "self-signed"),
    "from an unknown authority": (lambda _, path: Authority(path).server(), {}, "unknown authority"),
    "too old a protocol": (
        lambda ca, _: old_protocol(ca),
        {"min_version": "TLS13"},
        "no TLS version in common|TLS version",
    ),
    "asks for a client certificate": (
        lambda ca, _: ca.server(ask_client=True),
        {},
        "requires a client certificate",
    ),
}


@pytest.mark.parametrize("case", TLS_CASES)
async def test_a_server_that_is_wrong_at_a_layer_of_tls_is_reported_by_that_layer(
    network: LoopNetwork, authority: Authority, tmp_path: Path, case: str
) -> None:
    context, options, words = TLS_CASES[case]
    trace = Trace()
    with alerting(context(authority, tmp_path)) as server:
        request = Request(
            f"https://127.0.0.1:{server.port}/",
            tls=msgspec.convert({"ca_file": authority.ca_file, **options}, TlsOptions),
            auth=(("Authorization", Secret(PLANTED)),),
            reuse=False,
        )
        error = await fails(network, request, trace)
    assert error.reason is Reason.TLS, error.detail
    assert re.search(words, error.detail), error.detail
    assert server.received == b""  # nothing was sent to a server that is not trusted
    assert server.hung == 0  # and the second look did not leave it in the middle of a handshake


def old_ciphers(authority: Authority) -> ssl.SSLContext:
    """Return a server that knows RSA key exchange with CBC and SHA-1 alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.ca.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA).configure_cert(context)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA:@SECLEVEL=0")
    return context


async def test_old_ciphers_are_spoken_only_where_the_operator_allows_them(
    network: LoopNetwork, authority: Authority
) -> None:
    tls = TlsOptions(ca_file=authority.ca_file)
    async with serving(keeping(), tls=old_ciphers(authority)) as server:
        trace = Trace()
        allowed = Request(server.url(scheme="https"), tls=msgspec.structs.replace(tls, legacy=True))
        assert (await network.call(allowed, trace)).tls_version == "TLSv1.2"
        assert any("AES128-SHA" in text for _, text in trace.log)
    with alerting(old_ciphers(authority)) as strict:
        error = await fails(network, Request(f"https://127.0.0.1:{strict.port}/", tls=tls))
        assert "no cipher in common (tls.legacy allows old ones)" in error.detail
        other = Authority(Path(authority.ca_file).parent, "other")
        unknown = msgspec.structs.replace(allowed.tls, ca_file=other.ca_file)
        error = await fails(network, Request(f"https://127.0.0.1:{strict.port}/", tls=unknown))
        assert "unknown authority" in error.detail, "old ciphers are no excuse for a wrong certificate"


@pytest.mark.parametrize(("since", "until"), [(-30, -1), (1, 9)])
async def test_the_expiry_of_a_refused_certificate_is_reported(
    network: LoopNetwork, authority: Authority, since: float, until: float
) -> None:
    trace = Trace()
    async with serving(keeping(), tls=authority.server(since=since, until=until)) as server:
        error = await fails(
            network,
            Request(server.url(scheme="https"), tls=TlsOptions(ca_file=authority.ca_file)),
            trace,
        )
    assert error.reason is Reason.TLS
    assert trace.certificate_expiry == pytest.approx(time.time() + until * 86_400, abs=120)


async def test_the_expiry_is_reported_without_verification_too(network: LoopNetwork, tmp_path: Path) -> None:
    trace = Trace()
    async with serving(keeping(), tls=self_signed(tmp_path)) as server:
        request = Request(server.url(scheme="https"), tls=TlsOptions(insecure_skip_verify=True))
        assert (await network.call(request, trace)).status == 200
    assert trace.certificate_expiry == pytest.approx(time.time() + 30 * 86_400, abs=120)


async def test_the_second_look_at_a_certificate_ends_before_the_run_does(
    network: LoopNetwork, authority: Authority
) -> None:
    wrong = authority.server("other.example")
    seen = 0

    async def once(visit: Visit) -> None:  # the second visitor is never spoken to
        nonlocal seen
        seen += 1
        if seen == 1:
            await visit.writer.start_tls(wrong)
        await asyncio.sleep(60)

    async with serving(once) as server:
        limit = asyncio.timeout_at(asyncio.get_running_loop().time() + 1.9)  # shorter than any look by itself
        trace = Trace(deadline=limit.when())
        request = Request(server.url(scheme="https"), tls=TlsOptions(ca_file=authority.ca_file))
        error = await fails(network, request, trace, limit)
    assert error.reason is Reason.TLS
    assert "a second look at it failed" in trace.log[-1][1]


@pytest.mark.parametrize(
    ("said", "reason", "words"),
    [
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            Reason.TLS,
            "does not speak TLS on this port: it answers plain HTTP",
        ),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", Reason.TLS, "does not speak TLS on this port"),
        (bytes.fromhex("15030300020228"), Reason.TLS, "alert: handshake failure"),
        (bytes.fromhex("15030300020270"), Reason.TLS, "alert: unrecognized name"),
        (bytes.fromhex("15030300020278"), Reason.TLS, "speaks no HTTP/1.1, perhaps HTTP/2 alone"),
        (bytes.fromhex("1503030002022a"), Reason.TLS, "refused our client certificate"),
        (bytes.fromhex("15030300020274"), Reason.TLS, "requires a client certificate"),
        (bytes.fromhex("15030300020246"), Reason.TLS, "no TLS version in common"),
        (bytes.fromhex("1603030005"), Reason.CONNECT, "during the TLS handshake"),
        (b"", Reason.CONNECT, "during the TLS handshake|closed the connection"),
    ],
)
async def test_what_comes_instead_of_a_handshake_is_reported(
    network: LoopNetwork, said: bytes, reason: Reason, words: str
) -> None:
    async def talk(visit: Visit) -> None:
        await visit.reader.read(1000)
        await visit.say(said)

    async with serving(talk) as server:
        error = await fails(network, Request(server.url(scheme="https")))
    assert error.reason is reason, error.detail
    assert re.search(words, error.detail), error.detail


async def test_a_handshake_that_never_ends_is_a_timeout(network: LoopNetwork) -> None:
    async def talk(visit: Visit) -> None:
        await asyncio.sleep(60)

    async with serving(talk) as server:
        error = await fails_late(network, Request(server.url(scheme="https")), lambda: server.visits)
    assert (error.reason, error.detail) == (Reason.TIMEOUT, "stopped while waiting for the TLS handshake")


@pytest.mark.parametrize("data", [OK + b"Content-Length: 9\r\n\r\nabc", b""])
async def test_an_answer_over_tls_that_is_cut_is_reported(
    network: LoopNetwork, authority: Authority, data: bytes
) -> None:
    async with serving(answering(data), tls=authority.server()) as server:
        request = Request(server.url(scheme="https"), tls=TlsOptions(ca_file=authority.ca_file))
        error = await fails(network, request)
    assert error.reason is Reason.CONNECT


@pytest.mark.parametrize("field", ["ca_file", "cert_file"])
@pytest.mark.parametrize("content", [None, "no pem at all"])
async def test_certificate_files_that_cannot_be_used_are_named(
    network: LoopNetwork, tmp_path: Path, field: str, content: str | None
) -> None:
    path = tmp_path / "file.pem"
    if content is not None:
        path.write_text(content)
    error = await fails(
        network, Request("https://127.0.0.1:9/", tls=msgspec.convert({field: str(path)}, TlsOptions))
    )
    assert error.reason is Reason.TLS
    assert f"tls.{field}" in error.detail
    assert str(path) in error.detail


async def test_a_client_certificate_is_shown_to_a_server_that_asks(
    network: LoopNetwork, authority: Authority
) -> None:
    cert, key = authority.client()
    async with serving(keeping(), tls=authority.server(ask_client=True)) as server:
        tls = TlsOptions(ca_file=authority.ca_file, cert_file=cert, key_file=key)
        assert (await network.call(Request(server.url(scheme="https"), tls=tls), Trace())).status == 200


async def test_http_1_1_is_offered_where_http_is_spoken_and_nowhere_else(network: LoopNetwork) -> None:
    hellos: list[bytes] = []

    async def talk(visit: Visit) -> None:
        hellos.append(await visit.reader.read(4096))

    async with serving(talk) as server:
        await fails(network, Request(server.url(scheme="https")))
        with pytest.raises(ProbeError):
            await network.connect("127.0.0.1", server.port, Trace(), tls=TlsOptions())
    assert [b"http/1.1" in hello for hello in hellos] == [True, False]
