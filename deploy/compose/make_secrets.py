"""Makes the secrets that docker-compose.yml mounts, once; those that are there already stay as they are.

make_secrets.py DIRECTORY. It needs bcrypt, which the exporter's image and its virtual environment have.
"""

import os
import secrets
import sys
from pathlib import Path

import bcrypt

RANDOM = (
    "app-token",
    "exporter-password",
    "grafana-password",
    "grafana-store-password",
    "operator-token",
    "postgres-monitor-password",
    "postgres-password",
    "postgres-store-password",
    "prometheus-token",
)
"""Files that hold a random text of 43 characters and nothing else, not even a line break."""

WEB = """\
# Who may use the exporter: you in a browser, by the password of exporter-password, you on the command line
# of its container, by operator-token, apps that report, and Prometheus.
basic_auth_users:
  admin: {hashed}
roles:
  admin: [admin]
bearer_tokens:
  - {{name: app, token_file: app_token, roles: [ingest]}}
  - {{name: operator, token_file: operator_token, roles: [admin]}}
  - {{name: prometheus, token_file: prometheus_token, roles: [viewer]}}
"""
"""The tokens' files are looked for beside this one, under the names that containers see: /run/secrets."""


def main(folder: Path) -> None:
    """Fill `folder`: closed to others, with files that the users of the containers can read."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    for name in RANDOM:
        _keep(folder / name, secrets.token_urlsafe(32))
    password = (folder / "exporter-password").read_bytes()
    _keep(
        folder / "exporter-web.yml", WEB.format(hashed=bcrypt.hashpw(password, bcrypt.gensalt(12)).decode())
    )
    store = (folder / "postgres-store-password").read_text(encoding="utf-8")
    _keep(folder / "store-url", f"postgresql://exporter:{store}@postgres/exporter?sslmode=disable")
    print("The secrets are in deploy/compose/secrets. Sign in as admin:")
    print("  Grafana       http://localhost:3000    grafana-password")
    print("  the exporter  http://localhost:10055   exporter-password")


def _keep(path: Path, text: str) -> None:
    """Write `text` unless there is something already. The folder keeps others of this machine out."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o644)  # whatever the umask: containers have users of their own
        file.write(text)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except OSError as error:
        sys.exit(
            f"{error.filename}: {error.strerror}. Run this as the owner of the folder deploy/compose: "
            'docker compose run --rm --user "$(stat -c %u:%g deploy/compose)" secrets'
        )
