"""The key `events.audit`: what is flagged, and when changes are unusual."""

from pathlib import Path

import pytest

from exporter.core.event_settings import AuditSettings, OffHours
from tests.config.house import House


def written(text: str) -> str:
    return f"integrations: []\nevents:\n  audit: {text}\n"


def test_a_score_and_a_span_are_read(tmp_path: Path) -> None:
    text = 'flag_at: 80, off_hours: {time_zone: Europe/Berlin, start: "22:00", end: "05:30"}'
    found = House(tmp_path).load(written(f"{{{text}}}"))
    assert found.events.audit == AuditSettings(80, OffHours("Europe/Berlin", "22:00", "05:30"))


def test_without_the_key_the_usual_holds(tmp_path: Path) -> None:
    usual = AuditSettings(60, OffHours("UTC", "20:00", "06:00"))
    assert House(tmp_path).load("integrations: []\n").events.audit == usual
    assert House(tmp_path).load(written("{off_hours: {}}")).events.audit == usual


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{flag_at: 0}", "flag_at"),
        ("{flag_at: 101}", "flag_at"),
        ("{flag_at: high}", "flag_at"),
        ("{off_hours: {time_zone: Europe/Berlino}}", "the time zone is not known"),
        ('{off_hours: {start: "24:00"}}', "start"),
        ('{off_hours: {start: "6:00"}}', "start"),
        ('{off_hours: {start: "06:00"}}', "the end is the start"),
        ("{off_hours: {days: monday}}", "days"),
    ],
)
def test_a_mistake_names_the_key(tmp_path: Path, text: str, word: str) -> None:
    (mistake,) = House(tmp_path).mistakes(written(text))
    assert word in str(mistake)
