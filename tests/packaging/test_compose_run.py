"""The services of docker-compose.yml, without an engine: real programs with the same words and files."""

import base64
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from exporter.demo.services import program
from tests.packaging.compose import FILES, SERVICES
from tests.packaging.conftest import ROOT
from tests.servers.ports import free_port


def answer(url: str, **headers: str) -> int:
    """Return the status that GET `url` is answered with."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as got:
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
        process.wait(timeout=60)


def moved(text: str, replaced: dict[str, str]) -> str:
    for old, new in replaced.items():
        text = text.replace(old, new)
    return text


def healthy(test: list[str], port: int, limit: float = 120.0) -> None:
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
    ports = {name: free_port() for name in ("exporter", "prometheus", "alertmanager", "grafana")}
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
    # The store is that of the next test: a server takes longer than all of this.
    own = {
        "/run/secrets": str(made),
        "url_file: " + str(made) + "/store_url": f"url: sqlite:///{tmp_path}/db",
    }
    (tmp_path / "integration-exporter.yml").write_text(moved(text, own))
    shutil.copytree(ROOT / "prometheus/rules", tmp_path / "prometheus/rules")
    scrape = (FILES / "prometheus.yml").read_text().replace("scrape_interval: 30s", "scrape_interval: 1s")
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
    operator = {"Authorization": f"Bearer {(made / 'operator_token').read_text()}"}
    assert answer(f"{url}/probe?target=alerting", **operator) == 200
    assert answer(f"{url}/", **person) == 200
    assert answer(f"{url}/probe?target=alerting", **person) == 200


def _check_scraped(prometheus: str) -> None:
    """The real Prometheus reads the exporter with the token, and Alertmanager takes its alerts."""
    asked = 'count(up{job=~"integration-exporter|prometheus|alertmanager"} == 1) == 3'
    url = f"http://{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": asked})
    end = time.monotonic() + 120
    while True:
        with urllib.request.urlopen(url) as got:
            if b'"value"' in (said := got.read()):
                return
        assert time.monotonic() < end, said
        time.sleep(0.3)
