"""Which targets a process serves when several share a configuration: by a stable hash, without talking."""

import hashlib
from dataclasses import replace

from exporter.core.configuration import Configuration, Shard
from exporter.core.probe import Target
from exporter.core.secret import Secret

_IN_A_DIGEST = 8
_WEIGHT = 8  # bytes; a BLAKE2b digest of 64 holds the weights of eight shards


def shard_of(name: bytes, count: int) -> int:
    """Return the shard from 0 to `count` - 1 that `name` belongs to, the same in every process and version.

    Rendezvous hashing: each shard has a weight for each name and the heaviest gets it. So with one shard
    more only the names that it gets move, one in `count`.
    """
    digests = (
        hashlib.blake2b(name, salt=block.to_bytes(16, "big")).digest()
        for block in range(-(-count // _IN_A_DIGEST))
    )
    # Bytes compare like the numbers that they are, and two shards practically never weigh the same.
    weights = b"".join(digests)
    return max(range(count), key=lambda index: weights[_WEIGHT * index : _WEIGHT * (index + 1)])


def part_of(configuration: Configuration, index: int, count: int) -> Configuration:
    """Return what the shard `index` of `count` serves: its targets, and the overrides of their thresholds.

    Integrations and their default thresholds are the same everywhere: a rule that compares must find them
    wherever a target is. Targets that share a call budget stay together, so that it need not be divided.
    """
    if count == 1:
        return configuration
    places = {key: shard_of(_name(target), count) for key, target in configuration.targets.items()}
    elsewhere = frozenset(key for key, place in places.items() if place != index)
    return replace(
        configuration,
        targets={key: target for key, target in configuration.targets.items() if places[key] == index},
        thresholds=tuple(
            one
            for one in configuration.thresholds
            # A tenant's override goes with its target, so that one process alone exports it.
            if (one.integration, one.tenant) not in elsewhere or not one.tenant
        ),
        shard=Shard(index, count, elsewhere),
    )


def _name(target: Target) -> bytes:
    """Return what places a target: its credential where that has an allowance to keep, else its key."""
    probe = target.probe
    shared = getattr(target.options, probe.credential, None) if probe.credential else None
    # The words `credential` and `target` keep a credential from being taken for an integration's name.
    if probe.allowance and isinstance(shared, Secret) and shared and not target.over_budget:
        return b"\0".join((b"credential", probe.name.encode(), shared.reveal().encode()))
    return b"\0".join((b"target", target.integration.encode(), target.tenant.encode()))
