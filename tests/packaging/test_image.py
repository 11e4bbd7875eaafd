"""The Dockerfile keeps its promises, and what it makes runs without root on a root that cannot be written."""

import os
import re
import shutil
import subprocess
import time
import tomllib
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.packaging.conftest import INSTALLED, ROOT, UID, Image
from tests.packaging.dockerfile import stages
from tests.servers.ports import free_port

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
READ_ONLY = """
mount --make-rprivate / && mount -t tmpfs -o size=16m,mode=1777 tmpfs /tmp && mount --bind "$DATA" "$DATA" &&
mount -o remount,bind,ro / && cd "$DATA" && exec "$@"
"""
"""Makes all read-only for one process but $DATA and /tmp, which is empty: as `docker run --read-only`."""


def let_through(path: str) -> bool:
    """Tell whether .dockerignore sends `path` to the build; see docs.docker.com/build/concepts/context."""
    kept = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if not line or line.startswith("#"):
            continue
        translated = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        translated = translated.replace(r"\[", "[").replace(r"\]", "]")
        if re.fullmatch(f"{translated}(/.*)?", path):
            kept = line.startswith("!")
    return kept


def test_the_base_is_pinned_by_tag_and_can_be_pinned_by_digest() -> None:
    arguments, made = stages((ROOT / "Dockerfile").read_text())
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", arguments["PYTHON_IMAGE"])
    assert [stage.base for stage in made] == ["${PYTHON_IMAGE}"] * 2
    newest = max(int(found[1]) for line in PROJECT["classifiers"] if (found := re.search(r"3\.(\d+)$", line)))
    assert f"python:3.{newest}-" in arguments["PYTHON_IMAGE"]


def test_the_final_stage_has_no_root_no_shell_and_no_command_of_its_own() -> None:
    _, (_, final) = stages((ROOT / "Dockerfile").read_text())
    assert final.one("USER").rest == f"{UID}:{UID}"
    assert not final.all("RUN")
    for name in ("ENTRYPOINT", "CMD"):
        assert final.one(name).rest.startswith("[")
    assert final.one("HEALTHCHECK").rest == 'CMD ["integration-exporter", "healthcheck"]'
    assert final.one("EXPOSE").rest == "10055"
    assert final.one("VOLUME").rest == final.one("WORKDIR").rest == "/data"
    assert "--chown=65532:65532" in final.all("COPY")[1].flags
    assert final.one("LABEL").pairs()["org.opencontainers.image.licenses"] == PROJECT["license"]
    assert final.one("LABEL").pairs()["org.opencontainers.image.description"] == PROJECT["description"]


def test_libraries_come_locked_by_hash_and_built() -> None:
    _, (build, _) = stages((ROOT / "Dockerfile").read_text())
    (locked,) = [step.rest for step in build.all("RUN") if "runtime.txt" in step.rest]
    assert {"--require-hashes", "--only-binary=:all:"} <= set(locked.split())
    (own,) = [step.rest for step in build.all("RUN") if "--find-links" in step.rest]
    assert {"--no-deps", "--no-index"} <= set(own.split())


def test_the_build_is_sent_what_it_copies_and_no_secret() -> None:
    _, (build, final) = stages((ROOT / "Dockerfile").read_text())
    for step in build.all("COPY"):
        for source in step.words[:-1]:
            assert (ROOT / source).exists(), source
            assert let_through(source), source
    assert let_through("exporter/server/pages/assets/page.css")
    for path in (
        ".git/config",
        ".venv/bin/python",
        "deploy/compose/secrets/grafana-password",
        "exporter/core/__pycache__/metric.cpython-311.pyc",
        "integration-exporter.yml",
        "integration-exporter.db",
        "tests/test_cli.py",
    ):
        assert not let_through(path), path
    assert all(f"--from={build.name}" in step.flags for step in final.all("COPY"))


def test_the_image_holds_what_runs_and_not_what_builds(image: Image) -> None:
    for step in image.final.all("COPY"):
        assert image.replay.at(step.words[0]).is_dir()
    inside = {path.name.split("-")[0] for path in image.replay.at(INSTALLED).rglob("*.dist-info")}
    assert {"aiohttp", "integration_exporter"} <= inside
    assert inside.isdisjoint({"pip", "hatchling", "editables", "pytest", "mypy"})


def test_it_serves_as_its_own_user_on_a_read_only_root_and_writes_only_its_data(image: Image) -> None:
    data = image.folder()
    configuration = image.replay.at("/etc/integration-exporter/integration-exporter.yml")
    configuration.parent.mkdir(parents=True)
    options = "interval: 1s, options: {host: 127.0.0.1, port: 1}"
    configuration.write_text(f"integrations:\n  - {{name: nobody, provider: tcp, {options}}}\n")
    port = free_port()
    words = [word.replace(":10055", f":{port}") for word in image.final.one("CMD").words]
    words = [word.replace("/etc/", f"{image.replay.at('/etc')}/") for word in words]
    command = [*_read_only(), *image.command(*words)]
    environment = {**image.environment(data), "DATA": str(data), "PATH": f"{image.programs}:/usr/bin:/bin"}
    del environment["TMPDIR"]
    before = _strangers_files()
    with (image.replay.root / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=data, env=environment, stdout=log, stderr=log)
    try:
        _wait(image, f"http://127.0.0.1:{port}/-/ready", data)
        _probed(f"http://127.0.0.1:{port}/metrics")
        status = Path(f"/proc/{process.pid}/status").read_text()
        if os.getuid() == 0:
            assert re.search(rf"^Uid:\t{UID}\t{UID}\t{UID}\t{UID}$", status, re.MULTILINE)
            assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    finally:
        process.terminate()
        process.wait(timeout=60)
    said = (image.replay.root / "log").read_text()
    assert process.returncode == 0, said
    assert '"level": "error"' not in said
    assert {path.name.split(".db")[0] for path in data.iterdir()} == {"admin-token", "integration-exporter"}
    assert _strangers_files() == before


def test_the_program_cannot_change_itself(image: Image) -> None:
    if os.getuid() != 0:
        pytest.skip("the files belong to whoever runs this test")
    touch = ["touch", str(image.replay.at(INSTALLED) / "planted")]
    command = [*image.command()[:-1], *touch]
    assert subprocess.run(command, capture_output=True).returncode != 0


def _read_only() -> list[str]:
    """Return the words that make the root read-only, where this machine lets us."""
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-m", "true"], capture_output=True).returncode != 0:
        return []
    return [unshare, "-m", "sh", "-c", READ_ONLY, "sh"]


def _strangers_files() -> set[Path]:
    """Return the files of the image's user in the places that everybody may write."""
    found = set()
    for place in (path for path in map(Path, ("/tmp", "/var/tmp", "/dev/shm")) if path.is_dir()):
        for path in place.iterdir():
            with suppress(FileNotFoundError):  # other programs remove theirs meanwhile
                if path.lstat().st_uid == UID:
                    found.add(path)
    return found


def _probed(url: str) -> None:
    """Wait for the first probe."""
    limit = time.monotonic() + 120
    while True:
        with urlopen(url) as answer:
            if b'integration_probe_success{integration="nobody"' in answer.read():
                return
        assert time.monotonic() < limit
        time.sleep(0.1)


def _wait(image: Image, url: str, folder: Path) -> None:
    """Wait as the image's HEALTHCHECK does."""
    limit = time.monotonic() + 120
    while (found := image.run("healthcheck", url, folder=folder)).returncode != 0:
        said = (image.replay.root / "log").read_text()
        assert time.monotonic() < limit, found.stderr + said
