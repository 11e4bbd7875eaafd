"""The file of --web.config.file: what it may hold, and how every mistake in it is reported."""

import os
from pathlib import Path

import pytest
import structlog
import trustme

from exporter.core.errors import ConfigError, StartError
from exporter.server.paths import Paths
from exporter.server.web_config.file import WebConfigFile
from exporter.server.web_config.reader import read
from exporter.server.web_config.settings import Role
from tests.server.house import hashed

GOOD_TOKEN = "token: 0123456789abcdef-secret"


def mistakes(folder: Path, text: str) -> list[str]:
    path = folder / "web.yml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read(str(path))
    return [f"{mistake.line}: {mistake.what}; {mistake.remedy}" for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "1: expected a mapping, found a list"),
        ("a: [\n", "2: unreadable YAML: did not find expected node content; check colons"),
        (
            "basic_auth_user: {}\n",
            "1: unknown key basic_auth_user; did you mean basic_auth_users?",
        ),
        ("roles: {}\nroles: {}\n", "2: a key is given twice; remove one"),
        ("basic_auth_users: [a]\n", "1: basic_auth_users: expected a mapping, found a list"),
        ("basic_auth_users:\n  ada: plain-secret\n", "2: the password of this user is no bcrypt hash"),
        (
            "basic_auth_users:\n  ada: 12\n",
            "2: basic_auth_users: expected text, found a number; put the value into quotes",
        ),
        ("roles:\n  eve: [admin]\n", "2: roles names somebody who is no user"),
        (
            "trusted_proxy: {header: X-U, addresses: [127.0.0.1]}\nroles: {eve: [king]}\n",
            "2: roles: the value is not known here",
        ),
        (
            "bearer_tokens:\n  - {name: a, roles: [viewer]}\n",
            "2: a bearer token needs either token or token_file",
        ),
        (
            f"bearer_tokens:\n  - {{{GOOD_TOKEN}, roles: [viewer]}}\n",
            "2: a bearer token needs a name of its own",
        ),
        (f"bearer_tokens:\n  - {{name: a, {GOOD_TOKEN}}}\n", "2: this token has no role"),
        (
            "bearer_tokens:\n  - {name: a, token: short-secret, roles: [viewer]}\n",
            "2: a bearer token has less than 16",
        ),
        ("bearer_tokens:\n  - {name: a, token_file: none, roles: [viewer]}\n", "2: "),
        (
            f"bearer_tokens:\n  - {{name: a, {GOOD_TOKEN}, roles: [viewer], tenants: []}}\n",
            "2: tenants: the value is shorter than 1; list the tenants it is bound to, or drop the key",
        ),
        (
            f"bearer_tokens:\n  - {{name: a, {GOOD_TOKEN}, roles: [viewer], tenants: [a b]}}\n",
            "2: tenants: the value has the wrong form; ids hold letters",
        ),
        (
            "bearer_tokens:\n"
            f"  - {{name: a, {GOOD_TOKEN}, roles: [viewer]}}\n"
            f"  - {{name: b, {GOOD_TOKEN}, roles: [viewer]}}\n",
            "3: this token is the same as another",
        ),
        ("trusted_proxy: {header: X-User}\n", "1: trusted_proxy needs addresses"),
        (
            "trusted_proxy: {header: Authorization, addresses: [127.0.0.1]}\n",
            "1: trusted_proxy needs a header",
        ),
        ("trusted_proxy: {header: X-User, addresses: [everyone]}\n", "1: addresses has no address"),
        ("client_certificates: [{san: a, roles: [viewer]}]\n", "1: client_certificates is of no use"),
        ("rate_limit: {interval: soon}\n", "1: interval: the value is no duration; write a duration such as"),
        ("rate_limit: {interval: 1s, burst: many}\n", "1: burst: expected a whole number, found text"),
        ("http_server_config: {http2: maybe}\n", "1: http2: expected true or false, found text"),
        (
            "http_server_config: {headers: {X-Other: a}}\n",
            "1: headers: unknown key; use one of Content-Security-Policy",
        ),
        ("tls_server_config: {cert_file: a.pem}\n", "1: tls_server_config has no key"),
        ("tls_server_config: {cert_file: a.pem, key_file: b.pem}\n", "1: cert_file: "),
        ("tls_server_config:\n  cert: a\n  cert_file: b\n  key: c\n", "2: both cert and cert_file are given"),
        (
            "tls_server_config:\n  min_version: TLS10\n",
            "2: min_version: the value is not known here; did you mean TLS13?",
        ),
        (
            "tls_server_config:\n  min_version: TLS13\n  max_version: TLS12\n",
            "2: min_version is above max_version",
        ),
        (
            "tls_server_config:\n  client_auth_type: RequireAnyClientCert\n",
            "2: client_auth_type: the value is not known here; did you mean RequireAndVerifyClientCert?",
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
        (
            "tls_server_config:\n  cipher_suites: [RC4]\n",
            "2: cipher_suites: the value is not known here; use one of TLS_AES_128_GCM_SHA256",
        ),
        (
            "tls_server_config:\n  curve_preferences: [X25519, CurveP256]\n",
            "2: curve_preferences names several",
        ),
    ],
)
def test_a_mistake_is_reported_with_its_line_and_remedy(tmp_path: Path, text: str, message: str) -> None:
    found = mistakes(tmp_path, text)
    assert any(one.startswith(message) for one in found), found
    assert all("; " in one for one in found)
    assert not any("secret" in one for one in found)


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path, "rols: {}\nbasic_auth_users: {a: b}\ntrusted_proxy: {header: X-U}\nrate_limit: {x: 1}\n"
    )
    assert [one.partition(":")[0] for one in found] == ["1", "2", "3", "4"]


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError,
        match=r"does not exist; create it or correct the path, or correct --web\.config\.file",
    ):
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
    assert (paths.route_prefix, paths.link_prefix) == (route, shown)


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


