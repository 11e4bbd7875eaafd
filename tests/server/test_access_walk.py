"""Every route that there is with every kind of caller, walked from the table of routes: new ones are found.

`test_access` has the statuses, written by hand. Here is what holds for any route. `ACCESS_TABLE=1 pytest -s`
with this file prints who may ask for what.
"""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio

from exporter.registry import lists
from exporter.server.access import AccessRule, Effect
from exporter.server.routes import ROUTES, Route
from exporter.server.web_config.settings import Role
from exporter.store.database import Database
from tests.server.house import CHANGE, House, Room, bearer, house
from tests.server.test_access import TOKENS, board, web_config

PROXY = "trusted_proxy: {header: X-User, addresses: [127.0.0.0/8], roles: [viewer]}"
INGEST_OF_TENANT = "bound-ingest-0123456789"
SAFE = {"GET", "HEAD", "OPTIONS"}
CACHED = {"/assets/{name}", "/app/w.js"}
"""Routes whose answers hold nothing of anybody, and may be kept for a while."""

FORMS = {"/sign-in", "/sign-out"}
"""Changes by a form of the page, which has no header of its own: their origin is judged."""


class Caller(NamedTuple):
    """Headers, roles, whether it is bound to tenants, whether a browser sends its credentials unasked."""

    headers: Mapping[str, str]
    roles: frozenset[Role] = frozenset()
    bound: bool = False
    ambient: bool = False
    known: bool = True


def token(name: str, *roles: Role, bound: bool = False) -> Caller:
    return Caller(bearer(TOKENS[name]), frozenset(roles), bound)


CALLERS: Mapping[str, Caller] = {
    "nobody": Caller({}, known=False),
    "wrong token": Caller(bearer("wrong-0123456789abcdef"), known=False),
    "wrong token by proxy": Caller(bearer("wrong-0123456789abcdef") | {"X-User": "ada"}, known=False),
    "viewer": token("viewer", Role.VIEWER),
    "ingest": token("ingest", Role.INGEST),
    "notify": token("notify", Role.NOTIFY),
    "admin": token("admin", Role.ADMIN),
    "viewer of acme": token("bound_viewer", Role.VIEWER, bound=True),
    "admin of acme": token("bound_admin", Role.ADMIN, bound=True),
    "ingest of acme": Caller(bearer(INGEST_OF_TENANT), frozenset({Role.INGEST}), bound=True),
    "viewer by proxy": Caller({"X-User": "eve"}, frozenset({Role.VIEWER}), ambient=True),
    "admin by proxy": Caller({"X-User": "ada"}, frozenset({Role.ADMIN}), ambient=True),
}


def asked() -> Iterator[tuple[str, Route]]:
    for route in ROUTES:
        for method in (*route.methods, *route.refused):
            yield method, route


def concrete(route: Route) -> str:
    words = {"{id}": "none", "{id:.+}": "none", "{source}": "none"}
    path = route.path.replace("{name}", "page.css" if route.path.startswith("/assets") else "none")
    for name, word in words.items():
        path = path.replace(name, word)
    return path


