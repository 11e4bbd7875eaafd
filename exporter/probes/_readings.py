"""Expensive readings, each on a period of its own: what a check does with them, whichever vendor answers.

One rule for all providers. The first call of a run proves the integration: its failure is the run's. A
*further* reading never takes a healthy integration down, nor the values of the run:

    refused for want of a permission    401, 403, ...    absent for the period, `permission_missing`
    not there                           404, 410, ...    absent for the period
    throttled, failing, not understood  429, 5xx, 400    the last answer for one more period, then absent;
    unreachable or late                                  asked again soon, then ever more rarely

`reading_refused` is 1 in each of these cases and the log of the run says why; an answer that is not
understood counts as drift, too. 401 belongs to the permissions: the credential has just been accepted, so it
speaks of the resource alone, and where the credential was revoked in that very moment the next run's first
call says so.

The border: a refusal that names the account, its money or our configuration (`DECISIVE`) is about the whole
integration, whichever call it answers. It fails the run. So does an answer that says itself that the
integration is broken (`VerdictError`), such as that the token is not valid.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from functools import cache
from typing import Any

from exporter.core.common_metrics import SCHEDULE
from exporter.core.errors import ProbeError
from exporter.core.metric import Metric, Sample
from exporter.core.probe import MONTH, Kit
from exporter.core.reason import Reason

StoredAnswer = dict[str, Any]
"""What is kept of an answer until the period is over; JSON can hold it."""

DECISIVE = frozenset({Reason.ACCOUNT, Reason.NOT_CONFIGURED, Reason.QUOTA, Reason.BUG})
"""Refusals that are about the whole integration, whichever call they answer."""
LACKING = frozenset({Reason.AUTH, Reason.PERMISSION})
"""Refusals of a credential that may not make this call."""
PATIENCE = 3 / 4
"""Share of what is left of the run's time that one further reading may take."""


@cache
def refused_metric(provider: str) -> Metric:
    """Return the metric `integration_<provider>_reading_refused`, 1 for each reading without an answer."""
    return Metric(
        f"integration_{provider}_reading_refused",
        "Whether a reading was refused or failed when it was last due (1), so that what depends on it is"
        " absent or of an earlier answer, or not (0)." + SCHEDULE,
        labels=("reading",),
    )


class VerdictError(ProbeError):
    """The vendor answers, and says that the integration is broken: that fails the run, whatever was asked."""


class FurtherReadings:
    """The readings of one run that come after the call that proved the integration.

    `refused` says of each reading whether it was left without an answer, `lacking` of each permission
    whether it is missing; a permission that nothing is known of is in neither. `permission` is the metric of
    the latter.
    """

    def __init__(self, kit: Kit, refused: Metric, permission: Metric | None = None) -> None:
        """Begin after the first call, whose HTTP status stays that of the run."""
        self.refused: dict[str, bool] = {}
        self.lacking: dict[str, bool] = {}
        self._kit = kit
        self._metrics = refused, permission
        self._status = kit.trace.http_status
        self._stopped = ""

    async def read(
        self,
        key: str,
        period: float,
        fetch: Callable[[], Awaitable[StoredAnswer]],
        *,
        permission: str = "",
        lacking: Collection[Reason] = LACKING,
        decisive: Collection[Reason] = DECISIVE,
    ) -> StoredAnswer:
        """Return the last answer of `fetch`, made again when it is older than `period` seconds.

        {} means a reading that has none. `key` is `<name>/<number>`: the number goes up when the shape
        of what is kept changes, so that older answers are not misread. `permission` is what the credential
        must be allowed, which it is not after a refusal with a reason of `lacking`. One of `decisive` is
        raised: ProbeError.
        """
        name, failing = key.rpartition("/")[0], _Failing(self._kit, key, period)
        kept: StoredAnswer | None = {}
        # {} is an answer without content and None a missing permission: neither may also mean a failure.
        fails = failing.waits
        if not fails:
            try:
                kept = await self._kit.every(key, period, lambda: self._ask(fetch, lacking, decisive))
            except ProbeError as error:
                if _decides(error, decisive):
                    raise
                fails = True
                self._note(name, error)
                failing.note(asked=not isinstance(error, _NotAskedError))
            else:
                failing.forget()
        # A failure says nothing of the permission. Where readings share one, a single refusal decides.
        if permission and not fails:
            self.lacking[permission] = kept is None or self.lacking.get(permission, False)
        self.refused[name] = fails or not kept
        # The status of the run stays that of the first call, which proved the integration.
        self._kit.trace.http_status = self._status
        return (failing.earlier if fails else kept) or {}

    async def _ask(
        self,
        fetch: Callable[[], Awaitable[StoredAnswer]],
        lacking: Collection[Reason],
        decisive: Collection[Reason],
    ) -> StoredAnswer | None:
        """Return a fresh answer, None where the credential may not ask, {} where the call does not exist."""
        if self._stopped:
            raise _NotAskedError(Reason.RATE_LIMITED, self._stopped)
        try:
            async with asyncio.timeout(_sleep_time(self._kit)):
                return await fetch()
        except TimeoutError:
            # One slow reading may cost its own share of the time, not that of each reading after it as well.
            self._stopped = "not asked: the reading before it took too long"
            raise ProbeError(Reason.TIMEOUT, "no answer in the time that was left") from None
        except ProbeError as error:
            if _decides(error, decisive) or error.reason not in (*lacking, Reason.NOT_FOUND):
                raise
            # Stored like an answer: asking more often would bring neither the permission nor the call.
            self._kit.log(error.detail)
            return None if error.reason in lacking else {}

    def _note(self, name: str, error: ProbeError) -> None:
        """Leave word of a reading that failed, and keep from asking more of a vendor that throttles."""
        trace = self._kit.trace
        self._kit.log(f"{name} is left as it was: {error.detail}")
        if error.reason is Reason.BAD_RESPONSE:
            trace.drift.append(name)
        if error.reason is Reason.RATE_LIMITED:
            self._stopped = self._stopped or "not asked: the vendor throttles us"
            trace.pause = max(error.retry_after or 0.0, trace.pause or 0.0) or None

    def samples(self) -> Iterator[Sample]:
        """Return which readings have no answer, and which permissions the credential lacks."""
        refused, permission = self._metrics
        for name, value in self.refused.items():
            yield refused(value, reading=name)
        if permission:
            for name, value in self.lacking.items():
                yield permission(value, permission=name)


