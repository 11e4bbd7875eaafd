"""Cases of the alert on thresholds that are missing."""

from collections.abc import Iterable

from exporter.alerts.cases.series import series, whole
from exporter.core.alert import Case
from exporter.core.common_metrics import CONFIGURED
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

_SEEN = {series(CONFIGURED): "1x90"}
_WHOLE = (whole(),)


def cases(families: tuple[ThresholdFamily, ...]) -> tuple[Case, ...]:
    """Return the cases of the alert on `families`; without each of them it fires."""
    every = _shown(families, "x90")
    first = families[0]
    # Without `defaults` the test gets no other thresholds than those of the case.
    return (
        Case("fires", dict(_SEEN), "30m", _WHOLE, says="none at all", defaults=False),
        *(_without(family, every) for family in families),
        Case(
            "fires",
            _SEEN | {name: text for name, text in every.items() if name != _name(first, min(first.steps))},
            "30m",
            _WHOLE,
            says="one severity",
            defaults=False,
        ),
        Case("quiet", _SEEN | every, "30m", defaults=False),
        Case("boundary", dict(_SEEN), "9m", says="for nine minutes", defaults=False),
        Case("boundary", dict(_SEEN), "10m", _WHOLE, says="for ten minutes", defaults=False),
        Case("missing", {}, "30m", says="a Prometheus that knows no exporter is quiet", defaults=False),
        Case(
            "missing",
            {series(CONFIGURED): "1x20 stale"} | _shown(families, "x20 stale"),
            "32m",
            says="an exporter that is gone does not count",
            defaults=False,
        ),
    )


def _name(family: ThresholdFamily, severity: Severity) -> str:
    return series(family.metric, tenant="", severity=severity.value)


def _shown(families: Iterable[ThresholdFamily], values: str) -> dict[str, str]:
    return {
        _name(family, severity): f"{number:g}{values}"
        for family in families
        for severity, number in family.steps.items()
    }


def _without(family: ThresholdFamily, every: dict[str, str]) -> Case:
    gone = _shown((family,), "")
    left = {name: text for name, text in every.items() if name not in gone}
    return Case("fires", _SEEN | left, "15m", _WHOLE, says=f"without {family.name}", defaults=False)
