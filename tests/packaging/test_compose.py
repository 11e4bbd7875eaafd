"""docker-compose.yml keeps its promises; what needs no engine is run with the same words and files."""

import base64
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import __version__, cli
from exporter.config.load import load_text
from exporter.core.generation import ExporterPeer, Generation, Peer
from exporter.demo.services import free_port, program
from exporter.generate import scraping
from exporter.registry import catalogue
from tests.packaging.conftest import ROOT, UID

TEXT = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (ROOT / "docker-compose.yml").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
FILES = ROOT / "deploy/compose"
SECRETS: dict[str, str] = {name: Path(given["file"]).name for name, given in COMPOSE["secrets"].items()}
NAMES = sorted(SERVICES)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that looks like /run/secrets: what make_secrets.py made, under the mounted names."""
    folder = tmp_path_factory.mktemp("secrets")
    subprocess.run([sys.executable, FILES / "make_secrets.py", folder / "made"], check=True)
    for name, file in SECRETS.items():
        shutil.copy(folder / "made" / file, folder / name)
    return folder


def mounts(service: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for volume in service.get("volumes", ()):
        source, target, *mode = volume.split(":")
        yield source, target, *(mode or [""])


def test_the_default_is_four_services_and_the_demo_adds_what_is_monitored() -> None:
    of = {name: service.get("profiles", []) for name, service in SERVICES.items()}
    assert {name for name in of if not of[name]} == {"exporter", "prometheus", "alertmanager", "grafana"}
    assert {name for name in of if of[name] == ["demo"]} == {"sandbox", "postgres"}
    assert {name for name in of if of[name] == ["setup"]} == {"secrets"}


@pytest.mark.parametrize("name", NAMES)
def test_a_service_is_pinned_and_confined(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", service["image"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d*:\d+", service["user"])
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert service["pids_limit"] > 0
    assert service["tmpfs"][0].startswith("/tmp:size=")
    assert service["restart"] == ("no" if name == "secrets" else "unless-stopped")
    forbidden = {"privileged", "cap_add", "devices", "pid", "ipc", "userns_mode", "env_file"}
    assert not forbidden & set(service)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_service_opens_is_open_to_this_machine_alone(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_mounted_exists_and_cannot_be_changed(name: str) -> None:
    for source, target, mode in mounts(SERVICES[name]):
        if source.startswith("."):
            assert (ROOT / source).exists(), source
            assert mode == ("" if name == "secrets" else "ro"), target
        else:
            assert source in COMPOSE["volumes"]
    assert set(SERVICES[name].get("networks", ())) <= set(COMPOSE["networks"])


@pytest.mark.parametrize("name", NAMES)
def test_secrets_come_as_files_and_never_by_the_environment(name: str) -> None:
    service = SERVICES[name]
    assert set(service.get("secrets", ())) <= set(SECRETS)
    for key, value in service.get("environment", {}).items():
        if re.search("PASSWORD|TOKEN|SECRET|KEY", key):
            assert key.endswith("_FILE"), key
            assert value.removeprefix("/run/secrets/") in service["secrets"]
    for used in re.findall(r"/run/secrets/(\w+)", str(service)):
        assert used in service["secrets"], used


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("exporter", "demo/integration-exporter.yml"),
        ("prometheus", "prometheus.yml"),
        ("postgres", "monitor.sql"),
    ],
)
def test_a_file_reads_only_secrets_that_its_service_has(name: str, file: str) -> None:
    used = set(re.findall(r"/run/secrets/(\w+)", (FILES / file).read_text()))
    assert used
    assert used <= set(SERVICES[name]["secrets"])


def test_the_web_configuration_reads_only_secrets_that_the_exporter_has(made: Path) -> None:
    used = re.findall(r"token_file: (\w+)", (made / "exporter_web").read_text())
    assert used
    assert set(used) <= set(SERVICES["exporter"]["secrets"])


def test_every_declared_thing_is_used() -> None:
    def used(what: str) -> set[str]:
        return {item for service in SERVICES.values() for item in service.get(what, ())}

    assert used("secrets") == set(SECRETS)
    assert used("networks") == set(COMPOSE["networks"])
    sources = {source for service in SERVICES.values() for source, _, _ in mounts(service)}
    assert {source for source in sources if not source.startswith(".")} == set(COMPOSE["volumes"])


def test_no_secret_is_checked_in() -> None:
    asked = ["git", "check-ignore", *(f"deploy/compose/secrets/{file}" for file in SECRETS.values())]
    if (ROOT / ".git").exists():
        found = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True)
        assert len(found.stdout.splitlines()) == len(SECRETS), found.stderr


def test_the_exporters_words_are_words_it_knows() -> None:
    parser = cli.parser()
    words = SERVICES["exporter"]["command"]
    options = parser.parse_args(["run", *words])
    configured = {target: source for source, target, _ in mounts(SERVICES["exporter"])}
    folder = ROOT / configured[str(Path(options.config_file).parent)]
    assert (folder / Path(options.config_file).name).exists()
    parser.parse_args(SERVICES["sandbox"]["command"])
    for name in ("exporter", "sandbox"):
        test = SERVICES[name]["healthcheck"]["test"]
        assert test[:2] == ["CMD", "integration-exporter"]
        parser.parse_args(test[2:])


@pytest.mark.parametrize(
    ("name", "programs"),
    [("prometheus", ("prometheus",)), ("alertmanager", ("prometheus-alertmanager", "alertmanager"))],
)
def test_their_flags_are_flags_of_the_real_programs(name: str, programs: tuple[str, ...]) -> None:
    path = program(*programs)
    assert path, f"{name} is needed: apt-get install prometheus prometheus-alertmanager"
    found = subprocess.run([path, "--help"], capture_output=True, text=True)
    known = set(re.findall(r"--[\w.-]+", found.stdout + found.stderr))
    assert {word.partition("=")[0] for word in SERVICES[name]["command"]} <= known


def test_prometheus_scrapes_what_the_bundle_says_by_the_names_of_the_network() -> None:
    ours = yaml.safe_load((FILES / "prometheus.yml").read_text())
    wanted = scraping.configuration(
        Generation(
            exporter=ExporterPeer(addresses=("exporter:10055",)),
            prometheus=Peer(addresses=("localhost:9090",)),
            alertmanager=Peer(addresses=("alertmanager:9093",)),
        )
    )
    more = ours["scrape_configs"].pop()
    credentials = ours["scrape_configs"][0].pop("authorization")
    assert ours == wanted
    assert more == {"job_name": "grafana", "static_configs": [{"targets": ["grafana:3000"]}]}
    assert credentials == {"credentials_file": "/run/secrets/prometheus_token"}
    hosts = {target.split(":")[0] for target in re.findall(r"[\w-]+:\d{4,5}", str(ours))}
    assert hosts - {"localhost"} <= set(SERVICES)


def test_the_demos_configuration_loads_and_asks_only_services_of_the_demo(made: Path) -> None:
    text = (FILES / "demo/integration-exporter.yml").read_text()
    configuration = load_text(
        text.replace("/run/secrets", str(made)), str(FILES / "demo/integration-exporter.yml"), catalogue(), {}
    )
    assert configuration.targets
    asked = set(re.findall(r"http://([\w-]+):|host: ([\w-]+)", text))
    assert {first or second for first, second in asked} <= set(SERVICES)
    schema = re.match(r"# yaml-language-server: \$schema=(\S+)", text)
    assert schema
    assert (FILES / "demo" / schema[1]).exists()


def test_grafana_finds_its_files_where_they_are_mounted() -> None:
    service = SERVICES["grafana"]
    targets = {target: source for source, target, _ in mounts(service)}
    folder = service["environment"]["INTEGRATION_DASHBOARDS"]
    home = Path(service["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) == folder
    assert (ROOT / targets[folder] / home.name).exists()
    provisioning = (ROOT / "grafana/provisioning").rglob("*.yaml")
    wanted = {f"/etc/grafana/provisioning/{path.parent.name}/{path.name}" for path in provisioning}
    assert wanted <= set(targets)
    variables = re.findall(r"\$\{(\w+)\}", "".join(Path(ROOT / targets[name]).read_text() for name in wanted))
    assert set(variables) <= set(service["environment"])


def test_the_secrets_are_random_stay_and_are_closed_to_other_users(tmp_path: Path) -> None:
    script = FILES / "make_secrets.py"
    (tmp_path / "two").mkdir(mode=0o755)
    for name in ("one", "two"):
        subprocess.run([sys.executable, script, tmp_path / name], check=True, umask=0o077)
    one = {path.name: path.read_text() for path in (tmp_path / "one").iterdir()}
    two = {path.name: path.read_text() for path in (tmp_path / "two").iterdir()}
    assert set(SECRETS.values()) <= set(one)
    assert len(set(one.values()) | set(two.values())) == len(one) + len(two)
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("one", "two")} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "one").iterdir()} == {0o644}
    found = subprocess.run(
        [sys.executable, script, tmp_path / "one"], check=True, capture_output=True, text=True
    )
    assert {path.name: path.read_text() for path in (tmp_path / "one").iterdir()} == one
    assert not any(secret in found.stdout for secret in one.values())


def test_docker_itself_takes_the_file_where_it_is_installed() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True).returncode != 0:
        pytest.skip("docker compose is not installed here")
    for profile in ("demo", "setup"):
        command = [docker, "compose", "--profile", profile, "config", "--quiet"]
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert found.returncode == 0, found.stderr


def answer(url: str, **headers: str) -> int:
    """Return the status that GET `url` is answered with."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as got:
            return int(got.status)
    except urllib.error.HTTPError as error:
        return error.code


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[None]:
    with (folder / f"{Path(command[0]).name}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def moved(text: str, replaced: dict[str, str]) -> str:
    for old, new in replaced.items():
        text = text.replace(old, new)
    return text


def healthy(test: list[str], port: int, limit: float = 30.0) -> None:
    """Wait until the health check `test` of a service succeeds here, at `port`."""
    words = [re.sub(r"(127\.0\.0\.1):\d+", rf"\1:{port}", word) for word in test[1:]]
    if words[0] == "integration-exporter":
        default = [f"http://127.0.0.1:{port}/-/ready"] if len(words) == 2 else []
        words = [sys.executable, "-m", "exporter", *words[1:], *default]
    end = time.monotonic() + limit
    while (found := subprocess.run(words, capture_output=True, text=True)).returncode != 0:
        assert time.monotonic() < end, found.stderr
        time.sleep(0.2)


def test_the_parts_work_together_with_the_same_words_and_files(made: Path, tmp_path: Path) -> None:
    ports = {name: free_port(0) for name in ("exporter", "prometheus", "alertmanager", "grafana")}
    listen = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    replaced = {
        "/run/secrets": str(made),
        "/etc/integration-exporter": str(tmp_path),
        "/etc/prometheus": str(tmp_path / "prometheus"),
        "/etc/alertmanager": str(ROOT / "alertmanager"),
        "=/prometheus": f"={tmp_path}/data",
        "=/alertmanager": f"={tmp_path}/silences",
        "=:10055": f"={listen['exporter']}",
    }
    text = (FILES / "demo/integration-exporter.yml").read_text()
    own = {"/run/secrets": str(made), "sqlite:////data": f"sqlite:///{tmp_path}"}
    (tmp_path / "integration-exporter.yml").write_text(moved(text, own))
    shutil.copytree(ROOT / "prometheus/rules", tmp_path / "prometheus/rules")
    scrape = (FILES / "prometheus.yml").read_text().replace("scrape_interval: 15s", "scrape_interval: 1s")
    names = {f"{name}:{port}": listen[name] for name, port in _ports() if name in listen}
    scrape = moved(scrape, {**replaced, **names, "localhost:9090": listen["prometheus"]})
    (tmp_path / "prometheus/prometheus.yml").write_text(scrape)
    commands = {
        "exporter": [sys.executable, "-m", "exporter"],
        "prometheus": [str(program("prometheus")), f"--web.listen-address={listen['prometheus']}"],
        "alertmanager": [
            str(program("prometheus-alertmanager", "alertmanager")),
            f"--web.listen-address={listen['alertmanager']}",
        ],
    }
    with ExitStack() as stack:
        for name, command in commands.items():
            words = [moved(word, replaced) for word in SERVICES[name]["command"]]
            stack.enter_context(running([*command, *words], tmp_path))
        for name in commands:
            healthy(SERVICES[name]["healthcheck"]["test"], ports[name])
        _check_access(f"http://{listen['exporter']}", made)
        _check_scraped(listen["prometheus"])


def _ports() -> Iterator[tuple[str, str]]:
    for name, service in SERVICES.items():
        for port in service.get("ports", ()):
            yield name, port.rpartition(":")[2]


def _check_access(url: str, made: Path) -> None:
    """Nobody reads without a secret; Prometheus reads; a person may do everything."""
    token = {"Authorization": f"Bearer {(made / 'prometheus_token').read_text()}"}
    password = (made / "made/exporter-password").read_text()
    person = {"Authorization": "Basic " + base64.b64encode(f"admin:{password}".encode()).decode()}
    assert answer(f"{url}/metrics") == 401
    assert answer(f"{url}/") == 401
    assert answer(f"{url}/metrics", **token) == 200
    assert answer(f"{url}/probe?target=alerting", **token) == 403
    assert answer(f"{url}/", **person) == 200
    assert answer(f"{url}/probe?target=alerting", **person) == 200


def _check_scraped(prometheus: str) -> None:
    """The real Prometheus reads the exporter with the token, and Alertmanager takes its alerts."""
    asked = 'count(up{job=~"integration-exporter|prometheus|alertmanager"} == 1) == 3'
    url = f"http://{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": asked})
    end = time.monotonic() + 30
    while True:
        with urllib.request.urlopen(url) as got:
            if b'"value"' in (said := got.read()):
                return
        assert time.monotonic() < end, said
        time.sleep(0.3)


def test_users_match_the_image_and_the_script_needs_only_what_the_image_has() -> None:
    for name in ("exporter", "sandbox", "secrets"):
        assert SERVICES[name]["user"] == f"{UID}:{UID}"
        assert SERVICES[name]["build"] == "."
        assert SERVICES[name]["image"] == f"integration-exporter:{__version__}"
    imported = re.findall(r"^import (\w+)$", (FILES / "make_secrets.py").read_text(), re.MULTILINE)
    assert all(importlib.util.find_spec(name) for name in imported)
    assert set(imported) - set(sys.stdlib_module_names) == {"bcrypt"}
    assert os.access(FILES / "make_secrets.py", os.R_OK)
