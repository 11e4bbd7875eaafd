"""What a dashboard asks Prometheus, ready to be asked without Grafana."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

BUILT_IN = {"__rate_interval": "5m", "__interval": "1m", "__range": "6h"}
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)(?::\w+)?\}|([A-Za-z_]\w*))")  # $1 is a group of label_replace


def panel_queries(dashboard: str | Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (panel title, PromQL) of every query of a dashboard, given as JSON text or decoded.

    Variables have the value that they have while nothing is picked; Grafana's own ones that of a view of six
    hours. A variable that the dashboard does not define raises ValueError.
    """
    decoded: Mapping[str, Any] = json.loads(dashboard) if isinstance(dashboard, str) else dashboard
    values = {**BUILT_IN, **_default_values(decoded)}
    return [
        (panel.get("title", ""), _fill_in(target["expr"], values))
        for panel in panels_of(decoded)
        for target in panel.get("targets", ())
    ]


def panels_of(dashboard: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every panel, rows included and the panels inside of collapsed rows too."""
    for panel in dashboard.get("panels", ()):
        yield panel
        yield from panels_of(panel)


def _default_values(dashboard: Mapping[str, Any]) -> dict[str, str]:
    variables = dashboard.get("templating", {}).get("list", ())
    return {variable["name"]: variable.get("allValue") or ".*" for variable in variables}


def _fill_in(expr: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in values:
            raise ValueError(f"the variable ${name} is not defined: {expr}")
        return values[name]

    return _VARIABLE.sub(value, expr)
