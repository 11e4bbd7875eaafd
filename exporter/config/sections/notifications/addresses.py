"""What checks of channels have in common: addresses and certificates."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from exporter.config.document.context import Path
from exporter.config.document.values import is_given, is_missing
from exporter.core.hosts import ascii_host
from exporter.core.options import TlsOptions

NotificationIssue = tuple[Path, str, str]
"""Path below `notifications`, what is wrong, remedy."""


def own_certificate(tls: TlsOptions, path: Path) -> Iterator[NotificationIssue]:
    """Yield the finding that one of certificate and key is missing, if it is."""
    if is_given(tls.cert_file) != is_given(tls.key_file):
        yield path, "cert_file and key_file belong together", "give both or neither"


def web_address(text: str, path: Path) -> Iterator[NotificationIssue]:
    """Yield the finding that `text` is not a web address, if it is not one."""
    if is_missing(text):
        return
    try:
        parts = urlsplit(text)
        good = (
            parts.scheme in ("http", "https") and bool(ascii_host(parts.hostname or "")) and parts.port != 0
        )
    except ValueError:
        good = False
    if not good or not text.isprintable() or " " in text:
        yield path, f"{path[-1]} is no web address", "write it as https://host/path"
