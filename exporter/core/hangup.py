"""A SIGHUP that comes while the process starts: it stops nothing, and counts once everything is up."""

import signal

_signals: list[int] = []


def _note(number: int, _frame: object) -> None:
    _signals.append(number)


def hold() -> None:
    """Keep what comes; else Python's default ends the process before it could take the signal up."""
    signal.signal(signal.SIGHUP, _note)


def release() -> None:
    """Let it end the process again: a command on a terminal that is gone has no user any more."""
    if signal.getsignal(signal.SIGHUP) is _note:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pending() -> bool:
    """Return whether one came, once."""
    came = bool(_signals)
    _signals.clear()
    return came
