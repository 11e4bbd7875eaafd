"""Where tokens come from, and every mistake that can be made about it."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from exporter import registry
from exporter.config.load import load_file
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from exporter.core.secret import Secret
from exporter.core.token import EXTERNAL, SqlTokens

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SELECT = "SELECT access_token, refresh_token FROM t WHERE tenant = :tenant"
UPDATE = "UPDATE t SET access_token = :access_token, refresh_token = :refresh_token WHERE tenant = :tenant"
HEAD = """\
integrations:
- name: wa
  provider: whatsapp
  options: {business_account_id: "1", app_id: "2", app_secret: planted-app-secret}
"""
SQL = f"""\
  tenants: {{list: [{{id: acme}}]}}
  tokens:
    refresh_before: 2d
    source: sql
    sql:
      url: postgresql://u:planted-password@127.0.0.1/app
      select: {SELECT}
      update: {UPDATE}
"""


def loaded(folder: Path, text: str) -> Configuration:
    file = folder / "main.yml"
    file.write_text(text)
    return load_file(str(file), registry.catalogue(), {})


def test_tokens_in_the_platforms_database_make_a_target_configured(tmp_path: Path) -> None:
    found = loaded(tmp_path, HEAD + SQL)
    settings = found.integrations[0].tokens
    assert (settings.refresh_before, settings.source) == (2 * 86_400, "sql")
    url = Secret("postgresql://u:planted-password@127.0.0.1/app")
    assert settings.sql == SqlTokens(url, SELECT, UPDATE)
    target = found.targets[("wa", "acme")]
    assert target.configured and target.options.access_token == EXTERNAL
    assert target.probe.grant is not None and target.probe.grant(target.options) is not None
    assert {"planted-password", "planted-app-secret"} <= found.secrets
    assert "planted" not in found.redacted_text


def test_keys_come_from_a_file_with_one_a_line(tmp_path: Path) -> None:
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    (tmp_path / "keys").write_text("\n".join(keys) + "\n")
    found = loaded(tmp_path, "store: {token_keys_file: keys}\n")
    assert [key.reveal() for key in found.store.token_keys] == keys
    assert set(keys) <= found.secrets


def test_without_keys_a_note_says_what_a_restart_would_lose(tmp_path: Path) -> None:
    text = """\
integrations:
- name: api
  provider: http
  options:
    url: https://a.example/
    auth: {oauth2: {client_id: a, client_secret: b, refresh_token: c}}
    token_endpoint: {url: "https://a.example/token", grant: refresh_token}
"""
    assert "lost at a restart (api)" in loaded(tmp_path, text).notes[0]
    assert not loaded(tmp_path, f"store: {{token_keys: {KEY}}}\n{text}").notes


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (HEAD + SQL.replace("2d", "10s"), 7, "refresh_before is out of bounds"),
        (HEAD + SQL.replace("2d", "soon"), 7, "refresh_before"),
        (HEAD + SQL.replace("source: sql", "source: sqll"), 8, "sqll"),
        (HEAD + SQL.replace("source: sql", "source: store"), 9, "sql is not used with source: store"),
        (HEAD + "  tokens: {source: sql}\n", 5, "there is no sql"),
        (HEAD + "  tokens: {source: store}\n", 5, "no key to keep tokens with"),
        (HEAD + SQL.replace("      url: postgresql://u:planted-password@127.0.0.1/app\n", ""), 9, "no url"),
        (HEAD + SQL.replace("postgresql://", "mysql://"), 10, "neither postgresql:// nor sqlite:///"),
        (HEAD + SQL.replace("SELECT access", "DELETE access"), 11, "it is no SELECT"),
        (HEAD + SQL.replace("UPDATE t", "INSERT t"), 12, "it is no UPDATE"),
        (HEAD + SQL.replace(SELECT, SELECT.replace(":tenant", ":tenants")), 11, ":tenants is unknown"),
        (HEAD + SQL.replace(SELECT, SELECT.replace(":tenant", "1")), 11, "does not name :tenant"),
        (HEAD + SQL.replace(UPDATE, UPDATE.replace(":tenant", "1")), 12, "does not name :tenant"),
        (HEAD + SQL.replace("refresh_token = :refresh_token", "x = 1"), 12, "is not written back"),
        (HEAD + SQL.replace("      update", "      updat"), 12, "updat"),
        (HEAD + "  tokens: {sources: sql}\n", 5, "unknown key sources"),
        (
            "integrations:\n- name: a\n  provider: tcp\n  options: {host: a, port: 1}\n  tokens: {}\n",
            5,
            "tcp has no",
        ),
        ("store: {token_keys: planted-key}\n", 1, "key number 1 is no Fernet key"),
        (f"store: {{token_keys: {KEY} planted}}\n", 1, "key number 2 is no Fernet key"),
    ],
)
def test_a_mistake_is_reported_with_its_line_and_without_any_secret(
    tmp_path: Path, text: str, line: int, what: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    message = [(one.line, one.what) for one in caught.value.mistakes]
    assert any(place == line and what in sentence for place, sentence in message), message
    assert "planted" not in str(caught.value)
    assert KEY not in str(caught.value)


def test_colons_that_are_no_parameters_are_left_alone(tmp_path: Path) -> None:
    select = SELECT.replace("FROM", ", expires_at::text, ':x' AS word FROM")
    assert loaded(tmp_path, HEAD + SQL.replace(SELECT, select)).integrations[0].tokens.sql
