"""Secrets in a native Alertmanager receiver: those that belong into a file, and those that have none there.

Keys are those of Alertmanager 0.25 (docs/configuration.md of prometheus/alertmanager at that tag).
"""

from collections.abc import Iterator
from typing import Any

from exporter.config.document.context import Path

IN_FILES: dict[str, tuple[str, ...]] = {
    "api_key": (),
    "api_url": ("slack_configs",),
    "auth_password": (),
    "bearer_token": (),
    "client_secret": (),
    "credentials": (),
    "password": (),
    "routing_key": ("pagerduty_configs",),
    "service_key": ("pagerduty_configs",),
}
"""Keys of credentials whose twin <key>_file Alertmanager 0.25 knows, and in which kinds; () all."""

IN_TEXT = ("api_secret", "auth_secret", "bot_token", "secret_key", "token", "user_key", "webhook_url")
"""Keys of credentials that 0.25 reads from its configuration alone; later versions have twins for some."""


def misplaced(receiver: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield the path and key of each credential that is in the text although a file can hold it."""
    for kind, path, key, _ in _texts(receiver):
        if key in IN_FILES and (not IN_FILES[key] or kind in IN_FILES[key]):
            yield path, key


def in_clear(receiver: dict[str, Any]) -> list[str]:
    """Return where credentials stand in the text that no file can hold, as telegram_configs.bot_token."""
    return [f"{kind}.{key}" for kind, _, key, _ in _texts(receiver) if key in IN_TEXT]


def credentials(receiver: dict[str, Any]) -> set[str]:
    """Return the texts of every credential in the receiver, for redaction."""
    return {text for _, _, key, text in _texts(receiver) if key in IN_TEXT or key in IN_FILES}


def _texts(value: Any, path: Path = (), kind: str = "") -> Iterator[tuple[str, Path, str, str]]:
    """Yield kind, path, key and value of every text below a key."""
    items = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for key, item in items:
        here, of = (*path, key), kind or str(key)
        if isinstance(item, str) and item and isinstance(key, str):
            yield of, here, key, item
        yield from _texts(item, here, of)
