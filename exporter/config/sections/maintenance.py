"""`maintenance:` when alerts of what is worked on notify nobody; the API has the same checks."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from exporter.config.document.context import Path
from exporter.config.document.validate import suggestion
from exporter.config.document.values import is_missing
from exporter.config.draft import Draft
from exporter.config.layout_maintenance import MaintenancePart, WeeklyPart
from exporter.config.sections.integrations import BuiltIntegrations
from exporter.config.sections.notifications.checks import is_days, is_zone
from exporter.core.maintenance import DAYS, MaintenanceSpan, MaintenanceWindow, WeeklySchedule
from exporter.core.quoting import is_plain_key

NEEDS = ("alerts", "integrations")

LONGEST = 7 * 86_400.0
"""Seconds that a window is open at most: what nobody hears of for longer is forgotten."""

SHORTEST = 60.0

WindowIssue = tuple[Path, str, str]
_LISTS = ("integrations", "providers", "tenants", "alerts")


@dataclass(frozen=True)
class KnownNames:
    """What a window may name: integrations and providers; `alerts` are those that are known, not all."""

    integrations: Collection[str]
    providers: Collection[str]
    alerts: Collection[str]


def read(draft: Draft, parts: tuple[MaintenancePart, ...]) -> tuple[MaintenanceWindow, ...]:
    """Return the windows of the file."""
    integrations: BuiltIntegrations = draft.values["integrations"]
    catalogue = draft.context.catalogue
    own = {one.name for one in draft.values["alerts"]}
    known = KnownNames(integrations.names, frozenset(catalogue.probes), catalogue.alerts | own)
    seen: set[str] = set()
    windows: list[MaintenanceWindow] = []
    for index, part in enumerate(parts):
        path = ("maintenance", index)
        found = [*issues(part, known)]
        if part.name in seen:
            found.append((("name",), "the name is taken by another window", "choose another name"))
        seen.add(part.name)
        for place, what, remedy in found:
            draft.add_error((*path, *place), what, remedy)
        if not found:
            windows.append(build(part))
        for name in unknown_alerts(part, known):
            shown = name if is_plain_key(name) else "an alert"
            draft.context.notes.append(
                f"maintenance[{index}].alerts: {shown} is none of the exporter's alerts"
            )
    return tuple(windows)


def fields(value: tuple[MaintenanceWindow, ...]) -> dict[str, Any]:
    """Return the windows as the configuration takes them."""
    return {"maintenance": value}


def issues(part: MaintenancePart, known: KnownNames) -> Iterator[WindowIssue]:
    """Yield what is wrong with a window: path below it, what, remedy."""
    yield from _names(part, known)
    yield from _times(part)


def unknown_alerts(part: MaintenancePart, known: KnownNames) -> list[str]:
    """Return the alerts that a window names and nobody knows; they may be those of rule files."""
    return [one for one in part.alerts if not is_missing(one) and one not in known.alerts]


def build(part: MaintenancePart) -> MaintenanceWindow:
    """Return the window of a part that has no issue."""
    once = None if part.weekly else MaintenanceSpan(_moment(part.start), _moment(part.end))
    return MaintenanceWindow(
        **{name: getattr(part, name) for name in ("name", *_LISTS, "severities", "comment")},
        once=once,
        weekly=_schedule(part.weekly) if part.weekly else None,
    )


def _names(part: MaintenancePart, known: KnownNames) -> Iterator[WindowIssue]:
    if not any(getattr(part, name) for name in _LISTS):
        yield (), "the window does not say what it is about", f"name some of {', '.join(_LISTS)}"
    for key in ("integrations", "providers"):
        names = getattr(known, key)
        for index, name in enumerate(getattr(part, key)):
            if name not in names and not is_missing(name):
                what = f"the window names {'an integration' if key == 'integrations' else 'a provider'}"
                yield (key, index), f"{what} that there is not", suggestion(name, names)


def _times(part: MaintenancePart) -> Iterator[WindowIssue]:
    if part.weekly is not None:
        if part.start or part.end:
            yield ("weekly",), "the window is weekly, and has start or end too", "leave one of them out"
        yield from _weekly(part.weekly)
        return
    if not (part.start or part.end):
        yield (), "the window says no time", "give start and end, or weekly"
        return
    moments: list[float] = []
    for key in ("start", "end"):
        text = getattr(part, key)
        if is_missing(text):
            return
        try:
            moments.append(_moment(text))
        except ValueError:
            what = f"{key} is no time with an offset" if text else f"the window has no {key}"
            yield (key,) if text else (), what, "write such as 2026-12-01T22:00:00+01:00"
    if len(moments) == 2:
        length = moments[1] - moments[0]
        if length < SHORTEST:
            yield ("end",), "end is not after start, by a minute at least", "write a later end"
        elif length > LONGEST:
            yield ("end",), "the window is open for more than 7 days", "write an earlier end"


def _weekly(part: WeeklyPart) -> Iterator[WindowIssue]:
    if not is_zone(part.time_zone):
        remedy = "write one such as Europe/Berlin or UTC"
        yield ("weekly", "time_zone"), "the time zone is not known", remedy
    if not is_days(part.days):
        yield ("weekly", "days"), "the days are not days of the week", "write them as monday:friday"
    if part.start == part.end:
        yield ("weekly", "end"), "the end is the start", "write another end, or 24:00"


def _moment(text: str) -> float:
    """Return the Unix seconds of a time in RFC 3339; ValueError for any other text."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("it has no offset")
    return found.timestamp()


def _schedule(part: WeeklyPart) -> WeeklySchedule:
    end = None if part.end == "24:00" else time.fromisoformat(part.end)
    return WeeklySchedule(frozenset(_days(part.days)), time.fromisoformat(part.start), end, part.time_zone)


def _days(text: str) -> Iterator[int]:
    for piece in text.split(","):
        first, _, last = piece.strip().partition(":")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        # Over the end of the week too, such as saturday:monday.
        yield from (day % 7 for day in range(begin, (end if end >= begin else end + 7) + 1))
