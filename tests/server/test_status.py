"""The status answer, rule by rule, and how its cost grows."""

import sys
from types import FrameType

import msgspec
import pytest

from exporter.core.reason import Reason
from exporter.server.status import status
from tests.server.house import NOW, Room, house, state

OK, OFF, NEW = "connected", "not_configured", "unknown"


@pytest.mark.parametrize(
    ("words", "critical", "overall"),
    [
        ([OK], False, "healthy"),
        ([OK, OK], True, "healthy"),
        ([OK, OFF], False, "partial"),
        ([OFF], True, "partial"),
        ([OK, NEW], False, "partial"),
        ([], False, "partial"),
        ([OK, "error"], False, "degraded"),
        ([OFF, "error"], False, "degraded"),
        ([OK, "error"], True, "critical"),
    ],
)
def test_overall_is_one_word_by_the_worst_integration(words: list[str], critical: bool, overall: str) -> None:
    states = [
        state(f"i{place}", status=word, reason=Reason.AUTH if word == "error" else None, critical=critical)
        for place, word in enumerate(words)
    ]
    assert status(states)["overall_status"] == overall


def test_a_critical_integration_that_works_does_not_make_another_failure_critical() -> None:
    states = [state("a", critical=True), state("b", status="error", reason=Reason.DNS)]
    assert status(states)["overall_status"] == "degraded"


def test_an_integration_is_error_if_any_of_its_targets_fails() -> None:
    states = [
        state("a", "t1"),
        state("a", "t2", "error", Reason.QUOTA, detail="Used up."),
        state("a", "t3", OFF),
    ]
    answer = status(states)["integrations"]["a"]
    assert answer["status"] == "error"
    assert answer["healthy"] is False
    assert answer["message"] == "1 of 3 targets fail: quota 1."
    assert answer["details"]["targets"] == {
        "total": 3,
        "connected": 1,
        "error": 1,
        "not_configured": 1,
        "unknown": 0,
    }
    assert [row["tenant"] for row in answer["details"]["worst"]] == ["t2", "t3"]


def test_the_vendor_s_names_are_in_the_details_of_a_bounded_number_of_targets() -> None:
    states = [state("a", f"t{number:02}") for number in range(25)]
    for one in states:
        one.vendor_details = (("name", f"Studio of {one.target.tenant}"),)
    found = status([*states, state("b")])["integrations"]
    named = found["a"]["details"]["vendor_details"]
    assert named[0] == {"tenant": "t00", "name": "Studio of t00"}
    assert len(named) == 20
    assert found["b"]["details"]["vendor_details"] == []


def test_messages_are_for_people() -> None:
    states = [
        state("one"),
        state("many", "a"),
        state("many", "b"),
        state("some", "a"),
        state("some", "b", OFF),
        state("off", status=OFF, detail="secret_key is absent."),
        state("new", status=NEW),
        state("bad", status="error", reason=Reason.AUTH, detail="HTTP 401."),
    ]
    found = {
        name: one["message"]
        for name, one in status(states, [("none", "http", False)])["integrations"].items()
    }
    assert found == {
        "none": "There is no target.",
        "one": "Connected.",
        "many": "All 2 targets are connected.",
        "some": "1 of 2 targets are connected, 1 not configured.",
        "off": "A credential or account id is absent or of the wrong kind. secret_key is absent.",
        "new": "Not checked yet.",
        "bad": "The credential was rejected: wrong, expired or revoked. HTTP 401.",
    }


def test_the_details_name_the_worst_twenty() -> None:
    states = [state("a", f"t{n}", "error", Reason.DNS, failures=n) for n in range(30)]
    worst = status(states)["integrations"]["a"]["details"]["worst"]
    assert [row["tenant"] for row in worst] == [f"t{n}" for n in range(29, 9, -1)]


def test_last_checked_is_the_newest_run_or_null() -> None:
    assert status([state("a"), state("b", last_run=NOW - 5)])["last_checked"] == "2026-11-18T11:06:35Z"
    assert status([state("a", status=NEW)])["last_checked"] is None


def steps(tenants: int) -> int:
    """Return how many calls the status of so many tenants makes, whatever the machine."""
    states = [
        state("a", f"t{n}", "error" if n % 3 == 0 else OK, Reason.AUTH if n % 3 == 0 else None)
        for n in range(tenants)
    ]
    made = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        msgspec.json.encode(status(states))
    finally:
        sys.setprofile(before)
    return made


def test_the_cost_of_an_answer_grows_with_the_tenants_and_no_faster() -> None:
    few, many = steps(1_000), steps(10_000)
    assert 0 < many <= 11 * few
    assert many <= 20 * 10_000


async def test_the_answer_has_exactly_the_promised_keys() -> None:
    async with house(Room([state("a", "t1"), state("b", status="error", reason=Reason.TLS)])) as made:
        whole = (await made.ask("/api/v1/status")).json
        assert set(whole) == {"integrations", "overall_status", "last_checked"}
        assert all(
            set(one) == {"status", "message", "healthy", "details"} for one in whole["integrations"].values()
        )
        one = (await made.ask("/api/v1/status?tenant=t1")).json
        assert list(one["integrations"]) == ["a"] and one["overall_status"] == "healthy"
        assert (await made.ask("/api/v1/status?tenant=nobody")).status == 404
        assert made.room.checked == []
