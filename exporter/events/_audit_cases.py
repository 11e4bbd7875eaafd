"""Cases of the alert on flagged entries of the audit."""

from exporter.core.alert import Case
from exporter.events import _audit_series as m


def _waits(number: str, risk: str, tenant: str = "acme", **more: str) -> dict[str, str]:
    labels = ",".join(f'{name}="{value}"' for name, value in {"tenant": tenant, **more}.items())
    return {f"{m.UNREVIEWED}{{{labels}}}": number, f"{m.HIGHEST_RISK}{{{labels}}}": risk}


def _fires(*severities: str, tenant: str = "acme") -> tuple[dict[str, str], ...]:
    return tuple({"tenant": tenant, "severity": severity} for severity in severities)


FLAGGED = (
    Case("fires", _waits("0x5 1x20", "0x5 65x20"), "10m", _fires("medium"), says="a score of 65"),
    Case("fires", _waits("0x5 2x20", "0x5 85x20"), "10m", _fires("medium", "high"), says="a score of 85"),
    Case(
        "fires",
        _waits("0x5 1x20", "0x5 85x20", instance="a") | _waits("0x5 1x20", "0x5 85x20", instance="b"),
        "10m",
        _fires("medium", "high"),
        says="every process shows the same store",
    ),
    Case(
        "fires",
        _waits("0x5 1x20", "0x5 85x20", tenant="") | _waits("0x25", "0x25"),
        "10m",
        _fires("medium", "high", tenant=""),
        says="what is nobody's in particular",
    ),
    Case("quiet", _waits("0x30", "0x30"), "15m"),
    Case("quiet", _waits("1x10 0x20", "85x10 0x20"), "20m", says="it was reviewed"),
    Case("boundary", _waits("1x30", "80x30"), "15m", _fires("medium", "high"), says="a score of 80 is high"),
    Case("boundary", _waits("1x30", "79x30"), "15m", _fires("medium"), says="a score of 79 is not"),
    Case("missing", _waits("_x30", "_x30"), "15m"),
)
