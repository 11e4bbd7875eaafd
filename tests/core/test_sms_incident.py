"""At most so many messages an incident, whatever comes: flaps, repeats, alerts that join."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.sms_incident import FLAP, LONGEST_SILENCE, REMIND, SmsIncident, TextVerdict, judge
from exporter.core.text_message import GroupNotice

F, R = "firing", "resolved"
HOUR = 3600.0


def play(notices: list[tuple[float, str]], most: int = 3) -> list[str]:
    """Return the verdict of each notice (seconds, state), and its number where it is sent."""
    incident: SmsIncident | None = None
    found = []
    for at, state in notices:
        incident, verdict = judge(incident, GroupNotice(1000.0 + at, state, "x", "text", "last"), most)
        found.append(str(incident.number) if verdict is TextVerdict.SEND else verdict.value)
    return found


@pytest.mark.parametrize(
    ("notices", "most", "found"),
    [
        ([(0, F), (60, R)], 3, ["1", "2"]),
        # Another Alertmanager of the cluster, another replica, or a retry sends the same.
        ([(0, F), (1, F), (15, F), (60, R), (75, R)], 3, ["1", "repeated", "repeated", "2", "repeated"]),
        # Repeats remind once, and leave one for the resolution.
        ([(0, F), (HOUR, F), (2 * HOUR, F), (3 * HOUR, R)], 3, ["1", "2", "capped", "3"]),
        # Alerts that join within half an hour have no message of their own.
        ([(0, F), (60, F), (REMIND - 1, F), (REMIND, F)], 3, ["1", "repeated", "repeated", "2"]),
        # Flaps go on counting; what fires again may take the last one.
        (
            [(0, F), (60, R), (120, F), (180, R), (240, F), (300, R)],
            3,
            ["1", "2", "3", "capped", "repeated", "capped"],
        ),
        ([(0, F), (60, R), (60 + FLAP, F)], 3, ["1", "2", "3"]),
        ([(0, F), (60, R), (61 + FLAP, F), (62 + FLAP, R)], 3, ["1", "2", "1", "2"]),
        ([(0, F), (60, R)], 1, ["1", "capped"]),
        ([(0, F), (HOUR, F), (2 * HOUR, R)], 2, ["1", "capped", "2"]),
        # A resolution of what was never sent says nothing to anybody.
        ([(0, R)], 3, ["repeated"]),
        ([(0, R), (60, F)], 3, ["repeated", "1"]),
        # A day without a word: whatever that was, this is another incident.
        ([(0, F), (LONGEST_SILENCE + 1, F)], 3, ["1", "1"]),
        ([(0, F), (LONGEST_SILENCE, F)], 3, ["1", "2"]),
    ],
)
def test_an_incident_sends_what_is_news(
    notices: list[tuple[float, str]], most: int, found: list[str]
) -> None:
    assert play(notices, most) == found


STEPS = st.lists(
    st.tuples(st.floats(0.0, 2 * HOUR), st.sampled_from([F, R])),
    max_size=60,
)


@given(STEPS, st.integers(1, 6))
def test_no_incident_ever_sends_more_and_a_resolution_follows_what_fired(
    steps: list[tuple[float, str]], most: int
) -> None:
    at, incident, states = 1000.0, None, dict[float, list[str]]()
    for pause, state in steps:
        at += pause
        incident, verdict = judge(incident, GroupNotice(at, state, "x", "text", "last"), most)
        if verdict is TextVerdict.SEND:
            states.setdefault(incident.began, []).append(state)
            assert incident.number == len(states[incident.began])
    for sent in states.values():
        assert len(sent) <= most
        assert sent[0] == F
        assert (R, R) not in set(pairwise(sent))


@given(STEPS)
def test_each_new_incident_is_heard_of(steps: list[tuple[float, str]]) -> None:
    at, incident = 1000.0, SmsIncident(0.0, 0.0)
    for pause, state in steps:
        at += pause
        before = incident
        incident, verdict = judge(incident, GroupNotice(at, state, "x", "text", "last"), 3)
        if state == F and incident.began != before.began:
            assert verdict is TextVerdict.SEND
