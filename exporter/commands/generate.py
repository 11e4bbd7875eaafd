"""`generate`: the files of the checkout, or the bundle for a configuration."""

import argparse
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from exporter.commands.bundle_report import report_lines
from exporter.commands.checkout_files import checkout_files
from exporter.commands.differences import Difference, differences, stale_dashboards, stale_files
from exporter.commands.generate_flags import flags_of, override
from exporter.commands.loading import config_path, load
from exporter.commands.staging import Staging
from exporter.config.redactor import Redactor
from exporter.core.errors import StartError
from exporter.core.generation import SecretFolder
from exporter.generate import dashboards
from exporter.generate.bundle import UserFiles, user_files
from exporter.generate.notes import is_root
from exporter.generate.paths import BUNDLE_FOLDERS, CHECKOUT_FOLDERS

SECRET_MODE, SECRETS_FOLDER_MODE = 0o600, 0o700

Owner = tuple[int, int]


def generate(options: argparse.Namespace) -> int:
    """Write or compare; return 1 when `--check` or `--diff` finds a difference."""
    if options.out is None:
        return _checkout_files(_checkout_root(), options)
    return _write_bundle(Path(options.out), options)


def _checkout_files(root: Path, options: argparse.Namespace) -> int:
    if options.config_file is not None:
        raise StartError("--config.file needs --out DIR: the files of the checkout are for everybody")
    wanted = checkout_files()
    stale = stale_files(root, CHECKOUT_FOLDERS, wanted)
    if options.check or options.diff:
        return _compare(differences(root, wanted, stale), len(wanted), options, "make generate")
    with Staging() as staging:
        _stage(staging, root, wanted)
        staging.commit()
    # Last, so that a write that fails leaves the old files.
    _remove(root, stale)
    print(f"{len(wanted)} files are up to date, {len(stale)} removed")
    return 0


def _write_bundle(out: Path, options: argparse.Namespace) -> int:
    path = config_path(options.config_file)
    configuration = load(path)
    generation, flags = override(configuration.generation, options), flags_of(options)
    bundle = user_files(configuration, generation, flags)
    stale = stale_files(out, BUNDLE_FOLDERS, bundle.files)
    stale += stale_dashboards(out, dashboards.paths(), bundle.files)
    words = ["integration-exporter generate", f"--config.file={shlex.quote(path)}" if path else ""]
    command = " ".join(filter(None, (*words, f"--out={shlex.quote(str(out))}", flags)))
    if options.check or options.diff:
        found = differences(out, bundle.files, stale)
        return _compare(found, len(bundle.files), options, command, Redactor(configuration.secrets))
    _write_files(out, bundle)
    _remove(out, stale)
    for line in report_lines(out, bundle, configuration, len(stale)):
        print(line.text, file=sys.stderr if line.warning else sys.stdout)
    return 0


def _checkout_root() -> Path:
    root = Path.cwd()
    if not (root / "exporter" / "registry.py").exists():
        raise StartError(
            "this is no checkout of the project; give --out DIR to write the bundle for your file"
        )
    return root


def _compare(
    found: list[Difference],
    count: int,
    options: argparse.Namespace,
    command: str,
    redactor: Redactor | None = None,
) -> int:
    for one in found:
        if options.diff:
            text = one.patch()
            print(redactor.clean(text) if redactor else text, end="")
        else:
            print(f"{one.path}: {one.what}; run {command}", file=sys.stderr)
    if not found:
        print(f"{count} generated files are up to date")
    return 1 if found else 0


def _write_files(out: Path, bundle: UserFiles) -> None:
    """Write all or nothing: the secrets first, because their folder is more likely to be refused."""
    folder, owner = bundle.generation.secrets, _owner(bundle.generation.secrets)
    with Staging() as staging:
        # A folder of root, such as the default below /etc, is refused first, before anything is written.
        if bundle.secrets:
            try:
                staging.folder(Path(folder.dir), SECRETS_FOLDER_MODE, owner)
                for name, secret in bundle.secrets.items():
                    staging.add(Path(folder.dir) / name, secret.reveal(), SECRET_MODE, owner)
            except OSError as error:
                raise StartError(
                    f"cannot write to {folder.dir}: {error.strerror}; nothing was written; choose another"
                    " folder with --secrets.dir or generate.secrets.dir"
                ) from None
        _stage(staging, out, bundle.files)
        staging.commit()


def _stage(
    staging: Staging,
    root: Path,
    wanted: Mapping[str, str],
) -> None:
    """Stage the files that differ."""
    try:
        for name, text in wanted.items():
            path = root / name
            staging.folder(path.parent)
            # Files that are up to date keep their times, so that tools that watch them see no change.
            if not path.exists() or path.read_text("utf-8", errors="replace") != text:
                staging.add(path, text)
    except OSError as error:
        raise StartError(
            f"cannot write to {root}: {error.strerror}; nothing was written; choose another folder with --out"
        ) from None


def _remove(root: Path, stale: list[str]) -> None:
    for path in stale:
        (root / path).unlink()


def _owner(folder: SecretFolder) -> Owner | None:
    """Return the ids of the configured owner; None without one, or where only root could change owners."""
    # Only here: Windows has neither, and no other command needs them.
    import grp
    import pwd

    if not folder.owner or not is_root():
        return None
    try:
        if folder.owner.isdecimal():
            user, group = int(folder.owner), int(folder.owner)
        else:
            entry = pwd.getpwnam(folder.owner)
            user, group = entry.pw_uid, entry.pw_gid
        if folder.group:
            group = int(folder.group) if folder.group.isdecimal() else grp.getgrnam(folder.group).gr_gid
    except KeyError:
        name = f"{folder.owner}:{folder.group}".rstrip(":")
        raise StartError(
            f"this machine has no {name}, the owner of the secrets; correct generate.secrets.owner"
        ) from None
    return user, group
