"""The log: one line an event, no secret, no line that a vendor's text could forge."""

import json
import logging
from collections import Counter
from collections.abc import Iterator

import pytest
import structlog

from exporter import logs

SECRET = "sk_planted_secret"


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    yield capsys
    structlog.reset_defaults()
    logging.basicConfig(handlers=[], force=True)


def configure(form: str, counted: Counter[str] | None = None, level: str = "info") -> None:
    tally = Counter[str]() if counted is None else counted
    logs.configure(level, form, secrets=lambda: frozenset({SECRET}), count=lambda name: tally.update([name]))


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_a_secret_is_starred_wherever_it_stands(form: str, lines: pytest.CaptureFixture[str]) -> None:
    configure(form)
    structlog.get_logger("x").warning(
        f"sent {SECRET}", detail=f"<{SECRET}>", many=[SECRET], thing={SECRET: 1}
    )
    written = lines.readouterr().err
    assert SECRET not in written
    assert written.count("***") == 4


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_a_line_break_in_a_value_cannot_start_a_line(form: str, lines: pytest.CaptureFixture[str]) -> None:
    configure(form)
    structlog.get_logger("x").info("answer", detail="bad\nlevel=error event=forged\r\n")
    assert len(lines.readouterr().err.splitlines()) == 1


def test_json_keeps_fields_and_counts_lines_by_level(lines: pytest.CaptureFixture[str]) -> None:
    counted: Counter[str] = Counter()
    configure("json", counted)
    structlog.get_logger("x").info("up", port=10055, healthy=True)
    structlog.get_logger("x").error("broken")
    first = json.loads(lines.readouterr().err.splitlines()[0])
    assert (first["event"], first["level"], first["port"], first["healthy"]) == ("up", "info", 10055, True)
    assert counted == {"info": 1, "error": 1}


def test_a_level_hides_what_is_below_it(lines: pytest.CaptureFixture[str]) -> None:
    configure("logfmt", level="error")
    structlog.get_logger("x").warning("quiet")
    assert lines.readouterr().err == ""


def test_what_libraries_log_takes_the_same_way(lines: pytest.CaptureFixture[str]) -> None:
    configure("logfmt")
    logging.getLogger("asyncio").error("Task of %s broke", SECRET)
    written = lines.readouterr().err
    assert "level=error" in written
    assert "Task of *** broke" in written


def test_logfmt_writes_lists_as_text_and_levels_as_the_flag_does(lines: pytest.CaptureFixture[str]) -> None:
    counted: Counter[str] = Counter()
    configure("logfmt", counted)
    structlog.get_logger("x").warning("up", listening=["127.0.0.1:1", "[::1]:1"])
    assert 'level=warn event=up listening="127.0.0.1:1; [::1]:1"' in lines.readouterr().err
    assert counted == {"warning": 1}  # the label of the series is as it was
