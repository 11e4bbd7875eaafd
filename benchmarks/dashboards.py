"""What the slowest query of each dashboard takes at 60,000 targets, in a view of six hours.

    python -m benchmarks.dashboards [--tenants 10000] [--providers stripe twilio ...] [--prometheus PATH]
        [--only integration-tokens ...] [--all]

A real Prometheus has a block of its database with every series that a dashboard reads: 10,000 tenants of six
integrations and one of each other provider, a sample every 30 seconds for six hours, and what the rules
recorded of them. Then every query is asked as Grafana asks it, with nothing picked: over the range with as
many points as its panel draws, or as of now. Each is asked twice and the quicker answer counts, because the
first one reads the files. What a browser asks for together is in benchmarks.overview.
"""

import argparse
import time
from dataclasses import dataclass

from benchmarks import overview
from benchmarks.crowded import CrowdedPrometheus, crowded
from benchmarks.questions import Question, ask, questions
from benchmarks.row import Row
from benchmarks.rules import PROVIDERS

GOAL = 2.0


@dataclass(frozen=True)
class Answer:
    """How long a question took, on the clock and of Prometheus' CPU, and how many series came."""

    question: Question
    seconds: float
    cpu: float
    series: int
    error: str = ""


def answer(place: CrowdedPrometheus, question: Question) -> Answer:
    """Ask `question` twice and return the quicker answer."""
    best = Answer(question, float("inf"), 0.0, 0)
    for _ in range(2):
        before, began = place.program.cpu(), time.monotonic()
        series, error = ask(place.address, question, place.now)
        took = time.monotonic() - began
        if took < best.seconds:
            best = Answer(question, took, place.program.cpu() - before, series, error)
    return best


def slowest(answers: list[Answer]) -> dict[str, Answer]:
    """Return the slowest answer of each dashboard, by its address."""
    found: dict[str, Answer] = {}
    for one in answers:
        name = one.question.dashboard
        if name not in found or one.seconds > found[name].seconds:
            found[name] = one
    return found


def rows(quick: bool = False) -> list[Row]:
    """Measure for the table."""
    tenants, providers = (5, ("stripe",)) if quick else (10_000, PROVIDERS)
    found = list(questions())
    # The overview asks for what its panels ask for, and for values of variables and marks besides.
    expressions = [one.expr for one in found] + overview.expressions(overview.UID)
    with crowded(expressions, tenants, providers) as place:
        answers = [answer(place, one) for one in found]
        drawn = overview.ask_together(place, overview.UID)
    _report(answers)
    worst = max(answers, key=lambda one: one.seconds)
    failed = [one for one in answers if one.error]
    return [
        Row(
            "P10",
            f"slowest query of a dashboard, {tenants:,} tenants x {len(providers)}, six hours",
            f"< {GOAL:.0f} s",
            f"{worst.seconds:.2f} s ({worst.question.dashboard}: {worst.question.panel})",
            worst.seconds < GOAL and not failed,
            "python -m benchmarks.dashboards",
        ),
        overview.row(drawn, tenants, len(providers)),
    ]


def _report(answers: list[Answer]) -> None:
    for name, one in sorted(slowest(answers).items()):
        kind = "range" if one.question.step else "now"
        whole = sum(each.seconds for each in answers if each.question.dashboard == name)
        print(
            f"  {name}: {one.seconds:.2f} s, {one.cpu:.2f} s of CPU, {one.series} series"
            f" ({one.question.panel}, {kind}); all its queries {whole:.1f} s"
        )
    for one in answers:
        if one.error:
            print(f"  refused: {one.question.dashboard}: {one.question.panel}: {one.error}")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tenants", type=int, default=10_000)
    parser.add_argument("--providers", nargs="+", default=list(PROVIDERS))
    parser.add_argument("--prometheus", default="", help="path of the program")
    parser.add_argument("--only", nargs="+", default=[], help="addresses of dashboards; default: all")
    parser.add_argument("--all", action="store_true", help="every query, the slowest first")
    options = parser.parse_args()
    found = list(questions(options.only))
    expressions, providers = [one.expr for one in found], tuple(options.providers)
    with crowded(expressions, options.tenants, providers, options.prometheus) as place:
        answers = [answer(place, one) for one in found]
    if options.all:
        for one in sorted(answers, key=lambda each: -each.seconds):
            asked = f"{one.question.dashboard}: {one.question.panel}: {one.question.expr}"
            print(f"{one.seconds:8.3f} s {one.cpu:8.3f} {asked}")
    _report(answers)


if __name__ == "__main__":
    main()
