"""When and how probes run, what their results mean, and which series they show."""
