"""Links between dashboards: they carry what the reader picked, and the time range."""

from dataclasses import dataclass

from exporter.core.metric import Scope

VALUE = "${__value.raw:percentencode}"
"""The value of the cell that was clicked."""


@dataclass(frozen=True)
class DataLink:
    """What a click on a cell, a bar or a line offers: its words and the address."""

    title: str
    url: str


def link_to(uid: str, *, carry: tuple[str, ...] = Scope.TARGET.value, **given: str) -> str:
    """Return the address of the dashboard `uid`, with the reader's time range and choices.

    `carry` names the variables of the dashboard that has the link, as far as the other one has them too;
    `given` has values for some of them instead: a text, or `VALUE`, `cell` and `label` of what was clicked.
    """
    kept = (f"${{{name}:queryparam}}" for name in ("datasource", *carry) if name not in given)
    chosen = (f"var-{name}={value}" for name, value in given.items())
    return f"/d/{uid}?{'&'.join(('${__url_time_range}', *kept, *chosen))}"


def cell(column: str) -> str:
    """Return what stands in `column` (a label, or a column of SQL) of the row that was clicked."""
    return f"${{__data.fields.{column}:percentencode}}"


def label(name: str) -> str:
    """Return the label `name` of the bar or line that was clicked."""
    return f"${{__field.labels.{name}:percentencode}}"
