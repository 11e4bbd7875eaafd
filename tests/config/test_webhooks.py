"""The key `webhooks`: who sends webhooks here, and who gets them from here."""

# ruff: noqa: E501 -- a table with one mistake per line is read across
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from jsonschema import Draft202012Validator

from exporter import registry
from exporter.config.layout_webhooks import WebhookEndpointPart, WebhookSourcePart
from exporter.config.load import load_text
from exporter.config.schema import build_schema
from exporter.core.configuration import Configuration
from exporter.core.delivery import EndpointLimits, RetryPolicy
from exporter.core.errors import ConfigError, ConfigIssue
from exporter.core.secret import Secret, redact
from exporter.core.webhook import Webhooks
from exporter.signatures import schemes
from tests.config.test_planted import PLANTED, assert_unseen, planted_in

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
OTHER = "whsec_HxwdHhscGRoYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE="
INTEGRATION = (
    "integrations: [{name: payments, provider: stripe, options: {secret_key: sk_test_1234567890}}]\n"
)
WHOLE = f"""{INTEGRATION}
webhooks:
  public_url: https://hooks.example.com/
  sources:
    - name: stripe
      scheme: stripe
      secrets: ["${{STRIPE_WEBHOOK_SECRET}}", older-secret-of-stripe]
      integration: payments
      tolerance: 4m
      types: ["invoice.*", "charge.*"]
      forward: {{url: "http://app.internal/hooks/stripe", timeout: 9s, rate: 20/1s, retry: {{attempts: 3, max_age: 1h}}}}
      silence: 6h
    - {{name: meta, scheme: meta, secrets_files: [meta-new, meta-old], verify_token: "${{META_TOKEN}}"}}
  endpoints:
    - name: acme-crm
      tenant: acme
      url: https://crm.acme.example/hook/planted-path-of-acme
      fallback_url: https://crm2.acme.example/hook
      secret_file: acme
      types: ["order.*"]
      headers: {{X-Env: production, Authorization: Bearer planted-bearer-1}}
      retry: {{attempts: 7, max_age: 2d, timeout: 14s}}
      concurrency: 3
      rate: 50/1s
    - {{name: inside, url: "http://10.0.0.7/", secrets: [{SECRET}, {OTHER}], allow_private: true, ordered: true, enabled: false, disable_after: 0s}}
"""
ENVIRON = {"STRIPE_WEBHOOK_SECRET": "whsec_of_stripe_1", "META_TOKEN": "token-of-meta-1"}
FILES = {"meta-new": "secret-of-meta-2\n", "meta-old": "secret-of-meta-1\n", "acme": f"{SECRET}\n"}


def load(text: str, folder: Path, **environ: str) -> Configuration:
    for name, content in FILES.items():
        (folder / name).write_text(content)
    return load_text(text, str(folder / "main.yml"), registry.catalogue(), {**ENVIRON, **environ})


def mistakes(text: str, folder: Path) -> tuple[ConfigIssue, ...]:
    with pytest.raises(ConfigError) as caught:
        load(text, folder)
    return caught.value.mistakes


def test_each_key_reaches_the_configuration(tmp_path: Path) -> None:
    made = load(WHOLE, tmp_path).webhooks
    assert made.public_url == "https://hooks.example.com"
    stripe, meta = made.sources
    assert (stripe.name, stripe.scheme, stripe.integration, stripe.provider) == (
        "stripe",
        "stripe",
        "payments",
        "stripe",
    )
    assert stripe.secrets == (Secret("whsec_of_stripe_1"), Secret("older-secret-of-stripe"))
    assert (stripe.tolerance, stripe.silence, stripe.types) == (240.0, 21_600.0, ("invoice.*", "charge.*"))
    assert stripe.forward is not None
    assert (stripe.forward.url, stripe.forward.timeout) == ("http://app.internal/hooks/stripe", 9.0)
    assert stripe.forward.limits == EndpointLimits(rate=20, per=1.0, retry=RetryPolicy(3, 3_600.0, 9.0))
    assert meta.secrets == (Secret("secret-of-meta-2"), Secret("secret-of-meta-1"))
    assert (meta.verify_token, meta.forward, meta.silence) == (Secret("token-of-meta-1"), None, 0.0)
    acme, inside = made.endpoints
    assert (acme.tenant, acme.url) == ("acme", "https://crm.acme.example/hook/planted-path-of-acme")
    assert (acme.fallback_url, acme.secrets) == ("https://crm2.acme.example/hook", (Secret(SECRET),))
    assert acme.headers == (("X-Env", "production"), ("Authorization", "Bearer planted-bearer-1"))
    week = EndpointLimits(3, 50, 1.0, retry=RetryPolicy(7, 172_800.0, 14.0), disable_after=432_000.0)
    assert (acme.limits, acme.enabled, acme.private) == (week, True, False)
    assert inside.secrets == (Secret(SECRET), Secret(OTHER))
    assert inside.limits == EndpointLimits(
        concurrency=1, ordered=True, retry=RetryPolicy(12, 259_200.0, 15.0)
    )
    assert (inside.enabled, inside.private, inside.tenant) == (False, True, "")


