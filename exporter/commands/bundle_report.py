"""The report of `generate` on a bundle: its files, the next steps, notes and warnings."""

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from exporter import registry
from exporter.core.configuration import Configuration
from exporter.generate import paths
from exporter.generate.bundle import UserFiles, rule_files
from exporter.generate.notes import (
    find_closed,
    find_dead_links,
    find_systemd_credentials,
    is_root,
)
from exporter.generate.receivers import AWS_CREDENTIALS


@dataclass(frozen=True)
class Line:
    """One line of the report; a warning is for stderr."""

    text: str
    warning: bool = False


def report_lines(out: Path, bundle: UserFiles, configuration: Configuration, removed: int) -> Iterator[Line]:
    """Yield the report, line by line."""
    rules = [name for name in bundle.files if name.startswith(f"{paths.RULES}/")]
    gone = f", {removed} that are generated no more removed" if removed else ""
    yield Line(f"{len(bundle.files)} files written to {out}{gone}")
    used = sorted({one.probe.name for one in configuration.integrations})
    yield Line(
        f"rules: {len(rules)} of {len(rule_files())} files, for the providers in use"
        f" ({', '.join(used) or 'none'} of {len(registry.probes())}); generate again when another one comes"
    )
    if bundle.secrets:
        count = f"{len(bundle.secrets)} secret{'s' if len(bundle.secrets) > 1 else ''}"
        yield Line(f"{count} written to {bundle.generation.secrets.dir}, mode 0600")
    yield Line("next:")
    yield from (Line(f"  {step}") for step in _steps(out, bundle))
    yield from (Line(f"note: {note}") for note in _notes(bundle, configuration))
    yield from (Line(f"warning: {warning}", warning=True) for warning in _warnings(bundle))


def _steps(out: Path, bundle: UserFiles) -> Iterator[str]:
    folder = shlex.quote(str(out.absolute()))
    secrets = bundle.generation.secrets
    owner = f"{secrets.owner or 'prometheus'}:{secrets.group}"
    if bundle.secrets and not (secrets.owner and is_root()):
        hint = "" if secrets.owner else "   # the user that Alertmanager runs as: generate.secrets.owner"
        yield f"chown -R {owner} {shlex.quote(secrets.dir)}{hint}"
    yield f"promtool check config {folder}/{paths.PROMETHEUS}"
    yield f"amtool check-config {folder}/{paths.ALERTMANAGER}"
    yield f"prometheus --config.file={folder}/{paths.PROMETHEUS}"
    variable = f"AWS_SHARED_CREDENTIALS_FILE={shlex.quote(f'{secrets.dir}/{AWS_CREDENTIALS}')} "
    aws = variable if AWS_CREDENTIALS in bundle.secrets else ""
    yield f"{aws}alertmanager --config.file={folder}/{paths.ALERTMANAGER}"
    yield f"Grafana: dashboards and provisioning are in {folder}/{paths.GRAFANA}, see docs/dashboards.md"
    yield "they run already with these files: systemctl reload prometheus prometheus-alertmanager"
    yield "they run with files of their own: into-yours.yml in both folders, see docs/into-what-you-have.md"


def _notes(bundle: UserFiles, configuration: Configuration) -> Iterator[str]:
    for what, remedy in find_dead_links(configuration.notifications, bundle.generation):
        yield f"{what}; {remedy}"
    systemd = find_systemd_credentials(bundle.references, os.environ)
    if unreadable := find_closed(path for path in bundle.references if path not in systemd):
        yield f"Alertmanager's user must be able to read {', '.join(unreadable)}"


def _warnings(bundle: UserFiles) -> Iterator[str]:
    for path in find_systemd_credentials(bundle.references, os.environ):
        yield (
            f"alertmanager.yml names {path}, which systemd shows to one service alone and only while it runs;"
            " give the secret a file that Alertmanager can read"
        )
