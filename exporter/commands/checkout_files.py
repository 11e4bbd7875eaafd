"""Every generated file of the checkout: the bundle's, and what the server's own tables bring."""

from exporter.generate import api_page
from exporter.generate.bundle import files
from exporter.server.openapi import document


def checkout_files() -> dict[str, str]:
    """Return every generated file by relative path."""
    # Here and not below: what is generated knows nothing of the server, which is on the same floor.
    return {**files(), api_page.PATH: api_page.api_page(document())}
