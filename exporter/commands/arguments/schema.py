"""The command `schema`."""

from exporter.commands.command import Command

COMMAND = Command(
    150, "the JSON Schema of the configuration file, for editors", "exporter.commands.schema:schema"
)
