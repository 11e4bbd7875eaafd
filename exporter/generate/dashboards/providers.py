"""A dashboard for each provider: how its targets are, and what it measures of its own.

It is made from the provider's PROBE, so a new one has its dashboard without an edit. What belongs to no
provider and brings panels has one of those alone.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from exporter import registry
from exporter.core import common_metrics
from exporter.core.panel import Panel, Tone
from exporter.core.probe import Probe
from exporter.core.signals import Signals
from exporter.generate.dashboards import _limits as left
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _status as status
from exporter.generate.dashboards._alert_tables import firing_alerts
from exporter.generate.dashboards._board import GRID_WIDTH, Dashboard, Section
from exporter.generate.dashboards._columns import detail_link, errors_link, integration_column, tenant_column
from exporter.generate.dashboards._looks import ValueWord, sign_money
from exporter.generate.dashboards._panels import PanelQuery, TableColumn
from exporter.generate.dashboards._promql import MOST, limit
from exporter.generate.dashboards._scale import record
from exporter.generate.dashboards._sdk import common
from exporter.generate.dashboards._variables import Choice
from exporter.generate.provisioning import PROVIDER_TAG

SIZES: dict[str, tuple[int, int]] = {
    "stat": (6, 8),
    "timeseries": (12, 8),
    "states": (12, 8),
    "table": (12, 8),
    "bargauge": (12, 8),
}
MOST_COLUMNS = 4
"""Columns of a table that fit half of a page that is 1,280 pixels wide."""
NOW = (24, 6)
"""One provider has few troubles at a time; what it reports of its own is to be near the top."""
FIGURE = 44
"""Pixels of a number, or of the words in its place: else they fill a panel as high as its neighbours."""
UNREPORTED = "Nothing reported"
COLOURS = {Tone.GOOD: show.GOOD, Tone.WARNING: show.WARNING, Tone.BAD: show.BAD, Tone.QUIET: show.QUIET}
PICKED = ("integration", "tenant")
"""The variables of these dashboards: the provider is said by the address."""

_OF_SHARED = {
    common_metrics.TOKEN_EXPIRY: left.tokens,
    common_metrics.RATE_LIMIT_REMAINING: left.rate_limits,
    common_metrics.COST_MONTH: left.costs,
    common_metrics.PREPAID_BALANCE: left.balances,
}
_BY = re.compile(r"by \(([^)]*)\)")


def uid_of(provider: str) -> str:
    """Return the address of the dashboard of a provider, or of another source."""
    return f"integration-{provider}"


def build() -> tuple[Dashboard, ...]:
    """Return a dashboard for each registered provider, and one for each other source that brings panels."""
    probes = registry.probes()
    others = {name: one for name, one in registry.sources().items() if name not in probes}
    return (*map(board_of, probes.values()), *boards_of_others(others))


def boards_of_others(sources: Mapping[str, Signals]) -> Iterator[Dashboard]:
    """Yield the dashboard of each source that has panels."""
    for name, one in sources.items():
        if one.panels:
            text = f"What {one.title} shows of its own."
            yield Dashboard(
                uid_of(name), f"Integrations / {one.title}", text, (own_section(one.title, one.panels),)
            )


def board_of(probe: Probe) -> Dashboard:
    """Return the dashboard of a provider."""
    only = (f'provider="{probe.name}"',)
    return Dashboard(
        uid=uid_of(probe.name),
        title=f"Integrations / Provider {probe.title}",
        description=f"Is {probe.title} connected for every tenant, how fast, and what does it report itself?",
        sections=tuple(_sections(probe)),
        variables=tuple(Choice(name, common_metrics.INFO, only) for name in PICKED),
        tag=PROVIDER_TAG,
        providers=frozenset({probe.name}),
    )


def _sections(probe: Probe) -> Iterator[Section]:
    uid, narrow = uid_of(probe.name), status.of_provider(probe.name)
    detail = detail_link()
    columns = (integration_column(uid, detail, carry=PICKED), tenant_column(uid, detail, carry=PICKED))
    # The probes of a generic one are its calls, which no series counts apart.
    calls = (left.probes if probe.generic else left.calls)(narrow)
    yield Section("", (*status.counts(narrow), calls, status.grid((), narrow, (24, 6))))
    failing = status.failing(columns, narrow, errors_link(PICKED), NOW)
    yield Section("Now", (failing, firing_alerts(columns, NOW, narrow)))
    if probe.panels:
        yield own_section(probe.title, probe.panels, narrow)
    yield Section("Latency", (status.latency(narrow), status.slowest(columns, narrow), status.phases(narrow)))
    halves = [make(columns, narrow) for make in _shared(probe)]
    resets = common_metrics.QUOTA_RESET in probe.metrics
    quotas = (
        (left.quotas(columns, narrow, resets=resets),) if common_metrics.QUOTA_USED in probe.metrics else ()
    )
    rest = status.failures(narrow, size=(12 if len(halves) % 2 else 24, 9))
    yield Section("Limits and failures", (*quotas, *halves, rest))


def _shared(probe: Probe) -> Iterator[Callable[[Sequence[TableColumn], status.Narrow], Any]]:
    """Yield what makes the panels on what providers share, half a page each, of what this one measures."""
    for metric, make in _OF_SHARED.items():
        if metric in probe.metrics:
            yield make
    if hasattr(probe.options, "tls"):
        yield status.certificates


def own_section(title: str, panels: Iterable[Panel], narrow: status.Narrow = status.unchanged) -> Section:
    """Return what a source brings itself; `narrow` is for the thresholds that judge it.

    The last panel of a line takes what is left of it.
    """
    lines: list[list[Panel]] = []
    room = 0
    for panel in panels:
        width = _size(panel)[0]
        if width > room:
            lines.append([])
            room = GRID_WIDTH
        lines[-1].append(panel)
        room -= width
    return Section(title, tuple(made for line in lines for made in _line(line, narrow)))


def _line(panels: Sequence[Panel], narrow: status.Narrow) -> Iterator[Any]:
    left = GRID_WIDTH - sum(_size(panel)[0] for panel in panels)
    for panel in panels:
        width, _ = _size(panel)
        yield _panel(panel, narrow).span(width + left if panel is panels[-1] else width)


def _size(panel: Panel) -> tuple[int, int]:
    width, height = SIZES[panel.kind]
    return (
        GRID_WIDTH if panel.kind == "table" and len(list(_columns(panel))) > MOST_COLUMNS else width,
        height,
    )


def _panel(panel: Panel, narrow: status.Narrow) -> Any:
    # A provider thinks of its targets, not of how many there may be.
    query, size = PanelQuery(_worst(panel), panel.legend_format), _size(panel)
    if panel.kind == "stat":
        made = show.figure(panel.title, panel.description, query, size=size, unit=panel.unit)
        return made.no_value(UNREPORTED).text(common.VizTextDisplayOptions().value_size(FIGURE))
    if panel.kind == "states":
        about = panel.title, panel.description, query, _words(panel)
        return show.states(*about, size=size, step="1m", empty=UNREPORTED)
    if panel.kind == "bargauge":
        return show.bars(panel.title, panel.description, query, size=size, unit=panel.unit)
    if panel.kind == "table":
        return _table(panel, query.expr)
    limits = PanelQuery(narrow(limit(panel.family)), show.LIMIT) if panel.family else None
    made = show.lines(
        *(panel.title, panel.description, (query,)),
        size=size,
        unit=panel.unit,
        limits=limits,
        steps=show.FEW_STEPS,
    )
    if panel.unit == "short" and panel.legend.endswith("{{currency}}"):
        sign_money(made)
    return made.no_value(UNREPORTED)


def _worst(panel: Panel) -> str:
    """Return the query for those that need a look first: the worst of states, else the largest.

    Over hours it reads the record of them; once tenants are picked, all of theirs.
    """
    if not panel.record:
        return f"{panel.worst}({MOST}, {panel.expr})"
    recorded = f"max by ({', '.join(panel.labels)}) ({record(panel.record)})"
    return f"{panel.worst}({MOST}, {recorded}) or {panel.worst}({MOST}, {panel.of_picked_tenants})"


def _words(panel: Panel) -> dict[str, ValueWord]:
    return {str(value): (word, COLOURS[tone]) for value, (word, tone) in panel.words.items()}


def _table(panel: Panel, expr: str) -> Any:
    return show.rows(
        panel.title,
        panel.description,
        (expr,),
        tuple(_columns(panel)),
        size=_size(panel),
        unit=panel.unit,
        empty=UNREPORTED,
    )


def _has_value(panel: Panel) -> bool:
    # That a label is there is all that an info series, or one compared with 1, says.
    return "_info{" not in panel.expr and not panel.expr.endswith("== 1")


def _columns(panel: Panel) -> Iterator[TableColumn]:
    """Yield a column for each label that the panel's query keeps, and one for the value."""
    labels = _BY.search(panel.expr)
    for label in labels[1].split(",") if labels else ():
        yield TableColumn(label.strip(), label.strip().replace("_", " ").capitalize(), wrap=True)
    if _has_value(panel):
        yield TableColumn("A", "State" if panel.words else panel.column, words=_words(panel))
