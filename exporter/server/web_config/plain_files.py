"""Reads the files that the web configuration names: plain ones of a bounded size."""

import os
import stat

LONGEST = 1 << 20
"""Bytes at most: a device such as /dev/zero never ends."""


class FileError(Exception):
    """A file cannot be used; the text says why, and quotes neither its path nor its content."""


def content(path: str) -> bytes:
    """Return what is in the file at `path`; raises FileError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise FileError(getattr(error, "strerror", None) or "this is no path") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise FileError("this is no file")
        if found.st_size > LONGEST:
            raise FileError("it is larger than 1 MiB")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(LONGEST)
    except OSError as error:
        raise FileError(error.strerror or "it cannot be read") from None
    finally:
        os.close(descriptor)


def text(path: str) -> str:
    """Return what is in the file at `path` as text; raises FileError."""
    try:
        return content(path).decode()
    except UnicodeDecodeError:
        raise FileError("it is not UTF-8 text") from None
