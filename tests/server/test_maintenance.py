"""Maintenance windows by API and on the command line: who may make which, what is refused and audited."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from exporter.alertmanager.client import AlertmanagerClient
from exporter.cli import main
from exporter.core.alertmanager import AlertmanagerAddress
from exporter.core.maintenance import MaintenanceSpan, MaintenanceWindow
from exporter.core.notice import Notice
from exporter.net.network import LoopNetwork
from exporter.notices.contact import AlertmanagerContact
from exporter.notices.maintenance import KEPT, MaintenanceKeeper
from exporter.server.handlers.maintenance import MOST
from exporter.store.database import Database
from exporter.store.maintenance import MaintenanceStore
from exporter.store.subjects import notices
from tests.server.house import NOW, House, Reply, Room, bearer, house, state

OPS, ACME = bearer("ops-0123456789abcdef"), bearer("acme-0123456789abcdef")
TOKENS = """
bearer_tokens:
  - {name: ops, token: ops-0123456789abcdef, roles: [admin]}
  - {name: acme, token: acme-0123456789abcdef, roles: [admin], tenants: [acme]}
"""
OF_THE_FILE = MaintenanceWindow(
    "fixed", integrations=("payments",), once=MaintenanceSpan(NOW - 60, NOW + 3600), comment="of the file"
)


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(NOW + seconds, UTC).isoformat()


WINDOW = {
    "name": "upgrade",
    "integrations": ["payments"],
    "start": moment(60),
    "end": moment(7200),
    "comment": "PostgreSQL 17",
}
WEEKLY = {"days": "monday:friday", "start": "23:30", "end": "24:00", "time_zone": "Europe/Berlin"}


@dataclass
class WindowDesk:
    """A server with windows, and a short way to ask it."""

    house: House
    room: Room
    keeper: MaintenanceKeeper

    async def ask(self, method: str, path: str = "", body: Any = None, who: dict[str, str] = OPS) -> Reply:
        data = None if body is None else json.dumps(body)
        return await self.house.ask(f"/api/v1/maintenance{path}", method, who, admin=False, data=data)

    async def make(self, who: dict[str, str] = OPS, **changes: Any) -> Reply:
        body = {key: value for key, value in (WINDOW | changes).items() if value is not None}
        return await self.ask("POST", "", body, who)

    async def names(self, who: dict[str, str] = OPS) -> list[str]:
        return [one["name"] for one in (await self.ask("GET", "", None, who)).json["maintenance"]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/state.db")
    made.open()
    # Alerts of rules elsewhere are known by the notices of them.
    for number, alert in enumerate(("QueueLong", "Queue long: \N{SNOWMAN}")):
        once = Notice(NOW, "firing", alert, "low", "", "", "", f"{number:016}", NOW)
        with made.writing() as connection:
            notices.add_new(connection, [[once]])
    yield made
    made.close()


def keeper_of(store: Database, network: LoopNetwork, now: Callable[[], float]) -> MaintenanceKeeper:
    client = AlertmanagerClient(network, lambda: AlertmanagerAddress(()))
    contact = AlertmanagerContact(lambda *_: None)
    keeper = MaintenanceKeeper(
        client, MaintenanceStore(store), contact, lambda *_: None, lambda *_: None, now
    )
    keeper.take(OF_THE_FILE)
    return keeper


@pytest.fixture
async def desk(tmp_path: Path, store: Database) -> AsyncIterator[WindowDesk]:
    path = tmp_path / "web.yml"
    path.write_text(TOKENS)
    network = LoopNetwork()
    room = Room([state("payments", "acme"), state("calendar", "globex")], path=path, store=store)
    room.maintenance = keeper_of(store, network, lambda: room.now)
    async with house(room) as made:
        yield WindowDesk(made, room, room.maintenance)
    await network.close()


async def test_a_window_is_made_listed_audited_and_removed(desk: WindowDesk, store: Database) -> None:
    made = await desk.make()
    assert made.status == 201 and made.headers["location"].endswith("/api/v1/maintenance/upgrade")
    assert made.json == {
        "name": "upgrade",
        "state": "planned",
        "starts": moment(60).replace("+00:00", "Z"),
        "ends": moment(7200).replace("+00:00", "Z"),
        "integrations": ["payments"],
        **{name: [] for name in ("providers", "tenants", "alerts", "severities")},
        "weekly": None,
        "comment": "PostgreSQL 17",
        "origin": "api",
        "author": "token:ops",
        "created": moment(0).replace("+00:00", "Z"),
        "notes": [],
    }
    listed = (await desk.ask("GET")).json
    assert [(one["name"], one["origin"], one["state"]) for one in listed["maintenance"]] == [
        ("fixed", "file", "active"),
        ("upgrade", "api", "planned"),
    ]
    # Another process with the same store knows of it, too.
    network = LoopNetwork()
    other, said = keeper_of(store, network, lambda: NOW), list[int]()
    other.on_foreign = lambda: said.append(len(other.windows()))
    await other.refresh()
    await other.refresh()
    assert [one.name for one in other.windows()] == ["fixed", "upgrade"] and said == [2]
    await network.close()
    assert (await desk.ask("DELETE", "/upgrade")).status == 204
    assert await desk.names() == ["fixed"]
    entries = [(one.actor, one.action, one.resource) for one in desk.room.audit]
    assert entries == [
        ("token:ops", "maintenance.created", "upgrade"),
        ("token:ops", "maintenance.removed", "upgrade"),
    ]


async def test_a_weekly_one_says_when_it_opens_next(desk: WindowDesk) -> None:
    made = (await desk.make(start=None, end=None, weekly=WEEKLY)).json
    days = ["monday", "tuesday", "wednesday", "thursday", "friday"]
    assert made["weekly"] == {**WEEKLY, "days": days}
    assert made["starts"].endswith("T22:30:00Z") and made["ends"].endswith("T23:00:00Z")


@pytest.mark.parametrize(
    ("changes", "status", "expected"),
    [
        ({"integrations": []}, 400, "the window does not say what it is about"),
        (
            {"integrations": ["payment"]},
            400,
            "integrations.0: the window names an integration that there is not",
        ),
        ({"end": moment(30)}, 400, "end: end is not after start"),
        ({"end": moment(8 * 86_400)}, 400, "more than 7 days"),
        ({"start": moment(-7200), "end": moment(-3600)}, 400, "over already"),
        ({"weekly": WEEKLY}, 400, "weekly, and has start or end too"),
        ({"name": "a b"}, 400, "name"),
        ({"for": "2h"}, 400, "give for, or end, or weekly"),
        ({"end": None, "for": "soon"}, 400, "write for as a duration"),
        ({"end": None, "for": ["2h"]}, 400, "write for as a duration"),
        ({"end": None, "for": "8d"}, 400, "more than 7 days"),
        ({"end": None, "for": "2h", "start": "tomorrow"}, 400, "and start as"),
        ({"whatever": 1}, 400, "whatever"),
        ({"severities": ["huge"]}, 400, "severities"),
        ({"name": "fixed"}, 409, "there is a window fixed already"),
    ],
)
async def test_what_is_no_window_is_refused_with_its_reason(
    desk: WindowDesk, changes: dict[str, Any], status: int, expected: str
) -> None:
    refused = await desk.make(**changes)
    assert refused.status == status and expected in refused.json["error"], refused.text
    assert await desk.names() == ["fixed"] and desk.room.audit == []


async def test_from_now_on_for_a_while_needs_no_name_and_no_time(desk: WindowDesk, store: Database) -> None:
    short = {"integrations": ["payments"], "tenants": ["acme"], "for": "2h"}
    made = [await desk.ask("POST", "", short) for _ in range(2)]
    assert [(one.status, one.json["name"], one.json["state"]) for one in made] == [
        (201, "payments-acme", "active"),
        (201, "payments-acme-2", "active"),
    ]
    ends = datetime.fromisoformat(made[0].json["ends"]).timestamp()
    assert ends - datetime.fromisoformat(made[0].json["starts"]).timestamp() == 7200
    later = await desk.ask(
        "POST", "", {"alerts": ["Queue long: \N{SNOWMAN}"], "for": "1h", "start": moment(60)}
    )
    assert (later.status, later.json["name"], later.json["state"]) == (201, "Queue-long", "planned")
    # Another process reads from the store what was completed here.
    network = LoopNetwork()
    other = keeper_of(store, network, lambda: NOW)
    await other.refresh()
    assert {"payments-acme", "payments-acme-2", "Queue-long"} < {one.name for one in other.windows()}
    await network.close()


async def test_an_alert_that_nobody_knows_is_noted(desk: WindowDesk) -> None:
    made = await desk.make(alerts=["IntegrationDown", "QueueLong"])
    assert made.json["notes"] == ["QueueLong is none of the exporter's alerts"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tenants": ["acmee"]}, "there is no tenant 'acmee'; did you mean acme?"),
        ({"tenants": ["acme", "initech"]}, "there is no tenant 'initech'"),
        ({"alerts": ["IntegrationDwn"]}, "there is no alert 'IntegrationDwn'; did you mean IntegrationDown"),
        ({"alerts": ["QueueLong", "Q"]}, "one of a rule elsewhere is known once it has fired"),
    ],
)
async def test_a_window_about_what_there_is_not_is_refused(
    desk: WindowDesk, changes: dict[str, Any], said: str
) -> None:
    made = await desk.make(**changes)
    assert made.status == 400 and said in made.json["error"]
    assert await desk.names() == ["fixed"]


async def test_a_caller_bound_to_tenants_has_windows_of_these_alone(desk: WindowDesk) -> None:
    for tenants in ([], ["globex"], ["acme", "globex"]):
        assert (await desk.make(ACME, tenants=tenants)).status == 403
    assert (await desk.make(ACME, tenants=["acme"])).status == 201
    assert (await desk.make(name="others", tenants=["acme", "globex"])).status == 201
    assert await desk.names(ACME) == ["upgrade"]
    assert await desk.names() == ["fixed", "others", "upgrade"]
    for name in ("others", "fixed", "unknown"):
        assert (await desk.ask("DELETE", f"/{name}", None, ACME)).status == 404
    assert (await desk.ask("DELETE", "/upgrade", None, ACME)).status == 204


async def test_one_of_the_file_is_removed_there(desk: WindowDesk) -> None:
    refused = await desk.ask("DELETE", "/fixed")
    assert refused.status == 409 and "configuration file" in refused.json["error"]


async def test_windows_are_bounded_and_those_that_are_over_go(desk: WindowDesk) -> None:
    for number in range(MOST):
        await desk.make(name=f"w{number}")
    refused = await desk.make(name="one-more")
    assert refused.status == 409 and "remove one" in refused.json["error"]
    desk.room.now += KEPT
    await desk.keeper.refresh()
    assert len(await desk.names()) == MOST + 1
    desk.room.now += 7201
    await desk.keeper.refresh()
    assert await desk.names() == ["fixed"]


async def test_a_store_that_fails_is_a_503_and_no_window(
    desk: WindowDesk, store: Database, tmp_path: Path
) -> None:
    store.close()
    (tmp_path / "state.db").unlink()
    assert (await desk.make()).status == 503
    assert await desk.names() == ["fixed"]


Run = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def run(desk: WindowDesk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    token = tmp_path / "token"
    token.write_text("ops-0123456789abcdef")

    async def command(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        flags = ("--exporter.url", desk.house.url, "--token-file", str(token))
        code = await asyncio.to_thread(main, ["maintenance", *words, *flags])
        out, err = capsys.readouterr()
        return code, out, err

    return command


async def test_the_command_adds_lists_and_removes(desk: WindowDesk, run: Run) -> None:
    # Ahead of the command: what it begins now is open then, however long it takes.
    desk.room.now = datetime.now(UTC).timestamp() + 600
    code, out, err = await run(
        "add", "moves", "--integration", "payments", "--for", "2h", "--alert", "QueueLong"
    )
    assert code == 0 and "moves" in out and "active" in out and "note: QueueLong is none" in err
    code, out, _ = await run("list", "--json")
    rows = {one["name"]: one for one in map(json.loads, out.splitlines())}
    begins, ends = (datetime.fromisoformat(rows["moves"][name]) for name in ("starts", "ends"))
    assert (ends - begins).total_seconds() == 7200 and rows["moves"]["alerts"] == ["QueueLong"]
    code, out, _ = await run("list", "--csv")
    assert code == 0 and out.startswith("name,state,starts")
    code, out, err = await run("remove", "moves")
    assert (code, out) == (0, "") and "moves is removed" in err
    code, out, err = await run("remove", "moves")
    assert code == 1 and "there is no such window" in err


async def test_the_command_says_what_is_wrong(run: Run) -> None:
    code, _, err = await run("add", "x", "--integration", "payments", "--for", "soon")
    assert code == 1 and "write --for as a duration" in err
    code, _, err = await run("add", "x", "--for", "1h")
    assert code == 1 and "does not say what it is about" in err
