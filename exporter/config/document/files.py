"""Reading files without ever being surprised by what they are."""

import os
import re
import stat
from dataclasses import dataclass

UNNAMED = "that it names"
"""Replaces a path that may be a credential in the wrong place: `the file that it names is empty`."""

MAX_CONFIG = 32 << 20
MAX_SECRET = 256 << 10
"""Bounds in bytes: 10,000 tenants are about 1 MiB."""

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@dataclass
class FileProblem(Exception):
    """A file that cannot be used: what is wrong with it and what to do. Neither quotes its content."""

    what: str
    remedy: str


@dataclass(frozen=True)
class Content:
    """Text of a file and its identity (device, inode)."""

    text: str
    identity: tuple[int, int]


def read_text(path: str, limit: int = MAX_CONFIG, shown: str = "") -> Content:
    """Return the UTF-8 text of the regular file `path` of at most `limit` bytes, or raise FileProblem.

    Messages name the file as `shown`, by its path where that is empty.
    """
    data, identity = read_bytes(path, limit, shown)
    try:
        return Content(data.decode("utf-8-sig"), identity)
    except UnicodeDecodeError:
        raise FileProblem(f"the file {shown or path} is not UTF-8 text", "save it as UTF-8") from None


def read_bytes(path: str, limit: int, shown: str = "") -> tuple[bytes, tuple[int, int]]:
    """Return what is in the regular file `path`, and its device and inode, or raise FileProblem."""
    shown = shown or path
    try:
        # O_NONBLOCK: opening a named pipe without a writer must not wait for ever
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            # Of the open file, not of the path, which may lead elsewhere by now.
            facts = os.fstat(stream.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise _not_regular(shown, facts.st_mode)
            # One byte more than allowed: a size says nothing of a file that grows, or of one in /proc.
            data = stream.read(limit + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(shown, error) from None
    if len(data) > limit:
        raise FileProblem(f"the file {shown} is larger than {limit >> 10} KiB", "make it smaller")
    return data, (facts.st_dev, facts.st_ino)


def read_secret(path: str, shown: str = "") -> Content:
    """Return the credential in the file `path` without its last line break, or raise FileProblem."""
    content = read_text(path, MAX_SECRET, shown)
    # Only the last line break, which editors add: other white space may belong to the credential.
    text = content.text.removesuffix("\n").removesuffix("\r")
    if not text.strip():
        raise FileProblem(f"the file {shown or path} is empty", "put the credential into it")
    return Content(text, content.identity)


def below(directory: str, name: str) -> str:
    """Return the real path of the plain name `name` directly in `directory`, or raise FileProblem.

    This is the only way in which rows that are not trusted name files: no folder, no `..`, no link
    that leads out.
    """
    if not _PLAIN_NAME.fullmatch(name):
        raise FileProblem(
            "a tenant's row may name only plain file names below tenants.secrets_dir",
            "write the name of a file in that folder, without any path",
        )
    folder = os.path.realpath(directory)
    real = os.path.realpath(os.path.join(folder, name))  # noqa: PTH118 -- beside realpath, in one style
    # With the slash: /secrets-old is not below /secrets.
    if not real.startswith(folder.rstrip("/") + "/"):
        raise FileProblem("the file leads out of tenants.secrets_dir", "put the file itself into the folder")
    return real


def check_readable(path: str, shown: str = "") -> None:
    """Raise FileProblem when `path`, which messages name as `shown`, is not a readable regular file."""
    shown = shown or path
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise _unreadable(shown, error) from None
    try:
        mode = os.fstat(handle).st_mode
    finally:
        os.close(handle)
    if not stat.S_ISREG(mode):
        raise _not_regular(shown, mode)


def _not_regular(path: str, mode: int) -> FileProblem:
    kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
    return FileProblem(f"the file {path} is {kind}", "name a file")


def _unreadable(path: str, error: OSError | ValueError) -> FileProblem:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return FileProblem(f"the file {path} does not exist", "create it or correct the path")
    if isinstance(error, IsADirectoryError):
        return _not_regular(path, stat.S_IFDIR)
    if isinstance(error, PermissionError):
        return FileProblem(f"no permission to read the file {path}", "let the exporter's user read it")
    if isinstance(error, OSError) and error.strerror:
        return FileProblem(f"the file {path} cannot be read: {error.strerror}", "correct the path")
    return FileProblem("a file name cannot be used", "write a path without control characters")
