"""How long all that the Overview asks takes together, asked as a browser asks it.

    python -m benchmarks.overview [--tenants 10000] [--providers stripe twilio ...] [--prometheus PATH]
        [--dashboard integration-overview] [--serve]

First the values of the variables, one variable after another, because each narrows the next. Then panels and
marks, as many at a time as a browser has connections to one server, and the queries of a panel one after
another. It is asked twice and the quicker time counts, because the first one reads the files. What Grafana
and the browser take to draw it is not in it. `--serve` leaves this Prometheus running, for a Grafana.
"""

import argparse
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.crowded import CrowdedPrometheus, crowded
from benchmarks.questions import Question, ask, ask_values, panels, variables
from benchmarks.row import Row
from benchmarks.rules import PROVIDERS

UID = "integration-overview"
CONNECTIONS = 6
"""Connections of a browser to one server that speaks HTTP/1.1."""
GOAL = 5.0
ENDS = {signal.SIGINT, signal.SIGTERM}


@dataclass(frozen=True)
class Together:
    """How long all questions took, on the clock and of Prometheus' CPU, and how many there were."""

    seconds: float
    cpu: float
    questions: int


def ask_together(place: CrowdedPrometheus, uid: str) -> Together:
    """Ask all that the dashboard `uid` asks, twice; return the quicker time. SystemExit for a refusal."""
    return min((_ask_once(place, uid) for _ in range(2)), key=lambda one: one.seconds)


def expressions(uid: str) -> list[str]:
    """Return all PromQL of the dashboard `uid`: of panels, marks and variables."""
    asked = [question.expr for panel in panels(uid) for question in panel]
    return asked + [selector for selector, _ in variables(uid)]


def row(together: Together, tenants: int, providers: int) -> Row:
    """Return the row of the table."""
    return Row(
        "P10",
        f"all {together.questions} queries of the Overview together, {tenants:,} tenants x {providers}",
        f"< {GOAL:.0f} s",
        f"{together.seconds:.2f} s, {together.cpu:.2f} s of CPU",
        together.seconds < GOAL,
        "python -m benchmarks.overview",
    )


def _ask_once(place: CrowdedPrometheus, uid: str) -> Together:
    first, rest = list(variables(uid)), list(panels(uid))
    before, began = place.program.cpu(), time.monotonic()
    for selector, label in first:
        ask_values(place.address, selector, label, place.now)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        refused = [error for found in pool.map(lambda one: _ask_panel(place, one), rest) for error in found]
    if refused:
        raise SystemExit("\n".join(refused))
    took, cpu = time.monotonic() - began, place.program.cpu() - before
    return Together(took, cpu, len(first) + sum(map(len, rest)))


def _ask_panel(place: CrowdedPrometheus, panel: list[Question]) -> list[str]:
    answers = [ask(place.address, question, place.now) for question in panel]
    return [error for _, error in answers if error]


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tenants", type=int, default=10_000)
    parser.add_argument("--providers", nargs="+", default=list(PROVIDERS))
    parser.add_argument("--prometheus", default="", help="path of the program")
    parser.add_argument("--dashboard", default=UID, help="address of another dashboard")
    parser.add_argument("--serve", action="store_true", help="leave Prometheus running until Ctrl-C")
    options = parser.parse_args()
    asked, providers = expressions(options.dashboard), tuple(options.providers)
    with crowded(asked, options.tenants, providers, options.prometheus) as place:
        found = ask_together(place, options.dashboard)
        print(f"  {found.questions} queries: {found.seconds:.2f} s, {found.cpu:.2f} s of CPU", flush=True)
        if options.serve:
            print(f"  {place.address} knows what was until {place.now:.0f}; Ctrl-C ends it", flush=True)
            # Else it would end before its Prometheus does.
            signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
            signal.sigwait(ENDS)


if __name__ == "__main__":
    main()
