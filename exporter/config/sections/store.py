"""`store:` where state is kept and for how long: the file over the environment over the defaults."""

import base64
import binascii
import re
from dataclasses import replace
from typing import Any

from exporter.config import durations
from exporter.config.document.values import is_missing, scalar
from exporter.config.draft import Draft
from exporter.config.layout import Retention, StorePart
from exporter.config.load_context import LoadContext
from exporter.config.sections.integrations import BuiltIntegrations
from exporter.config.sections.integrations.token_checks import check_token_keeping
from exporter.core.configuration import StoreSettings
from exporter.core.secret import Secret

NEEDS = ("integrations",)
DAY = 86_400.0
KEY_BYTES = 32
"""Bytes of a Fernet key, written in URL-safe base64 (github.com/fernet/spec)."""

DEFAULT_RETENTION = {
    "checks": 30 * DAY,
    "errors": 30 * DAY,
    "webhooks": 30 * DAY,
    "requests": 7 * DAY,
    "statistics": 90 * DAY,
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


def read(draft: Draft, part: StorePart) -> StoreSettings:
    """Return the settings of the store."""
    keys = _token_keys(draft, part.token_keys)
    retention = _retention(draft, part.retention)
    store = StoreSettings(retention=retention, token_keys=keys)
    if part.url is not None and not is_missing(part.url):
        store = replace(store, url=_url(draft, part.url))
    # keys with a mistake are keys all the same
    if keys or draft.keys_of("store").isdisjoint(("token_keys", "token_keys_file")):
        integrations: BuiltIntegrations = draft.values["integrations"]
        check_token_keeping(draft.context, draft.source, integrations.built, store)
    return store


def fields(value: StoreSettings) -> dict[str, Any]:
    """Return the settings as the configuration takes them."""
    return {"store": value}


def _url(draft: Draft, secret: Secret) -> str:
    url = secret.reveal()
    if not _URL.fullmatch(url):
        what = "the address of the store is neither sqlite:// nor postgresql://"
        remedy = "write sqlite:///path/to/file.db or postgresql://user@host/database"
        draft.add_error(("store", "url_file" if secret.file else "url"), what, remedy)
    return url


def _retention(draft: Draft, part: Retention) -> dict[str, float]:
    retention = DEFAULT_RETENTION | _from_environment(draft.context)
    for table in Retention.__struct_fields__:
        text = getattr(part, table)
        if text is None:
            continue
        retention[table] = durations.seconds(text.strip())
        if retention[table] < 60:
            path = ("store", "retention", table)
            draft.add_error(path, "the retention is below a minute", "write at least 1m")
    return retention


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


def _token_keys(draft: Draft, keys: Secret | None) -> tuple[Secret, ...]:
    """Return the keys that encrypt tokens; a text that is none is reported without being quoted."""
    found = []
    for number, text in enumerate((keys.reveal() if keys else "").replace(",", " ").split(), 1):
        # Each key by itself: the Secret that was read holds all of them in one text.
        draft.context.remember_secret(text)
        if _is_key(text):
            found.append(Secret(text, keys.file if keys else ""))
            continue
        path = ("store", "token_keys_file" if keys and keys.file else "token_keys")
        what = f"token_keys: key number {number} is no Fernet key"
        draft.add_error(path, what, "make one by integration-exporter tokens key")
    return tuple(found)


def _is_key(text: str) -> bool:
    try:
        # Strict: without `validate` foreign characters are dropped and a broken key may pass.
        return len(base64.b64decode(text.encode(), altchars=b"-_", validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False
