"""What an operator who generates should know: dead links, secrets that Alertmanager cannot read."""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from exporter.core.defaults import LOOPBACK_HOSTS
from exporter.core.generation import Generation, exporter_url
from exporter.core.notifications import Notifications

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""The variable in which systemd names the folder of a service's credentials (systemd.exec(5))."""

_CREDENTIALS_FOLDER = Path("/run/credentials")


def find_dead_links(notifications: Notifications, generation: Generation) -> Iterator[tuple[str, str]]:
    """Yield what links of messages lead nowhere, each with its remedy."""
    base = exporter_url(generation)
    if urlsplit(base).hostname in LOOPBACK_HOSTS:
        yield (
            f"links in messages lead to {base}, which opens on this machine alone",
            "set generate.exporter.url to what people open the exporter by",
        )
    if not notifications.grafana_url:
        yield "messages link to no dashboard", "set notifications.grafana_url"


def find_systemd_credentials(references: Iterable[str], environ: Mapping[str, str]) -> list[str]:
    """Return those of `references` that systemd shows to one service alone, and only while it runs.

    A $CREDENTIALS_DIRECTORY that is not below /run is the folder of the files themselves, given by hand.
    """
    given = Path(environ.get(CREDENTIALS, "/"))
    folders = [_CREDENTIALS_FOLDER, *([given] if given.is_relative_to("/run") else [])]
    return [path for path in references if any(Path(path).is_relative_to(folder) for folder in folders)]


def find_closed(references: Iterable[str]) -> list[str]:
    """Return those of `references` that not every user can read, with owner and mode."""
    found = []
    for path in references:
        try:
            about = Path(path).stat()
        except OSError:
            # What this user cannot look at, Alertmanager's user may be able to read.
            continue
        if not about.st_mode & stat.S_IROTH:
            found.append(f"{path} (uid {about.st_uid}, {stat.S_IMODE(about.st_mode):04o})")
    return found


def is_root() -> bool:
    """Return whether files can be given to another user."""
    return os.geteuid() == 0
