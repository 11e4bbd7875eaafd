"""One file for each simulated vendor; none imports the probe that it answers."""
