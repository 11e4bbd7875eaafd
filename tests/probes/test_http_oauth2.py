"""The http probe with OAuth2 client credentials, against a strict token endpoint."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from exporter import registry
from exporter.config.load import load_text
from exporter.core.clock import SystemClock
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from exporter.core.network import Network
from exporter.core.options import tenant_fields
from exporter.core.probe import Result, Target
from exporter.core.reason import Reason
from exporter.core.token import ClientCredentials
from exporter.engine.run import run
from exporter.net.tokens import Tokens
from exporter.probes.http import PROBE, grant_of
from exporter.probes.http.options import HttpOptions
from tests.probes.day import leaks, probed, staged, target_of, values
from tests.servers.authority import Authority
from tests.servers.oauth import (
    AUDIENCE,
    CLIENT_ID,
    CLIENT_SECRET,
    Issuer,
    close_to,
    issuing,
    refusal,
)
from tests.servers.ports import free_port

EXPIRY = "token_expiry_timestamp_seconds{access}"


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with issuing(Issuer()) as made:
        yield made


def target(
    issuer: Issuer, secret: str = CLIENT_SECRET, tenant: str = "acme", proxy: str = "", **endpoint: Any
) -> Target:
    options = {
        "url": issuer.url("/api"),
        "auth": {"oauth2": {"client_id": CLIENT_ID, "client_secret": secret}},
        "token_endpoint": {"url": issuer.url("/token"), **endpoint},
        "proxy_url": proxy,
        "expect": {"body": ["status == 'ok'"]},
        "extract": [{"metric": "jobs", "path": "jobs", "help": "Jobs."}],
    }
    made = target_of(PROBE, options)
    return Target("payments", tenant, made.probe, made.options, made.interval, made.timeout)


async def turn(network: Network, tokens: Tokens, of: Target) -> Result:
    return await run(of, network, SystemClock(), {}, tokens)


async def test_a_token_is_fetched_and_used_and_its_expiry_is_a_fact(network: Network, issuer: Issuer) -> None:
    result = await probed(target(issuer), network)
    assert (result.reason, result.http_status, result.calls) == (None, 200, 2)
    low, high = close_to(3600)
    assert low < values(result)[EXPIRY] < high
    # so that no alert takes an hour that is left for a token that somebody must renew
    assert values(result)["token_refreshable{access}"] == 1
    assert values(result)["http_jobs"] == 3
    assert result.drift == ()


@pytest.mark.parametrize(
    ("style", "endpoint"),
    [
        ("header", {}),
        ("header", {"scopes": ["read", "write"], "audience": AUDIENCE}),
        ("body", {"auth_style": "body"}),
        ("body", {"auth_style": "body", "scopes": ["read"]}),
    ],
)
async def test_the_client_shows_itself_as_configured(
    network: Network, style: str, endpoint: dict[str, Any]
) -> None:
    async with issuing(Issuer(style=style)) as issuer:
        assert (await probed(target(issuer, **endpoint), network)).ok
    async with issuing(Issuer(style="body" if style == "header" else "header")) as issuer:
        assert not (await probed(target(issuer, **endpoint), network)).ok


async def test_both_servers_are_asked_over_tls_each_by_its_own_authority(
    network: Network, tmp_path: Path
) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    shared = Issuer()
    api = Issuer(good=shared.good)
    async with (
        issuing(shared, tls=theirs.server(until=3.0)),
        issuing(api, tls=ours.server(until=20.0)),
    ):
        options = {
            "url": api.url("/api"),
            "tls": {"ca_file": ours.ca_file},
            "auth": {"oauth2": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}},
        }
        endpoint = {"url": shared.url("/token"), "tls": {"ca_file": theirs.ca_file}}
        result = await probed(target_of(PROBE, {**options, "token_endpoint": endpoint}), network)
        assert result.ok, result.detail
        low, high = close_to(20 * 86_400)
        assert low < values(result)["certificate_expiry_timestamp_seconds"] < high
        endpoint["tls"] = {}
        refused = await probed(target_of(PROBE, {**options, "token_endpoint": endpoint}), network)
    assert (refused.reason, refused.http_status, refused.phases, refused.facts) == (Reason.TLS, None, {}, ())
    assert refused.detail.startswith("no token: the server's certificate is from an unknown authority")


async def test_phases_and_latency_are_those_of_the_probed_server_alone(
    network: Network, issuer: Issuer
) -> None:
    issuer.hold = hold = 1.5
    options = target(issuer).options
    quick = target_of(
        PROBE,
        {
            "url": options.url,
            "auth": {"oauth2": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}},
            "token_endpoint": {"url": issuer.url("/token")},
            "expect": {"max_latency": "1400ms"},
        },
    )
    result = await probed(quick, network)
    assert result.ok, result.detail
    assert set(result.phases) == {"connect", "processing", "transfer"}
    assert sum(result.phases.values()) + 0.9 * hold < result.duration_seconds


async def test_targets_of_one_credential_share_one_token_and_fetch_it_once(
    network: Network, issuer: Issuer
) -> None:
    issuer.hold = 0.1
    tokens = Tokens(network, SystemClock())
    turns = [turn(network, tokens, target(issuer, tenant=f"t{n}")) for n in range(20)]
    results = await asyncio.gather(*turns)
    assert all(result.ok for result in results)
    assert (issuer.seen["token"], issuer.seen["api"]) == (1, 20)
    assert sorted(result.calls for result in results) == [1] * 19 + [2]
    assert all(EXPIRY in values(result) for result in results)
    await turn(network, tokens, target(issuer))
    assert issuer.seen["token"] == 1
    wrong = await turn(network, tokens, target(issuer, secret="another"))
    assert (wrong.reason, issuer.seen["token"]) == (Reason.AUTH, 2)


async def test_a_token_that_was_revoked_is_replaced_once_and_the_probe_succeeds(
    network: Network, issuer: Issuer
) -> None:
    tokens = Tokens(network, SystemClock())
    assert (await turn(network, tokens, target(issuer))).ok
    issuer.revoke()
    result = await turn(network, tokens, target(issuer))
    assert (result.reason, result.calls) == (None, 3)
    assert (issuer.seen["token"], issuer.seen["api"]) == (2, 3)


async def test_a_server_that_refuses_every_token_does_not_cost_one_each_time(
    network: Network, issuer: Issuer
) -> None:
    tokens = Tokens(network, SystemClock())
    assert (await turn(network, tokens, target(issuer))).ok
    issuer.good = _Nobody()
    results = [await turn(network, tokens, target(issuer)) for _ in range(5)]
    assert {result.reason for result in results} == {Reason.AUTH}
    assert issuer.seen["token"] == 2
    assert [result.calls for result in results] == [3, 1, 1, 1, 1]
    assert results[-1].http_status == 401


async def test_a_token_that_was_just_fetched_and_is_refused_is_not_fetched_again(
    network: Network, issuer: Issuer
) -> None:
    issuer.good = _Nobody()
    result = await probed(target(issuer), network)
    assert (result.reason, result.calls, issuer.seen["token"]) == (Reason.AUTH, 2, 1)


class _Nobody(set[str]):
    def __contains__(self, _token: object) -> bool:
        return False


@pytest.mark.parametrize(
    ("instead", "reason", "words"),
    [
        (refusal(401, {"error": "invalid_client"}), Reason.AUTH, "HTTP 401 invalid_client: it does not"),
        (refusal(400, {"error": "invalid_client"}), Reason.AUTH, "HTTP 400 invalid_client: it does not"),
        (refusal(400, {"error": "invalid_grant"}), Reason.AUTH, "credential"),
        (refusal(400, {"error": "unauthorized_client"}), Reason.PERMISSION, "client credentials"),
        (refusal(400, {"error": "invalid_scope"}), Reason.PERMISSION, "scopes"),
        (refusal(400, {"error": "invalid_target"}), Reason.PERMISSION, "audience"),
        (refusal(403, {"error": "access_denied"}), Reason.PERMISSION, "denies"),
        (refusal(400, {"error": "invalid_request"}), Reason.BAD_RESPONSE, "auth_style"),
        (refusal(400, {"error": "unsupported_grant_type"}), Reason.BAD_RESPONSE, "does not offer"),
        (refusal(400, {"error": "temporarily_unavailable"}), Reason.VENDOR_ERROR, "for the time being"),
        (refusal(200, {"error": "invalid_client"}), Reason.AUTH, "HTTP 200 invalid_client"),
        (refusal(200, {"error": {"code": 7}}), Reason.BAD_RESPONSE, "HTTP 200"),
        (refusal(400, {"error": "of its own"}), Reason.AUTH, "answered HTTP 400"),
        (refusal(401), Reason.AUTH, "answered HTTP 401"),
        (refusal(403, ["x"]), Reason.BAD_RESPONSE, "in front of it"),
        (refusal(404, {"error": "x"}), Reason.NOT_FOUND, "answered HTTP 404"),
        (refusal(429, {"error": "invalid_request"}), Reason.RATE_LIMITED, "answered HTTP 429"),
        (refusal(500, {"error": "invalid_client"}), Reason.VENDOR_ERROR, "answered HTTP 500"),
        (refusal(503), Reason.VENDOR_ERROR, "answered HTTP 503"),
        (refusal(302, {}, Location="https://elsewhere.example/"), Reason.BAD_RESPONSE, "redirect"),
        (refusal(200, {}), Reason.BAD_RESPONSE, "no usable access_token"),
        (refusal(200, {"access_token": 7}), Reason.BAD_RESPONSE, "no usable access_token"),
        (refusal(200, {"access_token": "a b"}), Reason.BAD_RESPONSE, "no usable access_token"),
        (refusal(200, {"access_token": "a\r\nX: y"}), Reason.BAD_RESPONSE, "no usable access_token"),
        (refusal(200, {"access_token": "a", "token_type": "mac"}), Reason.BAD_RESPONSE, "type Bearer"),
        (web.Response(status=200, text="<html>"), Reason.BAD_RESPONSE, "no JSON object"),
        (web.Response(status=200, text="[" * 60_000), Reason.BAD_RESPONSE, "no JSON object"),
        (web.Response(status=200, text="x" * 70_000), Reason.BAD_RESPONSE, "longer than"),
    ],
)
async def test_an_endpoint_that_gives_no_token_is_reported_by_its_reason_and_the_probe_is_not_made(
    network: Network, issuer: Issuer, instead: web.Response, reason: Reason, words: str
) -> None:
    issuer.instead = instead
    result = await probed(target(issuer), network)
    assert result.reason is reason, result.detail
    assert result.detail.startswith("no token: ") and words in result.detail
    assert (result.calls, result.http_status, result.phases, issuer.seen["api"]) == (1, None, {}, 0)


async def test_an_endpoint_that_cannot_be_reached_or_is_silent_is_reported_too(
    network: Network, issuer: Issuer
) -> None:
    closed = await probed(target(issuer, url=f"http://127.0.0.1:{free_port()}/token"), network)
    assert (closed.reason, closed.detail.partition(":")[0]) == (Reason.CONNECT, "no token")
    issuer.hold = 5.0
    slow = target(issuer)
    hurried = Target("payments", "", slow.probe, slow.options, 60.0, 0.2)
    silent = await probed(hurried, network)
    assert silent.reason is Reason.TIMEOUT
    assert any("token endpoint: stopped while waiting" in text for _, text in silent.log)


async def test_a_pause_that_the_endpoint_asks_for_is_kept_by_every_target(
    network: Network, issuer: Issuer
) -> None:
    issuer.instead = refusal(429, {}, **{"Retry-After": "120"})
    tokens = Tokens(network, SystemClock())
    first = await turn(network, tokens, target(issuer))
    second = await turn(network, tokens, target(issuer, tenant="globex"))
    assert first.retry_after == 120
    assert second.reason is Reason.RATE_LIMITED and 110 < (second.retry_after or 0) <= 120
    assert issuer.seen["token"] == 1


@pytest.mark.parametrize(
    ("lifetime", "extra", "known", "drift"),
    [
        (3600, {}, True, ()),
        ("3600", {}, True, ()),
        (90.5, {}, True, ()),
        (None, {}, False, ()),
        (-5, {}, False, ("token.expires_in",)),
        (0, {}, False, ("token.expires_in",)),
        ("0", {}, False, ("token.expires_in",)),
        (5, {}, False, ()),
        (True, {}, False, ("token.expires_in",)),
        ("soon", {}, False, ("token.expires_in",)),
        (1e12, {}, False, ("token.expires_in",)),
        (3600, {"token_type": "bEARER"}, True, ()),
        (3600, {"token_type": None}, True, ("token.token_type",)),
        (3600, {"token_type": ""}, True, ("token.token_type",)),
        (3600, {"token_type": "BearerToken"}, True, ("token.token_type",)),
        (3600, {"token_type": "bot"}, True, ("token.token_type",)),
    ],
)
async def test_what_is_odd_about_a_token_is_drift_and_an_unknown_expiry_is_absent(
    network: Network, lifetime: Any, extra: dict[str, Any], known: bool, drift: tuple[str, ...]
) -> None:
    async with issuing(Issuer(lifetime=lifetime, extra=extra)) as issuer:
        result = await probed(target(issuer), network)
    assert result.ok, result.detail
    assert (EXPIRY in values(result)) is known
    assert result.drift == drift


@pytest.mark.parametrize("style", ["header", "body"])
@pytest.mark.parametrize("secret", [CLIENT_SECRET, "planted-wrong secret/+"])
async def test_neither_secret_nor_token_shows_anywhere(network: Network, style: str, secret: str) -> None:
    """Also where the endpoint repeats them in its error, and the probed server the token in its own."""
    async with issuing(Issuer(style=style)) as issuer:
        of = target(issuer, secret=secret, auth_style=style)
        tokens = Tokens(network, SystemClock())
        results = [await turn(network, tokens, of)]
        issuer.good = _Nobody()
        results.append(await turn(network, tokens, of))
    shown = repr(results) + repr(of) + str(of)
    assert leaks(of, shown) == []
    assert "planted" not in shown
    assert "says no" not in shown  # what the endpoint says of its error


FILE = """
integrations:
  - name: api
    provider: http
    options: {{url: "https://api.example/", token_endpoint: {{url: "https://login.example/token"}}}}
    tenants:
      list:
        - {{id: acme, options: {{auth: {{oauth2: {{client_id: acme, client_secret_file: acme.txt}}}}}}}}
        - {{id: globex, options: {row}}}
