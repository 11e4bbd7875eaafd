"""What the generated rules cost Prometheus at 10,000 tenants of six integrations.

    python -m benchmarks.rules [--tenants 10000] [--providers stripe twilio ...] [--reporting 1000]
        [--prometheus PATH]

A real Prometheus with the checked-in rules scrapes the series that they read, one target in a hundred
failing, and what the apps of a thousand tenants report. Before, it gets all the past that the rules read:
what they look at over hours, days and weeks as blocks of its database, the last quarter of an hour by
scrapes as fast as it takes them. Then the rules are loaded: what they cost is the CPU that Prometheus takes
from then on, less what it took just before for its scrapes alone. It also reports how long each group took
on the clock.
"""

import argparse
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from benchmarks.programs import Program, fetch, installed, prometheus
from benchmarks.row import Row
from benchmarks.rule_series import MOMENT, Crowd, body, long_pasts, reported_body, write_past
from exporter.core.durations import seconds
from exporter.generate.scraping import SCRAPE_INTERVAL
from tests.servers.ports import free_port

RULES = Path(__file__).parent.parent / "prometheus" / "rules"
PROVIDERS = ("stripe", "twilio", "whatsapp", "google_calendar", "facebook_ads", "resend")
REPORTING = 1_000
"""Tenants of whom apps report all kinds of events."""
APPS = "apps"
"""The shard that has what they report."""
EVERY = seconds(SCRAPE_INTERVAL)
"""Seconds between two samples, as the shipped configuration of Prometheus scrapes."""

FILLING, BATCH = 5, 2_700_000
"""While the past is filled in: seconds between two scrapes, and how many samples each brings at most."""

LOOK_BACK = 16 * 60
"""Seconds of samples of everything before the rules are; what is read over longer windows has more."""

WINDOW = 300
"""Seconds that are measured. Groups of a longer interval are evaluated as often, so that none is left out."""

GOAL = 0.25
HALF = 0.5
"""Most of its interval that a group may take on the clock."""


@dataclass
class Stage:
    """What is served: `body` as of `at` (Unix seconds), which goes on by EVERY until it is now."""

    body: bytes
    at: float
    steps: int = 1
    served: int = 0

    def next(self) -> tuple[bytes, float]:
        """Return the next body and its last time: in the past `steps` samples of a series, else one."""
        parts: list[bytes] = []
        at, now = self.at, time.time()
        while len(parts) < self.steps and at < now - EVERY:
            at += EVERY
            parts.append(self._as_of(at))
        return b"".join(parts) or self._as_of(now), at if parts else now

    def _as_of(self, at: float) -> bytes:
        return self.body.replace(MOMENT, b" %d\n" % (at * 1000))


