"""Who may do what: every route with every kind of caller.

The table is written by hand, from the specification and not from the table of routes, so that a slip
there shows here.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import bcrypt
import pytest
import structlog

from exporter.core.errors import ConfigError
from exporter.core.probe import Result
from exporter.core.reason import Reason
from exporter.registry import lists
from exporter.server.listener import Limits
from exporter.server.paths import Paths
from exporter.server.routes import ROUTES
from exporter.server.web_config.file import WebConfigFile
from exporter.store.database import Database
from tests.server.house import CHANGE, House, Room, basic, bearer, hashed, house, state
from tests.waiting import PATIENCE, until

TOKENS = {
    "viewer": "viewer-0123456789abcdef",
    "ingest": "ingest-0123456789abcdef",
    "notify": "notify-0123456789abcdef",
    "admin": "admin-0123456789abcdef",
    "bound_viewer": "bound-viewer-0123456789",
    "bound_admin": "bound-admin-0123456789",
}
PASSWORDS = {"vera": "password of vera", "ada": "password of ada"}

# status for:                 nobody wrong viewer ingest notify admin bound_viewer bound_admin
TABLE: dict[tuple[str, str], tuple[int, int, int, int, int, int, int, int]] = {
    ("POST", "/sign-in"): (401, 401, 404, 403, 403, 404, 404, 404),  # there is nothing to sign in to
    ("POST", "/sign-out"): (401, 401, 404, 403, 403, 404, 404, 404),
    ("GET", "/assets/page.css"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/assets/page.css"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/metrics"): (401, 401, 200, 403, 403, 200, 403, 403),
    ("HEAD", "/metrics"): (401, 401, 200, 403, 403, 200, 403, 403),
    ("GET", "/probe?target=calendar/acme"): (401, 401, 403, 403, 403, 200, 403, 200),
    ("GET", "/-/healthy"): (200, 200, 200, 200, 200, 200, 200, 200),
    ("HEAD", "/-/healthy"): (200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "/runbooks/page.css"): (404, 404, 404, 404, 404, 404, 404, 404),  # open, and no runbook
    ("HEAD", "/runbooks/page.css"): (404, 404, 404, 404, 404, 404, 404, 404),
    ("GET", "/-/ready"): (200, 200, 200, 200, 200, 200, 200, 200),
    ("HEAD", "/-/ready"): (200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "/-/reload"): (401, 401, 403, 403, 403, 200, 403, 403),
    ("PUT", "/-/reload"): (401, 401, 403, 403, 403, 200, 403, 403),
    ("GET", "/config"): (401, 401, 200, 403, 403, 200, 403, 403),
    ("HEAD", "/config"): (401, 401, 200, 403, 403, 200, 403, 403),
    ("GET", "/api/v1/status"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/v1/status"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/v1/targets"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/v1/targets"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/v1/history"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/v1/history"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/v1/sd"): (401, 401, 200, 403, 403, 200, 403, 403),
    ("HEAD", "/api/v1/sd"): (401, 401, 200, 403, 403, 200, 403, 403),
    ("GET", "/api/v1/tenants"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/v1/tenants"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/v1/stats"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/v1/stats"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/v1/stream"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/v1/openapi.json"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/v1/openapi.json"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/v1/timeline?integration=calendar"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/v1/timeline?integration=calendar"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/v1/dashboard"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/v1/dashboard"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/monitoring/health"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/monitoring/health"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("POST", "/api/monitoring/health"): (401, 401, 403, 403, 403, 200, 403, 200),
    ("GET", "/api/monitoring/alerts"): (401, 401, 403, 403, 403, 503, 403, 503),
    ("HEAD", "/api/monitoring/alerts"): (401, 401, 403, 403, 403, 503, 403, 503),
    ("POST", "/api/monitoring/alerts"): (401, 401, 403, 403, 403, 400, 403, 400),
    ("PATCH", "/api/monitoring/alerts"): (401, 401, 403, 403, 403, 400, 403, 400),
    ("GET", "/api/monitoring/dashboard"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/monitoring/dashboard"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/integrations/status"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/integrations/status"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("POST", "/api/v1/checks"): (401, 401, 403, 403, 403, 200, 403, 200),
    ("GET", "/api/v1/checks/none"): (401, 401, 403, 403, 403, 404, 403, 404),
    ("HEAD", "/api/v1/checks/none"): (401, 401, 403, 403, 403, 404, 403, 404),
    ("GET", "/api/v1/tokens"): (401, 401, 403, 403, 403, 200, 403, 200),
    ("HEAD", "/api/v1/tokens"): (401, 401, 403, 403, 403, 200, 403, 200),
    ("POST", "/api/v1/tokens/refresh"): (401, 401, 403, 403, 403, 400, 403, 400),
    ("GET", "/api/v1/tokens/refresh/none"): (401, 401, 403, 403, 403, 404, 403, 404),
    ("HEAD", "/api/v1/tokens/refresh/none"): (401, 401, 403, 403, 403, 404, 403, 404),
    ("POST", "/api/v1/events"): (401, 401, 403, 503, 403, 503, 403, 503),  # nothing takes them here
    ("POST", "/api/v1/notices"): (401, 401, 403, 403, 503, 503, 403, 403),  # nothing takes them here
    ("GET", "/api/v1/alerts"): (401, 401, 403, 403, 403, 503, 403, 503),  # Alertmanager is asked nowhere here
    ("HEAD", "/api/v1/alerts"): (401, 401, 403, 403, 403, 503, 403, 503),
    ("POST", "/api/v1/alerts"): (401, 401, 403, 403, 403, 400, 403, 400),
    ("PATCH", "/api/v1/alerts/none"): (401, 401, 403, 403, 403, 400, 403, 400),
    ("POST", "/api/v1/alerts/test"): (401, 401, 403, 403, 403, 503, 403, 403),
    ("GET", "/api/v1/alerts/test"): (401, 401, 403, 403, 403, 503, 403, 403),
    ("HEAD", "/api/v1/alerts/test"): (401, 401, 403, 403, 403, 503, 403, 403),
    ("GET", "/api/v1/alerts/test/none"): (401, 401, 403, 403, 403, 503, 403, 403),
    ("HEAD", "/api/v1/alerts/test/none"): (401, 401, 403, 403, 403, 503, 403, 403),
    ("POST", "/api/v1/sms"): (401, 401, 403, 403, 503, 503, 403, 403),  # nothing takes them here
    ("GET", "/api/v1/alert-noise"): (401, 401, 403, 403, 403, 200, 403, 200),
    ("HEAD", "/api/v1/alert-noise"): (401, 401, 403, 403, 403, 200, 403, 200),
    ("GET", "/api/v1/maintenance"): (401, 401, 403, 403, 403, 503, 403, 503),  # nothing keeps windows here
    ("HEAD", "/api/v1/maintenance"): (401, 401, 403, 403, 403, 503, 403, 503),
    ("POST", "/api/v1/maintenance"): (401, 401, 403, 403, 403, 503, 403, 503),
    ("DELETE", "/api/v1/maintenance/none"): (401, 401, 403, 403, 403, 503, 403, 503),
    ("POST", "/api/v1/audit/none/review"): (401, 401, 403, 403, 403, 404, 403, 403),
    ("POST", "/api/v1/audit/erase"): (401, 401, 403, 403, 403, 400, 403, 403),
    ("GET", "/api/v1/audit-verification"): (401, 401, 403, 403, 403, 200, 403, 403),
    ("HEAD", "/api/v1/audit-verification"): (401, 401, 403, 403, 403, 200, 403, 403),
    ("GET", "/api/v1/audit-report"): (401, 401, 403, 403, 403, 200, 403, 403),
    ("HEAD", "/api/v1/audit-report"): (401, 401, 403, 403, 403, 200, 403, 403),
    ("GET", "/api/v1/audit-summary"): (401, 401, 403, 403, 403, 200, 403, 200),
    ("HEAD", "/api/v1/audit-summary"): (401, 401, 403, 403, 403, 200, 403, 200),
    ("GET", "/api/admin/enterprise/audit-summary"): (401, 401, 403, 403, 403, 200, 403, 200),
    ("HEAD", "/api/admin/enterprise/audit-summary"): (401, 401, 403, 403, 403, 200, 403, 200),
    ("GET", "/api/v1/endpoints"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/v1/endpoints"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("POST", "/api/v1/endpoints"): (401, 401, 403, 403, 403, 400, 403, 400),
    ("GET", "/api/v1/endpoints/page.css"): (401, 401, 404, 403, 403, 404, 404, 404),
    ("HEAD", "/api/v1/endpoints/page.css"): (401, 401, 404, 403, 403, 404, 404, 404),
    ("PATCH", "/api/v1/endpoints/page.css"): (401, 401, 403, 403, 403, 404, 403, 404),
    ("DELETE", "/api/v1/endpoints/page.css"): (401, 401, 403, 403, 403, 404, 403, 404),
    ("POST", "/api/v1/endpoints/page.css/rotate"): (401, 401, 403, 403, 403, 404, 403, 404),
    ("POST", "/api/v1/endpoints/page.css/ping"): (401, 401, 403, 403, 403, 404, 403, 404),
    ("POST", "/api/v1/deliveries"): (401, 401, 403, 400, 403, 400, 403, 400),
    ("GET", "/api/v1/deliveries/none"): (401, 401, 404, 403, 403, 404, 404, 404),
    ("HEAD", "/api/v1/deliveries/none"): (401, 401, 404, 403, 403, 404, 404, 404),
    ("POST", "/api/v1/deliveries/retry"): (401, 401, 403, 403, 403, 400, 403, 400),
    ("GET", "/api/v1/deliveries/retry/none"): (401, 401, 403, 403, 403, 404, 403, 404),
    ("HEAD", "/api/v1/deliveries/retry/none"): (401, 401, 403, 403, 403, 404, 403, 404),
    ("GET", "/api/v1/webhook-health"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/v1/webhook-health"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/admin/enterprise/webhook-health"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/admin/enterprise/webhook-health"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/v1/api-health"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/v1/api-health"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/admin/enterprise/api-health"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/admin/enterprise/api-health"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/v1/cost-summary"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/v1/cost-summary"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/v1/payment-summary"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/v1/payment-summary"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/v1/traffic-summary"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/v1/traffic-summary"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/v1/widget-summary"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/v1/widget-summary"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/v1/sign-in-summary"): (401, 401, 403, 403, 403, 200, 403, 200),
    ("HEAD", "/api/v1/sign-in-summary"): (401, 401, 403, 403, 403, 200, 403, 200),
    # there are no rate limits here
    ("POST", "/api/v1/ratelimits/check"): (401, 401, 403, 503, 403, 503, 403, 503),
    ("GET", "/api/v1/ratelimits/blocks"): (401, 401, 403, 403, 403, 503, 403, 503),
    ("HEAD", "/api/v1/ratelimits/blocks"): (401, 401, 403, 403, 403, 503, 403, 503),
    ("POST", "/api/v1/ratelimits/blocks"): (401, 401, 403, 403, 403, 503, 403, 503),
    ("DELETE", "/api/v1/ratelimits/blocks"): (401, 401, 403, 403, 403, 503, 403, 503),
    ("GET", "/api/v1/rate-limit-summary"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/v1/rate-limit-summary"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/admin/enterprise/rate-limit-summary"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("HEAD", "/api/admin/enterprise/rate-limit-summary"): (401, 401, 200, 403, 403, 200, 200, 200),
    ("GET", "/api/v1/sources"): (401, 401, 200, 403, 403, 200, 403, 403),
    ("HEAD", "/api/v1/sources"): (401, 401, 200, 403, 403, 200, 403, 403),
    ("GET", "/no/such/page"): (401, 401, 404, 403, 403, 404, 404, 404),
    ("DELETE", "/metrics"): (401, 401, 405, 403, 403, 405, 405, 405),
    ("HEAD", "/probe?target=calendar/acme"): (401, 401, 405, 403, 403, 405, 405, 405),
}
TABLE |= {(method, "/app/w.js"): (200,) * 8 for method in ("GET", "HEAD")}
TABLE |= {(method, "/app/w"): (403,) * 8 for method in ("POST", "OPTIONS")}  # no site is configured here
TABLE |= {(method, "/webhooks/none"): (404,) * 8 for method in ("GET", "POST")}
READS: dict[tuple[str, bool], tuple[int, int, int, int, int, int, int, int]] = {
    ("viewer", True): (401, 401, 200, 403, 403, 200, 200, 200),
    ("viewer", False): (401, 401, 200, 403, 403, 200, 403, 403),
    ("admin", True): (401, 401, 403, 403, 403, 200, 403, 200),
    ("admin", False): (401, 401, 403, 403, 403, 200, 403, 403),
}
"""By the role that a stored list asks for, and whether callers bound to tenants may read it."""

TABLE |= {
    (method, listing.path): READS[listing.role, listing.narrow]
    for listing in lists().values()
    for method in ("GET", "HEAD")
}
TABS = {
    "viewer": (
        *("/", "/integrations", "/integration", "/errors", "/webhooks", "/requests", "/costs"),
        *("/rate-limits", "/statistics", "/delivery"),
    ),
    "admin": ("/alerts", "/tokens", "/security"),
}
"""Tabs of the page by the role that opens them; each shows callers bound to tenants their part."""

TABLE |= {
    (method, path): READS[role, True]
    for role, paths in TABS.items()
    for path in paths
    for method in ("GET", "HEAD")
}
CALLERS = ("nobody", "wrong", "viewer", "ingest", "notify", "admin", "bound_viewer", "bound_admin")


def board() -> list[Any]:
    return [
        state("payments"),
        state("calendar", "acme"),
        state("calendar", "globex", "error", Reason.AUTH, detail="The token was revoked.", failures=3),
    ]


def web_config(folder: Path, extra: str = "") -> Path:
    lines = ["basic_auth_users:"]
    lines += [f"  {user}: {hashed(password)}" for user, password in PASSWORDS.items()]
    lines += ["roles:", "  ada: [admin]", "bearer_tokens:"]
    for name, token in TOKENS.items():
        lines.append(f"  - {{name: {name}, token: {token}, roles: [{name.removeprefix('bound_')}]")
        lines[-1] += ", tenants: [acme]}" if name.startswith("bound_") else "}"
    path = folder / "web.yml"
    path.write_text("\n".join([*lines, extra]) + "\n")
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('store')}/state.db")
    made.open()
    yield made
    made.close()


@pytest.fixture
async def guarded(tmp_path: Path, store: Database) -> AsyncIterator[House]:
    async with house(Room(board(), path=web_config(tmp_path), store=store)) as made:
        yield made


def headers_of(caller: str) -> dict[str, str]:
    if caller == "nobody":
        return {}
    return bearer("wrong-0123456789abcdef" if caller == "wrong" else TOKENS[caller])


@pytest.mark.parametrize(("method", "path"), TABLE)
async def test_a_route_answers_each_role_as_the_table_says(guarded: House, method: str, path: str) -> None:
    body = '{"tenant": "acme"}' if path in ("/api/v1/checks", "/api/monitoring/health") else None
    answers = [(await guarded.ask(path, method, headers_of(caller), data=body)).status for caller in CALLERS]
    assert tuple(answers) == TABLE[method, path]


def test_the_table_has_every_route_and_method() -> None:
    def concrete(path: str) -> str:
        return (
            path.replace("{id}", "none")
            .replace("{id:.+}", "none")
            .replace("{name}", "page.css")
            .replace("{source}", "none")
        )

    asked = {(method, path.partition("?")[0]) for method, path in TABLE}
    served = {(method, concrete(route.path)) for route in ROUTES for method in route.methods}
    assert served <= asked


async def test_a_user_needs_the_right_password(guarded: House) -> None:
    for user, password, status in (
        ("vera", PASSWORDS["vera"], 200),
        ("vera", PASSWORDS["vera"], 200),  # the second time from memory
        ("vera", PASSWORDS["ada"], 401),
        ("vera", "", 401),
        ("nobody", PASSWORDS["vera"], 401),
        ("", "", 401),
        ("vera", "ä" * 100, 401),
    ):
        answer = await guarded.ask("/api/v1/status", headers=basic(user, password))
        assert answer.status == status, (user, status)
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic dmVyYQ==",
        "Bearer",
        "Digest x",
        "Basic /////w==",
        "Basic dmVy*YTpwYXNzd29yZCBvZiB2ZXJh",
    ],
)
async def test_broken_credentials_are_no_credentials(guarded: House, value: str) -> None:
    assert (await guarded.ask("/api/v1/status", headers={"Authorization": value})).status in (400, 401)


async def test_two_sets_of_credentials_are_none(guarded: House) -> None:
    both = [("Authorization", f"Bearer {TOKENS['admin']}"), ("Authorization", "Bearer x")]
    async with guarded.client.get(guarded.url + "/config", headers=both) as answer:
        assert answer.status == 401


async def test_a_user_is_a_viewer_unless_roles_says_more(guarded: House) -> None:
    vera, ada = basic("vera", PASSWORDS["vera"]), basic("ada", PASSWORDS["ada"])
    assert (await guarded.ask("/-/reload", "POST", vera | CHANGE)).status == 403
    assert (await guarded.ask("/-/reload", "POST", ada | CHANGE)).status == 200


async def test_what_a_browser_sends_by_itself_changes_nothing(guarded: House) -> None:
    ada = basic("ada", PASSWORDS["ada"])
    own = f"http://127.0.0.1:{guarded.port}"
    for headers, status in (
        ({}, 403),
        ({"X-Integration-Exporter": "yes"}, 403),
        (CHANGE, 200),
        (CHANGE | {"Origin": own, "Sec-Fetch-Site": "same-origin"}, 200),
        (CHANGE | {"Origin": "null"}, 403),
        (CHANGE | {"Origin": own.replace("http:", "https:")}, 403),
        (CHANGE | {"Origin": f"http://127.0.0.1:{guarded.port + 1}"}, 403),
        (CHANGE | {"Sec-Fetch-Site": "same-site"}, 403),
        (CHANGE | {"Sec-Fetch-Site": "cross-site"}, 403),
    ):
        assert (await guarded.ask("/-/reload", "POST", ada | headers)).status == status, headers
    assert guarded.room.reloads == 2


@pytest.mark.parametrize("name", ["Origin", "Sec-Fetch-Site", "Referer", "X-Integration-Exporter"])
async def test_of_headers_that_come_twice_each_is_judged(guarded: House, name: str) -> None:
    own = f"http://127.0.0.1:{guarded.port}"
    good = {"Origin": own, "Sec-Fetch-Site": "none", "Referer": f"{own}/", "X-Integration-Exporter": "1"}
    bad = {
        "Origin": "https://evil.example",
        "Sec-Fetch-Site": "cross-site",
        "Referer": "https://evil.example/",
    }
    pairs = [*basic("ada", PASSWORDS["ada"]).items(), *CHANGE.items(), (name, bad.get(name, "0"))]
    if name != "X-Integration-Exporter":
        pairs.append((name, good[name]))
    for headers in (pairs, pairs[::-1]):
        async with guarded.client.post(guarded.url + "/-/reload", headers=headers) as answer:
            assert answer.status == 403
    assert guarded.room.reloads == 0


async def test_no_body_is_asked_for_before_access_is_judged(guarded: House) -> None:
    async def first_line(credentials: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", guarded.port)
        writer.write(
            f"POST /api/v1/checks HTTP/1.1\r\nHost: localhost\r\n{credentials}Expect: 100-continue\r\n"
            "Content-Length: 2\r\n\r\n".encode()
        )
        line = await asyncio.wait_for(reader.readline(), PATIENCE)
        writer.close()
        return line

    assert b" 401 " in await first_line("")
    assert b" 403 " in await first_line(f"Authorization: Bearer {TOKENS['viewer']}\r\n")
    assert b" 100 " in await first_line(f"Authorization: Bearer {TOKENS['admin']}\r\n")


async def test_the_external_url_counts_as_the_own_site(tmp_path: Path) -> None:
    paths = Paths.of("https://Watch.example/exporter", "/")
    async with house(Room(board(), path=web_config(tmp_path), paths=paths)) as made:
        ada = basic("ada", PASSWORDS["ada"]) | CHANGE
        assert (await made.ask("/-/reload", "POST", ada | {"Origin": "https://watch.example"})).status == 200
        assert (await made.ask("/-/reload", "POST", ada | {"Origin": "https://other.example"})).status == 403


async def test_a_bound_token_sees_its_tenants_only(guarded: House) -> None:
    bound = bearer(TOKENS["bound_admin"])
    status = (await guarded.ask("/api/v1/status", headers=bound)).json
    assert list(status["integrations"]) == ["calendar"]
    assert status["overall_status"] == "healthy"
    targets = (await guarded.ask("/api/v1/targets", headers=bound)).json["targets"]
    assert [target["tenant"] for target in targets] == ["acme"]
    page = (await guarded.ask("/", headers=bound)).text
    assert "acme" in page and "globex" not in page and "payments" not in page
    assert (await guarded.ask("/api/v1/status?tenant=globex", headers=bound)).status == 404
    assert (await guarded.ask("/probe?target=calendar/globex", headers=bound)).status == 404
    assert (await guarded.ask("/probe?target=payments", headers=bound)).status == 404
    checked = await guarded.ask("/api/v1/checks", "POST", bound)
    assert [row["tenant"] for row in checked.json["checks"]] == ["acme"]
    assert guarded.room.checked == ["calendar/acme"]


async def test_a_bound_token_reads_its_tenants_history_only(guarded: House) -> None:
    for one in guarded.room.states:
        guarded.room.history.add_change(one, "unknown", Result(1.0, 0.1, one.reason))
        guarded.room.history.add_failure(one, Result(1.0, 0.1, Reason.AUTH, log=((0.1, "asked"),)))
    found = (await guarded.ask("/api/v1/history", headers=bearer(TOKENS["bound_viewer"]))).json
    assert {row["tenant"] for row in found["changes"] + found["failures"]} == {"acme"}
    whole = (await guarded.ask("/api/v1/history?limit=2", headers=bearer(TOKENS["viewer"]))).json
    assert [row["tenant"] for row in whole["failures"]] == ["globex", "acme"]
    assert whole["failures"][0]["log"] == [{"after_seconds": 0.1, "text": "asked"}]


async def test_a_trusted_proxy_names_the_user(tmp_path: Path) -> None:
    path = web_config(
        tmp_path, "trusted_proxy: {header: X-User, addresses: [10.1.2.3, 127.0.0.0/8], roles: [viewer]}"
    )
    async with house(Room(board(), path=path)) as made:
        for names, status in (
            ([("X-User", "someone")], 200),
            ([("X-User", "a" * 256)], 200),
            ([("X-User", "a" * 257)], 401),
            ([("X-User", "someone"), ("Authorization", "Bearer wrong")], 401),
            ([("X-User", "someone"), ("Authorization", "Basic !")], 401),
            ([("X-User", "")], 401),
            ([("X-User", "a"), ("X-User", "b")], 401),
            ([], 401),
        ):
            async with made.client.get(made.url + "/config", headers=names) as answer:
                assert answer.status == status, names
        assert (await made.ask("/-/reload", "POST", CHANGE | {"X-User": "someone"})).status == 403
        assert (await made.ask("/-/reload", "POST", CHANGE | {"X-User": "ada"})).status == 200
        assert (await made.ask("/-/reload", "POST", {"X-User": "ada"})).status == 403
        assert (await made.ask("/config", headers=bearer(TOKENS["viewer"]))).status == 200


async def test_the_proxys_header_from_anybody_else_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text("trusted_proxy: {header: X-User, addresses: [10.1.2.3], roles: [admin]}\n")
    async with house(Room(board(), path=path)) as made:
        assert (await made.ask("/config", headers={"X-User": "ada"})).status == 401


async def test_an_unknown_user_takes_as_long_as_a_wrong_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "web.yml"
    path.write_text(f"basic_auth_users:\n  vera: {hashed('the password', 9)}\n")
    costs: list[bytes] = []

    def judge(password: bytes, against: bytes) -> bool:
        costs.append(against[:7])  # $2b$, the cost and $: bcrypt takes as long as that says
        return right(password, against)

    right = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", judge)
    async with house(Room(board(), path=path)) as made:
        for user in ("vera", "unknown"):
            assert (await made.ask("/config", headers=basic(user, "guess"))).status == 401
    assert len(costs) == 2 and costs[0][4:] == costs[1][4:] == b"09$"


async def test_a_flood_of_guesses_is_turned_away_and_known_passwords_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, gate, right = tmp_path / "web.yml", threading.Event(), bcrypt.checkpw

    def judge(password: bytes, hashed: bytes) -> bool:
        assert gate.wait(PATIENCE)
        return right(password, hashed)

    path.write_text(f"basic_auth_users:\n  vera: {hashed('the password')}\n")
    async with house(Room(board(), path=path)) as made:
        good = basic("vera", "the password")
        assert (await made.ask("/config", headers=good)).status == 200
        monkeypatch.setattr(bcrypt, "checkpw", judge)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as flood:

            async def guess(turn: int) -> int:
                async with flood.get(made.url + "/config", headers=basic("vera", f"guess {turn}")) as answer:
                    return answer.status

            guesses = [asyncio.create_task(guess(turn)) for turn in range(90)]
            await asyncio.wait(guesses, return_when=asyncio.FIRST_COMPLETED)
            # A known password waits for none of them, and no guess is judged before it was answered.
            assert (await made.ask("/config", headers=good)).status == 200
            gate.set()
            assert set(await asyncio.gather(*guesses)) == {401, 503}


async def test_a_changed_file_is_used_and_a_broken_one_is_not(tmp_path: Path) -> None:
    path = web_config(tmp_path)
    async with house(Room(board(), path=path)) as made:
        viewer = bearer(TOKENS["viewer"])
        assert (await made.ask("/config", headers=viewer)).status == 200
        path.write_text("bearer_tokens: [{name: x, tokn: y}]\n")
        with structlog.testing.capture_logs() as logs:
            await until(lambda: any(log["event"] == "web configuration kept" for log in logs))
            await asyncio.sleep(0.2)
        assert sum(log["event"] == "web configuration kept" for log in logs) == 1
        assert (await made.ask("/config", headers=viewer)).status == 200
        path.write_text("bearer_tokens: [{name: x, token: another-0123456789, roles: [viewer]}]\n")
        await until(lambda: made.web.current.tokens[0].name == "x")
        assert (await made.ask("/config", headers=viewer)).status == 401
        assert (await made.ask("/config", headers=bearer("another-0123456789"))).status == 200


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}\n"])
async def test_a_file_that_was_emptied_opens_nothing(tmp_path: Path, text: str) -> None:
    path = web_config(tmp_path)
    async with house(Room(board(), path=path)) as made:
        path.write_text(text)  # as a full disk leaves it
        with structlog.testing.capture_logs() as logs:
            await until(lambda: any(log["event"] == "web configuration kept" for log in logs))
        assert (await made.ask("/config")).status == 401
        answer = await made.ask("/-/reload", "POST", bearer(TOKENS["admin"]))
        assert answer.status == 500 and "web.yml: the file no longer asks callers who they are" in answer.text


async def test_a_token_file_that_changes_is_read_again(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("first-0123456789abcdef\n")
    path = tmp_path / "web.yml"
    path.write_text("bearer_tokens: [{name: x, token_file: token, roles: [viewer]}]\n")
    file = WebConfigFile(str(path))
    file.load()
    assert not file.refresh()
    before = file.current.tokens[0].digest
    secret.write_text("second-0123456789abcdef\n")
    assert not file.refresh()  # it may still be being written
    assert file.refresh()
    assert file.current.tokens[0].digest != before


async def test_a_reload_with_a_broken_web_configuration_changes_nothing(tmp_path: Path) -> None:
    path = web_config(tmp_path)
    async with house(Room(board(), path=path), limits=Limits(drain=1.0, watch=3600.0)) as made:
        path.write_text("rols: {}\n")
        answer = await made.ask("/-/reload", "POST", bearer(TOKENS["admin"]))
        assert answer.status == 500
        assert "web.yml:1: unknown key rols; did you mean roles?" in answer.text
        assert made.room.reloads == 0


async def test_actions_are_logged_with_their_actor(guarded: House) -> None:
    with structlog.testing.capture_logs() as logs:
        await guarded.ask("/-/reload", "POST", basic("ada", PASSWORDS["ada"]) | CHANGE)
        await guarded.ask("/probe?target=payments", headers=bearer(TOKENS["admin"]))
        await guarded.ask("/api/v1/checks", "POST", bearer(TOKENS["bound_admin"]))
        guarded.room.reload_error = ConfigError([])
        await guarded.ask("/-/reload", "POST", bearer(TOKENS["admin"]))
    message = [(log["event"], log["actor"]) for log in logs if "actor" in log]
    assert message == [
        ("reload done", "user:ada"),
        ("probe asked for", "token:admin"),
        ("checks asked for", "token:bound_admin"),
        ("reload refused", "token:admin"),
    ]


async def test_no_answer_and_no_log_shows_a_credential(guarded: House) -> None:
    secrets = {*TOKENS.values(), *PASSWORDS.values()}
    with structlog.testing.capture_logs() as logs:
        texts = [(await guarded.ask(path, headers=headers_of("admin"))).text for _, path in TABLE]
        texts.append(json.dumps(logs, default=str))
        texts.append(repr(guarded.web.current))
    assert not [secret for secret in secrets for text in texts if secret in text]