"""
OAUTH2 = "auth: {oauth2: {client_id: globex, client_secret: planted-globex}}"


def loaded(folder: Path, row: str) -> Configuration:
    (folder / "acme.txt").write_text("planted-acme\n")
    return load_text(FILE.format(row=row), str(folder / "config.yml"), registry.catalogue(), {})


def test_each_tenant_brings_a_client_of_its_own(tmp_path: Path) -> None:
    found = loaded(tmp_path, f"{{{OAUTH2}}}").targets
    grants = [grant_of(one.options) for one in found.values()]
    credentials = [one for one in grants if isinstance(one, ClientCredentials)]
    assert [(one.token_url, one.client_id, one.client_secret.reveal()) for one in credentials] == [
        ("https://login.example/token", "acme", "planted-acme"),
        ("https://login.example/token", "globex", "planted-globex"),
    ]
    assert "planted" not in loaded(tmp_path, f"{{{OAUTH2}}}").redacted_text


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            f"{{{OAUTH2}, token_endpoint: {{url: 'https://evil.example/'}}}}",
            "the option token_endpoint cannot be set by a tenant",
        ),
        (
            "{auth: {oauth2: {client_id: a, client_secret: b, token_url: 'https://evil.example/'}}}",
            "unknown key token_url",
        ),
        ("{}", "token_endpoint: nobody is there to ask it"),
    ],
)
def test_a_tenant_never_says_where_a_secret_goes(tmp_path: Path, row: str, words: str) -> None:
    assert tenant_fields(HttpOptions) == {"auth"}
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, row)
    assert words in str(caught.value)


async def test_the_sandbox_gives_tokens_too(network: Network) -> None:
    async with staged(registry.sandbox_vendors()["http"]) as stage:
        client = {"client_id": "sandbox", "client_secret": "sandbox-planted-client-secret-4242"}
        url, tls = stage.stand.endpoint.tls_url, stage.options["tls"]
        options = {
            **stage.options,
            "auth": {"oauth2": client},
            "token_endpoint": {"url": f"{url}/token", "tls": tls},
        }
        assert (await probed(target_of(PROBE, options), network)).ok
        client["client_secret"] = "another"
        assert (await probed(target_of(PROBE, options), network)).reason is Reason.AUTH


SECURE = {"token_endpoint": {"url": "https://login.example/token"}}
CLIENT = {"auth": {"oauth2": {"client_id": "a", "client_secret": "b"}}}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({**CLIENT, **SECURE}, ""),
        ({**CLIENT, "token_endpoint": {"url": "http://127.0.0.9/token"}}, ""),
        ({**CLIENT, "token_endpoint": {"url": "http://[::1]/token"}}, ""),
        ({**CLIENT, "token_endpoint": {"url": "http://localhost:8080/token"}}, ""),
        ({"auth": {"bearer": {"token": "a"}}, **SECURE}, ""),
        (CLIENT, "auth: oauth2 needs"),
        (SECURE, "token_endpoint: nobody"),
        ({**CLIENT, "token_endpoint": {"url": "http://login.example/token"}}, "token_endpoint: a secret"),
        ({**CLIENT, "token_endpoint": {"url": "login.example"}}, "token_endpoint: the URL"),
        ({**CLIENT, "token_endpoint": {"url": "https://a:b@login.example/"}}, "token_endpoint: the URL"),
        ({**CLIENT, "token_endpoint": {"url": "https://a/", "scopes": ["a b"]}}, "token_endpoint: 'a b'"),
        ({**SECURE, "auth": {**CLIENT["auth"], "bearer": {"token": "a"}}}, "auth: there must be exactly"),
    ],
)
def test_what_cannot_work_is_reported_before_anything_runs(options: dict[str, Any], words: str) -> None:
    assert PROBE.verify
    found = PROBE.verify(target_of(PROBE, {"url": "https://a.example/", **options}).options)
    assert bool(found) == bool(words), found
    assert all(mistake.startswith(words) and "; " in mistake for mistake in found)