def refusal(rule: AccessRule, caller: Caller) -> int | None:
    """Return the status by which a caller is turned away, None where it gets through."""
    if rule.role is None:
        return None
    if not caller.known:
        return 401
    admin = Role.ADMIN in caller.roles
    wanted = {rule.role, *rule.others, *({rule.of_tenant} if caller.bound else ())}
    if not (wanted & caller.roles or (rule.role is Role.VIEWER and admin)):
        return 403
    return 403 if caller.bound and not rule.narrow else None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("guarded")
    path = web_config(folder, PROXY)
    bound = f"  - {{name: bound_ingest, token: {INGEST_OF_TENANT}, roles: [ingest], tenants: [acme]}}\n"
    path.write_text(path.read_text().replace("bearer_tokens:\n", f"bearer_tokens:\n{bound}"))
    async with _house(folder, path) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def local(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with _house(tmp_path_factory.mktemp("local"), None) as made:
        yield made


@asynccontextmanager
async def _house(folder: Path, path: Path | None) -> AsyncIterator[House]:
    store = Database(f"sqlite:///{folder}/state.db")
    store.open()
    try:
        async with house(Room(board(), path=path, store=store)) as made:
            yield made
    finally:
        store.close()


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_each_caller_gets_through_where_the_rule_lets_it_and_nowhere_else(guarded: House) -> None:
    rows, wrong = [], []
    for method, route in asked():
        found = []
        for name, caller in CALLERS.items():
            answer = await guarded.ask(concrete(route), method, {**caller.headers, **CHANGE}, admin=False)
            expected = refusal(route.rule, caller)
            right = answer.status not in (401, 403) if expected is None else answer.status == expected
            # These answer 403 themselves: no site is configured.
            if not right and not (route.path == "/app/w" and answer.status == 403):
                wrong.append(f"{method} {route.path} as {name}: {answer.status}")
            found.append(answer.status)
        rows.append(f"| {method} | {route.path} | " + " | ".join(map(str, found)) + " |")
    if "ACCESS_TABLE" in os.environ:
        print("", "| | | " + " | ".join(CALLERS) + " |", "|---" * (len(CALLERS) + 2) + "|", *rows, sep="\n")
    assert wrong == []


async def test_what_changes_something_says_so_in_its_rule() -> None:
    silent = [
        f"{method} {route.path}"
        for method, route in asked()
        if method not in SAFE and route.rule.role is not None and route.rule.effect is not Effect.CHANGE
    ]
    assert set(silent) == {f"POST {path}" for path in FORMS}, "an Effect.CHANGE has its origin judged"


async def test_no_other_site_makes_a_browser_change_anything(guarded: House) -> None:
    own = f"http://127.0.0.1:{guarded.port}"
    user = CALLERS["admin by proxy"].headers
    foreign = (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Referer": "https://evil.example/page"},
    )
    wrong = []
    for method, route in asked():
        if route.rule.role is None or route.rule.effect is Effect.READ:
            continue
        tries = [(CHANGE | headers, True) for headers in foreign]
        tries += [({}, route.rule.effect is Effect.CHANGE), (CHANGE | {"Origin": own}, False)]
        for headers, refused in tries:
            answer = await guarded.ask(concrete(route), method, {**user, **headers}, admin=False)
            if (answer.status == 403) != refused:
                wrong.append(f"{method} {route.path} with {headers}: {answer.status}")
    assert wrong == []


async def test_every_answer_says_what_a_browser_may_do_with_it(guarded: House) -> None:
    wrong = []
    for method, route in asked():
        for name in ("nobody", "admin", "viewer of acme"):
            # A browser asks for pages, which refusals are then, too.
            headers = {**CALLERS[name].headers, **CHANGE, "Accept": "text/html"}
            answer = await guarded.ask(concrete(route), method, headers, admin=False)
            found = answer.headers
            policy = found.get("content-security-policy", "")
            facts = {
                "frames": found.get("x-frame-options") == "DENY",
                "types": found.get("x-content-type-options") == "nosniff",
                "referrer": found.get("referrer-policy") == "same-origin",
                "policy": "default-src 'none'" in policy and "unsafe-inline' 'self" not in policy,
                "cache": found.get("cache-control") == "no-store" or route.path in CACHED,
                "cookie": "set-cookie" not in found,
                "server": "server" not in found,
            }
            wrong += [f"{method} {route.path} as {name}: {fact}" for fact, true in facts.items() if not true]
    assert wrong == []


async def test_without_access_another_host_reaches_what_is_open_alone(local: House) -> None:
    wrong = []
    for method, route in asked():
        is_open = route.rule.open or route.rule.role is None
        for headers in ({"Host": "evil.example"}, {"X-Forwarded-For": "10.0.0.9"}, {"Via": "1.1 proxy"}):
            answer = await local.ask(concrete(route), method, {**headers, **CHANGE})
            refused = answer.status == 403 and route.path != "/app/w"
            if refused is is_open and route.path != "/app/w":
                wrong.append(f"{method} {route.path} with {headers}: {answer.status}")
    assert wrong == []


async def test_without_access_this_machine_reads_and_needs_the_token_for_the_rest(local: House) -> None:
    wrong = []
    for method, route in asked():
        rule = route.rule
        answer = await local.ask(concrete(route), method, CHANGE, admin=False)
        needs = rule.role not in (None, Role.VIEWER) or rule.inner
        if (answer.status == 401) is not needs:
            wrong.append(f"{method} {route.path}: {answer.status}")
    assert wrong == []


async def test_the_lists_are_walked_too() -> None:
    assert {listing.path for listing in lists().values()} <= {route.path for _, route in asked()}
