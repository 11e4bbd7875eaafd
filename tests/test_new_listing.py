"""Follows docs/new-listing.md to the letter, in a copy of the tree."""

import json
from pathlib import Path

import pytest

from tests.tutorial import PYTEST, ROOT, TWO_COMMANDS, Tutorial, blocks, follow

PAGE = ROOT / "docs" / "new-listing.md"
SUBJECT = "exporter/store/subjects/reports.py"
MIGRATION = "exporter/store/migrations/versions/0020_reports.py"
CONTRACTS = (
    ("tests/server/test_listings.py", "reports", 4),
    ("tests/server/test_access.py", "reports", 2),
    ("tests/server/test_local_access.py", "reports", 1),
    ("tests/store/test_migrate.py", "test_migrate", 2),
    ("tests/server/test_operating_page.py", "test_operating_page", 2),
)
SERVE = """
import asyncio, json, sys, time
from exporter.cli import main
from exporter.store.database import Database
from exporter.store.subjects.reports import Report, ReportBatch, query
from exporter.store.writer import Writer
from tests.server.house import Room, house, state


async def serve():
    database = Database(sys.argv[1])
    writer = Writer(database, retention={"errors": 3600.0})
    await writer.open()
    now = time.time()
    found = [Report(now - 7200, ("mail", "acme"), "too old")]
    found += [Report(now - number, ("mail", "acme"), f"lost mail {number}") for number in range(1, 4)]
    writer.submit(ReportBatch(found))
    assert await writer.flush(30.0)
    async with asyncio.timeout(60.0):
        while await writer.read(lambda connection: len(query(connection).rows)) > 3:
            await asyncio.sleep(0.05)  # until retention has taken the old one
    room = Room([state("mail", "acme")], store=database)
    async with house(room) as made:
        page = (await made.ask("/api/v1/reports?limit=1")).json
        export = (await made.ask("/api/v1/reports?format=csv")).text
        words = ["list", "reports", "--tenant", "acme", "--exporter.url", made.url]
        code = await asyncio.to_thread(main, [*words, "--token-file", str(room.admin.path), "--json"])
    assert code == 0
    assert await writer.close(30.0)
    print(json.dumps({"page": page, "export": export}))


asyncio.run(serve())
"""


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Tutorial:
    return follow(PAGE, tmp_path_factory.mktemp("new-listing"))


def test_the_page_names_two_new_files_and_the_two_commands() -> None:
    assert sorted(blocks(PAGE)) == sorted((SUBJECT, MIGRATION))
    assert not [path for path in blocks(PAGE) if (ROOT / path).exists()]
    assert TWO_COMMANDS in PAGE.read_text()
    last = max(path.name for path in (ROOT / MIGRATION).parent.glob("[0-9]*.py"))
    assert int(last[:4]) + 1 == int(Path(MIGRATION).name[:4]), (
        "number the migration of the page after the last"
    )


def test_following_the_page_adds_two_files_and_what_is_generated_of_them(tutorial: Tutorial) -> None:
    assert tutorial.touched == {*tutorial.blocks, "docs/reference/lists.md", "docs/reference/api.md"}
    assert "`/api/v1/reports`" in (tutorial.tree / "docs/reference/lists.md").read_text()
    tutorial.run("-m", "exporter", "generate", "--check")


def test_the_contracts_of_lists_hold_without_an_edit(tutorial: Tutorial) -> None:
    tutorial.check_contracts(CONTRACTS)


def test_what_is_written_is_served_exported_shown_by_the_command_and_deleted_in_time(
    tutorial: Tutorial,
) -> None:
    database = tutorial.tree / "state.db"
    out = tutorial.run("-c", SERVE, f"sqlite:///{database}").splitlines()
    served = json.loads(out[-1])
    (first,) = served["page"]["reports"]
    assert (first["tenant"], first["text"]) == ("acme", "lost mail 1") and served["page"]["next"]
    assert served["export"].splitlines()[0] == "at,integration,tenant,text"
    printed = [json.loads(line)["text"] for line in out[:-1] if line.startswith("{")]
    assert printed == [f"lost mail {n}" for n in (1, 2, 3)]


def test_the_files_of_the_page_keep_to_the_style(tutorial: Tutorial) -> None:
    tutorial.run("-m", "ruff", "format", "--check", *tutorial.blocks)
    tutorial.run("-m", "ruff", "check", *tutorial.blocks)
    tutorial.run(*PYTEST, "tests/test_floors.py")
