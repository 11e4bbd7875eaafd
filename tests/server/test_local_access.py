"""Without a web configuration: this machine reads, the admin token changes, and a proxy gets no further.

The table is written by hand, as the one of test_access.
"""

import asyncio
import ipaddress
import re
import shutil
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from exporter.registry import lists
from exporter.server import local as machine
from exporter.server.admin import AdminToken
from exporter.server.routes import ROUTES
from exporter.server.sessions import SESSION_SECONDS
from exporter.server.web_config.settings import Role
from exporter.store.database import Database
from tests.server.house import CHANGE, NOW, House, Room, bearer, hashed, house, state
from tests.server.test_access import TABS
from tests.servers.ports import free_port
from tests.waiting import PATIENCE

# With no access configured, status on this machine for: nobody, the admin token, a browser that signed in,
# the same without the custom header, and the same from another site.
LOCAL: dict[tuple[str, str], tuple[int, int, int, int, int]] = {
    ("POST", "/sign-in"): (303, 303, 303, 303, 403),
    ("POST", "/sign-out"): (303, 303, 303, 303, 403),
    ("GET", "/assets/page.js"): (200, 200, 200, 200, 200),
    ("GET", "/metrics"): (200, 200, 200, 200, 200),
    ("GET", "/probe?target=payments"): (401, 200, 200, 200, 403),
    ("GET", "/-/healthy"): (200, 200, 200, 200, 200),
    ("GET", "/-/ready"): (200, 200, 200, 200, 200),
    ("POST", "/-/reload"): (401, 200, 200, 403, 403),
    ("POST", "/api/v1/events"): (401, 503, 503, 403, 403),
    ("POST", "/api/v1/notices"): (401, 503, 503, 403, 403),
    ("GET", "/api/v1/alerts"): (401, 503, 503, 503, 503),
    ("POST", "/api/v1/alerts"): (401, 400, 400, 403, 403),
    ("PATCH", "/api/v1/alerts/none"): (401, 400, 400, 403, 403),
    ("POST", "/api/v1/alerts/test"): (401, 503, 503, 403, 403),
    ("GET", "/api/v1/alerts/test"): (401, 503, 503, 503, 503),
    ("GET", "/api/v1/alerts/test/none"): (401, 503, 503, 503, 503),
    ("POST", "/api/v1/sms"): (401, 503, 503, 403, 403),
    ("GET", "/api/v1/alert-noise"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/maintenance"): (401, 503, 503, 503, 503),
    ("POST", "/api/v1/maintenance"): (401, 503, 503, 403, 403),
    ("DELETE", "/api/v1/maintenance/none"): (401, 503, 503, 403, 403),
    ("POST", "/api/v1/audit/none/review"): (401, 404, 404, 403, 403),
    ("POST", "/api/v1/audit/erase"): (401, 400, 400, 403, 403),
    ("GET", "/api/v1/audit-verification"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/audit-report"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/audit-summary"): (401, 200, 200, 200, 200),
    ("GET", "/api/admin/enterprise/audit-summary"): (401, 200, 200, 200, 200),
    ("PUT", "/-/reload"): (401, 200, 200, 403, 403),
    ("GET", "/runbooks/IntegrationDown"): (200, 200, 200, 200, 200),
    ("GET", "/config"): (401, 200, 200, 200, 200),
    ("GET", "/api/v1/status"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/targets"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/history"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/tenants"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/stats"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/sd"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/stream"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/openapi.json"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/timeline?integration=payments"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/dashboard"): (200, 200, 200, 200, 200),
    ("GET", "/api/monitoring/health"): (200, 200, 200, 200, 200),
    ("POST", "/api/monitoring/health"): (401, 200, 200, 403, 403),
    ("GET", "/api/monitoring/alerts"): (401, 503, 503, 503, 503),
    ("POST", "/api/monitoring/alerts"): (401, 400, 400, 403, 403),
    ("PATCH", "/api/monitoring/alerts"): (401, 400, 400, 403, 403),
    ("GET", "/api/monitoring/dashboard"): (200, 200, 200, 200, 200),
    ("GET", "/api/integrations/status"): (200, 200, 200, 200, 200),
    ("POST", "/api/v1/checks"): (401, 200, 200, 403, 403),
    ("GET", "/api/v1/checks/none"): (401, 404, 404, 404, 404),
    ("GET", "/api/v1/tokens"): (401, 200, 200, 200, 200),
    ("POST", "/api/v1/tokens/refresh"): (401, 400, 400, 403, 403),
    ("GET", "/api/v1/tokens/refresh/none"): (401, 404, 404, 404, 404),
    ("GET", "/api/v1/endpoints"): (200, 200, 200, 200, 200),
    ("POST", "/api/v1/endpoints"): (401, 400, 400, 403, 403),
    ("GET", "/api/v1/endpoints/page.js"): (404, 404, 404, 404, 404),
    ("PATCH", "/api/v1/endpoints/page.js"): (401, 404, 404, 403, 403),
    ("DELETE", "/api/v1/endpoints/page.js"): (401, 404, 404, 403, 403),
    ("POST", "/api/v1/endpoints/page.js/rotate"): (401, 404, 404, 403, 403),
    ("POST", "/api/v1/endpoints/page.js/ping"): (401, 404, 404, 403, 403),
    ("POST", "/api/v1/deliveries"): (401, 400, 400, 403, 403),
    ("GET", "/api/v1/deliveries/none"): (404, 404, 404, 404, 404),
    ("POST", "/api/v1/deliveries/retry"): (401, 400, 400, 403, 403),
    ("GET", "/api/v1/deliveries/retry/none"): (401, 404, 404, 404, 404),
    ("GET", "/api/v1/webhook-health"): (200, 200, 200, 200, 200),
    ("GET", "/api/admin/enterprise/webhook-health"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/api-health"): (200, 200, 200, 200, 200),
    ("GET", "/api/admin/enterprise/api-health"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/cost-summary"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/payment-summary"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/traffic-summary"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/widget-summary"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/sign-in-summary"): (401, 200, 200, 200, 200),
    ("POST", "/api/v1/ratelimits/check"): (401, 503, 503, 403, 403),
    ("GET", "/api/v1/ratelimits/blocks"): (401, 503, 503, 503, 503),
    ("POST", "/api/v1/ratelimits/blocks"): (401, 503, 503, 403, 403),
    ("DELETE", "/api/v1/ratelimits/blocks"): (401, 503, 503, 403, 403),
    ("GET", "/api/v1/rate-limit-summary"): (200, 200, 200, 200, 200),
    ("GET", "/api/admin/enterprise/rate-limit-summary"): (200, 200, 200, 200, 200),
    ("GET", "/api/v1/sources"): (200, 200, 200, 200, 200),
    ("GET", "/no/such/page"): (404, 404, 404, 404, 404),
    ("POST", "/metrics"): (405, 405, 405, 405, 405),
}
LOCAL |= {
    ("GET", listing.path): (200 if listing.role == "viewer" else 401, 200, 200, 200, 200)
    for listing in lists().values()
}
LOCAL |= {("GET", path): (200,) * 5 for path in TABS["viewer"]}
LOCAL |= {("GET", path): (401, 200, 200, 200, 200) for path in TABS["admin"]}
LOCAL |= {("GET", "/app/w.js"): (200,) * 5}
LOCAL |= {(method, "/app/w"): (403,) * 5 for method in ("POST", "OPTIONS")}
LOCAL |= {(method, "/webhooks/none"): (404,) * 5 for method in ("GET", "POST")}
SIGNED = {"/webhooks/none"}
"""Paths whose callers prove themselves by a signature; there is no such source here."""
OPEN = {"/app/w.js", "/metrics", "/-/healthy", "/-/ready", "/runbooks/IntegrationDown"}


MARKS = (
    *("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-User"),
    *("X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "X-Cluster-Client-IP", "Client-IP"),
    *("Fastly-Client-IP", "X-Envoy-External-Address", "X-Original-URL", "CDN-Loop", "X-Amz-Cf-Id"),
    *("Fly-Client-IP", "X-Original-Forwarded-For", "X-Azure-ClientIP", "X-ProxyUser-Ip", "X-Vercel-Id"),
)
"""Headers that proxies add, one of each family."""


def board() -> list[Any]:
    return [state("payments"), state("calendar", "acme")]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[House]:
    store = Database(f"sqlite:///{tmp_path}/state.db")
    store.open()
    async with house(Room(board(), store=store)) as made:
        yield made
    store.close()


async def session(made: House) -> dict[str, str]:
    """Sign in as a browser does, and return what it sends from then on."""
    form = {"token": made.admin["Authorization"].removeprefix("Bearer ")}
    own = {"Origin": made.url, "Sec-Fetch-Site": "same-origin"}
    answer = await made.ask("/sign-in", "POST", own, admin=False, data=form)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


@pytest.mark.parametrize(("method", "path"), LOCAL)
async def test_who_may_what_on_this_machine(here: House, method: str, path: str) -> None:
    cookie = await session(here)

    async def answer(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await here.ask(path, method, named, admin=False)).status

    nobody, token, browser, bare, foreign = LOCAL[method, path]
    assert await answer(**CHANGE) == nobody
    assert await answer(**here.admin) == token
    assert await answer(**cookie, **CHANGE) == browser
    assert await answer(**cookie, **CHANGE, Referer=f"{here.url}/") == browser
    assert await answer(**cookie) == bare
    for mark, value in (
        ("Sec_Fetch_Site", "cross-site"),
        ("Origin", "https://evil.example"),
        ("Referer", "https://evil.example/page"),
    ):
        assert await answer(**cookie, **CHANGE, **{mark: value}) == foreign, mark
    is_open = (path in OPEN and method == "GET") or path in SIGNED
    for mark in MARKS:
        assert await answer(**here.admin, **{mark: "for=127.0.0.1"}) == (token if is_open else 403), mark
    for host in ("evil.example", f"evil.example:{here.port}", "localhost.evil.example", "10.0.0.1"):
        assert await answer(**here.admin, Host=host) == (token if is_open else 403), host
    for host in ("localhost", f"LOCALHOST:{here.port}", "127.0.0.1", "[::1]:10055"):
        assert await answer(**here.admin, Host=host) == token, host


def test_the_table_has_every_route() -> None:
    def concrete(path: str) -> str:
        names = (
            ("/runbooks/{name}", "/runbooks/IntegrationDown"),
            ("{id}", "none"),
            ("{id:.+}", "none"),
            ("{name}", "page.js"),
            ("{source}", "none"),
        )
        for name, one in names:
            path = path.replace(name, one)
        return path

    asked = {(method, path.partition("?")[0]) for method, path in LOCAL}
    served = {(method, concrete(route.path)) for route in ROUTES for method in route.methods}
    assert {one for one in served if one[0] != "HEAD"} <= asked


def test_every_route_of_an_admin_needs_the_token() -> None:
    for route in ROUTES:
        asked = [
            key
            for key in LOCAL
            if key[0] in route.methods and key[1].partition("?")[0].replace("none", "{id}") == route.path
        ]
        for key in asked if route.rule.role is Role.ADMIN else ():
            assert LOCAL[key][0] == 401, key


async def test_credentials_that_are_wrong_are_refused_where_nobody_needs_any(here: House) -> None:
    right = here.admin["Authorization"]
    for wrong in ("Bearer wrong", f"Basic {right}", right + "x", "Bearer", "Bearer \xe9\xe9"):
        assert (await here.ask("/api/v1/status", headers={"Authorization": wrong}, admin=False)).status == 401
    both = [("Authorization", right), ("Authorization", right)]
    async with here.client.get(here.url + "/config", headers=both) as answer:
        assert answer.status == 401
    assert (await here.ask("/metrics", headers=bearer("wrong"), admin=False)).status == 200


async def raw(port: int, *requests: str) -> list[int]:
    """Send requests over one connection and return the status of each answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = []
    for text in requests:
        writer.write(text.encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
        found.append(int(head.split()[1]))
        length = re.search(rb"content-length: (\d+)", head, re.I)
        await reader.readexactly(int(length[1]) if length else 0)
    writer.close()
    return found


async def test_the_host_may_be_sent_once_only(here: House) -> None:
    status = "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n"
    assert await raw(here.port, f"{status}\r\n") == [200]
    assert (await raw(here.port, f"{status}Host: evil.example\r\n\r\n"))[0] in (400, 403)
    for authority, expected in (("localhost", 200), ("evil.example", 400)):
        head = f"GET http://{authority}/api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"
        assert await raw(here.port, head) == [expected], authority


@pytest.mark.parametrize("port", ["99999", "65536", "0x50", "-1", "\u0663", "9" * 5000])
async def test_a_host_with_a_port_that_there_is_not_is_foreign(here: House, port: str) -> None:
    for host in ("localhost", "127.0.0.1", "[::1]"):
        for path in ("/", "/api/v1/status"):
            head = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n"
            assert await raw(here.port, head) == [403], head


FORMS = {
    "multipart that breaks off": ("multipart/form-data; boundary=x", b"--x\r\nfoo"),
    "multipart without a boundary": ("multipart/form-data", b"--x\r\nfoo"),
    "multipart in another one": ("multipart/mixed; boundary=x", b"--x\r\n\r\nfoo\r\n--x--"),
    "a charset that there is not": ("application/x-www-form-urlencoded; charset=nosuch", b"token=x"),
    "a charset of no text": ("application/x-www-form-urlencoded; charset=hex", b"token=x"),
    "bytes that are not in the charset": ("application/x-www-form-urlencoded", b"token=\xff"),
}


@pytest.mark.parametrize(("kind", "form"), FORMS.values(), ids=FORMS)
async def test_a_form_that_cannot_be_read_is_refused(here: House, kind: str, form: bytes) -> None:
    answer = await here.ask("/sign-in", "POST", {"Content-Type": kind}, admin=False, data=form)
    assert (answer.status, "the form" in answer.text) == (400, True)


def test_only_loopback_addresses_are_this_machine() -> None:
    # This machine has no peer but loopback, so the question itself is asked for other addresses.
    for text, local_peer in (("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.5", False)):
        assert machine.is_loopback(ipaddress.ip_address(text)) is local_peer
    assert machine.is_loopback(None) is False


# --- a proxy that rewrites Host and adds nothing -------------------------------------------------------


def _length(method: str) -> str:
    return "" if method == "GET" else "Content-Length: 0\r\n"


NARROW = [(key, expected[0]) for key, expected in LOCAL.items() if expected[0] == 401]


async def test_a_proxy_that_shows_nothing_of_itself_gets_no_further_than_reading(here: House) -> None:
    # As newer versions of nginx forward: HTTP/1.1, the upstream's own Host, connections that stay open.
    requests = [
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{here.port}\r\nUser-Agent: curl/8\r\nAccept: */*\r\n"
        f"X-Integration-Exporter: 1\r\n{_length(method)}\r\n"
        for (method, path), _ in NARROW
    ]
    assert set(await raw(here.port, *requests)) == {401}
    assert here.room.reloads == 0 and here.room.checked == []


async def test_what_speaks_http_1_0_is_answered_on_open_routes_alone(here: House) -> None:
    for method, path in LOCAL:
        head = f"{method} {path} HTTP/1.0\r\nHost: localhost\r\n{_length(method)}\r\n"
        expected = 200 if path in OPEN and method == "GET" else 404 if path in SIGNED else 403
        assert await raw(here.port, head) == [expected], (method, path)
    assert here.room.reloads == 0 and here.room.checked == []


@pytest.mark.skipif(
    shutil.which("nginx") is None, reason="nginx is not installed; the raw tests stand for it"
)
async def test_a_bare_proxy_pass_of_nginx_opens_nothing(here: House, tmp_path: Path) -> None:
    for version in ("1.0", "1.1"):
        port = free_port()
        async with nginx(tmp_path / version, port, here.port, version):
            host = {"Host": "monitoring.example.com"}
            for (method, path), (nobody, *_) in LOCAL.items():
                async with here.client.request(
                    method, f"http://127.0.0.1:{port}{path}", headers=host | CHANGE, allow_redirects=False
                ) as answer:
                    is_open = (path in OPEN and method == "GET") or path in SIGNED
                    expected = nobody if version == "1.1" or is_open else 403
                    assert answer.status == expected, (version, method, path)
    assert here.room.reloads == 0 and here.room.checked == []


class nginx:
    """The program on loopback, with a `proxy_pass` and nothing else that anybody would have to think of."""

    def __init__(self, folder: Path, port: int, upstream: int, version: str) -> None:
        folder.mkdir()
        folder.chmod(0o755)
        spoken = "" if version == "1.0" else "proxy_http_version 1.1; proxy_set_header Connection '';"
        self.path = folder / "nginx.conf"
        places = "".join(
            f"{part}_temp_path {folder}/{part};"
            for part in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        self.path.write_text(
            f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{}}\nhttp {{ access_log off; {places}\n"
            f"server {{ listen 127.0.0.1:{port}; location / {{ {spoken} "
            f"proxy_pass http://127.0.0.1:{upstream}; }} }} }}\n"
        )
        self.port = port

    async def __aenter__(self) -> None:
        quiet = asyncio.subprocess.DEVNULL
        self.process = await asyncio.create_subprocess_exec(
            "nginx", "-c", str(self.path), stdout=quiet, stderr=quiet
        )
        async with asyncio.timeout(PATIENCE):
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                        return
                await asyncio.sleep(0.05)

    async def __aexit__(self, *_: object) -> None:
        self.process.terminate()
        await self.process.wait()


# --- the token and the sessions of browsers ------------------------------------------------------------


async def test_a_session_is_a_cookie_that_scripts_and_other_sites_never_get(here: House) -> None:
    form = {"token": here.admin["Authorization"].removeprefix("Bearer ")}
    answer = await here.ask("/sign-in", "POST", admin=False, data=form)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"integration_exporter_{here.port}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/", f"Max-Age={SESSION_SECONDS:.0f}"} <= set(
        cookie.split("; ")
    )
    assert form["token"] not in cookie + answer.text


async def test_a_wrong_token_begins_no_session_and_shows_nowhere(here: House) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = await here.ask("/sign-in", "POST", admin=False, data={"token": "a-wrong-0123456789"})
    assert (answer.status, answer.headers["location"]) == (303, "/?sign-in=wrong#sign-in")
    assert "set-cookie" not in answer.headers
    assert [log["event"] for log in logs] == ["sign-in refused"] and "a-wrong" not in str(logs)
    assert "This is not the admin token." in (await here.ask("/?sign-in=wrong", admin=False)).text


async def test_signing_out_takes_the_cookie_back(here: House) -> None:
    answer = await here.ask("/sign-out", "POST", await session(here), admin=False)
    assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_a_copy_of_the_cookie_is_worth_nothing_once_its_browser_has_signed_out(here: House) -> None:
    cookie, other = await session(here), await session(here)
    for one in (cookie, other):
        assert (await here.ask("/tokens", headers=one, admin=False)).status == 200
    await here.ask("/sign-out", "POST", cookie, admin=False)
    assert (await here.ask("/tokens", headers=cookie, admin=False)).status == 401
    assert (await here.ask("/tokens", headers=other, admin=False)).status == 200


def _token(folder: Path) -> AdminToken:
    made = AdminToken(folder / "state" / "admin-token")
    made.prepare()
    return made


def test_a_session_expires_and_another_token_ends_it(tmp_path: Path) -> None:
    made = _token(tmp_path)
    cookie = made.begin_session(NOW)
    assert made.has_session(cookie, NOW + SESSION_SECONDS - 2)
    assert not made.has_session(cookie, NOW + SESSION_SECONDS + 1)
    for forged in (
        cookie[:-1] + ("0" if cookie[-1] != "0" else "1"),
        "",
        ".",
        "²." + cookie,
        "9" * 20 + ".x",
    ):
        assert not made.has_session(forged, NOW), forged
    assert made.path
    made.path.write_text("another-token-of-the-operator\n")
    assert made.fits("another-token-of-the-operator") and not made.has_session(cookie, NOW)


def test_the_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first, second = _token(tmp_path), _token(tmp_path)  # two exporters of one user
    assert first.path
    text = first.path.read_text().strip()
    assert len(text) >= 43 and first.fits(text) and second.fits(text)
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(first.path.parent.stat().st_mode) == 0o700
    assert [one.name for one in first.path.parent.iterdir()] == ["admin-token"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.chmod(0o644), "open to other users"),
        (lambda path: path.chmod(0o620), "open to other users"),
        (lambda path: path.write_text("short\n"), "holds no token"),
        (lambda path: path.write_text("two words in a token\n"), "holds no token"),
        (lambda path: path.write_bytes(b"\xff" * 40), "holds no token"),
        (lambda path: path.write_text("x" * 5000), "holds no token"),
        (lambda path: path.unlink(), "is not there; the next start makes a new one"),
        (lambda path: (path.unlink(), path.mkdir()), "is no file"),
    ],
)
def test_a_token_that_others_know_or_that_is_none_is_not_used(
    tmp_path: Path, spoil: Any, message: str
) -> None:
    made = _token(tmp_path)
    assert made.path
    text = made.path.read_text().strip()
    spoil(made.path)
    assert not made.fits(text) and not made.usable()
    assert message in made.trouble and text not in made.trouble


@pytest.mark.parametrize("place", ["file/admin-token", "\ud800", "a\0b"])
async def test_without_a_place_for_the_token_nobody_is_admin_and_the_remedy_is_reported(
    here: House, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("no folder")
    made = AdminToken(tmp_path / place)
    made.prepare()
    assert not made.usable() and "--web.admin-token-file" in made.trouble
    here.room.admin.path = None
    for method, path in LOCAL:
        expected = LOCAL[method, path][0]
        answer = await here.ask(path, method, CHANGE, admin=False)
        assert answer.status == (403 if expected == 401 else expected), path
    assert "Sign in" not in (await here.ask("/", admin=False)).text


async def test_where_access_is_configured_the_token_counts_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text(f"basic_auth_users:\n  vera: {hashed('x')}\n")
    made = _token(tmp_path)
    assert made.path
    async with house(Room(board(), path=path, admin=made)) as served:
        for given in (
            bearer(made.path.read_text().strip()),
            {"Cookie": f"integration_exporter_{served.port}={made.begin_session(NOW)}"},
        ):
            assert (await served.ask("/api/v1/status", headers=given)).status == 401


async def test_no_answer_shows_the_token(here: House) -> None:
    token = here.admin["Authorization"].removeprefix("Bearer ")
    with structlog.testing.capture_logs() as logs:
        texts = [(await here.ask(path, method)).text for method, path in LOCAL]
    assert token not in "".join([*texts, str(logs), repr(here.room.admin), str(vars(here.room.admin))])
