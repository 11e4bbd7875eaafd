"""Puts schedule, runs, board, history and exposition together, and swaps configurations under them."""

import asyncio
import itertools
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator

from exporter.core.clock import Clock, Handle
from exporter.core.common_metrics import SHARED_SERIES
from exporter.core.configuration import Configuration
from exporter.core.errors import SHORTAGE_RETRY, Deferred, Shortage
from exporter.core.metric import Metric, Sample
from exporter.core.network import Network
from exporter.core.probe import Result, Target, TargetKey
from exporter.core.reason import Reason
from exporter.core.store import Batch, Snapshot
from exporter.engine.backoff import backoff_until, initial_delay
from exporter.engine.board import ERROR, NOT_CONFIGURED, Board, TargetState, restored
from exporter.engine.budgets import Budgets
from exporter.engine.counters import Counters
from exporter.engine.history import History, is_noteworthy
from exporter.engine.run import run
from exporter.engine.scheduler import ScheduledTarget, Scheduler, next_slot
from exporter.engine.selfmetrics import SelfMetrics
from exporter.engine.series import common_labels, series_of, show_run
from exporter.engine.shortages import Shortages
from exporter.exposition import Exposition, Turns
from exporter.tokens.manager import TokenManager

SAVE_EVERY = 1.0
"""Seconds between two batches for the store: what a kill can cost."""

SAVE_HEALTHY_EVERY = 30
"""Batches over which saves of targets whose status stayed the same are spread: all at once hold the loop."""

SHOWN_AT_ONCE = 250
"""New targets whose series are rendered in one turn of the loop, which takes about 20 ms."""

Submit = Callable[[Batch], None]
"""Takes a batch for the store; never blocks, never raises."""


