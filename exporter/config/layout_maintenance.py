"""The keys of `maintenance:`, as types; the API takes the same."""

from typing import Annotated

from msgspec import Meta

from exporter.config.layout_parts import NAME_PATTERN, PUBLIC, TENANT_PATTERN, Part
from exporter.core.notifications import CLOCK, CLOCK_OR_MIDNIGHT, DAY, ZONE
from exporter.core.severity import Severity

MOST_NAMES = 100
"""Names of one kind in a window: they become one expression of Alertmanager."""

Names = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=200, extra=PUBLIC)], ...], Meta(max_length=MOST_NAMES)
]


class WeeklyPart(Part, frozen=True, kw_only=True):
    """A window that comes again each week."""

    days: Annotated[
        str,
        Meta(
            pattern=f"^{DAY}(:{DAY})?( *, *{DAY}(:{DAY})?)*$",
            description="Days on which it begins, such as sunday or monday:friday.",
        ),
    ]
    start: Annotated[str, Meta(pattern=CLOCK, description="hh:mm.")]
    end: Annotated[
        str,
        Meta(
            pattern=CLOCK_OR_MIDNIGHT,
            description="hh:mm, up to 24:00; not after `start` it is on the next day.",
        ),
    ]
    time_zone: Annotated[str, Meta(description=ZONE)] = "UTC"


class MaintenancePart(Part, frozen=True, kw_only=True):
    """Alerts that notify nobody while something is worked on.

    It matches what meets all lists that are given. Open once, from `start` to `end`, or `weekly`.
    """

    name: Annotated[
        str,
        Meta(
            pattern=NAME_PATTERN,
            description="Its name, in silence and series: up to 64 letters, digits and _.-, unique.",
            extra=PUBLIC,
        ),
    ]
    integrations: Annotated[Names, Meta(description="Integrations that are worked on.")] = ()
    providers: Annotated[Names, Meta(description="Providers whose integrations are all meant.")] = ()
    tenants: Annotated[
        tuple[Annotated[str, Meta(pattern=TENANT_PATTERN, extra=PUBLIC)], ...],
        Meta(max_length=MOST_NAMES, description="Tenants; alerts of a whole integration carry none."),
    ] = ()
    alerts: Annotated[
        Names, Meta(description="Names of alerts. Only one that is named may be Watchdog or exporter down.")
    ] = ()
    severities: Annotated[
        tuple[Severity, ...], Meta(description="Severities, beside another list; empty: all.")
    ] = ()
    start: Annotated[
        str, Meta(description="When it opens, such as 2026-12-01T22:00:00+01:00 (RFC 3339).")
    ] = ""
    end: Annotated[str, Meta(description="When it closes, at most 7d later (RFC 3339).")] = ""
    weekly: Annotated[WeeklyPart | None, Meta(description="In place of `start` and `end`.")] = None
    comment: Annotated[
        str, Meta(max_length=500, description="Why, for whoever finds the silence.", extra=PUBLIC)
    ] = ""
