"""Records of what dashboards draw over hours: of each graph of a provider those that need a look first.

Six hours of what vendors report of ten thousand tenants are seconds of CPU in each query. Of a record there
are as many lines as a graph has room for.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from exporter.core.panel import Panel
from exporter.core.signals import Signals
from exporter.generate.rule_text import TextValues

FILE = "graphs"
"""Name of the rule file, without suffix."""
PACE = "2m"
"""How often they are recorded: probes bring another value in minutes, and few of them in less."""


def graph_file(sources: Mapping[str, Signals], filling: TextValues) -> dict[str, Any]:
    """Return the content of the rule file: a group for each source that has such graphs.

    ValueError where two graphs would be recorded under one name.
    """
    made = {name: _rules(one.panels, filling) for name, one in sources.items()}
    groups: list[dict[str, Any]] = [
        {"name": f"integration-{FILE}-{name.replace('_', '-')}", "interval": PACE, "rules": rules}
        for name, rules in made.items()
        if rules
    ]
    names = [rule["record"] for group in groups for rule in group["rules"]]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two graphs are recorded as {', '.join(sorted(twice))}")
    return {"groups": groups}


def _rules(panels: Iterable[Panel], filling: TextValues) -> list[dict[str, Any]]:
    return [{"record": panel.record, "expr": filling.of(panel.recorded)} for panel in panels if panel.record]
