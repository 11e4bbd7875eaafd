"""A value that cannot be had is one mistake, and what follows from it is none; a $NAME is no variable."""

from pathlib import Path

import pytest

from exporter import registry
from exporter.config.load import load_text
from exporter.core.errors import ConfigError

EMAIL = "to: [a@b.example], sender: a@b.example, smarthost: 'h:25'"
WHERE = "WHERE name = :integration"
SELECT = f"SELECT access_token FROM t {WHERE}"
UPDATE = f"UPDATE t SET access_token = :access_token {WHERE}"
TABLE = f"{{url_file: none, select: '{SELECT}', update: '{UPDATE}'}}"


def mistakes(folder: Path, text: str, **environ: str) -> list[str]:
    try:
        load_text(text, str(folder / "main.yml"), registry.catalogue(), environ)
    except ConfigError as error:
        return [f"{mistake.what}; {mistake.remedy}" for mistake in error.mistakes]
    return []


@pytest.mark.parametrize(
    "text",
    [
        "integrations: [{name: a, provider: http, options: {url_file: none}}]",
        "integrations: [{name: a, provider: http, options: {url_file: '${NONE}'}}]",
        "integrations: [{name: a, provider: http, options: {url: '${NONE}'}}]",
        "integrations: [{name: a, provider: stripe, options: {secret_key_file: none}}]",
        "integrations: [{name: a, provider: stripe, tenants: {http: {url_file: none}}}]",
        "integrations: [{name: a, provider: stripe, tenants: {sql: {url: '${NONE}', query: SELECT 1}}}]",
        "store: {url_file: none}",
        "store: {url: '${NONE}'}",
        "store: {token_keys_file: none}",
        "notifications: {slack: {api_url_file: none}}",
        "notifications: {webhook: {url: '${NONE}'}}",
        "notifications: {webhook: {url: 'https://x.example/', tls: {cert_file: none, key_file: main.yml}}}",
        f"notifications: {{email: {{{EMAIL}, username: u, password_file: none}}}}",
        f"notifications: {{email: {{{EMAIL}, username: '${{NONE}}', password: planted}}}}",
    ],
)
def test_what_cannot_be_had_is_reported_once(tmp_path: Path, text: str) -> None:
    (tmp_path / "main.yml").write_text("")
    (message,) = mistakes(tmp_path, text)
    assert "does not exist" in message or "NONE is not set" in message


def test_a_table_of_tokens_whose_address_cannot_be_read_is_reported_once(tmp_path: Path) -> None:
    text = f"integrations: [{{name: a, provider: whatsapp, tokens: {{source: sql, sql: {TABLE}}}}}]"
    assert [one for one in mistakes(tmp_path, text) if "address" in one] == []
    assert any(one.startswith("url_file: ") and "does not exist" in one for one in mistakes(tmp_path, text))


@pytest.mark.parametrize("value", ["$STRIPE_SECRET_KEY", "Bearer $STRIPE_SECRET_KEY"])
@pytest.mark.parametrize("environ", [{}, {"STRIPE_SECRET_KEY": "sk_test_planted"}])
def test_a_credential_written_as_a_shell_writes_a_variable_is_refused(
    tmp_path: Path, value: str, environ: dict[str, str]
) -> None:
    text = f"integrations: [{{name: a, provider: stripe, options: {{secret_key: {value}}}}}]"
    (message,) = mistakes(tmp_path, text, **environ)
    name = "STRIPE_SECRET_KEY" if environ else "NAME"
    assert message.startswith(f"secret_key: a $ and a name stand for no variable; write ${{{name}}}; ")


@pytest.mark.parametrize("value", ["pa$$word", "$ecret", "x$NAME", "$NAME-x", "$2b$10$abc", "$A"])
def test_other_dollars_are_part_of_a_credential(tmp_path: Path, value: str) -> None:
    text = f"notifications: {{email: {{{EMAIL}, username: u, password: '{value}'}}}}"
    assert mistakes(tmp_path, text) == []


def test_a_row_that_may_use_no_variable_is_not_asked_to_use_one(tmp_path: Path) -> None:
    (tmp_path / "rows.yml").write_text("- {id: a, options: {secret_key: $NAME}}\n")
    tenants = "{files: [rows.yml], secrets_dir: .}"
    text = f"integrations: [{{name: a, provider: stripe, tenants: {tenants}}}]"
    assert not any("stand for no variable" in one for one in mistakes(tmp_path, text))
