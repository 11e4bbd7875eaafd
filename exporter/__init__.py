"""Prometheus exporter for the third-party integrations of a SaaS platform."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("integration-exporter")
except PackageNotFoundError:  # run from a tree that was never installed
    __version__ = "0.0.0+unknown"
