"""`schema`: the JSON Schema of the configuration file, for editors."""

import argparse

from exporter.generate.bundle import schema_text


def schema(_options: argparse.Namespace) -> int:
    """Print the schema of this version."""
    print(schema_text(), end="")
    return 0
