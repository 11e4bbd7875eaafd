"""What one load of the configuration gathers, beside what reading any document does."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from exporter.config.catalogue import Catalogue
from exporter.config.document.context import DocumentContext
from exporter.config.document.source import Source
from exporter.core.configuration import TenantFeed


class FeedContext(Protocol):
    """The feeds of tenants during one load; see config/feeds/feeds.py."""

    def rows(self, question: Any) -> tuple[Any, list[tuple[int, Any]]]:
        """Return the source of all rows of a question, and the rows to use with their index."""

    def holds(self, place: str, file: str) -> bool:
        """Return whether the last good row of the tenant of the row at `place` names the secret `file`."""

    def row_cache(self, integration: str, context: Any) -> Any:
        """Return what was made of the rows of an integration in an equal context."""


@dataclass
class LoadContext(DocumentContext):
    """The state of one load; handed to every part of it.

    `feeds` is where tenants from outside come from, `tenant_feeds` are those that were asked. `notes` are
    sentences for the operator. `documents` are the files of tenants that were read, by name and by whether
    they may use variables: several integrations may name one. `prints` are those of the rows of such a file,
    by the identity of its document, which lives as long.
    """

    catalogue: Catalogue = field(kw_only=True)
    notes: list[str] = field(default_factory=list)
    feeds: FeedContext | None = None
    tenant_feeds: list[TenantFeed] = field(default_factory=list)
    documents: dict[tuple[str, bool], Source | None] = field(default_factory=dict)
    prints: dict[int, list[bytes | None]] = field(default_factory=dict)
