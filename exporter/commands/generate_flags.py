"""The flags of `generate` that go before the section `generate:` of the configuration."""

import argparse
import shlex
from pathlib import Path

import msgspec

from exporter.config.sections.generate import findings, is_address, split_address
from exporter.core.defaults import PORTS
from exporter.core.errors import StartError
from exporter.core.generation import Generation, Peer


def override(generation: Generation, options: argparse.Namespace) -> Generation:
    """Return `generation` with the values of the flags; StartError names a flag that is invalid."""
    peers: dict[str, Peer] = {}
    for role in PORTS:
        given: list[str] = getattr(options, f"{role}_address") or []
        if given:
            peers[role] = _peer(getattr(generation, role), given, f"--{role}.address")
    if options.external_url:
        exporter = peers.get("exporter", generation.exporter)
        peers["exporter"] = msgspec.structs.replace(exporter, url=options.external_url)
    # Absolute: Alertmanager resolves relative paths from its own file, not from here.
    folder = str(Path(options.secrets_dir or generation.secrets.dir).absolute())
    secrets = msgspec.structs.replace(generation.secrets, dir=folder)
    result = msgspec.structs.replace(generation, secrets=secrets, **peers)
    for path, what, _ in findings(result):
        flag = "--web.external-url" if path[-1] == "url" else f"--{path[0]}.address"
        raise StartError(f"{flag} does not fit the configuration: {'.'.join(map(str, path))}: {what}")
    return result


def flags_of(options: argparse.Namespace) -> str:
    """Return the flags that change what is generated, as a shell takes them."""
    words = [
        f"--{role}.address={shlex.quote(address)}"
        for role in PORTS
        for address in getattr(options, f"{role}_address") or []
    ]
    if options.external_url:
        words.append(f"--web.external-url={shlex.quote(options.external_url)}")
    if options.secrets_dir:
        words.append(f"--secrets.dir={shlex.quote(str(Path(options.secrets_dir).absolute()))}")
    return " ".join(words)


def _peer(peer: Peer, given: list[str], flag: str) -> Peer:
    """Return `peer` at the addresses of a flag; a URL also says scheme and path."""
    addresses, routes = [], set()
    for text in given:
        parts = (text, "", "") if is_address(text) else split_address(text)
        if parts is None:
            raise StartError(
                f"{flag} is neither host:port nor a plain web address; write it like exporter.internal:10055"
                " or https://exporter.internal:10055/prefix"
            )
        addresses.append(parts[0])
        routes.add(parts[1:])
    # Prometheus has one scheme and one path for all targets of a job.
    if len(routes) > 1:
        raise StartError(f"{flag} is given with different schemes or paths; they are one scrape job")
    scheme, prefix = routes.pop()
    route = {"scheme": scheme, "path_prefix": prefix} if scheme else {}
    return msgspec.structs.replace(peer, addresses=tuple(addresses), **route)
