"""The file of the admin token: who may read it may change things where no access is configured.

It is in a folder of state that belongs to the exporter's own user, so that the commands of this user,
and root's, find it by themselves.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from exporter.core.errors import StartError
from exporter.core.secret import Secret

NAME = "admin-token"
FOLDER = "integration-exporter"
LONGEST = 4096
"""Bytes of a token file at most."""

_ANOTHER = "name a file of the exporter's own by --web.admin-token-file"

SERVICE = Path("/var/lib") / FOLDER / NAME
"""Where the service of systemd keeps its own."""


def own_path(environment: Mapping[str, str]) -> Path | None:
    """Return where an exporter with this environment keeps its token; None where there is no home.

    systemd names the folder of a service's state in $STATE_DIRECTORY (systemd.exec(5)), others keep to the
    XDG Base Directory Specification.
    """
    if state := environment.get("STATE_DIRECTORY", "").partition(":")[0]:
        return Path(state) / NAME
    base, home = environment.get("XDG_STATE_HOME", ""), environment.get("HOME", "")
    if base.startswith("/"):  # the specification: a path that is not absolute is passed over
        return Path(base) / FOLDER / NAME
    return Path(home) / ".local" / "state" / FOLDER / NAME if home.startswith("/") else None


def usual_paths(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Return where a command of this user looks for the token of an exporter of this machine."""
    own = own_path(environment)
    return tuple(dict.fromkeys(filter(None, (own, SERVICE))))


def create_or_read(path: Path) -> Secret:
    """Return the token at `path`, creating it where there is none; raises StartError with the remedy."""
    try:
        if not path.exists():
            _create(path)
    except (OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or "this is no path"
        raise StartError(f"{path} cannot be written ({what}); {_ANOTHER}") from None
    return read(path)


def read(path: Path) -> Secret:
    """Return the token at `path`; raises StartError where it is not one, or others may read or write it."""
    try:
        # O_NONBLOCK: a FIFO in its place must not hang the start. What is checked below is what was opened.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or "this is no path"
        raise StartError(f"{path} cannot be read ({what}); {_ANOTHER}") from None
    try:
        _check_owner(path, os.fstat(descriptor))
        text = os.read(descriptor, LONGEST + 1)
    finally:
        os.close(descriptor)
    # Letters of ASCII alone, so that it fits into a header.
    if not 16 <= len(text.strip()) <= LONGEST or any(not 0x21 <= sign <= 0x7E for sign in text.strip()):
        raise StartError(f"{path} holds no token; remove it, and the exporter makes a new one at its start")
    return Secret(text.strip().decode(), str(path))


def _check_owner(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise StartError(f"{path} is no file; {_ANOTHER}")
    # The group may read, where an operator wants to share the token; writing would let it choose one.
    if found.st_mode & (stat.S_IWGRP | stat.S_IRWXO):
        raise StartError(
            f"{path} is open to other users; make a new token: chmod 600 it, and exchange its text"
        )
    if os.geteuid() != 0 and found.st_uid not in (0, os.geteuid()):
        raise StartError(
            f"{path} belongs to another user; remove it, or name another by --web.admin-token-file"
        )


def _create(path: Path) -> None:
    """Write a new token in one step; of two processes that do so at once the last one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written beside it and renamed, so that no reader ever sees half a token.
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123 -- a Path has no descriptor
            stream.write(f"{secrets.token_urlsafe(32)}\n".encode())
        fresh.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
