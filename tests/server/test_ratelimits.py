"""Rate limits over a real socket: our own routes, the check API of apps, blocks by hand, and the command."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from exporter.cli import main
from exporter.core.ratelimit import RateLimitPolicy
from exporter.events._rate_limit_series import BLOCKS, REQUESTS
from exporter.server.services import Services
from exporter.server.web_config.file import WebConfigFile
from exporter.store.writer import Writer
from tests.ratelimits.desk import NOW, LimitDesk, configured, limit_desk
from tests.server.house import House, Reply, Room, basic, bearer, hashed, house, state
from tests.waiting import PATIENCE

CHECK, LIST, SUMMARY = (
    "/api/v1/ratelimits/check",
    "/api/v1/ratelimits/blocks",
    "/api/v1/rate-limit-summary",
)
TOKENS = {"ops": "admin", "app": "ingest", "looker": "viewer"}
BOUND = {"acme": "[acme]", "two": "[acme, globex]"}

API = RateLimitPolicy("api", "/api/*", "address", 3, 60)
USERS = RateLimitPolicy("users", "/api/*", "user", 2, 60)
KEYS = RateLimitPolicy("keys", "/api/v1/st*", "key", 2, 60)
LOGIN = RateLimitPolicy("login", "/login", "address", 2, 60, block_for=600.0)
ORDERS = RateLimitPolicy("orders", "/shop/*", "user", 5, 60)


def who(name: str) -> dict[str, str]:
    return bearer(f"{name}-0123456789abcdef")


def web_file(folder: Path) -> Path:
    lines = [
        "basic_auth_users:",
        f"  vera: {hashed('secret')}",
        f"  udo: {hashed('secret')}",
        "bearer_tokens:",
    ]
    for name, role in TOKENS.items():
        lines.append(f"  - {{name: {name}, token: {name}-0123456789abcdef, roles: [{role}]}}")
    for name, tenants in BOUND.items():
        role = "ingest, admin"
        lines.append(
            f"  - {{name: {name}, token: {name}-0123456789abcdef, roles: [{role}], tenants: {tenants}}}"
        )
    lines.append("trusted_proxy: {header: X-Forwarded-User, addresses: [10.0.0.7], roles: [viewer]}")
    path = folder / "web.yml"
    path.write_text("\n".join(lines) + "\n")
    return path


@dataclass
class Gate:
    """A server with rate limits; what comes from elsewhere came through a proxy of this machine."""

    house: House
    desk: LimitDesk
    room: Room

    async def get(
        self, path: str, address: str = "", headers: Mapping[str, str] | None = None, method: str = "GET"
    ) -> Reply:
        more = {"X-Forwarded-For": address} if address else {}
        return await self.house.ask(path, method, {**(headers or {}), **more})

    async def send(self, method: str, path: str, body: Any, name: str = "ops") -> Reply:
        text = body if isinstance(body, str) else json.dumps(body)
        return await self.house.ask(path, method, who(name), data=text)

    async def check(self, name: str = "app", **body: Any) -> Reply:
        return await self.send("POST", CHECK, body, name)


class GateRoom(Room):
    """A room whose summary waits for the store, as the exporter's does."""

    writer: Writer

    def services(self, web_config: WebConfigFile) -> Services:
        return replace(super().services(web_config), flush=partial(self.writer.flush, PATIENCE))


@asynccontextmanager
async def gate(folder: Path, *policies: RateLimitPolicy, **more: Any) -> AsyncIterator[Gate]:
    async with limit_desk(folder, *policies, **more) as desk:
        room = GateRoom([state("payments", "acme")], path=web_file(folder), ratelimits=desk.limits, now=NOW)
        room.store, room.writer = desk.writer._database, desk.writer
        async with house(room) as made:
            yield Gate(made, desk, room)


