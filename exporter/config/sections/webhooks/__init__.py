"""`webhooks:` who sends webhooks here, and who gets them from here."""

from typing import Any

from exporter.config.draft import Draft
from exporter.config.layout_webhooks import WebhooksPart
from exporter.config.sections.webhooks.checks import base_address
from exporter.config.sections.webhooks.endpoints import EndpointReader
from exporter.config.sections.webhooks.sources import SourceReader
from exporter.core.webhook import Webhooks

NEEDS = ("defaults", "integrations")


def read(draft: Draft, part: WebhooksPart) -> Webhooks:
    """Return every source and endpoint that is sound enough to be built."""
    if part.public_url:
        for path, what, remedy in base_address(part.public_url, ("public_url",)):
            draft.add_error(("webhooks", *path), what, remedy)
    # One with a mistake is there all the same: nothing is said about its absence.
    is_public = "public_url" in draft.keys_of("webhooks")
    sources = SourceReader(draft, is_public=is_public).read_all(part.sources)
    return Webhooks(part.public_url.rstrip("/"), sources, EndpointReader(draft).read_all(part.endpoints))


def fields(value: Webhooks) -> dict[str, Any]:
    """Return the webhooks as the configuration takes them."""
    return {"webhooks": value}
