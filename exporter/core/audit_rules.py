"""The rules of the risk score, as data: classes of actions, what adds points, and patterns of attacks.

docs/reference/audit-rules.md is made from these tables.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

MOST = 100
"""The highest score."""

SCORE = "score"
"""The flag of an entry whose score alone is high enough, without a pattern."""


@dataclass(frozen=True)
class ActionClass:
    """Actions that weigh the same: those with one of `words` in their name."""

    name: str
    points: int
    words: frozenset[str]
    meaning: str


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CLASSES = (
    ActionClass(
        "privilege",
        30,
        _words(
            "role roles permission permissions privilege privileges grant granted grants revoke revoked admin"
            " admins sudo impersonate impersonated impersonation policy policies scope scopes owner"
        ),
        "who may do what",
    ),
    ActionClass(
        "export",
        20,
        _words(
            "export exported exports download downloaded downloads dump dumped backup report reported extract"
        ),
        "data leaves",
    ),
    ActionClass("audit", 25, _words("audit"), "the audit itself: reviews, erasures"),
    ActionClass(
        "sign_in",
        5,
        _words(
            "login logins logon signin sign signed authenticate authenticated authentication auth session"
            " sessions"
        ),
        "somebody signs in",
    ),
    ActionClass(
        "credential",
        20,
        _words(
            "password passwords secret secrets key keys token tokens mfa otp 2fa credential credentials"
            " certificate rotate rotated"
        ),
        "passwords, keys, second factors",
    ),
    ActionClass(
        "delete",
        15,
        _words(
            "delete deleted deletes remove removed destroy destroyed purge purged erase erased drop dropped"
            " truncate"
        ),
        "something goes for good",
    ),
    ActionClass(
        "change",
        5,
        _words(
            "create created update updated change changed edit edited set add added write written enable"
            " enabled disable disabled pause paused active drain retried reload reloaded insert rename"
        ),
        "something changes",
    ),
    ActionClass(
        "read", 0, _words("read view viewed list listed get show search searched open opened"), "reading"
    ),
)
"""In this order: the first class that has a word of the action is its class."""

OTHER_CLASS = ActionClass("other", 5, frozenset(), "every other action")

BY_NAME: Mapping[str, ActionClass] = {one.name: one for one in (*CLASSES, OTHER_CLASS)}

SIGN_IN, PRIVILEGE, EXPORT = "sign_in", "privilege", "export"

SUCCESS, FAILURE, REFUSED = "success", "failure", "refused"

OUTCOMES: Mapping[str, frozenset[str]] = {
    REFUSED: _words("refused denied forbidden blocked rejected unauthorized"),
    FAILURE: _words("failure failed fail error invalid timeout"),
}
"""What apps call an outcome that is no success, in lower case."""


@dataclass(frozen=True)
class RiskRule:
    """Points that a fact about an entry adds; the facts are in `Facts`."""

    name: str
    points: int
    meaning: str


FAILURES, FAILURES_WINDOW = 5, 900.0
"""So many failed or refused attempts of an actor, within so many seconds, are many."""

REFUSED_RULE = RiskRule("refused", 20, "the attempt was refused")
FAILED_RULE = RiskRule("failed", 10, "the attempt failed")
MANY_RULE = RiskRule(
    "many_failures",
    20,
    f"the actor failed or was refused {FAILURES} times or more within {FAILURES_WINDOW / 60:.0f} minutes",
)
ADDRESS_RULE = RiskRule(
    "new_address", 15, "it succeeded from an address where the actor was not seen before, but elsewhere"
)
COUNTRY_RULE = RiskRule(
    "new_country", 20, "it succeeded from a country where the actor was not seen before, but elsewhere"
)
HOURS_RULE = RiskRule(
    "off_hours", 10, "it happened in `events.audit.off_hours`; not for signing in and for reading"
)
RULES = (REFUSED_RULE, FAILED_RULE, MANY_RULE, ADDRESS_RULE, COUNTRY_RULE, HOURS_RULE)


@dataclass(frozen=True)
class AttackPattern:
    """What an attack looks like: its entry has at least the score `least`.

    `number` different members, of one subject, within `window` seconds; 1 for a pattern that a single entry
    shows. `subject` and `member` are fields of an entry, for the page.
    """

    name: str
    least: int
    meaning: str
    subject: str = ""
    member: str = ""
    number: int = 1
    window: float = 600.0


STUFFING = AttackPattern(
    "credential_stuffing", 85, "sign-ins fail for many accounts from one address", "address", "actor", 10
)
ENUMERATION = AttackPattern(
    "account_enumeration",
    80,
    "sign-ins fail from one address for many accounts that do not exist",
    "address",
    "actor",
    10,
)
NEW_COUNTRY = AttackPattern(
    "new_country", 65, "a sign-in from a country where the actor was not seen before, but elsewhere"
)
OFF_HOURS = AttackPattern("privilege_change_off_hours", 80, "a change of who may do what, in off hours")
MASS_EXPORT = AttackPattern(
    "mass_export",
    80,
    "many exports by one actor, or one with `details.rows` of 10,000 or more",
    "actor",
    "export",
    5,
)
PATTERNS = (STUFFING, ENUMERATION, NEW_COUNTRY, OFF_HOURS, MASS_EXPORT)

MANY_ROWS = 10_000
"""Rows of one export that are a mass export by themselves."""

UNKNOWN_ACCOUNT = frozenset(
    _words(
        "unknown_user unknown_account unknown_actor user_not_found account_not_found not_found no_such_user"
        " no_such_account user_unknown invalid_user does_not_exist nonexistent"
    )
)
"""Reasons of a failed sign-in that mean: there is no such account."""


class Facts(NamedTuple):
    """What is known about an entry besides itself: what the rules ask for."""

    action_class: ActionClass
    outcome: str
    many_failures: bool = False
    new_address: bool = False
    new_country: bool = False
    off_hours: bool = False


def score(facts: Facts, patterns: Collection[AttackPattern] = ()) -> int:
    """Return the points of the class and of every rule that holds, at most 100; a pattern sets the least."""
    return min(MOST, max((_points(facts), *(pattern.least for pattern in patterns))))


@lru_cache(maxsize=1024)
def _points(facts: Facts) -> int:
    return facts.action_class.points + sum(rule.points for rule in rules_of(facts))


def rules_of(facts: Facts) -> list[RiskRule]:
    """Return the rules that hold."""
    # Signing in and reading at night is what people do; a change at night is rarer.
    counts_hours = facts.action_class.name not in (SIGN_IN, "read")
    held = (
        (REFUSED_RULE, facts.outcome == REFUSED),
        (FAILED_RULE, facts.outcome == FAILURE),
        (MANY_RULE, facts.many_failures),
        (ADDRESS_RULE, facts.new_address),
        (COUNTRY_RULE, facts.new_country),
        (HOURS_RULE, facts.off_hours and counts_hours),
    )
    return [rule for rule, holds in held if holds]


_BREAK = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@lru_cache(maxsize=4096)
def class_of(action: str) -> ActionClass:
    """Return the class of an action such as `user.role.granted`, `UserDeleted` or `sign-in`."""
    words = set(_BREAK.split(_CAMEL.sub(" ", action).lower()))
    return next((one for one in CLASSES if one.words & words), OTHER_CLASS)


@lru_cache(maxsize=256)
def outcome_of(text: str) -> str:
    """Return success, failure or refused for what an app calls an outcome."""
    lower = text.lower()
    return next((name for name, words in OUTCOMES.items() if lower in words), SUCCESS)


def names_no_account(details: Mapping[str, Any]) -> bool:
    """Return whether the reason of a failed sign-in is that there is no such account."""
    reason = details.get("reason")
    return isinstance(reason, str) and _BREAK.sub("_", reason.lower()).strip("_") in UNKNOWN_ACCOUNT
