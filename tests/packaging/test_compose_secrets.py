"""The secrets of docker-compose.yml are files that a script makes, and each goes to whoever reads it."""

import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.compose import FILES, NAMES, SECRETS, SERVICES
from tests.packaging.conftest import ROOT


def test_the_secrets_are_random_stay_and_are_closed_to_other_users(tmp_path: Path) -> None:
    script = FILES / "make_secrets.py"
    (tmp_path / "two").mkdir(mode=0o755)
    for name in ("one", "two"):
        subprocess.run([sys.executable, script, tmp_path / name], check=True, umask=0o077)
    one = {path.name: path.read_text() for path in (tmp_path / "one").iterdir()}
    two = {path.name: path.read_text() for path in (tmp_path / "two").iterdir()}
    assert set(SECRETS.values()) <= set(one)
    assert len(set(one.values()) | set(two.values())) == len(one) + len(two)
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("one", "two")} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "one").iterdir()} == {0o644}
    found = subprocess.run(
        [sys.executable, script, tmp_path / "one"], check=True, capture_output=True, text=True
    )
    assert {path.name: path.read_text() for path in (tmp_path / "one").iterdir()} == one
    assert not any(secret in found.stdout for secret in one.values())


def test_a_folder_that_may_not_be_written_ends_with_a_sentence_and_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    command = [sys.executable, str(FILES / "make_secrets.py"), str(tmp_path / "file")]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 1
    assert found.stderr.startswith(f"{tmp_path}/file: File exists. Run this as the owner")
    assert found.stderr.count("\n") == 1


def test_no_secret_is_checked_in() -> None:
    asked = ["git", "check-ignore", *(f"deploy/compose/secrets/{file}" for file in SECRETS.values())]
    if (ROOT / ".git").exists():
        found = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True)
        assert len(found.stdout.splitlines()) == len(SECRETS), found.stderr


@pytest.mark.parametrize("name", NAMES)
def test_secrets_come_as_files_and_never_by_the_environment(name: str) -> None:
    service = SERVICES[name]
    assert set(service.get("secrets", ())) <= set(SECRETS)
    for key, value in service.get("environment", {}).items():
        # Grafana reads a file whose name is in a variable; the first dollar is Compose's.
        if re.search("PASSWORD|TOKEN|SECRET|KEY", key) and value not in ("true", "false"):
            assert key.endswith("_FILE") or value.startswith("$$__file{/run/secrets/"), key
            value = value.removeprefix("$$__file{").removesuffix("}")
            assert value.removeprefix("/run/secrets/") in service["secrets"]
    for used in re.findall(r"/run/secrets/(\w+)", str(service)):
        assert used in service["secrets"], used


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("exporter", "demo/integration-exporter.yml"),
        ("prometheus", "prometheus.yml"),
        ("postgres", "databases.sql"),
    ],
)
def test_a_file_reads_only_secrets_that_its_service_has(name: str, file: str) -> None:
    used = set(re.findall(r"/run/secrets/(\w+)", (FILES / file).read_text()))
    assert used
    assert used <= set(SERVICES[name]["secrets"])


def test_the_web_configuration_reads_only_secrets_that_the_exporter_has(made: Path) -> None:
    used = re.findall(r"token_file: (\w+)", (made / "exporter_web").read_text())
    assert used
    assert set(used) <= set(SERVICES["exporter"]["secrets"])


def test_commands_in_the_exporters_container_find_the_operators_token() -> None:
    file = SERVICES["exporter"]["environment"]["INTEGRATION_EXPORTER_TOKEN_FILE"]
    assert file == "/run/secrets/operator_token"
    # The app of the demo plays a person on call as well.
    readers = {name for name in NAMES if "operator_token" in SERVICES[name].get("secrets", ())}
    assert readers == {"exporter", "app"}


def test_what_git_ignores_covers_a_users_own_files() -> None:
    text = (ROOT / "deploy/README.md").read_text()
    named = set(re.findall(r"\./(my-[\w-]+|bundle)", text)) | {"docker-compose.override.yml", ".env"}
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    assert named <= ignored
