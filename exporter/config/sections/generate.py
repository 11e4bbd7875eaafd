"""Checks of `generate:` that types alone do not make."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from exporter.config.document.context import Path
from exporter.config.draft import Draft
from exporter.config.sections.notifications.addresses import NotificationIssue, web_address
from exporter.core.defaults import PORTS
from exporter.core.generation import PREFIX_PATTERN, Generation, Peer, PeerTls
from exporter.core.metric import RESERVED
from exporter.core.receiver_kinds import OLDEST, version_of

_OF_RULES = {"severity", "alertname", "alertstate", "scope", "cause", "component"}
_WELL_KNOWN = {"http": 80, "https": 443}
_PREFIX = re.compile(PREFIX_PATTERN)
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})")


def read(draft: Draft, part: Generation) -> Generation:
    """Return what `generate` writes; parts that do not fit together are mistakes."""
    for path, what, remedy in findings(part):
        draft.add_error(("generate", *path), what, remedy)
    return part


def fields(value: Generation) -> dict[str, Any]:
    """Return the settings as the configuration takes them."""
    return {"generation": value}


def findings(generation: Generation) -> list[NotificationIssue]:
    """Return what is wrong with `generation`: path below it, what, remedy."""
    return list(_findings(generation))


def _findings(generation: Generation) -> Iterator[NotificationIssue]:
    if generation.job in ("prometheus", "alertmanager"):
        yield ("job",), f"the job {generation.job} is another one's", "choose another name"
    for index, label in enumerate(generation.aggregation_labels):
        if label in RESERVED or label in _OF_RULES or label.startswith("__"):
            yield (
                ("aggregation_labels", index),
                f"the label {label} has its own part in the rules",
                "name a label of the environment",
            )
    for role in PORTS:
        yield from _peer(getattr(generation, role), (role,))
    if generation.exporter.url:
        yield from web_address(generation.exporter.url, ("exporter", "url"))
    if version_of(generation.alertmanager.version) < OLDEST:
        yield ("alertmanager", "version"), "this Alertmanager is too old", "use 0.25 or a later one"
    if generation.secrets.group and not generation.secrets.owner:
        yield ("secrets", "group"), "the group has no owner", "add owner:"


def _peer(peer: Peer, path: Path) -> Iterator[NotificationIssue]:
    for index, address in enumerate(peer.addresses):
        if not is_address(address):
            yield (*path, "addresses", index), "an address is not host:port", _written(address)
    if peer.basic_auth and peer.bearer_token_file:
        yield path, "both basic_auth and bearer_token_file are set", "keep one of them"
    if peer.basic_auth and not peer.basic_auth.password_file:
        yield (*path, "basic_auth", "password_file"), "no file is named", "name a file of that machine"
    if bool(peer.tls.cert_file) != bool(peer.tls.key_file):
        yield (*path, "tls"), "cert_file and key_file belong together", "give both or neither"
    if peer.tls != PeerTls() and peer.scheme == "http":
        yield (*path, "tls"), "tls is not used with the scheme http", "add scheme: https"


def is_address(text: str) -> bool:
    """Return whether `text` is host:port as Prometheus takes it for a target."""
    found = _HOST_PORT.fullmatch(text)
    return bool(found) and 1 <= int(text.rpartition(":")[2]) <= 65_535


def _written(text: str) -> str:
    """Return how an address is written; a URL is put into the keys that hold its parts."""
    parts = split_address(text)
    if parts is None:
        return "write it as exporter.internal:10055"
    address, scheme, prefix = parts
    keys = [f"addresses: [{address}]", f"scheme: {scheme}", f"path_prefix: {prefix}" if prefix else ""]
    return f"write {', '.join(filter(None, keys))}"


def split_address(url: str) -> tuple[str, str, str] | None:
    """Return host:port, scheme and path prefix of a plain web address, None for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port or _WELL_KNOWN.get(parts.scheme, 0)
    except ValueError:
        return None
    host, prefix = parts.hostname or "", "/" + parts.path.strip("/") if parts.path.strip("/") else ""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme in _WELL_KNOWN and is_address(address) and plain and _PREFIX.fullmatch(prefix):
        return address, parts.scheme, prefix
    return None
