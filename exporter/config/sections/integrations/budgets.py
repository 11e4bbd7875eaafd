"""Refuses a configuration that reads more from a vendor than its documented allowance."""

import math
from collections.abc import Iterable

from exporter.config.document.source import Source
from exporter.config.durations import text_of
from exporter.config.load_context import LoadContext
from exporter.config.sections.integrations.build import BuiltTargets
from exporter.core.probe import MONTH, Target

_Group = list[tuple[BuiltTargets, Target]]


def check_budgets(context: LoadContext, source: Source, built: Iterable[BuiltTargets], replicas: int) -> None:
    """Refuse every integration whose credential would be used more often than its allowance permits.

    Where rows from outside have a part in it this is noted only: their number must not end all probing, and
    the budget of the credential spreads the calls (net/limits.py).
    """
    noted: set[str] = set()
    for group in _by_credential(built).values():
        allowance = group[0][1].probe.allowance
        if allowance is None or replicas < 1:
            continue
        # Each replica makes all the reads itself.
        limit = allowance.calls / replicas
        total = sum(target.probe.calls_per_month(target.options, target.interval) for _, target in group)
        if total <= limit:
            continue
        from_feeds = any(target.tenant in each.feed_tenants for each, target in group)
        # By identity, as they cannot be hashed; one mistake each, however many targets it has.
        for one in dict.fromkeys(id(integration) for integration, _ in group):
            integration = next(each for each, _ in group if id(each) == one)
            name = integration.integration.name
            if integration.allow_over_budget or (from_feeds and name in noted):
                continue
            what = (
                f"{name} would make {math.ceil(total):,} reads in 30 days"
                f" with one credential, and {math.floor(limit):,} are allowed ({allowance.source})"
            )
            if from_feeds:
                noted.add(name)
                context.notes.append(f"{what}; the calls are spread; {_remedy(group, limit)}")
            else:
                context.add_error(source.place((*integration.path, "interval")), what, _remedy(group, limit))


def _by_credential(built: Iterable[BuiltTargets]) -> dict[tuple[str, object], _Group]:
    groups: dict[tuple[str, object], _Group] = {}
    for integration in built:
        for target in integration.targets:
            probe = target.probe
            if probe.allowance and target.configured:
                # A vendor counts by credential, whichever integration it is written in.
                shared = getattr(target.options, probe.credential, None) if probe.credential else None
                groups.setdefault((probe.name, shared), []).append((integration, target))
    return groups


def _remedy(group: _Group, limit: float) -> str:
    smallest = _smallest_interval(group, limit)
    if smallest is None:
        return "use fewer targets for this credential, or set allow_over_budget: true"
    return f"set an interval of at least {text_of(smallest)}, or allow_over_budget: true"


def _smallest_interval(group: _Group, limit: float) -> float | None:
    """Return the least interval in whole seconds that fits if all of the group have it; None if none does."""

    def fits(interval: float) -> bool:
        return sum(target.probe.calls_per_month(target.options, interval) for _, target in group) <= limit

    # Reads never grow with the interval, so bisection finds the border whatever a provider counts.
    low, high = 1, int(MONTH)
    if not fits(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if fits(middle):
            high = middle
        else:
            low = middle + 1
    return float(high)
