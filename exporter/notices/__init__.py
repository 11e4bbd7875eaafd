"""What Alertmanager sends to us: every alert that fires or is resolved, stored once."""
