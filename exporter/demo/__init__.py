"""Starts the whole product with a real Prometheus and Alertmanager and simulated vendors."""
