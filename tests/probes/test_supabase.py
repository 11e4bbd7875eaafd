import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from exporter import registry
from exporter.config import environment
from exporter.core.network import Network
from exporter.core.options import tenant_fields
from exporter.core.probe import MONTH
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.severity import Severity
from exporter.probes.supabase import PROBE, calls, mistakes
from exporter.probes.supabase.api import SupabaseOptions, expiry_of, is_legacy
from exporter.probes.supabase.readings import parse
from exporter.sandbox.harness import FAULTS
from exporter.sandbox.supabase import KEY, LEGACY_END, LEGACY_KEY, VENDOR
from tests.probes.day import (
    CERTIFICATE_DATES,
    GoodDay,
    SandboxStage,
    Stage,
    exposed,
    golden,
    staged,
    target_of,
    values,
)
from tests.probes.vendor_stage import Opener, VendorStage, opener

HEALTH, REST, STORAGE = "/auth/v1/health", "/rest/v1/", "/storage/v1/status"
METRICS = "/customer/v1/privileged/metrics"


class KeyStage(SandboxStage):
    """A project whose scenario of the legacy key comes with that key."""

    async def play(self, scenario: str) -> None:
        if scenario == "legacy_key":
            self.options = {**self.options, "service_role_key": LEGACY_KEY}
        await super().play(scenario)


@asynccontextmanager
async def _good_day() -> AsyncIterator[Stage]:
    async with staged(VENDOR) as stage:
        yield KeyStage(stage.stand)


GOOD_DAY = GoodDay(
    open=_good_day,
    reasons={fault: Reason(VENDOR.reason(fault)) for fault in FAULTS},
    scenarios=("legacy_key", "busy"),
)


class Project(VendorStage):
    """A simulated project."""

    vendor, tested = VENDOR, PROBE
    staging = KeyStage

    async def twice(self) -> Mapping[str, float]:
        """Probe twice, five minutes apart, and return the second values."""
        await self.probe()
        await self.clock.advance(300)
        return values(await self.probe())


Open = Opener[Project]


@pytest.fixture
def opened(network: Network) -> Open:
    return opener(Project, network)


# The platform's statuses, with the codes of restrictions in the body.
REFUSALS: list[tuple[int, object, Reason, str]] = [
    (401, {"message": "Invalid API key"}, Reason.AUTH, ""),
    (402, {"message": "restricted: exceed_egress_quota"}, Reason.QUOTA, "exceed_egress_quota"),
    (402, {"message": "restricted: exceeded_db_size_quota."}, Reason.QUOTA, "exceeded_db_size_quota"),
    (402, b"overdue_payment", Reason.ACCOUNT, "overdue_payment"),
    (402, b"", Reason.QUOTA, "no reason given"),
    (403, {}, Reason.PERMISSION, ""),
    (404, {}, Reason.NOT_FOUND, ""),
    (429, {}, Reason.RATE_LIMITED, ""),
    (500, {}, Reason.VENDOR_ERROR, ""),
    (502, b"<html>", Reason.VENDOR_ERROR, ""),
    (503, {}, Reason.VENDOR_ERROR, ""),
    (504, {}, Reason.VENDOR_ERROR, ""),
    (521, b"", Reason.VENDOR_ERROR, ""),
    (540, {"message": "Project paused"}, Reason.ACCOUNT, "paused"),
    (544, {}, Reason.VENDOR_ERROR, "in time"),
    (546, {}, Reason.VENDOR_ERROR, ""),
    (302, b"", Reason.BAD_RESPONSE, ""),
    (400, {}, Reason.BAD_RESPONSE, ""),
]


async def test_each_documented_status_has_its_reason(opened: Open) -> None:
    async with opened() as project:
        for status, body, reason, word in REFUSALS:
            await project.refuse(status, body)
            result = await project.probe()
            assert result.reason is reason, (status, body, result.detail)
            assert word in result.detail
            assert result.samples == ()
            assert result.http_status == status


@pytest.mark.parametrize(
    ("scenario", "service", "reason", "asked"),
    [
        ("auth_down", "auth", Reason.VENDOR_ERROR, [HEALTH, REST, STORAGE]),
        ("rest_down", "rest", Reason.VENDOR_ERROR, [HEALTH, REST, STORAGE]),
        ("storage_down", "storage", Reason.VENDOR_ERROR, [HEALTH, REST, STORAGE]),
    ],
)
async def test_a_service_that_is_down_fails_the_probe_and_is_named_with_the_state_of_the_others(
    opened: Open, scenario: str, service: str, reason: Reason, asked: list[str]
) -> None:
    async with opened(scenario) as project:
        result = await project.probe()
        assert result.reason is reason
        assert result.detail.startswith(service)
        assert project.asked == asked
        up = {name: value for name, value in values(result).items() if "service_up" in name}
        assert up == {
            f"supabase_service_up{{{name}}}": float(name != service) for name in ("auth", "rest", "storage")
        }
        assert (await project.probe(services=["auth", "rest", "storage"][1:])).ok is (service == "auth")


