"""`/app/w.js` and `/app/w` over a real socket: what anybody on the internet may send, and no more."""

import gzip
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from exporter.core.event_metrics import REJECTED
from exporter.events._widget_series import LOADED
from exporter.ingest.beacon import ADDRESS_EVENTS
from exporter.server.handlers.beacon import MOST_BYTES, SCRIPT
from exporter.server.paths import Paths
from tests.ingest.reporting import Desk, configuration, desk, event
from tests.ingest.test_beacon import SETTINGS
from tests.server.house import House, Reply, Room, house
from tests.server.test_access import web_config

PATH = "/app/w"
SHOP = "https://shop.example"
TEXT = "text/plain;charset=UTF-8"


@asynccontextmanager
async def serving(
    directory: Path, paths: Paths | None = None, extra: str = ""
) -> AsyncIterator[tuple[House, Desk]]:
    async with desk(directory) as intake:
        intake.intake.apply(configuration(SETTINGS))
        room = Room([], path=web_config(directory, extra), events=intake.intake, paths=paths or Paths())
        async with house(room) as made:
            yield made, intake


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[tuple[House, Desk]]:
    async with serving(tmp_path) as both:
        yield both


async def send(made: House, *events: Any, key: str = "pub_shop", **headers: str) -> Reply:
    """Send events as sendBeacon does; a header "" is left out."""
    given = {"Origin": SHOP, "Content-Type": TEXT} | {k.replace("_", "-"): v for k, v in headers.items()}
    body = json.dumps(events).encode()
    return await ask(made, f"{PATH}?k={key}", "POST", given, data=body)


async def ask(
    made: House, path: str, method: str = "GET", headers: Mapping[str, str] | None = None, **more: Any
) -> Reply:
    given = {name: value for name, value in (headers or {}).items() if value}
    skip = [name for name, value in (headers or {}).items() if not value]
    return await made.ask(path, method, given, admin=False, skip_auto_headers=skip, **more)


async def test_a_page_reports_without_credentials(shop: tuple[House, Desk]) -> None:
    made, intake = shop
    reply = await send(made, event("widget"), event("traffic"))
    assert reply.status == 202
    assert json.loads(reply.text) == {"accepted": 2, "duplicates": 0, "rejected": []}
    assert reply.headers["access-control-allow-origin"] == SHOP
    assert reply.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in reply.headers
    assert intake.value(LOADED, "", "", "acme", "donate", "") == 1


async def test_a_page_may_send_json_and_nothing_else(shop: tuple[House, Desk]) -> None:
    made, _ = shop
    assert (await send(made, event("widget"), Content_Type="application/json")).status == 202
    for other in ("application/x-ndjson", "application/x-www-form-urlencoded", "text/html", ""):
        assert (await send(made, event("widget"), Content_Type=other)).status == 415, other


async def test_text_is_no_body_for_apps(shop: tuple[House, Desk]) -> None:
    made, _ = shop
    headers = {"Authorization": "Bearer ingest-0123456789abcdef", "Content-Type": TEXT}
    reply = await made.ask("/api/v1/events", "POST", headers, admin=False, data=b"[]")
    assert reply.status == 415


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
async def test_a_wrong_key_and_a_wrong_origin_get_one_answer(shop: tuple[House, Desk], method: str) -> None:
    made, intake = shop
    answers = set()
    cases = (
        ("pub_nobody", SHOP),
        ("", SHOP),
        ("pub_blog", SHOP),
        ("pub_shop", "https://evil.example"),
        ("pub_shop", "https://shop.example.evil.example"),
        ("pub_shop", "http://shop.example"),
        ("pub_shop", "null"),
        ("pub_shop", ""),
    )
    for key, origin in cases:
        headers = {"Origin": origin, "Content-Type": TEXT}
        reply = await ask(made, f"{PATH}?k={key}", method, headers, data=json.dumps([event("widget")]))
        kept = {k: v for k, v in reply.headers.items() if k != "date"}
        answers.add((reply.status, reply.text, json.dumps(kept, sort_keys=True)))
    ((status, _, headers_text),) = answers
    assert status == 403 and "access-control" not in headers_text
    assert intake.value(LOADED, "", "", "acme", "donate", "") is None
    assert intake.value(REJECTED, "", "unknown_page") == len(cases)


async def test_two_origins_are_none(shop: tuple[House, Desk]) -> None:
    made, _ = shop
    both = [("Origin", SHOP), ("Origin", "https://evil.example"), ("Content-Type", TEXT)]
    async with made.client.post(f"{made.url}{PATH}?k=pub_shop", headers=both, data=b"[]") as answer:
        assert answer.status == 403


async def test_a_browser_that_asks_first_is_let_in_for_what_a_page_sends(shop: tuple[House, Desk]) -> None:
    made, _ = shop
    headers = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}
    reply = await ask(made, f"{PATH}?k=pub_shop", "OPTIONS", headers)
    assert (reply.status, reply.text) == (204, "")
    assert reply.headers["access-control-allow-origin"] == SHOP
    assert reply.headers["access-control-allow-methods"] == "POST"
    assert reply.headers["access-control-allow-headers"] == "Content-Type"
    assert int(reply.headers["access-control-max-age"]) > 0


async def test_what_is_refused_can_be_read_by_the_page(shop: tuple[House, Desk]) -> None:
    made, _ = shop
    mixed = await send(made, event("widget"), event("payment"), event("widget", tenant="globex"))
    assert mixed.status == 207
    assert [one["reason"] for one in json.loads(mixed.text)["rejected"]] == ["foreign_kind", "foreign_field"]
    for reply, status in (
        (await send(made, event("payment")), 400),
        (await send(made, *[event("widget")] * 101), 413),
        (await send(made, "x" * MOST_BYTES), 413),
        (await send(made, event("widget"), Content_Type="text/html"), 415),
    ):
        assert (reply.status, reply.headers["access-control-allow-origin"]) == (status, SHOP)