SECRET = "sk_live_51HplantedInTheWrongPlace"
WRONG_PLACES = (
    f"{SECRET}: 1\n",
    f"roles: {{{SECRET}: [admin]}}\n",
    f"roles: {{ada: [{SECRET}]}}\nbasic_auth_users: {{ada: x}}\n",
    f"basic_auth_users: {{{SECRET}: plain}}\n",
    f"basic_auth_users: {{ada: {SECRET}}}\n",
    f"basic_auth_users: {{'{SECRET}:': x}}\n",
    f"bearer_tokens: [{{name: {SECRET}, token: short, roles: []}}]\n",
    f"bearer_tokens: [{{name: a, token: a-token-0123456789, roles: [{SECRET}]}}]\n",
    f"bearer_tokens: [{{name: a, token_file: {SECRET}, roles: [viewer]}}]\n",
    f"bearer_tokens: [{{name: a, token: *{SECRET}, roles: [viewer]}}]\n",
    f"bearer_tokens: [{{name: a, token: !{SECRET}! x, roles: [viewer]}}]\n",
    f"bearer_tokens: [{{name: a, token: a-token-0123456789, roles: [viewer], tenants: ['{SECRET} x']}}]\n",
    f"client_certificates: [{{san: {SECRET}}}]\n",
    f"trusted_proxy: {{header: '{SECRET} x', addresses: [{SECRET}]}}\n",
    f"tls_server_config: {{cert_file: {SECRET}, key_file: {SECRET}, client_auth_type: {SECRET}}}\n",
    f"tls_server_config: {{cipher_suites: [{SECRET}], curve_preferences: [{SECRET}]}}\n",
    f"http_server_config: {{headers: {{{SECRET}: a, X-Frame-Options: {SECRET}}}}}\n",
    f"rate_limit: {{interval: {SECRET}, burst: {SECRET}}}\n",
    f"tls_server_config: {{key: {{{SECRET}: 1}}, cert_file: /{SECRET}/x.pem}}\n",
    f"bearer_tokens: [{{name: a, roles: {{{SECRET}: 1}}, {SECRET}: 1}}]\n",
    f"{SECRET}: 1\n{SECRET}: 2\n",
    f"a: ${{{SECRET}\n? [{SECRET}]\n: 1\n",
    f"trusted_proxy: {{header: X-U, addresses: {SECRET}, roles: {SECRET}}}\n",
)


