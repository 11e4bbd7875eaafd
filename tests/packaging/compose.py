"""What docker-compose.yml says, with the defaults of its variables filled in."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TEXT = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (ROOT / "docker-compose.yml").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
FILES = ROOT / "deploy/compose"
SECRETS: dict[str, str] = {name: Path(given["file"]).name for name, given in COMPOSE["secrets"].items()}
NAMES = sorted(SERVICES)


def mounts(service: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for volume in service.get("volumes", ()):
        source, target, *mode = volume.split(":")
        yield source, target, *(mode or [""])
