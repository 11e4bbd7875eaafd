"""What lives as long as a test process: nothing that one file changes and another one takes for fresh.

Which files share a process differs from run to run, so that such a failure comes once in many runs.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
SHARED = {
    "actions/test_deliver.py: audit": "a list that each test begins by emptying",
    "actions/test_deliver.py: authority": "it signs, and nothing of it changes",
    "e2e/conftest.py: platform": "of one file, whose tests tell one story",
    "generate/conftest.py: prometheus": "it is only read",
    "generate/conftest.py: reader": "it may only read",
    "generate/conftest.py: server": "its databases are only read",
    "generate/conftest.py: store": "it is only read",
    "generate/conftest.py: writer": "it is refused what it tries",
    "net/conftest.py: authority": "it signs, and nothing of it changes",
    "packaging/conftest.py: image": "its files are not to be written, and each test has a folder",
    "packaging/conftest.py: made": "files that are only read",
    "rules/conftest.py: tree": "files that are only read",
    "store/conftest.py: server": "each test has a database of its own",
}
"""Fixtures by file and name, and why no test can see that another one was there before."""


def of_session(file: Path) -> Iterator[str]:
    """Yield the fixtures of `file` that live as long as the process."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith("fixture"):
                    scopes = {word.arg: ast.unparse(word.value) for word in mark.keywords}
                    if scopes.get("scope") == "'session'":
                        yield f"{file.relative_to(FOLDER)}: {node.name}"


def test_what_all_files_of_a_process_share_is_named_with_what_keeps_it_as_it_is() -> None:
    found = {name for file in sorted(FOLDER.rglob("*.py")) for name in of_session(file)}
    assert found == set(SHARED), "give each file its own (scope='module'), or say here why nothing changes it"


def test_a_fixture_of_the_session_is_found(tmp_path: Path) -> None:
    assert "generate/conftest.py: store" in set(of_session(FOLDER / "generate/conftest.py"))
    assert set(of_session(FOLDER / "server/conftest.py")) == set()
