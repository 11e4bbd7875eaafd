"""The file of the last good rows: whole or not at all, the owner's alone, and never another source's."""

import json
import os
import resource
from pathlib import Path
from typing import Any

import pytest

from exporter.config.feeds import cache

ROWS = [{"id": "acme", "options": {"api_key": "k"}}]
GOOD = {"version": 1, "source": "here", "rows": ROWS}


def test_what_is_saved_is_loaded_for_the_same_source_alone(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    cache.save(str(file), "here", ROWS)
    assert json.loads(file.read_bytes()) == GOOD
    assert cache.load(str(file), "here") == ROWS
    assert cache.load(str(file), "elsewhere") is None
    assert [one.name for one in tmp_path.iterdir()] == ["rows.json"]


@pytest.mark.parametrize(
    "found",
    [
        [],
        "text",
        GOOD | {"version": 2},
        GOOD | {"source": "elsewhere"},
        GOOD | {"rows": {"id": "acme"}},
        GOOD | {"rows": [*ROWS, "acme"]},
        GOOD | {"rows": None},
        {"version": 1, "source": "here"},
    ],
)
def test_a_file_that_is_wrong_in_one_thing_alone_is_no_memory(tmp_path: Path, found: Any) -> None:
    (tmp_path / "rows.json").write_text(json.dumps(found))
    assert cache.load(str(tmp_path / "rows.json"), "here") is None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_file_that_cannot_be_read_is_no_memory(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rows.json").write_bytes(content)
    assert cache.load(str(tmp_path / "rows.json"), "here") is None
    assert cache.load(str(tmp_path / "absent"), "here") is None
    assert cache.load(str(tmp_path), "here") is None


def test_a_write_that_fails_in_the_middle_leaves_the_old_rows_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    cache.save(str(file), "here", ROWS)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))  # as a disk that is full
    try:
        with pytest.raises(OSError, match="File too large"):
            cache.save(str(file), "here", [*ROWS, {"id": "beta"}])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert cache.load(str(file), "here") == ROWS
    assert os.listdir(tmp_path) == ["rows.json"]  # noqa: PTH208 -- names alone


def test_a_place_that_is_a_folder_leaves_no_half_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "rows.json").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        cache.save(str(tmp_path / "rows.json"), "here", ROWS)
    assert [one.name for one in tmp_path.iterdir()] == ["rows.json"]