def _sleep_time(kit: Kit) -> float | None:
    deadline = kit.trace.deadline
    # Not all of it: a run that reaches its deadline is cut, and the values that it has are lost.
    return None if deadline is None else max(0.0, deadline - time.monotonic()) * PATIENCE


def _decides(error: ProbeError, decisive: Collection[Reason]) -> bool:
    return isinstance(error, VerdictError) or error.reason in decisive


class _NotAskedError(ProbeError):
    """A reading was due and left out, because of what happened to the one before it."""


class _Failing:
    """What is remembered of a reading that fails: Unix seconds of its first and of its last try."""

    def __init__(self, kit: Kit, key: str, period: float) -> None:
        self._kit, self._key, self._period = kit, key, period
        self._mark = f"{key}/failing"
        self._tries: list[float] | None = kit.recall(self._mark)

    @property
    def waits(self) -> bool:
        """Whether it is left alone for now: for as long as it has failed, a period at most."""
        if not self._tries:
            return False
        first, last = self._tries
        # The wait is the time since the first failure, so each one is about twice the wait before it. A clock
        # that was set back makes the reading due at once.
        return 0 <= self._kit.now() - last < min(self._period, last - first)

    @property
    def earlier(self) -> StoredAnswer | None:
        """The last answer, unless the reading has failed for a whole period since it was due again."""
        kept: StoredAnswer | None = self._kit.recall(self._key)
        return kept if self._tries and 0 <= self._kit.now() - self._tries[0] < self._period else None

    def note(self, *, asked: bool) -> None:
        """Remember a failure; one that was not asked at all does not lengthen the wait."""
        now = self._kit.now()
        if self._tries is None or asked:
            self._tries = [self._tries[0] if self._tries else now, now]
            self._kit.remember(self._mark, self._tries)

    def forget(self) -> None:
        """Forget all failures: there was an answer."""
        if self._tries:
            self._kit.remember(self._mark, None)


def keep_dated(samples: Iterable[Sample], kit: Kit) -> list[Sample]:
    """Hand dated samples to the kit, so that a later reading's failure keeps them; return the rest."""
    rest = []
    for sample in samples:
        if sample.metric.dated:
            kit.fact(sample)
        else:
            rest.append(sample)
    return rest


def calls_a_month(interval: float, expensive: Iterable[tuple[int, float]]) -> float:
    """Return the reads in 30 days: one in each run, and those of the `expensive` readings.

    Each of these is (calls, period): made at most once in its period and once in a run. `interval` and
    periods are seconds.
    """
    return MONTH / interval + sum(calls * MONTH / max(interval, period) for calls, period in expensive)
