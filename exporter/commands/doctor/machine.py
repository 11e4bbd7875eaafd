"""The machine that the exporter runs on: Python, open files, the clock."""

import ctypes
import datetime
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import exporter
from exporter import __version__
from exporter.commands.doctor.finding import Area, Finding

TESTED = (3, 13)
"""The newest Python that the package names among its classifiers."""

FEW_FILES, TOO_FEW_FILES = 4096, 320
"""Open files below which probes wait for one another, and below which the exporter itself lacks some."""

_TIME_ERROR = 5  # what adjtimex(2) returns while the clock follows no time server
_TIMEX_SIZE = 512  # bytes; the kernel's struct timex is 208 of them

AREA = Area("environment")


def findings() -> Iterator[Finding]:
    """Check this process, which has the limits of the user that started it."""
    yield _python(sys.version_info[:2])
    yield _files(resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    yield _clock(time.time(), Path(exporter.__file__).stat().st_mtime, clock_is_synchronized())


def _python(version: tuple[int, ...]) -> Finding:
    text = f"integration-exporter {__version__} on Python {'.'.join(map(str, sys.version_info[:3]))}"
    if version > TESTED:
        tested = ".".join(map(str, TESTED))
        return AREA.note(text, f"it is tested up to Python {tested}; use that one if something fails")
    return AREA.ok(text)


def _files(hard: int) -> Finding:
    if hard == resource.RLIM_INFINITY:
        return AREA.ok("any number of files may be open")
    text = f"{hard} files may be open, connections included"
    remedy = "raise the hard limit: LimitNOFILE=65536 in the unit, --ulimit nofile=65536 of a container"
    if hard < TOO_FEW_FILES:
        return AREA.problem(text, remedy)
    if hard < FEW_FILES:
        return AREA.note(f"{text}, so that many probes wait for one another", remedy)
    return AREA.ok(text)


def _clock(now: float, installed: float, synchronized: bool | None) -> Finding:
    text = f"the clock says {datetime.datetime.fromtimestamp(now, datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"
    remedy = (
        "synchronize it with a time server (chrony, systemd-timesyncd): expiry dates are compared with it"
    )
    if now < installed - 86_400:
        return AREA.problem(f"{text}, which is before this program was installed", remedy)
    if synchronized is False:
        return AREA.note(f"{text}; the kernel does not know whether that is right", remedy)
    return AREA.ok(text)


def clock_is_synchronized() -> bool | None:
    """Return whether the kernel's clock follows a time server (adjtimex(2)); None where it does not know."""
    # The C library of Linux has it; elsewhere the answer is unknown.
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None:
        return None
    state = int(adjtimex(ctypes.create_string_buffer(_TIMEX_SIZE)))
    return None if state < 0 else state != _TIME_ERROR
