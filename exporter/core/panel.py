"""A dashboard panel that a provider brings with it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Panel:
    """One panel: what it asks Prometheus and how the answer is shown.

    `kind` is one of `stat`, `timeseries`, `table`, `bargauge`. `unit` is a Grafana unit (`s`, `percentunit`,
    `currencyUSD`, `short`, `dateTimeFromNow`). `expr` uses the dashboard variables `$integration` and
    `$tenant` as regular expressions. `legend` is a Grafana legend format.
    """

    title: str
    description: str
    expr: str
    kind: str = "timeseries"
    unit: str = "short"
    legend: str = "{{integration}} {{tenant}}"
