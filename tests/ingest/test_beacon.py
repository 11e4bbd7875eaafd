"""What pages of a site may report: little, only so much of it, and nothing that is personal."""

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from exporter import registry
from exporter.core.event_metrics import EVENTS, REJECTED
from exporter.core.event_settings import BeaconSite, EventSettings
from exporter.core.stored_event import StoredEvent
from exporter.events._widget_series import FAILURES, LOADED
from exporter.ingest import beacon
from exporter.ingest.event_parser import BodyError
from exporter.ingest.events import IntakeResult
from exporter.store.subjects import events
from tests.ingest.reporting import MINIMAL, Desk, configuration, desk, event

SHOP = BeaconSite("pub_shop", "acme", frozenset({"https://shop.example"}), 0.1)
BLOG = BeaconSite("pub_blog", "globex", frozenset({"https://blog.example"}), events_per_minute=100)
SETTINGS = EventSettings(
    {"widget": ("donate", "signup"), "route": ("/", "/orders/{id}"), "release": ("1.*",)},
    sites={site.key: site for site in (SHOP, BLOG)},
)


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as made:
        made.intake.apply(configuration(SETTINGS))
        yield made


async def send(made: Desk, *found: Any, site: BeaconSite = SHOP, address: str = "192.0.2.1") -> IntakeResult:
    return await made.intake.receive_page(json.dumps(found).encode(), site, address)


def stored(made: Desk, kind: str) -> Sequence[StoredEvent]:
    return made.database.read(lambda connection: events.query(connection, kind)).rows[::-1]


async def test_events_of_a_page_are_of_the_tenant_of_its_site(made: Desk) -> None:
    assert (await send(made, event("widget"), event("widget", outcome="load_error"))).accepted == 2
    assert made.value(LOADED, "", "", "acme", "donate", "") == 2
    assert made.value(FAILURES, "", "", "acme", "donate", "", "load_error") == 1
    await send(made, event("widget"), site=BLOG)
    assert made.value(LOADED, "", "", "globex", "donate", "") == 1


@pytest.mark.parametrize("kind", sorted(registry.events()))
async def test_a_page_reports_widgets_and_views_and_no_other_kind(made: Desk, kind: str) -> None:
    result = await send(made, {"kind": kind, **MINIMAL[kind]})
    if kind in ("widget", "traffic"):
        assert (result.accepted, result.rejected) == (1, [])
    else:
        assert [(one.path, one.reason) for one in result.rejected] == [("/kind", "foreign_kind")]
        assert made.value(EVENTS, kind) == 0


@pytest.mark.parametrize(
    "more",
    [
        {"tenant": "globex"},
        {"tenant": "acme"},
        {"integration": "payments"},
        {"id": "one"},
        {"at": "2026-11-18T00:00:00Z"},
    ],
    ids=lambda more: next(iter(more)),
)
@pytest.mark.parametrize("kind", ["widget", "traffic"])
async def test_a_page_may_not_say_whose_when_or_of_what_it_is(
    made: Desk, kind: str, more: dict[str, str]
) -> None:
    (refused,) = (await send(made, event(kind, **more))).rejected
    assert (refused.path, refused.reason) == (f"/{next(iter(more))}", "foreign_field")


@pytest.mark.parametrize(
    ("kind", "more", "path"),
    [
        ("traffic", {"views": 1_000_000}, "/views"),
        ("traffic", {"country": "DE"}, "/country"),
        ("widget", {"duration": 601}, "/duration"),
    ],
)
async def test_a_page_can_neither_count_for_many_nor_load_for_hours(
    made: Desk, kind: str, more: dict[str, Any], path: str
) -> None:
    good, bad = event(kind), event(kind, **more)
    result = await send(made, good, bad)
    assert result.accepted == 1
    assert [(one.index, one.path) for one in result.rejected] == [(1, path)]


async def test_nothing_personal_of_a_page_is_stored_or_exported(made: Desk) -> None:
    planted = "ann@mail.example"
    await send(
        made,
        event("widget", route=f"/orders/4711?mail={planted}", error=f"TypeError: no user {planted}"),
        event("widget", widget=planted, release=planted, route=f"/users/{planted}#{planted}"),
        event("widget", outcome="script_error", error="TypeError donate.js:12:3", release="1.4"),
        event("traffic", route=f"/?q={planted}"),
    )
    found = [*stored(made, "widget"), *stored(made, "traffic")]
    assert len(found) == 4 and planted not in str(found) + made.body()
    first, second, third, fourth = (one.fields for one in found)
    assert (first["route"], first["error"]) == ("/orders/{id}", "Error")
    assert (second["widget"], second["route"], second["release"]) == ("other", "other", "other")
    assert (third["error"], third["release"]) == ("TypeError donate.js:12:3", "1.4")
    assert fourth["route"] == "/"


async def test_a_site_may_send_so_many_events_a_minute(made: Desk) -> None:
    hundred = [event("widget")] * 100
    assert (await send(made, *hundred, site=BLOG, address="192.0.2.1")).accepted == 100
    with pytest.raises(BodyError) as caught:
        await send(made, event("widget"), event("widget"), site=BLOG, address="192.0.2.2")
    assert caught.value.status == 429
    assert made.value(REJECTED, "", "rate_limited") == 2
    assert (await send(made, event("widget"))).accepted == 1, "another site still may"
    made.now += 2 * beacon.WINDOW
    assert (await send(made, event("widget"), site=BLOG)).accepted == 1


@pytest.mark.parametrize(
    ("same", "other"), [("192.0.2.1", "192.0.2.2"), ("2001:db8::9", "2001:db8:0:1::9")], ids=["IPv4", "IPv6"]
)
async def test_an_address_may_send_so_many_events_a_minute(made: Desk, same: str, other: str) -> None:
    first = "2001:db8::1" if ":" in same else same
    for _ in range(beacon.ADDRESS_EVENTS // 100):
        await send(made, *[event("widget")] * 100, address=first)
    assert not made.intake.beacon.has_room(same)
    with pytest.raises(BodyError):
        await send(made, event("widget"), address=same)
    assert made.intake.beacon.has_room(other)
    assert (await send(made, event("widget"), address=other)).accepted == 1


async def test_a_body_without_events_has_its_price_too(made: Desk) -> None:
    for _ in range(beacon.ADDRESS_EVENTS):
        await send(made)
    with pytest.raises(BodyError):
        await send(made)


async def test_a_body_has_a_hundred_events_at_most(made: Desk) -> None:
    with pytest.raises(BodyError) as caught:
        await send(made, *[event("widget")] * 101)
    assert caught.value.status == 413


async def test_a_reload_takes_a_site_away(made: Desk) -> None:
    assert made.intake.beacon.site_of_page("pub_shop", "https://shop.example") == SHOP
    assert made.intake.beacon.site_of_page("pub_shop", "https://blog.example") is None
    made.intake.apply(configuration(EventSettings()))
    assert made.intake.beacon.site_of_page("pub_shop", "https://shop.example") is None
