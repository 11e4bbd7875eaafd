"""Environment variables that are set without effect: unknown, unused, or overridden by the file."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from exporter.commands.doctor.finding import Area, Finding
from exporter.config.assemble import SWITCHES
from exporter.config.catalogue import Catalogue
from exporter.config.environment import names_read
from exporter.config.sections.store import VARIABLES
from exporter.core.defaults import TOKEN_FILE_VARIABLE, TOKEN_VARIABLE, URL_VARIABLE

OWN = ("INTEGRATION_EXPORTER_", "MONITORING_", "ALERT_")
"""Prefixes of our own variables; others, such as STRIPE_..., may belong to the platform."""

ALIKE = 0.9
"""The ratio of difflib from which one name is taken for a misspelling of another."""

AREA = Area("environment")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")
_LONGEST = 4 << 20
_READ = (".yml", ".yaml", ".json")


@dataclass(frozen=True)
class ConfigFile:
    """The configuration file: its content, and the names that it and its tenant files use as `${NAME}`."""

    document: Any
    names: frozenset[str]

    @classmethod
    def of(cls, text: str, others: frozenset[str] = frozenset()) -> "ConfigFile":
        """Read the names in `text` and in those of the files `others` that hold rows."""
        texts = [text, *(_text(Path(name)) for name in sorted(others) if name.endswith(_READ))]
        names = frozenset(name for one in texts for name in _REFERENCE.findall(one))
        return cls(_document(text), names)

    def sets(self, *path: str) -> bool:
        """Return whether the file has a value at `path`."""
        value = self.document
        for key in path:
            if not isinstance(value, dict) or key not in value:
                return False
            value = value[key]
        return value is not None


def findings(environ: Mapping[str, str], catalogue: Catalogue, file: ConfigFile | None) -> Iterator[Finding]:
    """Check `environ`; `file` is None where the environment alone is the configuration. No value is shown."""
    credentials = names_read(catalogue)
    defaults = _defaults(catalogue)
    known = credentials | defaults.keys() | {*SWITCHES, URL_VARIABLE, TOKEN_VARIABLE, TOKEN_FILE_VARIABLE}
    found = {name for name, value in environ.items() if value}
    used = found & known
    idle: set[str] = set()
    for name in sorted(used):
        if file is None or name in file.names:
            continue
        if name in credentials:
            idle.add(name)
            yield AREA.note(
                f"{name} is set and not used: with a file, only variables that it names are",
                f"write ${{{name}}} where it is wanted, or unset it",
            )
        elif name in defaults and file.sets(*defaults[name]):
            idle.add(name)
            yield AREA.note(
                f"{name} is set and not used: the file says {'.'.join(defaults[name])} itself",
                "remove one of the two",
            )
    yield from _misspellings(found - known - (file.names if file else frozenset()), known, found)
    if used - idle:
        yield AREA.ok(f"{len(used - idle)} environment variables are used")


def _defaults(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """Return the variables that are defaults, each with the path in the file that overrides it."""
    thresholds: dict[str, tuple[str, ...]] = {
        name: ("thresholds", family.name, str(severity))
        for family in catalogue.families.values()
        for severity, name in family.environment
    }
    return thresholds | {name: ("store", "retention", table) for name, (table, _) in VARIABLES.items()}


def _misspellings(unread: set[str], known: set[str], found: set[str]) -> Iterator[Finding]:
    """Yield variables that nothing reads but that look like ours."""
    for name in sorted(unread):
        # Names that are set already cannot be meant by a misspelling.
        close = get_close_matches(name, sorted(known - found), n=1, cutoff=ALIKE)
        if not close and not name.startswith(OWN):
            continue
        close = close or get_close_matches(name, sorted(known - found), n=1)
        remedy = f"did you mean {close[0]}?" if close else "unset it, or see docs/configuration.md"
        yield AREA.note(f"{name} is set, and nothing reads it", remedy)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8") if path.stat().st_size <= _LONGEST else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _document(text: str) -> Any:
    # The C loader where it is built in: a file of 10,000 tenants takes the other one six seconds.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(text, loader)  # noqa: S506 - both are safe loaders
    except yaml.YAMLError:
        return None
