"""Lists and statistics: what is stored comes out whole, narrowed, in pages, and in every form."""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest
from sqlalchemy import Connection

from exporter.core.clock import iso
from exporter.core.errors import StoreError
from exporter.core.reason import Reason
from exporter.core.store import Failure, StateChange
from exporter.core.summary import HOUR, Summaries, Summary
from exporter.server.export import csv_line
from exporter.server.stream import PORTION
from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database
from tests.server.house import NOW, House, Room, bearer, house, state
from tests.server.test_access import TOKENS, web_config

T = TypeVar("T")

FORMULA = '=HYPERLINK("http://evil.example"), and a "quoted" line\nand another'


def failure(
    at: float, integration: str, tenant: str, reason: Reason = Reason.AUTH, detail: str = ""
) -> Failure:
    return Failure(
        at, (integration, tenant), "stripe", reason, detail, 0.25, 401, ((0.1, "asked"),), "4bf92f"
    )


def summary(hours_ago: int, seconds: float, failed: int = 0) -> Summary:
    made = Summary(int(NOW // HOUR - hours_ago) * HOUR, "stripe")
    for _ in range(20 - failed):
        made.add_success(seconds)
    for _ in range(failed):
        made.add_failure("auth")
    made.add_watch(60.0 * failed, failing=True)
    made.add_watch(60.0 * (20 - failed), failing=False)
    return made


def summaries() -> Summaries:
    found = [
        (("payments", "acme"), summary(0, 0.1, failed=5)),
        (("payments", "acme"), summary(26, 0.4)),
        (("payments", "globex"), summary(1, 0.2)),
        (("mail", "globex"), summary(20, 0.5, failed=1)),
    ]
    return {(key, made.hour): made for key, made in found}


def written() -> CheckBatch:
    return CheckBatch(
        failures=[
            failure(NOW - 7200, "payments", "acme", detail=FORMULA),
            failure(NOW - 3600, "mail", "globex", Reason.DNS),
            failure(NOW - 60, "payments", "globex"),
            *(failure(NOW - 100_000 - at, "old", "acme") for at in range(PORTION)),
        ],
        changes=[
            StateChange(
                NOW - 60, ("payments", "acme"), "stripe", "connected", "error", Reason.AUTH, "refused"
            )
        ],
        summaries=summaries(),
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('store')}/state.db", replica="west")
    made.open()
    made.write([written()])
    yield made
    made.close()


@pytest.fixture
async def served(tmp_path: Path, store: Database) -> AsyncIterator[House]:
    states = [
        state("payments", "acme", "error", Reason.AUTH, since=NOW - 60),
        state("payments", "globex", since=NOW - 5000),
        state("mail", "globex", "not_configured", since=NOW - 9000),
        state("mail", "initech", since=NOW - 9000),
        state("web", "", "error", Reason.DNS),
    ]
    async with house(Room(states, path=web_config(tmp_path), store=store)) as made:
        yield made


async def asked(served: House, path: str, token: str = "viewer") -> Any:
    reply = await served.ask(f"/api/v1/{path}", headers=bearer(TOKENS[token]))
    assert reply.status == 200, reply.text
    return reply.json


async def test_errors_come_newest_first_with_all_that_is_known_of_them(served: House) -> None:
    found = await asked(served, "errors?limit=3")
    assert [row["integration"] for row in found["errors"]] == ["payments", "mail", "payments"]
    assert found["errors"][0] == {
        "at": iso(NOW - 60),
        "integration": "payments",
        "tenant": "globex",
        "provider": "stripe",
        "reason": "auth",
        "meaning": Reason.AUTH.meaning,
        "detail": "",
        "duration_seconds": 0.25,
        "http_status": 401,
        "log": [{"after_seconds": 0.1, "text": "asked"}],
        "trace_id": "4bf92f",
        "replica": "west",
    }


async def test_pages_of_errors_join_without_a_gap(served: House) -> None:
    seen, path = 0, "errors?limit=400"
    while path:
        found = await asked(served, path)
        seen += len(found["errors"])
        path = found["next"] and f"errors?limit=400&after={found['next']}"
    assert seen == PORTION + 3


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("since=90m", 2),
        ("since=1794996400", 2),
        ("since=2h&until=30m", 2),
        ("since=2026-11-01T00:00:00Z&tenant=globex", 2),
        ("integration=mail", 1),
        ("reason=dns", 1),
        ("tenant=globex&integration=payments", 1),
        ("tenant=initech", 0),
        ("integration=old&since=1h", 0),
    ],
)
async def test_a_list_is_narrowed_by_its_query(served: House, query: str, count: int) -> None:
    assert len((await asked(served, f"errors?{query}"))["errors"]) == count


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("errors?since=yesterday", "since must be a time such as"),
        ("errors?until=-5", "until must be a time"),
        ("errors?since=9e99", "since must be a time"),
        ("errors?reason=nonsense", "reason must be one of"),
        ("errors?reason=timeot", "did you mean timeout?"),
        (
            "notices?severity=hihg",
            "severity must be one of critical, high, medium, low, none; did you mean high?",
        ),
        ("notices?state=resolvd", "did you mean resolved?"),
        ("alert-noise?severity=hihg", "did you mean high?"),
        ("alert-noise?window=24", "did you mean 24h?"),
        ("errors?after=x_y", "after must be what the page before gave"),
        ("errors?after=nan_1", "after must be"),
        ("errors?limit=5000", "limit must be a number from 0 to 1000"),
        ("errors?format=xml", "format must be one of json, ndjson, csv"),
        ("stats?window=2h", "window must be one of 1h, 24h"),
        ("stats?by=provider", "by must be one of target"),
    ],
)
async def test_a_query_of_no_use_gets_a_sentence(served: House, path: str, words: str) -> None:
    reply = await served.ask(f"/api/v1/{path}", headers=bearer(TOKENS["admin"]))
    assert reply.status == 400
    assert words in reply.json["error"]


