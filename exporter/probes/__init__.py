"""One file or package for each provider: options, metrics, alerts, check."""
