"""What the prober alone costs, beside programs that probe by themselves: cloudprober and Gatus.

    python -m benchmarks.peers [--cloudprober PATH] [--gatus PATH] [--rounds 5] [--targets 1000]

All watch the addresses of `benchmarks.pipeline` (each its own port of one nginx) every five seconds and are
scraped every five seconds by a Prometheus of their own, which must know of each address that it is well, its
status and its certificate's expiry. cloudprober connects again each time, as `connection: new` does; Gatus
keeps connections, as `connection: reuse` does. They take turns: those that are not measured are stopped
(SIGSTOP). What is printed is the CPU of the prober alone, and the ratio to the peer of the same round.

Gatus begins with one address every 222 ms, so that it takes four minutes to know 1,000.

Neither is a package of Debian: without a path they are looked for on PATH, and what is compared with an
absent one says so.
"""

import argparse
import json
import re
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks import certificates
from benchmarks.pipeline import Pipeline, nginx, ours, scraping, seen, turn
from benchmarks.programs import Program, fetch, prometheus
from benchmarks.row import Row
from exporter.demo import services
from tests.servers.ports import free_port

COMMAND = "python -m benchmarks.peers"
SCRAPE = "static_configs: [{{targets: ['127.0.0.1:{port}']}}]"
Start = Callable[[str, Path, Sequence[int], int], AbstractContextManager[Pipeline]]


class Turn(NamedTuple):
    """What a turn cost: CPU seconds of the prober, and the connections that the server accepted meanwhile."""

    cpu: float
    connections: int


@contextmanager
def cloudprober(program: str, folder: Path, ports: Sequence[int], every: int) -> Iterator[Pipeline]:
    """Start cloudprober, which connects again for each probe unless it is asked to keep connections."""
    home = folder / "cloudprober"
    home.mkdir()
    port, scraper = free_port(), free_port()
    sites = "\n".join(
        f'    endpoint {{ name: "site-{one}" url: "https://127.0.0.1:{one}/" }}' for one in ports
    )
    (home / "cloudprober.cfg").write_text(
        f"""host: "127.0.0.1"
port: {port}
surfacer {{ type: PROMETHEUS }}
probe {{
  name: "sites"
  type: HTTP
  interval_msec: {every * 1000}
  timeout_msec: {every * 800}
  stats_export_interval_msec: {every * 1000}
  targets {{
{sites}
  }}
  http_probe {{
    interval_between_targets_msec: 5
    tls_config {{ ca_cert_file: "{folder / "ca.pem"}" }}
  }}
}}
"""
    )
    # Without the second flag it asks addresses of clouds who it is.
    command = [program, f"--config_file={home / 'cloudprober.cfg'}", "--cloud_metadata=none"]
    newest = f"[{4 * every}s]"
    query = (
        f"count((increase(success{newest}) > 0)"
        f' and on(dst) (increase(resp_code{{code="200"}}{newest}) > 0)'
        " and on(dst) (ssl_earliest_cert_expiry_sec > 0))"
    )
    with (
        Program(command, home / "cloudprober.log", f"http://127.0.0.1:{port}/status") as prober,
        prometheus(home, scraper, scraping(SCRAPE.format(port=port), every)) as scrape,
    ):
        yield Pipeline("cloudprober", prober, scrape, scraper, query)


@contextmanager
def gatus(program: str, folder: Path, ports: Sequence[int], every: int) -> Iterator[Pipeline]:
    """Start Gatus, which keeps a connection where a condition had it read the body."""
    home = folder / "gatus"
    home.mkdir()
    port, scraper = free_port(), free_port()
    conditions = ["[STATUS] == 200", "len([BODY]) > 0"]
    sites = [
        {
            "name": f"site-{one}",
            "url": f"https://127.0.0.1:{one}/",
            "interval": f"{every}s",
            "conditions": conditions,
        }
        for one in ports
    ]
    settings = {
        "metrics": True,
        "concurrency": len(ports),  # five at a time would not get through all of them
        "web": {"address": "127.0.0.1", "port": port},
        "endpoints": sites,
    }
    (home / "gatus.yaml").write_text(json.dumps(settings))
    environment = {
        "GATUS_CONFIG_PATH": str(home / "gatus.yaml"),
        "GATUS_LOG_LEVEL": "WARN",  # it writes a line for each probe otherwise
        "SSL_CERT_FILE": str(folder / "ca.pem"),
    }
    query = (
        "count((gatus_results_endpoint_success == 1)"
        ' and on(name) (gatus_results_code_total{code="200"} > 0)'
        " and on(name) (gatus_results_certificate_expiration_seconds > 0))"
    )
    with (
        Program([program], home / "gatus.log", f"http://127.0.0.1:{port}/health", environment) as prober,
        prometheus(home, scraper, scraping(SCRAPE.format(port=port), every)) as scrape,
    ):
        yield Pipeline("Gatus", prober, scrape, scraper, query)


