"""`generate`: the files of the checkout, or the bundle for a configuration."""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from exporter.commands.loading import chosen_file, load
from exporter.core.errors import StartError
from exporter.core.secret import Secret
from exporter.generate.bundle import Addresses, UserFiles, files, user_files
from exporter.generate.document import NOTICE

WALKED = ("prometheus", "alertmanager", "grafana", "docs/runbooks", "docs/reference")
"""Folders of the checkout in which a generated file that is generated no more is removed."""


def generate(options: argparse.Namespace) -> int:
    """Write or compare; return 1 when `--check` finds a difference."""
    if options.out is None:
        return _tree(_checkout(), options)
    return _bundle(Path(options.out), options)


def _tree(root: Path, options: argparse.Namespace) -> int:
    if options.config_file is not None:
        raise StartError("--config.file needs --out DIR: the files of the checkout are for everybody")
    wanted = files()
    stale = [path for path in _generated(root) if path not in wanted]
    if options.check:
        return _compare(root, wanted, stale)
    _write(root, wanted)
    for path in stale:
        (root / path).unlink()
    print(f"{len(wanted)} files are up to date, {len(stale)} removed")
    return 0


def _bundle(out: Path, options: argparse.Namespace) -> int:
    addresses = Addresses(options.exporter_address, options.prometheus_address, options.alertmanager_address)
    secrets = str(Path(options.secrets_dir).resolve())
    made = user_files(load(chosen_file(options.config_file)), addresses, secrets)
    if options.check:
        return _compare(out, made.files, [])
    _write(out, made.files)
    _write_secrets(made)
    told = f", {len(made.secrets)} secrets to {secrets}" if made.secrets else ""
    print(f"{len(made.files)} files written to {out}{told}")
    return 0


def _checkout() -> Path:
    root = Path.cwd()
    if not (root / "exporter" / "registry.py").exists():
        raise StartError(
            "this is no checkout of the project; give --out DIR to write the bundle for your file"
        )
    return root


def _generated(root: Path) -> list[str]:
    found = (path for folder in WALKED for path in sorted((root / folder).rglob("*")) if path.is_file())
    return [str(path.relative_to(root)) for path in found if NOTICE.encode() in path.read_bytes()[:400]]


def _compare(root: Path, wanted: Mapping[str, str], stale: list[str]) -> int:
    differ = [path for path, text in wanted.items() if _read(root / path) != text]
    for path in differ:
        print(f"{path}: differs from what is generated; run make generate", file=sys.stderr)
    for path in stale:
        print(f"{path}: is generated no more; run make generate", file=sys.stderr)
    if not differ and not stale:
        print(f"{len(wanted)} generated files are up to date")
    return 1 if differ or stale else 0


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


def _write(root: Path, wanted: Mapping[str, str]) -> None:
    try:
        for name, text in wanted.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if _read(path) != text:
                path.write_text(text, "utf-8")
    except OSError as error:
        raise StartError(
            f"cannot write to {root}: {error.strerror}; choose another folder with --out"
        ) from None


def _write_secrets(made: UserFiles) -> None:
    """Write each secret to a file that only its owner can read."""
    folder = Path(made.secrets_directory)
    try:
        if made.secrets:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, secret in made.secrets.items():
            _write_secret(folder / name, secret)
    except OSError as error:
        raise StartError(
            f"cannot write to {folder}: {error.strerror}; choose it with --secrets.dir"
        ) from None


def _write_secret(path: Path, secret: Secret) -> None:
    """Write it under another name first, so that no reader ever sees half of it."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(secret.reveal())
    fresh.replace(path)
