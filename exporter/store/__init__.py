"""Keeps state across restarts: tables, migrations, one writer thread."""
