"""What a benchmark says of lag and of the collector of cycles is what the exporter counted."""

from math import inf

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from benchmarks import soak
from benchmarks.pauses import describe, pauses
from exporter.lifecycle.collection import CollectionPauses


def test_pauses_are_those_between_two_scrapes(monkeypatch: pytest.MonkeyPatch) -> None:
    hands = iter([0.0, 0.004, 1.0, 1.2, 2.0, 2.003, 3.0, 3.06])
    monkeypatch.setattr("exporter.lifecycle.collection.perf_counter", lambda: next(hands))
    watched, registry = CollectionPauses(), CollectorRegistry()
    registry.register(watched)

    def pause(generation: int) -> None:
        watched.note("start", {"generation": generation})
        watched.note("stop", {"generation": generation})

    def scrape() -> str:
        return generate_latest(registry).decode()

    pause(0)
    pause(2)
    before = pauses(scrape())
    pause(0)
    pause(1)
    assert describe(before, pauses(scrape())) == (
        "collector of cycles: generation 0: 1 times, 0.00 s in all, longest within 5 ms; "
        "generation 1: 1 times, 0.06 s in all, longest within 100 ms; "
        "generation 2: 0 times, 0.00 s in all, longest within 1 ms"
    )
    assert "generation 2: 1 times, 0.20 s in all, longest within 250 ms" in describe({}, before)


def test_the_lag_around_reloads_is_told_apart_from_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    readings = {
        0.0: {0.05: 0.0, 0.5: 0.0, inf: 0.0},
        15.0: {0.05: 100.0, 0.5: 100.0, inf: 100.0},
        30.0: {0.05: 150.0, 0.5: 200.0, inf: 200.0},
        45.0: {0.05: 250.0, 0.5: 300.0, inf: 300.0},
    }
    soak.report_lag(readings, [(16.0, 18.5)])
    assert capsys.readouterr().out.splitlines() == [
        "lag apart from reloads: p99 within 50 ms, longest within 50 ms; 200 runs",
        "lag between the scrapes around a reload: p99 within 500 ms, longest within 500 ms; 100 runs",
        "1 reloads: median 2.50 s, longest 2.50 s",
    ]
