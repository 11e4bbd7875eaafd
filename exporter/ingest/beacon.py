"""What pages of a site may report: anybody can send it, so little is taken, and only so much of it."""

import re
from collections.abc import Callable, Mapping

import msgspec

from exporter.core.event import EventError, EventFields, LabelContext
from exporter.core.event_settings import BeaconSite
from exporter.ingest.event_parser import BodyError, Parsed
from exporter.ingest.senders import network_of
from exporter.ingest.sliding_limit import SlidingLimit

MOST_EVENTS = 100
"""Events of one body."""

ADDRESS_EVENTS = 600
"""Events that one address may send in a minute; an office or a provider shares one among many people."""

MOST_ADDRESSES = 10_000
WINDOW = 60.0
LONGEST_LOAD = 600.0

FIELDS: Mapping[str, frozenset[str]] = {
    "widget": frozenset({"widget", "outcome", "route", "release", "duration", "error"}),
    "traffic": frozenset({"route", "client"}),
}
"""The kinds that a page may send, and what it may say: no id, time, integration, country or number."""

LABELS = ("widget", "release", "route")

# The class of an error and its place: a message may quote what a visitor has entered.
_ERROR = re.compile(r"[A-Za-z_$][\w$]{0,59}(?: [\w.~-]{1,80}(?::\d{1,7}){0,2})?\Z", re.ASCII)


class Beacon:
    """The sites of the configuration in force, and how much each of them and each address has sent."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Start with no site; `now` is in seconds."""
        self._now = now
        self._sites: Mapping[str, BeaconSite] = {}
        self._of_sites = SlidingLimit(WINDOW, MOST_ADDRESSES)
        self._of_addresses = SlidingLimit(WINDOW, MOST_ADDRESSES)

    def apply(self, sites: Mapping[str, BeaconSite]) -> None:
        """Let pages of `sites` report from now on, by key."""
        self._sites = sites

    def site(self, key: str) -> BeaconSite | None:
        """Return the site of a key."""
        return self._sites.get(key)

    def site_of_page(self, key: str, origin: str) -> BeaconSite | None:
        """Return the site, if pages of `origin` are its own."""
        site = self._sites.get(key)
        return site if site is not None and origin in site.origins else None

    def has_room(self, address: str) -> bool:
        """Return whether the address may send anything at all at the moment."""
        return self._of_addresses.take(network_of(address), 0, ADDRESS_EVENTS, self._now())

    def admit(self, site: BeaconSite, address: str, events: int) -> None:
        """Count a body with so many events, or raise BodyError: 413 for too many, 429 for too often."""
        if events > MOST_EVENTS:
            raise BodyError(413, f"send at most {MOST_EVENTS} events at once")
        cost, now = max(events, 1), self._now()
        if not self._of_addresses.take(network_of(address), cost, ADDRESS_EVENTS, now):
            raise BodyError(429, "this address has sent too many events; wait a minute")
        if not self._of_sites.take(site.key, cost, site.events_per_minute, now):
            raise BodyError(429, "the site has sent too many events; wait a minute")


def confine(parsed: Parsed, site: BeaconSite, labels: LabelContext) -> Parsed:
    """Return the event as one of the site's tenant, with nothing that could be personal, or what is wrong."""
    if isinstance(parsed, EventError):
        return parsed
    allowed = FIELDS.get(str(parsed.__struct_config__.tag))
    if allowed is None:
        return EventError("foreign_kind", "/kind", f"a page may report {' and '.join(FIELDS)} alone")
    for field in msgspec.structs.fields(parsed):
        if field.name not in allowed and getattr(parsed, field.name) != field.default:
            return EventError("foreign_field", f"/{field.name}", "a page may not say this")
    if (getattr(parsed, "duration", None) or 0) > LONGEST_LOAD:
        return EventError("bad_value", "/duration", f"no load takes more than {LONGEST_LOAD:.0f} s")
    _reduce(parsed, labels)
    parsed.tenant = site.tenant
    return parsed


def _reduce(event: EventFields, labels: LabelContext) -> None:
    """Keep of each text what may be a label; of an error its class and place."""
    for name in LABELS:
        value = getattr(event, name, None)
        if value:
            # What is after ? and # may name a person, or be a credential.
            setattr(event, name, labels.label(name, re.split("[?#]", value, maxsplit=1)[0]))
    error = getattr(event, "error", None)
    if error and not _ERROR.match(error):
        event.error = "Error"  # type: ignore[attr-defined]  # it has the field: it was found there
