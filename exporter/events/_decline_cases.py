"""Cases that prove the alerts on reported payments that fail in one place."""

from exporter.alerts.cases.series import target, text
from exporter.core.alert import Case
from exporter.events import _payment_series as m

_USUAL = 60
"""Minutes of the past to compare with; the week ends an hour before."""
_AT = "125m"


def _declines(tenant: str = "acme", **families: str) -> dict[str, str]:
    return {
        text(m.DECLINES, **target(tenant=tenant), family=name): values for name, values in families.items()
    }


def _then(before: float, after: float) -> str:
    """Return a counter that rises by `before` a minute for an hour, and by `after` from then on."""
    return f"0+{before:g}x{_USUAL} {before * _USUAL + after:g}+{after:g}x120"


_FRAUD = ({**target(), "family": "fraud"},)
_ATTACK = _declines(funds="0+10x150", fraud=_then(1, 30))

GATHERED = (
    Case("fires", _ATTACK, _AT, _FRAUD, says="from a tenth to three quarters"),
    Case("fires", _declines(funds="0+10x150", fraud=_then(0, 30)), _AT, _FRAUD, says="none before"),
    Case(
        "fires",
        _declines(funds="0+10x150", fraud=f"_x{_USUAL} 0+30x120"),
        _AT,
        _FRAUD,
        says="the family was never there before",
    ),
    Case("quiet", _declines(funds="0+10x150", fraud="0+1x150"), _AT),
    Case("quiet", _declines(funds=_then(10, 100), fraud=_then(1, 10)), _AT, says="more of everything"),
    Case("boundary", _declines(funds=_then(9, 0.1), fraud=_then(1, 0.1)), _AT, says="six say nothing"),
    Case("boundary", _declines(funds=_then(36, 29), fraud=_then(4, 11)), _AT, says="less than three times"),
    Case("boundary", _declines(funds=_then(36, 27), fraud=_then(4, 13)), _AT, _FRAUD, says="more than that"),
    Case("missing", _declines(funds="0+10x60", fraud="0+30x60"), "50m", says="no past to compare with"),
    Case("missing", _declines(funds=_then(0, 10), fraud=_then(0, 30)), _AT, says="nothing failed before"),
)


def _failures(tenant: str, values: str) -> dict[str, str]:
    return {text(m.FAILURES, **target(tenant=tenant), reason="declined"): values}


_OTHERS = _failures("beta", "0+5x150") | _failures("gamma", "0+4x150")

TENANT_GATHERED = (
    Case("fires", _failures("acme", _then(1, 40)) | _OTHERS, _AT, (target(),)),
    Case("quiet", _failures("acme", "0+1x150") | _OTHERS, _AT),
    Case("quiet", _failures("acme", _then(1, 40)), _AT, says="the only tenant"),
    Case(
        "quiet",
        _failures("acme", _then(1, 10)) | _failures("beta", _then(9, 90)),
        _AT,
        says="more of everybody",
    ),
    Case(
        "boundary",
        _failures("acme", _then(0.01, 0.1)) | _failures("beta", _then(1, 0.05)),
        _AT,
        says="six say nothing",
    ),
    Case("missing", _failures("acme", f"_x{_USUAL} 0+40x120") | _OTHERS, _AT, says="a new tenant"),
)
