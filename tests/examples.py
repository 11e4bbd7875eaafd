"""The examples of the documentation: the secrets they name, and the same pointed at simulated vendors."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from cryptography.fernet import Fernet

from exporter.core.standard_secret import new_secret

FOLDER = Path(__file__).parents[1] / "docs/examples"
EXAMPLES = sorted(FOLDER.glob("*.yml"))
PLATFORMS = ("fitness-saas", "donation-platform", "picture-shop", "one-tenant-app")

# Where the exporter finds a vendor, and whom it trusts there.
ADDRESSES = (
    *("url", "base_url", "token_url", "tokeninfo_url", "monitor_url", "messaging_url"),
    *("host", "port", "tls"),
)
# Who we are at a vendor; simulated ones know one account each.
IDENTITIES = ("account_sid", "app_id", "business_account_id", "client_id", "phone_number", "username")

_VARIABLE = re.compile(r"\$\{(\w+)(:-[^}]*)?\}")
_CREDENTIALS: dict[str, Callable[[], str]] = {
    "token_keys_file": lambda: Fernet.generate_key().decode(),
    "secret_file": new_secret,
    "secrets_files": new_secret,
}
"""What makes a credential of a form of its own, by the key that names its file."""
_DIRECTORIES = ("CREDENTIALS_DIRECTORY", "TENANT_SECRETS", "STATE_DIRECTORY")


def tenant_files(document: dict[str, Any]) -> Iterator[Path]:
    """Yield the tenant files of an example."""
    for integration in document["integrations"]:
        for pattern in integration.get("tenants", {}).get("files", ()):
            yield from sorted(FOLDER.glob(pattern))


def surroundings(path: Path, folder: Path) -> dict[str, str]:
    """Write the secret files that an example names into `folder`; return the variables that it reads."""
    document = yaml.safe_load(path.read_text())
    tenants = [yaml.safe_load(file.read_text()) for file in tenant_files(document)]
    for key, name in _named_files([document, *tenants]):
        make = _CREDENTIALS.get(key)
        (folder / name).write_text(make() if make else f"https://planted.example/{name}")
    return {**_variables(path), **dict.fromkeys(_DIRECTORIES, str(folder))}


def _named_files(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield from ((key, Path(item).name) for key, item in value.items() if key.endswith("_file"))
        for key, items in value.items():
            if key.endswith("_files"):
                yield from ((key, Path(item).name) for item in items)
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inside:
        yield from _named_files(item)


def _variables(path: Path) -> dict[str, str]:
    file = path.with_suffix(".env")
    lines = file.read_text().splitlines() if file.exists() else ()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


class Pointed:
    """An example, copied into `folder` with its tenant files, whose vendors are those of `vendors`.

    `vendors` are options by provider; `alertmanager` is its URL, as a real one may be at the usual one.
    Addresses and accounts are exchanged, and credentials stand where the example says that they are: in files
    and variables. All else stays as a user would write it.
    """

    def __init__(
        self, path: Path, folder: Path, vendors: Mapping[str, Mapping[str, Any]], alertmanager: str = ""
    ) -> None:
        self.folder = folder
        self.file = folder / path.name
        self.environ = surroundings(path, folder)
        self.planted: set[str] = set()  # the credentials, which nothing may show
        document = yaml.safe_load(path.read_text())
        for integration in document["integrations"]:
            self._point(integration, vendors[integration["provider"]])
        if alertmanager:
            document.setdefault("notifications", {})["alertmanager"] = {"url": alertmanager}
        self.file.write_text(yaml.safe_dump(document))

    def _point(self, integration: dict[str, Any], vendor: Mapping[str, Any]) -> None:
        options = integration.setdefault("options", {})
        self._settle(options, vendor)
        for name in ADDRESSES:
            if name in vendor and "${" not in str(options.get(name)):
                options[name] = vendor[name]
        for file in tenant_files({"integrations": [integration]}):
            rows = yaml.safe_load(file.read_text())
            for row in rows:
                self._settle(row.get("options", {}), vendor)
            copy = self.folder / file.relative_to(FOLDER)
            copy.parent.mkdir(exist_ok=True)
            copy.write_text(yaml.safe_dump(rows))

    def _settle(self, options: dict[str, Any], vendor: Mapping[str, Any]) -> None:
        for key, value in options.items():
            name = key.removesuffix("_file")
            if isinstance(value, dict):
                self._settle(value, vendor.get(key, {}))
            elif name != key:
                (self.folder / Path(value).name).write_text(vendor[name])
                self.planted.add(vendor[name])
            elif (variable := _VARIABLE.fullmatch(str(value))) and key in vendor:
                self.environ[variable[1]] = str(vendor[key])
                if key not in (*ADDRESSES, *IDENTITIES):
                    self.planted.add(vendor[key])
            elif key in IDENTITIES:
                options[key] = vendor[key]
