"""What this process or its machine has none left of: no peer can be blamed for that."""

import errno
import os
import re
import resource

from exporter.core.errors import Shortage

RESOURCES = DESCRIPTORS, MEMORY, THREADS = ("descriptors", "memory", "threads")

_NO_MEMORY = (MEMORY, "this machine has no memory left for a connection; see what uses it, or its limits")
_LACKS = {
    errno.EMFILE: (
        DESCRIPTORS,
        "this process has no file descriptors left (limit {limit}); raise LimitNOFILE or ulimit -n",
    ),
    errno.ENFILE: (
        DESCRIPTORS,
        "this machine has no file descriptors left; raise fs.file-max, or see which process holds them",
    ),
    errno.ENOMEM: _NO_MEMORY,
    errno.ENOBUFS: _NO_MEMORY,
}
# How libpq and psycopg say it: only of what they open themselves, since a server may lack the same.
_WORDS = "|".join(re.escape(os.strerror(code)) for code in _LACKS)
_TEXT = re.compile(rf"(?:could not create socket: |\[Errno \d+\] )({_WORDS})")


def shortage_of(error: BaseException | None) -> Shortage | None:
    """Return what an error of the operating system says we lack, None where it speaks of something else."""
    return _shortage(error.errno) if isinstance(error, OSError) else None


def shortage_in(text: str) -> Shortage | None:
    """Return what a message of libpq or psycopg says we lack, None where it speaks of something else."""
    found = _TEXT.search(text)
    return next((_shortage(code) for code in _LACKS if found and os.strerror(code) == found[1]), None)


def present_shortage() -> Shortage | None:
    """Return whether a descriptor can be had at all now: for failures whose cause a library swallowed."""
    # The resolver and libpq report only that they failed; asking for a descriptor ourselves shows the cause.
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return shortage_of(error)
    return None


def no_thread() -> Shortage:
    """Return the lack of a thread."""
    return Shortage(THREADS, "this process may start no more threads; raise TasksMax or ulimit -u")


def _shortage(code: int | None) -> Shortage | None:
    if code not in _LACKS:
        return None
    lack, words = _LACKS[code]
    return Shortage(lack, words.format(limit=resource.getrlimit(resource.RLIMIT_NOFILE)[0]))
