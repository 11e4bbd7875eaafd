"""Decides which values of events become labels: those that are listed, or so many of the first seen."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

from exporter.core.event import FIRST_SEEN, OTHER
from exporter.core.event_settings import AllowList, EventSettings
from exporter.core.metric import Metric
from exporter.core.webhook import Webhooks
from exporter.ingest.route_templates import RouteTemplates, canonical, without_identities

ROUTE = "route"

LONGEST = 120
REMEMBERED = 20_000
"""Values of which is remembered what they became; then all are forgotten, and judged again."""

# What a name has that code gives. Without spaces: the names of people have them.
_PLAIN = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_.:/{}<>\[\]*-]*\Z")
# Nor may it look like an identity, or like what gives access.
_PERSONAL = re.compile(
    r"@"
    r"|\d[\d/-]{6,}\d|(?:\d[._:-]?){12,}"  # dates of birth, numbers of phones, cards and accounts
    r"|(?=[\d.]*\d\d)\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:]*:[0-9A-Fa-f:]*"  # addresses
    r"|[A-Za-z0-9_-]{32,}|(?:AKIA|ASIA)[A-Z0-9]{12}|eyJ\w{8}"
    r"|(?:sk|pk|rk|whsec|xox\w|gh\w|glpat|key)[_-]\w{8,}",
    re.IGNORECASE,  # some labels are written small
)


class EventLabels:
    """The allow-lists of the configuration in force; values that were let in stay until a reload differs."""

    def __init__(self, usual: Mapping[str, int]) -> None:
        """Start with the limits that hold where nothing is configured: `usual`, by the name of a list."""
        self._usual = usual
        self.sources: Mapping[str, bool] = {}
        self._settings = EventSettings()
        self._routes: RouteTemplates | None = None
        self._seen: dict[str, set[str]] = {}
        self._known: dict[tuple[str, str], str] = {}

    def apply(self, settings: EventSettings, webhooks: Webhooks) -> None:
        """Judge by `settings` from now on."""
        self.sources = {source.name: source.forward is not None for source in webhooks.sources}
        if (settings.allow, settings.labels) != (self._settings.allow, self._settings.labels):
            self._seen.clear()
        self._known.clear()
        self._settings = settings
        listed = settings.allow.get(ROUTE)
        self._routes = RouteTemplates(listed) if isinstance(listed, tuple) else None

    def declared(self, name: str) -> Metric | None:
        """Return the metric that apps may add to by `name`."""
        return self._settings.metrics.get(name)

    def label(self, name: str, value: str) -> str:
        """Return `value`, or what it may become a label as; `other` where it may not."""
        key = (name, value)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._judge(name, value)
        return found

    def _judge(self, name: str, value: str) -> str:
        allowed = self._allowed(name)
        if name == ROUTE and self._routes is not None:
            return self._routes.find(value) or OTHER
        if isinstance(allowed, tuple):
            return value if any(fnmatchcase(value, glob) for glob in allowed) else OTHER
        if name == ROUTE:
            value = without_identities(canonical(value))
        return value if self._has_room(name, value, allowed) else OTHER

    def _allowed(self, name: str) -> AllowList:
        found = self._settings.labels.get(name)
        if found is None:
            found = self._settings.allow.get(name)
        return self._usual.get(name, FIRST_SEEN) if found is None else found

    def _has_room(self, name: str, value: str, most: int) -> bool:
        if len(value) > LONGEST or not _PLAIN.match(value) or _PERSONAL.search(value):
            return False
        seen = self._seen.setdefault(name, set())
        if value not in seen and len(seen) >= most:
            return False
        seen.add(value)
        return True
