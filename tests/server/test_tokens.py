"""Tokens by HTTP and from the command line: what is shown, who may refresh, what came of it."""

import asyncio
import csv
import io
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from exporter.cli import main
from exporter.core.clock import SystemClock
from exporter.core.errors import Shortage
from exporter.core.network import Trace
from exporter.core.probe import TargetKey
from exporter.core.secret import Secret
from exporter.core.token import TokenEvent
from exporter.engine.board import TargetState
from exporter.net.network import LoopNetwork
from exporter.sandbox.oauth import OAuthServer, serving
from exporter.server.services import Services
from exporter.server.tokens import refresh_token
from exporter.server.web_config.file import WebConfigFile
from exporter.store.database import Database
from exporter.store.encryption import Seals
from exporter.store.tokens import TokenStore
from exporter.store.writer import Writer
from exporter.tokens.manager import TokenManager
from tests.server.house import CHANGE, House, Room, bearer, house
from tests.tokens.endpoints import configured, grant_of, made
from tests.waiting import PATIENCE

WEB = """
bearer_tokens:
  - {name: ann, token: ann-0123456789abcdef, roles: [admin]}
  - {name: acme, token: acme-0123456789abcdef, roles: [admin], tenants: [t0]}
  - {name: viewer, token: viewer-0123456789abcdef, roles: [viewer]}
"""


@dataclass
class TokenRoom(Room):
    """A room whose targets are those of `tokens`, at the time of the clock; `writer` writes their log."""

    writer: Writer | None = None

    def services(self, web_config: WebConfigFile) -> Services:
        assert self.tokens is not None and self.writer is not None
        flush = partial(self.writer.flush, PATIENCE)
        self.states = [TargetState(target=target) for target, _ in self.tokens.accounts()]
        return replace(super().services(web_config), now=time.time, flush=flush)


@pytest.fixture
async def server() -> AsyncIterator[OAuthServer]:
    async with serving(OAuthServer(rotation="strict")) as started:
        yield started


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'state.db'}")
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
async def writer(database: Database) -> AsyncIterator[Writer]:
    made_writer = Writer(database)
    yield made_writer
    await made_writer.close(PATIENCE)


@pytest.fixture
async def manager(server: OAuthServer, database: Database, writer: Writer) -> AsyncIterator[TokenManager]:
    """Thirty tenants of a calendar; the one named `bad` was revoked."""
    network = LoopNetwork()
    store = TokenStore(database, Seals((Secret(Fernet.generate_key().decode()),)))
    made_manager = TokenManager(network, SystemClock(), store=store, submit=writer.submit)
    names = [*(f"t{number}" for number in range(29)), "bad"]
    targets = [made(server, "calendar", name, refresh_token=Secret(server.connect(name))) for name in names]
    server.revoke("bad")
    made_manager.apply(configured(*targets))
    yield made_manager
    await made_manager.stop(PATIENCE)
    await network.close()


@pytest.fixture
async def place(manager: TokenManager, database: Database, writer: Writer) -> AsyncIterator[House]:
    async with house(TokenRoom([], tokens=manager, store=database, writer=writer)) as running:
        yield running


async def finished(place: House, job: str, headers: Any = None) -> Any:
    async with asyncio.timeout(PATIENCE):
        while True:
            found = (await place.ask(f"/api/v1/tokens/refresh/{job}", headers=headers)).json
            if found["state"] == "done":
                return found
            await asyncio.sleep(0.05)


async def test_many_refreshes_are_a_job_whose_results_are_in_the_log_without_any_token(
    place: House, server: OAuthServer, manager: TokenManager
) -> None:
    started = await place.ask("/api/v1/tokens/refresh", "POST", CHANGE, json={"all": True})
    assert started.status == 202 and started.json["total"] == 30
    assert started.headers["location"].endswith(started.json["id"])
    job = await finished(place, started.json["id"])
    assert job["summary"] == {"ok": 29, "invalid_grant": 1}
    listed = await place.ask("/api/v1/tokens?limit=3")
    assert listed.json["counts"] == {"unknown": 30, "valid": 29, "refused": 1}
    first = listed.json["tokens"][0]
    assert (first["tenant"], first["state"], first["reason"]) == ("bad", "refused", "invalid_grant")
    log = await place.ask("/api/v1/tokens/log?result=failed")
    entry = log.json["log"][0]
    assert (entry["tenant"], entry["actor"], entry["operation"]) == ("bad", "admin-token", "refresh")
    assert entry["reason"] == "invalid_grant" and entry["duration_seconds"] >= 0
    everything = "".join([started.text, json.dumps(job), listed.text, log.text])
    everything += (await place.ask("/api/v1/tokens?format=csv")).text
    for one in server.connections.values():
        assert not any(token in everything for token in (*one.refresh, *one.access, *one.used))
    soon = await place.ask("/api/v1/tokens?expiring=2h&state=valid")
    assert soon.json["total"] == 29
    assert (await place.ask("/api/v1/tokens?expiring=10m&state=valid")).json["total"] == 0