async def test_a_flood_of_one_address_is_refused_before_its_body_is_read(shop: tuple[House, Desk]) -> None:
    made, intake = shop
    for _ in range(ADDRESS_EVENTS // 100):
        assert (await send(made, *[event("widget")] * 100)).status == 202
    reply = await send(made, event("widget"))
    assert (reply.status, reply.headers["retry-after"]) == (429, "60")
    assert reply.headers["access-control-allow-origin"] == SHOP
    assert (await send(made, "x" * MOST_BYTES)).status == 429
    assert intake.value(LOADED, "", "", "acme", "donate", "") == ADDRESS_EVENTS


async def test_behind_a_proxy_of_this_machine_each_visitor_has_an_address(shop: tuple[House, Desk]) -> None:
    made, _ = shop
    for _ in range(ADDRESS_EVENTS // 100):
        assert (await send(made, *[event("widget")] * 100, X_Forwarded_For="192.0.2.1")).status == 202
    assert (await send(made, event("widget"), X_Forwarded_For="192.0.2.1")).status == 429
    assert (await send(made, event("widget"), X_Forwarded_For="192.0.2.2")).status == 202
    # What stands before the last hop the visitor wrote itself.
    assert (await send(made, event("widget"), X_Forwarded_For="192.0.2.3, 192.0.2.1")).status == 429


async def test_visitors_do_not_use_up_what_the_web_configuration_allows(tmp_path: Path) -> None:
    async with serving(tmp_path, extra="rate_limit: {interval: 1h, burst: 1}") as (made, _):
        for _ in range(5):
            assert (await send(made, event("widget"))).status == 202
            assert (await ask(made, "/app/w.js?k=pub_shop")).status == 200
        assert (await ask(made, "/-/healthy")).status == 200, "one is left"
        assert (await ask(made, "/-/healthy")).status == 429


async def test_before_the_configuration_is_there_nobody_may_report(tmp_path: Path) -> None:
    async with house(Room([], path=web_config(tmp_path))) as made:
        assert (await send(made, event("widget"))).status == 403
        assert (await ask(made, "/app/w.js?k=pub_shop")).status == 200


async def test_the_script_has_the_sample_of_its_site(shop: tuple[House, Desk]) -> None:
    made, _ = shop
    for key, sample in (("pub_shop", "0.1"), ("pub_blog", "1.0"), ("pub_nobody", "1.0")):
        reply = await ask(made, f"/app/w.js?k={key}", headers={"Accept-Encoding": ""})
        assert re.findall(r"var SAMPLE = (.*?);", reply.text) == [sample]
        assert reply.headers["content-type"] == "text/javascript; charset=utf-8"


async def test_any_page_may_load_the_script_and_keep_it(shop: tuple[House, Desk]) -> None:
    made, _ = shop
    path = "/app/w.js?k=pub_shop"
    plain = await ask(made, path, headers={"Accept-Encoding": ""})
    assert plain.headers["cross-origin-resource-policy"] == "cross-origin"
    assert plain.headers["access-control-allow-origin"] == "*"
    assert plain.headers["cache-control"] == "public, max-age=3600, stale-while-revalidate=86400"
    assert plain.headers["vary"] == "Accept-Encoding" and "content-encoding" not in plain.headers
    async with made.client.get(made.url + path, headers={"Accept-Encoding": "gzip"}) as packed:
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(await packed.read()).decode() == plain.text
    tags = {plain.headers["etag"], packed.headers["ETag"]}
    other = await ask(made, "/app/w.js?k=pub_blog", headers={"Accept-Encoding": ""})
    assert len(tags | {other.headers["etag"]}) == 3, "what differs in a byte has another tag"
    for tag in (plain.headers["etag"], f'"x", {plain.headers["etag"]}', f"W/{plain.headers['etag']}", "*"):
        again = await ask(made, path, headers={"Accept-Encoding": "", "If-None-Match": tag})
        assert (again.status, again.text, again.headers["etag"]) == (304, "", plain.headers["etag"]), tag
        assert again.headers["cache-control"] == plain.headers["cache-control"]
    changed = await ask(made, path, headers={"Accept-Encoding": "", "If-None-Match": '"x"'})
    assert changed.status == 200


async def test_both_are_below_the_prefix_of_the_exporter(tmp_path: Path) -> None:
    async with serving(tmp_path, Paths.of(route_prefix="/exporter")) as (made, _):
        assert (await ask(made, "/exporter/app/w.js?k=pub_shop")).status == 200
        headers = {"Origin": SHOP, "Content-Type": TEXT}
        body = json.dumps([event("widget")])
        assert (await ask(made, "/exporter/app/w?k=pub_shop", "POST", headers, data=body)).status == 202
        assert (await ask(made, "/app/w?k=pub_shop", "POST", headers, data=body)).status == 401


def test_the_script_is_small_and_needs_nothing_that_a_strict_policy_forbids() -> None:
    text = SCRIPT.read_text()
    assert len(gzip.compress(SCRIPT.read_bytes(), 9)) < 3000
    for forbidden in (
        "eval(",
        "Function(",
        "innerHTML",
        "document.write",
        "import ",
        "cookie",
        "localStorage",
    ):
        assert forbidden not in text.replace("No cookie", ""), forbidden
    for personal in ("userAgent", "location.search", "location.href", "referrer", ".message"):
        assert personal not in text, personal
