"""What nobody acknowledges is sent again, one severity up, once: through real Alertmanagers to real sinks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import structlog

from exporter.core.alert_identity import TEST
from exporter.core.escalation import ALERTMANAGER_UP, ESCALATED_FROM, ESCALATIONS, Escalation
from exporter.net.network import LoopNetwork
from exporter.notices.escalation import ABSENT, EscalationWatch
from exporter.store.database import Database
from exporter.store.subjects.escalations import query
from tests.notices.alert_stand import DOWN, HOUR, AlertStand, Series, alert_stand
from tests.servers.ports import free_port
from tests.servers.threaded_http import serving
from tests.waiting import PATIENCE, until


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[AlertStand]:
    async with alert_stand(tmp_path) as made:
        yield made


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/lite.db")
    made.open()
    yield made
    made.close()


@pytest.fixture
def watch(stand: AlertStand, lite: Database) -> tuple[EscalationWatch, Series]:
    return stand.watch(lite)


def rows(database: Database) -> list[Escalation]:
    return list(database.read(query).rows)


async def eventually(true: Callable[[], Coroutine[Any, Any, object]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await true():
            await asyncio.sleep(0.02)


async def settled(stand: AlertStand) -> None:
    """Return once all that was sent before has become messages: one that is sent now has."""
    known = len(stand.pages(integration="marker"))
    for member in stand.addresses:
        alone = AlertStand([member], stand.network, stand.sinks)
        await alone.fire(HOUR, severity="critical", integration="marker", tenant=f"{known}-{member}")
    await until(lambda: len(stand.pages(integration="marker")) > known)


@pytest.mark.parametrize(
    ("severity", "response", "raised"), [("high", HOUR, "critical"), ("medium", 4 * HOUR, "high")]
)
async def test_what_nobody_acknowledges_in_time_is_sent_again_one_severity_up(
    stand: AlertStand, watch: tuple[EscalationWatch, Series], severity: str, response: float, raised: str
) -> None:
    looks, series = watch
    await stand.fire(response - 60, severity=severity)
    await looks.look()
    assert len(await stand.alerts()) == 1
    stand.ahead = 61
    await looks.look()
    (found,) = await stand.alerts(severity=raised)
    assert found.labels == {**DOWN, "severity": raised, ESCALATED_FROM: severity}
    assert found.annotations["summary"] == "It fails."
    assert found.annotations["description"].startswith("It has failed three times. Escalated from")
    assert "within 1h." in found.annotations["escalation"] or "within 4h." in found.annotations["escalation"]
    # Generated inhibitions hide the step below, as for any other alert.
    await eventually(lambda: is_hidden(stand, severity))
    assert series.value(ESCALATIONS, raised) == 1


async def is_hidden(stand: AlertStand, severity: str) -> bool:
    (found,) = await stand.alerts(severity=severity)
    return bool(found.inhibited_by)


async def test_an_escalation_is_one_page_over_looks_and_restarts_until_its_source_is_resolved(
    stand: AlertStand, lite: Database, watch: tuple[EscalationWatch, Series]
) -> None:
    await stand.fire(2 * HOUR)
    await watch[0].look()
    await until(lambda: len(stand.pages()) == 1)
    again, series = stand.watch(lite)  # the next process
    for looks in (watch[0], again, again):
        await looks.look()
    await settled(stand)
    assert len(stand.pages()) == 1 and len(rows(lite)) == 1 and series.value(ESCALATIONS, "critical") == 0
    await stand.resolve(2 * HOUR)
    await again.look()
    assert rows(lite)[0].ended is None  # an Alertmanager that begins again has none of its alerts
    stand.ahead = ABSENT
    await again.look()
    await until(lambda: len(stand.pages("resolve")) == 1)
    (over,) = rows(lite)
    assert over.why == "resolved" and over.ended is not None and over.ended >= over.at
    await settled(stand)
    assert len(stand.pages()) == 1


async def test_an_acknowledgement_ends_it_and_the_incident_is_not_escalated_again(
    stand: AlertStand, lite: Database, watch: tuple[EscalationWatch, Series]
) -> None:
    looks, series = watch
    await stand.fire(2 * HOUR)
    await looks.look()
    await until(lambda: len(stand.pages()) == 1)
    silence = await stand.silence()
    await eventually(lambda: is_acknowledged(stand))
    await looks.look()
    await until(lambda: len(stand.pages("resolve")) == 1)
    assert [one.why for one in rows(lite)] == ["acknowledged"]
    await stand.client.expire_silence(silence)
    await eventually(lambda: is_open(stand))
    stand.ahead = 3 * HOUR
    for each in (looks, stand.watch(lite)[0]):
        await each.look()
    assert await stand.alerts(severity="critical") == []
    assert len(rows(lite)) == 1 and series.value(ESCALATIONS, "critical") == 1


async def is_acknowledged(stand: AlertStand) -> bool:
    (found,) = await stand.alerts(severity="high")
    return bool(found.silenced_by)


async def is_open(stand: AlertStand) -> bool:
    return not await is_acknowledged(stand)


async def test_a_new_incident_of_the_same_alert_waits_and_is_escalated_itself(
    stand: AlertStand, lite: Database, watch: tuple[EscalationWatch, Series]
) -> None:
    looks, _ = watch
    await stand.fire(2 * HOUR)
    await looks.look()
    await stand.resolve(2 * HOUR)
    await asyncio.sleep(
        0.01
    )  # it begins after it was resolved, and Alertmanager's times have parts of a second
    await stand.fire(0)
    for stand.ahead in (1, ABSENT + 2, HOUR, HOUR + 2):
        await looks.look()
    assert [one.why for one in rows(lite)] == ["", "resolved"]


async def test_a_silence_that_expired_before_this_process_began_gives_time_again(
    stand: AlertStand, lite: Database, watch: tuple[EscalationWatch, Series]
) -> None:
    looks, _ = watch
    await stand.fire(3 * HOUR)
    silence = await stand.silence()
    await eventually(lambda: is_acknowledged(stand))
    await stand.client.expire_silence(silence)
    await eventually(lambda: is_open(stand))
    for stand.ahead in (1, HOUR - 60):
        await looks.look()
    assert rows(lite) == []
    stand.ahead = HOUR + 1
    await looks.look()
    assert len(rows(lite)) == 1


CRITICAL = {"severity": "critical"}
LEFT_ALONE: dict[str, tuple[dict[str, str], str]] = {
    "low may wait": ({"severity": "low"}, ""),
    "there is nothing above critical": (CRITICAL, ""),
    "one of somebody else's": ({"scope": ""}, ""),
    "a test": ({TEST: "1"}, ""),
    "switched off": ({}, "escalation: {high: never}"),
    "not yet": ({}, "escalation: {high: 5h}"),
}


@pytest.mark.parametrize("case", LEFT_ALONE)
async def test_it_leaves_alone(stand: AlertStand, lite: Database, case: str) -> None:
    labels, settings = LEFT_ALONE[case]
    await stand.fire(4.5 * HOUR, DOWN | labels)
    looks, series = stand.watch(lite, settings)
    await looks.look()
    assert len(await stand.alerts()) == 1 and rows(lite) == []
    assert series.value(ALERTMANAGER_UP) == 1


async def test_it_leaves_alone_what_is_acknowledged_inhibited_or_more_urgent_already(
    stand: AlertStand, lite: Database, watch: tuple[EscalationWatch, Series]
) -> None:
    await stand.fire(2 * HOUR, tenant="acknowledged")
    await stand.silence(tenant="acknowledged")
    for severity in ("high", "critical"):
        await stand.fire(2 * HOUR, tenant="urgent", severity=severity)
    await stand.fire(2 * HOUR, tenant="hidden", cause="probe")
    await stand.fire(2 * HOUR, {**DOWN, "alertname": "IntegrationOutage"}, tenant="", severity="critical")
    for tenant in ("acknowledged", "hidden"):
        await eventually(partial(is_quiet, stand, tenant))
    await watch[0].look()
    assert rows(lite) == []


async def is_quiet(stand: AlertStand, tenant: str) -> bool:
    (found,) = await stand.alerts(tenant=tenant)
    return bool(found.silenced_by or found.inhibited_by)


async def test_one_that_becomes_more_urgent_itself_takes_the_place_of_the_escalated_one(
    stand: AlertStand, lite: Database, watch: tuple[EscalationWatch, Series]
) -> None:
    await stand.fire(2 * HOUR)
    await watch[0].look()
    await stand.fire(0, severity="critical")
    await watch[0].look()
    assert [one.why for one in rows(lite)] == ["superseded"]
    (left,) = await stand.alerts(severity="critical")
    assert ESCALATED_FROM not in left.labels


async def test_switching_it_off_ends_what_is_escalated(
    stand: AlertStand, lite: Database, watch: tuple[EscalationWatch, Series]
) -> None:
    await stand.fire(2 * HOUR)
    await watch[0].look()
    await stand.watch(lite, "escalation: {high: never}")[0].look()
    assert [one.why for one in rows(lite)] == ["off"]
    assert await stand.alerts(severity="critical") == []


@pytest.mark.parametrize("shared", [True, False], ids=["one PostgreSQL", "two SQLite files"])
async def test_two_replicas_and_a_cluster_of_two_page_once(
    tmp_path: Path, request: pytest.FixtureRequest, shared: bool
) -> None:
    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in "ab"]
    if shared:
        urls = [request.getfixturevalue("database")] * 2
    databases = [Database(url, name) for url, name in zip(urls, "ab", strict=True)]
    for one in databases:
        one.open()
    async with alert_stand(tmp_path, members=2) as stand:
        await stand.fire(2 * HOUR)
        replicas = [stand.watch(one) for one in databases]
        for _ in range(3):
            await asyncio.gather(*(looks.look() for looks, _ in replicas))
        await until(lambda: stand.pages() != [])
        await settled(stand)
        assert len(stand.pages()) == 1
        counted = [series.value(ESCALATIONS, "critical") for _, series in replicas]
        assert sorted(one or 0.0 for one in counted) == ([0, 1] if shared else [1, 1])
        await stand.silence()
        await eventually(lambda: is_acknowledged(stand))
        await asyncio.gather(*(looks.look() for looks, _ in replicas))
        await until(lambda: stand.pages("resolve") != [])
        assert await stand.alerts(severity="critical", integration="payments") == []
        assert {one.why for database in databases for one in rows(database)} == {"acknowledged"}
        assert len(stand.pages()) == 1
    for one in databases:
        one.close()


async def test_an_alertmanager_that_begins_again_keeps_it_and_pages_nobody_twice(
    tmp_path: Path, lite: Database
) -> None:
    network = LoopNetwork()
    async with alert_stand(tmp_path, network=network) as stand:
        looks, _ = stand.watch(lite)
        await stand.fire(2 * HOUR)
        await looks.look()
        await until(lambda: len(stand.pages()) == 1)
        await looks.look()
    async with alert_stand(tmp_path, network=network) as after:
        stand.addresses = after.addresses
        for stand.ahead in (30, 60):  # Prometheus has not sent its alerts again yet
            await looks.look()
        assert await after.alerts() == []
        await after.fire(2 * HOUR)
        await looks.look()
        assert len(await after.alerts(severity="critical")) == 1
        await settled(after)
        assert after.pages() == [] and [one.why for one in rows(lite)] == [""]
    await network.close()


async def test_an_alertmanager_that_is_away_or_ill_loses_nothing_and_is_one_line_of_the_log(
    tmp_path: Path, lite: Database
) -> None:
    class Ill(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(500)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    async with alert_stand(tmp_path) as stand:
        there = stand.addresses
        looks, series = stand.watch(lite)
        await stand.fire(2 * HOUR)
        with serving(Ill) as port, structlog.testing.capture_logs() as lines:
            for stand.addresses in ([f"127.0.0.1:{free_port()}"], [f"127.0.0.1:{port}"]):
                await looks.look()
                assert series.value(ALERTMANAGER_UP) == 0
            stand.addresses = there
            await looks.look()
        said = [one["event"] for one in lines]
        assert said[0].startswith("Alertmanager does not answer") and said[-1] == "Alertmanager answers again"
        assert len(said) == 3  # the other one is the escalation
        assert len(rows(lite)) == 1 and len(await stand.alerts(severity="critical")) == 1


async def test_where_nobody_configured_one_and_none_answers_nothing_is_said(lite: Database) -> None:
    network = LoopNetwork()
    looks, series = AlertStand([f"127.0.0.1:{free_port()}"], network).watch(lite, url="")
    with structlog.testing.capture_logs() as lines:
        await looks.look()
    assert lines == [] and series.value(ALERTMANAGER_UP) is None
    await network.close()


async def test_a_store_that_fails_holds_no_page_back_and_learns_of_it_later(
    stand: AlertStand, tmp_path: Path
) -> None:
    database = Database(f"sqlite:///{tmp_path}/late.db")
    looks, series = stand.watch(database)
    await stand.fire(2 * HOUR)
    for _ in range(2):
        await looks.look()
    await until(lambda: len(stand.pages()) == 1)
    assert series.value(ESCALATIONS, "critical") == 1
    database.open()
    await looks.look()
    assert len(rows(database)) == 1 and series.value(ESCALATIONS, "critical") == 1
    await settled(stand)
    assert len(stand.pages()) == 1
    database.close()
