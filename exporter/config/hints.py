"""What an operator probably meant: files that are here and not read, variables that nothing reads."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches

from exporter.config.catalogue import Catalogue
from exporter.config.environment import names_read
from exporter.core.configuration import Configuration
from exporter.core.probe import Probe

_OURS = re.compile(r"\.?integration[-_. ]?exporter([-_.].*)?\.(ya?ml|json|conf|cfg)(\.txt)?", re.IGNORECASE)
"""Names of files that look like that of the configuration."""

_CREDENTIAL = re.compile(r"(KEY|TOKEN|SECRET|SID|URL|PASS|PASSWORD|USER|USERNAME|ID|HOST)$")
_OTHERS_TOO = frozenset({"ALERT", "NEXT", "GOOGLE"})
"""First words of our variables that many other programs use as well."""


def with_hints(configuration: Configuration, hints: Iterator[str]) -> Configuration:
    """Return the configuration with `hints` among its notes, also where it is shown."""
    more = tuple(hints)
    head = "".join(f"# {note}\n" for note in more)
    return replace(
        configuration, notes=(*configuration.notes, *more), redacted_text=head + configuration.redacted_text
    )


def files_passed_over(default: str) -> Iterator[str]:
    """Yield a sentence on each file in the working folder that looks like ours and is not read."""
    there = os.path.lexists(default)
    for name in sorted(os.listdir()):  # noqa: PTH208 -- names alone are wanted
        if name != default and _OURS.fullmatch(name):
            yield (
                f"{name} is here and is not read"
                + (f", because {default} is;" if there else f": without --config.file only {default} is;")
                + " rename it, or name it by --config.file"
            )


def variables_passed_over(
    environ: Mapping[str, str], catalogue: Catalogue, configuration: Configuration
) -> Iterator[str]:
    """Yield what the environment alone does not configure, and variables that look as if they should."""
    unset = [probe for _, probe in sorted(catalogue.probes.items()) if _is_unset(probe, environ)]
    known = [probe for probe in catalogue.probes.values() if probe.environment]
    # Without targets monitoring is switched off, and nothing is missed.
    if len(unset) == len(known) and configuration.targets:
        example = next(_variables(probe) for probe in sorted(unset, key=lambda one: not one.needs))
        yield (
            "nothing is monitored: there is no configuration file, and no variable of any provider is set;"
            f" write a file, or set a variable such as {example}"
        )
    elif unset:
        names = ", ".join(f"{probe.name} ({_variables(probe)})" for probe in unset)
        yield (
            f"these providers stay not_configured, because no variable of theirs is set: {names};"
            " with a configuration file only the integrations that it names are shown"
        )
    for probe in known:
        if probe not in unset and probe.token_option and probe.token_option not in probe.environment:
            yield f"{probe.name} needs a {probe.token_option}, which no variable sets: write a file for it"
    yield from _near(environ, names_read(catalogue))


def _is_unset(probe: Probe, environ: Mapping[str, str]) -> bool:
    names = [name for names in probe.environment.values() for name in names]
    return bool(names) and not any(environ.get(name) for name in names)


def _variables(probe: Probe) -> str:
    """Return the variables of what the probe needs, of all options where it needs none for sure."""
    wanted = [option for option in probe.environment if option in probe.needs] or list(probe.environment)
    return ", ".join(probe.environment[option][0] for option in wanted)


def _near(environ: Mapping[str, str], read: set[str]) -> Iterator[str]:
    """Yield variables named like a vendor's credential that nothing reads, beside one that is unset."""
    for name in sorted(environ.keys() - read):
        ending = _CREDENTIAL.search(name)
        if not ending or not environ[name]:
            continue
        vendor = name.partition("_")[0]
        meant = sorted(one for one in read if one.partition("_")[0] == vendor and not environ.get(one))
        alike = [one for one in meant if one.endswith(ending[0])] or meant
        # A variable that other programs use as well is named only where it is nearly one of ours.
        close = get_close_matches(name, alike, n=1, cutoff=0.85 if vendor in _OTHERS_TOO else 0.0)
        if close:
            yield f"{name} is set and is not read; did you mean {close[0]}?"
