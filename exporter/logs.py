"""The log: one line an event, as logfmt or JSON, on standard error, with no secret in it."""

import logging
import sys
from collections.abc import Callable, MutableMapping
from functools import lru_cache
from typing import Any

import structlog

from exporter.config.redactor import Redactor
from exporter.core.defaults import LOG_LEVELS

LogEvent = MutableMapping[str, Any]
_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
LEVELS = dict(zip(LOG_LEVELS, _LEVELS, strict=True))


def configure(
    level: str, form: str, *, secrets: Callable[[], frozenset[str]], count: Callable[[str], None]
) -> None:
    """Set the process's log up: `level` is a key of LEVELS, `form` is `logfmt` or `json`.

    `secrets` returns the texts that must never show, `count` takes the level of each line.
    Lines of libraries (warnings and worse) go the same way.
    """
    shape = [structlog.processors.JSONRenderer()] if form == "json" else [_flat, _logfmt()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.format_exc_info,
            _counter(count),
            _redactor(secrets),
            _level,
            *shape,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Bridge()], level=logging.WARNING, force=True)


def _logfmt() -> structlog.processors.LogfmtRenderer:
    return structlog.processors.LogfmtRenderer(key_order=["ts", "level", "event"], bool_as_flag=False)


def _level(_logger: Any, _method: str, event: LogEvent) -> LogEvent:
    """Write the level as `--log.level` and Prometheus do."""
    if event.get("level") == "warning":
        event["level"] = "warn"
    return event


def _flat(_logger: Any, _method: str, event: LogEvent) -> LogEvent:
    """Write a list as one text: logfmt has none."""
    return {
        key: "; ".join(map(str, value)) if isinstance(value, list) else value for key, value in event.items()
    }


def _counter(count: Callable[[str], None]) -> Callable[[Any, str, LogEvent], LogEvent]:
    def process(_logger: Any, _method: str, event: LogEvent) -> LogEvent:
        count(str(event["level"]))
        return event

    return process


@lru_cache(maxsize=2)  # those of the configuration in force, and of the one that is being loaded
def redactor_of(secrets: frozenset[str]) -> Redactor:
    """Return what hides `secrets`; of tens of thousands it takes its time to build."""
    return Redactor(secrets)


def _redactor(secrets: Callable[[], frozenset[str]]) -> Callable[[Any, str, LogEvent], LogEvent]:
    def process(_logger: Any, _method: str, event: LogEvent) -> LogEvent:
        hide = redactor_of(secrets())
        return {key: _clean(value, hide) for key, value in event.items()}

    return process


def _clean(value: Any, hide: Redactor) -> Any:
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    if isinstance(value, (list, tuple)):
        return [_clean(item, hide) for item in value]
    # A line break would let a vendor's text write log lines of its own.
    return hide.clean(str(value)).replace("\r", " ").replace("\n", " | ")


class _Bridge(logging.Handler):
    """Hands what libraries log to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line of a library."""
        log = structlog.get_logger(record.name)
        say = log.error if record.levelno >= logging.ERROR else log.warning
        say(record.getMessage(), exc_info=record.exc_info or None)