async def test_a_route_within_a_policy_answers_429_beyond_it_by_address(tmp_path: Path) -> None:
    async with gate(tmp_path, API) as door:
        replies = [await door.get("/api/v1/status", "203.0.113.7", who("looker")) for _ in range(4)]
        assert [reply.status for reply in replies] == [200, 200, 200, 429]
        first, last = replies[0].headers, replies[-1]
        assert (first["ratelimit-limit"], first["ratelimit-remaining"]) == ("3", "2")
        assert (first["ratelimit-reset"], first["ratelimit-policy"]) == ("120", "3;w=60")
        assert "retry-after" not in first
        assert (last.headers["retry-after"], last.headers["ratelimit-remaining"]) == ("61", "0")
        assert "too many requests" in last.json["error"] and "policy api" in last.json["error"]
        assert (await door.get("/api/v1/status", "203.0.113.8", who("looker"))).status == 200
        assert door.desk.value(REQUESTS, "", "api", "/api/v1/status") == 5
        assert door.desk.value(BLOCKS, "", "api", "/api/v1/status") == 1


async def test_an_address_is_limited_before_its_password_is_looked_at(tmp_path: Path) -> None:
    async with gate(tmp_path, API) as door:
        wrong = [await door.get("/api/v1/status", "203.0.113.7", basic("vera", "guess")) for _ in range(5)]
        assert [reply.status for reply in wrong] == [401, 401, 401, 429, 429]


async def test_a_caller_has_a_whole_network_of_ipv6_and_counts_once(tmp_path: Path) -> None:
    async with gate(tmp_path, API) as door:
        found = [
            (await door.get("/api/v1/status", f"2001:db8:1:2::{number}", who("looker"))).status
            for number in range(4)
        ]
        assert found == [200, 200, 200, 429]


async def test_users_and_keys_are_counted_by_who_they_are_and_not_by_address(tmp_path: Path) -> None:
    async with gate(tmp_path, USERS, KEYS) as door:

        async def statuses(headers: Mapping[str, str]) -> list[int]:
            return [
                (await door.get("/api/v1/status", f"203.0.113.{number}", headers)).status
                for number in range(3)
            ]

        assert await statuses(basic("vera", "secret")) == [200, 200, 429]
        assert await statuses(basic("udo", "secret")) == [200, 200, 429]
        assert await statuses(who("looker")) == [200, 200, 429]
        assert await statuses(who("ops")) == [200, 200, 429]
        assert door.desk.value(REQUESTS, "", "users", "/api/v1/status") == 6
        assert door.desk.value(REQUESTS, "", "keys", "/api/v1/status") == 6


async def test_what_must_not_be_held_up_is_exempt_unless_a_policy_names_it(tmp_path: Path) -> None:
    every = RateLimitPolicy("every", "*", "address", 1, 60)
    exempt = {
        ("GET", "/-/healthy"): 200,
        ("GET", "/-/ready"): 200,
        ("GET", "/metrics"): 200,
        ("POST", "/webhooks/stripe"): 404,
        ("POST", "/api/v1/events"): 503,
        ("POST", "/api/v1/notices"): 503,
        ("POST", "/app/w"): 403,
        ("GET", "/app/w.js"): 200,
        ("POST", CHECK): 400,
    }
    async with gate(tmp_path, every) as door:
        for (method, path), status in exempt.items():
            found = {(await door.get(path, "203.0.113.7", who("ops"), method)).status for _ in range(3)}
            assert found == {status}, path
        found_statuses = [(await door.get("/", "203.0.113.7", who("ops"))).status for _ in range(2)]
        assert found_statuses == [200, 429]
    named = [
        RateLimitPolicy("metrics", "/metrics", "address", 1, 60),
        RateLimitPolicy("hooks", "/webhooks/str*", "address", 1, 60),
        RateLimitPolicy("check", CHECK, "key", 1, 60),
    ]
    async with gate(tmp_path, *named) as door:
        for method, path in (("GET", "/metrics"), ("POST", "/webhooks/stripe"), ("POST", CHECK)):
            await door.get(path, "203.0.113.7", who("ops"), method)
            assert (await door.get(path, "203.0.113.7", who("ops"), method)).status == 429
        assert {(await door.get("/webhooks/twilio", "203.0.113.7")).status for _ in range(3)} == {404}


