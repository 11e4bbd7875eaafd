"""Measurements, each a command: `python -m benchmarks.<name>`. docs/performance.md tells what they showed."""
