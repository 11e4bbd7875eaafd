"""The wheel is enough by itself: no checkout, no compiler, no other program."""

import json
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path
from urllib.request import urlopen

import pytest

from exporter import registry
from exporter.demo.services import program
from tests.packaging.conftest import INSTALLED, ROOT, Image
from tests.servers.ports import free_row

CONFIGURATION = """\
integrations:
  - name: payments
    provider: stripe
    critical: true
    options: {secret_key_file: stripe-key}
  - name: booking-api
    provider: http
    options: {url: https://booking.example/health}
notifications:
  slack: {api_url: https://hooks.example/planted}
"""


def build(source: Path, target: str, folder: Path) -> Path:
    """Build an sdist or a wheel of `source` into `folder`."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (made,) = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_package_with_all_that_is_no_code_and_nothing_else(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "exporter"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    wanted = set(tracked.stdout.splitlines())
    package = {name for name in inside if name.startswith("exporter/")}
    assert package == wanted
    info = wheel_info(wheel)
    assert {name.split("/")[0] for name in inside - package} == {info, info.replace(".dist-info", ".data")}
    for name in (
        "exporter/demo/demo.yml",
        "exporter/generate/templates/messages.tmpl",
        "exporter/py.typed",
        "exporter/server/pages/overview.html",
        "exporter/server/pages/texts.toml",
        "exporter/server/pages/assets/page.css",
        "exporter/server/pages/assets/page.js",
        "exporter/store/migrations/versions/0001_targets.py",
    ):
        assert name in inside


def test_the_wheel_brings_pages_examples_and_the_unit(wheel: Path) -> None:
    shared = f"{wheel_info(wheel).removesuffix('.dist-info')}.data/data/share"
    inside = set(zipfile.ZipFile(wheel).namelist())
    for path in sorted((ROOT / "docs").rglob("*")):
        if path.is_file():
            assert f"{shared}/doc/integration-exporter/{path.relative_to(ROOT / 'docs')}" in inside
    assert f"{shared}/integration-exporter/systemd/integration-exporter.service" in inside


def test_the_installed_package_has_them_where_install_md_says(image: Image) -> None:
    share = image.replay.at(INSTALLED) / "share"
    page = (ROOT / "docs/install.md").read_text()
    for name in (
        "doc/integration-exporter/into-what-you-have.md",
        "doc/integration-exporter/examples/generic.yml",
        "doc/integration-exporter/examples/config.schema.json",
        "doc/integration-exporter/runbooks/IntegrationDown.md",
        "integration-exporter/systemd/integration-exporter.service",
    ):
        assert (share / name).is_file(), name
    assert "/opt/integration-exporter/share/doc/integration-exporter" in page
    assert "/opt/integration-exporter/share/integration-exporter/systemd/integration-exporter.service" in page


def test_schema_prints_what_editors_need(image: Image) -> None:
    found = image.run("schema", folder=image.folder())
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == (ROOT / "docs/examples/config.schema.json").read_text()


def wheel_info(wheel: Path) -> str:
    return "-".join(wheel.name.split("-")[:2]) + ".dist-info"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that comes out of the sdist."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build(ROOT, "sdist", folder)) as archive:
        archive.extractall(folder / "source", filter="data")
    (made,) = (folder / "source").iterdir()
    return made


def test_the_sdist_makes_the_same_wheel_to_the_byte(wheel: Path, source: Path, tmp_path: Path) -> None:
    assert (source / "deploy/locks/runtime.txt").exists()
    assert (source / "tests/packaging/test_wheel.py").exists()
    again = build(source, "wheel", tmp_path)
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


def test_the_sdist_leaves_the_secrets_of_the_containers_at_home(source: Path, tmp_path: Path) -> None:
    secrets = source / "deploy/compose/secrets"
    secrets.mkdir(exist_ok=True)
    (secrets / "grafana-password").write_text("planted")
    with tarfile.open(build(source, "sdist", tmp_path)) as archive:
        names = archive.getnames()
    assert any(name.endswith("deploy/compose/databases.sql") for name in names)
    assert not any("compose/secrets" in name for name in names)


def test_the_installed_package_needs_nothing_of_the_checkout(image: Image) -> None:
    where = "import exporter, sys; print(exporter.__file__, *sys.path)"
    python = str(image.programs / "python")
    environment = image.environment(image.folder())
    found = subprocess.run(
        [python, "-c", where], cwd="/", env=environment, capture_output=True, text=True, check=True
    )
    assert str(ROOT) not in found.stdout
    assert str(image.replay.at(INSTALLED)) in found.stdout.split()[0]
    assert not list(image.replay.at(INSTALLED).glob("lib/python3.*/site-packages/tests"))


def test_version_is_that_of_the_project(image: Image, wheel: Path) -> None:
    found = image.run("--version", folder=image.folder())
    assert found.stdout == f"integration-exporter {wheel.name.split('-')[1]}\n"


def test_check_and_generate_work_on_a_users_own_file(image: Image) -> None:
    folder = image.folder()
    (folder / "my.yml").write_text(CONFIGURATION)
    (folder / "stripe-key").write_text("sk_test_of_my_own")
    found = image.run("check", "--config.file=my.yml", folder=folder)
    assert (found.returncode, found.stderr) == (0, "")
    assert "2 integrations, 2 targets" in found.stdout
    words = ("--config.file=my.yml", "--out=bundle", "--secrets.dir=secrets")
    found = image.run("generate", *words, folder=folder)
    assert (found.returncode, found.stderr) == (0, "")
    bundle = folder / "bundle"
    for tool, *check in (
        ("promtool", "check", "config", "prometheus/prometheus.yml"),
        ("amtool", "check-config", "alertmanager/alertmanager.yml"),
    ):
        path = program(tool)
        assert path, f"{tool} is needed: apt-get install prometheus prometheus-alertmanager"
        judged = subprocess.run([path, *check], cwd=bundle, capture_output=True, text=True)
        assert judged.returncode == 0, judged.stderr + judged.stdout
    assert (folder / "secrets/slack-url").read_text() == "https://hooks.example/planted"
    for board in (bundle / "grafana/dashboards").iterdir():
        assert json.loads(board.read_text())["panels"]
    assert len(list((bundle / "grafana/provisioning").rglob("*.yaml"))) == 5


def test_the_sandbox_serves_its_vendors(image: Image) -> None:
    folder = image.folder()
    port = free_row(1 + 2 * len(registry.sandbox_vendors()))
    with image.running("sandbox", f"--listen=127.0.0.1:{port}", folder=folder) as process:
        url = f"http://127.0.0.1:{port}/_sandbox"
        wait_for(image, url, folder)
        with urlopen(url) as answer:
            assert "stripe" in json.load(answer)
    assert process.returncode == 0


def test_the_demo_runs_without_a_file_and_says_what_it_lacks(image: Image) -> None:
    folder = image.folder()
    with image.running("demo", folder=folder) as process:
        said = read_until(process, folder / "log", "All is well")
        assert "is not installed here" in said
        assert "apt-get install prometheus prometheus-alertmanager" in said
    assert process.returncode == 0
    assert "nothing is left running" in (folder / "log").read_text()


def wait_for(image: Image, url: str, folder: Path) -> None:
    """Wait by the command that containers and service managers use."""
    limit = time.monotonic() + 120
    while (found := image.run("healthcheck", url, folder=folder)).returncode != 0:
        assert time.monotonic() < limit, found.stderr + (folder / "log").read_text()


def read_until(process: subprocess.Popen[str], log: Path, wanted: str) -> str:
    limit = time.monotonic() + 120
    while wanted not in (said := log.read_text()):
        assert time.monotonic() < limit and process.poll() is None, said
        time.sleep(0.1)
    return said


def test_no_compiler_can_be_found_there(image: Image) -> None:
    assert shutil.which("cc", path=str(image.programs)) is None
    assert shutil.which("gcc", path=str(image.programs)) is None
