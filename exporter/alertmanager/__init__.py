"""Asks Alertmanager, and changes what it has: alerts, silences."""