@pytest.mark.parametrize("text", WRONG_PLACES)
def test_a_credential_in_the_wrong_place_is_not_quoted(tmp_path: Path, text: str) -> None:
    message = mistakes(tmp_path, text)
    assert message and SECRET not in "\n".join(message)


@pytest.mark.parametrize(
    "text",
    [
        'bearer_tokens: [{name: v, token_file: "\\uD800", roles: [admin]}]\n',
        'bearer_tokens: [{name: v, token_file: "a\\0b", roles: [admin]}]\n',
        'bearer_tokens: [{name: "\\uD800", token: 0123456789abcdef, roles: [admin]}]\n',
        'bearer_tokens: [{name: v, token: "\\uD8000123456789abcdef", roles: [admin]}]\n',
        'roles: {"\\uDC00": [admin]}\n',
        "bearer_tokens: [{name: v, token_file: /dev/zero, roles: [admin]}]\n",
        "tls_server_config: {cert_file: /dev/zero, key_file: /dev/zero}\n",
        "tls_server_config: {cert_file: /, key_file: pipe}\n",
        "tls_server_config: {cert_file: huge, key_file: huge}\n",
        "[" * 5000,
    ],
)
async def test_after_an_odd_file_a_good_one_is_taken(tmp_path: Path, text: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(1 << 33)
    path = tmp_path / "web.yml"
    path.write_text("bearer_tokens: [{name: first, token: first-0123456789, roles: [viewer]}]\n")
    file = WebConfigFile(str(path))
    file.load()
    path.write_text(text)
    with structlog.testing.capture_logs() as logs:
        assert [file.refresh() for _ in range(4)] == [False] * 4
    assert [log["event"] for log in logs] == ["web configuration kept"]
    str(logs).encode()
    assert file.current.tokens[0].name == "first"
    path.write_text("bearer_tokens: [{name: second, token: second-0123456789, roles: [viewer]}]\n")
    assert [file.refresh() for _ in range(2)] == [False, True]
    assert file.current.tokens[0].name == "second"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1m30s", 90.0),
        ("1.5s", 1.5),
        ("100ms", 0.1),
        ("1h", 3600.0),
        ("250us", 0.00025),
        (".5s", 0.5),
        ("1d", 86_400.0),
    ],
)
def test_durations_are_those_of_go_and_of_prometheus(tmp_path: Path, text: str, seconds: float) -> None:
    path = tmp_path / "web.yml"
    path.write_text(f"rate_limit: {{interval: {text}, burst: 3}}\n")
    limit = read(str(path)).rate_limit
    assert limit is not None and limit.interval == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["5", "1 s", "s", "1x", "-1s", "1m 30s", "1e3s"])
def test_what_neither_go_nor_prometheus_reads_is_no_duration(tmp_path: Path, text: str) -> None:
    assert (
        "interval: the value is no duration" in mistakes(tmp_path, f"rate_limit: {{interval: {text}}}\n")[0]
    )


def test_headers_have_the_values_that_the_exporter_toolkit_takes(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    good = "X-XSS-Protection: 1, X-Frame-Options: sameorigin, X-Content-Type-Options: nosniff"
    path.write_text(f"http_server_config: {{headers: {{{good}}}}}\n")
    assert dict(read(str(path)).headers)["X-XSS-Protection"] == "1"
    for wrong, remedy in (
        ("X-Frame-Options: allow", "use one of deny, sameorigin"),
        ("X-Content-Type-Options: sniff", "did you mean nosniff?"),
        ("X-Frame-Options: 1", "use one of deny, sameorigin"),
    ):
        message = mistakes(tmp_path, f"http_server_config: {{headers: {{{wrong}}}}}\n")
        assert "the value is not known here; " in message[0] and message[0].endswith(remedy)


def test_a_hash_that_costs_too_much_differs_from_none(tmp_path: Path) -> None:
    costly = "$2b$18$" + "a" * 53
    assert "costs seconds for each guess" in mistakes(tmp_path, f"basic_auth_users: {{ada: {costly}}}\n")[0]
