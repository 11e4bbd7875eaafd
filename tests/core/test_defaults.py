"""Facts that several rooms share are said in one file."""

import ast
from pathlib import Path

import exporter
from exporter.core import defaults

ROOT = Path(exporter.__file__).parent
PAGE = ROOT / "core" / "defaults.py"
SHARED = {
    *defaults.PORTS.values(),
    *(defaults.SANDBOX_PORT, defaults.SANDBOX_ADDRESS, defaults.CONFIG_FILE, defaults.SECRETS_DIRECTORY),
    *(defaults.EXPORTER_ADDRESS, defaults.EXPORTER_URL, defaults.PROMETHEUS_URL, defaults.ALERTMANAGER_URL),
    *(defaults.URL_VARIABLE, defaults.TOKEN_VARIABLE, defaults.TOKEN_FILE_VARIABLE, defaults.CHANGE_HEADER),
    *(name for name in defaults.STATS_WINDOWS if name.endswith("d")),
}


def said_again(text: str) -> list[object]:
    """Return the shared values that `text` writes as literals of its own."""
    constants = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
    return [value for value in constants if value in SHARED]


OF_THEIR_OWN = {
    "client/client.py": "it imports nothing of ours",
    "alerts/service_level.py": "the windows of an objective are another fact than those of statistics",
    "config/layout_slo.py": "the same",
}


def test_no_other_file_says_an_address_a_port_or_a_name_again() -> None:
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in ROOT.rglob("*.py") if path != PAGE}
    found = {name: values for name, text in texts.items() if (values := said_again(text))}
    assert {name: values for name, values in found.items() if name not in OF_THEIR_OWN} == {}


def test_a_twin_is_seen_and_a_docstring_or_another_number_is_none() -> None:
    assert said_again(f"PORT = {defaults.PORTS['exporter']}\n") == [defaults.PORTS["exporter"]]
    assert said_again(f'"""Listens on {defaults.EXPORTER_ADDRESS}."""\nPORT = 8080\n') == []


def test_the_file_imports_nothing_but_the_version() -> None:
    found = [
        ast.unparse(node)
        for node in ast.parse(PAGE.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert found == ["from exporter import __version__"]
