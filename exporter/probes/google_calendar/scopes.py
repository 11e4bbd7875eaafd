"""Which call a token may make: the wrong one is refused although the connection is a good one.

Source: the scopes at each method of the Calendar API (developers.google.com/workspace/calendar/api/v3).
Scopes are written without their address: `calendar.events`.
"""

from collections.abc import Set
from dataclasses import dataclass

FULL = frozenset({"calendar", "calendar.readonly"})
_EVENTS = FULL | {
    "calendar.events",
    "calendar.events.readonly",
    "calendar.events.owned",
    "calendar.events.owned.readonly",
}
# These reach only some calendars: one that is named, not the user's own.
_EVENTS_OF_SOME = frozenset({"calendar.app.created", "calendar.events.public.readonly"})
_READ_ONLY_BY_NATURE = frozenset({"calendar.freebusy", "calendar.events.freebusy"})


@dataclass(frozen=True)
class Call:
    """One cheap call: `path` may hold `{calendar}`; `fields` keep the answer free of personal data.

    `scopes` are those that Google accepts for it; `named` are further ones where a calendar is named.
    """

    name: str
    path: str
    scopes: frozenset[str]
    fields: str = "kind"
    named: frozenset[str] = frozenset()
    post: bool = False


EVENTS = Call(
    "events",
    "/calendars/{calendar}/events?maxResults=1",
    _EVENTS,
    fields="kind,accessRole",
    named=_EVENTS_OF_SOME,
)
"""The first choice: it returns the role that the user has on the calendar."""

FREE_BUSY = Call(
    "free_busy", "/freeBusy", FULL | {"calendar.freebusy", "calendar.events.freebusy"}, fields="", post=True
)

# In order of preference: the first one that the token may make is made.
CALLS = (
    EVENTS,
    FREE_BUSY,
    Call("calendar", "/calendars/{calendar}", FULL | {"calendar.calendars", "calendar.calendars.readonly"}),
    Call(
        "calendar_list",
        "/users/me/calendarList?maxResults=1",
        FULL | {"calendar.calendarlist", "calendar.calendarlist.readonly"},
    ),
    Call(
        "settings",
        "/users/me/settings?maxResults=1",
        FULL | {"calendar.settings", "calendar.settings.readonly"},
    ),
    # It holds no personal data: it shows that the token is accepted, and nothing more.
    Call("colors", "/colors", FULL | _EVENTS_OF_SOME),
)


def choose(granted: Set[str], *, named: bool) -> Call | None:
    """Return the first call that a token with the scopes `granted` may make, None if there is none.

    `named` says that the configuration names a calendar.
    """
    for call in CALLS:
        if granted & (call.scopes | (call.named if named else frozenset())):
            return call
    return None


def covers(granted: Set[str], scope: str) -> bool:
    """Return whether a token with the scopes `granted` may do what `scope` allows."""
    enough = {"calendar", scope, scope.removesuffix(".readonly")}
    reads_only = scope.endswith(".readonly") or scope in _READ_ONLY_BY_NATURE
    if reads_only:
        enough.add("calendar.readonly")
    if scope.startswith("calendar.events."):
        enough.add("calendar.events")
        if reads_only:
            enough.add("calendar.events.readonly")
    return bool(enough & granted)
