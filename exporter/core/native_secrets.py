"""Credentials in the text of a native Alertmanager receiver."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from exporter.core.receiver_kinds import (
    LISTED_SECRETS,
    NESTED_SECRETS,
    OLDEST,
    RECEIVER_KINDS,
    WITHOUT_FILE,
    Version,
)

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class InlineSecret:
    """One credential: the kind that it is in, its path in the receiver, and its text."""

    kind: str
    path: Place
    text: str = field(repr=False)

    @property
    def key(self) -> str:
        """Its key; of a value in a list, that of the list."""
        return next(part for part in reversed(self.path) if isinstance(part, str))

    @property
    def file_since(self) -> Version | None:
        """The version since which a file can hold it; None where none can."""
        kind = RECEIVER_KINDS.get(self.kind)
        if kind and self.key in kind.secrets and len(self.path) == 3:
            return kind.keys.get(f"{self.key}_file")
        return OLDEST if self.key in NESTED_SECRETS else None


def inline_secrets(receiver: dict[str, Any]) -> Iterator[InlineSecret]:
    """Yield each credential in the text, at its own key or below `http_config`, `tls_config` and `sigv4`."""
    for kind, configs in receiver.items():
        own = RECEIVER_KINDS[kind].secrets if kind in RECEIVER_KINDS else ()
        for path, text in _texts(configs, (kind,)):
            key = next(part for part in reversed(path) if isinstance(part, str))
            top = len(path) == 3
            if text and (key in own if top else key in (*NESTED_SECRETS, LISTED_SECRETS, WITHOUT_FILE)):
                yield InlineSecret(kind, path, text)


def has_twin(receiver: dict[str, Any], secret: InlineSecret) -> bool:
    """Return whether a file is named beside the credential as well."""
    place: Any = receiver
    for part in secret.path[:-1]:
        place = place[part]
    return isinstance(place, dict) and f"{secret.key}_file" in place


def _texts(value: Any, path: Place) -> Iterator[tuple[Place, str]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if isinstance(item, str):
            yield (*path, key), item
        else:
            yield from _texts(item, (*path, key))
