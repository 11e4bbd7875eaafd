"""Where secrets of channels go: each into a file of its own, or it stays in the one that it was read from."""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from exporter.core.options import TlsOptions
from exporter.core.secret import Secret


@dataclass
class SecretFiles:
    """Collects the secrets of a bundle: file name to Secret, to be written below `directory`.

    Those that were read from a file are referred to by that file's path instead, kept in `references`.
    """

    directory: str
    files: dict[str, Secret] = field(default_factory=dict)
    references: set[str] = field(default_factory=set)

    def path(self, name: str, secret: Secret) -> str:
        """Return the path under which `secret` will be found; equal secrets under one name are one file."""
        if secret.file:
            return self.reference(secret.file)
        # A later one would silently send one team's messages by the credential of another.
        if self.files.setdefault(name, secret) != secret:
            raise ValueError(f"two secrets for one file {name}")
        return str(PurePosixPath(self.directory) / name)

    def reference(self, path: str) -> str:
        """Return the absolute path of a file that Alertmanager will read where it is."""
        absolute = str(Path(path).absolute())
        self.references.add(absolute)
        return absolute

    def tls(self, tls: TlsOptions) -> dict[str, Any]:
        """Return Alertmanager's `tls_config`, empty where everything is as it is by default."""
        names = ("ca_file", "cert_file", "key_file")
        made: dict[str, Any] = {
            name: self.reference(getattr(tls, name)) for name in names if getattr(tls, name)
        }
        if tls.server_name:
            made["server_name"] = tls.server_name
        if tls.insecure_skip_verify:
            made["insecure_skip_verify"] = True
        if tls.min_version != TlsOptions().min_version:
            made["min_version"] = tls.min_version
        return made
