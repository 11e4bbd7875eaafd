"""Cases of the alerts on widgets."""

from collections.abc import Mapping

from exporter.alerts.cases.series import text
from exporter.core.alert import Case
from exporter.events import _widget_series as m
from exporter.events._share_cases import ShareCases

_NONE = {"integration": "", "provider": ""}
_WIDGET = {"tenant": "acme", "widget": "donate", "release": "1.4.0"}


def _fail(reason: str, other: str) -> tuple[Case, ...]:
    """Return the cases of one way to fail; `other` is another way, which is not counted."""
    shares = ShareCases((m.LOADED, m.FAILURES), _WIDGET, _NONE, {**_NONE, "reason": reason}, 15, 50)
    loads = text(m.LOADED, **_NONE, **_WIDGET)
    failures = text(m.FAILURES, **_NONE, **_WIDGET, reason=other)
    elsewhere = Case("quiet", {loads: "0+100x60", failures: "0+90x60"}, "20m", says=f"they fail by {other}")
    return (*shares.cases({"medium": 0.05, "high": 0.1}), elsewhere)


LOADS_FAIL = _fail("timeout", "script_error")
RENDERS_FAIL = _fail("render_failure", "load_error")
SCRIPTS_FAIL = _fail("script_error", "load_error")


def _took(loads: float, slow: float, **more: str) -> dict[str, str]:
    """Return loads of a minute, of which so many take between 10 and 20 seconds."""
    counts = {"1.0": loads - slow, "10.0": loads - slow, "20.0": loads, "+Inf": loads}
    own = {**_NONE, "widget": "donate", **more}
    return {
        text(f"{m.DURATION}_bucket", **own, le=bound): f"0+{count:g}x60" for bound, count in counts.items()
    } | {text(m.LOADED, **_NONE, **_WIDGET, **more): f"0+{loads:g}x60"}


LOADS_SLOW = (
    Case("fires", _took(100, 10), "20m", ({"widget": "donate"},)),
    Case(
        "fires",
        _took(2, 1, instance="a") | _took(2, 1, instance="b"),
        "20m",
        ({"widget": "donate"},),
        says="two processes add up, each with too few",
    ),
    Case("quiet", _took(100, 0), "20m"),
    Case("boundary", _took(100, 4), "20m", says="four of a hundred are not the 95th percentile"),
    Case("boundary", _took(3, 3), "20m", says="too few to say anything"),
    Case("missing", {text(m.LOADED, **_NONE, **_WIDGET): "0+100x60"}, "20m"),
)


def _place(loads: float, failures: float, **labels: str) -> dict[str, str]:
    own: Mapping[str, str] = {**_NONE, **_WIDGET, **labels}
    return {
        text(m.LOADED, **own): f"0+{loads:g}x90",
        text(m.FAILURES, **own, reason="script_error"): f"0+{failures:g}x90",
    }


_NEW, _AT = {"widget": "donate", "release": "1.5.0"}, "70m"
_OLD = _place(90, 1) | _place(90, 1, tenant="beta", widget="signup")

GATHERED = (
    Case("fires", _OLD | _place(10, 9, release="1.5.0"), _AT, (_NEW,), says="a new release"),
    Case("quiet", _OLD | _place(10, 0.1, release="1.5.0"), _AT),
    Case("quiet", _place(10, 9, release="1.5.0"), _AT, says="the only release"),
    Case("quiet", _place(90, 60) | _place(90, 60, release="1.5.0"), _AT, says="all of them fail"),
    Case("boundary", _place(1000, 0.01) | _place(1, 0.1, release="1.5.0"), _AT, says="six say nothing"),
    Case("missing", {text(m.FAILURES, **_NONE, **_WIDGET, reason="timeout"): "0+9x90"}, _AT),
)

_OTHERS = _place(90, 1, tenant="beta") | _place(90, 1, tenant="gamma")

TENANT_GATHERED = (
    Case("fires", _OTHERS | _place(10, 9), _AT, ({"tenant": "acme"},)),
    Case("quiet", _OTHERS | _place(10, 0.1), _AT),
    Case("quiet", _place(10, 9), _AT, says="the only tenant"),
    Case("boundary", _place(1000, 0.01, tenant="beta") | _place(1, 0.1), _AT, says="six say nothing"),
    Case("missing", {text(m.FAILURES, **_NONE, **_WIDGET, reason="timeout"): "0+9x90"}, _AT),
)
