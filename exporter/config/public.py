"""Keeps credentials out of public texts, such as labels and names."""

from collections.abc import Iterable

from exporter.config.document.context import Public
from exporter.config.load_context import LoadContext
from exporter.config.redactor import Redactor

SURE = 12
"""Shorter credentials may be ordinary words that a label may rightly hold."""


def check_public_credentials(context: LoadContext) -> None:
    """Refuse public texts that hold a credential of the configuration, such as by the same `${NAME}`.

    Credentials in rows from outside count for their own rows alone: else a row could name a text of another
    as its credential, and have that one refused.
    """
    check_label_credentials(context, context.secrets, context.public)


def check_label_credentials(context: LoadContext, secrets: Iterable[str], texts: Iterable[Public]) -> None:
    """Refuse each of the public `texts` that holds one of `secrets`."""
    clean = Redactor(secret for secret in secrets if len(secret) >= SURE).clean
    # The redactor finds a credential in thousands of texts at once: a text that it changes holds one.
    for public in texts:
        if clean(public.text) != public.text:
            context.add_error(
                public.place(), f"{public.what} holds a credential", "everybody can see it: remove it there"
            )
