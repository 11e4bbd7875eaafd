"""An hour at 1,000 probes a second against servers that misbehave, with a reload every minute.

    python -m benchmarks.soak [seconds] [--out DIR] [--picture FILE.svg]

The servers (benchmarks/misbehaving.py), the exporter and a real Prometheus run as processes. Every few
seconds memory, descriptors, threads, tasks, lag and runs are written to a CSV; at the end come the medians of
the first and the last quarter, the lag around reloads and apart from them, every reason with its count,
whether Prometheus could read each scrape, and the picture. Nothing is asserted of times: what must hold is
flat lines, no reason `bug`, and no scrape that failed.
"""

import argparse
import csv
import itertools
import json
import math
import signal
import statistics
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import certificates
from benchmarks.pauses import describe, pauses
from benchmarks.plot import Panel, chart
from benchmarks.programs import Program, exporter, fetch, post, prometheus
from benchmarks.tenants import quantile
from exporter.demo import services
from tests.servers.ports import free_port

TENANTS, INTERVAL, RELOAD_EVERY = 10, 5.0, 60.0
PLAIN, SECURE = 40, 12
KINDS = ("new",) * 5 + ("reuse",) * 8 + ("tls new",) + ("tls reuse",) * 4 + ("tcp",) * 2
"""What an integration does, in the order of twenty of them: vendors' probes, the most, keep connections."""

COLUMNS = (
    "seconds",
    "rss_bytes",
    "descriptors",
    "threads",
    "tasks",
    "lag_p99",
    "runs_per_second",
    "cpu",
    "waiting",
    "up",
)
QUERIES = {
    "tasks": "integration_exporter_tasks",
    "lag_p99": "histogram_quantile(0.99, rate(integration_exporter_probe_lag_seconds_bucket[31s]))",
    "runs_per_second": "sum(rate(integration_exporter_probe_lag_seconds_count[1m]))",
    "up": 'up{job="exporter"}',
}


def configuration(folder: Path, ports: dict[str, int], rate: float, turn: int) -> str:
    """Return the file of a turn: each reload alters timeouts, names and, one time in five, is wrong."""
    integrations = max(1, round(rate * INTERVAL / TENANTS))
    lines = [f"defaults: {{interval: {INTERVAL:g}s, timeout: 2s}}", "integrations:"]
    for number in range(integrations):
        name = f"i{number:04}"
        if number % 50 == 49:  # comes and goes
            name += f"-{turn % 2}"
        timeout = "1900ms" if number % 50 == turn % 50 else "2s"
        rows = ", ".join(f"{{id: t{tenant}}}" for tenant in range(TENANTS))
        provider, options = _options(folder, ports, number)
        lines.append(
            f"  - {{name: {name}, provider: {provider}, timeout: {timeout}, options: {{{options}}}, "
            f"tenants: {{list: [{rows}]}}}}"
        )
    lines.append(f'store: {{url: "sqlite:///{folder}/state.db", retention: {{errors: 10m, checks: 10m}}}}')
    if turn % 5 == 4:
        lines.append("oops: 1")
    return "\n".join(lines) + "\n"


def _options(folder: Path, ports: dict[str, int], number: int) -> tuple[str, str]:
    kind = KINDS[number % len(KINDS)]
    secure = "tls" in kind
    port = ports["tls"] + number % SECURE if secure else ports["plain"] + number % PLAIN
    if kind == "tcp":
        return "tcp", f"host: 127.0.0.1, port: {port}"
    wanted = "expect: {body: [\"status == 'ok'\"]}, " if number % 3 else ""
    wanted += (
        "extract: [{metric: queue, path: queue.length, help: Jobs waiting.}], " if number % 6 == 1 else ""
    )
    trust = f"tls: {{ca_file: {folder / 'ca.pem'}}}, " if secure else ""
    scheme = "https" if secure else "http"
    return (
        "http",
        f"url: '{scheme}://127.0.0.1:{port}/{number}', {wanted}{trust}connection: {kind.split()[-1]}",
    )


class Watch:
    """Asks Prometheus, and the system, how the exporter is doing."""

    def __init__(self, port: int) -> None:
        """`port` is that of Prometheus."""
        self._base = f"http://127.0.0.1:{port}/api/v1"

    def rows(self, expression: str) -> list[dict[str, Any]]:
        """Return the result of an instant query."""
        url = f"{self._base}/query?{urllib.parse.urlencode({'query': expression})}"
        found: list[dict[str, Any]] = json.loads(fetch(url))["data"]["result"]
        return found

    def value(self, expression: str) -> float:
        """Return the value of the only series; NaN where there is none."""
        rows = self.rows(expression)
        return float(rows[0]["value"][1]) if rows else float("nan")

    def readings(self, selector: str) -> dict[float, dict[float, float]]:
        """Return the buckets of a histogram by the time of each scrape: counts by bound, of a range."""
        found: dict[float, dict[float, float]] = {}
        for row in self.rows(selector):
            for at, count in row["values"]:
                found.setdefault(at, {})[float(row["metric"]["le"])] = float(count)
        return dict(sorted(found.items()))

    def sample(self, measured: Program, began: float, busy: float, waiting: float) -> dict[str, float]:
        """Return one line of the CSV; `busy` cores were used since then, `waiting` were wanted besides."""
        return {
            "seconds": time.monotonic() - began,
            "rss_bytes": measured.rss(),
            "descriptors": measured.facts.num_fds(),
            "threads": measured.facts.num_threads(),
            "cpu": busy,
            "waiting": waiting,
            **{name: self.value(query) for name, query in QUERIES.items()},
        }


