"""Native Alertmanager receivers: kinds and keys that the version knows, credentials that a file can hold."""

from collections.abc import Iterator
from typing import Any

from exporter.config.document.context import Path
from exporter.config.document.validate import suggestion
from exporter.core.native_secrets import InlineSecret, has_twin, inline_secrets
from exporter.core.receiver_kinds import LISTED_SECRETS, RECEIVER_KINDS, WITHOUT_FILE, ReceiverKind, Version

NativeIssue = tuple[Path, str, str]
"""Path in the receiver, what is wrong, remedy."""

_NOT_KINDS = ("name",)
_SUFFIX = "_configs"


def native_issues(receiver: dict[str, Any], version: Version) -> Iterator[NativeIssue]:
    """Yield what Alertmanager of that version would refuse, and credentials that anybody could read."""
    for name, configs in receiver.items():
        kind = RECEIVER_KINDS.get(name)
        if name in _NOT_KINDS:
            continue
        if kind is None:
            yield (name,), f"Alertmanager has no {name}", _likely(name)
        elif kind.since > version:
            yield (name,), f"{name} came with Alertmanager {_text(kind.since)}", _newer(kind.since)
        elif not isinstance(configs, list) or not all(isinstance(one, dict) for one in configs):
            yield (name,), f"{name} is not a list of mappings", "write each with a dash before its first key"
        else:
            yield from _key_issues(name, kind, configs, version)
    yield from _secret_issues(receiver, version)


def _likely(name: str) -> str:
    """Return the kind that was probably meant; what all have in common makes nothing likely."""
    stems = {kind.removesuffix(_SUFFIX) for kind in RECEIVER_KINDS}
    found = suggestion(name.removesuffix(_SUFFIX), stems)
    meant = found.removeprefix("did you mean ").removesuffix("?")
    return f"did you mean {meant}{_SUFFIX}?" if meant != found else suggestion("", RECEIVER_KINDS)


def _key_issues(
    name: str, kind: ReceiverKind, configs: list[dict[str, Any]], version: Version
) -> Iterator[NativeIssue]:
    for index, config in enumerate(configs):
        for key in config:
            since = kind.keys.get(key)
            if since is None:
                yield (name, index, key), f"{name} has no key {key}", suggestion(key, kind.keys)
            elif since > version:
                yield (
                    (name, index, key),
                    f"{name} has {key} since Alertmanager {_text(since)}",
                    _newer(since),
                )


def _secret_issues(receiver: dict[str, Any], version: Version) -> Iterator[NativeIssue]:
    for secret in inline_secrets(receiver):
        since = secret.file_since
        if has_twin(receiver, secret):
            yield secret.path, f"both {secret.key} and {secret.key}_file are set", "keep one of them"
            continue
        if secret.key == WITHOUT_FILE:
            remedy = "name a profile: of AWS's own credentials file instead"
        elif secret.key == LISTED_SECRETS:
            remedy = "write it into a file that Alertmanager can read, and name that below files:"
        elif since and since <= version:
            continue
        else:
            remedy = f"it can be in a file since {_text(since)}: {_newer(since)}" if since else "remove it"
        yield secret.path, f"{_place(secret)} would be readable in alertmanager.yml", remedy


def _place(secret: InlineSecret) -> str:
    return f"{secret.kind}.{secret.key}"


def _newer(since: Version) -> str:
    return f"set generate.alertmanager.version to yours, if it is {_text(since)} or later"


def _text(version: Version) -> str:
    return ".".join(map(str, version))