class Comparison(NamedTuple):
    """Our kind of connection beside a peer, and what our CPU may be of the peer's."""

    connection: str
    peer: str
    start: Start
    goal: float

    @property
    def what(self) -> str:
        """What the table calls it."""
        return f"CPU of the prober alone against {self.peer}, `connection: {self.connection}`"

    def row(self, reached: str, met: bool | None) -> Row:
        """Return its line of the table."""
        return Row("P1b", self.what, f"<= {self.goal}", reached, met, COMMAND)


COMPARISONS = (
    Comparison("new", "cloudprober", cloudprober, 0.9),
    Comparison("reuse", "Gatus", gatus, 0.6),
)


def accepted(server: Program) -> int:
    """Return how many connections nginx has accepted so far."""
    found = re.search(r"^ (\d+) \d+ \d+", fetch(f"{server.ready}connections").decode(), re.MULTILINE)
    return int(found[1]) if found else 0


def measure(options: argparse.Namespace, folder: Path, comparisons: Sequence[Comparison]) -> list[Row]:
    """Print every round and return a line of the table for each comparison."""
    certificates.write(folder, "127.0.0.1")
    first = services.free_port(23_000, options.targets)
    ports = range(first, first + options.targets)
    with ExitStack() as stack:
        server = stack.enter_context(nginx(folder, ports))
        probers: list[Pipeline] = []
        for one in comparisons:
            for made in (
                ours(folder, ports, one.connection, options.every),
                one.start(_path(options, one), folder, ports, options.every),
            ):
                probers.append(stack.enter_context(made))
                stack.callback(probers[-1].wake)  # what is stopped cannot end
                seen(probers[-1], options.targets, 120 + options.targets)
                probers[-1].stop()
        rounds = [[_turn(server, prober, options) for prober in probers] for _ in range(options.rounds)]
    print(
        f"{options.targets} HTTPS addresses every {options.every} s,"
        f" {options.rounds} rounds of {options.window:g} s"
    )
    return [
        _row(one, [(each[2 * place], each[2 * place + 1]) for each in rounds], options)
        for place, one in enumerate(comparisons)
    ]


def _turn(server: Program, prober: Pipeline, options: argparse.Namespace) -> Turn:
    before = accepted(server)
    cpu, _ = turn(prober, options.window, options.targets, options.every)
    # The turn begins with an interval and a second of what fell due before.
    share = options.window / (options.window + options.every + 1.0)
    return Turn(cpu, round((accepted(server) - before) * share))


def _row(one: Comparison, rounds: Sequence[tuple[Turn, Turn]], options: argparse.Namespace) -> Row:
    probes = options.targets * options.window / options.every
    costs = []
    for name, place in ((f"exporter, {one.connection}", 0), (one.peer, 1)):
        cost = statistics.median(each[place].cpu for each in rounds) / probes * 1e6
        connections = statistics.median(each[place].connections for each in rounds) / probes
        print(f"  {name:18} {cost:6.0f} us a probe, {connections:.2f} connections")
        costs.append(cost)
    ratios = [mine.cpu / other.cpu for mine, other in rounds]
    ratio = statistics.median(ratios)
    print(f"  ratio {ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    return one.row(f"{ratio:.2f} ({costs[0]:,.0f} us against {costs[1]:,.0f})", ratio <= one.goal)


def _path(options: argparse.Namespace, one: Comparison) -> str:
    """Return the path of the peer's program, "" where it is not here."""
    name = one.peer.lower()
    return str(getattr(options, name) or shutil.which(name) or "")


def compare(options: argparse.Namespace) -> list[Row]:
    """Measure what can be compared here, and say of the rest that it cannot."""
    here = [one for one in COMPARISONS if _path(options, one)]
    found: dict[str, Row] = {}
    if here:
        with tempfile.TemporaryDirectory(prefix="peers-") as folder:
            found = dict(zip((one.peer for one in here), measure(options, Path(folder), here), strict=True))
    return [
        found.get(one.peer) or one.row(f"{one.peer} is not here (--{one.peer.lower()} PATH)", None)
        for one in COMPARISONS
    ]


QUICK = ["--rounds=1", "--targets=10", "--every=1", "--window=1"]


def rows(quick: bool = False) -> list[Row]:
    """Measure for the table."""
    return compare(_parser().parse_args(QUICK if quick else []))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for one in COMPARISONS:
        name = one.peer.lower()
        parser.add_argument(f"--{name}", metavar="PATH", help=f"the program {name}, where PATH lacks it")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--every", type=int, default=5, help="seconds between two probes, and two scrapes")
    parser.add_argument("--window", type=float, default=10.0, help="seconds of a turn, a multiple of `every`")
    return parser


def main() -> None:
    """Read the command line and measure."""
    for row in compare(_parser().parse_args()):
        print(row.markdown())


if __name__ == "__main__":
    main()
