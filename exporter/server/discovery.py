"""The addresses of every shard and replica, from templates: pure, so that each process answers the same."""

import re
from collections.abc import Iterable, Iterator
from itertools import product

from exporter.core.errors import StartError

PLACEHOLDERS = ("shard", "replica")
META = "__meta_integration_exporter_"
"""Prefix of the labels that relabelling may use; Prometheus drops what is left of them."""

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:[0-9]{1,5})?\Z")

Group = dict[str, object]


def validate_template(template: str) -> str:
    """Return `template`, the value of `--sd.address`, or raise StartError with the remedy."""
    example = re.sub(r"\{(shard|replica)\}", "0", template)
    if not _ADDRESS.match(example):
        raise StartError(
            f"--sd.address is {template!r}; write host:port, with {{shard}} and {{replica}} where they belong"
        )
    return template


def is_address(text: str) -> bool:
    """Return whether `text` is a host with or without a port, and nothing else."""
    return bool(_ADDRESS.match(text))


def groups(
    templates: Iterable[str], shards: int, replicas: int, *, https: bool = False, path: str = "/metrics"
) -> list[Group]:
    """Return the target groups of Prometheus' HTTP service discovery, one for each address.

    `{shard}` and `{replica}` in a template become each number from 0 on. Format:
    https://prometheus.io/docs/prometheus/latest/http_sd/
    """
    common = {"__scheme__": "https"} if https else {}
    if path != "/metrics":
        common["__metrics_path__"] = path
    found: dict[str, Group] = {}
    for template in templates:
        for address, places in _expand(template, {"shard": shards, "replica": replicas}):
            labels = common | {META + name: str(number) for name, number in places.items()}
            # Two templates may give one address: it is listed once, with the labels of the first.
            found.setdefault(address, {"targets": [address], "labels": labels})
    return list(found.values())


def _expand(template: str, counts: dict[str, int]) -> Iterator[tuple[str, dict[str, int]]]:
    named = [name for name in PLACEHOLDERS if f"{{{name}}}" in template]
    for numbers in product(*(range(counts[name]) for name in named)):
        places = dict(zip(named, numbers, strict=True))
        address = template
        for name, number in places.items():
            address = address.replace(f"{{{name}}}", str(number))
        yield address, places
