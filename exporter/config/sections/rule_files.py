"""`rule_files:` rule files of the user's own, read and checked as far as that needs no Prometheus."""

import glob
import os
import re
from collections.abc import Iterator
from typing import Any

from exporter.config.document.context import Path
from exporter.config.document.files import UNNAMED, FileProblem, read_text
from exporter.config.document.source import YamlSource, read_yaml
from exporter.config.document.values import Expander
from exporter.config.draft import Draft
from exporter.config.rule_shape import RuleShape
from exporter.core.event_settings import EventSettings
from exporter.core.own_alert import OwnAlert, RuleFileText
from exporter.core.quoting import is_plain_path

NEEDS = ("alerts", "events")
WILDCARDS = frozenset("*?[")
_ODD = re.compile(r"[^A-Za-z0-9_.]+")


def read(draft: Draft, part: tuple[str, ...]) -> tuple[RuleFileText, ...]:
    """Return the files that `part` names, each once, in the order of their names."""
    own: tuple[OwnAlert, ...] = draft.values["alerts"]
    catalogue = draft.context.catalogue
    declared: EventSettings = draft.values["events"]
    alerts = catalogue.alerts | declared.alert_names | {one.name for one in own}
    shape = RuleShape(draft.context.add_error, alerts, catalogue.records)
    found: dict[str, RuleFileText] = {}
    for index, pattern in enumerate(part):
        for file in _matching(draft, pattern, ("rule_files", index)):
            if file in found or (text := _text(draft, file, pattern, ("rule_files", index))) is None:
                continue
            _check(draft, shape, file, text)
            found[file] = RuleFileText(_name(draft, file), file, text)
    _check_names(draft, found.values())
    return tuple(sorted(found.values(), key=lambda one: one.name))


def fields(value: tuple[RuleFileText, ...]) -> dict[str, Any]:
    """Return the files as the configuration takes them."""
    return {"rule_files": value}


def _matching(draft: Draft, pattern: str, path: Path) -> list[str]:
    full = draft.context.path(pattern)
    # Watched even where nothing matches yet: a new file must count as a change.
    draft.context.files.add(full)
    if WILDCARDS.isdisjoint(pattern) or os.path.lexists(full):
        return [full]
    try:
        found = sorted(glob.glob(full, recursive=True))  # noqa: PTH207 -- the pattern is absolute
    except (OSError, ValueError, RecursionError):
        draft.add_error(path, "the pattern cannot be used", "correct the wildcards")
        return []
    draft.context.files.update(found)
    if not found:
        # Tenant files may be none yet; alerts that somebody counts on must not be missing unnoticed.
        draft.add_error(path, "no file has such a name", "correct the pattern, or remove it")
    return found


def _text(draft: Draft, file: str, pattern: str, path: Path) -> str | None:
    try:
        return read_text(file, shown="" if is_plain_path(pattern) else UNNAMED).text
    except FileProblem as problem:
        draft.add_error(path, problem.what, problem.remedy)
        return None


def _check(draft: Draft, shape: RuleShape, file: str, text: str) -> None:
    # Without variables: `$labels` and `$value` are Prometheus' own.
    source = read_yaml(_without_dollars(text), file, Expander({}), draft.context.add_error)
    if isinstance(source, YamlSource):
        shape.check(source)


def _without_dollars(text: str) -> str:
    # As long as before, so that lines and columns stay.
    return text.replace("$", "_")


def _name(draft: Draft, file: str) -> str:
    """Return the name of the copy: by the path below the configuration's folder, so that it says whose."""
    relative = os.path.relpath(file, draft.context.base)
    stem = relative.removesuffix(".yaml").removesuffix(".yml")
    return f"own-{_ODD.sub('-', stem).strip('.-')}"


def _check_names(draft: Draft, files: Any) -> None:
    seen: dict[str, str] = {}
    for one in files:
        if (other := seen.setdefault(one.name, one.path)) != one.path:
            for what in _clash(one, other):
                draft.add_error(("rule_files",), what, "rename one of them")


def _clash(one: RuleFileText, other: str) -> Iterator[str]:
    yield f"{other} and {one.path} would both be copied to {one.name}.yml"
