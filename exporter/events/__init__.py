"""One file for each kind of event that apps report: its fields, its series, what it counts."""
