"""Cases of the alerts on payments that fail, are disputed, or are warned of."""

from exporter.alerts.cases.series import target, text
from exporter.core.alert import Case
from exporter.core.metric import Metric
from exporter.events import _payment_series as m

_HIGH = {**target(), "severity": "high"}
_CRITICAL = {**target(), "severity": "critical"}


def _paid(payments: str, failures: str, reason: str = "declined", **more: str) -> dict[str, str]:
    labels = {**target(), **more}
    return {text(m.PAYMENTS, **labels): payments, text(m.FAILURES, **labels, reason=reason): failures}


PAYMENTS_FAIL = (
    Case("fires", _paid("0+100x90", "0+3x90"), "70m", (_HIGH,), says="three of a hundred"),
    Case("fires", _paid("0+100x90", "0+25x90"), "70m", (_HIGH, _CRITICAL), says="a quarter"),
    Case(
        "fires",
        _paid("0+0.2x90", "0+0.1x90", instance="a") | _paid("0+0.2x90", "0+0.1x90", "failed", instance="b"),
        "70m",
        (_HIGH, _CRITICAL),
        says="two processes add up, each with too few",
    ),
    Case("quiet", _paid("0+100x90", "0x90"), "70m"),
    Case("boundary", _paid("0+1000x90", "0+19x90"), "70m", says="98.1 % succeed"),
    Case("boundary", _paid("0+0.3x90", "0+0.3x90"), "70m", says="18 payments are too few"),
    Case(
        "boundary",
        _paid("0+100x90", "0+19x90", tenant="beta"),
        "70m",
        ({**_HIGH, "tenant": "beta"},),
        says="81 % is not critical",
    ),
    Case("missing", {text(m.PAYMENTS, **target()): "0+100x90"}, "70m", says="nothing ever failed"),
    Case(
        "missing",
        {text(m.FAILURES, **target(), reason="failed"): "0+100x90"},
        "70m",
        says="nothing is known of the payments",
    ),
)


def _of_day(part: Metric) -> tuple[Case, ...]:
    def day(payments: str, found: str, **more: str) -> dict[str, str]:
        labels = {**target(), **more}
        return {text(m.PAYMENTS, **labels): payments, text(part, **labels): found}

    fires = (target(),)
    return (
        Case("fires", day("0+1x90", "0x10 1x10 2x10 4x60"), "70m", fires),
        Case(
            "fires",
            day("0+1x90", "0x10 2x80", instance="a") | day("0+1x90", "0x10 2x80", instance="b"),
            "70m",
            fires,
            says="two processes add up, each with too few",
        ),
        Case("quiet", day("0+1x90", "0x90"), "70m"),
        Case("boundary", day("0+1x90", "0x10 2x80"), "70m", says="two are too few"),
        Case("boundary", day("0+1000x90", "0+4x90"), "70m", says="0.4 %"),
        Case("boundary", day("0+1000x90", "0+6x90"), "70m", fires, says="0.6 %"),
        Case("missing", {text(part, **target()): "0+4x90"}, "70m", says="nothing is known of the payments"),
        Case("missing", {text(m.PAYMENTS, **target()): "0+4x90"}, "70m", says="none was ever reported"),
    )


DISPUTES_HIGH = _of_day(m.DISPUTES)
FRAUD_WARNINGS_HIGH = _of_day(m.FRAUD_WARNINGS)
