"""Cases of the alert on thresholds that are missing."""

from collections.abc import Iterable, Mapping

from exporter.alerts.cases.series import series, text, threshold, whole
from exporter.core.alert import Case
from exporter.core.common_metrics import CONFIGURED, CRITICAL
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

PLAIN = "plain"
"""A provider that reaches no more than every provider does."""

_MINE = (whole(provider=PLAIN),)


def cases(families: Mapping[tuple[str, ...], tuple[ThresholdFamily, ...]]) -> tuple[Case, ...]:
    """Return the cases of the alert on `families`, which are by the providers that reach them; () are all.

    Without each of them it fires, for an integration of a provider that reaches it.
    """
    common = families[()]
    seen, every, first = _seen(PLAIN), _shown(common, PLAIN), common[0]
    but_one = {
        name: values for name, values in every.items() if name != _name(first, min(first.steps), PLAIN)
    }
    # Without `defaults` the test gets no other thresholds than those of the case.
    return (
        Case("fires", seen, "30m", _MINE, says="none at all", defaults=False),
        *(
            _without(one, families, named[0] if named else PLAIN)
            for named in families
            for one in families[named]
        ),
        Case("fires", seen | but_one, "30m", _MINE, says="one severity", defaults=False),
        Case("quiet", seen | every, "30m", says="what other providers reach is not missed", defaults=False),
        Case("boundary", seen, "9m", says="for nine minutes", defaults=False),
        Case("boundary", seen, "10m", _MINE, says="for ten minutes", defaults=False),
        Case("missing", {}, "30m", says="a Prometheus that knows no exporter is quiet", defaults=False),
        Case(
            "missing",
            _seen(PLAIN, "x20 stale") | _shown(common, PLAIN, "x20 stale"),
            "32m",
            says="an exporter that is gone does not count",
            defaults=False,
        ),
    )


def _seen(provider: str, values: str = "x90") -> dict[str, str]:
    # With a target, of which the cases of replicas are derived.
    return {
        text(CRITICAL, **whole(provider=provider)): f"0{values}",
        series(CONFIGURED, provider=provider): f"1{values}",
    }


def _name(family: ThresholdFamily, severity: Severity, provider: str) -> str:
    return threshold(family, severity.value, provider=provider)


def _shown(families: Iterable[ThresholdFamily], provider: str, values: str = "x90") -> dict[str, str]:
    return {
        _name(family, severity, provider): f"{number:g}{values}"
        for family in families
        for severity, number in family.steps.items()
    }


def _without(
    family: ThresholdFamily,
    families: Mapping[tuple[str, ...], tuple[ThresholdFamily, ...]],
    provider: str,
) -> Case:
    """Return the case of an integration of `provider` that has all of its families but one."""
    reached = (one for named, some in families.items() if not named or provider in named for one in some)
    left = _shown((one for one in reached if one.name != family.name), provider)
    fires = (whole(provider=provider),)
    return Case("fires", _seen(provider) | left, "15m", fires, says=f"without {family.name}", defaults=False)
