"""Tests the way of alerts to people: sends marked ones through Alertmanager, and looks where they lead."""

import asyncio
import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from exporter.alertmanager.client import AlertmanagerClient
from exporter.alertmanager.receivers import NotificationCounts
from exporter.config import durations
from exporter.core.alert_identity import SCOPE, TEST
from exporter.core.alertmanager import ActiveAlert, AlertmanagerError, FiredAlert, Matcher
from exporter.core.severity import Severity

TEST_ALERT = "IntegrationTestAlert"
"""The name of test alerts, unless they have that of a rule."""

TEST_SERVICE = "test"
"""The integration that they name, unless they are of another."""

SLACK = 15.0
"""Seconds after the `group_wait` of a severity within which its first message is on its way."""

LONGEST_WAIT = 900.0
DRILLS_KEPT = 20
LOOK_EVERY = 1.0

SUMMARY = "Test of the notifications: nothing is wrong"
DESCRIPTION = "Somebody tests the way of alerts to you: nothing is wrong, and nothing is to be done."


@dataclass(frozen=True)
class DrillRequest:
    """What is to be tested: `names` of an alert and its fixed labels, for each of `severities` one alert.

    `wait` are the seconds for which messages are waited for; None: as long as the routes wait.
    """

    severities: tuple[Severity, ...]
    labels: Mapping[str, str]
    wait: float | None = None


@dataclass
class DrillResult:
    """One test alert: the receivers that its labels lead to, and their channels by kind.

    `hidden_by` is what keeps its message back: a silence, or an alert that inhibits it.
    """

    labels: Mapping[str, str]
    receivers: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    hidden_by: tuple[str, ...] = ()


@dataclass
class Drill:
    """A test that runs or is over, from `started` to `until` at the latest (Unix seconds).

    `sent` and `failed` count messages by kind of channel, while it ran. They are None where Alertmanager's
    /metrics does not answer. `error` is a sentence where it broke off.
    """

    id: str
    actor: str
    results: tuple[DrillResult, ...]
    until: float
    running: bool = True
    sent: Mapping[str, int] | None = None
    failed: Mapping[str, int] | None = None
    error: str = ""
    before: Mapping[str, NotificationCounts] | None = field(default=None, repr=False)
    started: float = 0.0

    @property
    def expected(self) -> Counter[str]:
        """How many messages each kind of channel has to send."""
        return Counter(kind for one in self.results if not one.hidden_by for kind in one.channels)


def usual_wait(severity: Severity) -> float:
    """Return the seconds for which the routes collect alerts of `severity` before they send any."""
    return durations.seconds(severity.group_wait)