async def test_paths_that_are_no_routes_are_limited_and_are_one_label(tmp_path: Path) -> None:
    async with gate(tmp_path, API) as door:
        found = [(await door.get(f"/api/v1/guess{number}", "203.0.113.7")).status for number in range(5)]
        assert found == [401, 401, 401, 429, 429]
        assert door.desk.value(REQUESTS, "", "api", "other") == 5


async def test_of_two_policies_the_one_that_leaves_least_is_on_the_answer(tmp_path: Path) -> None:
    wide = RateLimitPolicy("wide", "*", "address", 1000, 3600)
    async with gate(tmp_path, wide, KEYS) as door:
        reply = await door.get("/api/v1/status", "203.0.113.7", who("looker"))
        assert reply.headers["ratelimit-policy"] == "2;w=60"
        reply = await door.get("/", "203.0.113.7", who("looker"))
        assert reply.headers["ratelimit-policy"] == "1000;w=3600"


async def test_without_policies_nothing_is_said(tmp_path: Path) -> None:
    async with gate(tmp_path) as door:
        reply = await door.get("/api/v1/status", "203.0.113.7", who("looker"))
        assert reply.status == 200 and not [name for name in reply.headers if name.startswith("ratelimit")]


async def test_a_redis_that_is_gone_is_429_or_nothing_but_never_an_error(tmp_path: Path) -> None:
    policy = RateLimitPolicy("api", "/api/v1/status", "address", 3, 60)
    for fails, status in (("allow", 200), ("block", 429)):
        async with gate(tmp_path, policy, redis="redis://127.0.0.1:1/0", fails=fails) as door:
            reply = await door.get("/api/v1/status", "203.0.113.7", who("looker"))
            assert reply.status == status
            answer = await door.check(policy="api", identifier="203.0.113.7")
            assert answer.status == 200
            assert (answer.json["allowed"], answer.json["reason"]) == (fails == "allow", "storage")
            reply = await door.send("POST", LIST, {"identifier": "x", "reason": "y"})
            assert (reply.status, reply.headers["retry-after"]) == (503, "5")


async def test_apps_ask_whether_somebody_may(tmp_path: Path) -> None:
    async with gate(tmp_path, LOGIN, ORDERS) as door:
        reply = await door.check(policy="orders", identifier="u1", endpoint="/shop/7", cost=2)
        assert reply.status == 200 and reply.json == {
            **{"allowed": True, "remaining": 3, "reset": 120.0, "retry_after": 0},
            **{"limit": 5, "reason": None},
        }
        reply = await door.check(policy="orders", identifier="u1", cost=4)
        assert reply.json["allowed"] is False and reply.json["reason"] == "limit"
        assert reply.json["retry_after"] == 61
        assert (await door.check(policy="orders", identifier="u1", cost=0)).json["remaining"] == 3
        for _ in range(2):
            assert (await door.check(policy="login", identifier="203.0.113.7")).json["allowed"]
        blocked = (await door.check(policy="login", identifier="203.0.113.7")).json
        assert (blocked["reason"], blocked["retry_after"]) == ("blocked", 600)
        # No part that takes events is there to say what may be a label.
        assert door.desk.value(REQUESTS, "", "orders", "/shop/*") == 2


async def test_several_questions_are_answered_in_one_answer(tmp_path: Path) -> None:
    async with gate(tmp_path, ORDERS) as door:
        checks = [{"policy": "orders", "identifier": name} for name in ("a", "b", "a")]
        found = (await door.check(checks=checks)).json["results"]
        assert [one["remaining"] for one in found] == [4, 4, 3]
        reply = await door.check(checks=[*checks, {"policy": "none", "identifier": "a"}])
        assert reply.status == 400 and reply.json["error"].startswith("checks[3]: there is no policy")
        assert (await door.check(policy="orders", identifier="a", cost=0)).json["remaining"] == 3


