"""Where state is kept and for how long: the file over the environment over the defaults."""

import re

from exporter.config import durations
from exporter.config.document.source import Source
from exporter.config.document.values import scalar
from exporter.config.layout import Retention, StorePart
from exporter.config.load_context import LoadContext
from exporter.config.sections.tokens import token_keys
from exporter.core.configuration import StoreSettings

DAY = 86_400.0
DEFAULT_RETENTION = {
    "checks": 30 * DAY,
    "errors": 30 * DAY,
    "webhooks": 30 * DAY,
    "requests": 7 * DAY,
    "audit": 90 * DAY,
    "notices": 90 * DAY,
    "tokens": 90 * DAY,
    "rate_limits": 3_600.0,
}
"""Seconds by table."""

VARIABLES = {
    "WEBHOOK_LOG_RETENTION_DAYS": ("webhooks", DAY),
    "API_LOG_RETENTION_DAYS": ("requests", DAY),
    "AUDIT_LOG_RETENTION_DAYS": ("audit", DAY),
    "RATE_LIMIT_CLEANUP_MINUTES": ("rate_limits", 60.0),
}
"""Environment variables that set a table's retention, with the seconds of their unit."""

_URL = re.compile(r"(sqlite(\+pysqlite)?|postgresql(\+psycopg)?)://.*", re.DOTALL)


def settings(context: LoadContext, source: Source, part: StorePart) -> StoreSettings:
    """Return the settings of the store; mistakes are told to `context`."""
    retention = DEFAULT_RETENTION | _from_environment(context)
    for table in Retention.__struct_fields__:
        text = getattr(part.retention, table)
        if text is None:
            continue
        amount = durations.seconds(text.strip())
        if amount < 60:
            place = source.place(("store", "retention", table))
            context.add_error(place, "the retention is below a minute", "write at least 1m")
        retention[table] = amount
    keys = token_keys(context, source, part.token_keys)
    if part.url is None:
        return StoreSettings(retention=retention, token_keys=keys)
    url = part.url.reveal()
    if not _URL.fullmatch(url):
        place = source.place(("store", "url" if not part.url.file else "url_file"))
        what = "the address of the store is neither sqlite:// nor postgresql://"
        remedy = "write sqlite:///path/to/file.db or postgresql://user@host/database"
        context.add_error(place, what, remedy)
    return StoreSettings(url, retention, keys)


def _from_environment(context: LoadContext) -> dict[str, float]:
    made = {}
    for name, (table, unit) in VARIABLES.items():
        text = context.environ.get(name, "").strip()
        if not text:
            continue
        value = scalar(text)
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            place = (f"environment variable {name}", 0)
            context.add_error(place, "the value is no number above 0", "set it to a number, or unset it")
            continue
        made[table] = value * unit
    return made
