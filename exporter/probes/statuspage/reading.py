"""From a page's summary to values: pure readers."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from exporter.core.document import Document
from exporter.core.metric import Sample
from exporter.probes.statuspage import metrics as m

INDICATORS = {"none": 0, "maintenance": 1, "minor": 2, "major": 3, "critical": 4}
STATES = {
    "operational": 0,
    "under_maintenance": 1,
    "degraded_performance": 2,
    "partial_outage": 3,
    "major_outage": 4,
}
IMPACTS = ("none", "minor", "major", "critical", "maintenance", "other")
CLOSED = frozenset({"resolved", "postmortem", "completed"})
"""States of an incident that is over; a summary should not list such incidents at all."""
MAINTENANCE_STATES = ("scheduled", "in_progress", "verifying", "other")
LONGEST_NAME = 64
"""Characters of a component's name that become its label."""


@dataclass(frozen=True)
class Watched:
    """Which components matter: names or ids as the operator wrote them, all if there are none."""

    entries: tuple[str, ...] = ()
    most: int = 30

    def __contains__(self, component: Document) -> bool:
        """Return whether the component, `{"id": ..., "name": ...}`, is one of them."""
        return not self.entries or bool(set(self.found((component,))))

    def found(self, components: Iterable[Document]) -> Iterator[str]:
        """Yield the entries that one of `components` fits."""
        known = {_folded(part.at(key).value) for part in components for key in ("id", "name")}
        return (entry for entry in self.entries if _folded(entry) in known)


def read(summary: Document, watched: Watched) -> Iterator[Sample]:
    """Return the values of GET /api/v2/summary.json."""
    if (level := _level(summary.must("status"), "indicator", INDICATORS)) is not None:
        yield m.INDICATOR(level)
    yield from _components(summary, watched)
    yield from _incidents(summary, watched)
    yield from _maintenances(summary)


def _components(summary: Document, watched: Watched) -> Iterator[Sample]:
    if not _has_list(summary, "components"):
        return
    # `group` marks headings; pages without groups leave it out.
    every = [part for part in summary.items("components") if part.at("group").value is not True]
    chosen = [part for part in every if part in watched]
    seen: set[str] = set()
    for part in chosen[: watched.most]:
        label = _label(part, seen)
        if label and (level := _level(part, "status", STATES)) is not None:
            yield m.COMPONENT(level, component=label)
    yield m.COMPONENTS_HIDDEN(max(0, len(chosen) - watched.most))
    yield m.COMPONENTS_MISSING(len(set(watched.entries)) - len(set(watched.found(every))))


def _label(component: Document, seen: set[str]) -> str:
    """Return the label of a component, "" if it has no name; two of one name differ by their id."""
    name = component.text("name")
    if name is None:
        return ""
    label = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", name).split())[:LONGEST_NAME]
    if label in seen:
        # Headings are left out, so components of two groups may share a name.
        label = f"{label} ({component.at('id').value})"[: 2 * LONGEST_NAME]
    if label in seen:
        return ""
    seen.add(label)
    return label


def _level(part: Document, field: str, levels: Mapping[str, int]) -> int | None:
    word = part.text(field)
    if word is None:
        return None
    if word not in levels:
        part.unknown(field)  # a word that is not documented
    return levels.get(word)


def _incidents(summary: Document, watched: Watched) -> Iterator[Sample]:
    if not _has_list(summary, "incidents"):
        return
    impacts: Counter[str] = Counter()
    for incident in summary.items("incidents"):
        if incident.at("status").value not in CLOSED and _concerns(incident, watched):
            impact = incident.text("impact")
            impacts[impact if impact in IMPACTS else "other"] += 1
    for impact in IMPACTS:
        yield m.INCIDENTS(impacts[impact], impact=impact)


def _concerns(incident: Document, watched: Watched) -> bool:
    """Return whether an incident is about a watched component; one that names none may be about any."""
    named = incident.at("components")
    if not isinstance(named.value, list) or not named.value:
        return True
    return any(part in watched for part in named.items())


def _has_list(summary: Document, field: str) -> bool:
    """Return whether the list is there: without it nothing is known, which is not the same as none."""
    if isinstance(summary.at(field).value, list):
        return True
    summary.unknown(field)
    return False


def _maintenances(summary: Document) -> Iterator[Sample]:
    states: Counter[str] = Counter()
    starts = []
    # incident.io's pages may leave the list out.
    announced = summary.at("scheduled_maintenances")
    for maintenance in announced.items() if announced.value is not None else ():
        state = maintenance.text("status")
        if state in CLOSED:
            continue
        states[state if state in MAINTENANCE_STATES else "other"] += 1
        if state == "scheduled" and (start := maintenance.date("scheduled_for")) is not None:
            starts.append(start)
    for name in MAINTENANCE_STATES:
        yield m.MAINTENANCES(states[name], state=name)
    if starts:
        yield m.NEXT_MAINTENANCE(min(starts))


def _folded(word: object) -> str:
    # Names are typed by hand, so case and spaces do not count.
    return " ".join(word.casefold().split()) if isinstance(word, str) else ""
