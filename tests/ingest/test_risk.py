"""The score of an entry is the sum of the rules that hold, and what is remembered has a bound."""

import pytest

from exporter.core import audit_rules as rules
from exporter.core.audit import AuditEntry, Novelty, SignIn
from exporter.core.audit_rules import MOST, OTHER_CLASS, PATTERNS, RULES, Facts, class_of, outcome_of, score
from exporter.core.event_settings import AuditSettings, OffHours
from exporter.ingest.risk import RiskJudge, SlidingWindows

NOON = 1_795_003_200.0
"""2026-11-18T12:00:00Z."""

NIGHT = NOON + 10 * 3600


def entry(
    action: str = "order.changed", outcome: str = "success", at: float = NOON, **more: object
) -> AuditEntry:
    return AuditEntry(
        at, str(more.get("actor", "ann")), action, outcome=outcome, address=str(more.get("address", ""))
    )


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("user.role.granted", "privilege"),
        ("UserRoleGranted", "privilege"),
        ("customers.export", "export"),
        ("audit.exported", "export"),
        ("audit.erased", "audit"),
        ("sign-in", "sign_in"),
        ("user_login", "sign_in"),
        ("password.reset", "credential"),
        ("tokens.refreshed", "credential"),
        ("user.delete", "delete"),
        ("configuration.reloaded", "change"),
        ("report viewed", "export"),
        ("page.view", "read"),
        ("frobnicate", "other"),
        ("", "other"),
        ("READ", "read"),
    ],
)
def test_the_words_of_an_action_decide_its_class(action: str, name: str) -> None:
    assert class_of(action).name == name


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("", "success"),
        ("ok", "success"),
        ("DENIED", "refused"),
        ("failed", "failure"),
        ("success", "success"),
    ],
)
def test_apps_name_outcomes_as_they_like(text: str, outcome: str) -> None:
    assert outcome_of(text) == outcome


@pytest.mark.parametrize(
    ("given", "night", "novelty", "risk"),
    [
        (("page.view", "success"), False, Novelty(), 0),
        (("page.view", "success"), True, Novelty(), 0),
        (("order.changed", "success"), False, Novelty(), 5),
        (("order.changed", "success"), True, Novelty(), 15),
        (("order.changed", "refused"), False, Novelty(), 25),
        (("order.changed", "failure"), False, Novelty(), 15),
        (("user.delete", "success"), False, Novelty(address=True), 30),
        (("user.delete", "success"), True, Novelty(address=True, country=True), 60),
        (("user.login", "success"), True, Novelty(address=True), 20),
        (("user.login", "success"), False, Novelty(country=True), 65),
        (("role.granted", "success"), False, Novelty(), 30),
        (("role.granted", "success"), True, Novelty(), 80),
        (("role.granted", "success"), True, Novelty(address=True, country=True), 80),
        (("customers.export", "success"), False, Novelty(), 20),
    ],
)
def test_points_add_up_and_patterns_set_the_least(
    given: tuple[str, str], night: bool, novelty: Novelty, risk: int
) -> None:
    found = RiskJudge().judge(entry(*given, at=NIGHT if night else NOON), novelty)
    assert found.risk == risk
    assert (found.flag is not None) == (risk >= 60)


def test_no_score_is_above_100_and_every_rule_and_class_counts() -> None:
    worst = Facts(
        rules.CLASSES[0], "refused", many_failures=True, new_address=True, new_country=True, off_hours=True
    )
    assert score(worst) == MOST
    for one in (*rules.CLASSES, OTHER_CLASS):
        assert score(Facts(one, "success")) == one.points
    assert {rule.name for rule in RULES} == {
        rule.name for facts in (worst, Facts(OTHER_CLASS, "failure")) for rule in rules.rules_of(facts)
    }
    assert all(60 <= pattern.least <= MOST for pattern in PATTERNS), (
        "a pattern is flagged by the usual flag_at"
    )


