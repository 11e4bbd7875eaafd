"""What an app imports to report events to the exporter; it needs nothing but Python's standard library."""

from exporter.client.client import Client, Statistics
from exporter.client.tracking import track_ai_call, track_payment, track_webhook

__all__ = ["Client", "Statistics", "track_ai_call", "track_payment", "track_webhook"]
