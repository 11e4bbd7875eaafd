"""Orders the parts of probing, and swaps configurations under them; each part does one job."""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator

from exporter.core.clock import Clock
from exporter.core.configuration import Configuration
from exporter.core.errors import SHORTAGE_RETRY, Deferred, Shortage
from exporter.core.network import Network
from exporter.core.probe import Result, Target, TargetKey
from exporter.core.store import Snapshot
from exporter.engine.backoff import backoff_until, initial_delay
from exporter.engine.board import Board, TargetState
from exporter.engine.budgets import Budgets
from exporter.engine.changes import TargetChanges, compare
from exporter.engine.deadlines import Deadlines
from exporter.engine.history import History
from exporter.engine.integration_counters import IntegrationCounters
from exporter.engine.preparation import ScrapePreparation
from exporter.engine.run import run
from exporter.engine.saved_states import SavedStates, dated_metrics
from exporter.engine.saver import Saver, Submit
from exporter.engine.scheduler import ScheduledTarget, Scheduler, slot_after
from exporter.engine.selfmetrics import SelfMetrics
from exporter.engine.shortages import Shortages
from exporter.engine.target_series import TargetSeries
from exporter.engine.threshold_series import ThresholdSeries
from exporter.engine.waiters import Waiters
from exporter.exposition import Exposition, Turns
from exporter.store.tokens import TokenStore
from exporter.tokens.manager import TokenManager

HASTE = 60.0
"""Least seconds between two runs of a target that events ask for."""


