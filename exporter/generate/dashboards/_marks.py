"""Marks over all graphs: alerts that began, configurations that were loaded, incidents of vendors."""

from collections.abc import Iterable
from typing import Any

from exporter.core.severity import Severity
from exporter.generate.dashboards._promql import firing
from exporter.generate.dashboards._sdk import dashboard, kinds
from exporter.generate.dashboards._variables import DATASOURCE, TARGET
from exporter.probes.statuspage.metrics import INCIDENTS

LOADED = "integration_exporter_config_last_reload_success_timestamp_seconds"
"""When the configuration was last loaded: at the start, and at each reload that found no mistake."""

LOUD = f'severity=~"{Severity.CRITICAL}|{Severity.HIGH}"'


def marks_of(variables: Iterable[str], providers: Iterable[str] = ()) -> list[Any]:
    """Return the annotations of a dashboard that has `variables`.

    Where none of them is the provider, alerts are those of `providers` alone, of all if there are none.
    """
    own = kinds.DataSourceRef(type_val="grafana", uid="-- Grafana --")
    builtin = dashboard.AnnotationQuery().name("Annotations & Alerts").type("dashboard").built_in(1)
    builtin.datasource(own).enable(True).hide(True).icon_color("blue")
    return [builtin, _alerts(tuple(variables), "|".join(sorted(providers))), _loads(), _incidents()]


def _alerts(variables: tuple[str, ...], providers: str) -> Any:
    # Without the tenant: an outage of ten thousand tenants is one mark, not ten thousand.
    names = tuple(name for name in TARGET if name in variables)
    own = (f'provider=~"{providers}"',) if providers and "provider" not in names else ()
    now, before = (firing(LOUD, *own, offset=offset, variables=names) for offset in ("", "$__interval"))
    by = "max by (alertname, integration)"
    mark = _mark("Critical and high alerts", "red", f"{by} ({now}) unless {by} ({before})")
    return mark.title_format("{{alertname}}").text_format("{{integration}}").tag_keys("integration")


def _loads() -> Any:
    # The value is the time of the mark: seconds there, milliseconds here.
    mark = _mark("Configuration loaded", "blue", f"max({LOADED}) * 1000").use_value_for_time(True)
    return mark.title_format("Configuration loaded").text_format("At the start of an exporter, or a reload")


def _incidents() -> Any:
    # Whatever is picked: the page of a vendor's status is an integration of its own.
    open_now = f'max by (integration) ({INCIDENTS}{{impact=~"minor|major|critical"}}{{offset}}) > 0'
    now, before = open_now.replace("{offset}", ""), open_now.replace("{offset}", " offset $__interval")
    mark = _mark("Incidents of vendors", "orange", f"{now} unless {before}")
    return mark.title_format("Incident of a vendor").text_format("{{integration}}").tag_keys("integration")


def _mark(name: str, colour: str, expr: str) -> Any:
    mark = dashboard.AnnotationQuery().name(name).datasource(DATASOURCE).enable(True)
    return mark.icon_color(colour).expr(expr).step("60s")
