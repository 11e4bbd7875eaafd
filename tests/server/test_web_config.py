"""The file of --web.config.file: what it may hold, and how every mistake in it is told."""

from pathlib import Path

import pytest
import trustme

from exporter.core.errors import ConfigError, StartError
from exporter.server.paths import Paths
from exporter.server.web_config import Role
from exporter.server.web_config_reader import read
from tests.server.house import hashed

GOOD_TOKEN = "token: 0123456789abcdef-secret"


def mistakes(folder: Path, text: str) -> list[str]:
    path = folder / "web.yml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read(str(path))
    return [f"{mistake.line}: {mistake.what}; {mistake.remedy}" for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a\n", "1: the file must be a mapping"),
        ("a: [\n", "2: this is not YAML"),
        (
            "basic_auth_user: {}\n",
            "1: the file has an unknown key 'basic_auth_user'; did you mean 'basic_auth_users'?",
        ),
        ("roles: {}\nroles: {}\n", "2: the file has the key 'roles' twice"),
        ("basic_auth_users: [a]\n", "1: basic_auth_users must be a mapping"),
        ("basic_auth_users:\n  ada: plain-secret\n", "2: the password of 'ada' is no bcrypt hash"),
        ("basic_auth_users:\n  ada: 12\n", "2: the password of 'ada' must be a text"),
        ("roles:\n  eve: [admin]\n", "2: roles names 'eve', who is no user"),
        (
            "trusted_proxy: {header: X-U, addresses: [127.0.0.1]}\nroles: {eve: [king]}\n",
            "2: the roles of 'eve' has an unknown word 'king'",
        ),
        (
            "bearer_tokens:\n  - {name: a, roles: [viewer]}\n",
            "2: a bearer token needs either token or token_file",
        ),
        (
            f"bearer_tokens:\n  - {{{GOOD_TOKEN}, roles: [viewer]}}\n",
            "2: a bearer token needs a name of its own",
        ),
        (f"bearer_tokens:\n  - {{name: a, {GOOD_TOKEN}}}\n", "2: the token 'a' has no role"),
        (
            "bearer_tokens:\n  - {name: a, token: short-secret, roles: [viewer]}\n",
            "2: a bearer token has less than 16",
        ),
        ("bearer_tokens:\n  - {name: a, token_file: none, roles: [viewer]}\n", "2: "),
        (
            f"bearer_tokens:\n  - {{name: a, {GOOD_TOKEN}, roles: [viewer], tenants: []}}\n",
            "2: tenants of the token 'a'",
        ),
        (
            f"bearer_tokens:\n  - {{name: a, {GOOD_TOKEN}, roles: [viewer], tenants: [a b]}}\n",
            "2: tenants of the token 'a'",
        ),
        (
            "bearer_tokens:\n"
            f"  - {{name: a, {GOOD_TOKEN}, roles: [viewer]}}\n"
            f"  - {{name: b, {GOOD_TOKEN}, roles: [viewer]}}\n",
            "3: the token 'b' is the same as another",
        ),
        ("trusted_proxy: {header: X-User}\n", "1: trusted_proxy needs addresses"),
        (
            "trusted_proxy: {header: Authorization, addresses: [127.0.0.1]}\n",
            "1: trusted_proxy needs a header",
        ),
        ("trusted_proxy: {header: X-User, addresses: [everyone]}\n", "1: addresses has no address"),
        ("client_certificates: [{san: a, roles: [viewer]}]\n", "1: client_certificates is of no use"),
        ("rate_limit: {interval: soon}\n", "1: interval is no duration"),
        ("rate_limit: {interval: 1s, burst: many}\n", "1: burst must be a whole number"),
        ("http_server_config: {http2: maybe}\n", "1: http2 must be true or false"),
        ("http_server_config: {headers: {X-Other: a}}\n", "1: headers has an unknown key 'X-Other'"),
        ("tls_server_config: {cert_file: a.pem}\n", "1: tls_server_config has no key"),
        ("tls_server_config: {cert_file: a.pem, key_file: b.pem}\n", "1: cert_file: "),
        ("tls_server_config:\n  cert: a\n  cert_file: b\n  key: c\n", "2: both cert and cert_file are given"),
        (
            "tls_server_config:\n  min_version: TLS10\n",
            "2: min_version 'TLS10' is not offered; use TLS12, TLS13",
        ),
        (
            "tls_server_config:\n  min_version: TLS13\n  max_version: TLS12\n",
            "2: min_version is above max_version",
        ),
        (
            "tls_server_config:\n  client_auth_type: RequireAnyClientCert\n",
            "2: client_auth_type 'RequireAnyClientCert'",
        ),
        (
            "tls_server_config:\n  client_auth_type: RequireAndVerifyClientCert\n",
            "2: RequireAndVerifyClientCert has nothing",
        ),
        (
            "tls_server_config:\n  client_ca_file: ca.pem\n",
            "2: a client authority is given but no client is asked",
        ),
        ("tls_server_config:\n  client_allowed_sans: [a]\n", "2: client_allowed_sans needs every client"),
        ("tls_server_config:\n  cipher_suites: [RC4]\n", "2: cipher_suites 'RC4' is not offered"),
        (
            "tls_server_config:\n  curve_preferences: [X25519, CurveP256]\n",
            "2: curve_preferences names several",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_remedy(tmp_path: Path, text: str, told: str) -> None:
    found = mistakes(tmp_path, text)
    assert any(one.startswith(told) for one in found), found
    assert all("; " in one for one in found)
    assert not any("secret" in one for one in found)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path, "rols: {}\nbasic_auth_users: {a: b}\ntrusted_proxy: {header: X-U}\nrate_limit: {x: 1}\n"
    )
    assert [one.partition(":")[0] for one in found] == ["1", "2", "3", "4"]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the file cannot be read"):
        read(str(tmp_path / "none.yml"))


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    authority = trustme.CA()
    server = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server.private_key_pem.write_to_path(tmp_path / "key.pem")
    server.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    (tmp_path / "token").write_text("a token out of a file\n")
    path = tmp_path / "web.yml"
    path.write_text(f"""
tls_server_config:
  cert_file: cert.pem
  key_file: key.pem
  client_ca_file: ca.pem
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [scraper.example]
  min_version: TLS13
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
  curve_preferences: [X25519]
basic_auth_users: {{ada: {hashed("secret")}}}
roles: {{ada: [admin, ingest], proxied: [viewer]}}
bearer_tokens:
  - {{name: grafana, token_file: token, roles: [viewer], tenants: [acme, globex]}}
trusted_proxy: {{header: X-User, addresses: [10.0.0.0/8, "::1"]}}
client_certificates: [{{san: scraper.example, roles: [viewer]}}]
rate_limit: {{interval: 100ms, burst: 20}}
""")
    config = read(str(path))
    assert config.closed and config.context is not None
    assert config.roles_of("ada") == {Role.ADMIN, Role.INGEST}
    assert config.roles_of("unknown") == {Role.VIEWER}
    assert config.tokens[0].tenants == frozenset({"acme", "globex"})
    assert config.rate_limit is not None and config.rate_limit.interval == 0.1
    assert {Path(name).name for name in config.files} == {"cert.pem", "key.pem", "ca.pem", "token"}


@pytest.mark.parametrize(
    "text", ["", "{}\n", "tls_server_config:\nbasic_auth_users:\nhttp_server_config: {}\n"]
)
def test_an_empty_file_asks_nobody_for_anything(tmp_path: Path, text: str) -> None:
    path = tmp_path / "web.yml"
    path.write_text(text)
    assert not read(str(path)).closed


@pytest.mark.parametrize(
    ("external", "prefix", "route", "shown"),
    [
        ("", None, "", ""),
        ("", "/x/", "/x", "/x"),
        ("http://h:9/a", None, "/a", "/a"),
        ("http://h:9/a", "/", "", "/a"),
        ("https://h", None, "", ""),
    ],
)
def test_prefix_and_external_url_agree_as_in_prometheus(
    external: str, prefix: str | None, route: str, shown: str
) -> None:
    paths = Paths.of(external, prefix)
    assert (paths.route, paths.shown) == (route, shown)


@pytest.mark.parametrize(
    ("external", "prefix"),
    [
        ("watch.example", None),
        ("ftp://h/", None),
        ("http://h:port/", None),
        ("http://u:p@h/", None),
        ("", "/a b"),
        ("", "/{x}"),
    ],
)
def test_an_odd_address_is_refused_with_a_remedy(external: str, prefix: str | None) -> None:
    with pytest.raises(StartError, match=r"; (write|use) "):
        Paths.of(external, prefix)