MISTAKES: list[tuple[Any, str]] = [
    ("{", "not JSON"),
    ("[]", "JSON object"),
    ({"policy": "orders"}, "identifier"),
    ({"policy": "orders", "identifier": ""}, "identifier"),
    ({"policy": "orders", "identifier": "x" * 301}, "identifier"),
    ({"policy": "orders", "identifier": 7}, "identifier"),
    ({"policy": "orders", "identifier": "a", "cost": -1}, "cost"),
    ({"policy": "orders", "identifier": "a", "cost": 6}, "limit, which is 5"),
    ({"policy": "orders", "identifier": "a", "endpoint": "/cart"}, "/shop/*"),
    ({"policy": "orders", "identifier": "a", "weight": 1}, "weight"),
    ({"policy": "orders", "identifier": "a", "tenant": "a/b"}, "tenant"),
    ({"policy": "nothing", "identifier": "a"}, "no policy"),
    ({"checks": []}, "checks"),
    ({"checks": [{"policy": "orders", "identifier": "a"}] * 501}, "checks"),
    ("[" * 100_000, "not JSON"),
]


@pytest.mark.parametrize(("body", "word"), MISTAKES, ids=[str(body)[:60] for body, _ in MISTAKES])
async def test_a_question_that_is_wrong_is_400_and_says_why(tmp_path: Path, body: Any, word: str) -> None:
    async with gate(tmp_path, ORDERS) as door:
        reply = await door.send("POST", CHECK, body, "app")
        assert reply.status == 400 and word in reply.json["error"]
        assert (await door.check(policy="orders", identifier="a", cost=0)).json["remaining"] == 5


async def test_identifiers_belong_to_the_tenant_of_the_token(tmp_path: Path) -> None:
    async with gate(tmp_path, ORDERS) as door:
        assert (await door.check("acme", policy="orders", identifier="u1", cost=5)).json["allowed"]
        assert not (await door.check("acme", policy="orders", identifier="u1")).json["allowed"]
        assert (await door.check("two", policy="orders", identifier="u1", tenant="globex")).json["allowed"]
        assert not (await door.check("two", policy="orders", identifier="u1", tenant="acme")).json["allowed"]
        assert (await door.check(policy="orders", identifier="u1")).json["allowed"]
        assert (await door.check("two", policy="orders", identifier="u1")).status == 400
        assert (await door.check("acme", policy="orders", identifier="u1", tenant="globex")).status == 403
        assert door.desk.value(REQUESTS, "acme", "orders", "/shop/*") == 3


