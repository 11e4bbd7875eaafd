"""The image, built once: the Dockerfile's own steps, done in a plain folder."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.packaging.compose import FILES, ROOT, SECRETS
from tests.packaging.dockerfile import Replay, Stage, stages

__all__ = ["ROOT"]
INSTALLED = "/opt/integration-exporter"
UID = 65532


@dataclass(frozen=True)
class Image:
    """What the Dockerfile makes: `build` and `final` stage, and the folder that stands for its `/`."""

    replay: Replay
    arguments: Mapping[str, str]
    build: Stage
    final: Stage

    @property
    def programs(self) -> Path:
        return self.replay.at(f"{INSTALLED}/bin")

    def folder(self) -> Path:
        """Return an empty folder that the image's user alone can write."""
        made = Path(tempfile.mkdtemp(dir=self.replay.root))
        if os.getuid() == 0:
            os.chown(made, UID, UID)
        return made

    def environment(self, folder: Path, **more: str) -> dict[str, str]:
        """Return the environment: no program can be found but the image's own."""
        settings = self.final.one("ENV").pairs()
        inner = {key: value for key, value in settings.items() if key != "PATH"}
        inner["STATE_DIRECTORY"] = str(folder)  # the volume /data
        return {"PATH": str(self.programs), "HOME": "/nonexistent", "TMPDIR": str(folder), **inner, **more}

    def command(self, *words: str) -> list[str]:
        """Return the words that run the exporter as the image's user."""
        return [*outsider(), str(self.programs / "integration-exporter"), *words]

    def run(self, *words: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end in `folder`."""
        return subprocess.run(
            self.command(*words),
            cwd=folder,
            env=self.environment(folder, **more),
            capture_output=True,
            text=True,
            timeout=60,
        )

    @contextmanager
    def running(self, *words: str, folder: Path, **more: str) -> Iterator[subprocess.Popen[str]]:
        """Run a command until the block ends; its output goes to the file `log` of `folder`."""
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                self.command(*words),
                cwd=folder,
                env=self.environment(folder, **more),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
            )
            try:
                yield process
            finally:
                process.terminate()
                process.wait(timeout=60)


def outsider() -> list[str]:
    """Return the words that make a command run as the image's user, without any privilege.

    Somebody who is not root stays who they are: they cannot become somebody else.
    """
    if os.getuid() != 0:
        return []
    path = shutil.which("setpriv")
    assert path, "setpriv is needed: apt-get install util-linux"
    who = [f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--no-new-privs"]
    return [path, *who, "--inh-caps=-all", "--bounding-set=-all"]


def base_python() -> Path:
    """Return a Python that everybody on this machine may run, as in the image's base."""
    for path in map(Path, (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3")):
        if path.exists() and _usable(path.resolve()):
            return path.resolve()
    raise AssertionError("no Python that others may run makes environments: apt-get install python3-venv")


def _usable(path: Path) -> bool:
    closed = os.getuid() == 0 and not all(folder.stat().st_mode & 0o001 for folder in path.parents)
    asked = "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))"
    return not closed and subprocess.run([path, "-c", asked], capture_output=True).returncode == 0


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    arguments, (build, final) = stages((ROOT / "Dockerfile").read_text())
    # Pytest's own folders are closed to other users.
    root = Path(tempfile.mkdtemp(prefix="image-", dir="/var/tmp"))
    try:
        root.chmod(0o755)
        replay = Replay(root, ROOT, ("/src", INSTALLED, "/wheels", "/data"), base_python())
        replay.run(build)
        for path in replay.at(INSTALLED).rglob("*"):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~0o222)
        yield Image(replay, arguments, build, final)
    finally:
        shutil.rmtree(root)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that looks like /run/secrets: what make_secrets.py made, under the mounted names."""
    folder = tmp_path_factory.mktemp("secrets")
    subprocess.run([sys.executable, FILES / "make_secrets.py", folder / "made"], check=True)
    for name, file in SECRETS.items():
        shutil.copy(folder / "made" / file, folder / name)
    return folder