def test_no_word_is_in_two_classes() -> None:
    words = [word for one in rules.CLASSES for word in one.words]
    assert len(words) == len(set(words))


def test_failures_alone_never_flag() -> None:
    judge = RiskJudge()
    found = [judge.judge(entry("user.login", "failure", NIGHT + number), Novelty()) for number in range(50)]
    assert [one.risk for one in found[:6]] == [15, 15, 15, 15, 35, 35]
    assert {one.flag for one in found} == {None}


def test_failures_of_long_ago_do_not_count() -> None:
    judge = RiskJudge()
    found = [judge.judge(entry("a.b", "failure", NOON + 400 * number), Novelty()) for number in range(20)]
    assert {one.risk for one in found} == {15}


def test_a_flood_that_is_one_entry_counts_as_many() -> None:
    flood = AuditEntry(NOON, "nobody", "access.refused", outcome="refused", count=500)
    assert RiskJudge().judge(flood, Novelty()).risk == 5 + 20 + 20


@pytest.mark.parametrize(
    ("hours", "clock", "off"),
    [
        (OffHours(), "20:00", True),
        (OffHours(), "19:59", False),
        (OffHours(), "05:59", True),
        (OffHours(), "06:00", False),
        (OffHours(start="12:00", end="13:00"), "12:30", True),
        (OffHours(start="12:00", end="13:00"), "13:00", False),
        (OffHours("Asia/Kolkata"), "14:30", True),
        (OffHours("Asia/Kolkata"), "14:29", False),
        (OffHours("no/such"), "20:00", True),
    ],
)
def test_off_hours_are_those_of_the_time_zone(hours: OffHours, clock: str, off: bool) -> None:
    judge = RiskJudge()
    judge.apply(AuditSettings(off_hours=hours))
    hour, minute = map(int, clock.split(":"))
    assert judge.is_off_hours(NOON - 12 * 3600 + hour * 3600 + minute * 60) is off


def failed(number: int, at: float = NOON, **more: object) -> SignIn:
    return SignIn(at, "", f"user {number}", str(more.get("address", "203.0.113.9")), "", failed=True)


def test_an_attack_that_goes_on_is_flagged_once_a_window() -> None:
    judge = RiskJudge()
    found = [judge.watch(failed(number, NOON + number)) for number in range(1300)]
    assert [number for number, one in enumerate(found) if one] == [9, 609, 1209]


def test_failures_spread_over_hours_are_no_attack() -> None:
    judge = RiskJudge()
    assert not any(judge.watch(failed(number, NOON + 70 * number)) for number in range(100))


def test_events_may_come_in_any_order() -> None:
    judge = RiskJudge()
    found = [judge.watch(failed(number, NOON - number)) for number in range(12)]
    assert [one is not None for one in found].count(True) == 1


def test_what_is_remembered_has_a_bound() -> None:
    windows = SlidingWindows(10, 600.0, most=100)
    for number in range(1000):
        windows.add(f"address {number}", number, NOON)
        for member in range(50):
            windows.add("one", member, NOON)
    assert len(windows) == 100
    assert len(windows._subjects["one"].members) == 10


def test_the_one_without_a_word_for_longest_is_forgotten_first() -> None:
    windows = SlidingWindows(3, 600.0, most=2)
    for subject, member in (("a", 1), ("b", 1), ("a", 2), ("c", 1), ("a", 3)):
        reached = windows.is_reached(subject, member, NOON)
    assert reached
    assert windows.add("b", 2, NOON) == 1


def test_flags_are_counted_by_tenant_and_pattern_once() -> None:
    judge = RiskJudge()
    judge.judge(AuditEntry(NIGHT, "ann", "role.granted", tenant="acme"), Novelty())
    assert judge.take_flags() == {("acme", "privilege_change_off_hours"): 1}
    assert judge.take_flags() == {}
