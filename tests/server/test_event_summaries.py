"""Summaries of what apps report, over a real socket with a real store, and as commands."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from exporter.cli import main
from exporter.commands.arguments.events import ACTIONS
from exporter.commands.events import SUMMARIES
from exporter.core.event_summary import AI, API, EventSummary
from exporter.core.hours import DAY, hour_of
from exporter.core.summary import HOUR, bucket_of
from exporter.store.subjects.event_summaries import EventSummaryBatch, fold
from tests.ingest.reporting import Desk, desk, event
from tests.server.house import House, Reply, Room, bearer, house, state
from tests.server.test_access import TOKENS, web_config

PATHS = {
    *("api-health", "cost-summary", "payment-summary", "traffic-summary"),
    *("widget-summary", "sign-in-summary"),
}


@dataclass
class Office:
    """A server, and the intake that it asks."""

    house: House
    desk: Desk

    async def ask(self, path: str, token: str = "admin") -> Any:
        reply = await self.reply(path, token)
        assert reply.status == 200, reply.text
        return reply.json

    async def reply(self, path: str, token: str = "admin") -> Reply:
        return await self.house.ask(f"/api/v1/{path}", headers=bearer(TOKENS[token]))

    def put(
        self,
        ago: float,
        topic: str = API,
        name: str = "/",
        tenant: str = "acme",
        outcome: str = "",
        number: int = 1,
        seconds: float | None = None,
        amount: float = 0.0,
        variant: str = "GET",
    ) -> None:
        """Store what another process, or this one long ago, has counted `ago` seconds before now."""
        hour = hour_of(self.house.room.now - ago)
        latencies = {} if seconds is None else {bucket_of(seconds): number}
        made = EventSummary(number, amount, latencies)
        key = (topic, tenant, hour, "", name, "" if topic == AI else variant, outcome)
        self.desk.database.write([EventSummaryBatch({key: made})])

    def fold(self) -> None:
        with self.desk.database.writing() as connection:
            while fold(connection, self.house.room.now):
                pass


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with desk(tmp_path) as intake:
        states = [state("payments", "acme"), state("payments", "globex")]
        room = Room(states, path=web_config(tmp_path), store=intake.database, events=intake.intake)
        async with house(room) as made:
            yield Office(made, intake)


async def report_requests(office: Office) -> None:
    """Report what a day brings: quick, slow and failing routes of two tenants, and calls to a vendor."""
    for tenant in ("acme", "globex"):
        await office.desk.send(
            *(event("api_request", tenant=tenant, route="/quick", duration=0.01) for _ in range(40)),
            *(event("api_request", tenant=tenant, route="/slow", duration=4.0) for _ in range(20)),
            *(event("api_request", tenant=tenant, route="/bad", status=status) for status in [500, 200] * 6),
            *(event("api_request", tenant=tenant, route="/lost", status=404) for _ in range(12)),
            event("api_request", tenant=tenant, route="/once", duration=60.0),
            *(
                event("api_request", tenant=tenant, route="/v1/charges", status=402, integration="payments")
                for _ in range(10)
            ),
            event("ai_usage", tenant=tenant, cost=0.5, duration=2.0),
        )


async def test_the_health_of_requests_has_every_window_and_the_slowest_and_worst_routes(
    office: Office,
) -> None:
    await report_requests(office)
    found = await office.ask("api-health")
    assert set(found["windows"]) == {"1h", "24h", "7d", "30d"}
    for window in found["windows"].values():
        requests = window["requests"]
        assert (requests["requests"], requests["errors"]) == (170, 12)
        assert requests["reasons"] == {"client": 24, "server": 12}
        assert requests["p50_seconds"] == pytest.approx(0.05, rel=0.101)
        assert requests["p95_seconds"] == pytest.approx(4.0, rel=0.101)
        assert requests["p99_seconds"] == pytest.approx(60.0, rel=0.101)
        assert requests["before"]["requests"] == 0 and requests["before"]["p50_seconds"] is None
        calls = window["calls"]
        assert (calls["requests"], calls["errors"], calls["error_ratio"]) == (20, 20, 1.0)
        assert (window["ai"]["calls"], window["ai"]["cost_usd"]) == (2, 1.0)
    slowest = [row["route"] for row in found["slowest"]]
    assert slowest[0] == "/slow" and slowest[-1] == "/once"  # one request says little
    # A wrong request is the client's own fault, but the app is the client of a vendor.
    assert [(row["route"], row["integration"], row["error_ratio"]) for row in found["worst"]] == [
        ("/v1/charges", "payments", 1.0),
        ("/bad", "", 0.5),
    ]
    assert [row["endpoint"] for row in found["ai"]] == ["fal-ai/flux"]


async def test_the_window_before_is_beside_it(office: Office) -> None:
    for ago, seconds in ((0, 0.1), (26 * HOUR, 1.0)):
        office.put(ago, number=100, seconds=seconds)
        office.put(ago, number=25, outcome="server")
    found = await office.ask("api-health?window=24h")
    (row,) = found["slowest"]
    assert (row["requests"], row["error_ratio"]) == (125, 0.2)
    assert row["p95_seconds"] == pytest.approx(0.1, rel=0.101)
    assert row["before"]["p95_seconds"] == pytest.approx(1.0, rel=0.101)
    week = found["windows"]["7d"]["requests"]
    assert week["requests"] == 250 and week["before"]["requests"] == 0
    day = found["windows"]["24h"]
    assert day["hours"] == day["before_hours"] == 24.11
    assert (found["before_since"], found["before_until"]) == ("2026-11-16T10:53:20Z", "2026-11-17T11:00:00Z")


async def test_an_hour_that_the_time_before_has_in_part_counts_in_part(office: Office) -> None:
    office.put(0, number=10)
    office.put(26 * HOUR, number=100)
    # 400 seconds of this hour lie within the 24 h 400 s before.
    office.put(49 * HOUR, number=90)
    found = await office.ask("api-health?window=24h")
    assert found["slowest"][0]["before"]["requests"] == 110
    assert found["windows"]["24h"]["requests"]["before"]["requests"] == 110


async def test_a_month_is_answered_out_of_days_and_the_month_before_too(office: Office) -> None:
    for day in range(75):
        office.put(day * DAY, number=10)
    before = await office.ask("api-health?window=30d")
    office.fold()
    found = await office.ask("api-health?window=30d")
    assert found == before
    month = found["windows"]["30d"]["requests"]
    # It is 11:06: of the first day of the time before, as much counts.
    assert (month["requests"], month["before"]["requests"]) == (310, 305)
    assert (found["slowest"][0]["requests"], found["slowest"][0]["before"]["requests"]) == (310, 305)


async def test_seconds_before_and_after_midnight_are_different_days(office: Office) -> None:
    midnight = datetime(2026, 11, 20, tzinfo=UTC).timestamp()
    office.house.room.now = office.desk.now = midnight + 1
    await office.desk.send(event("ai_usage", cost=1.0, at="2026-11-19T23:59:59Z"))
    await office.desk.send(event("ai_usage", cost=2.0, at="2026-11-20T00:00:00Z"))
    found = await office.ask("cost-summary?by=day")
    assert [(row["day"], row["cost_usd"]) for row in found["costs"]] == [
        ("2026-11-20", 2.0),
        ("2026-11-19", 1.0),
    ]
    # The night in which clocks are set back in Europe has 25 hours there, and a day of 24 here.
    autumn = datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp()
    for hour in range(-1, 23):
        office.put(office.house.room.now - (autumn + hour * HOUR), AI, amount=1.0)
    found = await office.ask("cost-summary?by=day")
    assert found["costs"][-1] == {
        "day": "2026-10-25",
        "calls": 24,
        "errors": 0,
        "error_ratio": 0.0,
        "cost_usd": 24.0,
        "cost_per_call_usd": 1.0,
    }


def set_time(office: Office, text: str) -> None:
    office.house.room.now = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("now", "days", "so_far", "expected", "before"),
    [
        # On the first second of a month there is nothing but the week before it.
        ("2026-12-01T00:00:00", 40, 0.0, 310.0, 300.0),
        ("2027-02-01T12:00:00", 40, 10.0, 303.33, 310.0),
        ("2028-02-15T00:00:00", 60, 140.0, 290.0, 310.0),
        ("2026-11-30T23:59:59", 40, 300.0, 300.0, 110.0),
    ],
)
async def test_the_forecast_goes_on_as_the_last_week_did(
    office: Office, now: str, days: int, so_far: float, expected: float, before: float
) -> None:
    set_time(office, now)
    for day in range(days + 1):
        # Ten dollars a day, each at its first second; today's are spent when the day has begun.
        if day or not now.endswith("00:00:00"):
            office.put(day * DAY, AI, amount=10.0)
    month = (await office.ask("cost-summary"))["month"]
    assert (month["month"], month["cost_usd"]) == (now[:7], so_far)
    assert month["before"]["cost_usd"] == before
    assert month["forecast_usd"] == pytest.approx(expected, abs=1.5)


async def test_without_a_past_the_pace_is_that_of_the_time_there_is(office: Office) -> None:
    set_time(office, "2026-11-16T00:30:00")
    assert (await office.ask("cost-summary"))["month"]["forecast_usd"] is None
    office.put(0, AI, amount=1.0)
    assert (await office.ask("cost-summary"))["month"]["forecast_usd"] is None  # half an hour says nothing
    set_time(office, "2026-11-16T12:00:00")
    month = (await office.ask("cost-summary"))["month"]
    assert month["pace_days"] == 0.5 and month["pace_usd_per_day"] == 2.0
    assert month["forecast_usd"] == pytest.approx(1.0 + 14.5 * 2.0)


async def test_costs_are_by_endpoint_and_month_too(office: Office) -> None:
    office.put(0, AI, "flux", amount=3.0, number=2)
    office.put(0, AI, "whisper", amount=9.0)
    office.put(0, AI, "flux", outcome="error")
    office.put(40 * DAY, AI, "flux", amount=5.0)
    rows = (await office.ask("cost-summary"))["costs"]
    assert [(row["endpoint"], row["cost_usd"], row["cost_per_call_usd"]) for row in rows] == [
        ("whisper", 9.0, 9.0),
        ("flux", 3.0, 1.0),
    ]
    rows = (await office.ask("cost-summary?by=month"))["costs"]
    assert [(row["month"], row["cost_usd"], row["calls"]) for row in rows] == [
        ("2026-11", 12.0, 4),
        ("2026-10", 5.0, 1),
    ]


async def test_payments_have_declines_by_family_and_volume_by_currency(office: Office) -> None:
    await office.desk.send(
        *(event("payment", amount=10.0, currency="EUR") for _ in range(6)),
        event("payment", amount=5.0, currency="USD"),
        *(event("payment", outcome="declined", decline_code="insufficient_funds") for _ in range(3)),
        event("payment", outcome="declined", decline_code="expired_card"),
        event("payment", outcome="timeout"),
        event("payment", outcome="disputed"),
    )
    found = await office.ask("payment-summary")
    hour = found["windows"]["1h"]
    assert (hour["payments"], hour["succeeded"], hour["disputed"]) == (12, 7, 1)
    assert hour["success_ratio"] == pytest.approx(7 / 12, abs=1e-6)
    assert hour["reasons"] == {"declined": 4, "timeout": 1}
    assert [(row["family"], row["declines"], row["share"]) for row in found["declines"]] == [
        ("funds", 3, 0.75),
        ("card_data", 1, 0.25),
    ]
    assert [(row["currency"], row["amount"], row["payments"]) for row in found["volume"]] == [
        ("EUR", 60.0, 6),
        ("USD", 5.0, 1),
    ]


async def test_traffic_is_by_country_client_and_route(office: Office) -> None:
    await office.desk.send(
        event("traffic", country="DE", views=60),
        event("traffic", country="DE", client="bot", views=15, route="/shop"),
        event("traffic", country="FR", views=25),
        event("traffic", client="suspicious", views=10),
    )
    found = await office.ask("traffic-summary")
    day = found["windows"]["24h"]
    assert {name: day[name] for name in ("views", "human", "bot", "suspicious")} == {
        "views": 110,
        "human": 85,
        "bot": 15,
        "suspicious": 10,
    }
    assert [(row["country"], row["views"], row["bot"], row["share"]) for row in found["countries"]] == [
        ("DE", 75, 15, 0.75),
        ("FR", 25, 0, 0.25),
    ]
    assert [(row["route"], row["views"]) for row in found["routes"]] == [("/", 95), ("/shop", 15)]


async def test_widgets_and_sign_ins_come_worst_first(office: Office) -> None:
    await office.desk.send(
        *(event("widget", release="1", duration=0.2) for _ in range(9)),
        event("widget", release="1", outcome="load_error"),
        *(event("widget", release="2", duration=3.0) for _ in range(5)),
        *(event("widget", release="2", outcome="script_error") for _ in range(5)),
        *(event("auth", method="password", country="DE", outcome="failure") for _ in range(3)),
        event("auth", method="passkey", country="DE"),
    )
    rows = (await office.ask("widget-summary"))["widgets"]
    assert [(row["release"], row["loads"], row["failure_ratio"], row["reasons"]) for row in rows] == [
        ("2", 5, 1.0, {"script_error": 5}),
        ("1", 10, 0.1, {"load_error": 1}),
    ]
    assert rows[0]["p95_seconds"] == pytest.approx(3.0, rel=0.101)
    found = await office.ask("sign-in-summary")
    assert [(row["method"], row["sign_ins"], row["failures"]) for row in found["methods"]] == [
        ("password", 3, 3),
        ("passkey", 1, 0),
    ]
    assert [(row["country"], row["failures"]) for row in found["countries"]] == [("DE", 3)]


@pytest.mark.parametrize("path", sorted(PATHS))
async def test_a_bound_token_reads_its_tenants_alone(office: Office, path: str) -> None:
    for kind in ("api_request", "ai_usage", "payment", "traffic", "widget", "auth"):
        more = {"cost": 1.0} if kind == "ai_usage" else {}
        await office.desk.send(
            event(kind, tenant="acme", **more), event(kind, tenant="globex", **more), event(kind)
        )

    def count(found: Any) -> Any:
        hour = found["windows"]["1h"]
        hour = hour.get("requests", hour)
        return next(
            hour[name]
            for name in ("requests", "calls", "payments", "views", "loads", "sign_ins")
            if name in hour
        )

    assert count(await office.ask(path)) == 3
    assert count(await office.ask(f"{path}?tenant=globex")) == 1
    assert count(await office.ask(path, "bound_admin")) == 1
    assert (await office.reply(f"{path}?tenant=globex", "bound_admin")).status == 404
    assert (await office.reply(f"{path}?tenant=*", "bound_admin")).status == 404


async def test_a_tenant_that_only_events_know_is_known(office: Office) -> None:
    assert (await office.reply("api-health?tenant=initech")).status == 404
    await office.desk.send(event("api_request", tenant="initech"))
    found = await office.ask("api-health?tenant=initech")
    assert found["windows"]["1h"]["requests"]["requests"] == 1
    assert (await office.reply("api-health?tenant=initech", "bound_viewer")).status == 404


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("api-health?window=90d", "window must be one of 1h, 24h, 7d, 30d; did you mean 30d?"),
        ("cost-summary?by=year", "by must be one of endpoint, day, month"),
        ("payment-summary?limit=5000", "limit must be a number from 0 to 1000"),
    ],
)
async def test_a_query_of_no_use_gets_a_sentence(office: Office, query: str, said: str) -> None:
    reply = await office.reply(query)
    assert (reply.status, reply.json["error"]) == (400, said)


async def test_the_name_of_before_answers_the_same(office: Office) -> None:
    await report_requests(office)
    reply = await office.house.ask("/api/admin/enterprise/api-health", headers=bearer(TOKENS["viewer"]))
    assert reply.json == await office.ask("api-health", "viewer")


async def test_without_the_store_summaries_say_so(tmp_path: Path) -> None:
    async with house(Room([state("web")])) as made:
        for path in PATHS:
            reply = await made.ask(f"/api/v1/{path}")
            assert reply.status == 503
            assert "the store does not answer" in reply.json["error"]


@pytest.fixture
def commands(office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setenv("INTEGRATION_EXPORTER_URL", office.house.url)
    monkeypatch.setenv("INTEGRATION_EXPORTER_TOKEN", TOKENS["admin"])
    return office


async def run(*words: str) -> int:
    return await asyncio.to_thread(main, words)


EVERY = [(action, by) for action, (_, subjects) in ACTIONS.items() for by in subjects]


def test_what_commands_may_be_about_is_what_they_know_to_print() -> None:
    assert {action: set(parts) for action, (_, parts) in SUMMARIES.items()} == {
        action: set(subjects) for action, (_, subjects) in ACTIONS.items()
    }


@pytest.mark.parametrize(("action", "by"), EVERY)
async def test_a_command_prints_each_summary_as_table_csv_and_json(
    commands: Office, action: str, by: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run("events", action, f"--by={by}") == 0
    said = capsys.readouterr()
    assert f"no {action} are counted yet" in said.err or by == "window"
    await report_requests(commands)
    await commands.desk.send(
        event("payment", outcome="declined", currency="EUR"),
        event("payment", currency="EUR", amount=5.0),
        event("traffic", country="DE"),
        event("widget", duration=1.0),
        event("auth", method="password", country="DE"),
    )
    assert await run("events", action, f"--by={by}") == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert lines
    subject = SUMMARIES[action][1][by].subject
    assert heading.split()[: len(subject)] == [word.upper() for word in subject]
    assert await run("events", action, f"--by={by}", "--csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == len(lines)
    assert await run("events", action, f"--by={by}", "--json", "--limit=1") == 0
    assert [set(json.loads(line)) >= set(subject) for line in capsys.readouterr().out.splitlines()]


async def test_the_command_for_costs_says_what_the_month_will_come_to(
    commands: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    for day in range(10):
        commands.put(day * DAY, AI, "flux", amount=2.0)
    assert await run("events", "costs") == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[1].split()[:2] == ["flux", "4.00"]
    assert "2026-11: 20.00 USD so far" in said.err and "2026-10: 0.00" in said.err