async def test_a_few_refreshes_are_answered_at_once_and_a_revoked_one_costs_the_others_nothing(
    place: House, server: OAuthServer
) -> None:
    answer = await place.ask("/api/v1/tokens/refresh", "POST", CHANGE, json={"tenant": "t3"})
    assert (answer.status, answer.json["summary"]) == (200, {"ok": 1})
    assert server.connections["t3"].refreshes == 1
    rows = (await place.ask("/api/v1/tokens?tenant=t3&format=ndjson")).text.splitlines()
    assert [json.loads(row)["token"] for row in rows] == ["access", "refresh"]


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/refresh", {}, 400, "say all: true"),
        ("/refresh", {"all": True, "tenant": "t0"}, 400, "say all: true"),
        ("/refresh", {"every": True}, 400, "may have the keys"),
        ("/refresh", {"tenant": 5}, 400, "tenant must be a text"),
        ("/refresh", {"tenant": "nobody"}, 404, "no such target"),
        ("/refresh", {"expiring": "soon"}, 400, "a duration such as 24h"),
        ("?state=odd", None, 400, "state must be one of"),
        ("?expiring=x", None, 400, "a duration such as 24h"),
        ("/refresh/unknown", None, 404, "no such job"),
    ],
)
async def test_a_wrong_question_is_answered_in_one_sentence(
    place: House, path: str, body: Any, status: int, words: str
) -> None:
    method = "GET" if body is None else "POST"
    answer = await place.ask(
        f"/api/v1/tokens{path}", method, CHANGE, **({"json": body} if body is not None else {})
    )
    assert answer.status == status and words in answer.json["error"]


async def test_only_administrators_see_tokens_and_each_only_those_of_its_tenants(
    manager: TokenManager, database: Database, writer: Writer, tmp_path: Path
) -> None:
    path = tmp_path / "web.yml"
    path.write_text(WEB)
    async with house(TokenRoom([], path, tokens=manager, store=database, writer=writer)) as place:
        assert (await place.ask("/api/v1/tokens")).status == 401
        for question in ("/api/v1/tokens", "/api/v1/tokens/log"):
            assert (await place.ask(question, headers=bearer("viewer-0123456789abcdef"))).status == 403
        assert (await place.ask("/api/v1/tokens", headers=bearer("ann-0123456789abcdef"))).json["total"] >= 30
        mine = await place.ask("/api/v1/tokens", headers=bearer("acme-0123456789abcdef"))
        assert {row["tenant"] for row in mine.json["tokens"]} == {"t0"}
        everything = {"all": True}
        refreshed = await place.ask(
            "/api/v1/tokens/refresh", "POST", bearer("acme-0123456789abcdef"), json=everything
        )
        assert [row["tenant"] for row in refreshed.json["tokens"]] == ["t0"]
        await place.ask(
            "/api/v1/tokens/refresh", "POST", bearer("ann-0123456789abcdef"), json={"tenant": "t1"}
        )
        log = await place.ask("/api/v1/tokens/log", headers=bearer("acme-0123456789abcdef"))
        assert {(row["tenant"], row["actor"]) for row in log.json["log"]} == {("t0", "token:acme")}


async def test_a_change_without_the_header_of_changes_is_refused(place: House) -> None:
    cookie = {"Cookie": f"integration_exporter_{place.port}={place.room.admin.begin_session(time.time())}"}
    wanted = {"all": True}
    answer = await place.ask("/api/v1/tokens/refresh", "POST", cookie, admin=False, json=wanted)
    assert answer.status == 403 and "changes need the header" in answer.text


async def test_the_command_refreshes_lists_and_tells_the_log(
    place: House, server: OAuthServer, manager: TokenManager, capsys: pytest.CaptureFixture[str]
) -> None:
    token = ("--token-file", str(place.room.admin.path))

    async def run(*words: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(main, ["tokens", *words, "--exporter.url", place.url, *token])
        out, err = capsys.readouterr()
        # The log of the server, which runs in this process too, is not configured here.
        own = ("refresh asked for", "token was not refreshed")
        lines = [line for line in out.splitlines(keepends=True) if not any(one in line for one in own)]
        return code, "".join(lines), err

    code, out, err = await run("refresh", "--all", "--csv")
    assert code == 1 and "30 refreshed: 1 invalid_grant, 29 ok" in err
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 30 and {row["result"] for row in rows} == {"ok", "failed"}
    code, out, err = await run("refresh", "--tenant", "t4", "--json")
    assert code == 0 and json.loads(out)["result"] == "ok"
    code, out, err = await run("list", "--tenant", "t4")
    assert code == 0 and "valid" in out and "EXPIRES" in out
    code, out, err = await run("log", "--since", "1h", "--json")
    assert code == 0 and len(out.splitlines()) == 31
    code, out, err = await run("refresh")
    assert code == 1 and "--all" in err
    target = next(target for target, _ in manager.accounts() if target.tenant == "t4")
    grant = grant_of(target.options)
    assert grant is not None
    assert server.takes((await manager.get(target, grant, Trace())).value.reveal())


def test_the_command_makes_keys_that_the_configuration_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokens", "key"]) == 0
    Seals((Secret(capsys.readouterr().out.strip()),))


def test_the_command_says_when_no_exporter_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokens", "list", "--exporter.url", "http://127.0.0.1:9"]) == 1
    assert "no exporter runs at" in capsys.readouterr().err


async def test_a_refresh_that_finds_no_descriptor_is_put_off_and_no_failure(server: OAuthServer) -> None:
    async def refuse(_key: TargetKey, _actor: str) -> TokenEvent:
        raise Shortage("descriptors", "none left; raise LimitNOFILE")

    row = await refresh_token(refuse, made(server, "calendar"), "ann")
    assert (row["status"], row["result"], row["detail"]) == (
        "deferred",
        "deferred",
        "none left; raise LimitNOFILE",
    )
