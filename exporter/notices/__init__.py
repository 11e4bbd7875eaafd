"""Alerts once they have fired: kept as a history, acknowledged, assigned, fired by hand, tested."""
