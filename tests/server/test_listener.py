"""Ports, TLS, limits and the end of the server."""

import asyncio
import errno
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import aiohttp
import psutil
import pytest
import trustme

from exporter.core.errors import StartError
from exporter.core.probe import Result
from exporter.engine.descriptors import most_connections, most_runs
from exporter.server.application import build
from exporter.server.listener import Limits, Listener, _remedy
from exporter.server.web_config.file import WebConfigFile
from tests.server.house import CHANGE, NOW, QUICK, House, Room, admin_at, admin_headers, house, state
from tests.waiting import PATIENCE, until


def listener(*addresses: str, limits: Limits = QUICK) -> Listener:
    web_config = WebConfigFile()
    return Listener(build(Room([state("payments")]).services(web_config)), addresses, web_config, limits)


async def status_of(url: str, **headers: str) -> int:
    async with aiohttp.ClientSession(headers=headers) as client, client.get(url) as answer:
        return answer.status


def credentials(made: House) -> str:
    return f"Authorization: {made.admin['Authorization']}\r\n"


async def raw(port: int, text: bytes, seconds: float = PATIENCE) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    try:
        return await asyncio.wait_for(reader.read(), seconds)
    finally:
        writer.close()


async def test_several_addresses_serve_the_same() -> None:
    served = listener("127.0.0.1:0", "127.0.0.2:0", "localhost:0", ":0", "[::1]:0")
    await served.start()
    try:
        assert [host for host, _ in served.addresses] == ["127.0.0.1", "127.0.0.2", "127.0.0.1", "::", "::1"]
        for host, port in served.addresses:
            name = {"::": "127.0.0.1", "::1": "[::1]"}.get(host, host)
            expected = 403 if host == "127.0.0.2" else 200  # the host must be localhost
            assert await status_of(f"http://{name}:{port}/api/v1/status") == expected
    finally:
        await served.stop()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("10055", "write it like"),
        ("127.0.0.1", "write it like"),
        ("127.0.0.1:99999", "write it like"),
        ("::1:80", "write it like"),
        ("127.0.0.1:http", "write it like"),
        ("192.0.2.7:0", "this machine has no such address; choose"),
        ("no-such-host.invalid:0", "the host name is unknown; write"),
    ],
)
async def test_an_address_that_cannot_be_had_is_reported_with_a_remedy(address: str, message: str) -> None:
    with pytest.raises(StartError, match=message):
        await listener(address).start()


async def test_a_port_in_use_is_reported_and_nothing_stays_half_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        served = listener("127.0.0.1:0", f"127.0.0.1:{port}")
        with pytest.raises(StartError, match=f"127.0.0.1:{port}: the port is in use; stop"):
            await served.start()
        assert served.addresses == []


def test_a_denied_port_is_reported() -> None:
    assert "choose a port above 1023" in _remedy(PermissionError(errno.EACCES, "denied"))


def certificates(folder: Path, authority: trustme.CA, name: str = "127.0.0.1") -> None:
    server = authority.issue_cert(name)
    server.private_key_pem.write_to_path(folder / "key.pem")
    server.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")


