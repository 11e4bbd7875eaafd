"""docker-compose.yml keeps its promises."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from exporter import __version__
from exporter.commands.parser import build_parser
from exporter.config.load import load_text
from exporter.core.generation import AlertmanagerPeer, ExporterPeer, Generation, Peer
from exporter.demo.services import program
from exporter.generate import scraping
from exporter.registry import catalogue
from tests.packaging.compose import COMPOSE, FILES, NAMES, SECRETS, SERVICES, mounts
from tests.packaging.conftest import ROOT, UID


def _documents(top: Path) -> list[Path]:
    return [top] if top.is_file() else [path for path in top.rglob("*") if path.suffix in {".md", ".html"}]


DOCUMENTS = sorted(
    path for top in ("README.md", "CHANGELOG.md", "docs", "deploy") for path in _documents(ROOT / top)
)


def test_the_default_is_what_watches_and_the_demo_adds_what_is_watched() -> None:
    of = {name: service.get("profiles", []) for name, service in SERVICES.items()}
    watching = {"exporter", "postgres", "prometheus", "alertmanager", "grafana"}
    assert {name for name in of if not of[name]} == watching
    assert {name for name in of if of[name] == ["demo"]} == {"sandbox", "app"}
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
    forbidden = {"privileged", "cap_add", "devices", "pid", "ipc", "userns_mode", "env_file"}
    assert not forbidden & set(service)


@pytest.mark.parametrize("name", NAMES)
def test_a_service_comes_back_also_after_a_signal_by_hand(name: str) -> None:
    """Docker takes any signal for a stop by hand, except under `always` with a stop signal of its own."""
    service = SERVICES[name]
    assert service["restart"] == ("no" if name == "secrets" else "always")
    assert service["stop_signal"] in {"SIGTERM", "SIGINT"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_document_signals_a_container(path: Path) -> None:
    """A restart loads the same files, whatever restart policy the reader has."""
    assert not re.search(r"docker(?:[ -]compose)?\b[^\n`]*\bkill\b", path.read_text())


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


def test_every_declared_thing_is_used() -> None:
    def used(what: str) -> set[str]:
        return {item for service in SERVICES.values() for item in service.get(what, ())}

    assert used("secrets") == set(SECRETS)
    assert used("networks") == set(COMPOSE["networks"])
    sources = {source for service in SERVICES.values() for source, _, _ in mounts(service)}
    assert {source for source in sources if not source.startswith(".")} == set(COMPOSE["volumes"])


def test_the_exporters_words_are_words_it_knows() -> None:
    parser = build_parser()
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
            alertmanager=AlertmanagerPeer(addresses=("alertmanager:9093",)),
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
    provisioning = list((ROOT / "grafana/provisioning").rglob("*.yaml"))
    wanted = {f"/etc/grafana/provisioning/{path.parent.name}/{path.name}" for path in provisioning}
    assert wanted <= set(targets)
    variables = re.findall(r"\$\{(\w+)\}", "".join(Path(ROOT / targets[name]).read_text() for name in wanted))
    assert set(variables) <= set(service["environment"])


def test_docker_itself_takes_the_file_where_it_is_installed() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True).returncode != 0:
        pytest.skip("docker compose is not installed here")
    for profile in ("demo", "setup"):
        command = [docker, "compose", "--profile", profile, "config", "--quiet"]
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert found.returncode == 0, found.stderr


def test_one_service_builds_the_image_and_nobody_pulls_it() -> None:
    assert {name for name in NAMES if "build" in SERVICES[name]} == {"exporter"}
    for name in ("exporter", "sandbox", "app", "secrets"):
        assert SERVICES[name]["pull_policy"] == "never"
    recipe = (ROOT / "Makefile").read_text().partition("\ncompose:")[2].partition("\n\n")[0]
    assert recipe.index("docker compose build exporter") < recipe.index("docker compose run")


def test_users_match_the_image_and_the_script_needs_only_what_the_image_has() -> None:
    for name in ("exporter", "sandbox", "app", "secrets"):
        assert SERVICES[name]["user"] == f"{UID}:{UID}"
        assert SERVICES[name]["image"] == f"integration-exporter:{__version__}"
    imported = re.findall(r"^import (\w+)$", (FILES / "make_secrets.py").read_text(), re.MULTILINE)
    assert all(importlib.util.find_spec(name) for name in imported)
    assert set(imported) - set(sys.stdlib_module_names) == {"bcrypt"}
    assert os.access(FILES / "make_secrets.py", os.R_OK)