async def test_an_administrator_blocks_sees_and_unblocks_with_a_reason(tmp_path: Path) -> None:
    wide = RateLimitPolicy("api", "/api/*", "address", 100, 60)
    async with gate(tmp_path, wide, ORDERS) as door:
        body = {"policy": "api", "identifier": "2001:db8::7", "reason": " scrapes ", "for": "1h"}
        made = await door.send("POST", LIST, body)
        assert made.status == 201 and made.json == {
            **{"policy": "api", "by": "address", "identifier": "2001:db8::/64", "tenant": ""},
            **{"at": "2026-11-18T11:07:00Z", "until": "2026-11-18T12:07:00Z"},
            **{"actor": "token:ops", "reason": "scrapes", "id": made.json["id"], "replaced": None},
        }
        blocked = await door.get("/api/v1/status", "2001:db8::9", who("looker"))
        assert (blocked.status, blocked.headers["retry-after"]) == (429, "3600")
        await door.send("POST", LIST, {"identifier": "u1", "reason": "fraud"})
        assert (await door.check(policy="orders", identifier="u1")).json["retry_after"] is None
        rows = (await door.get(LIST, headers=who("ops"))).json
        found = {row["policy"]: row["until"] for row in rows["blocks"]}
        assert found == {"*": None, "api": "2026-11-18T12:07:00Z"} and rows["total"] == 2
        narrowed = (await door.get(f"{LIST}?policy=api&format=csv", headers=who("ops"))).text
        assert [row["identifier"] for row in csv.DictReader(io.StringIO(narrowed))] == ["2001:db8::/64"]
        gone = await door.send(
            "DELETE", LIST, {"policy": "api", "identifier": "2001:db8::7", "reason": "sorry"}
        )
        assert gone.status == 204
        assert (await door.get("/api/v1/status", "2001:db8::9", who("looker"))).status == 200
        again = await door.send("DELETE", LIST, {"policy": "api", "identifier": "2001:db8::7", "reason": "x"})
        assert again.status == 404
        entries = [(one.actor, one.action, one.resource, one.details["reason"]) for one in door.room.audit]
        assert entries == [
            ("token:ops", "ratelimit.block", "ratelimit:api", "scrapes"),
            ("token:ops", "ratelimit.block", "ratelimit:*", "fraud"),
            ("token:ops", "ratelimit.unblock", "ratelimit:api", "sorry"),
        ]


async def test_who_blocks_somebody_again_hears_of_the_block_before_and_the_audit_has_both(
    tmp_path: Path,
) -> None:
    async with gate(tmp_path, ORDERS) as door:
        body = {"policy": "orders", "identifier": "u1", "reason": "fraud", "tenant": ""}
        first = (await door.send("POST", LIST, body | {"for": "30d"})).json
        door.desk.now += 60
        again = (await door.send("POST", LIST, body | {"for": "1h", "reason": "a test"})).json
        assert again["replaced"] == {name: value for name, value in first.items() if name != "replaced"}
        (row,) = (await door.get(LIST, headers=who("ops"))).json["blocks"]
        assert (row["until"], row["reason"]) == (again["until"], "a test")
        door.desk.now += 3600  # a block that is over was not replaced
        assert (await door.send("POST", LIST, body)).json["replaced"] is None
        entries = [one.details for one in door.room.audit if one.action == "ratelimit.block"]
        assert [one["reason"] for one in entries] == ["fraud", "a test", "fraud"]
        lost = [{name: one[name] for name in one if name.startswith("replaced")} for one in entries]
        assert lost == [
            {},
            {f"replaced_{name}": first[name] for name in ("at", "until", "reason")},
            {},
        ]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"identifier": "a"}, "reason"),
        ({"identifier": "a", "reason": ""}, "reason"),
        ({"identifier": "a", "reason": "x", "for": "soon"}, "for must be"),
        ({"identifier": "a", "reason": "x", "for": "0s"}, "for must be"),
        ({"identifier": "a", "reason": "x", "policy": "nothing"}, "no policy"),
    ],
)
async def test_a_block_that_is_wrong_is_400(tmp_path: Path, body: Any, word: str) -> None:
    async with gate(tmp_path, API) as door:
        reply = await door.send("POST", LIST, body)
        assert reply.status == 400 and word in reply.json["error"]


async def test_who_is_bound_to_a_tenant_blocks_and_sees_its_own_alone(tmp_path: Path) -> None:
    async with gate(tmp_path, ORDERS) as door:
        await door.send("POST", LIST, {"identifier": "u1", "reason": "ours"})
        await door.send("POST", LIST, {"identifier": "u1", "reason": "theirs"}, "acme")
        assert (
            await door.send("POST", LIST, {"identifier": "u1", "reason": "x", "tenant": "globex"}, "acme")
        ).status == 403
        rows = (await door.get(LIST, headers=who("acme"))).json["blocks"]
        assert [(row["tenant"], row["reason"]) for row in rows] == [("acme", "theirs")]
        gone = await door.send(
            "DELETE", LIST, {"identifier": "u1", "reason": "x", "tenant": "globex"}, "acme"
        )
        assert gone.status == 403
        assert (await door.get(LIST, headers=who("ops"))).json["total"] == 2