@pytest.mark.parametrize(
    "path", ["errors", "changes", "tenants", "stats", "errors?format=csv", "stats?by=tenant"]
)
async def test_a_bound_token_reads_its_tenants_alone_in_every_form(served: House, path: str) -> None:
    reply = await served.ask(f"/api/v1/{path}", headers=bearer(TOKENS["bound_viewer"]))
    assert reply.status == 200
    assert "acme" in reply.text
    assert "globex" not in reply.text
    assert "initech" not in reply.text


async def test_a_whole_list_is_exported_as_ndjson(served: House) -> None:
    reply = await served.ask("/api/v1/errors?format=ndjson", headers=bearer(TOKENS["viewer"]))
    rows = [json.loads(line) for line in reply.text.splitlines()]
    assert reply.headers["content-type"] == "application/x-ndjson; charset=utf-8"
    assert len(rows) == PORTION + 3
    assert rows[2]["detail"] == FORMULA
    short = await served.ask("/api/v1/errors?format=ndjson&limit=2", headers=bearer(TOKENS["viewer"]))
    assert [json.loads(line) for line in short.text.splitlines()] == rows[:2]


async def test_a_whole_list_is_exported_as_csv_that_no_spreadsheet_runs(served: House) -> None:
    reply = await served.ask("/api/v1/errors?format=csv", headers=bearer(TOKENS["viewer"]))
    rows = list(csv.DictReader(io.StringIO(reply.text, newline="")))
    assert reply.headers["content-disposition"] == 'attachment; filename="errors.csv"'
    assert len(rows) == PORTION + 3
    assert rows[2]["detail"] == f"'{FORMULA}"
    assert json.loads(rows[2]["log"]) == [{"after_seconds": 0.1, "text": "asked"}]


async def test_changes_are_listed(served: House) -> None:
    (row,) = (await asked(served, "changes?integration=payments"))["changes"]
    assert (row["before"], row["status"], row["reason"], row["replica"]) == (
        "connected",
        "error",
        "auth",
        "west",
    )


async def test_tenants_come_worst_first_with_their_integrations(served: House) -> None:
    found = await asked(served, "tenants")
    assert [(row["tenant"], row["status"], row["failing"]) for row in found["tenants"]] == [
        ("acme", "error", 1),
        ("globex", "not_configured", 0),
        ("initech", "connected", 0),
    ]
    assert found["tenants"][1]["statuses"] == {"payments": "connected", "mail": "not_configured"}
    assert found["total"] == 3
    second = await asked(served, "tenants?limit=1&offset=1")
    assert [row["tenant"] for row in second["tenants"]] == ["globex"]
    assert second["next_offset"] == 2
    assert [row["tenant"] for row in (await asked(served, "tenants?since=2h"))["tenants"]] == [
        "acme",
        "globex",
    ]


async def test_statistics_stand_beside_the_window_before_the_worst_first(served: House) -> None:
    found = await asked(served, "stats?window=24h")
    assert [(row["integration"], row["tenant"]) for row in found["stats"]] == [
        ("payments", "acme"),
        ("mail", "globex"),
        ("payments", "globex"),
    ]
    worst = found["stats"][0]
    assert (worst["runs"], worst["failed"], worst["uptime"], worst["error_ratio"]) == (20, 5, 0.75, 0.25)
    assert worst["p95_seconds"] == pytest.approx(0.1, rel=0.101)
    assert worst["reasons"] == {"auth": 5}
    assert (worst["before"]["uptime"], worst["before"]["runs"]) == (1.0, 20)
    assert worst["before"]["p50_seconds"] == pytest.approx(0.4, rel=0.101)
    assert found["stats"][1]["before"] is None


async def test_statistics_are_by_integration_or_tenant_too_and_in_pages(served: House) -> None:
    found = await asked(served, "stats?by=integration&limit=1")
    assert [(row["integration"], row["runs"]) for row in found["stats"]] == [("payments", 40)]
    assert found["next_offset"] == 1
    rest = await asked(served, "stats?by=integration&offset=1")
    assert [row["integration"] for row in rest["stats"]] == ["mail"]
    assert rest["next_offset"] is None
    (row,) = (await asked(served, "stats?by=tenant&window=1h&tenant=acme"))["stats"]
    assert row["tenant"] == "acme"
    assert "integration" not in row