def test_the_schema_takes_what_the_loader_takes() -> None:
    errors = Draft202012Validator(build_schema(registry.catalogue())).iter_errors(yaml.safe_load(WHOLE))
    assert [error.message for error in errors] == []


@pytest.mark.parametrize(
    "part",
    [
        "sources: [{name: a, scheme: strpe}]",
        "sources: [{name: a b, scheme: stripe}]",
        "sources: [{name: a, scheme: github, options: {x: 1}}]",
        "sources: [{name: a, scheme: github, tolerance: soon}]",
        "endpoints: [{url: 'https://a/'}]",
        "endpoints: [{name: a, url: 'https://a/', rate: fast}]",
        "endpoints: [{name: a, url: 'https://a/', secrets_files: x}]",
    ],
)
def test_an_editor_sees_what_the_loader_refuses(part: str, tmp_path: Path) -> None:
    text = f"webhooks: {{{part}}}"
    assert not Draft202012Validator(build_schema(registry.catalogue())).is_valid(yaml.safe_load(text))
    assert mistakes(text, tmp_path)


def test_default_authorities_are_trusted_by_receivers_without_their_own(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("all")
    (tmp_path / "own.pem").write_text("own")
    text = f"""
defaults: {{tls: {{ca_file: ca.pem}}}}
webhooks:
  sources: [{{name: a, scheme: github, secret: s, forward: {{url: "https://app/"}}}}]
  endpoints:
    - {{name: b, url: "https://b/", secret: {SECRET}}}
    - {{name: c, url: "https://c/", secret: {SECRET}, tls: {{ca_file: own.pem}}}}
"""
    made = load(text, tmp_path).webhooks
    assert made.sources[0].forward is not None
    assert made.sources[0].forward.tls.ca_file == str(tmp_path / "ca.pem")
    assert [one.tls.ca_file for one in made.endpoints] == [
        str(tmp_path / "ca.pem"),
        str(tmp_path / "own.pem"),
    ]


@pytest.mark.parametrize("word", ["false", "off", "0"])
def test_the_switch_turns_webhooks_off_and_still_judges_them(word: str, tmp_path: Path) -> None:
    made = load(WHOLE, tmp_path, WEBHOOK_MONITORING_ENABLED=word)
    assert made.webhooks == Webhooks()
    assert "WEBHOOK_MONITORING_ENABLED" in made.switched_off
    with pytest.raises(ConfigError):
        load(WHOLE.replace("scheme: meta", "scheme: mta"), tmp_path, WEBHOOK_MONITORING_ENABLED=word)


def test_an_operator_is_told_of_a_source_that_takes_more_than_is_wise(tmp_path: Path) -> None:
    loose = load("webhooks: {sources: [{name: pictures, scheme: fal}]}", tmp_path)
    assert [note for note in loose.notes if "webhook source pictures" in note and "options.user_id" in note]
    bound = load("webhooks: {sources: [{name: pictures, scheme: fal, options: {user_id: u}}]}", tmp_path)
    assert not [note for note in bound.notes if "pictures" in note]


def test_each_scheme_takes_what_the_documentation_shows(tmp_path: Path) -> None:
    text = f"""
webhooks:
  public_url: https://hooks.example.com
  sources:
  - {{name: twilio, scheme: twilio, secrets: [token-one, token-two]}}
  - {{name: github, scheme: github, secret: s}}
  - {{name: resend, scheme: standard, secret: {SECRET}}}
  - {{name: fal, scheme: fal, options: {{user_id: u}}}}
  - name: slack
    scheme: hmac
    secret: s
    options:
      header: X-Slack-Signature
      prefix: v0=
      timestamp_header: X-Slack-Request-Timestamp
      signed: "v0:{{timestamp}}:{{body}}"
"""
    made = load(text, tmp_path).webhooks
    assert [source.scheme for source in made.sources] == ["twilio", "github", "standard", "fal", "hmac"]
    errors = Draft202012Validator(build_schema(registry.catalogue())).iter_errors(yaml.safe_load(text))
    assert [error.message for error in errors] == []


def test_secret_files_are_watched(tmp_path: Path) -> None:
    made = load(WHOLE, tmp_path)
    assert {str(tmp_path / name) for name in FILES} <= made.files


def test_no_secret_of_webhooks_shows(tmp_path: Path) -> None:
    made = load(WHOLE, tmp_path)
    secrets = [
        *ENVIRON.values(),
        "older-secret-of-stripe",
        "secret-of-meta-2",
        "secret-of-meta-1",
        SECRET,
        OTHER,
    ]
    secrets.append("planted-bearer-1")
    for secret in secrets:
        assert secret not in made.redacted_text
        assert secret not in repr(made.webhooks)
        assert secret not in redact(f"it failed with {secret} there", made.secrets)
    shown = yaml.safe_load(made.redacted_text)["webhooks"]
    assert shown["sources"][0]["secrets"] == ["***", "***"]
    assert shown["sources"][1]["secrets_files"] == ["meta-new", "meta-old"]
    assert shown["endpoints"][0]["url"] == "https://crm.acme.example/***"
    assert shown["endpoints"][0]["headers"] == {"X-Env": "production", "Authorization": "***"}


def test_the_name_of_a_source_holds_no_credential(tmp_path: Path) -> None:
    text = "webhooks: {sources: [{name: planted-secret-1234, scheme: github, secret: planted-secret-1234}]}"
    assert any("holds a credential" in one.what for one in mistakes(text, tmp_path))


SOURCE = "webhooks:\n  sources:\n  - name: a\n    scheme: github\n"
SIGNED = SOURCE + "    secret: s\n"
ENDPOINT = "webhooks:\n  endpoints:\n  - name: a\n    url: https://a.example/\n"
READY = ENDPOINT + f"    secret: {SECRET}\n"
MISTAKES: list[tuple[str, str, int, str, str]] = [
    ("unknown scheme", SIGNED.replace("github", "gihub"), 4, "scheme: 'gihub' is not known", "did you mean github?"),
    ("no scheme", "webhooks:\n  sources:\n  - name: a\n    secret: s\n", 3, "key scheme is missing", "add scheme:"),
    ("no secret", SOURCE, 3, "has no secret", "add secrets:"),
    ("no secrets", SOURCE + "    secrets: []\n", 3, "has no secret", "add secrets:"),
    ("an empty secret", SOURCE + "    secrets: [s, '']\n", 3, "a secret is empty", "set it"),
    ("an empty variable", SOURCE + "    secret: ${NONE:-}\n", 3, "a secret is empty", "set it"),
    ("secret and secrets", SIGNED + "    secrets: [t]\n", 5, "both secret and secrets", "keep one"),
    ("secrets in two ways", SIGNED.replace("secret: s", "secrets: [s]") + "    secrets_files: [acme]\n", 6, "both secrets and secrets_files", "keep one"),
    ("no such file", SOURCE + "    secrets_files:\n    - acme\n    - gone.txt\n", 7, "gone.txt does not exist", "create it"),
    ("secrets are text", SOURCE + "    secrets: s\n", 5, "secrets: expected a list", "list"),
    ("a file is a number", SOURCE + "    secrets_files: [5]\n", 5, "secrets_files: expected text", "quotes"),
    ("unknown integration", INTEGRATION + SIGNED + "    integration: payment\n", 7, "an integration that is not in this file", "did you mean payments?"),
    ("name twice", SIGNED + "  - name: a\n    scheme: stripe\n    secret: s\n", 6, "name a is taken by line 3", "another name"),
    ("name with a slash", SIGNED.replace("name: a", "name: a/b"), 3, "'a/b' has the wrong form", "in paths and labels"),
    ("name with a break", SIGNED.replace("name: a", 'name: "a\\n"'), 3, "line break", "one line"),
    ("bad glob", SIGNED + "    types:\n    - invoice.*\n    - 'a[b'\n", 8, "a type is no glob", "invoice.*"),
    ("glob with a blank", SIGNED + "    types: [a b]\n", 6, "a type is no glob", "invoice.*"),
    ("tolerance", SIGNED + "    tolerance: 2d\n", 6, "tolerance is out of bounds", "10s to 1d"),
    ("silence", SIGNED + "    silence: 5s\n", 6, "silence is out of bounds", "1m to 365d"),
    ("verify_token", SIGNED + "    verify_token: x\n", 6, "the scheme github asks no verify_token", "remove it"),
    ("options", SIGNED + "    options: {header: x}\n", 6, "unknown key header", "remove it"),
    ("unknown key", SIGNED + "    tolerence: 5m\n", 6, "unknown key tolerence", "did you mean tolerance?"),
    ("forward", SIGNED + "    forward: {url: app.internal}\n", 6, "url is no web address", "https://host/path"),
    ("forward without url", SIGNED + "    forward: {timeout: 5s}\n", 6, "key url is missing", "add url:"),
    ("timeout", SIGNED + "    forward: {url: 'http://a/', timeout: 5m}\n", 6, "timeout is out of bounds", "100ms to 2m"),
    ("rate", SIGNED + "    forward: {url: 'http://a/', rate: 5 per second}\n", 6, "has the wrong form", "50/1s"),
    ("rate of nothing", SIGNED + "    forward: {url: 'http://a/', rate: 5/0s}\n", 6, "the time of the rate is zero", "50/1s"),
    ("attempts", SIGNED + "    forward: {url: 'http://a/', retry: {attempts: 0}}\n", 6, "below the least value 1", "Most attempts"),
    ("max_age", SIGNED + "    forward: {url: 'http://a/', retry: {max_age: 31d}}\n", 6, "max_age is out of bounds", "1s to 30d"),
    ("body", SIGNED + "    max_body_bytes: 5\n", 6, "below the least value 1024", "bytes"),
    ("public_url", "webhooks: {public_url: hooks.example.com}\n", 1, "public_url is no web address", "https://"),
    ("public_url with a query", "webhooks: {public_url: 'https://h/?a=b'}\n", 1, "more than scheme, host and path", "https://"),
    ("public_url with the path", "webhooks: {public_url: 'https://h/webhooks/'}\n", 1, "holds the path /webhooks", "remove it"),
    ("endpoint without secret", ENDPOINT, 3, "the endpoint has no secret", "secret_file"),
    ("endpoint secret", ENDPOINT + "    secret: hunter22!\n", 3, "not whsec_ and base64", "openssl rand"),
    ("short secret", ENDPOINT + "    secret: whsec_AAEC\n", 3, "has 3 bytes and not 24 to 64", "openssl rand"),
    ("endpoint url", READY.replace("https://a.example/", "ftp://a/"), 4, "url is no web address", "https://"),
    ("fragment", READY.replace("https://a.example/", '"https://a.example/#x"'), 4, "url has a fragment", "remove #"),
    ("user in a URL", READY.replace("https://a.example/", "https://user:planted-pw@a.example/"), 4, "url holds a user name or password", "header"),
    ("user in a forward", SIGNED + "    forward: {url: 'http://u:p@a/'}\n", 6, "url holds a user name or password", "header"),
    ("backslash", READY.replace("https://a.example/", "'https://a.example/\\b'"), 4, "url holds a backslash", "%5C"),
    ("fallback", READY + "    fallback_url: x\n", 6, "fallback_url is no web address", "https://"),
    ("tenant", READY + "    tenant: a b\n", 6, "'a b' has the wrong form", "The tenant it belongs to"),
    ("our header", READY + "    headers:\n      X-A: b\n      Webhook-Id: c\n", 8, "a header is one that each delivery sets itself", "remove it"),
    ("content type", READY + "    headers: {content-type: x}\n", 6, "sets itself", "remove it"),
    ("header name", READY + "    headers: {'a b': x}\n", 6, "a character that HTTP forbids", "X-Environment"),
    ("header value", READY + '    headers: {a: "x\\r\\nb: c"}\n', 6, "cannot be sent", "one line"),
    ("header twice", READY + "    headers: {X-A: x, x-a: y}\n", 6, "a header is given twice", "remove one"),
    ("disable_after", READY + "    disable_after: 400d\n", 6, "disable_after is out of bounds", "365d"),
    ("endpoint twice", READY + f"  - {{name: a, url: 'https://b/', secret: {SECRET}}}\n", 6, "name a is taken by line 3", "another name"),
    ("fal with a secret", "webhooks:\n  sources:\n  - name: a\n    scheme: fal\n    options: {user_id: u}\n    secret: s\n", 3, "the scheme fal takes no secret", "remove secret"),
    ("twilio without a URL", SIGNED.replace("github", "twilio"), 4, "signs the URL that it calls", "add public_url"),
    ("secret of svix", SIGNED.replace("github", "standard"), 3, "not whsec_ and base64", "as it was issued"),
    ("empty secret of svix", SIGNED.replace("github", "standard").replace("secret: s", "secret: whsec_"), 3, "and base64", "as it was issued"),
    ("hmac without options", SIGNED.replace("github", "hmac"), 3, "the key header is missing", "add header:"),
    ("hmac options", SIGNED.replace("github", "hmac") + "    options: {header: X-A, algorithm: md5}\n", 6, "'md5' has the wrong form", "sha1, sha256 or sha512"),
    ("hmac header", SIGNED.replace("github", "hmac") + "    options: {header: 'X A'}\n", 6, "header: 'X A' has the wrong form", "Header that holds"),
    ("hmac body not signed", SIGNED.replace("github", "hmac") + "    options: {header: X-A, signed: '{timestamp}'}\n", 6, "has the wrong form", "{body}"),
    ("hmac time not signed", SIGNED.replace("github", "hmac") + "    options: {header: X-A, timestamp_header: X-B}\n", 3, "timestamp_header is not signed", "add {timestamp}"),
    ("hmac time not there", SIGNED.replace("github", "hmac") + "    options: {header: X-A, signed: '{timestamp}.{body}'}\n", 3, "there is no timestamp_header", "add timestamp_header:"),
    ("hmac secret", SIGNED.replace("github", "hmac") + "    options: {header: X-A, secret_encoding: hex}\n", 3, "a secret is no hex", "secret_encoding"),
    ("source is text", "webhooks: {sources: [stripe]}\n", 1, "expected a mapping, found text", "keys with values"),
    ("sources are a mapping", "webhooks: {sources: {a: b}}\n", 1, "sources: expected a list", "list"),
    ("unknown part", "webhooks: {source: []}\n", 1, "unknown key source", "did you mean sources?"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "what", "remedy"), [one[1:] for one in MISTAKES], ids=[one[0] for one in MISTAKES]
)
def test_a_mistake_is_named_with_its_line_and_what_to_do(
    text: str, line: int, what: str, remedy: str, tmp_path: Path
) -> None:
    (found,) = mistakes(text, tmp_path)
    assert found.line == line
    assert what in found.what
    assert remedy in found.remedy


def test_mistakes_of_all_sources_and_endpoints_show_in_one_round(tmp_path: Path) -> None:
    text = """
webhooks:
  sources:
  - {name: a, scheme: nobody, types: ["a["], integration: none}
  - {name: b, scheme: github, tolerance: soon, forward: {url: x}}
  endpoints:
  - {name: c, url: x, secret: y, headers: {Host: z}, retry: {attempts: 0}}
"""
    found = sorted(one.line for one in mistakes(text, tmp_path))
    assert found == [4, 4, 4, 5, 5, 5, 7, 7, 7, 7]


def wrong_parts(kind: type[msgspec.Struct], base: dict[str, Any], secret: str) -> list[dict[str, Any]]:
    made = [
        base | value
        for value in planted_in(msgspec.inspect.type_info(kind), secret)
        if isinstance(value, dict)
    ]
    return [*made, {**base, f"name:{secret}": None}, {**base, "options": {secret: secret}}]


@pytest.mark.parametrize("offset", range(2))
def test_no_mistake_quotes_a_credential(offset: int, tmp_path: Path) -> None:
    document: dict[str, Any] = {"sources": [], "endpoints": []}
    kinds: list[tuple[str, type[msgspec.Struct], dict[str, str]]] = [
        ("sources", WebhookSourcePart, {"name": "a", "scheme": one}) for one in schemes()
    ]
    kinds.append(("endpoints", WebhookEndpointPart, {"name": "a", "url": "https://a/"}))
    for key, kind, base in kinds:
        for index in range(len(wrong_parts(kind, base, ""))):
            secret = PLANTED[(index * 5 + offset * 7) % len(PLANTED)]
            document[key].append(wrong_parts(kind, base, secret)[index])
    assert len(document["sources"]) > 100
    text = msgspec.json.encode({"webhooks": document}).decode()
    assert_unseen("\n".join(map(str, mistakes(text, tmp_path))))
