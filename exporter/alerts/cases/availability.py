"""Cases of the alerts on the availability of integrations."""

from exporter.alerts.cases.series import series, target, text, threshold, whole
from exporter.core.alert import Case, exemption
from exporter.core.common_metrics import CONSECUTIVE_FAILURES, CRITICAL, FAILURE_INFO
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

F = CONSECUTIVE_FAILURES
# Only the name of the family matters here: the alert owns its numbers.
_FAMILY = ThresholdFamily("consecutive_failures", "Name of the thresholds.", {Severity.HIGH: 0})
FAILING_LONG = "0x5 1 2 3+1x30"

TARGET_FAILING = (
    Case(
        "fires",
        {series(F): FAILING_LONG, series(F, tenant="other"): "0x60"},
        "20m",
        (target(),),
        says="the tenant that fails fires, its neighbour does not",
    ),
    Case("fires", {series(F, tenant=""): FAILING_LONG}, "20m", (target(tenant=""),), says="without tenants"),
    Case("quiet", {series(F): "0x60"}, "20m"),
    Case("fires", {series(F): "0x5 1 2 3 4 5 0x40"}, "15m", (target(),), says="it stays five minutes"),
    Case("quiet", {series(F): "0x5 1 2 3 4 5 0x40"}, "17m", says="a success resolves it five minutes later"),
    Case(
        "flap",
        {series(F): " ".join(["3x3 0x7"] * 8)},
        "15m",
        (target(),),
        until="75m",
        says="what fails twice within an hour is held",
    ),
    Case("quiet", {series(F): "3x3 0x7 3x3 0x120"}, "67m", says="and resolves an hour after it began"),
    Case("quiet", {series(F): "3x3 0x57 3x3 0x60"}, "72m", says="once within each hour is not held"),
    Case("boundary", {series(F): "0x5 2x40"}, "20m", says="two failures are not three"),
    Case("boundary", {series(F): "0x5 3x40"}, "20m", (target(),), says="three failures are"),
    Case("missing", {series(F): "_x60"}, "20m", says="a target never seen is quiet"),
    Case(
        "missing",
        {series(F): "5x5 stale _x60"},
        "21m",
        says="a target that is gone resolves after a quarter of an hour, however long the intervals are",
    ),
    # Nine scrapes are missing: more than the alert is kept, less than the rules look back.
    Case(
        "missing",
        {series(F): "0x5 3x5 stale _x8 4x40"},
        "19m",
        (target(),),
        says="a gap while the exporter restarts does not resolve it",
    ),
    Case(
        "quiet",
        {series(F): "4x40", threshold(_FAMILY, "high"): "5x60"},
        "20m",
        says="a laxer integration override silences",
    ),
    Case(
        "fires",
        {series(F): "2x40", threshold(_FAMILY, "high"): "2x60"},
        "20m",
        (target(),),
        says="a stricter integration override fires",
    ),
    Case(
        "fires",
        {
            series(F): "4x40",
            series(F, tenant="other"): "4x40",
            threshold(_FAMILY, "high", tenant="acme"): "10x60",
        },
        "20m",
        (target(tenant="other"),),
        says="a laxer tenant override silences that tenant only",
    ),
    Case(
        "fires",
        {
            series(F): "1x40",
            series(F, tenant="other"): "1x40",
            threshold(_FAMILY, "high", tenant="acme"): "1x60",
        },
        "20m",
        (target(),),
        says="a stricter tenant override fires for that tenant only",
    ),
    Case(
        "fires",
        {
            series(F, integration="billing"): "4x40",
            series(F): "4x40",
            threshold(_FAMILY, "high", integration="billing", tenant="acme"): "10x60",
        },
        "20m",
        (target(),),
        says="a tenant's override for one integration leaves its other ones alone",
    ),
    Case(
        "fires",
        {
            series(F, instance="a"): "4x40",
            series(F, instance="b"): "5x40",
            text(_FAMILY.metric, instance="a", **whole(), severity="high", tenant=""): "3x60",
            text(_FAMILY.metric, instance="b", **whole(), severity="high", tenant=""): "3x60",
        },
        "20m",
        (target(),),
        says="two replicas give one alert",
    ),
    Case(
        "quiet",
        {series(F, instance="a"): "9x40", series(F, instance="b"): "0x40"},
        "20m",
        says="one replica that still gets through is believed",
    ),
)

