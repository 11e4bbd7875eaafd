"""What the generated rules cost Prometheus at 10,000 tenants of six integrations.

    python -m benchmarks.rules [--tenants 10000] [--providers stripe twilio ...]

A real Prometheus with the checked-in rules scrapes the series that they read, one target in a hundred
failing. First it gets a quarter of an hour of samples, 15 s apart, as fast as it takes them: rules look back
so far. Then the rules are loaded: what they cost is the CPU that Prometheus takes from then on, less what it
took just before for its scrapes alone. It also tells itself how long each group took on the clock.
"""

import argparse
import re
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.programs import Program, fetch, prometheus
from benchmarks.row import Row
from exporter import registry
from exporter.core import common_metrics
from exporter.core.metric import Metric, Scope
from exporter.demo.services import free_port
from exporter.exposition import Exposition, Labels, Series

RULES = Path(__file__).parent.parent / "prometheus" / "rules"
PROVIDERS = ("stripe", "twilio", "whatsapp", "google_calendar", "facebook_ads", "resend")
EVERY = 15
"""Seconds between two samples."""

FILLING, STEPS = 5, 2
"""While the past is filled in: seconds between two scrapes, and how many samples each brings of a series."""

LOOK_BACK = 16 * 60
"""Seconds of samples that are there before the rules are: the longest window of most rules is 15 minutes."""

GOAL = 0.5
MOMENT = b" 1000000000000\n"
"""What stands for the time, in milliseconds, at the end of each line."""

HEALTHY = {
    common_metrics.CONFIGURED: 1.0,
    common_metrics.SUCCESS: 1.0,
    common_metrics.DURATION: 0.2,
    common_metrics.QUOTA_USED: 10.0,
    common_metrics.QUOTA_LIMIT: 100.0,
    common_metrics.RATE_LIMIT_REMAINING: 90.0,
    common_metrics.RATE_LIMIT_LIMIT: 100.0,
    common_metrics.PREPAID_BALANCE: 1_000.0,
}
GOOD = {"phone_number_owned": 1.0, "can_send": 1.0, "subscribed_apps": 1.0, "phone_quality": 3.0}
"""Values of providers' own metrics, by the end of their names, that are not 0 in a good state."""


@dataclass
class Stage:
    """What is served: `body` as of `at` (Unix seconds), which goes on by EVERY until it is now."""

    body: bytes
    at: float
    served: int = 0

    def next(self) -> tuple[bytes, float]:
        """Return the next body and its last time: in the past STEPS samples of a series, then that of now."""
        parts: list[bytes] = []
        at, now = self.at, time.time()
        while len(parts) < STEPS and at < now - EVERY:
            at += EVERY
            parts.append(self._as_of(at))
        return b"".join(parts) or self._as_of(now), at if parts else now

    def _as_of(self, at: float) -> bytes:
        return self.body.replace(MOMENT, b" %d\n" % (at * 1000))


def body(tenants: int, name: str) -> tuple[bytes, int]:
    """Return the text of every series of a provider that a rule reads, and their number.

    Each line ends with MOMENT.
    """
    rules = "".join(path.read_text() for path in RULES.glob("*.yml"))
    read = set(re.findall(r"integration_[a-z0-9_]+", rules))
    exposition = Exposition()
    common: Labels = (("integration", name), ("provider", name))
    exposition.put("integration", common, _integration(name, read))
    exposition.put("thresholds", (*common, ("tenant", "")), _thresholds())
    for number in range(tenants):
        labels = (*common, ("tenant", f"tenant-{number:05}"))
        exposition.put(number, labels, _target(name, read, failing=number % 100 == 0))
    text = exposition.render(False, False)
    lines = re.sub(rb"(?m)^([^#\n].*)\n", rb"\1" + MOMENT, text)
    return lines, sum(exposition.counts().values())


def _integration(provider: str, read: set[str]) -> list[Series]:
    found: list[Series] = []
    for metric in common_metrics.INTEGRATION_SERIES:
        if metric.name in read and metric.scope is Scope.INTEGRATION:
            found.append((metric, _own(metric), 0.0))
    own = registry.probes()[provider].metrics
    found += [(one, _own(one), 0.0) for one in own if one.name in read and one.scope is Scope.INTEGRATION]
    return found


def _thresholds() -> list[Series]:
    return [
        (family.metric, (("severity", severity.value),), value)
        for family in registry.families().values()
        for severity, value in family.steps.items()
    ]


def _target(provider: str, read: set[str], failing: bool) -> Iterator[Series]:
    now = time.time()
    shared = (
        *common_metrics.TARGET_SERIES,
        *common_metrics.SHARED_SERIES,
        *registry.probes()[provider].metrics,
    )
    for metric in dict.fromkeys(shared):
        if metric.name not in read or metric.scope is not Scope.TARGET:
            continue
        if metric is common_metrics.FAILURE_INFO:
            if failing:
                yield metric, (("reason", "auth"),), 1.0
        elif metric is common_metrics.SUCCESS:
            yield metric, (), float(not failing)
        elif metric is common_metrics.CONSECUTIVE_FAILURES:
            yield metric, (), 5.0 * failing
        else:
            yield metric, _own(metric), _value(metric, now)


def _own(metric: Metric) -> Labels:
    return tuple((label, "x") for label in metric.labels)


def _value(metric: Metric, now: float) -> float:
    if metric in HEALTHY:
        return HEALTHY[metric]
    if metric.name.endswith("_timestamp_seconds"):
        return now if "last" in metric.name else now + 365 * 86_400
    return next((value for end, value in GOOD.items() if metric.name.endswith(end)), 0.0)


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


