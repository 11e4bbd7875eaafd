"""The command `changes`."""

from exporter.commands.arguments._listing import listing

COMMAND = listing(90, "changes", "changes of state, newest first", "only what happened since then")
