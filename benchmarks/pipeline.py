"""The whole pipeline: what probing 1,000 HTTPS addresses costs, beside blackbox_exporter.

    python -m benchmarks.pipeline [--pairs 5] [--targets 1000] [--window 15]

Three pipelines watch the same addresses (each its own port of one nginx, with a certificate of an
authority made for the run) every five seconds and are scraped every five seconds: the exporter with new
connections, the exporter with kept ones, and blackbox_exporter; each has a Prometheus of its own. They take
turns: those that are not measured are stopped (SIGSTOP). A turn costs CPU seconds of exporter and Prometheus;
what is printed are the medians, and the ratios to blackbox_exporter of the same round.
"""

import argparse
import json
import signal
import statistics
import tempfile
import time
import urllib.parse
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import certificates
from benchmarks.programs import Program, exporter, fetch, installed, prometheus
from benchmarks.row import Row
from exporter.demo import services
from tests.servers.ports import free_port


@dataclass
class Pipeline:
    """An exporter and its Prometheus; `query` counts the addresses that are seen as well."""

    name: str
    prober: Program
    scraper: Program
    port: int
    query: str

    def stop(self) -> None:
        """Let it rest."""
        for program in (self.scraper, self.prober):
            program.signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        for program in (self.prober, self.scraper):
            program.signal(signal.SIGCONT)

    def cpu(self) -> tuple[float, float]:
        """Return the CPU seconds so far of the prober and of Prometheus."""
        return self.prober.cpu(), self.scraper.cpu()

    def healthy(self) -> float:
        """Return how many addresses Prometheus knows to be well, with status and expiry."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?{urllib.parse.urlencode({'query': self.query})}"
        rows = json.loads(fetch(url))["data"]["result"]
        return float(rows[0]["value"][1]) if rows else 0.0


def nginx(folder: Path, ports: Iterable[int]) -> Program:
    """Serve every address with one certificate; connections are kept for as long as the client likes."""
    ready = free_port()
    listens = "\n".join(f"listen 127.0.0.1:{port} ssl;" for port in ports)
    (folder / "nginx.conf").write_text(
        f"""daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_timeout 3600; keepalive_requests 10000000;
  client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp; fastcgi_temp_path {folder}/tmp;
  uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
  ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem; ssl_session_tickets on;
  server {{ {listens} location / {{ default_type application/json; return 200 '{{"status":"ok"}}'; }} }}
  server {{ listen 127.0.0.1:{ready}; location / {{ return 200 ok; }}
    location /connections {{ stub_status; }} }}
}}
"""
    )
    command = [installed("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    return Program(command, folder / "nginx.out", f"http://127.0.0.1:{ready}/")


@contextmanager
def ours(folder: Path, ports: Iterable[int], connection: str, every: int) -> Iterator[Pipeline]:
    """The exporter with one integration for each address."""
    home = folder / connection
    home.mkdir()
    lines = [f"defaults: {{interval: {every}s, timeout: {800 * every}ms}}", "integrations:"]
    lines += [
        f"  - {{name: site-{port}, provider: http, options: {{url: 'https://127.0.0.1:{port}/', "
        f"tls: {{ca_file: {folder / 'ca.pem'}}}, connection: {connection}}}}}"
        for port in ports
    ]
    lines.append(f'store: {{url: "sqlite:///{home}/state.db"}}')
    (home / "config.yml").write_text("\n".join(lines) + "\n")
    port, scraper = free_port(), free_port()
    scrape = f"static_configs: [{{targets: ['127.0.0.1:{port}']}}]"
    with (
        exporter(home, port) as prober,
        prometheus(home, scraper, scraping(scrape, every)) as prometheus_,
    ):
        query = (
            "count((integration_probe_success == 1) and (integration_probe_http_status_code == 200)"
            " and (integration_certificate_expiry_timestamp_seconds > 0))"
        )
        yield Pipeline(f"exporter, {connection}", prober, prometheus_, scraper, query)


@contextmanager
def theirs(folder: Path, ports: Iterable[int], every: int) -> Iterator[Pipeline]:
    """blackbox_exporter, asked by Prometheus for each address."""
    home = folder / "blackbox"
    home.mkdir()
    module = f"{{prober: http, timeout: 4s, http: {{tls_config: {{ca_file: {folder / 'ca.pem'}}}}}}}"
    (home / "blackbox.yml").write_text(f"modules: {{site: {module}}}\n")
    port, scraper = free_port(), free_port()
    command = [
        installed("prometheus-blackbox-exporter"),
        f"--config.file={home / 'blackbox.yml'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    addresses = ", ".join(f"'https://127.0.0.1:{each}/'" for each in ports)
    scrape = f"""metrics_path: /probe
    params: {{module: [site]}}
    static_configs: [{{targets: [{addresses}]}}]
    relabel_configs:
      - {{source_labels: [__address__], target_label: __param_target}}
      - {{source_labels: [__param_target], target_label: instance}}
      - {{target_label: __address__, replacement: '127.0.0.1:{port}'}}"""
    with (
        Program(command, home / "blackbox.log", f"http://127.0.0.1:{port}/-/healthy") as prober,
        prometheus(home, scraper, scraping(scrape, every)) as prometheus_,
    ):
        query = (
            "count((probe_success == 1) and (probe_http_status_code == 200)"
            " and (probe_ssl_earliest_cert_expiry > 0))"
        )
        yield Pipeline("blackbox_exporter", prober, prometheus_, scraper, query)


def scraping(scrape: str, every: int) -> str:
    """Return Prometheus' configuration with one job, which `scrape` says where to find."""
    return (
        f"global: {{scrape_interval: {every}s, scrape_timeout: {every}s}}\n"
        f"scrape_configs:\n  - job_name: pipeline\n    {scrape}\n"
    )


