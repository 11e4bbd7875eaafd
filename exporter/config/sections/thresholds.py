"""Resolves the thresholds: families' defaults, environment, file, integration, tenant."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from exporter.config import durations
from exporter.config.document.context import Path, SourceLocation
from exporter.config.document.source import Source, quotable_key
from exporter.config.document.validate import suggestion
from exporter.config.document.values import Expanded, Missing, scalar
from exporter.config.draft import Draft
from exporter.config.load_context import LoadContext
from exporter.core.metric import Scope
from exporter.core.severity import Severity
from exporter.core.threshold import Threshold, ThresholdFamily

Steps = dict[str, dict[Severity, float]]
"""Numbers by family and severity."""


TOP = ("thresholds",)
"""The path of the thresholds that hold for the whole file."""


@dataclass
class Ladder:
    """Resolves layers of thresholds and refuses what does not fit."""

    context: LoadContext

    def base(self) -> Steps:
        """Return the families' defaults with what the environment says."""
        return {
            name: dict(family.steps) | self._environment(family)
            for name, family in self.context.catalogue.families.items()
        }

    def over(self, below: Steps, raw: Any, source: Source, path: Path) -> tuple[Steps, Steps]:
        """Lay `raw` over `below`: return the whole ladder, and the numbers that `raw` itself gives."""
        own: Steps = {}
        if not isinstance(raw, dict):
            return below, own
        for name, steps in raw.items():
            family = self.context.catalogue.families.get(name)
            here = (*path, name)
            if family is None:
                self._unknown(source.place(here), "threshold", name, self.context.catalogue.families)
            elif family.scope is not Scope.TARGET and path != TOP:
                self.context.add_error(
                    source.place(here),
                    "is no threshold of integrations",
                    f"write it under {'.'.join(TOP)} at the top of the file",
                )
            elif not isinstance(steps, dict):
                self.context.add_error(
                    source.place(here),
                    "expected a mapping of severities",
                    f"write {name}: {_example(family)}",
                )
            else:
                own[name] = self._steps(family, steps, source, here)
                self._check_order(family, below[name] | own[name], source.place(here))
        return below | {name: below[name] | steps for name, steps in own.items()}, own

    def _steps(
        self, family: ThresholdFamily, raw: Mapping[str, Any], source: Source, path: Path
    ) -> dict[Severity, float]:
        made = {}
        for name, value in raw.items():
            place = source.place((*path, name))
            severity = next((level for level in family.steps if level == name), None)
            if severity is None:
                self._unknown(place, "severity", name, {str(level): None for level in family.steps})
                continue
            number = _number(family, value)
            if isinstance(number, float):
                made[severity] = number
            elif number:
                self.context.add_error(place, number, f"write {family.name}: {_example(family)}")
        return made

    def _unknown(self, place: SourceLocation, kind: str, name: str, known: Mapping[str, Any]) -> None:
        shown = quotable_key(name)
        self.context.add_error(place, f"unknown {kind} {shown}", suggestion(name, set(known)))

    def _check_order(
        self, family: ThresholdFamily, steps: dict[Severity, float], place: SourceLocation
    ) -> None:
        if wrong := family.disorder(steps):
            self.context.add_error(
                place, f"{family.name}: {wrong}", "let a higher severity be the stricter one"
            )

    def _environment(self, family: ThresholdFamily) -> dict[Severity, float]:
        made = {}
        for severity, name in family.environment:
            text = self.context.environ.get(name, "").strip()
            value = scalar(text) if text else None
            if value is None:
                continue
            place = (f"environment variable {name}", 0)
            if isinstance(value, bool) or not isinstance(value, int | float):
                self.context.add_error(place, "the value is no number", "set it to a number, or unset it")
                continue
            number = _number(family, value * family.environment_scale)
            if isinstance(number, float):
                made[severity] = number
                self._check_order(family, family.steps | made, place)
            else:
                self.context.add_error(place, number, "set it to another number, or unset it")
        return made


def read(draft: Draft, part: dict[str, Any]) -> Steps:
    """Return the numbers that hold where neither an integration nor a tenant says another one."""
    ladder = Ladder(draft.context)
    return ladder.over(ladder.base(), part, draft.source, TOP)[0]


def fields(value: Steps) -> dict[str, Any]:  # noqa: ARG001 -- as every section has it
    """Return nothing: the numbers of integrations and tenants come with those."""
    return {}


def defaults(
    steps: Steps, families: Mapping[str, ThresholdFamily], integration: str, provider: str
) -> Iterator[Threshold]:
    """Yield every default of an integration, of the `families` that its targets reach."""
    for name, family in families.items():
        if family.scope is not Scope.TARGET:
            continue
        for severity, value in steps[name].items():
            yield Threshold(family, integration, provider, "", severity, value)


def tenant_defaults(steps: Steps, families: Mapping[str, ThresholdFamily]) -> Iterator[Threshold]:
    """Yield the defaults of the families that belong to no integration."""
    for name, family in families.items():
        if family.scope is Scope.TENANT:
            for severity, value in steps[name].items():
                yield Threshold(family, "", "", "", severity, value)


def overrides(
    own: Steps,
    below: Steps,
    families: Mapping[str, ThresholdFamily],
    integration: str,
    provider: str,
    tenant: str,
) -> Iterator[Threshold]:
    """Yield the numbers of a tenant that are not those of its integration, of the `families` it reaches."""
    for name in filter(families.__contains__, own):
        for severity, value in own[name].items():
            if below[name][severity] != value:
                yield Threshold(families[name], integration, provider, tenant, severity, value)


def _number(family: ThresholdFamily, value: Any) -> float | str:
    """Return the number that `value` means in the family's unit, or what is wrong with it; "" if reported."""
    if isinstance(value, Missing):
        return ""
    if isinstance(value, Expanded):
        value = scalar(value)
    if isinstance(value, str) and family.unit == "seconds":
        try:
            value = durations.seconds(value)
        except ValueError:
            return "the value is neither a number of seconds nor a duration"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "the value is no number"
    try:
        number = float(value)
    except OverflowError:  # whole numbers have no end, in JSON and in YAML
        return "the value is larger than any threshold can be"
    if number < family.minimum:
        return f"{number:g} is below {family.minimum:g}"
    if family.maximum is not None and number > family.maximum:
        return f"{number:g} is above {family.maximum:g}"
    return number


def _example(family: ThresholdFamily) -> str:
    return "{" + ", ".join(f"{severity}: {value:g}" for severity, value in family.steps.items()) + "}"