def client_context(authority: trustme.CA, own: trustme.LeafCert | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if own is not None:
        own.configure_cert(context)
    return context


async def test_tls_serves_and_a_renewed_certificate_is_used_without_a_restart(tmp_path: Path) -> None:
    first, second = trustme.CA(), trustme.CA()
    certificates(tmp_path, first)
    path = tmp_path / "web.yml"
    path.write_text("tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
    room = Room([state("payments")], path=path)
    async with house(room, tls=client_context(first)) as made:
        assert (await made.ask("/api/v1/status")).status == 200  # no users: this machine may
        certificates(tmp_path, second)
        async with aiohttp.ClientSession() as client:
            async with asyncio.timeout(PATIENCE):
                while not await _shows(client, made.url, client_context(second)):
                    await asyncio.sleep(0.02)
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await client.get(made.url + "/-/healthy", ssl=client_context(first))
        assert (await made.ask("/-/healthy")).status == 200  # the open connection goes on


async def _shows(client: aiohttp.ClientSession, url: str, context: ssl.SSLContext) -> bool:
    """Return whether a new connection is shown a certificate that `context` trusts."""
    with suppress(aiohttp.ClientConnectorCertificateError):
        async with client.get(f"{url}/-/healthy", ssl=context) as answer:
            return answer.status == 200
    return False


async def test_a_key_given_in_the_file_itself_serves_too(tmp_path: Path) -> None:
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1")
    path = tmp_path / "web.yml"

    def indent(pem: bytes) -> str:
        return "".join(f"    {line}\n" for line in pem.decode().splitlines())

    path.write_text(
        "tls_server_config:\n  cert: |\n"
        + indent(server.cert_chain_pems[0].bytes())
        + "  key: |\n"
        + indent(server.private_key_pem.bytes())
    )
    async with house(Room([], path=path), tls=client_context(authority)) as made:
        assert (await made.ask("/-/healthy")).status == 200
        assert "PRIVATE KEY" not in repr(made.web.current)


MUTUAL = """
tls_server_config:
  cert_file: cert.pem
  key_file: key.pem
  client_ca_file: ca.pem
  client_auth_type: RequireAndVerifyClientCert
"""


def ask_once(port: int, context: ssl.SSLContext) -> bytes:
    """Return what the server answers, nothing for a handshake that it refused.

    The socket is closed at once: the pool of a client waits long for the goodbye of a refused connection.
    """
    address = ("127.0.0.1", port)
    with (
        suppress(ssl.SSLError, ConnectionError),
        socket.create_connection(address, timeout=PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
    ):
        secured.sendall(b"GET /config HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return secured.recv(100)
    return b""


async def test_mutual_tls_refuses_outsiders_and_knows_certificates(tmp_path: Path) -> None:
    authority, outsider = trustme.CA(), trustme.CA()
    certificates(tmp_path, authority)
    path = tmp_path / "web.yml"
    path.write_text(MUTUAL + "client_certificates: [{san: admin.example, roles: [admin]}]\n")
    known = client_context(authority, authority.issue_cert("admin.example"))
    other = client_context(authority, authority.issue_cert("other.example"))
    async with house(Room([state("payments")], path=path), tls=known) as made:
        assert (await made.ask("/-/reload", "POST", CHANGE)).status == 200
        assert (await made.ask("/-/reload", "POST")).status == 403
        for wrong in (
            client_context(authority),
            client_context(authority, outsider.issue_cert("admin.example")),
        ):
            assert await asyncio.to_thread(ask_once, made.port, wrong) == b""
        assert b" 401 " in await asyncio.to_thread(ask_once, made.port, other)


async def test_a_verified_certificate_alone_makes_a_viewer(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificates(tmp_path, authority)
    path = tmp_path / "web.yml"
    path.write_text(MUTUAL)
    known = client_context(authority, authority.issue_cert("scraper.example"))
    async with house(Room([state("payments")], path=path), tls=known) as made:
        assert (await made.ask("/metrics")).status == 200
        assert (await made.ask("/-/reload", "POST", CHANGE)).status == 403


async def test_only_allowed_names_come_in(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificates(tmp_path, authority)
    path = tmp_path / "web.yml"
    path.write_text(MUTUAL + "  client_allowed_sans: [scraper.example]\n")
    allowed = client_context(authority, authority.issue_cert("scraper.example"))
    other = client_context(authority, authority.issue_cert("other.example"))
    async with house(Room([state("payments")], path=path), tls=allowed) as made:
        assert (await made.ask("/metrics")).status == 200
        async with (
            aiohttp.ClientSession() as client,
            client.get(made.url + "/-/healthy", ssl=other) as answer,
        ):
            assert answer.status == 403


async def test_what_is_no_http_is_refused_without_a_name(caplog: pytest.LogCaptureFixture) -> None:
    async with house(Room([])) as made:
        for text in (
            b"nonsense\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
        ):
            answer = await raw(made.port, text)
            assert answer.startswith(b"HTTP/1.") and b" 400 " in answer.splitlines()[0]
            assert b"aiohttp" not in answer and b"Python" not in answer and b"Server:" not in answer
    assert caplog.records == []  # outsiders cannot fill the log


@pytest.mark.parametrize("length", ["Content-Length: 100", "Transfer-Encoding: chunked"])
async def test_who_goes_away_in_the_middle_of_a_body_cannot_fill_the_log(
    length: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(Room([state("payments")])) as made:
        head = f"POST /api/v1/checks HTTP/1.1\r\nHost: localhost\r\n{credentials(made)}{length}\r\n\r\n"
        await leave(made.port, head.encode() + b"5\r\nab")
    assert caplog.records == []


async def leave(port: int, text: bytes) -> None:
    """Send `text`, and nothing more for ever."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    writer.write_eof()
    await asyncio.wait_for(reader.read(), PATIENCE)
    writer.close()
    await writer.wait_closed()


async def test_huge_heads_are_refused() -> None:
    async with house(Room([])) as made:
        line = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n"
        assert b" 400 " in await raw(made.port, line + b"X-A: " + b"a" * 20_000 + b"\r\n\r\n")
        assert b" 400 " in await raw(
            made.port, line + b"".join(b"X-%d: a\r\n" % n for n in range(200)) + b"\r\n"
        )


async def test_a_client_that_never_finishes_its_request_is_cut() -> None:
    async with house(Room([]), limits=Limits(idle=0.3, drain=1.0)) as made:
        assert await raw(made.port, b"GET /-/healthy HTTP/1.1\r\nHost: loc") == b""


async def test_a_body_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.server.answers.BODY_SECONDS", 0.2)  # seconds of a test, not behaviour
    async with house(Room([state("payments")])) as made:
        head = (
            f"POST /api/v1/checks HTTP/1.1\r\nHost: localhost\r\n{credentials(made)}"
            "Content-Length: 100\r\nConnection: close\r\n\r\n{"
        )
        assert b" 408 " in await raw(made.port, head.encode())


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux only")
async def test_a_client_that_never_reads_its_answer_is_cut() -> None:
    room = Room([])
    room.redacted_text = "x" * 20_000_000
    async with house(room, limits=Limits(unread=1.0, idle=60.0, drain=1.0)) as made:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", made.port))
        mine = client.getsockname()[1]
        try:
            # Before it asks: from then on it is there for a second only, which a busy machine may miss.
            await until(lambda: mine in peers_of(made.port))
            client.sendall(f"GET /config HTTP/1.1\r\nHost: localhost\r\n{credentials(made)}\r\n".encode())
            await until(lambda: mine not in peers_of(made.port))
        finally:
            client.close()


def peers_of(port: int) -> set[int]:
    """Return the ports of the clients that this process serves on `port`."""
    found = psutil.Process().net_connections("tcp")
    return {one.raddr.port for one in found if one.raddr and one.laddr.port == port}


async def test_a_stop_lets_a_request_end_and_refuses_new_ones(tmp_path: Path) -> None:
    room = Room([state("payments")], hold=0.3, admin=admin_at(tmp_path))
    web_config = WebConfigFile()
    served = Listener(build(room.services(web_config)), ["127.0.0.1:0"], web_config, Limits(drain=PATIENCE))
    await served.start()
    port = served.addresses[0][1]
    last = asyncio.create_task(
        status_of(f"http://127.0.0.1:{port}/probe?target=payments", **admin_headers(room))
    )
    await until(lambda: room.checked != [])
    await served.stop()
    assert await last == 200
    with pytest.raises(aiohttp.ClientConnectorError):
        await status_of(f"http://127.0.0.1:{port}/-/healthy")


async def test_a_stop_ends_within_its_limit(tmp_path: Path) -> None:
    slow = {"payments": Result(NOW, 1.0)}
    room = Room([state("payments", timeout=3600.0)], hold=3600.0, results=slow, admin=admin_at(tmp_path))
    web_config = WebConfigFile()
    served = Listener(build(room.services(web_config)), ["127.0.0.1:0"], web_config, Limits(drain=0.3))
    await served.start()
    port = served.addresses[0][1]
    stuck = asyncio.create_task(
        status_of(f"http://127.0.0.1:{port}/probe?target=payments", **admin_headers(room))
    )
    await until(lambda: room.checked != [])
    async with asyncio.timeout(PATIENCE):
        await served.stop()
    with pytest.raises(aiohttp.ClientError):
        await stuck


async def test_idle_connections_never_keep_a_scrape_out() -> None:
    async with house(Room([]), limits=Limits(drain=1.0, most=8)) as made:
        idle = [await asyncio.open_connection("127.0.0.1", made.port) for _ in range(30)]
        for _ in range(3):
            assert await status_of(f"{made.url}/metrics") == 200
        await until(lambda: len(peers_of(made.port)) <= 8 + 1)
        for _, writer in idle:
            writer.close()


@pytest.mark.parametrize("limit", [64, 256, 1024, 65_536, 1 << 20])
def test_callers_runs_and_the_process_itself_share_the_open_files(limit: int) -> None:
    shares = most_connections(limit), most_runs(limit)
    assert min(shares) >= 8 and sum(shares) <= limit - min(64, limit // 2)