class Drills:
    """The last tests, in memory. `now` is in Unix seconds; `collect` returns how long a severity waits."""

    def __init__(
        self,
        client: AlertmanagerClient,
        now: Callable[[], float],
        collect: Callable[[Severity], float] = usual_wait,
    ) -> None:
        """Start without any."""
        self._client = client
        self._now = now
        self._collect = collect
        self._drills: OrderedDict[str, Drill] = OrderedDict()
        self._starting = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> bool:
        """Whether a test is under way: two at a time could not tell their messages apart."""
        # By what is answered: who reads that one is over may start the next.
        return self._starting or any(drill.running for drill in self._drills.values())

    @property
    def current(self) -> Drill | None:
        """The test that is under way, None where there is none or its alerts are not sent yet."""
        return next((drill for drill in self._drills.values() if drill.running), None)

    def newest(self) -> list[Drill]:
        """Return the last tests, the newest first."""
        return list(self._drills.values())[::-1]

    def get(self, drill_id: str) -> Drill | None:
        """Return a test by its id, None when it is unknown or was forgotten."""
        return self._drills.get(drill_id)

    async def start(self, request: DrillRequest, actor: str) -> Drill:
        """Send the test alerts and say where they lead; messages are counted meanwhile. AlertmanagerError."""
        self._starting = True
        try:
            return await self._start(request, actor)
        finally:
            self._starting = False

    async def _start(self, request: DrillRequest, actor: str) -> Drill:
        drill_id = secrets.token_hex(4)
        # First what fails where nobody answers: the counts wait as long, and may be missing.
        channels = await self._client.channels()
        before = await self._client.notification_counts()
        least = max(map(self._collect, request.severities))
        wait = least + SLACK if request.wait is None else request.wait
        now = self._now()
        alerts = _alerts(request, drill_id, now, now + wait + SLACK)
        await self._client.fire(alerts)
        results = _results(alerts, await self._listed(drill_id), channels)
        drill = Drill(drill_id, actor, results, now + wait, before=before, started=now)
        self._drills[drill_id] = drill
        while len(self._drills) > DRILLS_KEPT:
            self._drills.popitem(last=False)
        task = asyncio.create_task(self._finish(drill, alerts, min(least, wait), wait))
        # The loop holds tasks weakly: one that nothing else holds may be collected while it runs.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return drill

    async def stop(self) -> None:
        """End what still runs, and its alerts."""
        # A task that is cancelled before it began would end nothing.
        await asyncio.sleep(0)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _listed(self, drill_id: str) -> list[ActiveAlert]:
        return await self._client.alerts([Matcher(TEST, f"{drill_id}-.*", is_regex=True)])

    async def _finish(self, drill: Drill, alerts: Sequence[FiredAlert], least: float, most: float) -> None:
        """Look until every channel has sent, for `least` to `most` seconds; then end the alerts."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        try:
            done = False
            while not done and loop.time() - begin < most:
                await asyncio.sleep(min(LOOK_EVERY, most))
                # A failure is counted a moment after its attempt: the counts of the next look have it.
                done = _all_sent(drill) and loop.time() - begin >= least
                await self._count(drill)
        except AlertmanagerError as error:
            drill.error = str(error)
        finally:
            try:
                await self._end(drill, alerts)
            finally:
                # Last: who reads that it is over finds none of its alerts, and all that went wrong.
                drill.running = False

    async def _count(self, drill: Drill) -> None:
        after = await self._client.notification_counts()
        if drill.before is None or after is None:
            return
        none = NotificationCounts()
        kinds = {kind: (one, drill.before.get(kind, none)) for kind, one in after.items()}
        # A member that was away before has all of its counts in `after`; one that went has taken its own.
        sent = {kind: max(0, round(one.attempts - old.attempts)) for kind, (one, old) in kinds.items()}
        failed = {kind: max(0, round(one.failures - old.failures)) for kind, (one, old) in kinds.items()}
        drill.sent, drill.failed = _some(sent), _some(failed)

    async def _end(self, drill: Drill, alerts: Sequence[FiredAlert]) -> None:
        now = self._now()
        ended = [FiredAlert(one.labels, one.annotations, one.starts, now) for one in alerts]
        try:
            await self._client.fire(ended)
        except AlertmanagerError as error:
            # They expire by themselves soon.
            drill.error = drill.error or str(error)
            structlog.get_logger("exporter.alerts").warning("test alerts were not ended", error=str(error))


def _alerts(request: DrillRequest, drill_id: str, now: float, ends: float) -> list[FiredAlert]:
    annotations = {"summary": SUMMARY, "description": DESCRIPTION}
    return [
        FiredAlert(
            {
                "alertname": TEST_ALERT,
                "integration": TEST_SERVICE,
                SCOPE: "integration",
                **request.labels,
                "severity": severity.value,
                # Each has a value of its own, so that a test inhibits neither another test nor a real alert.
                TEST: f"{drill_id}-{severity}",
            },
            annotations,
            now,
            ends,
        )
        for severity in request.severities
    ]


def _results(
    alerts: Sequence[FiredAlert], listed: Sequence[ActiveAlert], channels: Mapping[str, tuple[str, ...]]
) -> tuple[DrillResult, ...]:
    found = {one.labels[TEST]: one for one in listed}
    results = []
    for alert in alerts:
        one = found.get(alert.labels[TEST])
        receivers = one.receivers if one else ()
        kinds = tuple(kind for name in receivers for kind in channels.get(name, ()))
        hidden = (*one.silenced_by, *one.inhibited_by) if one else ()
        results.append(DrillResult(alert.labels, receivers, kinds, hidden))
    return tuple(results)


def _all_sent(drill: Drill) -> bool:
    sent = drill.sent
    return sent is not None and all(sent.get(kind, 0) >= count for kind, count in drill.expected.items())


def _some(counts: Mapping[str, int]) -> dict[str, int]:
    return {kind: count for kind, count in sorted(counts.items()) if count}
