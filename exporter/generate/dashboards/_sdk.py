"""Grafana's builders of dashboards, imported without their advice to use the newer model."""

import warnings

with warnings.catch_warnings():
    # Grafana's file provisioning refuses the newer model, so the older one is what we want.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import (
        bargauge,
        common,
        dashboard,
        prometheus,
        stat,
        statetimeline,
        table,
        timeseries,
    )
    from grafana_foundation_sdk.cog import builder, variants
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models import common as kinds
    from grafana_foundation_sdk.models import dashboard as models
    from grafana_foundation_sdk.models import prometheus as dialect

__all__ = [
    "JSONEncoder",
    "bargauge",
    "builder",
    "common",
    "dashboard",
    "dialect",
    "kinds",
    "models",
    "prometheus",
    "register_default_plugins",
    "stat",
    "statetimeline",
    "table",
    "timeseries",
    "variants",
]