@pytest.mark.parametrize(
    "path",
    ["errors", "changes", "tenants", "stats", "targets", "history", "errors?format=csv", "stats?format=csv"],
)
async def test_a_name_that_nobody_has_is_no_empty_list(served: House, path: str) -> None:
    for query, said in (
        ("tenant=globexx", "there is no tenant 'globexx'; did you mean globex?"),
        ("integration=paymnets", "there is no integration 'paymnets'; did you mean payments?"),
        ("integration=quux&tenant=acme", "there is no integration 'quux'"),
        ("integration=mail&tenant=acme", "mail has no tenant 'acme'"),
    ):
        whole = f"/api/v1/{path}{'&' if '?' in path else '?'}{query}"
        reply = await served.ask(whole, headers=bearer(TOKENS["viewer"]))
        assert (reply.status, reply.json["error"]) == (404, said)


async def test_a_target_that_is_gone_is_known_as_long_as_the_store_has_something_of_it(served: House) -> None:
    assert len((await asked(served, "errors?integration=old&tenant=acme"))["errors"]) == 100
    assert (await asked(served, "changes?integration=old"))["changes"] == []
    reply = await served.ask("/api/v1/tenants?integration=old", headers=bearer(TOKENS["viewer"]))
    assert reply.status == 404  # it lists what there is now


async def test_who_is_bound_to_a_tenant_learns_nothing_of_the_names_of_others(served: House) -> None:
    for query in ("tenant=globex", "tenant=quuxgl", "integration=web"):
        reply = await served.ask(f"/api/v1/errors?{query}", headers=bearer(TOKENS["bound_viewer"]))
        assert reply.status == 404 and "did you mean" not in reply.text


async def test_statistics_as_csv_have_the_window_before_in_columns(served: House) -> None:
    reply = await served.ask("/api/v1/stats?format=csv", headers=bearer(TOKENS["viewer"]))
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    assert [(row["tenant"], row["before_uptime"]) for row in rows] == [
        ("acme", "1.0"),
        ("globex", ""),
        ("globex", ""),
    ]


async def test_what_is_wrong_with_sources_of_tenants_is_reported_to_those_who_see_all(tmp_path: Path) -> None:
    warning = "tenants.http of web: rows are left out"
    room = Room([state("web", "acme")], path=web_config(tmp_path), tenant_warnings=(warning,))
    async with house(room) as made:
        assert (await asked(made, "tenants"))["warnings"] == [warning]
        assert "warnings" not in await asked(made, "tenants", "bound_viewer")


@pytest.mark.parametrize("path", ["errors", "changes?format=csv", "stats", "stats?format=ndjson"])
async def test_without_the_store_lists_say_so_and_nothing_of_its_address(tmp_path: Path, path: str) -> None:
    async with house(Room([state("web")])) as made:
        reply = await made.ask(f"/api/v1/{path}")
        assert reply.status == 503
        assert "the store does not answer" in reply.json["error"]
        assert "somewhere" not in reply.text
        assert (await made.ask("/api/v1/tenants")).status == 200  # it comes from memory


class BreakingStore(Database):
    """Fails after the first portion of an export."""

    reads = 0

    def read(self, call: Callable[[Connection], T]) -> T:
        self.reads += 1
        if self.reads > 1:
            raise StoreError("the disk went away")
        return super().read(call)


async def test_an_export_that_breaks_off_cannot_be_taken_for_a_whole_one(store: Database) -> None:
    breaking = BreakingStore(str(store.url))
    breaking.open()
    async with house(Room([state("web")], store=breaking)) as made:
        with pytest.raises(aiohttp.ClientError):
            await made.ask("/api/v1/errors?format=ndjson")
    assert breaking.reads == 2
    breaking.close()


@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_targets_are_exported_whole_the_failing_ones_first(served: House, form: str) -> None:
    caller = bearer(TOKENS["viewer"])
    whole = (await served.ask("/api/v1/targets", headers=caller)).json["targets"]
    text = (await served.ask(f"/api/v1/targets?format={form}", headers=caller)).text
    rows: list[dict[str, Any]] = (
        [json.loads(line) for line in text.splitlines()]
        if form == "ndjson"
        else list(csv.DictReader(io.StringIO(text)))
    )
    assert [row["integration"] for row in rows] == [row["integration"] for row in whole] != []
    few = (await served.ask(f"/api/v1/targets?format={form}&limit=1&offset=1", headers=caller)).text
    assert rows[1]["integration"] in few and len(few.splitlines()) == (2 if form == "csv" else 1)


@pytest.mark.parametrize("sign", [*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20"])
def test_no_cell_of_csv_begins_as_a_formula(sign: str) -> None:
    assert csv_line([f"{sign}1+1", -1, "a=1"]).lstrip('"').startswith(f"'{sign}1+1")
    assert csv_line([-1.5, "a=1"]) == "-1.5,a=1"
