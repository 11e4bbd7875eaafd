"""The query of a provider's panel: a metric narrowed by the dashboard's variables, replicas collapsed."""

from exporter.core.metric import Metric

MATCHERS = 'integration=~"$integration",tenant=~"$tenant"'
"""Matchers of the dashboard's variables."""


def panel_query(metric: Metric, *labels: str, provider: str = "", matchers: str = "", by: str = "max") -> str:
    """Return the query of `metric` by integration, tenant and `labels`.

    `provider` and `matchers` narrow it further; `by` is how replicas are collapsed.
    """
    labels_left = ", ".join(("integration", "tenant", *labels))
    only = f'provider="{provider}"' if provider else ""
    selected = ",".join(filter(None, (MATCHERS, only, matchers)))
    return f"{by} by ({labels_left}) ({metric}{{{selected}}})"
