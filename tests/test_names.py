"""Names: each public class and alias has one of its own, and no participle is a name."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import exporter

ROOT = Path(exporter.__file__).parent
INDEPENDENT = {"probes", "sandbox"}
"""Rooms whose files know nothing of one another: each may call its own things as it likes."""

FILES = [path for path in sorted(ROOT.rglob("*.py")) if path.relative_to(ROOT).parts[0] not in INDEPENDENT]
PARTICIPLES = {
    *("told", "shown", "asked", "seen", "chosen", "fetched", "listed", "written"),
    *("kept", "made", "known", "held", "opened", "parsed"),
}


def test_no_two_public_classes_or_aliases_share_a_name() -> None:
    places: defaultdict[str, set[str]] = defaultdict(set)
    for path in FILES:
        for name in types(ast.parse(path.read_text())):
            places[name].add(str(path.relative_to(ROOT)))
    shared = {name: sorted(found) for name, found in places.items() if len(found) > 1}
    assert shared == {}


def types(tree: ast.Module) -> Iterator[str]:
    """Yield the public classes of a module, and its aliases of types in PascalCase."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            name = target.id if isinstance(target, ast.Name) else ""
        else:
            continue
        if is_pascal(name):
            yield name


def is_pascal(name: str) -> bool:
    return name[:1].isupper() and not name.isupper() and "_" not in name


def test_no_public_class_or_function_is_called_by_a_participle_alone() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if node.name.lower() in PARTICIPLES
    }
    assert found == set()
