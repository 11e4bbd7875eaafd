"""The text of `/config`: what was loaded, with stars for every credential."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import inspect

from exporter.config.catalogue import Catalogue
from exporter.config.document.convert import TWIN, root_type
from exporter.config.document.credentials import QUERY_SECRET, SECRET_NAME
from exporter.config.document.values import Expanded, scalar
from exporter.config.layout import IntegrationPart, Layout, TenantRow
from exporter.config.layout_webhooks import WebhookEndpointPart, WebhookSourcePart
from exporter.core.secret import REDACTED, Secret

_USERINFO = re.compile(r"(://[^/?#\s:@]*):[^/?#\s]*@")
_WEB_PATH = re.compile(r"(https?://[^/?#]+).+", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@-]*")


def redact_configuration(value: Any, catalogue: Catalogue) -> Any:
    """Return the document `value` with every credential replaced by stars, as it is in the file.

    Text with `${ENV}` is shown as it was written, so that no value of a variable shows.
    """
    if not isinstance(value, dict):
        return _free(value, "")
    made = _typed(value, root_type(Layout), "")
    integrations = value.get("integrations")
    if isinstance(integrations, list):
        made["integrations"] = [_integration(part, catalogue) for part in integrations]
    notifications = made.get("notifications")
    if isinstance(notifications, dict):
        made["notifications"] = _without_paths(notifications)
    webhooks = value.get("webhooks")
    if isinstance(webhooks, dict):
        made["webhooks"] |= _webhooks(webhooks, catalogue)
    store = value.get("store")
    if isinstance(store, dict) and isinstance(store.get("url"), str):
        # As a Secret it is all stars by now; which database is used may show, its password may not.
        made["store"]["url"] = _text(store["url"])
    return made


def _webhooks(value: dict[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if isinstance(sources := value.get("sources"), list):
        made["sources"] = [_source(part, catalogue) for part in sources]
    if isinstance(endpoints := value.get("endpoints"), list):
        shown = [_typed(part, root_type(WebhookEndpointPart), "") for part in endpoints]
        made["endpoints"] = _without_paths(shown)
    return made


def _source(value: Any, catalogue: Catalogue) -> Any:
    if not isinstance(value, dict):
        return _free(value, "")
    made = _typed(value, root_type(WebhookSourcePart), "")
    scheme = catalogue.schemes.get(str(value.get("scheme", "")))
    if "options" in value:
        made["options"] = _typed(value["options"], root_type(scheme.options) if scheme else None, "options")
    return made


def _integration(value: Any, catalogue: Catalogue) -> Any:
    if not isinstance(value, dict):
        return _free(value, "")
    made = _typed(value, root_type(IntegrationPart), "")
    probe = catalogue.probes.get(str(value.get("provider", "")))
    kind = root_type(probe.options) if probe else None
    if "options" in value:
        made["options"] = _typed(value["options"], kind, "options")
    tenants = value.get("tenants")
    if isinstance(tenants, dict) and isinstance(tenants.get("list"), list):
        made["tenants"]["list"] = [_row(row, kind) for row in tenants["list"]]
    return made


def _row(value: Any, kind: Any) -> Any:
    if not isinstance(value, dict):
        return _free(value, "")
    made = _typed({key: item for key, item in value.items() if key != "options"}, root_type(TenantRow), "")
    if "options" in value:
        made["options"] = _typed(value["options"], kind, "options")
    return made


def _typed(value: Any, kind: Any, name: str) -> Any:
    """Mask by type: what is a Secret is starred whatever its name."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        kinds = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
        # What could be a secret counts as one.
        kind = next((one for one in kinds if _is_struct(one) or _is_secret(one)), kinds[0] if kinds else None)
    if _is_secret(kind):
        return value if value is None else REDACTED
    if isinstance(value, dict):
        known = {field.encode_name: field.type for field in kind.fields} if _is_struct(kind) else {}
        inner = getattr(kind, "value_type", None)
        return {key: _typed(item, known.get(key, inner), str(key)) for key, item in value.items()}
    if isinstance(value, list):
        inner = getattr(kind, "item_type", None)
        return [_typed(item, inner, name) for item in value]
    return _free(value, name)


def _free(value: Any, name: str) -> Any:
    """Mask by name: text under a name that speaks of credentials is starred."""
    if isinstance(value, dict):
        return {key: _free(item, str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_free(item, name) for item in value]
    if not isinstance(value, str):
        return value
    # Names of files and folders are not credentials, though their keys speak of some.
    if SECRET_NAME.search(name) and not name.endswith((TWIN, f"{TWIN}s", "_url", "_dir")):
        return REDACTED
    return _text(value)


def _text(value: str) -> str:
    text = value.raw if isinstance(value, Expanded) else value
    return (
        QUERY_SECRET.sub(rf"\1{REDACTED}", _USERINFO.sub(rf"\1:{REDACTED}@", text)) if "://" in text else text
    )


def _without_paths(value: Any) -> Any:
    """Cut the path off web addresses of receivers: it is often all the credential they have."""
    if isinstance(value, dict):
        return {
            key: _WEB_PATH.sub(rf"\1/{REDACTED}", item)
            if key in ("url", "fallback_url") and isinstance(item, str)
            else _without_paths(item)
            for key, item in value.items()
        }
    return [_without_paths(item) for item in value] if isinstance(value, list) else value


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, inspect.StructType)


def _is_secret(kind: Any) -> bool:
    return isinstance(kind, inspect.CustomType) and kind.cls is Secret


def yaml_text(value: Mapping[str, Any], clean: Callable[[str], str]) -> str:
    """Return `value` as YAML in block style, each text through `clean`.

    For 10,000 rows this is many times faster than PyYAML.
    """
    return "".join(f"{line}\n" for line in _lines(_cleaned(value, clean), ""))


def _cleaned(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _cleaned(item, clean) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item, clean) for item in value]
    return clean(value) if isinstance(value, str) else value


def _lines(value: Any, indent: str) -> list[str]:
    made: list[str] = []
    entries = (
        [(f"{_scalar(key)}:", item) for key, item in value.items()]
        if isinstance(value, dict)
        else [("-", item) for item in value]
    )
    for head, item in entries:
        if isinstance(item, dict | list) and item:
            inner = _lines(item, indent + "  ")
            if head == "-":  # the first line of an item goes beside its dash
                inner[0] = f"{indent}- {inner[0].lstrip(' ')}"
            else:
                made.append(f"{indent}{head}")
            made.extend(inner)
        else:
            empty = "{}" if isinstance(item, dict) else "[]"
            made.append(f"{indent}{head} {empty if isinstance(item, dict | list) else _scalar(item)}")
    return made


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and isinstance(scalar(value), str) and value.lower() not in _ODD_WORDS:
            return value
        quoted = json.dumps(value, ensure_ascii=False)
        # YAML knows this escape for every character; JSON's surrogate pairs it does not.
        return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in quoted)
    return json.dumps(value)


# older readers take these for booleans
_ODD_WORDS = frozenset({"yes", "no", "on", "off", "y", "n"})