async def test_two_services_that_are_down_are_both_named(opened: Open) -> None:
    async with opened("auth_down", "storage_down") as project:
        result = await project.probe()
        assert result.detail == "auth answered HTTP 503; also failing: storage"
        assert result.http_status == 503


@pytest.mark.parametrize(
    ("scenario", "reason", "asked"),
    [
        ("paused", Reason.ACCOUNT, [HEALTH]),
        ("over_quota", Reason.QUOTA, [HEALTH]),
        ("overdue", Reason.ACCOUNT, [HEALTH]),
        ("publishable_key", Reason.PERMISSION, [HEALTH, REST]),
        ("gateway_timeout", Reason.VENDOR_ERROR, [HEALTH, REST, STORAGE]),
    ],
)
async def test_what_concerns_the_whole_project_is_asked_once_and_blames_no_service(
    opened: Open, scenario: str, reason: Reason, asked: list[str]
) -> None:
    async with opened(scenario, "chatty_errors") as project:
        result = await project.probe()
        assert result.reason is reason
        assert project.asked == asked
        down = [name for name, value in values(result).items() if "service_up" in name and value == 0]
        assert bool(down) is (reason is Reason.VENDOR_ERROR)


async def test_a_new_key_goes_into_its_own_header_alone(opened: Open) -> None:
    async with opened() as project:
        assert (await project.probe()).ok
        auth, rest, storage, metrics = project.stage.stand.calls
        assert [auth.path, rest.method, storage.path] == [HEALTH, "HEAD", STORAGE]
        assert rest.headers["apikey"] == KEY
        assert "authorization" not in rest.headers
        assert metrics.headers["authorization"].startswith("Basic ")


async def test_a_legacy_key_goes_as_a_bearer_too_and_its_end_and_kind_are_reported(opened: Open) -> None:
    async with opened("legacy_key") as project:
        result = await project.probe()
        assert result.ok, result.detail
        found = values(result)
        assert found["supabase_legacy_key"] == 1
        assert found["token_expiry_timestamp_seconds{service_role}"] == LEGACY_END
        assert found["token_refreshable{service_role}"] == 0
    async with opened() as project:
        assert values(await project.probe())["supabase_legacy_key"] == 0


async def test_legacy_keys_of_a_self_hosted_project_are_no_matter(opened: Open) -> None:
    async with opened("legacy_key", "no_metrics") as project:
        result = await project.probe()
        assert result.ok
        assert "supabase_legacy_key" not in values(result)


def test_the_end_of_a_key_is_read_only_where_there_is_one() -> None:
    assert is_legacy(Secret(LEGACY_KEY))
    assert expiry_of(Secret(LEGACY_KEY)) == LEGACY_END
    assert not is_legacy(Secret(KEY))
    for odd in (
        "eyJ",
        "eyJh.!!.x",
        "eyJh.e30.x",
        "eyJh.W10.x",
        "eyJh.eyJleHAiOnRydWV9.x",
        "eyJh.eyJleHAiOjF9.x",
    ):
        assert expiry_of(Secret(odd)) is None, odd


async def test_connections_and_pools_are_reported_beside_their_limit(opened: Open) -> None:
    async with opened("busy") as project:
        found = values(await project.probe())
        assert found["supabase_connections_used"] == 57
        assert found["supabase_connections_limit"] == 60
        assert found["supabase_pool_waiting{pgbouncer}"] == 5
        assert found["supabase_pool_waiting{postgrest}"] == 2
        assert found["supabase_service_up{database}"] == 1


async def test_connections_by_database_do_where_those_by_user_are_not_reported(opened: Open) -> None:
    async with opened("by_database") as project:
        assert values(await project.probe())["supabase_connections_used"] == 9


async def test_what_grew_is_reported_over_a_window(opened: Open) -> None:
    async with opened("failing_transactions", "slow_statements", "lagging") as project:
        assert not [name for name in values(await project.probe()) if "window" in name]
        found = await project.twice()
        assert found["supabase_window_seconds"] == 300
        assert found["supabase_transactions_window{committed}"] == pytest.approx(2400, rel=1e-3)
        assert found["supabase_transactions_window{rolled_back}"] == pytest.approx(600, rel=1e-3)
        assert found["supabase_queries_window"] == pytest.approx(6000, rel=1e-3)
        assert found["supabase_query_mean_seconds"] == pytest.approx(6.0, rel=1e-3)
        assert found["supabase_deadlocks_window"] == 0
        assert found["supabase_replication_lag_seconds"] == 120


async def test_a_database_that_is_down_is_reported_while_the_services_still_answer(opened: Open) -> None:
    async with opened("database_down") as project:
        result = await project.probe()
        assert result.ok
        assert values(result)["supabase_service_up{database}"] == 0


