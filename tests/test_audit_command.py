"""`audit` against a running server: what it prints, writes and returns."""

import asyncio
import csv
import io
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from exporter.cli import main
from tests.server.audit_room import AuditRoom, audit_room
from tests.server.test_access import TOKENS
from tests.store.audit_book import change


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[AuditRoom]:
    async with audit_room(tmp_path) as made:
        yield made


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(TOKENS["admin"])
    return path


def deed(action: str, actor: str = "ann", **more: Any) -> dict[str, Any]:
    return {"kind": "audit", "actor": actor, "action": action, **more}


class Terminal:
    """Runs the command in a thread, as another process would."""

    def __init__(self, desk: AuditRoom, token: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.flags = ["--exporter.url", desk.house.url, "--token-file", str(token)]
        self.capsys = capsys

    async def run(self, *words: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main, ["audit", *words, *self.flags])
        return code, self.capsys.readouterr().out


@pytest.fixture
def terminal(desk: AuditRoom, token: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(desk, token, capsys)


async def test_a_flagged_entry_is_listed_and_reviewed(desk: AuditRoom, terminal: Terminal) -> None:
    await desk.send(deed("order.changed"), deed("db.dump", "ben", details={"rows": 20_000}))
    code, out = await terminal.run("list", "--open")
    assert code == 0 and "mass_export" in out and "order.changed" not in out
    code, out = await terminal.run("review", "2", "--note", "the weekly backup")
    assert code == 0 and out.endswith("entry 2 is reviewed by token:admin\n")
    code, out = await terminal.run("list", "--reviewed", "--json")
    assert json.loads(out)["note"] == "the weekly backup"
    assert (await terminal.run("review", "2", "--note", "again"))[0] != 0


async def test_verify_names_the_entry_and_ends_with_1(desk: AuditRoom, terminal: Terminal) -> None:
    await desk.send(*(deed("a", f"user {number}") for number in range(4)))
    code, out = await terminal.run("verify")
    assert code == 0 and "4 entries checked, 0 removed by retention: the chain is whole" in out
    head = out.split("head: ")[1].split()[0]
    await desk.send(deed("b"))
    assert (await terminal.run("verify", "--head", head))[0] == 0
    store = str(desk.parts.database.url)
    assert (await terminal.run("verify", "--head", head, "--store", store))[0] == 0
    change(desk.parts.database, 2, outcome="failure")
    code, out = await terminal.run("verify", "--json")
    assert code == 1
    assert [(one["number"], one["what"]) for one in json.loads(out)["problems"]] == [(2, "changed")]
    assert (await terminal.run("verify", "--store", store))[0] == 1
    assert (await terminal.run("verify", "--head", "0" * 64, "--json"))[0] == 1


async def test_an_export_of_a_person_is_a_file_for_its_owner_alone(
    desk: AuditRoom, terminal: Terminal, tmp_path: Path
) -> None:
    await desk.send(deed("a"), deed("b", "ben"), deed("c", resource="=1+1"))
    path = tmp_path / "ann.csv"
    assert (await terminal.run("export", "--actor", "ann", "--csv", "--output", str(path)))[0] == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["actor"], row["action"], row["resource"]) for row in rows] == [
        ("ann", "c", "'=1+1"),
        ("ann", "a", ""),
    ]
    code, out = await terminal.run("export", "--from", "1h")
    assert code == 0 and len(out.splitlines()) == 5, "both exports are entries"
    assert json.loads(out.splitlines()[0])["action"] == "audit.exported"


async def test_an_erasure_asks_first(
    desk: AuditRoom, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.send(deed("a"), deed("b", tenant="acme"))
    monkeypatch.setattr("builtins.input", lambda _prompt: "n")
    assert (await terminal.run("erase", "ann"))[0] != 0
    assert len(await desk.entries("&actor=ann")) == 2
    assert await terminal.run("erase", "ann", "--tenant", "acme", "--yes") == (
        0,
        "erased: 1 (one for each tenant)\n",
    )
    assert [one["actor"] for one in await desk.entries("&action=b")] == ["erased:2"]


async def test_an_erasure_without_a_terminal_names_the_way(
    desk: AuditRoom, token: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.send(deed("a"))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    flags = ["--exporter.url", desk.house.url, "--token-file", str(token)]
    assert await asyncio.to_thread(main, ["audit", "erase", "ann", *flags]) != 0
    assert "--yes does not ask" in capsys.readouterr().err
    assert len(await desk.entries("&actor=ann")) == 1


async def test_a_report_is_written(desk: AuditRoom, terminal: Terminal, tmp_path: Path) -> None:
    await desk.send(deed("role.granted", outcome="refused"))
    path = tmp_path / "report.html"
    assert (await terminal.run("report", "--from", "1h", "--output", str(path)))[0] == 0
    assert "Refused attempts (1)" in path.read_text()
    code, out = await terminal.run("report", "--csv")
    assert code == 0 and out.startswith("section,id,at,actor")
