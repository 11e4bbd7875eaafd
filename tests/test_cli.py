"""The command: usage, exit codes, one clear message for each mistake."""

import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.servers.ports import free_port

GOOD = "integrations:\n  - {name: web, provider: tcp, options: {host: 127.0.0.1, port: 9}}\n"


def run(*words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, in a folder without a configuration of its own."""
    return subprocess.run(
        [sys.executable, "-m", "exporter", *words], cwd=folder, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "good.yml"
    path.write_text(GOOD + f'store: {{url: "sqlite:///{tmp_path}/state.db"}}\n')
    return path


def test_help_names_every_command() -> None:
    found = run("--help")
    assert found.returncode == 0
    assert all(word in found.stdout for word in ("run", "check", "probe", "generate", "sandbox", "demo"))


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from exporter.commands.parser import build_parser; "
        "build_parser().format_help(); print(*sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"aiohttp", "sqlalchemy", "jsonschema", "grafana_foundation_sdk"}.isdisjoint(found.stdout.split())


@pytest.mark.parametrize("words", [("--no-such-flag",), ("probe",), ("generate", "--out"), ("nonsense",)])
def test_wrong_usage_is_exit_code_2(words: tuple[str, ...], tmp_path: Path) -> None:
    found = run(*words, folder=tmp_path)
    assert found.returncode == 2
    assert "usage:" in found.stderr


def test_check_says_what_was_configured_and_starts_nothing(config: Path, tmp_path: Path) -> None:
    for words in (("check", "--config.file", str(config)), ("--config.check", f"--config.file={config}")):
        found = run(*words, folder=tmp_path)
        assert (found.returncode, found.stderr) == (0, "")
        assert "1 integrations, 1 targets" in found.stdout
    assert not (tmp_path / "state.db").exists()


def test_sources_of_tenants_that_are_away_or_wrong_are_warnings_and_the_rest_is_good(tmp_path: Path) -> None:
    path = tmp_path / "feeds.yml"
    path.write_text(
        "integrations:\n"
        "- {name: away, provider: stripe, tenants: {http: {url: 'http://127.0.0.1:9/'}}}\n"
        "- {name: wrong, provider: stripe, tenants: {sql: {url: 'sqlite:///rows.db', "
        "query: SELECT id FROM rows}}}\n"
    )
    with closing(sqlite3.connect(tmp_path / "rows.db")) as opened, opened:
        opened.execute("CREATE TABLE rows (id)")
        opened.execute("INSERT INTO rows VALUES (NULL), ('acme')")
    found = run("check", "--config.file", str(path), folder=tmp_path)
    assert (found.returncode, found.stderr) == (0, "")
    assert "warning: tenants.http of away (http://127.0.0.1:9/): it cannot be reached" in found.stdout
    assert "row 1: the column id is NULL; leave such rows out by WHERE" in found.stdout
    assert "2 integrations, 1 targets" in found.stdout
    found = run("generate", "--config.file", str(path), "--out", "bundle", folder=tmp_path)
    assert (found.returncode, "warning: tenants.http of away" in found.stderr) == (0, True)


def test_every_mistake_is_listed_with_its_line_and_nothing_starts(tmp_path: Path) -> None:
    path = tmp_path / "bad.yml"
    path.write_text(
        "integrations:\n  - {name: a, provider: tcp, optoins: {}}\n  - {name: a, provider: tpc}\n"
    )
    for words in (("check",), ("run",), ("probe", "a"), ("generate", "--out", "bundle")):
        found = run(*words, "--config.file", str(path), folder=tmp_path)
        assert found.returncode == 1
        assert f"{path}:2: " in found.stderr
        assert f"{path}:3: " in found.stderr
        assert "Traceback" not in found.stderr
    assert not (tmp_path / "bundle").exists()


def test_a_given_file_that_is_missing_is_a_mistake(tmp_path: Path) -> None:
    found = run("check", "--config.file", "missing.yml", folder=tmp_path)
    assert found.returncode == 1
    assert "missing.yml" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_port_in_use_is_one_sentence_with_its_remedy(config: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        found = run(f"--config.file={config}", f"--web.listen-address={address}", folder=tmp_path)
    assert found.returncode == 1
    assert f"cannot listen on {address}" in found.stderr
    assert not (tmp_path / "state.db").exists()
    assert "Traceback" not in found.stderr


def test_a_wrong_duration_names_its_flag(config: Path, tmp_path: Path) -> None:
    found = run(f"--config.file={config}", "--shutdown.timeout=soon", folder=tmp_path)
    assert found.returncode == 1
    assert "--shutdown.timeout" in found.stderr


def test_a_mistake_in_the_web_configuration_is_reported_like_any_other(config: Path, tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    web.write_text("basic_auth_user:\n  a: b\n")
    found = run(f"--config.file={config}", f"--web.config.file={web}", folder=tmp_path)
    assert found.returncode == 1
    assert f"{web}:1: " in found.stderr
    assert "Traceback" not in found.stderr


def test_probe_tells_the_reason_and_its_exit_code(tmp_path: Path) -> None:
    port = free_port()  # one that nobody else is given once the server is gone
    with socket.create_server(("127.0.0.1", port)):
        path = tmp_path / "one.yml"
        options = f"{{host: 127.0.0.1, port: {port}}}"
        path.write_text(f"integrations:\n  - {{name: web, provider: tcp, options: {options}}}\n")
        good = run("probe", "web", "-v", f"--config.file={path}", folder=tmp_path)
    assert good.returncode == 0
    assert "Status: connected" in good.stdout
    assert "connect" in good.stdout
    bad = run("probe", "web", f"--config.file={path}", folder=tmp_path)
    assert bad.returncode == 1
    assert "web: connect: " in bad.stdout
    assert 'integration_probe_success{integration="web",provider="tcp",tenant=""} 0.0' in bad.stdout


def test_probe_names_what_there_is_when_the_name_is_wrong(config: Path, tmp_path: Path) -> None:
    found = run("probe", "wbe", f"--config.file={config}", folder=tmp_path)
    assert found.returncode == 1
    assert "there are: web" in found.stderr


def test_probe_of_an_integration_with_tenants_asks_for_one_of_them(tmp_path: Path) -> None:
    path = tmp_path / "tenants.yml"
    path.write_text(
        "integrations:\n  - name: pay\n    provider: stripe\n    interval: 1h\n"
        "    options: {secret_key: sk_test_4242}\n"
        "    tenants: {list: [{id: acme}, {id: globex}]}\n"
    )
    found = run("probe", "pay", "--config.file", str(path), folder=tmp_path)
    assert "pay has a target for each of its tenants; give --tenant, one of: acme, globex" in found.stderr
    found = run("probe", "pay", "--tenant=acne", "--config.file", str(path), folder=tmp_path)
    assert "pay has no tenant 'acne'; give --tenant, one of: acme, globex" in found.stderr


def test_generate_writes_a_bundle_and_finds_what_differs(config: Path, tmp_path: Path) -> None:
    words = ("generate", f"--config.file={config}", f"--out={tmp_path / 'bundle'}")
    assert run(*words, folder=tmp_path).returncode == 0
    assert run(*words, "--check", folder=tmp_path).returncode == 0
    path = tmp_path / "bundle/prometheus/prometheus.yml"
    path.write_text(path.read_text() + "# edited\n")
    found = run(*words, "--check", folder=tmp_path)
    assert found.returncode == 1
    assert "prometheus.yml: differs" in found.stderr


def test_generate_writes_secrets_for_their_owner_alone_and_outside_the_bundle(tmp_path: Path) -> None:
    path = tmp_path / "slack.yml"
    secret = "https://hooks.example/planted"
    path.write_text(GOOD + f"notifications: {{slack: {{api_url: '{secret}'}}}}\n")
    out, secrets = tmp_path / "bundle", tmp_path / "secrets"
    found = run(
        "generate", f"--config.file={path}", f"--out={out}", f"--secrets.dir={secrets}", folder=tmp_path
    )
    assert found.returncode == 0, found.stderr
    (file,) = secrets.iterdir()
    assert file.read_text() == secret
    assert file.stat().st_mode & 0o777 == 0o600
    assert secrets.stat().st_mode & 0o777 == 0o700
    texts = [one.read_text() for one in out.rglob("*") if one.is_file()]
    assert not any(secret in text for text in [*texts, found.stdout])
    assert str(file) in (out / "alertmanager/alertmanager.yml").read_text()
