"""Follows docs/new-listing.md to the letter, in a copy of the tree."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.test_new_provider import BLOCK, NOT_COPIED, ROOT, fingerprints, run

PAGE = ROOT / "docs" / "new-listing.md"
SUBJECT = "exporter/store/subjects/reports.py"
MIGRATION = "exporter/store/migrations/versions/0018_reports.py"
CONTRACTS = (
    ("tests/server/test_listings.py", "reports", 4),
    ("tests/server/test_access.py", "reports", 2),
    ("tests/server/test_local_access.py", "reports", 1),
    ("tests/store/test_migrate.py", "", 2),
    ("tests/server/test_operating_page.py", "", 2),
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


def blocks() -> dict[str, str]:
    return {found["path"]: found["text"] for found in BLOCK.finditer(PAGE.read_text())}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    copy = Path(shutil.copytree(ROOT, tmp_path / "tree", ignore=NOT_COPIED, symlinks=True))
    run(copy, "-m", "exporter", "generate")
    return copy


def follow(tree: Path) -> None:
    for path, text in blocks().items():
        (tree / path).write_text(text)
    run(tree, "-m", "exporter", "generate")


def test_the_page_names_two_new_files_and_the_two_commands() -> None:
    assert sorted(blocks()) == sorted((SUBJECT, MIGRATION))
    assert not [path for path in blocks() if (ROOT / path).exists()]
    assert "```shell\nmake generate\nmake test\n```" in PAGE.read_text()
    last = max(path.name for path in (ROOT / MIGRATION).parent.glob("[0-9]*.py"))
    assert int(last[:4]) + 1 == int(Path(MIGRATION).name[:4]), (
        "number the migration of the page after the last"
    )


def test_following_the_page_adds_two_files_and_what_is_generated_of_them(tree: Path) -> None:
    before = fingerprints(tree)
    follow(tree)
    after = fingerprints(tree)
    touched = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert touched == {*blocks(), "docs/reference/lists.md", "docs/reference/api.md"}
    assert "`/api/v1/reports`" in (tree / "docs/reference/lists.md").read_text()
    run(tree, "-m", "exporter", "generate", "--check")


def test_the_contracts_of_lists_hold_without_an_edit(tree: Path) -> None:
    follow(tree)
    for path, word, least in CONTRACTS:
        passed = run(
            tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", path, *(("-k", word) if word else ())
        )
        count = re.search(r"(\d+) passed", passed)
        assert count and int(count[1]) >= least, f"{path}: {passed}"


def test_what_is_written_is_served_exported_shown_by_the_command_and_deleted_in_time(tree: Path) -> None:
    follow(tree)
    database = tree / "state.db"
    out = run(tree, "-c", SERVE, f"sqlite:///{database}").splitlines()
    served = json.loads(out[-1])
    (first,) = served["page"]["reports"]
    assert (first["tenant"], first["text"]) == ("acme", "lost mail 1") and served["page"]["next"]
    assert served["export"].splitlines()[0] == "at,integration,tenant,text"
    printed = [json.loads(line)["text"] for line in out[:-1] if line.startswith("{")]
    assert printed == [f"lost mail {n}" for n in (1, 2, 3)]


def test_the_files_of_the_page_keep_to_the_style(tree: Path) -> None:
    follow(tree)
    run(tree, "-m", "ruff", "format", "--check", *blocks())
    run(tree, "-m", "ruff", "check", *blocks())
    run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_floors.py")
