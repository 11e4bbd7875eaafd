"""Cases of the common alerts: series that must raise an alert, and series that must not."""
