"""Imports point down, and rooms of one floor are independent of one another."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import exporter

ROOT = Path(exporter.__file__).parent
FLOORS = (
    # What apps import: it imports nothing of ours, and nothing of ours imports it.
    {"core", "client"},
    {"alerts", "config", "exposition", "net", "signatures", "store"},
    {"probes", "sandbox", "actions", "events"},
    {"registry"},
    {"tokens", "endpoints", "alertmanager"},
    {"engine", "ingest", "notices", "outbox", "ratelimits"},
    {"server", "generate"},
    {"lifecycle"},
    {"app", "logs"},
    {"commands", "demo"},
    {"cli"},
    {"__main__"},
)
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
# `app` sets the log up; the command `demo` starts the demo.
ALLOWED = {("commands", "demo"), ("app", "logs")}
FILES = sorted(ROOT.rglob("*.py"))


def room(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the room"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_from_its_own_room_or_below(path: Path) -> None:
    here = room(path)
    if here == "__init__":
        return
    assert here in LEVEL, f"{here} is a new room: give it a floor here and a sentence in docs/architecture.md"
    for name in imported(path):
        words = name.split(".")
        if words[0] != "exporter" or len(words) < 2 or words[1] == "__version__" or words[1] == here:
            continue
        fine = LEVEL[words[1]] < LEVEL[here] or (here, words[1]) in ALLOWED
        assert fine, f"{here} must not import {name}"


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


def test_no_circle_of_imports() -> None:
    modules = {module(path) for path in FILES}
    uses = {module(path): {_module_of(name, modules) for name in imported(path)} for path in FILES}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"circle: {' -> '.join((*trail, name))}"
        if name not in done:
            for other in sorted(uses[name] & modules - {name, "exporter"}):
                visit(other, (*trail, name))
            done.add(name)

    for name in sorted(modules):
        visit(name, ())


def _module_of(name: str, modules: set[str]) -> str:
    """`from a import b` names the module a.b where there is one, else the thing b in the module a."""
    return name if name in modules else name.rpartition(".")[0]


def test_every_folder_of_the_package_has_its_purpose_on_the_page_of_the_architecture() -> None:
    page = (ROOT.parent / "docs" / "architecture.md").read_text()
    folders = {path.parent.relative_to(ROOT) for path in FILES} - {Path()}
    # One provider is as good as another: its own docstring says what it is for.
    folders -= {folder for folder in folders if folder.parent == Path("probes") and folder.name[0] != "_"}
    folders -= {Path("store/migrations/versions")}
    assert [folder for folder in sorted(folders) if f"`{folder}/`" not in page] == []
