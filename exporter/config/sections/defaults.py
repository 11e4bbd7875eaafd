"""`defaults:` what integrations take when they do not say it themselves."""

from typing import Any

from exporter.config import durations
from exporter.config.draft import Draft
from exporter.config.layout import Defaults
from exporter.core.probe import MONTH


def read(draft: Draft, part: Defaults) -> Defaults:
    """Return the defaults; times that are out of bounds are mistakes."""
    interval, timeout = _seconds(part.interval), _seconds(part.timeout)
    if interval is not None and not 1.0 <= interval <= MONTH:
        draft.add_error(("defaults", "interval"), "the interval is out of bounds", "choose from 1s to 30d")
    if timeout is not None and timeout <= 0:
        draft.add_error(("defaults", "timeout"), "the timeout is zero", "write at least 1ms")
    if timeout is not None and interval is not None and timeout > interval:
        remedy = "choose a timeout of at most the interval"
        draft.add_error(("defaults", "timeout"), "the timeout is above the interval", remedy)
    return part


def fields(value: Defaults) -> dict[str, Any]:
    """Return the authorities that everything trusts."""
    return {"ca_file": value.tls.ca_file}


def _seconds(text: str | None) -> float | None:
    return None if text is None else durations.seconds(text.strip())