class Engine:
    """Probes every target of the current configuration."""

    def __init__(
        self,
        network: Network,
        clock: Clock,
        submit: Submit,
        metrics: SelfMetrics,
        most: int = 4096,
        token_store: TokenStore | None = None,
    ) -> None:
        """Prepare an engine without targets; `submit` keeps batches, `most` bounds the runs at one time."""
        self._network, self._clock, self._metrics = network, clock, metrics
        self.configuration: Configuration | None = None
        self.board = Board()
        self.history = History()
        self.exposition = Exposition()
        self.scheduler = Scheduler(clock, self._run, most)
        self._shortages = Shortages(clock, metrics)
        self.tokens = TokenManager(
            network, clock, lambda key: self._series.refresh(key), token_store, self._shortages.note, submit
        )
        self._series = TargetSeries(self.exposition, self.board, self.tokens, clock)
        self._counters = IntegrationCounters(self.exposition)
        self._thresholds = ThresholdSeries(self.exposition)
        self._budgets = Budgets()
        self._deadlines = Deadlines()
        self._waiters = Waiters()
        self._saver = Saver(self.board, self.history, submit, clock)
        self._saved = SavedStates()
        self.more_series: list[Callable[[], Iterator[None]]] = []
        """What else brings its series into the exposition before a scrape, a step at a time."""
        self._preparation = ScrapePreparation(clock, self._prepare)
        self._openmetrics = False
        self._hastened: dict[TargetKey, float] = {}

    def remember(self, snapshots: Iterable[Snapshot]) -> None:
        """Keep what the store knew, for the targets that the next configuration brings."""
        self._saved = SavedStates(snapshots)

    def apply(self, configuration: Configuration, changes: TargetChanges | None = None) -> None:
        """Make `configuration` the current one: only targets that differ are touched.

        `changes` are those from the configuration in force, where somebody has compared them already.
        """
        if changes is None:
            before = {key: state.target for key, state in self.board.items()}
            changes = compare(before, configuration.targets)
        fresh = self._fresh(configuration, changes)
        for key in changes.gone:
            self._forget(key)
        self._place(configuration, changes, fresh)
        self._counters.apply(configuration.integrations)
        self._thresholds.apply((configuration.thresholds, configuration.events.thresholds))
        self._budgets.apply(configuration)
        self.configuration = configuration
        # Before `_schedule`, which shows the targets' series: those of their tokens are among them.
        self.tokens.apply(configuration, changes.differing)
        self._schedule(list(fresh.values()))
        lost = set(changes.gone).union(self._saved.keys() - configuration.targets.keys())
        # What another shard serves is not gone: it may come back, or share this store.
        self._saver.forget(lost - configuration.shard.elsewhere)
        self._saved = SavedStates()
        self._saver.start()

    async def check(self, key: TargetKey) -> Result:
        """Run a target now, or join a run that is under way, and return the result.

        It updates the board as any other. KeyError where there is no such target, Deferred when it must wait.
        """
        state = self.board.get(key)
        if state is None:
            raise KeyError(key)
        if key not in self.scheduler:  # not configured: there is nothing to wait for
            tokens = self.tokens.for_target(state.target)
            return await run(state.target, self._network, self._clock, state.answers, tokens)
        if (wait := (state.until or 0.0) - self._clock.now()) > 0:
            raise Deferred(wait, "the vendor asked for a pause")
        result = self._waiters.add(key)
        self.scheduler.run_soon(key)
        return await result

    def hasten(self, integration: str, tenant: str, event: str) -> bool:
        """Let a target be probed soon because its vendor reported `event`; return whether it will be.

        The readings that the event is about are due then, so that gauges follow within seconds and nothing is
        counted twice. It costs only what the credential has saved: a burst of events never spends what
        scheduled probes need, and within HASTE seconds one run answers all of them.
        """
        key, now = (integration, tenant), self._clock.monotonic()
        state = self.board.get(key)
        readings = state.target.probe.readings_of(event) if state else ()
        if state is None or not readings or key not in self.scheduler:
            return False
        if not self._budgets.spare(state.target, now) or (state.until or 0.0) > self._clock.now():
            return False
        for name in [name for name in state.answers if name.rpartition("/")[0] in readings]:
            state.answers[name] = (0.0, state.answers[name][1])
        if now - self._hastened.get(key, -HASTE) < HASTE:
            return False  # the next scheduled run reads it
        self._hastened[key] = now
        self.scheduler.run_soon(key)
        return True

    async def render(self, openmetrics: bool, gzip: bool) -> bytes:
        """Return the body of a scrape."""
        if gzip:  # what the body without it needs is little, and joined at once
            self._openmetrics = openmetrics
            self._preparation.note_scrape()
        turns = Turns()
        for _ in self._show_all():
            await turns.over()
        return await self.exposition.render_async(openmetrics, gzip, self._metrics.registry)

    def _show_all(self) -> Iterator[None]:
        more = itertools.chain.from_iterable(show() for show in self.more_series)
        return itertools.chain(self._series.show_queue(), self._counters.show(), more)

    def _prepare(self, quiet: bool) -> Iterator[None]:
        """Do the work of the next scrape a step at a time; with `quiet` only what has settled."""
        if not quiet:
            yield from self._show_all()
        yield from self.exposition.settle(openmetrics=self._openmetrics, quiet=quiet)

    async def stop(self, limit: float) -> int:
        """Let runs end within `limit` seconds, save everything; return how many runs were cut."""
        self._preparation.stop()
        cut, _ = await asyncio.gather(self.scheduler.stop(limit), self.tokens.stop(limit))
        self._saver.stop()
        self._waiters.reject_all(Deferred(0.0, "the exporter is stopping"))
        return cut

    def _fresh(self, configuration: Configuration, changes: TargetChanges) -> dict[TargetKey, TargetState]:
        """Return the states of the targets that are new or another one."""
        fresh: dict[TargetKey, TargetState] = {}
        metrics = dated_metrics(configuration)
        for key in (*changes.added, *changes.changed):
            target, state = configuration.targets[key], self.board.get(key)
            if state is None or state.target.provider != target.provider:
                state = self._saved.state(target, metrics)
            else:
                state.retarget(target)
            fresh[key] = state
        return fresh

    def _place(
        self, configuration: Configuration, changes: TargetChanges, fresh: dict[TargetKey, TargetState]
    ) -> None:
        """Put exactly the targets of `configuration` on the board, in its order."""
        if not changes.reordered:
            self.board.update(fresh)
            return
        known = dict(self.board.items()) | fresh
        self.board.replace({key: known[key] for key in configuration.targets})

    def _schedule(self, fresh: list[TargetState]) -> None:
        now = self._clock.now()
        delays: list[tuple[Target, float | None]] = []
        for state in fresh:
            delay = initial_delay(state, now)
            if state.target.key in self.scheduler:
                self.scheduler.remove(state.target.key)
                state.next_run = delay = None
            if state.target.configured:
                delays.append((state.target, delay))
            else:
                state.unconfigure(now)
        for key, wait in self.scheduler.add(delays).items():
            if state_now := self.board.get(key):
                state_now.next_run = now + wait
        self._serve_waiters(fresh)
        for state in fresh:
            self._saver.add(state.target.key, urgent=True)
        # The exposition keeps series of neighbours together: those that run together change together.
        self._series.enqueue(sorted(fresh, key=lambda one: (one.target.interval, one.next_run or 0.0)))

    def _serve_waiters(self, fresh: list[TargetState]) -> None:
        """Give callers that wait for a run of a target that changed one of the new target, at once."""
        for key in [state.target.key for state in fresh if state.target.key in self._waiters]:
            if key in self.scheduler:
                self.scheduler.run_soon(key)
            else:
                self._waiters.reject(key, Deferred(0.0, "the target was changed and is not configured"))

    def _forget(self, key: TargetKey) -> None:
        if key in self.scheduler:
            self.scheduler.remove(key)
        self._series.drop(key)
        self._hastened.pop(key, None)
        self._saver.discard(key)
        self._waiters.reject(key, Deferred(0.0, "the target was removed"))

    async def _run(self, job: ScheduledTarget, lag: float) -> float:
        target = job.target
        self._metrics.lag.observe(lag)
        state = self.board.get(target.key)
        if state is None:
            return target.interval
        if (wait := self._budgets.wait(target, self._clock.monotonic())) > 0:
            return self._defer(state, wait)
        tokens, answered = self.tokens.for_target(target), state.answer_times()
        try:
            result = await run(
                *(target, self._network, self._clock, state.answers, tokens),
                log_wanted=lambda: target.key in self._waiters,
                deadlines=self._deadlines,
            )
        except Shortage as shortage:
            self._shortages.note(shortage)
            return target.interval if job.gone else self._put_off(state, shortage)
        if job.gone:
            return target.interval
        self._absorb(job, state, result, answered=answered != state.answer_times())
        return max(0.0, (state.next_run or 0.0) - self._clock.now())

    def _put_off(self, state: TargetState, shortage: Shortage) -> float:
        """Let a target wait as it is: a run that was due stays so, and is overdue while that lasts."""
        self._counters.count_calls(state.target, shortage.calls)
        self._budgets.spend(state.target, shortage.calls, self._clock.monotonic())
        wait = max(SHORTAGE_RETRY, (state.next_run or 0.0) - self._clock.now())
        self._waiters.reject(state.target.key, shortage.again(wait))
        return wait

    def _defer(self, state: TargetState, wait: float) -> float:
        self._counters.count_deferral(state.target)
        state.next_run = self._clock.now() + wait
        self._series.show(state)
        self._waiters.reject(state.target.key, Deferred(wait, "the call budget of the credential is spent"))
        return wait

    def _absorb(self, job: ScheduledTarget, state: TargetState, result: Result, *, answered: bool) -> None:
        target = state.target
        before, failures = (state.status, state.reason), state.failures
        self.history.record(state, result)
        changed_series = state.absorb(result)
        # Not `result.at`: a wall clock that was set back during the run would put the target to sleep.
        began = self._clock.now() - result.duration_seconds
        state.until = backoff_until(state, result, began)
        slot = slot_after(began, target.interval, job.place, job.runs)
        state.next_run = max(slot, state.until or 0.0)
        self._counters.count(target, result)
        self._budgets.spend(target, result.calls, self._clock.monotonic())
        self.history.add_outcome(before, state, result)
        changed = before != (state.status, state.reason) or failures != state.failures
        self._saver.add(target.key, urgent=changed or answered)
        self._series.update(state, changed=changed_series)
        self._waiters.resolve(target.key, result)
