"""Native receivers: the table of what a version of Alertmanager knows, held against its own tool."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import registry
from exporter.config.load import load_file
from exporter.config.sections.notifications.native import native_issues
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from exporter.core.receiver_kinds import NEWEST, OLDEST, RECEIVER_KINDS, Version, version_of
from exporter.generate import routing
from exporter.generate.document import as_yaml
from exporter.generate.secret_files import SecretFiles
from tests.rules.tools import program, run


def _refusal(folder: Path, receiver: dict[str, Any]) -> str:
    """Return what amtool says of a receiver, "" where it takes it."""
    content = {"route": {"receiver": "a"}, "receivers": [{"name": "a", **receiver}]}
    (folder / "am.yml").write_text(yaml.safe_dump(content))
    done = run(program("amtool"), "check-config", str(folder / "am.yml"))
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _installed() -> Version:
    """Return the version of the Alertmanager that is installed here."""
    done = run(program("amtool"), "--version")
    return version_of((done.stdout + done.stderr).split("version ")[1].split()[0])


@pytest.mark.parametrize("kind", RECEIVER_KINDS)
def test_alertmanager_knows_a_kind_since_the_version_of_the_table(tmp_path: Path, kind: str) -> None:
    known = f"field {kind} not found" not in _refusal(tmp_path, {kind: [{}]})
    assert known == (RECEIVER_KINDS[kind].since <= _installed())


@pytest.mark.parametrize("kind", [name for name, about in RECEIVER_KINDS.items() if about.since == OLDEST])
def test_alertmanager_knows_a_key_since_the_version_of_the_table(tmp_path: Path, kind: str) -> None:
    installed = _installed()
    keys = RECEIVER_KINDS[kind].keys
    text = _refusal(tmp_path, {kind: [dict.fromkeys((*keys, "bogus"))]})
    unknown = {key for key in (*keys, "bogus") if f"field {key} not found" in text}
    assert unknown == {"bogus", *(key for key, since in keys.items() if since > installed)}


def _load(folder: Path, receiver: str, version: str) -> Configuration:
    (folder / "c.yml").write_text(
        f"generate: {{alertmanager: {{version: {version}}}}}\n"
        "notifications:\n  receivers:\n  - name: mine\n    severities: [critical]\n"
        f"    receiver: {receiver}\n"
    )
    return load_file(str(folder / "c.yml"), registry.catalogue(), {})


MISTAKES = [
    ("{bogus_configs: [{}]}", "'0.25'", "Alertmanager has no bogus_configs", "use one of discord_configs"),
    ("{telegramm_configs: [{}]}", "'0.25'", "no telegramm_configs", "did you mean telegram_configs?"),
    ("{msteams_configs: [{webhook_url_file: a}]}", "'0.25'", "came with Alertmanager 0.26", "version"),
    (
        "{msteamsv2_configs: [{webhook_url_file: a}]}",
        "'0.27'",
        "came with Alertmanager 0.28",
        "0.28 or later",
    ),
    ("{opsgenie_configs: [{api_kye: a}]}", "'0.25'", "opsgenie_configs has no key api_kye", "api_key?"),
    (
        "{pushover_configs: [{device: a}]}",
        "'0.25'",
        "pushover_configs has device since Alertmanager 0.26",
        "0.26",
    ),
    ("{pushover_configs: [{token: planted}]}", "'0.25'", "pushover_configs.token would be readable", "0.26"),
    ("{discord_configs: [{webhook_url: planted}]}", "'0.26'", "webhook_url would be readable", "0.27"),
    ("{sns_configs: [{sigv4: {secret_key: planted}}]}", "'0.34'", "secret_key would be readable", "profile:"),
    (
        "{webhook_configs: [{url: 'http://h/', http_config: {http_headers: {a: {secrets: [planted]}}}}]}",
        "'0.34'",
        "webhook_configs.secrets would be readable",
        "files:",
    ),
    ("{opsgenie_configs: [{api_key: planted, api_key_file: a}]}", "'0.25'", "both api_key and", "keep one"),
    ("{opsgenie_configs: {api_key_file: a}}", "'0.25'", "opsgenie_configs is not a list of mappings", "dash"),
]


@pytest.mark.parametrize(("receiver", "version", "what", "remedy"), MISTAKES)
def test_what_alertmanager_would_refuse_is_a_mistake_of_its_line(
    tmp_path: Path, receiver: str, version: str, what: str, remedy: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, receiver, version)
    (mistake,) = caught.value.mistakes
    assert mistake.line == 6
    assert what in mistake.what
    assert remedy in mistake.remedy
    assert "planted" not in str(mistake)


@pytest.mark.parametrize(
    ("version", "what"),
    [("'0.24'", "too old"), ("0.28", "text"), ("newest", "version: 'newest' has the wrong form")],
)
def test_a_version_is_one_that_is_looked_at_or_a_newer_one(tmp_path: Path, version: str, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, "{webex_configs: [{room_id: a}]}", version)
    assert what in str(caught.value)
    assert _load(tmp_path, "{msteamsv2_configs: [{webhook_url_file: a}]}", "'1.0.3'")


@pytest.mark.parametrize(("version", "kind"), [*product(("0.25", "0.30", "0.34"), RECEIVER_KINDS)])
def test_every_credential_is_refused_or_leaves_the_text(tmp_path: Path, version: str, kind: str) -> None:
    about = RECEIVER_KINDS[kind]
    for key in about.secrets:
        receiver = {kind: [{key: "planted-credential"}]}
        if list(native_issues(receiver, version_of(version))):
            continue
        made = _load(tmp_path, str(receiver), f"'{version}'")
        secrets = SecretFiles("/run/alertmanager")
        text = as_yaml(routing.configuration(made.notifications, secrets))
        assert "planted" not in text
        assert f"{key}_file: /run/alertmanager/receiver-mine-" in text
        assert [secret.reveal() for secret in secrets.files.values()] == ["planted-credential"]
        assert "planted" not in made.redacted_text


def test_a_receiver_gets_the_alerts_of_its_severities_beside_the_channels(tmp_path: Path) -> None:
    receiver = "{webhook_configs: [{url: 'http://127.0.0.1:7/'}]}"
    _load(tmp_path, receiver, "'0.25'")
    text = (
        (tmp_path / "c.yml")
        .read_text()
        .replace("notifications:\n", "notifications:\n  webhook: {url: 'http://h/'}\n")
    )
    for severities, receivers in (
        ("[critical]", {"critical"}),
        ("[high, low]", {"default", "high", "low"}),
        ("[]", {"default", "critical", "high", "medium", "low"}),
    ):
        (tmp_path / "c.yml").write_text(text.replace("[critical]", severities))
        made = load_file(str(tmp_path / "c.yml"), registry.catalogue(), {})
        content = routing.configuration(made.notifications, SecretFiles("/x"))
        urls = {
            one["name"]: [hook["url"] for hook in one.get("webhook_configs", [])]
            for one in content["receivers"]
        }
        assert {name for name, found in urls.items() if "http://127.0.0.1:7/" in found} == receivers
        assert all("http://h/" in found for name, found in urls.items() if name != "nowhere")


def test_two_receivers_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    text = "notifications: {receivers: [&a {name: a, receiver: {webex_configs: [{room_id: a}]}}, *a]}\n"
    (tmp_path / "c.yml").write_text(text)
    with pytest.raises(ConfigError, match="a name is given twice"):
        load_file(str(tmp_path / "c.yml"), registry.catalogue(), {})


def test_a_version_that_nobody_looked_at_is_taken_for_the_newest() -> None:
    newest = {max(about.keys.values()) for about in RECEIVER_KINDS.values()}
    assert max(newest) <= NEWEST
