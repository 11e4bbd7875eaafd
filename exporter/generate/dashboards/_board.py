"""A dashboard: its sections, the variables and links that all have, and its JSON text."""

import json
import re
from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from exporter.generate.dashboards._marks import marks_of
from exporter.generate.dashboards._panels import LIMIT
from exporter.generate.dashboards._sdk import JSONEncoder, dashboard, models
from exporter.generate.dashboards._variables import STORE, TARGET, Choice, names_of, variables_of
from exporter.generate.provisioning import PROVIDER_TAG, TAG, TARGET_TAG

SCHEMA_VERSION = 42
GRID_WIDTH = 24
PICKED = "whatever is picked"
OF_ALL = f"Of all tenants, {PICKED}."
"""Ends the description of a panel that a choice of tenants does not narrow."""
OF_EACH = "The same whatever integration is picked."
"""Ends the description of a panel that a choice of tenants narrows, and one of integrations does not."""

_TENANT = re.compile(r"\$\{?tenant\b")
_INTEGRATION = re.compile(r"\$\{?integration\b")


@dataclass(frozen=True)
class Section:
    """Panels below a heading, in reading order; an empty title draws no heading.

    `providers` are those that it is about: where none of them is in use, it would be empty.
    """

    title: str
    panels: Sequence[Any]
    providers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Dashboard:
    """One dashboard: `uid` is its file name and its address, `description` the question it answers.

    `variables` are what a reader can pick, in order: names of `_variables.CHOICES`, or choices of its own.
    `start` is where its time range begins, `refresh` how often it asks again. `tag` is what the menus of
    dashboards find it by, unless it has a single choice. `providers` are those that it is about, as of a
    section.
    """

    uid: str
    title: str
    description: str
    sections: Sequence[Section]
    variables: Sequence[str | Choice] = TARGET
    start: str = "now-6h"
    refresh: str = "1m"
    tag: str = TAG
    providers: frozenset[str] = frozenset()

    def of(self, used: Collection[str]) -> "Dashboard | None":
        """Return what is left of it where only the providers `used` are in use; None if that is nothing."""
        if self.providers and self.providers.isdisjoint(used):
            return None
        sections = (one for one in self.sections if not one.providers or not one.providers.isdisjoint(used))
        return replace(self, sections=tuple(sections))


def text_of(board: Dashboard) -> str:
    """Return the dashboard as Classic JSON, the model that Grafana's file provisioning reads."""
    built = json.loads(json.dumps(_build(board), cls=JSONEncoder))
    return json.dumps(clean_up(built), indent=2, sort_keys=True) + "\n"


def clean_up(built: dict[str, Any]) -> dict[str, Any]:
    """Return what the builder wrote with panel ids and without what misleads; idempotent.

    Panels that a choice of tenants does not narrow say so.
    """
    built["schemaVersion"] = SCHEMA_VERSION
    for number, panel in enumerate(built["panels"], start=1):
        panel["id"] = number
    _place(built["panels"])
    # "inControlsMenu" is the builder's default and hides links and annotations in a menu.
    for shown in (*built["links"], *built["annotations"]["list"]):
        shown.pop("placement", None)
    # A mark over a table or a status bar hides what it marks.
    graphs = [panel["id"] for panel in built["panels"] if panel["type"] == "timeseries"]
    for annotation in built["annotations"]["list"]:
        if not annotation.get("builtIn"):
            annotation["filter"] = {"exclude": False, "ids": graphs}
    variables = built["templating"]["list"]
    for variable in variables:
        for key in ("auto", "auto_min", "auto_count"):
            variable.pop(key, None)
    _say_what_is_not_narrowed(built["panels"], {variable["name"] for variable in variables})
    return built


def _say_what_is_not_narrowed(panels: Iterable[dict[str, Any]], variables: Container[str]) -> None:
    """Let panels that do not ask for the tenants or the integrations that are picked say so."""
    for panel in panels:
        if panel["type"] == "row" or any(said in panel["description"] for said in (PICKED, OF_EACH)):
            continue
        asked = str([one for one in panel.get("targets", ()) if one.get("legendFormat") != LIMIT])
        if "tenant" in variables and not _TENANT.search(asked):
            panel["description"] += f" {OF_ALL}"
        elif "integration" in variables and not _INTEGRATION.search(asked):
            panel["description"] += f" {OF_EACH}"


def _place(panels: list[dict[str, Any]]) -> None:
    # The builder lets a panel stick out on the right; here it starts the next line.
    x = y = height = 0
    for panel in panels:
        place = panel["gridPos"]
        if panel["type"] == "row" or x + place["w"] > GRID_WIDTH:
            x, y, height = 0, y + height, 0
        place["x"], place["y"] = x, y
        x, height = x + place["w"], max(height, place["h"])


def _build(board: Dashboard) -> Any:
    tag = TARGET_TAG if _has_single(board) else board.tag
    made = dashboard.Dashboard(board.title).uid(board.uid).description(board.description).tags([tag])
    made.readonly().time(board.start, "now").refresh(board.refresh).timezone("browser")
    made.tooltip(models.DashboardCursorSync.CROSSHAIR)
    made.link(_siblings("Integrations", TAG, carry=True))
    # A provider has few of the integrations that are elsewhere: what is picked would leave it with no data.
    made.link(_siblings("Providers", PROVIDER_TAG, carry=False))
    if not _has_single(board):
        made.link(_siblings("One target", TARGET_TAG, carry=False))
    for variable in variables_of(board.variables, store=_reads_store(board)):
        made.with_variable(variable)
    for annotation in marks_of(names_of(board.variables), board.providers):
        made.annotation(annotation)
    for section in board.sections:
        if section.title:
            made.with_row(dashboard.Row(section.title))
        for panel in section.panels:
            made.with_panel(panel)
    return made.build()


def _reads_store(board: Dashboard) -> bool:
    return any(panel.build().datasource is STORE for section in board.sections for panel in section.panels)


def _has_single(board: Dashboard) -> bool:
    """Return whether a variable has one value at a time: no menu may bring it All, or several."""
    return any(isinstance(one, Choice) and one.single for one in board.variables)


def _siblings(title: str, tag: str, *, carry: bool) -> Any:
    link = dashboard.DashboardLink(title).type(models.DashboardLinkType.DASHBOARDS).tags([tag])
    return link.as_dropdown(True).include_vars(carry).keep_time(True).icon("external link")
