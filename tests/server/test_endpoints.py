"""What each endpoint answers, and how errors look."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from exporter.core.errors import ConfigError, ConfigIssue, Deferred, ProbeError, Shortage
from exporter.core.probe import Result
from exporter.core.reason import Reason
from exporter.server.paths import Paths
from tests.server.house import CHANGE, NOW, House, Room, house, state
from tests.waiting import PATIENCE


def room() -> Room:
    return Room([state("payments", timeout=0.2), state("calendar", "acme"), state("calendar", "globex")])


@pytest.fixture
async def served() -> AsyncIterator[House]:
    async with house(room()) as made:
        yield made


@pytest.mark.parametrize(
    ("accept", "coding", "kind", "body"),
    [
        ("", "", "text/plain; version=0.0.4; charset=utf-8", "integration_up 1\n"),
        ("*/*", "gzip", "text/plain; version=0.0.4; charset=utf-8", "gz"),
        (
            "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5",
            "",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            "om",
        ),
    ],
)
async def test_a_scrape_gets_the_format_it_asks_for(
    served: House, accept: str, coding: str, kind: str, body: str
) -> None:
    answer = await served.ask("/metrics", headers={"Accept": accept, "Accept-Encoding": coding})
    assert answer.headers["content-type"] == kind
    assert answer.text == body
    assert answer.headers.get("content-encoding") == (coding or None)
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


async def test_ready_says_what_it_waits_for(served: House) -> None:
    assert (await served.ask("/-/ready")).status == 200
    served.room.waits_for = "the store is being opened"
    answer = await served.ask("/-/ready")
    assert (answer.status, "the store is being opened" in answer.text) == (503, True)
    assert (await served.ask("/-/healthy")).status == 200


async def test_the_configuration_is_yaml_with_stars(served: House) -> None:
    served.room.redacted_text = "secret_key: '***'\n"
    answer = await served.ask("/config")
    assert (answer.text, answer.headers["content-type"]) == (
        "secret_key: '***'\n",
        "text/yaml; charset=utf-8",
    )


async def test_a_reload_with_mistakes_lists_every_one(served: House) -> None:
    served.room.reload_error = ConfigError(
        [ConfigIssue("a.yml", 3, "bad", "mend"), ConfigIssue("a.yml", 9, "odd", "drop")]
    )
    answer = await served.ask("/-/reload", "POST", CHANGE)
    assert answer.status == 500
    assert "a.yml:3: bad; mend\na.yml:9: odd; drop\n" in answer.text


async def test_a_probe_answers_samples_and_with_debug_its_story(served: House) -> None:
    served.room.results["calendar/acme"] = Result(
        NOW,
        0.5,
        Reason.AUTH,
        "The token was revoked.",
        http_status=401,
        phases={"connect": 0.1, "tls": 0.2},
        log=((0.0, "asking"), (0.4, "answered")),
        calls=2,
        drift=("a.b",),
        trace_id="abc123",
    )
    plain = await served.ask("/probe?target=calendar/acme")
    assert plain.text == 'integration_probe_success{integration="calendar"} 0\n'
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    story = (await served.ask("/probe?target=calendar&tenant=acme&debug=true")).text
    for part in (
        "Probe of calendar/acme (http) at 2026-11-18T11:06:40Z",
        "0.4000  answered",
        "connect       0.1000",
        "Status: error",
        "Reason: auth - The credential was rejected",
        "Detail: The token was revoked.",
        "Took: 0.5000 s of at most 10 s",
        "HTTP status: 401",
        "HTTP calls to the vendor: 2",
        "no usable field a.b",
        "Trace id: abc123",
        plain.text,
    ):
        assert part in story


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("?target=", 400),
        ("?target=https://evil.example/", 404),
        ("?target=calendar", 404),
        ("?target=calendar/nobody", 404),
        ("?target=calendar/acme&tenant=globex", 400),
        ("?target=calendar/acme&tenant=acme", 200),
        ("?target=payments&debug=maybe", 400),
        ("?target=payments&debug=false", 200),
    ],
)
async def test_a_probe_takes_a_configured_name_only(served: House, query: str, status: int) -> None:
    assert (await served.ask("/probe" + query)).status == status


async def test_a_probe_that_must_wait_says_how_long(served: House) -> None:
    served.room.results["payments"] = Deferred(42.0, "the budget is spent")
    answer = await served.ask("/probe?target=payments")
    assert (answer.status, answer.headers["retry-after"]) == (429, "42")
    assert "the budget is spent" in answer.text


async def test_a_probe_that_finds_no_descriptor_is_the_exporters_own_trouble(served: House) -> None:
    why = "this process has no file descriptors left (limit 64); raise LimitNOFILE or ulimit -n"
    served.room.results["payments"] = Shortage("descriptors", why, 10.0)
    answer = await served.ask("/probe?target=payments")
    assert (answer.status, answer.headers["retry-after"]) == (503, "10")
    assert answer.text.startswith(f"{why}; the next run is in 10 s")
    rows = (await served.ask("/api/v1/checks", "POST", CHANGE, json={"integration": "payments"})).json[
        "checks"
    ]
    assert [(row["status"], row["reason"], row["detail"]) for row in rows] == [
        ("deferred", None, f"{why}; the next run is in 10 s")
    ]


async def test_checks_run_in_parallel_and_one_failure_breaks_nothing(served: House) -> None:
    served.room.results["payments"] = ProbeError(Reason.ACCOUNT, "Closed.")
    served.room.results["calendar/acme"] = RuntimeError("a slip of ours, with a secret")
    with structlog.testing.capture_logs() as logs:
        answer = await served.ask("/api/v1/checks", "POST", CHANGE)
    rows = {row["integration"] + "/" + row["tenant"]: row for row in answer.json["checks"]}
    assert rows["payments/"]["reason"] == "account"
    assert rows["calendar/acme"]["reason"] == "bug"
    assert rows["calendar/globex"]["status"] == "connected"
    assert answer.json["summary"] == {"error": 2, "connected": 1}
    assert "a secret" not in answer.text + json.dumps(logs)


async def test_a_check_that_hangs_ends_at_its_deadline(
    served: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.server.checks.GRACE", 0.1)  # seconds of a test, not behaviour
    served.room.hold = 3600.0
    async with asyncio.timeout(PATIENCE):
        answer = await served.ask("/api/v1/checks", "POST", CHANGE, data='{"integration": "payments"}')
    assert [(row["status"], row["reason"]) for row in answer.json["checks"]] == [("error", "timeout")]


async def test_checks_of_a_tenant_of_an_integration_and_of_both(served: House) -> None:
    for body, checked in (
        ({"tenant": "acme"}, ["calendar/acme"]),
        ({"integration": "calendar"}, ["calendar/acme", "calendar/globex"]),
        ({"integration": "calendar", "tenant": "globex"}, ["calendar/globex"]),
        ({}, ["payments", "calendar/acme", "calendar/globex"]),
    ):
        served.room.checked.clear()
        assert (await served.ask("/api/v1/checks", "POST", CHANGE, data=json.dumps(body))).status == 200
        assert served.room.checked == checked


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ("[]", 400),
        ('{"tenat": "x"}', 400),
        ('{"tenant": 1}', 400),
        ('{"tenant": "nobody"}', 404),
        (" " * 70_000, 413),
        ("[" * 60_000, 400),
        ('{"a":' * 12_000, 400),
    ],
)
async def test_a_bad_body_is_refused_in_one_sentence(served: House, body: str, status: int) -> None:
    answer = await served.ask("/api/v1/checks", "POST", CHANGE, data=body)
    assert answer.status == status
    assert answer.json["status"] == status and answer.json["error"]
    assert served.room.checked == []


async def test_a_body_that_cannot_be_unpacked_is_the_callers_mistake(served: House) -> None:
    headers = CHANGE | {"Content-Encoding": "gzip"}
    answer = await served.ask("/api/v1/checks", "POST", headers, data=b"no gzip")
    assert answer.status == 400
    assert answer.json["error"] == "the body cannot be read by its Content-Encoding"


async def test_many_checks_become_a_job() -> None:
    many = Room([state("calendar", f"t{n}") for n in range(21)])
    async with house(many) as made:
        answer = await made.ask("/api/v1/checks", "POST", CHANGE)
        assert answer.status == 202
        place = answer.headers["location"]
        assert place == f"/api/v1/checks/{answer.json['id']}"
        async with asyncio.timeout(PATIENCE):
            while (job := (await made.ask(place)).json)["state"] == "running":
                await asyncio.sleep(0.01)
        assert (job["total"], job["done"], job["summary"]) == (21, 21, {"connected": 21})
        assert len(set(made.room.checked)) == 21


async def test_jobs_at_one_time_are_bounded_and_end_with_the_server() -> None:
    many = Room([state("calendar", f"t{n}") for n in range(25)], hold=3600.0)
    async with asyncio.timeout(PATIENCE):
        async with house(many) as made:
            answers = [(await made.ask("/api/v1/checks", "POST", CHANGE)).status for _ in range(3)]
            assert answers == [202, 202, 429]
            assert len(made.room.checked) == 32


async def test_targets_are_filtered_and_paged() -> None:
    rows = [state("a", f"t{n}") for n in range(5)]
    rows.append(state("b", "t9", "error", Reason.TLS, detail="Expired.", failures=2))
    async with house(Room(rows)) as made:
        first = (await made.ask("/api/v1/targets?limit=2")).json
        assert [row["tenant"] for row in first["targets"]] == ["t9", "t0"]
        assert first["counts"] == {"total": 6, "error": 1, "unknown": 0, "not_configured": 0, "connected": 5}
        assert first["targets"][0]["meaning"] == "The TLS handshake or the certificate check failed."
        second = (await made.ask("/api/v1/targets?limit=2&offset=2")).json
        assert [row["tenant"] for row in second["targets"]] == ["t1", "t2"]
        assert len((await made.ask("/api/v1/targets?q=TLS+b")).json["targets"]) == 1
        assert len((await made.ask("/api/v1/targets?status=connected&integration=a")).json["targets"]) == 5
        for bad in ("limit=-1", "limit=99999", "limit=x", "offset=%C2%B2", "status=odd"):
            assert (await made.ask(f"/api/v1/targets?{bad}")).status == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("DELETE", "/metrics", 405), ("GET", "/api/v1/nothing", 404)],
)
async def test_errors_are_text_or_json_and_name_no_server(
    served: House, method: str, path: str, status: int
) -> None:
    text = await served.ask(path, method)
    assert text.status == status
    assert text.headers["content-type"].startswith("application/json" if "/api/" in path else "text/plain")
    as_json = await served.ask(path, method, {"Accept": "application/json"})
    assert as_json.json["status"] == status
    if status == 405:
        assert "GET" in text.headers["allow"]


async def test_a_mistake_of_ours_shows_no_trace(served: House) -> None:
    served.room.redacted_text = None  # type: ignore[assignment]  # what no configuration can be
    served.room.reload_error = RuntimeError("a secret")
    with structlog.testing.capture_logs() as logs:
        answer = await served.ask("/-/reload", "POST", CHANGE)
    assert answer.status == 500
    assert "secret" not in answer.text and "Traceback" not in answer.text
    assert [log["error"] for log in logs if log["event"] == "request failed"] == ["RuntimeError"]


@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/nothing", "/config", "/api/v1/status", "/assets/page.css"]
)
async def test_every_answer_is_dressed_for_browsers(served: House, path: str) -> None:
    headers = (await served.ask(path)).headers
    assert "server" not in headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")


async def test_the_route_prefix_is_before_every_route_and_link() -> None:
    prefixed = room()
    prefixed.paths = Paths.of("https://watch.example/a/b/")
    async with house(prefixed) as made:
        page = await made.ask("/a/b/")
        assert page.status == 200
        assert 'href="/a/b/metrics"' in page.text and 'data-stream="/a/b/api/v1/stream"' in page.text
        assert 'data-root="/a/b"' in page.text  # before the paths of actions
        assert 'href="/metrics"' not in page.text
        assert (await made.ask("/a/b/metrics")).status == 200
        assert (await made.ask("/metrics")).status == 404
        for path in ("/", "/a/b"):
            home = await made.ask(path)
            assert (home.status, home.headers["location"]) == (302, "/a/b/")


async def test_links_follow_the_external_url_where_a_proxy_cuts_the_prefix_off() -> None:
    cut = room()
    cut.paths = Paths.of("https://watch.example/exporter", "/")
    async with house(cut) as made:
        page = await made.ask("/")
        assert 'href="/exporter/config"' in page.text
        assert (await made.ask("/config")).status == 200


async def test_the_files_rate_limit_is_kept(tmp_path: Path) -> None:
    limited = room()
    limited.path = tmp_path / "web.yml"
    limited.path.write_text("rate_limit: {interval: 10s, burst: 3}\n")
    async with house(limited) as made:
        answers = [(await made.ask("/-/healthy")).status for _ in range(5)]
    assert answers == [200, 200, 200, 429, 429]


async def test_own_headers_of_the_file_win(tmp_path: Path) -> None:
    headed = room()
    headed.path = tmp_path / "web.yml"
    headed.path.write_text(
        "http_server_config:\n"
        "  http2: true\n"
        "  headers: {X-Frame-Options: sameorigin, Strict-Transport-Security: max-age=9}\n"
    )
    async with house(headed) as made:
        headers = (await made.ask("/")).headers
    assert (headers["x-frame-options"], headers["strict-transport-security"]) == ("sameorigin", "max-age=9")


async def test_a_check_that_must_wait_is_deferred_and_the_others_run(served: House) -> None:
    served.room.results["payments"] = Deferred(7.5, "the budget is spent")
    rows = (await served.ask("/api/v1/checks", "POST", CHANGE)).json["checks"]
    assert [(row["status"], row.get("retry_after_seconds")) for row in rows] == [
        ("deferred", 7.5),
        ("connected", None),
        ("connected", None),
    ]