@pytest.mark.parametrize("scenario", ["no_metrics", "metrics_refused", "other_metrics"])
async def test_a_project_without_metrics_is_connected(opened: Open, scenario: str) -> None:
    async with opened(scenario) as project:
        result = await project.probe()
        assert (result.ok, result.http_status, result.drift) == (True, 200, ())
        found = values(result)
        assert found["supabase_reading_refused{metrics}"] == 1
        assert not [name for name in found if "connections" in name or "legacy" in name]


async def test_metrics_that_never_come_leave_the_project_connected(opened: Open) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.readline():
            while (await reader.readline()).strip():
                pass
            if METRICS.encode() in request:
                await reader.read()
                break
            body = b"" if request.startswith(b"HEAD") else b'{"version": "1"}'
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, opened() as project:
        result = await project.probe(timeout=4.0, url=f"http://127.0.0.1:{port}")
        assert result.ok, result.detail
        assert values(result)["supabase_reading_refused{metrics}"] == 1
        assert values(result)["supabase_service_up{storage}"] == 1


async def test_metrics_that_nobody_wants_are_not_asked_for(opened: Open) -> None:
    async with opened() as project:
        found = values(await project.probe(metrics=False))
        assert project.asked == [HEALTH, REST, STORAGE]
        assert "supabase_reading_refused{metrics}" not in found


async def test_metrics_that_are_missing_are_unknown_and_drift(opened: Open) -> None:
    async with opened("few_metrics") as project:
        result = await project.probe()
        assert result.ok
        assert sorted(result.drift) == [
            "connection_stats_connection_count",
            "max_connections_connection_count",
        ]
        assert not [name for name in values(result) if "connections" in name]


async def test_lines_that_cannot_be_read_are_left_out(opened: Open) -> None:
    async with opened("spoiled_metrics") as project:
        result = await project.probe()
        assert (result.ok, result.drift) == (True, ())
        assert values(result)["supabase_connections_used"] == 7


def test_only_names_and_values_of_the_series_are_read() -> None:
    found = parse(
        "# TYPE pg_up gauge\n"
        'pg_up{a="1",a="1",b="} 9"} 1 1700000000000\n'
        "pg_up_other 5\n"
        "max_connections_connection_count\t6e+01\n"
        "pgrst_db_pool_waiting +Inf\n"
        'pg_stat_database_num_backends{server="x"}\n'
    )
    assert found == {"pg_up": [1.0], "max_connections_connection_count": [60.0]}


async def test_a_project_takes_its_place_in_the_operators_url_alone(opened: Open) -> None:
    assert tenant_fields(SupabaseOptions) == {"project", "service_role_key", "services"}
    async with opened() as project:
        place = project.stage.options["url"].replace("127.0.0.1", "{project}")
        result = await project.probe(url=place, project="127001abc")
        assert result.reason is Reason.DNS
        assert "127001abc" in result.detail
        result = await project.probe(url=place)
        assert (result.reason, result.calls) == (Reason.NOT_CONFIGURED, 0)
        assert "project" in result.detail


def test_options_that_contradict_one_another_are_mistakes() -> None:
    assert mistakes(SupabaseOptions(project="abc")) == []
    assert mistakes(SupabaseOptions(url="https://db.example")) == []
    (found,) = mistakes(SupabaseOptions(url="https://db.example", project="abc"))
    assert found.startswith("project ")
    for services in ((), ("auth", "realtime")):
        (found,) = mistakes(SupabaseOptions(services=services))
        assert found.startswith("services ")


def test_the_environment_of_earlier_systems_names_project_key_and_thresholds() -> None:
    environ = {
        "NEXT_PUBLIC_SUPABASE_URL": "https://abc.supabase.co",
        "SUPABASE_SERVICE_ROLE_KEY": KEY,
        "MONITORING_SUPABASE_CONNECTION_THRESHOLD": "70",
        "MONITORING_SUPABASE_QUERY_TIME_THRESHOLD": "2000",
    }
    made = environment.load(registry.catalogue(), environ)
    (target,) = (target for target in made.targets.values() if target.provider == "supabase")
    assert target.options.url == "https://abc.supabase.co"
    assert target.configured
    found = {
        (one.family.name, one.severity): one.value
        for one in made.thresholds
        if one.integration == target.integration and one.family.name.startswith("database_")
    }
    assert found["database_connections_ratio", Severity.MEDIUM] == pytest.approx(0.7)
    assert found["database_connections_ratio", Severity.HIGH] == pytest.approx(0.9)
    assert found["database_query_seconds", Severity.MEDIUM] == pytest.approx(2.0)


def test_the_cost_is_what_the_docstring_says() -> None:
    assert calls(SupabaseOptions(), 300) == 34_560
    assert calls(SupabaseOptions(metrics=False, services=("auth",)), 300) == MONTH / 300


async def test_the_exposition_of_a_busy_project_is_the_golden_one(opened: Open) -> None:
    async with opened("busy", "legacy_key") as project:
        result = await project.probe()
        target = target_of(PROBE, project.stage.options)
        # The certificate is made again for each test, so its end is not the same twice.
        text = exposed(result, target, without=CERTIFICATE_DATES)
        assert text == golden("supabase.txt", text)
