"""Holds labels, which everybody may see, apart from credentials."""

from exporter.config.reading import Reading
from exporter.config.redactor import Redactor

SURE = 12
"""Shorter credentials may be ordinary words that stand in a label with every right."""


def blame_secret_labels(reading: Reading) -> None:
    """Blame labels whose value holds a credential of the configuration, such as by the same `${NAME}`."""
    clean = Redactor(secret for secret in reading.secrets if len(secret) >= SURE).clean
    for value, place in reading.labels:
        if clean(value) != value:
            reading.blame(
                place(), "the value of a label holds a credential", "labels are shown to all: remove it there"
            )
