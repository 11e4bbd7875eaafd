"""Records made for a test."""

from exporter.core.probe import TargetKey
from exporter.core.reason import Reason
from exporter.core.store import Failure, Snapshot, StateChange
from exporter.core.summary import HOUR, Summaries, Summary
from exporter.store.check_batch import CheckBatch

KEY: TargetKey = ("payments", "acme")


def snapshot(key: TargetKey = KEY, failures: int = 0) -> Snapshot:
    return Snapshot(
        key=key,
        provider="stripe",
        status="error" if failures else "connected",
        reason=Reason.AUTH if failures else None,
        detail="the key was refused" if failures else "",
        since=1.5e9,
        last_run=1.7e9 + 0.123456,
        last_success=None if failures else 1.7e9,
        failures=failures,
        until=None,
        facts=(("integration_token_expiry_timestamp_seconds", ("access",), 1.8e9),),
        answers={"account": (1.7e9, {"id": "acct_1", "open": True, "list": [1, None, "ü"]})},
    )


def change(at: float, key: TargetKey = KEY) -> StateChange:
    return StateChange(at, key, "stripe", "connected", "error", Reason.DNS, "no such host", "4bf92f35")


def failure(at: float, key: TargetKey = KEY) -> Failure:
    return Failure(at, key, "stripe", Reason.DNS, "no such host", 0.25, None, ((0.0, "start"), (0.2, "end")))


def summary(hour: int = 1, durations: tuple[float, ...] = (), reasons: tuple[str, ...] = ()) -> Summary:
    """A minute of the `hour`th hour, half of it failing when there is a reason to."""
    made = Summary(hour * HOUR, "stripe")
    for seconds in durations:
        made.add_success(seconds)
    for reason in reasons:
        made.add_failure(reason)
    made.add_watch(30.0, failing=bool(reasons))
    made.add_watch(30.0, failing=False)
    return made


def summaries(made: Summary, key: TargetKey = KEY) -> Summaries:
    return {(key, made.hour): made}


def whole_batch(number: int) -> CheckBatch:
    """A batch whose parts all bear `number`, so that a half of one would show."""
    keys = [(f"integration-{place}", "") for place in range(50)]
    return CheckBatch(
        snapshots={key: snapshot(key, failures=number) for key in keys},
        changes=[change(float(number), key) for key in keys],
        failures=[failure(float(number), key) for key in keys],
    )
