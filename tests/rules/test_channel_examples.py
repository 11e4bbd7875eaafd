"""The example of channels: what the installed Alertmanager knows of it is loaded by its own tool."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import registry
from exporter.config.load import load_file
from exporter.config.sections.notifications.native import native_issues
from exporter.core.native_secrets import inline_secrets
from exporter.core.receiver_kinds import RECEIVER_KINDS, version_of
from exporter.generate import bundle
from tests.examples import FOLDER, surroundings
from tests.rules.tools import program, run, write

EXAMPLE = FOLDER / "channels.yml"
PAGE = Path(__file__).parents[2] / "docs/notifications.md"


def _written(folder: Path) -> tuple[Path, dict[str, Any]]:
    variables = surroundings(EXAMPLE, folder)
    made = bundle.user_files(load_file(str(EXAMPLE), registry.catalogue(), variables))
    write(folder, made.files)
    path = folder / "alertmanager/alertmanager.yml"
    return path, yaml.safe_load(path.read_text())


def test_the_example_is_what_alertmanager_loads(tmp_path: Path) -> None:
    path, content = _written(tmp_path)
    done = run(program("amtool"), "--version")
    installed = version_of((done.stdout + done.stderr).split("version ")[1].split()[0])
    newer = set()
    for receiver in content["receivers"]:
        for place, _, remedy in list(native_issues(receiver, installed)):
            assert "generate.alertmanager.version" in remedy, "not only too new"
            newer.add(place[0])
            receiver.pop(str(place[0]), None)
    path.write_text(yaml.safe_dump(content))
    done = run(program("amtool"), "check-config", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    named = {kind for receiver in content["receivers"] for kind in receiver} | newer
    assert {"opsgenie_configs", "webhook_configs", "msteamsv2_configs", "discord_configs"} <= named
    assert {"telegram_configs", "pushover_configs"} <= named
    assert "opsgenie_configs" not in newer, "no version judged any"


def test_every_template_that_the_example_and_the_page_name_is_defined(tmp_path: Path) -> None:
    _, content = _written(tmp_path)
    templates = "".join(file.read_text() for file in (tmp_path / "alertmanager/templates").iterdir())
    page = PAGE.read_text()
    named = {*re.findall(r'template "([^"]+)"', str(content)), *re.findall(r"`(integration\.[a-z.]+)`", page)}
    assert len(named) >= 8
    assert named <= set(re.findall(r'define "([^"]+)"', templates))


def test_no_credential_is_in_the_text_of_the_example() -> None:
    notifications = yaml.safe_load(EXAMPLE.read_text())["notifications"]
    receivers = [one["receiver"] for one in (*notifications["receivers"], *notifications["teams"])]
    assert [secret.path for receiver in receivers for secret in inline_secrets(receiver)] == []


@pytest.mark.parametrize("kind", RECEIVER_KINDS)
def test_the_page_says_since_when_alertmanager_knows_a_kind(kind: str) -> None:
    about = RECEIVER_KINDS[kind]
    (line,) = [line for line in PAGE.read_text().splitlines() if line.startswith("|") and f"`{kind}`" in line]
    _, _, since, file, _ = map(str.strip, line.split("|"))
    assert version_of(since) == about.since
    twins = {
        about.keys[f"{key}_file"] for key in about.secrets if key != "auth_secret" and key != "app_token"
    }
    if twins:
        assert {version_of(file)} == twins
