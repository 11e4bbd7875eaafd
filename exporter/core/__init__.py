"""The nouns of the product: metric, alert, probe, target, result, reason, secret. No I/O."""
