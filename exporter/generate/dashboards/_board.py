"""A dashboard: its sections, the variables and links that all have, and its JSON text."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from exporter.core import common_metrics
from exporter.core.severity import Severity
from exporter.generate.dashboards._panels import DATASOURCE
from exporter.generate.dashboards._promql import firing
from exporter.generate.dashboards._sdk import JSONEncoder, dashboard, kinds, models
from exporter.generate.provisioning import PROMETHEUS_UID, TAG

SCHEMA_VERSION = 42
GRID_WIDTH = 24
_LOUD = f'severity=~"{Severity.CRITICAL}|{Severity.HIGH}"'


@dataclass(frozen=True)
class Section:
    """Panels below a heading, in reading order; an empty title draws no heading."""

    title: str
    panels: Sequence[Any]


@dataclass(frozen=True)
class Dashboard:
    """One dashboard: `uid` is its file name and its address, `description` the question it answers."""

    uid: str
    title: str
    description: str
    sections: Sequence[Section]


def text_of(board: Dashboard) -> str:
    """Return the dashboard as Classic JSON, the model that Grafana's file provisioning reads."""
    built = json.loads(json.dumps(_build(board), cls=JSONEncoder))
    return json.dumps(clean_up(built), indent=2, sort_keys=True) + "\n"


def clean_up(built: dict[str, Any]) -> dict[str, Any]:
    """Return what the builder wrote with panel ids and without defaults that mislead; idempotent."""
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
    for variable in built["templating"]["list"]:
        for key in ("auto", "auto_min", "auto_count"):
            variable.pop(key, None)
    return built


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
    made = dashboard.Dashboard(board.title).uid(board.uid).description(board.description).tags([TAG])
    made.readonly().time("now-6h", "now").refresh("1m").timezone("browser")
    made.tooltip(models.DashboardCursorSync.CROSSHAIR).link(_siblings())
    for variable in _variables():
        made.with_variable(variable)
    for annotation in _annotations():
        made.annotation(annotation)
    for section in board.sections:
        if section.title:
            made.with_row(dashboard.Row(section.title))
        for panel in section.panels:
            made.with_panel(panel)
    return made.build()


def _variables() -> list[Any]:
    default = models.VariableOption(selected=False, text="Integrations (Prometheus)", value=PROMETHEUS_UID)
    source = dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
    return [
        source.current(default),
        _choice("integration", f"{common_metrics.INFO}"),
        _choice("provider", f'{common_metrics.INFO}{{integration=~"$integration"}}'),
        _choice("tenant", f'{common_metrics.INFO}{{integration=~"$integration", provider=~"$provider"}}'),
    ]


def _choice(label: str, selector: str) -> Any:
    # Without `.*` Grafana writes All out as a list of every value: ten thousand tenants in each query.
    query = {"qryType": 1, "query": f"label_values({selector}, {label})", "refId": f"variable-{label}"}
    everything = models.VariableOption(selected=True, text="All", value="$__all")
    choice = dashboard.QueryVariable(label).label(label.capitalize()).datasource(DATASOURCE).query(query)
    choice.multi(True).include_all(True).all_value(".*").current(everything)
    return choice.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(models.VariableSort.NATURAL_ASC)


def _annotations() -> list[Any]:
    own = kinds.DataSourceRef(type_val="grafana", uid="-- Grafana --")
    builtin = dashboard.AnnotationQuery().name("Annotations & Alerts").type("dashboard").built_in(1)
    builtin.datasource(own).enable(True).hide(True).icon_color("blue")
    # Without the tenant: an outage of ten thousand tenants is one mark, not ten thousand.
    by = "max by (alertname, integration)"
    began = f"{by} ({firing(_LOUD)}) unless {by} ({firing(_LOUD, offset='$__interval')})"
    alerts = dashboard.AnnotationQuery().name("Critical and high alerts").datasource(DATASOURCE)
    alerts.enable(True).icon_color("red").expr(began).step("60s")
    alerts.title_format("{{alertname}}").text_format("{{integration}}").tag_keys("integration")
    return [builtin, alerts]


def _siblings() -> Any:
    link = dashboard.DashboardLink("Integrations").type(models.DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(True).include_vars(True).keep_time(True).icon("external link")