def _server(stages: dict[str, Stage]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stage = stages[self.path.rpartition("/")[2]]
            data, at = stage.next()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with suppress(OSError):  # a scrape that took too long; it comes again
                self.wfile.write(data)
                stage.at, stage.served = at, stage.served + 1

        def log_message(self, *_words: object) -> None:
            """Say nothing of each scrape."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _configuration(port: int, names: Iterable[str], every: int, rules: Path | None) -> str:
    """Return what Prometheus does: each name is a shard of its own, so that all cores take in samples."""
    files = f"rule_files: ['{rules}/*.yml']\n" if rules else ""
    shards = ", ".join(
        f"{{targets: ['127.0.0.1:{port}'], labels: {{__metrics_path__: /{name}, shard: '{number}'}}}}"
        for number, name in enumerate(names)
    )
    return (
        f"global: {{scrape_interval: {every}s, scrape_timeout: {every}s}}\n{files}"
        f"scrape_configs:\n  - {{job_name: integration-exporter, static_configs: [{shards}]}}\n"
    )


@dataclass(frozen=True)
class Reached:
    """What one evaluation of all groups takes, in CPU seconds and on the clock.

    `share` and `scrapes` are parts of two cores: of the rules, and of the scrapes without them. `groups` has
    the longest evaluation of each group and its interval, both in seconds.
    """

    series: int
    past: int
    seconds: float
    share: float
    scrapes: float
    alerts: int
    groups: dict[str, tuple[float, float]]

    @property
    def clock(self) -> float:
        """How long all groups take on the clock, by an interval of 30 s."""
        return sum(took * 30 / interval for took, interval in self.groups.values())

    @property
    def slowest(self) -> tuple[str, float]:
        """The group that takes the largest part of its interval, and that part."""
        parts = {name: took / interval for name, (took, interval) in self.groups.items()}
        worst = max(parts, key=lambda name: parts[name])
        return worst, parts[worst]


@dataclass(frozen=True)
class Trial:
    """What is measured: so many tenants, of whom some report, the folder of rules, and the program's path.

    Another `interval` than 30 only tries the measurement out: hardly any past is filled in then.
    """

    tenants: int
    providers: tuple[str, ...] = PROVIDERS
    rules: Path = RULES
    program: str = ""
    interval: int = 30
    window: int = WINDOW
    reporting: int = REPORTING

    @property
    def crowd(self) -> Crowd:
        """Who is measured."""
        return Crowd(self.tenants, self.providers, min(self.reporting, self.tenants))

    @property
    def real(self) -> bool:
        """Whether it is a measurement."""
        return self.interval == 30


def measure(trial: Trial) -> Reached:
    """Return what the rules cost, evaluated as often as their groups say, within the trial's window."""
    text = "".join(path.read_text() for path in trial.rules.glob("*.yml"))
    made = {name: body(trial.tenants, name, text) for name in trial.providers}
    made[APPS] = reported_body(trial.crowd.reporting, trial.providers[0], text)
    series = sum(count for _, count in made.values())
    with tempfile.TemporaryDirectory(prefix="rules-") as name:
        folder, port = Path(name), free_port()
        rules = _rules(trial, folder / "rules")
        older = _write_blocks(trial, folder) if trial.real else 0
        past = time.time() - (LOOK_BACK if trial.real else 3 * EVERY)
        steps = min(8, max(2, BATCH // max(1, series)))
        stages = {name: Stage(text, past, steps) for name, (text, _) in made.items()}
        server = _server(stages)
        try:
            filling = _configuration(server.server_port, stages, FILLING if trial.real else 1, None)
            with prometheus(folder, port, filling, trial.program) as measured:
                _fill(stages)
                every = min(EVERY, trial.interval)
                idle = 0.0
                for files in (None, rules):
                    text = _configuration(server.server_port, stages, every, files)
                    (folder / "prometheus.yml").write_text(text)
                    measured.signal(signal.SIGHUP)
                    idle = idle or _cpu(measured, 2 * trial.interval)
                return _evaluated(trial, measured, port, idle, Counted(series, older))
        finally:
            server.shutdown()
            server.server_close()


def _rules(trial: Trial, folder: Path) -> Path:
    shutil.copytree(trial.rules, folder)

    def shorten(found: re.Match[str]) -> str:
        pace = seconds(found[1])
        return f"interval: {trial.interval if pace == 30 else min(pace, trial.window)}s"

    for path in folder.glob("*.yml"):
        path.write_text(re.sub(r"interval: (\w+)", shorten, path.read_text()))
    return folder


def _write_blocks(trial: Trial, folder: Path) -> int:
    """Write what rules read over long windows as blocks of the database; return how many samples."""
    end = int(time.time()) - LOOK_BACK
    count = 0
    promtool = Path(trial.program).parent / "promtool" if trial.program else installed("promtool")
    for past in long_pasts(list(trial.rules.glob("*.yml")), LOOK_BACK, EVERY):
        path = folder / "past.txt"
        samples = write_past(path, past, trial.crowd, end)
        print(f"  {samples:,} samples of {past.name}, {past.step} s apart", flush=True)
        count += samples
        command = [promtool, "tsdb", "create-blocks-from", "--max-block-duration=162h", "--quiet"]
        subprocess.run([*command, "openmetrics", path, folder / "tsdb"], check=True)
        path.unlink()
    return count


def _fill(stages: dict[str, Stage]) -> None:
    end = time.monotonic() + 900
    while min(stage.at for stage in stages.values()) < time.time() - 2 * EVERY:
        if time.monotonic() > end:
            taken = min(stage.served for stage in stages.values())
            raise SystemExit(f"Prometheus took only {taken} scrapes in 900 s")
        time.sleep(0.2)


def _cpu(measured: Program, seconds: float) -> float:
    """Return the CPU seconds of every second from now on."""
    before, began = measured.cpu(), time.monotonic()
    time.sleep(seconds)
    return (measured.cpu() - before) / (time.monotonic() - began)


class Counted(NamedTuple):
    """How many series are scraped, and how many samples of the past are in blocks."""

    series: int
    past: int


def _evaluated(trial: Trial, measured: Program, port: int, idle: float, counted: Counted) -> Reached:
    url = f"http://127.0.0.1:{port}"
    time.sleep(1.5 * trial.interval + 1)  # the groups of the shortest interval have been evaluated once
    before, began, groups = measured.cpu(), time.monotonic(), dict[str, tuple[float, float]]()
    while time.monotonic() < began + trial.window:
        time.sleep(trial.interval / 2)
        for name, now in _groups(fetch(f"{url}/metrics").decode()).items():
            groups[name] = max(groups.get(name, now), now)
    used = (measured.cpu() - before) / (time.monotonic() - began)
    found = fetch(f"{url}/api/v1/query?query=count(ALERTS)").decode()
    alerts = re.search(r'"value":\[[^,]+,"(\d+)"', found)
    return Reached(
        series=counted.series,
        past=counted.past,
        seconds=max(0.0, used - idle) * trial.interval,
        share=max(0.0, used - idle) / 2,
        scrapes=idle / 2,
        alerts=int(alerts.group(1)) if alerts else 0,
        groups=groups,
    )


def _groups(text: str) -> dict[str, tuple[float, float]]:
    """Return how many seconds the last evaluation of each group took, and its interval."""

    def read(metric: str) -> dict[str, float]:
        pattern = rf'^prometheus_rule_group_{metric}{{rule_group="[^"]*;([^"]+)"}} (\S+)'
        return {name: float(value) for name, value in re.findall(pattern, text, re.MULTILINE)}

    took, intervals = read("last_duration_seconds"), read("interval_seconds")
    if not took:
        raise SystemExit("Prometheus evaluated no group of rules")
    return {name: (took[name], intervals[name]) for name in took}


def rows(quick: bool = False) -> list[Row]:
    """Measure for the table."""
    trial = Trial(5, interval=1, window=2) if quick else Trial(10_000)
    reached = measure(trial)
    print(_says(reached))
    group, part = reached.slowest
    command = "python -m benchmarks.rules"
    return [
        Row(
            "P7",
            f"CPU seconds of all groups of rules over 2 x interval, {trial.tenants:,} tenants x "
            f"{len(PROVIDERS)}, {trial.crowd.reporting:,} that report",
            f"< {GOAL}",
            f"{reached.share:.2f} ({reached.seconds:.1f} s every {trial.interval} s)",
            reached.share < GOAL,
            command,
        ),
        Row(
            "P7",
            "longest evaluation of a group against its interval",
            f"<= {HALF}",
            f"{part:.2f} ({group})",
            part <= HALF,
            command,
        ),
    ]


def _says(reached: Reached) -> str:
    return (
        f"  {reached.series:,} series, {reached.past:,} samples of the past, {reached.alerts:,} alerts;"
        f" {reached.seconds:.2f} CPU s every 30 s, {reached.share:.3f} of two cores; all groups"
        f" {reached.clock:.1f} s on the clock; scrapes take {reached.scrapes:.2f} of two cores"
    )


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tenants", type=int, default=10_000)
    parser.add_argument("--providers", nargs="+", default=list(PROVIDERS))
    parser.add_argument("--reporting", type=int, default=REPORTING, help="tenants of whom apps report")
    parser.add_argument("--rules", type=Path, default=RULES, help="folder of rule files")
    parser.add_argument("--prometheus", default="", help="path of the program, with promtool beside it")
    parser.add_argument("--window", type=int, default=WINDOW, help="seconds that are measured")
    options = parser.parse_args()
    reached = measure(
        Trial(
            options.tenants,
            tuple(options.providers),
            options.rules,
            options.prometheus,
            window=options.window,
            reporting=options.reporting,
        )
    )
    for name, (took, interval) in sorted(reached.groups.items(), key=lambda one: -one[1][0] / one[1][1]):
        print(f"  {name}: {took:.2f} s every {interval:.0f} s")
    print(_says(reached))


if __name__ == "__main__":
    main()
