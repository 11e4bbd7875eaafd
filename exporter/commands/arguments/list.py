"""The command `list`."""

from exporter.commands.arguments._listing import listing

COMMAND = listing(95, None, "any stored list of a running exporter", "only what happened since then")