def watch(
    options: argparse.Namespace, measured: Program, asked: Watch, reload: "Reload"
) -> list[dict[str, float]]:
    """Sample until the time is over; write each line at once, so that an end in between loses nothing."""
    samples: list[dict[str, float]] = []
    began = last = time.monotonic()
    cpu, waited = measured.cpu(), measured.waited()
    with (options.out / "soak.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        while (now := time.monotonic()) < began + options.seconds:
            reload.when_due(now)
            time.sleep(min(options.every, max(0.1, began + options.seconds - now)))
            used, lacked, moment = measured.cpu(), measured.waited(), time.monotonic()
            took = moment - last
            samples.append(asked.sample(measured, began, (used - cpu) / took, (lacked - waited) / took))
            cpu, waited, last = used, lacked, moment
            writer.writerow({name: f"{value:.6g}" for name, value in samples[-1].items()})
            file.flush()
    return samples


class Reload:
    """Writes another configuration now and then, and tells the exporter."""

    def __init__(self, path: Path, url: str, text: "list[str]") -> None:
        """`text` are the files in turn."""
        self._path, self._url, self._text = path, url, text
        self._turn, self._next = 0, time.monotonic() + RELOAD_EVERY
        self.odd: list[str] = []
        self.times: list[tuple[float, float]] = []
        """When each began and when it was answered (Unix seconds)."""

    def when_due(self, now: float) -> None:
        """Reload if a minute has passed."""
        if now < self._next:
            return
        self._turn += 1
        self._next = now + RELOAD_EVERY
        text = self._text[self._turn % len(self._text)]
        self._path.write_text(text)
        began = time.time()
        status, expected = (
            post(self._url, self._path.with_name("admin-token")),
            500 if "oops" in text else 200,
        )
        self.times.append((began, time.time()))
        if status != expected:
            self.odd.append(f"reload {self._turn} answered {status}, not {expected}")


def report(
    options: argparse.Namespace, samples: Sequence[dict[str, float]], asked: Watch, reload: Reload
) -> None:
    """Print the quarters, lag and pauses, the reasons and the scrapes; draw the picture."""
    samples = [sample for sample in samples if all(value == value for value in sample.values())]  # no NaN
    settled = [sample for sample in samples if sample["seconds"] > min(180.0, options.seconds / 4)] or samples
    quarter = max(1, len(settled) // 4)
    print(f"{'':18}{'first quarter':>16}{'last quarter':>16}")
    for name in COLUMNS[1:]:
        first, last = (
            statistics.median(row[name] for row in part) for part in (settled[:quarter], settled[-quarter:])
        )
        print(f"{name:18}{first:16,.4g}{last:16,.4g}")
    window = f"[{int(options.seconds) + 60}s]"
    report_lag(asked.readings(f"integration_exporter_probe_lag_seconds_bucket{window}"), reload.times)
    counts = _reasons(asked, options.seconds)
    print("failures by reason:", {reason: count for reason, count in counts.items() if count})
    print("bugs:", f"{counts.get('bug', 0):g}")  # counted from the first one on
    up = f'up{{job="exporter"}}{window}'
    print(f"scrapes: {asked.value(f'count_over_time({up})'):g}, failed: ", end="")
    print(f"{asked.value(f'count_over_time({up}) - sum_over_time({up})'):g}", end="; ")
    print(f"series of each: {asked.value('scrape_samples_scraped'):g}", end=", ")
    print(f"seconds of the longest: {asked.value(f'max_over_time(scrape_duration_seconds{window})'):.3f}")
    complaints = [
        line for line in (options.out / "prometheus.log").read_text().splitlines() if "level=info" not in line
    ]
    print(f"lines of Prometheus that complain: {len(complaints)}", *complaints[:3], *reload.odd, sep="\n  ")
    options.picture.parent.mkdir(parents=True, exist_ok=True)
    options.picture.write_text(picture(samples))
    print(f"written: {options.out / 'soak.csv'}, {options.picture}")


def report_lag(readings: dict[float, dict[float, float]], reloads: Sequence[tuple[float, float]]) -> None:
    """Print the lag between scrapes with a reload between them, or under way, and that of all others."""
    calm, loud = dict[float, float](), dict[float, float]()
    for (before, old), (after, new) in itertools.pairwise(readings.items()):
        touched = any(began < after and ended > before for began, ended in reloads)
        counts = loud if touched else calm
        for bound, count in new.items():
            counts[bound] = counts.get(bound, 0.0) + count - old.get(bound, 0.0)
    parts = {"apart from reloads": calm, "between the scrapes around a reload": loud}
    for name, counts in parts.items():
        if not counts:
            continue
        p99, longest = (quantile(share, {}, counts) * 1e3 for share in (0.99, 1.0))
        print(f"lag {name}: p99 within {p99:g} ms, longest within {longest:g} ms", end="; ")
        print(f"{counts[math.inf]:.0f} runs")
    if reloads:
        takes = [ended - began for began, ended in reloads]
        print(f"{len(takes)} reloads: median {statistics.median(takes):.2f} s, longest {max(takes):.2f} s")


def _reasons(asked: Watch, seconds: float) -> dict[str, int]:
    """Return how many runs failed by reason, those of integrations that are gone by now too."""
    window = f"[{int(seconds) + 60}s]"
    rows = asked.rows(f"sum by (reason) (max_over_time(integration_probe_failures_total{window}))")
    return {row["metric"]["reason"]: int(float(row["value"][1])) for row in rows}


def picture(samples: Sequence[dict[str, float]]) -> str:
    """Return the chart of a run."""
    shown = {
        "rss_bytes": ("resident memory, MB", 1e-6),
        "descriptors": ("open descriptors", 1.0),
        "tasks": ("tasks of the loop", 1.0),
        "lag_p99": ("schedule lag, 99th percentile, ms", 1e3),
        "runs_per_second": ("runs per second", 1.0),
        "cpu": ("cores used", 1.0),
        "waiting": ("cores that the loop wanted and did not get", 1.0),
    }
    panels = [
        Panel(title, [(sample["seconds"], sample[name] * factor) for sample in samples])
        for name, (title, factor) in shown.items()
    ]
    return chart("Soak: servers that misbehave at random, a reload every minute", panels)


def run(options: argparse.Namespace) -> int:
    """Start everything, watch, report; return 1 when a run ended as `bug` or a reload went astray."""
    options.out.mkdir(parents=True, exist_ok=True)
    if any(options.out.iterdir()):
        raise SystemExit(f"{options.out} is not empty: what is left there would be mixed into the report")
    folder = options.out
    ports = {
        "plain": services.free_port(21_000, PLAIN),
        "tls": services.free_port(22_000, SECURE),
        **{part: free_port() for part in ("ready", "exporter", "prometheus")},
    }
    certificates.write(folder, "127.0.0.1", "localhost")
    texts = [configuration(folder, ports, options.rate, turn) for turn in range(100)]
    (folder / "config.yml").write_text(texts[0])
    with ExitStack() as stack:
        stack.enter_context(_servers(folder, ports, options.bad))
        measured = stack.enter_context(exporter(folder, ports["exporter"]))
        stack.enter_context(
            prometheus(folder, ports["prometheus"], _scrape(ports["exporter"], options.every))
        )
        asked = Watch(ports["prometheus"])
        reload = Reload(folder / "config.yml", f"http://127.0.0.1:{ports['exporter']}/-/reload", texts)
        own = f"http://127.0.0.1:{ports['exporter']}/metrics"
        before = pauses(fetch(own).decode())
        samples = watch(options, measured, asked, reload)
        report(options, samples, asked, reload)
        print(describe(before, pauses(fetch(own).decode())))
        return int(bool(reload.odd) or _reasons(asked, options.seconds).get("bug", 0))


def _servers(folder: Path, ports: dict[str, int], bad: float) -> Program:
    command = [
        *(sys.executable, "-m", "benchmarks.misbehaving"),
        *("--plain", str(ports["plain"]), "--plain-ports", str(PLAIN)),
        *("--tls", str(ports["tls"]), "--tls-ports", str(SECURE)),
        *("--ready", str(ports["ready"]), "--certificates", str(folder), "--bad", str(bad)),
    ]
    return Program(command, folder / "servers.log", f"http://127.0.0.1:{ports['ready']}/")


def _scrape(port: int, every: float) -> str:
    return (
        f"global: {{scrape_interval: {max(1, round(every))}s, scrape_timeout: {max(1, round(every))}s}}\n"
        f"scrape_configs: [{{job_name: exporter, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
    )


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("seconds", type=float, nargs="?", default=3600.0)
    parser.add_argument(
        "--out", type=Path, default=None, help="folder of CSV, logs and data; default: a new one"
    )
    parser.add_argument("--picture", type=Path, default=None, help="default: soak.svg in that folder")
    parser.add_argument("--rate", type=float, default=1000.0, help="probes a second")
    parser.add_argument("--bad", type=float, default=0.04, help="part of the answers that are not good")
    parser.add_argument(
        "--every", type=float, default=15.0, help="seconds between two samples, and two scrapes"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))  # the programs are ended, too
    options.out = (options.out or Path(tempfile.mkdtemp(prefix="soak-"))).absolute()
    options.picture = options.picture or options.out / "soak.svg"
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
