"""Holds what everybody may see, such as labels and names, apart from credentials."""

from exporter.config.reading import Reading
from exporter.config.redactor import Redactor

SURE = 12
"""Shorter credentials may be ordinary words that stand in a label with every right."""


def blame_public_credentials(reading: Reading) -> None:
    """Blame public texts that hold a credential of the configuration, such as by the same `${NAME}`."""
    clean = Redactor(secret for secret in reading.secrets if len(secret) >= SURE).clean
    for public in reading.public:
        if clean(public.text) != public.text:
            reading.blame(
                public.place(), f"{public.what} holds a credential", "everybody can see it: remove it there"
            )
