"""Runs one probe once; the one place that catches everything."""

import random
import traceback
from collections.abc import Callable
from functools import lru_cache

from exporter.core.clock import Clock
from exporter.core.common_metrics import CERTIFICATE_SERIES
from exporter.core.errors import ProbeError, Shortage
from exporter.core.metric import Sample
from exporter.core.network import Network, Trace
from exporter.core.probe import Result, Target
from exporter.core.reason import Reason
from exporter.core.secret import forms, redact, reveal_all
from exporter.engine.deadlines import Deadlines
from exporter.engine.kit import LONGEST_DETAIL, CachedAnswers, RunKit, TokenProvider
from exporter.net.addresses import PublicOnly
from exporter.net.tokens import Tokens

LONGEST_LINE = 1000
"""Characters of a line of the log, or of a detail: vendors' texts may be of any length."""


async def run(
    target: Target,
    network: Network,
    clock: Clock,
    answers: CachedAnswers,
    tokens: TokenProvider | None = None,
    log_wanted: Callable[[], bool] = lambda: True,
    deadlines: Deadlines | None = None,
) -> Result:
    """Probe `target` and return the outcome: every failure becomes a reason.

    Shortage alone is raised: what we lack says nothing of the target. Cancellation from outside is passed on.
    `answers` holds, and keeps, the answers of `kit.every`; `tokens` are those that outlive it, none for a
    single run. `log_wanted` returns at the end whether any caller reads the log of a good run; that of a
    failed one is always kept. `deadlines` are those of all runs, which one timer serves.
    """
    at, began = clock.now(), clock.monotonic()
    kit = RunKit(network, clock, answers, tokens or Tokens(network, clock))
    samples: tuple[Sample, ...] = ()
    failure: ProbeError | None = None
    try:
        if not target.configured:
            raise ProbeError(Reason.NOT_CONFIGURED, target.absence)
        kit.trace.deadline = kit.trace.started + target.timeout
        kit.trace.guard = None if target.networks is None else PublicOnly(target.networks)
        with (deadlines or Deadlines()).within(target.timeout) as deadline:
            samples = tuple(await target.probe.check(target, kit))
    except ProbeError as error:
        failure = _without_frames(error)
    except Shortage as shortage:
        shortage.calls = kit.trace.calls
        raise
    except TimeoutError as error:
        failure = _timeout(error, target, deadline.expired)
    except Exception as error:  # noqa: BLE001 - a mistake in one probe must never stop the others
        failure = _bug(error)
    if failure is None and not log_wanted():
        kit.trace.log.clear()  # most runs are good and unread, and cleaning their logs takes its time
    # An answer that waited for its turn of the loop was there: the vendor was not as slow as we were.
    duration_seconds = max(0.0, clock.monotonic() - began - kit.trace.delay)
    return _result(target, kit, at, duration_seconds, samples, failure)


def _without_frames(error: ProbeError) -> ProbeError:
    # The frames that it passed hold it as it holds them: only the collector of cycles would free them all.
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return error


def _timeout(error: TimeoutError, target: Target, ours: bool) -> ProbeError:
    # One that is not of our deadline comes from the probe itself, which should have named a reason.
    if not ours:
        return _bug(error)
    return ProbeError(Reason.TIMEOUT, f"no complete answer within {target.timeout:g} s")


def _bug(error: Exception) -> ProbeError:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    # The message of an unforeseen error may hold anything, so only its kind and place are shown.
    place = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
    return ProbeError(Reason.BUG, f"{type(error).__name__} at {place}; please report it")


def _result(
    target: Target,
    kit: RunKit,
    at: float,
    duration_seconds: float,
    samples: tuple[Sample, ...],
    failure: ProbeError | None,
) -> Result:
    trace = kit.trace
    # Each run of each target comes here: what is empty, as most is, costs no more than a look.
    dated = [sample for sample in samples if sample.metric.dated]
    if dated and not failure:
        samples = tuple([sample for sample in samples if not sample.metric.dated])
    dates = _dates(trace.certificate_expiry, trace.chain_expiry, trace.client_certificate_expiry)
    clean = _cleaner(target, kit)
    return Result(
        at=at,
        duration_seconds=duration_seconds,
        reason=failure.reason if failure else None,
        detail=clean(failure.detail, LONGEST_LINE) if failure else "",
        samples=() if failure else _unlabelled(samples, target),
        facts=_unlabelled((*dated, *trace.facts, *dates), target),
        http_status=trace.http_status,
        phases=trace.phases,
        log=tuple([(when, clean(text, LONGEST_LINE)) for when, text in trace.log]) if trace.log else (),
        drift=tuple([clean(name, LONGEST_LINE) for name in trace.drift]) if trace.drift else (),
        calls=trace.calls,
        retry_after=_wait(failure, trace),
        # It names a run and opens nothing. A question to the system would let another thread have the lock.
        trace_id=f"{random.getrandbits(64):016x}",
        private=tuple([clean(text, LONGEST_DETAIL) for text in trace.private]) if trace.private else (),
        vendor_details=_cleaned_details(trace, clean),
    )


@lru_cache(maxsize=4096)  # a certificate serves for weeks, and those of one server are shared
def _dates(*dates: float | None) -> tuple[Sample, ...]:
    """Return the samples of CERTIFICATE_SERIES with `dates` (Unix seconds), without those that are None."""
    return tuple([metric(at) for metric, at in zip(CERTIFICATE_SERIES, dates, strict=True) if at is not None])


def _cleaned_details(trace: Trace, clean: Callable[[str, int], str]) -> tuple[tuple[str, str], ...]:
    return tuple([(name, clean(text, LONGEST_DETAIL)) for name, text in trace.vendor_details])


def _cleaner(target: Target, kit: RunKit) -> Callable[[str, int], str]:
    """Return what stars the credentials in a text, and cuts it then: half a credential would not be found."""
    known: list[frozenset[str]] = []  # most runs have nothing to show, and gather nothing

    def clean(text: str, longest: int) -> str:
        if not known:
            secrets = reveal_all(target.options) | kit.secrets
            known.append(target.hidden.union(*map(forms, secrets)))
        text = redact(text, known[0])
        return text if len(text) <= longest else f"{text[:longest]}..."

    return clean


def _unlabelled(samples: tuple[Sample, ...], target: Target) -> tuple[Sample, ...]:
    """Return `samples` with stars in labels that hold what the target hides: a server may send it back."""
    if not target.hidden:
        return samples
    return tuple(
        sample._replace(labels=tuple(redact(label, target.hidden) for label in sample.labels))
        for sample in samples
    )


def _wait(failure: ProbeError | None, trace: Trace) -> float | None:
    pause = failure.retry_after if failure else None
    return pause if pause is not None else trace.pause
