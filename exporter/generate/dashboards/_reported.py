"""PromQL of what apps report: counters that several processes add up, and the alerts on them.

Each process counts the events that a load balancer gave it, so replicas are added here, and not collapsed as
those of what is probed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from exporter.core.alert import Alert
from exporter.core.counting import begun, increase, risen
from exporter.core.metric import Metric
from exporter.generate.dashboards._panels import PanelQuery

HOUR, QUARTER = "1h", "15m"
RANGE = "$__range"
"""The time range that the reader picked, as a window."""
NO_DATA = "No data"
"""What a panel says that has no words of its own for nothing."""
OWN = 'integration=""'
"""Of no integration: requests that the app answered itself, and calls to services that nobody probes."""
OF_INTEGRATION = 'integration!=""'
PERCENTILES = ("0.5", "0.95", "0.99")
# Zero is claimed only while the Watchdog fires: it proves that rules are evaluated at all.
_ALIVE = 'max(ALERTS{alertname="Watchdog", alertstate="firing"}) * 0'
_VARIABLES = ("integration", "provider", "tenant")


def of_tenant(metric: Metric, *matchers: str) -> str:
    """Return the selector of `metric` for the tenants that the reader picked; histograms have all of them."""
    tenant = ('tenant=~"$tenant"',) if "tenant" in metric.label_names else ()
    return f"{metric}{{{', '.join((*tenant, *matchers))}}}"


def own(metric: Metric, *matchers: str) -> str:
    """Return the selector of what belongs to no integration, whichever of them the reader picked."""
    return of_tenant(metric, OWN, *matchers)


def per_minute(selector: str, by: str = "") -> str:
    """Return how much a counter rises in a minute, over all processes."""
    return f"sum by ({by}) (rate({selector}[$__rate_interval])) * 60"


def pace_now(selector: str) -> str:
    """Return how much a counter rose in a minute, over all processes, on average of the last five.

    A longer mean is too low for as long as Prometheus knows only the end of its window.
    """
    return f"sum(rate({selector}[5m])) * 60"


def rise(selector: str, by: str = "", window: str = HOUR) -> str:
    """Return by how much a counter rose in `window`, over all processes."""
    return f"sum by ({by}) (increase({selector}[{window}]))"


def rise_of_new(selector: str, by: str = "", window: str = HOUR) -> str:
    """Return by how much a counter rose that begins with its first event, and not with 0.

    Prometheus sees no rise to a first value; what was not there `window` ago has risen to what it is, where
    its process was scraped then or began since.
    """
    return f"sum by ({by}) ({risen(selector, window, f'{RANGE}_s' if window == RANGE else '')})"


def rise_in_step(selector: str, by: str = "") -> str:
    """Return how often a counter rose between two points of a graph, in whole numbers, over all processes.

    Of a fixed window a graph of days would leave out what is between its points. A counter that began since
    the last point has risen to what it is.
    """
    step = "$__rate_interval"
    first = f'label_replace({begun(selector, step, f"{step}_ms / 1000")}, "begun", "yes", "", "")'
    return f"round(sum by ({by}) ({increase(selector, step)} or {first}))"


def rises_in_step(counters: Mapping[str, Metric | str]) -> str:
    """Return the same of several counters, each under its name as the label `event`."""
    return " or ".join(
        f'label_replace({rise_in_step(str(metric))}, "event", "{name}", "", "")'
        for name, metric in counters.items()
    )


def share(part: str, whole: str, by: str = "", window: str = "$__rate_interval") -> str:
    """Return the share of the counter `part` in `whole`, where there is any of it."""
    return f"sum by ({by}) (rate({part}[{window}])) / (sum by ({by}) (rate({whole}[{window}])) > 0)"


def percentile(quantile: str, selector: str, by: str = "", window: str = "$__rate_interval") -> str:
    """Return a quantile of a histogram, over all processes; `selector` names the histogram."""
    name, braces, matchers = selector.partition("{")
    buckets = f"rate({name}_bucket{braces}{matchers}[{window}])"
    labels = f"le, {by}" if by else "le"
    # Without an observation in the window the quantile of nothing is NaN, which Grafana counts as a value.
    return f"histogram_quantile({quantile}, sum by ({labels}) ({buckets})) >= 0"


def percentiles(selector: str) -> tuple[PanelQuery, ...]:
    """Return the three percentiles that say how slow it is for most, for some and for the unlucky."""
    return tuple(
        # Exemplars once: those of all three would be the same points.
        PanelQuery(percentile(each, selector), f"p{float(each) * 100:g}", exemplars=each == PERCENTILES[-1])
        for each in PERCENTILES
    )


def outcomes(whole: str, failures: str, label: str = "reason", succeeded: str = "succeeded") -> str:
    """Return the pace of a counter by outcome: what did not fail as `succeeded`, the rest by `label`."""
    good = f"clamp_min({per_minute(whole)} - {per_minute(failures)}, 0)"
    return f'label_replace({good}, "{label}", "{succeeded}", "", "") or {per_minute(failures, label)}'


def parts(whole: str, part: str, rest: str, name: str, label: str = "outcome") -> str:
    """Return the pace of a counter in two: `part` of it under `name`, and what is left under `rest`."""
    left = f"clamp_min({per_minute(whole)} - {per_minute(part)}, 0)"
    return (
        f'label_replace({left}, "{label}", "{rest}", "", "")'
        f' or label_replace({per_minute(part)}, "{label}", "{name}", "", "")'
    )


def say_nothing(words: str, panels: Iterable[Any]) -> tuple[Any, ...]:
    """Return `panels`; those without words of their own say `words` where they have nothing to show.

    No app has to report everything, so that nothing is no fault.
    """
    return tuple(
        panel.no_value(words) if panel.build().field_config.defaults.no_value == NO_DATA else panel
        for panel in panels
    )


def firing(alerts: Sequence[Alert]) -> str:
    """Return how many of `alerts` fire, each place once; 0 only where rules are evaluated."""
    names = "|".join(alert.name for alert in alerts)
    labels = tuple(dict.fromkeys(label for alert in alerts for label in alert.by))
    # Requests of no integration concern whoever picks one; those of no tenant no other tenant.
    picked = (
        f'{label}=~"${label}{"" if label == "tenant" else "|"}"' for label in labels if label in _VARIABLES
    )
    matchers = ", ".join((f'alertname=~"{names}"', 'alertstate="firing"', *picked))
    return f"count(max by ({', '.join(('alertname', *labels))}) (ALERTS{{{matchers}}})) or {_ALIVE}"