def seen(pipeline: Pipeline, targets: int, looks: int = 20) -> float:
    """Return how many addresses are seen as well; a busy machine is given ten seconds to catch up."""
    for _ in range(looks):
        if (found := pipeline.healthy()) >= targets:
            break
        time.sleep(0.5)
    return found


def turn(pipeline: Pipeline, window: float, targets: int, every: int) -> tuple[float, float]:
    """Return what `window` seconds cost the prober and Prometheus; SystemExit when a target is not well."""
    pipeline.wake()
    time.sleep(every + 1.0)  # what fell due while it rested is done by then
    before, began = pipeline.cpu(), time.monotonic()
    time.sleep(window)
    after, took = pipeline.cpu(), time.monotonic() - began
    known = seen(pipeline, targets)
    pipeline.stop()
    if known < targets:
        raise SystemExit(f"{pipeline.name}: only {known:g} of {targets} addresses are seen as well")
    return (after[0] - before[0]) / took * window, (after[1] - before[1]) / took * window


def measure(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Print every round and return the median ratio by kind of connection."""
    certificates.write(folder, "127.0.0.1")
    first = services.free_port(23_000, options.targets)
    ports = range(first, first + options.targets)
    with ExitStack() as stack:
        stack.enter_context(nginx(folder, ports))
        every: list[Pipeline] = []
        for made in (
            ours(folder, ports, "new", options.every),
            ours(folder, ports, "reuse", options.every),
            theirs(folder, ports, options.every),
        ):
            every.append(stack.enter_context(made))
            stack.callback(every[-1].wake)  # what is stopped cannot end
            time.sleep(options.warm)
            every[-1].stop()
        rounds = [
            [turn(pipeline, options.window, options.targets, options.every) for pipeline in every]
            for _ in range(options.pairs)
        ]
    return _report(every, rounds, options)


def _report(
    every: list[Pipeline], rounds: list[list[tuple[float, float]]], options: argparse.Namespace
) -> dict[str, float]:
    probes = options.targets * options.window / options.every
    print(
        f"{options.targets} HTTPS addresses every {options.every} s,"
        f" {options.pairs} rounds of {options.window:g} s"
    )
    ratios: dict[str, float] = {}
    for place, pipeline in enumerate(every):
        prober, scraper = (statistics.median(one[place][part] for one in rounds) for part in (0, 1))
        each = [sum(one[place]) / sum(one[-1]) for one in rounds]
        ratios[pipeline.name] = statistics.median(each)
        print(
            f"  {pipeline.name:18} {prober / probes * 1e6:6.0f} us a probe + Prometheus"
            f" {scraper / probes * 1e6:6.0f} us; ratio {ratios[pipeline.name]:.3f}"
            f" ({min(each):.3f} to {max(each):.3f})"
        )
    return ratios


QUICK = ["--pairs=1", "--targets=10", "--every=1", "--window=1", "--warm=0.5"]


def rows(quick: bool = False) -> list[Row]:
    """Measure for the table."""
    options = _parser().parse_args(QUICK if quick else [])
    with tempfile.TemporaryDirectory(prefix="pipeline-") as folder:
        ratios = measure(options, Path(folder))
    found = []
    for connection, goal in (("reuse", 0.18), ("new", 0.6)):
        ratio = ratios[f"exporter, {connection}"]
        what = f"CPU of the pipeline against blackbox_exporter, `connection: {connection}`"
        found.append(
            Row("P1", what, f"<= {goal}", f"{ratio:.2f}", ratio <= goal, "python -m benchmarks.pipeline")
        )
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=5, help="rounds")
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--every", type=int, default=5, help="seconds between two probes, and two scrapes")
    parser.add_argument("--window", type=float, default=10.0, help="seconds of a turn, a multiple of `every`")
    parser.add_argument(
        "--warm", type=float, default=15.0, help="seconds that each pipeline gets to find its pace"
    )
    return parser


def main() -> None:
    """Read the command line and measure."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="pipeline-") as folder:
        measure(options, Path(folder))


if __name__ == "__main__":
    main()
