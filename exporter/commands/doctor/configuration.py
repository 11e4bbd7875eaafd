"""The configuration: every mistake, what is configured and not used, budgets, thresholds."""

from collections import defaultdict
from collections.abc import Iterator

from exporter.commands.doctor.finding import Area, Finding, some
from exporter.commands.loading import load
from exporter.config.durations import text_of
from exporter.config.feeds.feeds import Feeds
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from exporter.core.options import secret_fields
from exporter.core.probe import Allowance, Target
from exporter.generate.notes import find_dead_links

LONG_INTERVAL = 300.0
"""Seconds between two probes beyond which a failure is found later than most operators expect."""

ALLOWANCE_SHARE = 0.8
"""Share of a documented allowance of calls beyond which little is left for anything else."""

AREA = Area("configuration")


def load_configuration(path: str | None) -> tuple[Configuration | None, list[Finding]]:
    """Return the configuration in `path` (None: the environment's), None where it has mistakes; findings."""
    feeds = Feeds()
    try:
        configuration = load(path, feeds=feeds)
    except ConfigError as error:
        return None, [
            AREA.problem(f"{_location(one.file, one.line)}: {one.what}", one.remedy) for one in error.mistakes
        ]
    return configuration, [*findings(configuration), *_feeds(feeds)]


def _feeds(feeds: Feeds) -> Iterator[Finding]:
    """Yield what is wrong with the sources of tenants; each costs its own tenants and no others."""
    for state in feeds.states():
        for warning in state.warnings:
            # Sentences have the form `what; remedy`; what is wrong may have a semicolon of its own.
            what, _, remedy = warning.rpartition("; ")
            if what and not state.ok:
                yield AREA.problem(what, remedy)
            else:
                yield AREA.note(warning)


def findings(configuration: Configuration) -> Iterator[Finding]:
    """Check a configuration that has no mistake."""
    count, targets = len(configuration.integrations), len(configuration.targets)
    text = f"{configuration.path or 'the environment'}: {count} integrations, {targets} targets"
    if targets or configuration.feeds:
        yield AREA.ok(text)
    else:
        remedy = (
            "name integrations, see docs/configuration.md; switches such as MONITORING_ENABLED turn all off"
        )
        yield AREA.problem(f"{text}: nothing is watched", remedy)
    for name in sorted(configuration.switched_off):
        yield AREA.note(f"{name} turns a part off", "unset it to have the part back")
    yield from map(AREA.note, configuration.notes)
    for what, remedy in find_dead_links(configuration.notifications, configuration.generation):
        yield AREA.note(what, remedy)
    yield from _missing_credentials(configuration)
    yield from _long_intervals(configuration)
    yield from _budgets(configuration)
    yield from _thresholds(configuration)


def _location(file: str, line: int) -> str:
    return f"{file}:{line}" if line else file


def _missing_credentials(configuration: Configuration) -> Iterator[Finding]:
    lacking: dict[str, list[Target]] = defaultdict(list)
    for target in configuration.targets.values():
        if _lacks_credential(target):
            lacking[target.integration].append(target)
    for name, targets in lacking.items():
        first = targets[0]
        needs = [one for one in first.probe.needs if not getattr(first.options, one)]
        missing = " and ".join(needs) or f"one of {', '.join(secret_fields(first.probe.options))} is"
        tenants = [target.tenant for target in targets if target.tenant]
        whom = f" of {some(tenants)}" if tenants else ""
        yield AREA.note(
            f"{name}{whom} is not configured: {missing} missing",
            "give it, or remove the integration",
        )


def _lacks_credential(target: Target) -> bool:
    """Return whether a target has no credential, also where its provider takes one of several."""
    probe, options = target.probe, target.options
    secrets = () if probe.generic else secret_fields(probe.options)
    return not target.configured or (bool(secrets) and not any(getattr(options, one) for one in secrets))


def _long_intervals(configuration: Configuration) -> Iterator[Finding]:
    slow = [one for one in configuration.integrations if one.interval > LONG_INTERVAL]
    if slow:
        names = [f"{one.name} ({text_of(one.interval)})" for one in slow]
        remedy = "set a shorter interval where a failure must be found sooner"
        yield AREA.note(f"checked less often than every {text_of(LONG_INTERVAL)}: {some(names)}", remedy)


def _budgets(configuration: Configuration) -> Iterator[Finding]:
    """Yield for each provider with a documented allowance how much of it the busiest credential uses."""
    used: dict[tuple[str, object], float] = defaultdict(float)
    allowances: dict[str, Allowance] = {}
    for target in configuration.targets.values():
        probe = target.probe
        if probe.allowance is None or _lacks_credential(target):
            continue
        allowances[probe.name] = probe.allowance
        shared = getattr(target.options, probe.credential, None) if probe.credential else None
        # Vendors count calls by credential: two integrations with one key share its allowance.
        used[probe.name, shared] += probe.calls_per_month(target.options, target.interval)
    for name, allowance in sorted(allowances.items()):
        most = max(calls for (provider, _), calls in used.items() if provider == name)
        # Every replica makes these calls, by the same credential.
        limit = allowance.calls / configuration.replicas
        text = f"{name}: one credential makes up to {most:,.0f} of {limit:,.0f} reads in 30 days"
        if most > ALLOWANCE_SHARE * limit:
            yield AREA.note(text, f"set a longer interval; the allowance is that of {allowance.source}")
        else:
            yield AREA.ok(text)


def _thresholds(configuration: Configuration) -> Iterator[Finding]:
    """Report which thresholds differ from the defaults; loading has checked their order."""
    changed = sorted(
        {
            f"{one.family.name} {one.severity} {one.value:g} (else {one.family.steps[one.severity]:g})"
            for one in configuration.thresholds
            if not one.tenant and one.value != one.family.steps.get(one.severity, one.value)
        }
    )
    tenants = {(one.integration, one.tenant) for one in configuration.thresholds if one.tenant}
    own = f", {len(tenants)} targets have their own" if tenants else ""
    text = f"changed: {some(changed)}" if changed else "as they are shipped"
    yield AREA.ok(f"thresholds {text}{own}")
