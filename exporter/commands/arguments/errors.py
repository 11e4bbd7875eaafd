"""The command `errors`."""

from exporter.commands.arguments._listing import listing

COMMAND = listing(
    80, "errors", "failed checks of a running exporter, newest first", "only what happened since then"
)
