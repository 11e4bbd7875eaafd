"""Windows as silences of real Alertmanagers: in time, again after they are gone, and one for each window."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from exporter.alertmanager.client import AlertmanagerClient
from exporter.core.alertmanager import AlertmanagerError, Matcher, Silence, SilenceState
from exporter.core.escalation import ALERTMANAGER_UP
from exporter.core.maintenance import MAINTENANCE_ACTIVE, MaintenanceSpan, MaintenanceWindow
from exporter.core.severity import Severity
from exporter.net.network import LoopNetwork
from exporter.notices.maintenance import LEAD, MaintenanceKeeper
from exporter.notices.silences import AUTHOR, matchers_of
from exporter.store.database import Database
from exporter.store.subjects.escalations import query
from tests.notices.alert_stand import DOWN, HOUR, AlertStand, Series, alert_stand
from tests.servers.ports import free_port
from tests.waiting import PATIENCE


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
def kept(stand: AlertStand, lite: Database) -> tuple[MaintenanceKeeper, Series]:
    return stand.keeper(lite)


def window(
    stand: AlertStand, name: str = "upgrade", start: float = -60, end: float = HOUR, **more: Any
) -> Any:
    """Return a window from `start` to `end`, in seconds from now."""
    now = stand.now()
    given = {"integrations": ("payments",)} | more
    return MaintenanceWindow(name, once=MaintenanceSpan(now + start, now + end), **given)


async def living(stand: AlertStand) -> list[Silence]:
    return [one for one in await stand.client.silences() if one.state is not SilenceState.EXPIRED]


async def test_a_window_is_a_silence_that_says_whose_it_is_until_its_end(
    stand: AlertStand, kept: tuple[MaintenanceKeeper, Series]
) -> None:
    keeper, series = kept
    planned = window(stand, comment="PostgreSQL 17")
    keeper.take(planned)
    await keeper.look()
    (found,) = await living(stand)
    assert (found.author, found.comment) == (AUTHOR, "maintenance upgrade: PostgreSQL 17")
    assert found.state is SilenceState.ACTIVE and abs(found.ends - planned.once.ends) < 1
    await stand.fire(60)
    await until_silenced(stand, "payments")
    assert series.value(MAINTENANCE_ACTIVE, "upgrade") == 1
    await keeper.look()
    assert [one.id for one in await living(stand)] == [found.id]


async def until_silenced(stand: AlertStand, integration: str) -> None:
    async with asyncio.timeout(PATIENCE):
        # Of none, all would be silenced.
        while not [one for one in await stand.alerts(integration=integration) if one.silenced_by]:
            await asyncio.sleep(0.02)


async def test_alertmanager_has_the_silence_before_the_window_opens_and_it_begins_with_it(
    stand: AlertStand, kept: tuple[MaintenanceKeeper, Series]
) -> None:
    keeper, series = kept
    planned = window(stand, start=LEAD + 60)
    keeper.take(planned)
    await keeper.look()
    assert await living(stand) == []
    stand.ahead = 61
    await keeper.look()
    (found,) = await living(stand)
    assert found.state is SilenceState.PENDING and abs(found.starts - planned.once.starts) < 1
    assert series.value(MAINTENANCE_ACTIVE, "upgrade") == 0


async def test_a_silence_that_somebody_expired_is_made_again(
    stand: AlertStand, kept: tuple[MaintenanceKeeper, Series]
) -> None:
    keeper, _ = kept
    keeper.take(window(stand))
    await keeper.look()
    (first,) = await living(stand)
    await stand.client.expire_silence(first.id)
    await keeper.look()
    (second,) = await living(stand)
    assert second.id != first.id and set(second.matchers) == set(first.matchers)


async def test_one_that_was_changed_or_removed_takes_its_silence_along_also_after_a_restart(
    stand: AlertStand, lite: Database, kept: tuple[MaintenanceKeeper, Series]
) -> None:
    keeper, _ = kept
    keeper.take(window(stand))
    await keeper.look()
    after, series = stand.keeper(lite)  # the next process, with another configuration
    changed = window(stand, end=2 * HOUR, integrations=("payments", "bookings"))
    after.take(changed)
    await after.look()
    (found,) = await living(stand)
    assert set(found.matchers) == set(matchers_of(changed)) and abs(found.ends - changed.once.ends) < 1
    later, series = stand.keeper(lite)
    later.take()
    await later.look()
    assert await living(stand) == []
    assert series.value(MAINTENANCE_ACTIVE, "upgrade") is None


async def test_silences_of_people_and_of_other_exporters_stay(
    stand: AlertStand, tmp_path: Path, lite: Database
) -> None:
    by_hand = await stand.silence()
    other = Database(f"sqlite:///{tmp_path}/other.db")
    other.open()
    theirs, _ = stand.keeper(other)
    theirs.take(window(stand, integrations=("elsewhere",)))
    await theirs.look()
    # A window of the same name, which is removed again: the other exporter's is another one.
    ours, _ = stand.keeper(lite)
    for windows in ((window(stand),), ()):
        ours.take(*windows)
        await ours.look()
    left = await living(stand)
    assert by_hand in {one.id for one in left} and len(left) == 2
    other.close()


async def test_what_says_that_nobody_would_hear_of_anything_is_silenced_only_by_its_name(
    stand: AlertStand, kept: tuple[MaintenanceKeeper, Series]
) -> None:
    keeper, _ = kept
    keeper.take(window(stand, severities=(Severity.HIGH, Severity.LOW)))
    await keeper.look()
    for name in ("IntegrationTargetFailing", "Watchdog", "IntegrationExporterDown"):
        await stand.fire(60, {**DOWN, "alertname": name})
    await stand.fire(60, severity="critical")
    async with asyncio.timeout(PATIENCE):
        while not (found := [one for one in await stand.alerts() if one.silenced_by]):
            await asyncio.sleep(0.02)
    assert [(one.labels["alertname"], one.labels["severity"]) for one in found] == [
        ("IntegrationTargetFailing", "high")
    ]
    keeper.take(window(stand, alerts=("Watchdog",), integrations=()))
    await keeper.look()
    async with asyncio.timeout(PATIENCE):
        while not [one for one in await stand.alerts(alertname="Watchdog") if one.silenced_by]:
            await asyncio.sleep(0.02)


async def test_names_match_as_they_are_written(
    stand: AlertStand, kept: tuple[MaintenanceKeeper, Series]
) -> None:
    keeper, _ = kept
    keeper.take(window(stand, integrations=("a.b", "c-d")))
    await keeper.look()
    for name in ("a.b", "c-d", "axb"):
        await stand.fire(60, integration=name)
    for name in ("a.b", "c-d"):
        await until_silenced(stand, name)
    (other,) = await stand.alerts(integration="axb")
    assert other.silenced_by == ()


@pytest.mark.parametrize("shared", [True, False], ids=["one PostgreSQL", "two SQLite files"])
async def test_two_replicas_and_a_cluster_of_two_keep_one_silence_for_each_window(
    tmp_path: Path, request: pytest.FixtureRequest, shared: bool
) -> None:
    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in "ab"]
    if shared:
        urls = [request.getfixturevalue("database")] * 2
    databases = [Database(url, name) for url, name in zip(urls, "ab", strict=True)]
    for one in databases:
        one.open()
    async with alert_stand(tmp_path, members=2) as stand:
        keepers = [stand.keeper(one)[0] for one in databases]
        # The same for both: windows that end a second apart are two.
        windows = window(stand, "first"), window(stand, "second", integrations=("bookings",))
        for keeper in keepers:
            keeper.take(*windows)

        async def silences() -> list[dict[str, str]]:
            # Each member by itself, since they agree by and by.
            alone = [AlertStand([member], stand.network) for member in stand.addresses]
            return [{one.id: one.comment.split(":")[0] for one in await living(each)} for each in alone]

        async def agreed() -> bool:
            one, other = await silences()
            return one == other and sorted(one.values()) == ["maintenance first", "maintenance second"]

        async with asyncio.timeout(PATIENCE):
            while not await agreed():
                await asyncio.gather(*(one.look() for one in keepers))
        kept = {one.id for one in await living(stand)}
        for keeper in keepers:
            await keeper.look()
        assert {one.id for one in await living(stand)} == kept
        for keeper in keepers:
            keeper.take()
        async with asyncio.timeout(PATIENCE):
            while any(await silences()):
                await asyncio.gather(*(one.look() for one in keepers))
    for one in databases:
        one.close()


class RefusingClient(AlertmanagerClient):
    """A client whose Alertmanager takes nothing away until it may."""

    refuses = True

    async def expire_silence(self, silence_id: str) -> None:
        if self.refuses:
            raise AlertmanagerError("planted: overloaded", 503)
        await super().expire_silence(silence_id)


async def test_a_silence_that_could_not_be_taken_away_is_tried_again(
    stand: AlertStand, lite: Database
) -> None:
    client = RefusingClient(stand.network, stand.address)
    keeper, _ = stand.keeper(lite, client)
    keeper.take(window(stand))
    await keeper.look()
    keeper.take()
    await keeper.look()
    assert len(await living(stand)) == 1
    client.refuses = False
    await keeper.look()
    assert await living(stand) == []


async def test_two_that_do_the_same_become_one_and_each_replica_keeps_the_same(
    stand: AlertStand, kept: tuple[MaintenanceKeeper, Series]
) -> None:
    keeper, _ = kept
    keeper.take(window(stand))
    await keeper.look()
    (first,) = await living(stand)
    twin = Silence(first.matchers, first.starts, first.ends, first.author, first.comment)
    second = await stand.client.put_silence(twin)
    await keeper.look()
    (left,) = await living(stand)
    assert left.id == min(first.id, second)


async def test_an_alertmanager_that_lost_what_it_had_gets_it_again(tmp_path: Path, lite: Database) -> None:
    network = LoopNetwork()
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    async with alert_stand(tmp_path / "first", network=network) as stand:
        keeper, series = stand.keeper(lite)
        keeper.take(window(stand))
        await keeper.look()
    stand.addresses = [f"127.0.0.1:{free_port()}"]
    await keeper.look()
    assert series.value(ALERTMANAGER_UP) == 0 and series.value(MAINTENANCE_ACTIVE, "upgrade") == 1
    async with alert_stand(tmp_path / "second", network=network) as after:
        stand.addresses = after.addresses
        await keeper.look()
        assert len(await living(after)) == 1 and series.value(ALERTMANAGER_UP) == 1
    await network.close()


async def test_what_was_silenced_is_not_escalated_and_gets_its_time_after_the_window(
    stand: AlertStand, lite: Database, kept: tuple[MaintenanceKeeper, Series]
) -> None:
    keeper, _ = kept
    watch, _ = stand.watch(lite)
    await stand.fire(3 * HOUR)
    keeper.take(window(stand))
    await keeper.look()
    await until_silenced(stand, "payments")
    await watch.look()
    keeper.take()
    await keeper.look()
    async with asyncio.timeout(PATIENCE):
        while any(one.silenced_by for one in await stand.alerts()):
            await asyncio.sleep(0.02)
    after, _ = stand.watch(lite)
    for looks in (watch, after):
        await looks.look()
    assert lite.read(query).rows == []
    stand.ahead = HOUR + 5
    await after.look()
    assert len(lite.read(query).rows) == 1


async def test_the_task_looks_at_once_after_a_change(
    stand: AlertStand, kept: tuple[MaintenanceKeeper, Series]
) -> None:
    keeper, _ = kept
    task = asyncio.create_task(keeper.run())
    try:
        for number in range(2):  # the second while it waits for its next look
            keeper.take(window(stand, name=f"w{number}"))
            async with asyncio.timeout(PATIENCE):
                while not [one for one in await living(stand) if f"w{number}:" in one.comment]:
                    await asyncio.sleep(0.02)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_a_matcher_excludes_what_must_stay_loud() -> None:
    matchers = matchers_of(MaintenanceWindow("w", tenants=("acme",)))
    assert Matcher("alertname", "Watchdog|IntegrationExporterDown", is_regex=True, is_equal=False) in matchers
