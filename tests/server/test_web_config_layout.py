"""The web configuration is read as the configuration is: by types, with every mistake at once."""

import hashlib
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from exporter.config.document.schema import part_schema
from exporter.server.web_config.layout import WebLayout
from exporter.server.web_config.reader import read
from exporter.server.web_config.settings import WebConfig
from tests.server.house import hashed
from tests.server.test_web_config import GOOD_TOKEN, mistakes


def content(folder: Path, text: str) -> WebConfig:
    path = folder / "web.yml"
    path.write_text(text)
    return read(str(path))


def test_mistakes_in_two_tokens_and_in_a_role_are_reported_at_once(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        "bearer_tokens:\n"
        f"  - {{name: a, {GOOD_TOKEN}, roles: [king]}}\n"
        "  - {name: b, token: short, roles: [viewer]}\n"
        "  - {name: a, token: another-0123456789, roles: [viewer], tenant: [x]}\n"
        "roles: {eve: [queen]}\n",
    )
    assert [one.partition(";")[0] for one in found] == [
        "2: roles: the value is not known here",
        "3: a bearer token has less than 16 characters",
        "4: a bearer token needs a name of its own",
        "4: bearer_tokens: unknown key tenant",
        "5: roles names somebody who is no user",
        "5: roles: the value is not known here",
    ]


@pytest.mark.parametrize("word", ["yes", "on", "True", "TRUE", "'true'"])
def test_booleans_are_those_of_yaml_1_1_as_in_the_exporter_toolkit(tmp_path: Path, word: str) -> None:
    assert content(tmp_path, f"http_server_config: {{http2: {word}}}\n") == WebConfig()


@pytest.mark.parametrize("word", ["maybe", "1", "''", "[yes]"])
def test_what_is_no_boolean_is_refused(tmp_path: Path, word: str) -> None:
    message = mistakes(tmp_path, f"http_server_config:\n  http2: {word}\n")
    assert message[0].startswith("2: http2: expected true or false, found ")


def test_a_user_may_have_a_name_that_looks_like_a_number(tmp_path: Path) -> None:
    users = content(
        tmp_path, f"basic_auth_users: {{123: {hashed('secret')}, yes: {hashed('secret')}}}\n"
    ).users
    assert [name for name, _ in users] == ["123", "yes"]


def test_a_user_without_a_password_is_a_mistake_and_does_not_vanish(tmp_path: Path) -> None:
    assert "2: basic_auth_users: expected text" in mistakes(tmp_path, "basic_auth_users:\n  ada:\n")[0]
    assert "2: the password of this" in mistakes(tmp_path, "basic_auth_users:\n  ada: ''\n")[0]


@pytest.mark.parametrize("tenants", ["", "~", "acme", "['']", "[~]", '["a\\n"]'])
def test_tenants_that_name_none_bind_to_none_and_are_refused(tmp_path: Path, tenants: str) -> None:
    text = f"bearer_tokens:\n  - name: a\n    {GOOD_TOKEN}\n    roles: [viewer]\n    tenants: {tenants}\n"
    assert any(one.startswith("5: tenants") for one in mistakes(tmp_path, text))


def test_variables_are_text_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "0123456789abcdef-other")
    text = "bearer_tokens: [{name: a, token: 'x${TOKEN}-0123456789', roles: [viewer]}]\n"
    digest = hashlib.sha256(b"x${TOKEN}-0123456789").digest()
    assert [token.digest for token in content(tmp_path, text).tokens] == [digest]


def test_an_authority_without_a_question_is_refused_also_where_that_is_written(tmp_path: Path) -> None:
    text = "tls_server_config:\n  client_ca_file: ca.pem\n  client_auth_type: NoClientCert\n"
    assert any("2: a client authority is given but" in one for one in mistakes(tmp_path, text))


def test_each_file_that_cannot_be_read_is_reported_once_without_its_path(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "tls_server_config:\n  cert_file: certs/odd.pem\n  key_file: certs/none.pem\n")
    assert [one.partition(";")[0] for one in found] == [
        "2: cert_file: the file that it names does not exist",
        "3: key_file: the file that it names does not exist",
    ]


def test_the_schema_takes_what_the_reader_takes() -> None:
    schema = part_schema(WebLayout)
    Draft202012Validator.check_schema(schema)
    good = "{basic_auth_users: {a: b}, rate_limit: {interval: 1m30s, burst: 5}, tls_server_config:}"
    assert Draft202012Validator(schema).is_valid(yaml.safe_load(good))
    assert not Draft202012Validator(schema).is_valid(yaml.safe_load("{rate_limit: {interval: soon}}"))
