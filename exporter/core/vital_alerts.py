"""Alerts on the series that every target has."""

from exporter.core.alert import Alert

VITAL_ALERTS: tuple[Alert, ...] = ()