class Engine:
    """Probes every target of the current configuration."""

    def __init__(
        self, network: Network, clock: Clock, submit: Submit, metrics: SelfMetrics, most: int = 4096
    ) -> None:
        """Prepare an engine without targets; `submit` keeps batches, `most` bounds the runs at one time."""
        self.board = Board()
        self.history = History()
        self.exposition = Exposition()
        self.scheduler = Scheduler(clock, self._run, most)
        self._network = network
        self._shortages = Shortages(clock, metrics)
        self.tokens = TokenManager(network, clock, self._token_changed, short=self._shortages.note)
        self._clock = clock
        self._submit = submit
        self._metrics = metrics
        self._budgets = Budgets()
        self._counters: dict[str, Counters] = {}
        self._stale_counters: set[str] = set()
        self._kept: dict[TargetKey, Snapshot] = {}
        self._urgent: set[TargetKey] = set()
        self._dirty: dict[TargetKey, None] = {}  # in the order in which they came
        self._waiters: defaultdict[TargetKey, list[asyncio.Future[Result]]] = defaultdict(list)
        self._unshown: deque[TargetState] = deque()
        self._saving: Handle | None = None
        self.configuration: Configuration | None = None

    def remember(self, snapshots: Iterable[Snapshot]) -> None:
        """Keep what the store knew, for the targets that the next configuration brings."""
        self._kept = {snapshot.key: snapshot for snapshot in snapshots}

    def apply(self, configuration: Configuration) -> None:
        """Make `configuration` the current one: only targets that differ are touched."""
        names = {metric.name: metric for metric in _dated_metrics(configuration)}
        fresh: list[TargetState] = []
        states = {
            key: self._state(key, target, fresh, names) for key, target in configuration.targets.items()
        }
        gone = self.board.keys() - configuration.targets.keys()
        for key in gone:
            self._forget(key)
        self.board.replace(states)
        self._apply_integrations(configuration)
        self._apply_thresholds(configuration)
        self._budgets.apply(configuration)
        self.configuration = configuration
        self.tokens.apply(configuration)
        self._schedule(fresh)
        lost = gone | (self._kept.keys() - configuration.targets.keys())
        # What another shard serves is not gone: it may come back, or share this store.
        self._submit(Batch(forget=set(lost - configuration.shard.elsewhere)))
        self._kept = {}
        if self._saving is None:
            self._saving = self._clock.later(SAVE_EVERY, self._save)

    async def check(self, key: TargetKey) -> Result:
        """Run a target now and return the result; raises KeyError for a stranger, Deferred when it must wait.

        A run that is already under way is joined. The result updates the board as any other.
        """
        state = self.board.get(key)
        if state is None:
            raise KeyError(key)
        if key not in self.scheduler:  # not configured: there is nothing to wait for
            giver = self.tokens.giver(state.target)
            return await run(state.target, self._network, self._clock, state.answers, giver)
        if (wait := (state.until or 0.0) - self._clock.now()) > 0:
            raise Deferred(wait, "the vendor asked for a pause")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiters[key].append(future)
        self.scheduler.run_soon(key)
        return await future

    async def render(self, openmetrics: bool, gzip: bool) -> bytes:
        """Return the body of a scrape."""
        turns = Turns()
        for _ in itertools.chain(self._showing(), self._refreshing()):
            await turns.over()
        return await self.exposition.render_async(openmetrics, gzip, self._metrics.registry)

    def _refreshing(self) -> Iterator[None]:
        """Bring the counters, which change with each run, into the exposition, one integration at a step."""
        for integration in self.configuration.integrations if self.configuration else ():
            name = integration.name
            if name not in self._stale_counters or name not in self._counters:
                continue
            self._stale_counters.discard(name)
            self._counters[name].show(self.exposition, integration)
            yield

    async def stop(self, limit: float) -> int:
        """Let runs end within `limit` seconds, save everything; return how many runs were cut."""
        cut, _ = await asyncio.gather(self.scheduler.stop(limit), self.tokens.stop(limit))
        if self._saving:
            self._saving.cancel()
        self._urgent.update(self._dirty)
        self._save_states(last=True)
        for key in list(self._waiters):
            self._answer(key, error=Deferred(0.0, "the exporter is stopping"))
        return cut

    def _state(
        self, key: TargetKey, target: Target, fresh: list[TargetState], names: dict[str, Metric]
    ) -> TargetState:
        state = self.board.get(key)
        # Most targets of a reload are the very ones of before: to compare thousands by value takes its time.
        if state is not None and (state.target is target or state.target == target):
            return state
        if state is None or state.target.provider != target.provider:
            state = self._first_state(target, names)
        elif state.target.options != target.options:
            state.answers.clear()
            state.facts = ()  # they are of another address or credential
            state.vendor_details = ()
        state.target = target
        fresh.append(state)
        return state

    def _first_state(self, target: Target, names: dict[str, Metric]) -> TargetState:
        kept = self._kept.get(target.key)
        if kept is None or kept.provider != target.provider:
            return TargetState(target)
        facts = (Sample(names[name], value, labels) for name, labels, value in kept.facts if name in names)
        state = restored(target, kept, facts)
        if state.status == NOT_CONFIGURED and target.configured:
            return TargetState(target)
        return state

    def _schedule(self, fresh: list[TargetState]) -> None:
        now = self._clock.now()
        waits: list[tuple[Target, float | None]] = []
        for state in fresh:
            if state.target.key in self.scheduler:
                self.scheduler.remove(state.target.key)
                state.next_run = None
                waits.append((state.target, None))
            elif state.target.configured:
                waits.append((state.target, initial_delay(state, now)))
            if not state.target.configured:
                _unconfigure(state, now)
        waits = [(target, wait) for target, wait in waits if target.configured]
        for key, wait in self.scheduler.add(waits).items():
            if state_now := self.board.get(key):
                state_now.next_run = now + wait
        self._serve_waiters(fresh)
        # The exposition keeps series of neighbours together: those that run together change together.
        order = sorted(fresh, key=lambda one: (one.target.interval, one.next_run or 0.0))
        self._urgent.update(state.target.key for state in order)
        self._unshown.extend(order)
        self._show_some()

    def _show_some(self) -> None:
        """Show one portion of new targets, and the others in later turns of the loop."""
        for _ in zip(range(SHOWN_AT_ONCE), self._showing(), strict=False):
            pass
        if self._unshown:
            self._clock.later(0.0, self._show_some)

    def _showing(self) -> Iterator[None]:
        """Show what is not shown yet, one target at a step; those that went away meanwhile are left out."""
        while self._unshown:
            state = self._unshown.popleft()
            if self.board.get(state.target.key) is state:
                self._show(state)
            yield

    def _serve_waiters(self, fresh: list[TargetState]) -> None:
        """Give who asked for a check of a target that changed meanwhile one of the new target, at once."""
        for key in [state.target.key for state in fresh if state.target.key in self._waiters]:
            if key in self.scheduler:
                self.scheduler.run_soon(key)
            else:
                self._answer(key, error=Deferred(0.0, "the target was changed and is not configured"))

    def _apply_integrations(self, configuration: Configuration) -> None:
        names = {integration.name for integration in configuration.integrations}
        for name in (self._counters.keys() - names) | self._with_another_provider(configuration):
            del self._counters[name]
            self.exposition.drop(("integration", name))
        for integration in configuration.integrations:
            counters = self._counters.setdefault(integration.name, Counters(integration.critical))
            counters.critical = integration.critical
        self._stale_counters = set(names)

    def _with_another_provider(self, configuration: Configuration) -> set[str]:
        """Return the integrations that kept only their name: what was counted is the old provider's."""
        before = self.configuration.integrations if self.configuration else ()
        known = {integration.name: integration.probe for integration in before}
        return {
            integration.name
            for integration in configuration.integrations
            if known.get(integration.name, integration.probe) != integration.probe
        }

    def _apply_thresholds(self, configuration: Configuration) -> None:
        series = [
            (
                threshold.family.metric,
                (
                    ("integration", threshold.integration),
                    ("provider", threshold.provider),
                    ("tenant", threshold.tenant),
                    ("severity", threshold.severity.value),
                ),
                threshold.value,
            )
            for threshold in configuration.thresholds
        ]
        self.exposition.put("thresholds", (), series)

    def _forget(self, key: TargetKey) -> None:
        if key in self.scheduler:
            self.scheduler.remove(key)
        self.exposition.drop(("target", *key))
        self._urgent.discard(key)
        self._dirty.pop(key, None)
        self._answer(key, error=Deferred(0.0, "the target was removed"))

    async def _run(self, job: ScheduledTarget, lag: float) -> float:
        target = job.target
        self._metrics.lag.observe(lag)
        state = self.board.get(target.key)
        if state is None:
            return target.interval
        if (wait := self._budgets.wait(target, self._clock.monotonic())) > 0:
            return self._defer(state, wait)
        answered = _times(state)
        try:
            result = await run(
                *(target, self._network, self._clock, state.answers, self.tokens.giver(target)),
                asked=lambda: target.key in self._waiters,
            )
        except Shortage as shortage:
            self._shortages.note(shortage)
            return target.interval if job.gone else self._put_off(state, shortage)
        if job.gone:
            return target.interval
        if answered != _times(state):
            self._urgent.add(target.key)
        self._absorb(state, result, job.runs)
        return max(0.0, (state.next_run or 0.0) - self._clock.now())

    def _put_off(self, state: TargetState, shortage: Shortage) -> float:
        """Let a target wait as it is: a run that was due stays so, and is overdue while that lasts."""
        name = state.target.integration
        self._counters[name].calls += shortage.calls
        self._stale_counters.add(name)
        self._budgets.spend(state.target, shortage.calls, self._clock.monotonic())
        wait = max(SHORTAGE_RETRY, (state.next_run or 0.0) - self._clock.now())
        self._answer(state.target.key, error=shortage.again(wait))
        return wait

    def _defer(self, state: TargetState, wait: float) -> float:
        name = state.target.integration
        self._counters[name].deferred += 1
        self._stale_counters.add(name)
        state.next_run = self._clock.now() + wait
        self._show(state)
        self._answer(state.target.key, error=Deferred(wait, "the call budget of the credential is spent"))
        return wait

    def _absorb(self, state: TargetState, result: Result, runs: int) -> None:
        target = state.target
        before = (state.status, state.reason)
        failures = state.failures
        self.history.ran(state, result)
        news = state.absorb(result)
        # Not `result.at`: a wall clock that was set back during the run would put the target to sleep.
        began = self._clock.now() - result.duration_seconds
        state.until = backoff_until(state, result, began)
        state.next_run = max(next_slot(target, began, runs), state.until or 0.0)
        self._count(target, result)
        if is_noteworthy(before, state):
            self.history.changed(state, before[0], result)
        if state.status == ERROR:
            self.history.failed(state, result)
        changed = before != (state.status, state.reason) or failures != state.failures
        if changed:
            self._urgent.add(target.key)
        else:
            self._dirty[target.key] = None
        if news:
            self._show(state)
        else:
            show_run(self.exposition, state)
        self._answer(target.key, result)

    def _count(self, target: Target, result: Result) -> None:
        self._counters[target.integration].count(result)
        self._stale_counters.add(target.integration)
        self._budgets.spend(target, result.calls, self._clock.monotonic())

    def _show(self, state: TargetState) -> None:
        key = state.target.key
        own = [one for one in series_of(state) if not self.tokens.overrides(key, one[0].name, one[1])]
        if state.status != NOT_CONFIGURED:
            own += self.tokens.series(key)
        self.exposition.put(("target", *key), common_labels(state.target), own)

    def _token_changed(self, key: TargetKey) -> None:
        if state := self.board.get(key):
            self._show(state)

    def _answer(self, key: TargetKey, result: Result | None = None, error: Exception | None = None) -> None:
        for future in self._waiters.pop(key, ()):
            if future.done():
                continue
            if error is not None:
                future.set_exception(error)
            elif result is not None:
                future.set_result(result)

    def _save(self) -> None:
        share = -(-len(self._dirty) // SAVE_HEALTHY_EVERY)
        self._urgent.update(itertools.islice(self._dirty, share))
        self._save_states()
        self._saving = self._clock.later(SAVE_EVERY, self._save)

    def _save_states(self, *, last: bool = False) -> None:
        batch = self.history.take(self._clock.now(), last=last)
        states = filter(None, map(self.board.get, self._urgent))
        batch.snapshots.update((state.target.key, state.snapshot()) for state in states)
        for key in self._urgent:
            self._dirty.pop(key, None)
        self._urgent = set()
        if batch:
            self._submit(batch)


def _dated_metrics(configuration: Configuration) -> Iterable[Metric]:
    yield from (metric for metric in SHARED_SERIES if metric.dated)
    for probe in {integration.probe for integration in configuration.integrations}:
        yield from (metric for metric in probe.metrics if metric.dated)


def _times(state: TargetState) -> dict[str, float]:
    return {key: when for key, (when, _) in state.answers.items()}


def _unconfigure(state: TargetState, now: float) -> None:
    if state.status != NOT_CONFIGURED:
        state.since = now
    state.status, state.reason = NOT_CONFIGURED, Reason.NOT_CONFIGURED
    state.detail = state.target.absence
    state.failures, state.next_run, state.until, state.result, state.facts = 0, None, None, None, ()
