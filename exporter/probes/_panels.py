"""The query of a provider's panel: a metric as the dashboard's variables choose it, replicas collapsed."""

from exporter.core.metric import Metric

CHOSEN = 'integration=~"$integration",tenant=~"$tenant"'
"""Matchers of the dashboard's variables."""


def shown(metric: Metric, *labels: str, provider: str = "", matchers: str = "", by: str = "max") -> str:
    """Return the query of `metric` by integration, tenant and `labels`.

    `provider` and `matchers` narrow it further; `by` is how replicas are collapsed.
    """
    kept = ", ".join(("integration", "tenant", *labels))
    only = f'provider="{provider}"' if provider else ""
    chosen = ",".join(filter(None, (CHOSEN, only, matchers)))
    return f"{by} by ({kept}) ({metric}{{{chosen}}})"