_ALL = {series(F, tenant="a"): "3x60", series(F, tenant="b"): "4x60"}
# What `critical: true` of an integration shows.
_MARK = text(CRITICAL, **whole())

DOWN = (
    Case(
        "fires", {**_ALL, _MARK: "1x60"}, "20m", ({**whole(), "severity": "critical"},), says="critical: true"
    ),
    Case("fires", {**_ALL, _MARK: "0x60"}, "20m", ({**whole(), "severity": "high"},), says="critical: false"),
    Case(
        "quiet", {**_ALL, series(F, tenant="c"): "0x60", _MARK: "1x60"}, "20m", says="one target is connected"
    ),
    Case(
        "boundary",
        {**_ALL, series(F, tenant="c"): "2x60", _MARK: "1x60"},
        "20m",
        says="one failed only twice",
    ),
    Case(
        "missing",
        dict(_ALL),
        "20m",
        ({**whole(), "severity": "high"},),
        says="without integration_critical it is high",
    ),
    Case(
        "fires",
        {series(F, tenant="a"): "3x60", _MARK: "1x60"},
        "20m",
        ({**target(tenant="a"), "severity": "critical"},),
        says="the only target brings its tenant",
    ),
    Case(
        "fires",
        {series(F, tenant=""): "3x60"},
        "20m",
        ({**whole(), "severity": "high"},),
        says="the only target has no tenant",
    ),
    Case(
        "flap",
        {series(F, tenant="a"): " ".join(["3x3 0x7"] * 8)},
        "15m",
        ({**target(tenant="a"), "severity": "high"},),
        until="75m",
        says="what is held of the only target keeps its tenant",
    ),
    Case("missing", {_MARK: "1x60"}, "20m", says="an integration without a probed target is quiet"),
)


def _tenants(failing: int, total: int, reason: str) -> dict[str, str]:
    # Two failures are the least with which a target counts for an outage.
    found = {series(F, tenant=f"t{n}"): "2x60" if n < failing else "0x60" for n in range(total)}
    reasons = {series(FAILURE_INFO, tenant=f"t{n}", reason=reason): "1x60" for n in range(failing)}
    return found | reasons


OUTAGE = (
    Case("fires", _tenants(4, 10, "timeout"), "20m", (whole(),)),
    Case("fires", _tenants(3, 3, "vendor_error"), "0m", (whole(),), says="at once, without a hold"),
    Case("quiet", _tenants(10, 10, "auth"), "20m", says="revoked credentials are no outage"),
    Case("quiet", _tenants(10, 10, "assertion"), "20m", says="our own expectations are no outage"),
    Case("boundary", _tenants(3, 10, "timeout"), "20m", says="30 % is not more than 30 %"),
    Case("boundary", _tenants(2, 2, "timeout"), "20m", says="two targets are too few"),
    Case("boundary", _tenants(2, 5, "timeout"), "20m", says="two that fail are too few"),
    Case(
        "boundary",
        {key: value.replace("2x60", "1x60") for key, value in _tenants(10, 10, "timeout").items()},
        "20m",
        says="one failure each is not twice",
    ),
    # The failures stop after 10m; keep_firing_for holds the alert for ten minutes more.
    Case(
        "fires",
        {
            key: value.replace("2x60", "2x10 0x60").replace("1x60", "1x10 stale")
            for key, value in _tenants(5, 10, "timeout").items()
        },
        "19m",
        (whole(),),
        says="it stays 10 minutes after the share fell",
    ),
    Case(
        "quiet",
        {
            key: value.replace("2x60", "2x10 0x60").replace("1x60", "1x10 stale")
            for key, value in _tenants(5, 10, "timeout").items()
        },
        "23m",
        says="and resolves then",
    ),
    # Alerts of its targets, which it hides, are held for an hour after the first failure.
    Case(
        "fires",
        {
            key: value.replace("2x60", "0x5 2x5 0x14 2x5 0x60").replace(
                "1x60", "_x6 1x5 stale _x14 1x5 stale"
            )
            for key, value in _tenants(5, 10, "timeout").items()
        },
        "31m",
        (whole(),),
        says="it is held where it came twice, longer than those of its targets",
        until="75m",
    ),
    Case(
        "quiet",
        {
            **_tenants(10, 10, "auth"),
            **{series(FAILURE_INFO, tenant=f"t{n}", reason="timeout"): "1x5 stale" for n in range(10)},
        },
        "20m",
        says="the reason that holds now counts, not an older one",
    ),
    Case("missing", {series(F, tenant=f"t{n}"): "5x60" for n in range(5)}, "20m", says="no reason is known"),
    Case(
        "missing",
        {
            key: value.replace("x60", "x10 stale _x4") + f" {value}"
            for key, value in _tenants(5, 10, "dns").items()
        },
        "13m",
        (whole(),),
        says="a gap while the exporter restarts does not resolve it",
    ),
)


