"""Cases of the alert on readings without an answer."""

from exporter.alerts.cases.series import text
from exporter.core.alert import Case

_WHO = {"integration": "payments", "tenant": "acme"}


def cases(refused: str, missing: str) -> tuple[Case, ...]:
    """Return the cases for the provider of the metric `refused`; `missing` shows its missing permissions."""
    # The alert has one branch for each provider; the cases go through the first of them.
    provider = refused.removeprefix("integration_").removesuffix("_reading_refused")
    who = _WHO | {"provider": provider}
    one, other = text(refused, **who, reading="one"), text(refused, **who, reading="other")
    explained = (
        Case("quiet", {one: "1x600", text(missing, **who, permission="p"): "1x600"}, "8h", says="narrow key"),
        Case(
            "fires",
            {one: "1x600", text(missing, **who, permission="p"): "0x600"},
            "8h",
            (who,),
            says="no permission is missing",
        ),
    )
    return (
        Case("fires", {one: "1x600", other: "0x600"}, "8h", (who,), says="one of two"),
        Case("quiet", {one: "0x600", other: "0x600"}, "8h"),
        Case("quiet", {one: "1x60 0x540"}, "8h", says="an hour"),
        Case("boundary", {one: "1x600"}, "359m", says="a minute less than six hours"),
        Case("boundary", {one: "1x600"}, "6h", (who,), says="six hours"),
        Case("missing", {}, "8h"),
        *(explained if missing else ()),
    )
