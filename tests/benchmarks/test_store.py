"""The measurement of the store runs, at a tiny size; what it says of speed is not looked at."""

import sys

import pytest

from benchmarks import store


def test_the_measurement_of_the_store_writes_reads_and_deletes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["store", "--targets", "2", "--days", "4"])
    store.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("rows: 192, each")
    assert sum(line.endswith(", 2 rows") for line in lines) == 2
    assert any(line.startswith("retention and folding: 4987 rows") for line in lines)