async def test_the_summary_says_what_was_allowed_and_blocked(tmp_path: Path) -> None:
    async with gate(tmp_path, API, ORDERS) as door:
        for _ in range(4):
            await door.get("/api/v1/status", "203.0.113.7", who("looker"))
        await door.check("acme", policy="orders", identifier="u1", cost=2)
        found = (await door.get(f"{SUMMARY}?window=1h", "203.0.113.99", who("looker"))).json
        # The question itself is a request within the policy.
        total = {"requests": 6, "allowed": 5, "blocked": 1, "unjudged": 0, "block_ratio": 0.166667}
        assert found["windows"] == {"1h": total, "24h": total, "7d": total}
        assert (found["window"], found["until"]) == ("1h", "2026-11-18T11:07:00Z")
        status = {"requests": 4, "allowed": 3, "blocked": 1, "unjudged": 0, "block_ratio": 0.25}
        assert found["endpoints"][0] == {"scope": "own", "endpoint": "/api/v1/status", **status}
        assert [(row["by"], row["requests"]) for row in found["identifiers"]] == [("address", 5), ("user", 1)]
        assert [row["policy"] for row in found["policies"]] == ["api", "orders"]
        assert found["blocked_now"] == 0
        mine = (await door.get(f"{SUMMARY}?window=7d", "203.0.113.98", who("acme"))).json
        assert mine["windows"]["7d"]["requests"] == 1 and [row["tenant"] for row in mine["tenants"]] == [
            "acme"
        ]
        old = await door.get("/api/admin/enterprise/rate-limit-summary", "203.0.113.97", who("looker"))
        assert old.status == 200 and set(old.json) == set(found)
        assert (await door.get(f"{SUMMARY}?window=2h", "203.0.113.96", who("looker"))).status == 400


async def test_the_command_lists_blocks_unblocks_and_checks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    token.write_text("ops-0123456789abcdef")
    said: list[str] = []
    async with gate(tmp_path, LOGIN) as door:

        async def run(*words: str, code: int = 0) -> str:
            flags = (f"--exporter.url={door.house.url}", f"--token-file={token}")
            assert await asyncio.to_thread(main, ["ratelimits", *words, *flags]) == code
            found = capsys.readouterr()
            said.append(found.err)
            return found.out

        await run("block", "203.0.113.7", "--policy=login", "--reason=a scan")
        await run("block", "203.0.113.7", "--policy=login", "--for=1h", "--reason=it guesses")
        assert said == [
            "",
            "it takes the place of the block by token:ops until somebody unblocks: a scan\n",
        ]
        (row,) = [json.loads(line) for line in (await run("list", "--json")).splitlines()]
        assert (row["identifier"], row["actor"], row["reason"]) == ("203.0.113.7", "token:ops", "it guesses")
        assert "203.0.113.7" in await run("list") and "blocked" in await run(
            "check", "login", "203.0.113.7", code=1
        )
        await run("unblock", "203.0.113.7", "--policy=login", "--reason=a mistake")
        assert await run("list") == ""
        assert json.loads(await run("check", "login", "203.0.113.7", "--json"))["remaining"] == 2
        assert json.loads(await run("check", "login", "203.0.113.7", "--cost=2", "--json"))["remaining"] == 0
        await run("check", "login", "203.0.113.7", code=1)


async def test_a_reload_applies_to_the_next_request(tmp_path: Path) -> None:
    async with gate(tmp_path, API) as door:
        for _ in range(3):
            await door.get("/api/v1/status", "203.0.113.7", who("looker"))
        assert (await door.get("/api/v1/status", "203.0.113.7", who("looker"))).status == 429
        door.desk.limits.apply(configured())
        assert (await door.get("/api/v1/status", "203.0.113.7", who("looker"))).status == 200
