"""Cases of the alerts on page views; what is usual is given, because three weeks have a test of their own."""

from exporter.alerts.cases.series import target, text
from exporter.core.alert import Case
from exporter.events import _traffic_series as m

_NONE = target("", "")
_UP = text("integration_exporter_build_info", version="1.0.0")
_TENANT = ({"tenant": "acme"},)


def _usual(extreme: str, views: float, tenant: str = "acme") -> dict[str, str]:
    """Return what a record of three weeks says: so many views in a quarter of an hour."""
    return {text(f"tenant:{m.VIEWS}:usual_{extreme}", tenant=tenant): f"{views:g}x90"}


def _views(values: str, client: str = "human", **more: str) -> dict[str, str]:
    return {text(m.VIEWS, **{**_NONE, **more}, route="/", client=client): values, _UP: "1x90"}


_LOW, _HIGH = _usual("low", 1500), _usual("high", 1500)

TRAFFIC_DROP = (
    Case("fires", _LOW | _views("0+100x20 2000+5x60"), "60m", _TENANT, says="a twentieth"),
    Case("fires", _LOW | _views("0+100x20 2000x60"), "60m", _TENANT, says="none any more"),
    Case(
        "fires",
        _LOW | _views("0+100x20 stale _x60"),
        "60m",
        _TENANT,
        says="none since the exporter was started again",
    ),
    Case("fires", _LOW | _views("0+10x60", "human") | _views("0+90x60", "bot"), "50m", _TENANT, says="bots"),
    Case("quiet", _LOW | _views("0+100x80"), "60m"),
    Case(
        "quiet",
        _LOW | _views("0+20x80", instance="a") | _views("0+20x80", instance="b"),
        "60m",
        says="two processes add up",
    ),
    Case("quiet", _LOW | _views("0+100x20 2000x8 2100+100x60"), "60m", says="ten minutes without"),
    Case("quiet", _LOW | _views("_x30 0+100x60"), "36m", says="the window fills yet"),
    Case("boundary", _LOW | _views("0+31x80"), "60m", says="a little more than three tenths"),
    Case("boundary", _LOW | _views("0+29x80"), "60m", _TENANT, says="a little less"),
    Case("boundary", _usual("low", 99) | _views("0+0x80"), "60m", says="99 usual views are too few"),
    Case("missing", _views("0+1x80"), "60m", says="nothing is usual: a tenant in its first weeks"),
    Case("missing", _LOW, "60m", says="the exporter is not there"),
)

TRAFFIC_SPIKE = (
    Case("fires", _HIGH | _views("0+400x80"), "60m", _TENANT, says="four times"),
    Case(
        "fires",
        _HIGH | _views("0+200x80", instance="a") | _views("0+200x80", instance="b"),
        "60m",
        _TENANT,
        says="two processes add up",
    ),
    Case("quiet", _HIGH | _views("0+100x80"), "60m"),
    Case("quiet", _HIGH | _views("0+100x80") | _views("0+900x80", "bot"), "60m", says="bots"),
    Case("boundary", _HIGH | _views("0+295x80"), "60m", says="a little less than three times"),
    Case("boundary", _usual("high", 99) | _views("0+400x80"), "60m", says="99 usual views are too few"),
    Case("missing", _views("0+400x80"), "60m", says="nothing is usual: a tenant in its first weeks"),
    Case("missing", _HIGH, "60m", says="there is no view"),
)

BOTS_HIGH = (
    Case("fires", _views("0+40x60") | _views("0+60x60", "bot"), "20m", _TENANT),
    Case(
        "fires",
        _views("0+4x60") | _views("0+3x60", "bot") | _views("0+3x60", "suspicious") | _views("0+9x60", "bot"),
        "30m",
        _TENANT,
        says="suspicious ones count as well",
    ),
    Case(
        "fires",
        _views("0+3x60", instance="a")
        | _views("0+4x60", "bot", instance="a")
        | _views("0+3x60", instance="b")
        | _views("0+4x60", "bot", instance="b"),
        "20m",
        _TENANT,
        says="two processes add up, each with too few",
    ),
    Case("quiet", _views("0+60x60") | _views("0+40x60", "bot"), "20m"),
    Case("boundary", _views("0+51x60") | _views("0+49x60", "bot"), "20m", says="a little less than half"),
    Case("boundary", _views("0+1x60") | _views("0+12x60", "bot"), "20m", says="195 views are too few"),
    Case("missing", _views("0+60x60"), "20m", says="no bot ever came"),
    Case("missing", {_UP: "1x60"}, "20m"),
)


def _from(tenant: str = "acme", **countries: str) -> dict[str, str]:
    return {
        text(m.COUNTRIES, **target("", "", tenant), country=country): values
        for country, values in countries.items()
    }


def _then(before: float, after: float) -> str:
    """Return a counter that rises by `before` a minute for an hour, and by `after` from then on."""
    return f"0+{before:g}x60 {before * 60 + after:g}+{after:g}x120"


_AT = "95m"
_FRANCE = ({"tenant": "acme", "country": "FR"},)

COUNTRY_UNUSUAL = (
    Case("fires", _from(DE="0+97x150", FR=_then(3, 60)), _AT, _FRANCE, says="from 3 % to nearly 40 %"),
    Case("fires", _from(DE="0+97x150", FR="_x60 0+60x120"), _AT, _FRANCE, says="never before"),
    Case("quiet", _from(DE="0+97x150", FR="0+3x150"), _AT),
    Case("quiet", _from(DE="0+90x150", FR=_then(10, 80)), _AT, says="not five times as much"),
    Case("boundary", _from(DE="0+97x150", FR=_then(1, 23)), _AT, says="19 % are not much"),
    Case("boundary", _from(DE=_then(97, 6), FR=_then(1, 6)), _AT, says="180 views are too few"),
    Case("missing", _from(DE="0+50x60", FR="0+50x60"), "25m", says="no past to compare with"),
    Case("missing", _from(DE=_then(0, 10), FR=_then(0, 30)), _AT, says="no view before"),
)