def _everything(
    reasons: tuple[str, ...], *, second: str = "twilio", failures: str = "2x60"
) -> dict[str, str]:
    """Return ten targets, five of each of two providers; a target without reason is connected."""
    found: dict[str, str] = {}
    for n in range(10):
        # In turn, so that both providers have failing targets however many fail.
        where = (
            {"integration": "payments", "provider": "stripe"}
            if n % 2
            else {"integration": "sms", "provider": second}
        )
        reason = reasons[n] if n < len(reasons) else ""
        found[series(F, **where, tenant=f"t{n}")] = failures if reason else "0x60"
        if reason:
            found[series(FAILURE_INFO, **where, tenant=f"t{n}", reason=reason)] = "1x60"
    return found


ISOLATED = (
    Case("fires", _everything(("dns",) * 10), "20m", ({},)),
    Case("fires", _everything(("dns", "connect", "tls", "timeout") * 3), "20m", ({},), says="mixed reasons"),
    Case("quiet", _everything(()), "20m"),
    Case("quiet", _everything(("vendor_error",) * 10), "20m", says="the vendors were heard"),
    Case("quiet", _everything(("dns",) * 10, second="stripe"), "20m", says="one provider alone is an outage"),
    Case("boundary", _everything(("timeout",) * 8), "20m", ({},), says="80 %"),
    Case("boundary", _everything(("timeout",) * 7), "20m", says="70 %"),
    Case("boundary", _everything(("timeout",) * 10, failures="1x60"), "20m", says="a hiccup"),
    Case(
        "quiet",
        {
            **{
                key.replace("}", ',instance="a"}'): value for key, value in _everything(("dns",) * 10).items()
            },
            **{key.replace("}", ',instance="b"}'): value for key, value in _everything(()).items()},
        },
        "20m",
        says="another replica gets through",
    ),
    Case(
        "missing",
        {series(F, tenant=f"t{n}"): "5x60" for n in range(5)},
        "20m",
        says="no reason is known",
    ),
    Case(
        "missing",
        {key: value.replace("x60", "x10 stale _x60") for key, value in _everything(("dns",) * 10).items()},
        "15m",
        ({},),
        says="it stays on while the exporter is gone for a while",
    ),
    Case(
        "quiet",
        {
            key: f"{value[0]}x10 stale" if "reason" in key else value.replace("2x60", "2x10 0x60")
            for key, value in _everything(("dns",) * 10).items()
        },
        "17m",
        says="it resolves five minutes after the network came back, however long the intervals are",
    ),
)

# Two good minutes and two bad ones: seven changes need four failures, the fourth at 14m.
_COMES_AND_GOES = " ".join(["0x1 1 2"] * 20)

FLAPPING = (
    Case(
        "fires",
        {series(F): _COMES_AND_GOES, series(F, tenant="other"): "0x80"},
        "30m",
        (target(),),
        until="40m",
        says="two good minutes, two bad ones",
    ),
    Case("quiet", {series(F): "0x80"}, "30m"),
    Case("quiet", {series(F): "1+1x80"}, "30m", says="it fails all the time"),
    Case("quiet", {series(F): "0x1 1 2 0x1 1 2 0x1 1 2 0x1 1 2 0x90"}, "110m", says="an hour later"),
    Case("boundary", {series(F): _COMES_AND_GOES}, "13m", says="six changes are not more than six"),
    Case("boundary", {series(F): _COMES_AND_GOES}, "14m", (target(),), says="seven are"),
    Case("missing", {series(F): "_x60"}, "30m", says="a target never seen is quiet"),
    exemption("flap", "its own condition is that a target flaps"),
)
