"""A configuration while its sections are read, one after the other."""

from dataclasses import dataclass, field
from typing import Any

from exporter.config.document.context import Path
from exporter.config.document.source import Source
from exporter.config.layout import Layout
from exporter.config.load_context import LoadContext


@dataclass
class Draft:
    """What a section is read from. `values` are those of the sections before it, by their keys."""

    context: LoadContext
    source: Source
    layout: Layout
    values: dict[str, Any] = field(default_factory=dict)

    def add_error(self, path: Path, what: str, remedy: str) -> None:
        """Add a mistake at `path`, counted from the top of the file."""
        self.context.add_error(self.source.place(path), what, remedy)

    def keys_of(self, section: str) -> frozenset[str]:
        """Return the keys of a section that have a value in the document, with a mistake or without."""
        part = self.source.value.get(section)
        given = part.items() if isinstance(part, dict) else ()
        return frozenset(key for key, value in given if value is not None)
