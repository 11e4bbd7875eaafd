"""`maintenance:` what a window may say, and that every mistake is named with its line and remedy."""

import pytest

from exporter.config.load import load_text
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from exporter.core.maintenance import MaintenanceSpan
from exporter.core.severity import Severity
from exporter.registry import catalogue

HEAD = """\
integrations:
- {name: payments, provider: tcp, options: {host: localhost, port: 1}}
maintenance:
"""
ONCE = "start: 2026-12-01T22:00:00+01:00, end: 2026-12-02T02:00:00+01:00"
WEEKLY = 'weekly: {days: "saturday:monday", start: "23:00", end: "01:00", time_zone: Europe/Berlin}'


def loaded(*windows: str) -> Configuration:
    text = HEAD + "".join(f"- {{{window}}}\n" for window in windows)
    return load_text(text, "my.yml", catalogue(), {})


def mistakes(*windows: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(*windows)
    return [f"{mistake.line}: {mistake.what}; {mistake.remedy}" for mistake in caught.value.mistakes]


def test_a_window_says_what_and_when() -> None:
    lists = "providers: [tcp], tenants: [acme], alerts: [IntegrationDown], severities: [high, low]"
    first, second = loaded(
        f"name: one, integrations: [payments], {lists}, {ONCE}, comment: the rack moves",
        f"name: two, integrations: [payments], {WEEKLY}",
    ).maintenance
    assert (first.integrations, first.providers, first.tenants) == (("payments",), ("tcp",), ("acme",))
    assert (first.alerts, first.severities) == (("IntegrationDown",), (Severity.HIGH, Severity.LOW))
    assert first.once == MaintenanceSpan(1796158800.0, 1796173200.0) and first.comment == "the rack moves"
    assert second.weekly is not None
    assert (second.weekly.days, second.weekly.zone) == (frozenset({5, 6, 0}), "Europe/Berlin")


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (f"name: a, {ONCE}", "the window does not say what it is about"),
        (f"name: a, severities: [low], {ONCE}", "the window does not say what it is about"),
        (
            f"name: a, integrations: [payment], {ONCE}",
            "an integration that there is not; did you mean payments?",
        ),
        (f"name: a, providers: [tpc], {ONCE}", "a provider that there is not; did you mean tcp?"),
        ("name: a, tenants: [x], start: 2026-12-01T22:00:00+01:00", "the window has no end"),
        ("name: a, tenants: [x]", "the window says no time"),
        (
            "name: a, tenants: [x], start: 2026-12-01T22:00:00, end: 2026-12-02T22:00:00Z",
            "start is no time with",
        ),
        ("name: a, tenants: [x], start: noon, end: 2026-12-02T22:00:00Z", "start is no time with an offset"),
        (
            "name: a, tenants: [x], start: 2026-12-02T22:00:00Z, end: 2026-12-02T22:00:30Z",
            "end is not after start, by a minute at least",
        ),
        (
            "name: a, tenants: [x], start: 2026-12-02T22:00:00Z, end: 2026-12-09T22:00:01Z",
            "open for more than 7 days",
        ),
        (f"name: a, tenants: [x], {ONCE}, {WEEKLY}", "the window is weekly, and has start or end too"),
        (f"name: a, tenants: [x], {WEEKLY.replace('Berlin', 'Atlantis')}", "the time zone is not known"),
        (f"name: a, tenants: [x], {WEEKLY.replace('01:00', '23:00')}", "the end is the start"),
        (f"name: a, tenants: [x], {WEEKLY.replace('23:00', '24:00')}", "start"),
        (f"name: a, tenants: [x], {WEEKLY.replace('saturday', 'caturday')}", "days"),
        (f"name: 'a b', tenants: [x], {ONCE}", "name"),
        (f"name: a, tenants: ['x y'], {ONCE}", "tenants"),
        (f"name: a, tenants: [x], {ONCE}, whatever: 1", "unknown key whatever"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_remedy(window: str, expected: str) -> None:
    found = mistakes(window)
    assert len(found) == 1 and found[0].startswith("4: ") and expected in found[0], found


def test_names_are_unique() -> None:
    (found,) = mistakes(f"name: a, tenants: [x], {ONCE}", f"name: a, tenants: [y], {ONCE}")
    assert found.startswith("5: the name is taken by another window")


def test_an_alert_that_nobody_knows_is_noted_since_rule_files_may_have_it() -> None:
    notes = loaded(f"name: a, alerts: [IntegrationDown, QueueLong], {ONCE}").notes
    assert "maintenance[0].alerts: QueueLong is none of the exporter's alerts" in notes
    assert not any("IntegrationDown" in note for note in notes)
