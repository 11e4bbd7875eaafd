"""Native receivers as they go into alertmanager.yml: their credentials go into files of their own."""

import copy
from typing import Any

from exporter.core.native_secrets import inline_secrets
from exporter.core.secret import Secret
from exporter.generate.secret_files import SecretFiles

_KIND = "_configs"


def with_native(
    receiver: dict[str, Any], native: dict[str, Any] | None, owner: str, secrets: SecretFiles
) -> dict[str, Any]:
    """Return `receiver` with the configurations of a native one added; `owner` keeps names of files apart."""
    added = {key: value for key, value in _with_files(native or {}, owner, secrets).items() if key != "name"}
    return receiver | {key: [*receiver.get(key, []), *value] for key, value in added.items()}


def _with_files(native: dict[str, Any], owner: str, secrets: SecretFiles) -> dict[str, Any]:
    """Return `native` with `<key>_file` for each credential in its text."""
    made = copy.deepcopy(native)
    for secret in inline_secrets(native):
        *above, _ = secret.path
        place: Any = made
        for part in above:
            place = place[part]
        words = (owner, *(str(part).removesuffix(_KIND) for part in above), secret.key)
        place[f"{secret.key}_file"] = secrets.path("-".join(words), Secret(place.pop(secret.key)))
    return made
