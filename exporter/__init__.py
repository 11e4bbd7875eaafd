"""Prometheus exporter for the third-party integrations of a SaaS platform."""

# Not read from the metadata of the package: that takes longer than the rest of `--help`. A test compares.
__version__ = "0.1.0"
