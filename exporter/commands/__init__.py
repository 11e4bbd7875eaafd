"""One file for each command: what it does; cli.py imports it when it is asked for."""