def _configuration(port: int, providers: tuple[str, ...], every: int, rules: Path | None) -> str:
    """Return what Prometheus does: each provider is a shard of its own, so that all cores take in samples."""
    files = f"rule_files: ['{rules}/*.yml']\n" if rules else ""
    shards = ", ".join(
        f"{{targets: ['127.0.0.1:{port}'], labels: {{__metrics_path__: /{name}, shard: '{number}'}}}}"
        for number, name in enumerate(providers)
    )
    return (
        f"global: {{scrape_interval: {every}s, scrape_timeout: {every}s}}\n{files}"
        f"scrape_configs:\n  - {{job_name: integration-exporter, static_configs: [{shards}]}}\n"
    )


@dataclass(frozen=True)
class Reached:
    """What one evaluation of all groups takes, in CPU seconds and on the clock.

    `share` and `scrapes` are parts of two cores: those of the rules, and of the scrapes without them.
    """

    series: int
    seconds: float
    clock: float
    share: float
    scrapes: float
    alerts: int
    slowest: str


def measure(tenants: int, providers: tuple[str, ...], interval: int = 30, cycles: int = 2) -> Reached:
    """Return what the rules cost, evaluated every `interval` seconds, over `cycles` evaluations.

    Another interval than 30 only tries the measurement out: little of the past is filled in then.
    """
    real = interval == 30
    made = {name: body(tenants, name) for name in providers}
    series = sum(count for _, count in made.values())
    past = time.time() - (LOOK_BACK if real else 3 * EVERY)
    stages = {name: Stage(text, past) for name, (text, _) in made.items()}
    with tempfile.TemporaryDirectory(prefix="rules-") as name:
        folder, port = Path(name), free_port(0)
        rules = _rules(folder / "rules", interval)
        server = _server(stages)
        try:
            filling = _configuration(server.server_port, providers, FILLING if real else 1, None)
            with prometheus(folder, port, filling) as measured:
                _fill(stages)
                every = min(EVERY, interval)
                idle = 0.0
                for files in (None, rules):
                    text = _configuration(server.server_port, providers, every, files)
                    (folder / "prometheus.yml").write_text(text)
                    measured.signal(signal.SIGHUP)
                    idle = idle or _cpu(measured, interval)
                return _evaluated(measured, port, series, interval, cycles, idle)
        finally:
            server.shutdown()
            server.server_close()


def _rules(folder: Path, interval: int) -> Path:
    shutil.copytree(RULES, folder)
    for path in folder.glob("*.yml"):
        path.write_text(path.read_text().replace("interval: 30s", f"interval: {interval}s"))
    return folder


def _fill(stages: dict[str, Stage]) -> None:
    end = time.monotonic() + 400
    while min(stage.at for stage in stages.values()) < time.time() - 2 * EVERY:
        if time.monotonic() > end:
            taken = min(stage.served for stage in stages.values())
            raise SystemExit(f"Prometheus took only {taken} scrapes in 400 s")
        time.sleep(0.2)


def _cpu(measured: Program, seconds: float) -> float:
    """Return the CPU seconds of every second from now on."""
    before, began = measured.cpu(), time.monotonic()
    time.sleep(seconds)
    return (measured.cpu() - before) / (time.monotonic() - began)


def _evaluated(measured: Program, port: int, series: int, interval: int, cycles: int, idle: float) -> Reached:
    url = f"http://127.0.0.1:{port}/metrics"
    time.sleep(1.5 * interval + 1)  # every group has been evaluated once
    used = _cpu(measured, interval * cycles)
    groups = _groups(fetch(url).decode())
    slowest = max(groups, key=lambda group: groups[group])
    found = fetch(f"http://127.0.0.1:{port}/api/v1/query?query=count(ALERTS)").decode()
    alerts = re.search(r'"value":\[[^,]+,"(\d+)"', found)
    return Reached(
        series=series,
        seconds=max(0.0, used - idle) * interval,
        clock=sum(groups.values()),
        share=max(0.0, used - idle) / 2,
        scrapes=idle / 2,
        alerts=int(alerts.group(1)) if alerts else 0,
        slowest=f"{slowest} {groups[slowest]:.2f} s",
    )


def _groups(text: str) -> dict[str, float]:
    """Return how many seconds the last evaluation of each group took."""
    pattern = r'^prometheus_rule_group_last_duration_seconds{rule_group="[^"]*;([^"]+)"} (\S+)'
    found = {name: float(value) for name, value in re.findall(pattern, text, re.MULTILINE)}
    if not found:
        raise SystemExit("Prometheus evaluated no group of rules")
    return found


def rows(quick: bool = False) -> list[Row]:
    """Measure for the table."""
    tenants, interval, cycles = (5, 1, 1) if quick else (10_000, 30, 2)
    reached = measure(tenants, PROVIDERS, interval, cycles)
    print(
        f"  {reached.series:,} series, {reached.alerts:,} alerts pending or firing; all groups"
        f" {reached.clock:.1f} s on the clock, slowest {reached.slowest}; scrapes take"
        f" {reached.scrapes:.2f} of two cores"
    )
    return [
        Row(
            "P7",
            f"CPU seconds of all groups of rules over 2 x interval, {tenants:,} tenants x {len(PROVIDERS)}",
            f"< {GOAL}",
            f"{reached.share:.2f} ({reached.seconds:.1f} s every {interval} s)",
            reached.share < GOAL,
            "python -m benchmarks.rules",
        )
    ]


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tenants", type=int, default=10_000)
    parser.add_argument("--providers", nargs="+", default=list(PROVIDERS))
    parser.add_argument("--interval", type=int, default=30, help="seconds between two evaluations")
    options = parser.parse_args()
    print(measure(options.tenants, tuple(options.providers), options.interval))


if __name__ == "__main__":
    main()
