"""The programs of the demo: with which words, variables and files each is started."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from exporter.core.admin_token import own_path
from exporter.core.defaults import HOST
from exporter.demo.ports import Ports, url
from exporter.demo.services import DemoProcess
from exporter.generate import paths

COMMAND = (sys.executable, "-m", "exporter")


@dataclass(frozen=True)
class Setting:
    """What the demo runs on: a configuration, a folder of its own, ports, and the variables of the file."""

    config: Path
    folder: Path
    ports: Ports
    variables: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Return the variables that the demo's configuration file reads."""
        ports = self.ports
        return {
            "DEMO_SANDBOX_PORT": str(ports.sandbox),
            "DEMO_SINK_URL": url(ports.sink, "/"),
            "DEMO_STORE_URL": f"sqlite:///{self.folder}/demo.db",
            "DEMO_ALERTMANAGER_URL": url(ports.alertmanager),
            "DEMO_EXPORTER_URL": url(ports.exporter),
            **self.variables,
        }


def own_token() -> str:
    """Return the admin token that the exporter left on this machine, "" where there is none."""
    path = own_path(os.environ)
    return path.read_text().strip() if path is not None and path.exists() else ""


def sandbox(setting: Setting) -> DemoProcess:
    """Return the simulated vendors."""
    port = setting.ports.sandbox
    return DemoProcess(
        "sandbox (simulated vendors)",
        [*COMMAND, "sandbox", "--listen", f"{HOST}:{port}"],
        url(port, "/_sandbox/"),
        setting.folder / "sandbox.log",
    )


def exporter(setting: Setting) -> DemoProcess:
    """Return the exporter itself."""
    port = setting.ports.exporter
    words = [f"--config.file={setting.config}", f"--web.listen-address={HOST}:{port}", "--log.format=logfmt"]
    return DemoProcess(
        "integration-exporter",
        [*COMMAND, *words],
        url(port, "/-/ready"),
        setting.folder / "exporter.log",
        setting.environment(),
    )


def generate(setting: Setting) -> DemoProcess:
    """Return what writes rules, routes and dashboards as a user does: by the command `generate`."""
    folder, ports = setting.folder, setting.ports
    command = [
        *COMMAND,
        "generate",
        f"--config.file={setting.config}",
        f"--out={folder / 'bundle'}",
        f"--secrets.dir={folder / 'secrets'}",
        f"--exporter.address={HOST}:{ports.exporter}",
        f"--web.external-url=http://{HOST}:{ports.exporter}",
        f"--alertmanager.address={HOST}:{ports.alertmanager}",
        f"--prometheus.address={HOST}:{ports.prometheus}",
    ]
    # The exporter has written its token only now; Alertmanager sends what is kept with it.
    variables = setting.environment() | ({"DEMO_TOKEN": token} if (token := own_token()) else {})
    # A process of its own: the demo shows the command that a user runs, with its exit code.
    return DemoProcess("generate", command, "", folder / "generate.log", variables)


def alertmanager(program: str, setting: Setting) -> DemoProcess:
    """Return Alertmanager with the routes that were generated."""
    folder, port = setting.folder, setting.ports.alertmanager
    command = [
        program,
        f"--config.file={folder / 'bundle' / paths.ALERTMANAGER}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={HOST}:{port}",
        # Empty: one Alertmanager needs no cluster, whose port another demo may have.
        "--cluster.listen-address=",
    ]
    return DemoProcess("Alertmanager", command, url(port, "/-/ready"), folder / "alertmanager.log")


def prometheus(program: str, setting: Setting) -> DemoProcess:
    """Return Prometheus with the rules that were generated."""
    folder, port = setting.folder, setting.ports.prometheus
    command = [
        program,
        f"--config.file={folder / 'bundle' / paths.PROMETHEUS}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={HOST}:{port}",
        # Single requests among the percentiles, by their trace ids.
        "--enable-feature=exemplar-storage",
    ]
    return DemoProcess("Prometheus", command, url(port, "/-/ready"), folder / "prometheus.log")
