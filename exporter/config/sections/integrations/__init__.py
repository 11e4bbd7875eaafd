"""`integrations:` what is probed, for whom, and with which thresholds."""

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from exporter.config.draft import Draft
from exporter.config.sections import thresholds
from exporter.config.sections.integrations.budgets import check_budgets
from exporter.config.sections.integrations.build import BuiltTargets, TargetBuilder
from exporter.config.sections.integrations.dynamic import check_clashes
from exporter.config.sections.integrations.shared_files import check_shared_files
from exporter.core.configuration import TenantFeed
from exporter.core.probe import Target
from exporter.core.threshold import Threshold
from exporter.core.token import EXTERNAL, TokenSettings

NEEDS = ("defaults", "thresholds")


@dataclass(frozen=True)
class BuiltIntegrations:
    """All integrations with their targets; `names` are those of the file, also of one with a mistake.

    `sound` says that none has a mistake.
    """

    built: tuple[BuiltTargets, ...]
    names: frozenset[str]
    thresholds: tuple[Threshold, ...]
    feeds: tuple[TenantFeed, ...]
    sound: bool = True


def read(draft: Draft, part: tuple[Any, ...]) -> BuiltIntegrations:
    """Return every integration that is sound enough to be built."""
    context, steps = draft.context, draft.values["thresholds"]
    builder = TargetBuilder(context, draft.source, draft.values["defaults"], steps)
    built, sound = [], []
    for index, raw in enumerate(part):
        before = len(context.mistakes)
        one = builder.build(raw, ("integrations", index))
        if one is not None:
            built.append(one)
            if len(context.mistakes) == before:
                sound.append(one)
    # one with a mistake may have lost its interval: its budget is judged when that is fixed
    check_budgets(context, draft.source, sound, draft.layout.replicas)
    check_shared_files(context)
    check_clashes(context, built)
    shared = thresholds.tenant_defaults(steps, context.catalogue.families)
    numbers = (*shared, *builder.resolved)
    return BuiltIntegrations(
        tuple(built),
        frozenset(builder.names),
        numbers,
        tuple(context.tenant_feeds),
        sound=len(sound) == len(part),
    )


def fields(value: BuiltIntegrations) -> dict[str, Any]:
    """Return the integrations, their targets by key, and the thresholds of both."""
    targets = (_with_source(target, one.integration.tokens) for one in value.built for target in one.targets)
    return {
        "integrations": tuple(one.integration for one in value.built),
        "targets": {target.key: target for target in targets},
        "thresholds": value.thresholds,
        "feeds": value.feeds,
    }


def _with_source(target: Target, settings: TokenSettings) -> Target:
    """Return `target` with a stand-in for the token that another source than its options has.

    So it counts as configured, and its provider knows that there is a token to ask for.
    """
    option = target.probe.token_option
    if settings.source == "options" or not option or getattr(target.options, option):
        return target
    return replace(target, options=msgspec.structs.replace(target.options, **{option: EXTERNAL}))
