"""Cases that prove the alerts on failed payments that gather."""

from exporter.alerts.cases.series import series, target, threshold
from exporter.core.alert import Case
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.probes.stripe import metrics as m

# Only the name of the family matters here: the alerts own their numbers.
_FACTOR = ThresholdFamily("decline_share_factor", "Name of the thresholds.", {Severity.MEDIUM: 0})
_USUAL = 180
"""Minutes of the past to compare with; the week ends two hours before."""


def _declines(tenant: str = "acme", **families: str) -> dict[str, str]:
    return {series(m.DECLINES, tenant=tenant, family=family): text for family, text in families.items()}


def _then(before: int, after: int) -> str:
    return f"{before}x{_USUAL} {after}x120"


_FRAUD = ({**target(), "family": "fraud"},)
_ATTACK = _declines(funds="10x300", fraud=_then(1, 30))

GATHERED = (
    Case("fires", _ATTACK, "200m", _FRAUD, says="from a tenth to three quarters"),
    Case("fires", _declines(funds="10x300", fraud=_then(0, 30)), "200m", _FRAUD, says="none before"),
    Case("quiet", _declines(funds="10x300", fraud="1x300"), "200m"),
    Case("quiet", _declines(funds=_then(10, 100), fraud=_then(1, 10)), "200m", says="more of everything"),
    Case("quiet", _declines(funds="1x300", fraud=_then(0, 9)), "200m", says="nine say nothing"),
    Case("boundary", _declines(funds=_then(9, 7), fraud=_then(1, 3)), "200m", says="three say nothing"),
    Case(
        "boundary", _declines(funds=_then(36, 28), fraud=_then(4, 12)), "200m", says="three times is not more"
    ),
    Case(
        "boundary",
        _declines(funds=_then(36, 27), fraud=_then(4, 13)),
        "200m",
        _FRAUD,
        says="a little more is",
    ),
    Case("missing", _declines(funds="10x30", fraud="30x30"), "20m", says="no past to compare with"),
    Case("missing", _declines(funds=_then(0, 10), fraud=_then(0, 30)), "200m", says="nothing failed before"),
    Case(
        "missing",
        _declines(funds="10x200 stale _x5 10x60", fraud="1x180 30x20 stale _x5 30x60"),
        "204m",
        _FRAUD,
        says="a gap while the exporter restarts does not resolve it",
    ),
    Case(
        "quiet",
        {**_ATTACK, threshold(_FACTOR, "medium", tenant="acme"): "20x300"},
        "200m",
        says="a laxer tenant override silences",
    ),
)

_OTHERS = {
    **_declines("beta", funds="5x300", fraud="0x300"),
    **_declines("gamma", funds="4x300", fraud="0x300"),
}

TENANT_GATHERED = (
    Case("fires", {**_declines(funds=_then(1, 40)), **_OTHERS}, "200m", (target(),)),
    Case("quiet", {**_declines(funds="1x300"), **_OTHERS}, "200m"),
    Case("quiet", _declines(funds=_then(1, 40)), "200m", says="the only tenant"),
    Case(
        "quiet",
        {**_declines(funds=_then(1, 10)), **_declines("beta", funds=_then(9, 90))},
        "200m",
        says="more of everybody",
    ),
    Case("boundary", {**_declines(funds=_then(0, 9)), **_OTHERS}, "200m", says="nine say nothing"),
    Case("boundary", {**_declines(funds=_then(0, 10)), **_OTHERS}, "200m", (target(),), says="ten do"),
    Case("missing", {**_declines(funds=f"_x{_USUAL} 40x120"), **_OTHERS}, "200m", says="a new tenant"),
    Case(
        "missing",
        {
            **_declines(funds="1x180 40x20 stale _x5 40x60"),
            **_declines("beta", funds="9x200 stale _x5 9x60"),
        },
        "204m",
        (target(),),
        says="a gap while the exporter restarts does not resolve it",
    ),
)
