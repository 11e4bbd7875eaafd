import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from exporter.core.network import Network
from exporter.core.options import tenant_fields
from exporter.core.probe import Result
from exporter.core.reason import Reason
from exporter.exposition import Exposition
from exporter.probes.http import PROBE
from exporter.probes.http.extract import MOST_SERIES
from exporter.probes.http.options import HttpOptions
from tests.probes.day import leaks, probed, target_of, values
from tests.servers.authority import Authority
from tests.servers.proxy import Proxy as Through
from tests.servers.raw import Raw, Visit, answering, keeping, ok, serving

SECRET = "planted-secret-0123"


async def asked(network: Network, body: Any, options: Mapping[str, Any], headers: str = "") -> Result:
    """Probe a server that answers with `body` (JSON, or bytes as they are)."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with serving(answering(ok(data, headers))) as server:
        return await probed(target_of(PROBE, {"url": server.url(), **options}), network)


async def answers(network: Network, raw: bytes, **options: Any) -> Result:
    async with serving(answering(raw)) as server:
        return await probed(target_of(PROBE, {"url": server.url(), **options}), network)


def mistakes(**options: Any) -> list[str]:
    assert PROBE.verify
    return PROBE.verify(target_of(PROBE, {"url": "https://a.example/", **options}).options)


async def test_a_good_answer_tells_its_size_redirects_and_protocol(network: Network) -> None:
    result = await asked(network, {"status": "ok"}, {})
    assert (result.reason, result.http_status, result.calls) == (None, 200, 1)
    assert values(result) == {
        "http_response_body_bytes": 16,
        "http_redirects": 0,
        "http_protocol_info{1.1,}": 1,
    }
    assert set(result.phases) == {"connect", "processing", "transfer"}


async def test_over_tls_the_certificate_is_reported_once_and_by_the_engine(
    network: Network, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority = Authority(tmp_path_factory.mktemp("ca"))
    async with serving(keeping(), tls=authority.server()) as server:
        options = {"url": server.url(scheme="https"), "tls": {"ca_file": authority.ca_file}}
        result = await probed(target_of(PROBE, options), network)
        refused = await probed(target_of(PROBE, {**options, "tls": {}}), network)
    assert values(result)["http_protocol_info{1.1,TLSv1.3}"] == 1
    assert [fact.metric.name for fact in result.facts] == [
        "integration_certificate_expiry_timestamp_seconds",
        "integration_certificate_chain_expiry_timestamp_seconds",
    ]
    assert (refused.reason, refused.samples) == (Reason.TLS, ())
    # The chain of a server that is not trusted ends at what it sent, so that the root is no part of it.
    assert refused.facts[0] == result.facts[0]


@pytest.mark.parametrize(
    ("status", "expect", "reason"),
    [
        ("200 OK", {}, None),
        ("204 No Content", {}, None),
        ("404 Not Found", {"status": [404]}, None),
        ("404 Not Found", {"status": ["4xx"]}, None),
        ("503 Busy", {"status": ["2xx", "500-503"]}, None),
        ("302 Found", {}, Reason.ASSERTION),
        ("200 OK", {"status": [404]}, Reason.ASSERTION),
        ("401 Unauthorized", {}, Reason.AUTH),
        ("402 Payment Required", {}, Reason.QUOTA),
        ("403 Forbidden", {}, Reason.PERMISSION),
        ("404 Not Found", {}, Reason.NOT_FOUND),
        ("410 Gone", {}, Reason.NOT_FOUND),
        ("418 Teapot", {}, Reason.BAD_RESPONSE),
        ("429 Too Many", {}, Reason.RATE_LIMITED),
        ("500 Oops", {}, Reason.VENDOR_ERROR),
        ("504 Late", {}, Reason.VENDOR_ERROR),
    ],
)
async def test_a_status_is_judged_by_what_is_expected_and_then_by_its_meaning(
    network: Network, status: str, expect: dict[str, Any], reason: Reason | None
) -> None:
    result = await answers(network, ok(b"", "", status), expect=expect)
    assert result.reason is reason
    assert status[:3] in result.detail or reason is None


@pytest.mark.parametrize(
    ("body", "expect", "detail"),
    [
        ({"status": "ok"}, {"body": ["status == 'ok'"]}, ""),
        ({"a": [1, 2]}, {"body": ["length(a) == `2`", "a"]}, ""),
        (
            {"status": SECRET},
            {"body": ["`true`", "status == 'ok'"]},
            "expect.body[1] `status == 'ok'` is not true",
        ),
        ({}, {"body": ["status"]}, "expect.body[0] `status` is not true"),
        ({"n": "x"}, {"body": ["n > `1`"]}, "expect.body[0] `n > `1`` is not true"),
        ({"n": 1}, {"body": ["length(n)"]}, "expect.body[0] `length(n)` is not true"),
        (b"all good", {"matches": ["^all"], "not_matches": ["error"]}, ""),
        (SECRET.encode(), {"matches": ["a", "^all"]}, "expect.matches[1] `^all` is not found in the body"),
        (b"some error", {"not_matches": [".*err"]}, "expect.not_matches[0] `.*err` is found in the body"),
        (b"", {"http_version": ["1.0"]}, "the HTTP version is 1.1, not 1.0"),
        (b"", {"tls": "required"}, "the answer came without TLS"),
        (b"", {"tls": "forbidden"}, ""),
        (b"", {"headers": [{"name": "X-Of", "matches": "^us$"}]}, ""),
        (
            b"",
            {"headers": [{"name": "x-of", "matches": "^them$"}]},
            "the header x-of does not match `^them$`",
        ),
        (b"", {"headers": [{"name": "X-No", "matches": "a"}]}, "the header X-No does not match `a`"),
        (b"", {"headers": [{"name": "X-No", "not_matches": "a"}]}, ""),
        (b"", {"headers": [{"name": "X-Of", "not_matches": "u"}]}, "the header X-Of matches `u`"),
    ],
)
async def test_the_assertion_that_fails_is_named_and_the_body_is_not(
    network: Network, body: Any, expect: dict[str, Any], detail: str
) -> None:
    result = await asked(network, body, {"expect": expect}, "X-Of: us\r\n")
    assert (result.reason, result.detail) == (Reason.ASSERTION if detail else None, detail)
    assert SECRET not in repr(replace(result, private=()))


async def test_an_answer_that_comes_too_late_is_an_assertion(network: Network) -> None:
    async def talk(visit: Visit) -> None:
        await visit.request()
        await asyncio.sleep(0.15)
        await visit.say(ok())

    async with serving(talk) as server:
        options = {"url": server.url(), "expect": {"max_latency": "100ms"}}
        result = await probed(target_of(PROBE, options), network)
        assert result.reason is Reason.ASSERTION
        assert result.detail.endswith("s, expected is at most 100ms")
        options = {"url": server.url(), "expect": {"max_latency": "4s"}}
        assert (await probed(target_of(PROBE, options), network)).ok


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": ', b"[" * 100_000, b"\xff\xfe", b"NaN"])
async def test_a_body_that_is_no_json_is_a_bad_response_where_json_is_needed(
    network: Network, body: bytes
) -> None:
    result = await asked(network, body, {"expect": {"body": ["a"]}})
    assert result.reason is Reason.BAD_RESPONSE
    assert (await asked(network, body, {})).ok


def extracting(path: str, each: str = "", **labels: str) -> dict[str, Any]:
    return {"extract": [{"metric": "jobs", "path": path, "each": each, "help": "Jobs.", "labels": labels}]}


@pytest.mark.parametrize(
    ("body", "extract", "found", "drift"),
    [
        ({"n": 3}, extracting("n"), {"jobs": 3}, ()),
        ({"n": True}, extracting("n"), {"jobs": 1}, ()),
        ({"n": "2.5"}, extracting("n"), {"jobs": 2.5}, ()),
        ({"n": 0}, extracting("n"), {"jobs": 0}, ()),
        ({"n": None}, extracting("n"), {}, ("n",)),
        ({}, extracting("n"), {}, ("n",)),
        ({"n": ""}, extracting("n"), {}, ("n",)),
        ({"n": "many"}, extracting("n"), {}, ("n",)),
        ({"n": "NaN"}, extracting("n"), {}, ("n",)),
        ({"n": {"a": 1}}, extracting("n"), {}, ("n",)),
        ({"n": [1, 2]}, extracting("n"), {}, ("n",)),
        ({"n": 10**400}, extracting("n"), {}, ("n",)),
        ({"n": 3, "q": "mail"}, extracting("n", queue="q"), {"jobs{mail}": 3}, ()),
        ({"n": 3, "q": 7}, extracting("n", queue="q"), {"jobs{7}": 3}, ()),
        ({"n": 3, "q": True}, extracting("n", queue="q"), {"jobs{true}": 3}, ()),
        ({"n": 3}, extracting("n", queue="q"), {"jobs{}": 3}, ()),
        (
            [{"q": "a", "n": 1}, {"q": "b", "n": 2}],
            extracting("n", "@", queue="q"),
            {"jobs{a}": 1, "jobs{b}": 2},
            (),
        ),
        (
            {"l": [{"q": "a", "n": 1}, {"q": "b", "n": None}, {"n": 3}]},
            extracting("n", "l", queue="q"),
            {"jobs{a}": 1, "jobs{}": 3},
            ("n",),
        ),
        (
            {"l": [{"q": "a", "z": "eu", "n": 1}]},
            extracting("n", "l[?z == 'eu']", zone="z", queue="q"),
            {"jobs{a,eu}": 1},
            (),
        ),
        ([{"q": "a", "n": 1}, {"q": "a", "n": 2}], extracting("n", "@", queue="q"), {"jobs{a}": 1}, ()),
        ({"l": []}, extracting("n", "l", queue="q"), {}, ()),
        ({"l": {"q": "a"}}, extracting("n", "l", queue="q"), {}, ("l",)),
        ({}, extracting("n", "l", queue="q"), {}, ("l",)),
    ],
)
async def test_values_are_extracted_and_what_is_unknown_is_drift_and_never_zero(
    network: Network, body: Any, extract: dict[str, Any], found: dict[str, float], drift: tuple[str, ...]
) -> None:
    result = await asked(network, body, extract)
    assert result.ok
    shown = {name[5:]: value for name, value in values(result).items() if name.startswith("http_jobs")}
    assert shown == found
    assert result.drift == drift


async def test_extracted_series_are_capped_and_the_log_tells_how_many_are_missing(network: Network) -> None:
    body = [{"q": str(n), "n": n} for n in range(MOST_SERIES + 5)]
    result = await asked(network, body, extracting("n", "@", queue="q"))
    assert sum(name.startswith("http_jobs") for name in values(result)) == MOST_SERIES
    assert any("left out 5 series" in text for _, text in result.log)
    assert values(result)["http_extracted_series{integration_http_jobs}"] == MOST_SERIES + 5


async def test_an_extracted_metric_is_declared_and_is_exposed(network: Network) -> None:
    options = {"extract": [{"metric": "lag_seconds", "path": "lag", "help": "Lag of the queue."}]}
    result = await asked(network, {"lag": 1.5}, options)
    assert PROBE.dynamic
    (metric,) = PROBE.dynamic(target_of(PROBE, {"url": "http://a/", **options}).options)
    assert (metric.name, metric.unit, metric.help) == (
        "integration_http_lag_seconds",
        "seconds",
        "Lag of the queue.",
    )
    exposition = Exposition()
    exposition.put("key", (), [(sample.metric, (), sample.value) for sample in result.samples[-1:]])
    assert b"integration_http_lag_seconds 1.5" in exposition.render(openmetrics=False, gzip=False)


@pytest.mark.parametrize(
    ("auth", "sent"),
    [
        (
            {"basic": {"username": "me", "password": SECRET}},
            f"Authorization: Basic {base64.b64encode(f'me:{SECRET}'.encode()).decode()}\r\n",
        ),
        ({"bearer": {"token": SECRET}}, f"Authorization: Bearer {SECRET}\r\n"),
        ({"api_key": {"header": "X-Api-Key", "key": SECRET}}, f"X-Api-Key: {SECRET}\r\n"),
        ({"api_key": {"query": "key", "key": SECRET}}, f"GET /?key={SECRET} HTTP/1.1\r\n"),
    ],
)
@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized"])
async def test_a_credential_is_on_the_wire_and_nowhere_else(
    network: Network, auth: dict[str, Any], sent: str, status: str
) -> None:
    async with serving(answering(ok(SECRET.encode(), "", status))) as server:
        target = target_of(PROBE, {"url": server.url(), "auth": auth})
        result = await probed(target, network)
    assert sent.encode() in server.requests[0]
    assert leaks(target, result, str(target), repr(target.options)) == []


async def test_method_headers_and_body_are_sent_as_configured(network: Network) -> None:
    async with serving(keeping()) as server:
        options = {
            "url": server.url("/x"),
            "method": "POST",
            "headers": {"X-A": "b", "Host": "h"},
            "body": "hé",
        }
        assert (await probed(target_of(PROBE, options), network)).ok
    assert server.requests[0].startswith(b"POST /x HTTP/1.1\r\nX-A: b\r\nHost: h\r\n")
    assert server.requests[0].endswith("Content-Length: 3\r\n\r\nhé".encode())
    assert server.requests[0].lower().count(b"host:") == 1


@pytest.mark.parametrize(("connection", "visits"), [("new", 3), ("reuse", 1)])
async def test_each_probe_connects_again_unless_configured_otherwise(
    network: Network, connection: str, visits: int
) -> None:
    async def probe(server: Raw) -> Result:
        return await probed(target_of(PROBE, {"url": server.url(), "connection": connection}), network)

    async with serving(keeping()) as server:
        results = [await probe(server) for _ in range(3)]
    assert all(result.ok for result in results)
    assert server.visits == visits
    assert ("connect" in results[-1].phases) == (connection == "new")


async def test_redirects_are_followed_as_far_as_configured(network: Network) -> None:
    async def talk(visit: Visit) -> None:
        path = (await visit.request()).split(b" ")[1]
        await visit.say(ok(b"there") if path == b"/b" else ok(b"", "Location: /b\r\n", "302 Found"))

    async with serving(talk) as server:
        result = await probed(target_of(PROBE, {"url": server.url("/a")}), network)
        assert values(result)["http_redirects"] == 1
        options = {"url": server.url("/a"), "redirects": 0, "expect": {"status": [302]}}
        assert (await probed(target_of(PROBE, options), network)).http_status == 302


async def test_headers_that_are_named_like_credentials_stay_behind_at_another_origin(
    network: Network,
) -> None:
    asked = []

    async def talk(visit: Visit) -> None:
        asked.append(await visit.request())
        there = f"Location: http://localhost:{server.port}/b\r\n"
        await visit.say(ok() if b" /b " in asked[-1] else ok(b"", there, "307 Moved"))

    async with serving(talk) as server:
        headers = {"X-Api-Key": "planted", "DD-APPLICATION-Token": "planted", "X-Plain": "shown"}
        options = {"url": server.url("/a"), "headers": headers}
        assert (await probed(target_of(PROBE, options), network)).ok
    assert [text.count(b"planted") for text in asked] == [2, 0]
    assert all(b"X-Plain: shown" in text for text in asked)


async def test_a_body_above_its_bound_fails(network: Network) -> None:
    result = await asked(network, b"x" * 101, {"max_body": 100})
    assert (result.reason, result.detail) == (
        Reason.BAD_RESPONSE,
        "the body is longer than 100 bytes unpacked",
    )


def test_a_tenant_may_set_its_credentials_and_nothing_else() -> None:
    assert tenant_fields(HttpOptions) == {"auth"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, ""),
        ({"url": "ftp://a/"}, "url: "),
        ({"url": "https://user:pass@a/"}, "url: "),
        ({"headers": {"Authorization": "x"}}, "headers: "),
        ({"headers": {"X A": "x"}}, "headers: "),
        ({"headers": {"Content-Length": "1"}}, "headers: "),
        ({"headers": {"X-A": "a\r\nX-B: c"}}, "headers: "),
        ({"auth": {}}, "auth: "),
        ({"auth": {"bearer": {"token": "a"}, "basic": {"username": "a", "password": "b"}}}, "auth: "),
        ({"auth": {"basic": {"username": "a:b", "password": "c"}}}, "auth: "),
        ({"auth": {"api_key": {"key": "a"}}}, "auth: "),
        ({"auth": {"api_key": {"key": "a", "header": "Host"}}}, "auth: "),
        ({"auth": {"api_key": {"key": "a", "header": "A\r\nB"}}}, "auth: "),
        ({"expect": {"status": ["3x"]}}, "expect: status"),
        ({"expect": {"status": ["300-200"]}}, "expect: status"),
        ({"expect": {"body": ["a =="]}}, "expect: body"),
        ({"expect": {"matches": ["("]}}, "expect: the regular expression"),
        ({"expect": {"matches": ["(a+)+$"]}}, "expect: the regular expression"),
        ({"expect": {"not_matches": [r"((\w*)x)*"]}}, "expect: the regular expression"),
        ({"expect": {"matches": ["(ab)+c[+*]d+", r"(a\+)*", "a{2,}"]}}, ""),
        ({"expect": {"headers": [{"name": "X-A"}]}}, "expect: a header"),
        ({"extract": [{"metric": "a", "path": "a..b", "help": "A."}]}, "extract: "),
        ({"extract": [{"metric": "a", "path": "a", "help": "no stop"}]}, "extract: "),
        ({"extract": [{"metric": "a", "path": "a", "help": "A.", "labels": {"tenant": "b"}}]}, "extract: "),
        ({"extract": [{"metric": "redirects", "path": "a", "help": "A."}]}, "extract: the metric redirects"),
        ({"extract": [{"metric": "a", "path": "a", "help": "A."}] * 2}, "extract: the metric a is taken"),
    ],
)
def test_options_that_cannot_work_are_reported_before_anything_runs(
    options: dict[str, Any], words: str
) -> None:
    found = mistakes(**options)
    assert bool(found) == bool(words), found
    assert all(mistake.startswith(words) and "; " in mistake for mistake in found)


async def test_a_slow_regular_expression_sees_only_the_beginning_of_the_body(network: Network) -> None:
    body = b"a" * (64 << 10) + b"end"
    result = await asked(network, body, {"expect": {"matches": ["end"]}})
    assert result.reason is Reason.ASSERTION


PACKED = ok(b"\x8b\x02", "Content-Encoding: br\r\nX-A: b\r\n")


@pytest.mark.parametrize(
    "expect",
    [{}, {"headers": [{"name": "x-a", "matches": "b"}], "max_latency": "9s", "status": [200]}],
)
async def test_an_encoding_that_nobody_has_to_read_does_not_matter(
    network: Network, expect: dict[str, Any]
) -> None:
    async with serving(answering(PACKED)) as server:
        result = await probed(target_of(PROBE, {"url": server.url(), "expect": expect}), network)
    assert (result.reason, values(result)["http_response_body_bytes"]) == (None, 2)


@pytest.mark.parametrize(
    "options",
    [
        {"expect": {"matches": ["x"]}},
        {"expect": {"not_matches": ["x"]}},
        {"expect": {"body": ["a"]}},
        {"extract": [{"metric": "a", "path": "a", "help": "A."}]},
    ],
    ids=["matches", "not_matches", "body", "extract"],
)
async def test_an_encoding_that_hides_what_is_asked_for_is_named(
    network: Network, options: dict[str, Any]
) -> None:
    async with serving(answering(PACKED)) as server:
        result = await probed(target_of(PROBE, {"url": server.url(), **options}), network)
    assert (result.reason, "content encoding br" in result.detail) == (Reason.BAD_RESPONSE, True)


async def test_a_page_is_searched_in_the_charset_that_it_declares(network: Network) -> None:
    page = ok("Zürich".encode("latin-1"), "Content-Type: text/html; charset=ISO-8859-1\r\n")
    async with serving(answering(page)) as server:
        options = {"url": server.url(), "expect": {"matches": ["Zürich"]}}
        assert (await probed(target_of(PROBE, options), network)).ok


async def test_json_with_a_byte_order_mark_is_read(network: Network) -> None:
    async with serving(answering(ok(b'\xef\xbb\xbf{"n": 7}'))) as server:
        options = {"url": server.url(), "extract": [{"metric": "n", "path": "n", "help": "N."}]}
        assert values(await probed(target_of(PROBE, options), network))["http_n"] == 7


async def test_a_probe_may_go_through_a_proxy_that_knows_us(network: Network) -> None:
    through = Through()
    async with serving(through.talk) as raw:
        options = {
            "url": "http://shop.example/",
            "proxy_url": raw.url(""),
            "proxy_auth": {"username": "u", "password": SECRET},
        }
        target = target_of(PROBE, options)
        result = await probed(target, network)
    assert result.ok
    assert base64.b64encode(f"u:{SECRET}".encode()).decode() in through.asked[0]
    assert leaks(target, result) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"proxy_url": "https://p:1"}, "http:// alone; write it as http://host:port"),
        ({"proxy_url": "p:1"}, "proxy_url: "),
        ({"proxy_auth": {"username": "u", "password": "p"}}, "add proxy_url, or remove it"),
        ({"proxy_url": "http://p:1", "proxy_auth": {"username": "u:v", "password": "p"}}, "holds no colon"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_a_mistake(options: dict[str, Any], words: str) -> None:
    made = target_of(PROBE, {"url": "http://shop.example/", **options}).options
    assert PROBE.verify is not None
    (mistake,) = PROBE.verify(made)
    assert words in mistake


async def test_variables_of_the_environment_name_no_proxy(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving(keeping()) as server:
        assert (await probed(target_of(PROBE, {"url": server.url()}), network)).ok
