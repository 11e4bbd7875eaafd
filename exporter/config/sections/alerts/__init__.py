"""`alerts:` conditions of the user's own, each with every mistake named."""

from dataclasses import replace
from functools import cache
from typing import Any

import msgspec

from exporter.config.document.context import Path, Public
from exporter.config.document.convert import Converter
from exporter.config.document.schema import part_schema
from exporter.config.document.section import convert_section
from exporter.config.document.validate import Validator
from exporter.config.draft import Draft
from exporter.config.layout_alerts import AlertPart
from exporter.config.sections.alerts.checks import AlertChecks
from exporter.config.sections.alerts.exported import exported_metrics
from exporter.core.own_alert import OwnAlert

NEEDS = ("integrations", "notifications", "events")


def read(draft: Draft, part: tuple[Any, ...]) -> tuple[OwnAlert, ...]:
    """Return the alerts that are sound."""
    if not part:
        return ()
    catalogue = draft.context.catalogue
    exported = exported_metrics(draft.values["integrations"].built)
    checks = AlertChecks(
        exported,
        replace(catalogue, alerts=catalogue.alerts | draft.values["events"].alert_names),
        draft.values["integrations"].names,
        {team.name: team.minimum_severity for team in draft.layout.notifications.teams},
        draft.values["integrations"].sound,
    )
    made = []
    for index, raw in enumerate(part):
        path: Path = ("alerts", index)
        one = _part(draft, raw, path)
        if one is None:
            continue
        _show(draft, one, path)
        for below, what, remedy in checks.findings(one):
            draft.add_error((*path, *below), what, remedy)
        if found := checks.alert(one):
            made.append(found)
    return tuple(made)


def fields(value: tuple[OwnAlert, ...]) -> dict[str, Any]:
    """Return the alerts as the configuration takes them."""
    return {"alerts": value}


def _part(draft: Draft, raw: Any, path: Path) -> AlertPart | None:
    converter = Converter(draft.context, draft.source, prefix=path)
    instead = {
        "name": "Unnamed",
        "metric": "",
        "op": ">",
        "value": 0.0,
        "severity": "critical",
        "summary": "-",
    }
    part, sound = convert_section(converter, raw, AlertPart, _validator(), instead=instead)
    # What replaces a key with a mistake must not be judged itself.
    return part if sound else _without_guesses(part, raw)


def _without_guesses(part: AlertPart | None, raw: Any) -> AlertPart | None:
    given = raw if isinstance(raw, dict) else {}
    if part is None or not isinstance(given.get("metric"), str) or not isinstance(given.get("name"), str):
        return None
    return msgspec.structs.replace(part, name=given["name"], metric=given["metric"])


@cache
def _validator() -> Validator:
    return Validator(part_schema(AlertPart))


def _show(draft: Draft, part: AlertPart, path: Path) -> None:
    """Have the texts judged that everybody sees."""
    for key in ("name", "summary", "description"):
        where = (*path, key)
        text = getattr(part, key)
        draft.context.public.append(
            Public(text, f"the {key} of an alert", lambda where=where: draft.source.place(where))  # type: ignore[misc]  # mypy knows no default of a lambda
        )
