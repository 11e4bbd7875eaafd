"""Judges entries of the audit: their risk score, and whether they are part of an attack."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from exporter.core import audit_rules as rules
from exporter.core.audit import AuditEntry, Novelty, SignIn
from exporter.core.audit_rules import AttackPattern, Facts
from exporter.core.event_settings import AuditSettings, OffHours

MOST_SUBJECTS = 10_000
"""Addresses, or actors, that a pattern remembers: beyond, the one longest without a word is forgotten."""

MOST_FLAGS = 1000
"""Pairs of tenant and pattern that wait to be counted."""


@dataclass(slots=True)
class _Window:
    """Members that one subject had, each with its last time; `quiet_until`: it was flagged, and not again."""

    members: dict[Hashable, float]
    quiet_until: float = float("-inf")


class SlidingWindows:
    """Counts different members of each subject within `seconds`; of memory it has a bound."""

    def __init__(self, number: int, seconds: float, most: int = MOST_SUBJECTS) -> None:
        """Remember nothing; `number` members are many."""
        self._number, self._seconds, self._most = number, seconds, most
        self._subjects: OrderedDict[Hashable, _Window] = OrderedDict()

    def __len__(self) -> int:
        """Return how many subjects are remembered."""
        return len(self._subjects)

    def add(self, subject: Hashable, member: Hashable, at: float) -> int:
        """Remember a member at `at` (Unix seconds); return how many there are, `number` at most."""
        window = self._window(subject)
        if member not in window.members and len(window.members) >= self._number:
            # What is beyond the bound is not needed: it is many already. The oldest would leave first.
            del window.members[min(window.members, key=window.members.__getitem__)]
        window.members[member] = max(at, window.members.get(member, at))
        newest = max(window.members.values())
        for old in [one for one, time in window.members.items() if newest - time > self._seconds]:
            del window.members[old]
        return len(window.members)

    def is_reached(self, subject: Hashable, member: Hashable, at: float) -> bool:
        """Remember a member; return whether this makes it many, once for each window."""
        if self.add(subject, member, at) < self._number:
            return False
        window = self._window(subject)
        if at < window.quiet_until:
            return False
        window.quiet_until = at + self._seconds
        return True

    def _window(self, subject: Hashable) -> _Window:
        window = self._subjects.get(subject)
        if window is None:
            window = self._subjects[subject] = _Window({})
            if len(self._subjects) > self._most:
                self._subjects.popitem(last=False)
        self._subjects.move_to_end(subject)
        return window


class RiskJudge:
    """Gives entries their score and flag, by the settings of the moment; several threads may ask.

    What it remembers of the last minutes is of this process. Where an actor was seen before comes from the
    store (`Novelty`), so a restart changes nothing of that.
    """

    def __init__(self) -> None:
        """Judge by the defaults; nothing is remembered yet."""
        self._lock = threading.Lock()
        self._failures = SlidingWindows(rules.FAILURES, rules.FAILURES_WINDOW)
        self._windows = {
            pattern.name: SlidingWindows(pattern.number, pattern.window)
            for pattern in rules.PATTERNS
            if pattern.subject
        }
        self._number = 0
        self._flags: dict[tuple[str, str], int] = {}
        self.apply(AuditSettings())

    def apply(self, settings: AuditSettings) -> None:
        """Judge by `settings` from now on."""
        self._flag_at = settings.flag_at
        self._hours = settings.off_hours

    def judge(self, entry: AuditEntry, novelty: Novelty) -> AuditEntry:
        """Return `entry` with its score, and its flag where a person must look at it."""
        outcome, off_hours = rules.outcome_of(entry.outcome), self.is_off_hours(entry.at)
        with self._lock:
            facts = Facts(
                rules.class_of(entry.action),
                outcome,
                self._many_failures(entry, outcome),
                novelty.address,
                novelty.country,
                off_hours,
            )
            patterns = list(self._patterns(entry, facts))
        risk = rules.score(facts, patterns)
        flag = _flag(patterns) if risk >= self._flag_at else None
        if flag is not None:
            self._count(entry.tenant, flag)
        return entry.with_score(risk, flag)

    def watch(self, sign_in: SignIn) -> AuditEntry | None:
        """Return the entry of an attack that `sign_in` completes, None where it completes none."""
        if not sign_in.failed or not sign_in.address or not sign_in.actor:
            return None
        with self._lock:
            pattern = self._attack(
                sign_in.address, (sign_in.tenant, sign_in.actor), sign_in.at, sign_in.unknown
            )
        if pattern is None:
            return None
        return self.entry_of(pattern, sign_in)

    def judge_country(self, sign_in: SignIn) -> AuditEntry:
        """Return the entry of a sign-in from a country where its actor was not seen before."""
        return self.entry_of(rules.NEW_COUNTRY, sign_in)

    def entry_of(self, pattern: AttackPattern, sign_in: SignIn) -> AuditEntry:
        """Return the entry of an attack, or of one sign-in, that events of the kind auth show."""
        flag = pattern.name if pattern.least >= self._flag_at else None
        if flag is not None:
            self._count(sign_in.tenant, flag)
        many = pattern.number > 1
        return AuditEntry(
            sign_in.at,
            # Many accounts are nobody's deed; a single sign-in is that of its account.
            "exporter" if many else sign_in.actor,
            f"sign_in.{pattern.name}",
            "" if many else "sign-in",
            rules.FAILURE if sign_in.failed else rules.SUCCESS,
            tenant=sign_in.tenant,
            address=sign_in.address,
            country=sign_in.country.upper(),
            details={"accounts": pattern.number, "window_seconds": pattern.window} if many else {},
            risk=pattern.least,
            flag=flag,
        )

    def take_flags(self) -> dict[tuple[str, str], int]:
        """Return how many entries were flagged since the last call, by tenant and flag."""
        with self._lock:
            found, self._flags = self._flags, {}
        return found

    def is_off_hours(self, at: float) -> bool:
        """Return whether `at` (Unix seconds) lies in the off hours."""
        return _lies_in(self._hours, int(at // 60))

    def _many_failures(self, entry: AuditEntry, outcome: str) -> bool:
        if outcome == rules.SUCCESS:
            return False
        # Each is a member of its own; a flood that is one entry counts as what it stands for.
        found = 0
        for _ in range(min(max(entry.count, 1), rules.FAILURES)):
            self._number += 1
            found = self._failures.add((entry.tenant, entry.actor), self._number, entry.at)
        return found >= rules.FAILURES

    def _patterns(self, entry: AuditEntry, facts: Facts) -> Iterable[AttackPattern]:
        kind, succeeded = facts.action_class.name, facts.outcome == rules.SUCCESS
        if kind == rules.SIGN_IN and not succeeded and entry.address:
            unknown = rules.names_no_account(entry.details)
            found = self._attack(entry.address, (entry.tenant, entry.actor), entry.at, unknown)
            if found is not None:
                yield found
        if kind == rules.SIGN_IN and succeeded and facts.new_country:
            yield rules.NEW_COUNTRY
        if kind == rules.PRIVILEGE and succeeded and facts.off_hours:
            yield rules.OFF_HOURS
        if kind == rules.EXPORT and succeeded and self._is_mass_export(entry):
            yield rules.MASS_EXPORT

    def _attack(self, address: str, account: Hashable, at: float, unknown: bool) -> AttackPattern | None:
        pattern = rules.ENUMERATION if unknown else rules.STUFFING
        return pattern if self._windows[pattern.name].is_reached(address, account, at) else None

    def _is_mass_export(self, entry: AuditEntry) -> bool:
        self._number += 1
        windows = self._windows[rules.MASS_EXPORT.name]
        many = windows.is_reached((entry.tenant, entry.actor), self._number, entry.at)
        rows = entry.details.get("rows")
        return many or (isinstance(rows, int | float) and rows >= rules.MANY_ROWS)

    def _count(self, tenant: str, flag: str) -> None:
        with self._lock:
            key = (tenant, flag)
            if key in self._flags or len(self._flags) < MOST_FLAGS:
                self._flags[key] = self._flags.get(key, 0) + 1


@lru_cache(maxsize=1024)
def _lies_in(hours: OffHours, minute: int) -> bool:
    # Hours begin and end with minutes, and most entries are of the minute of the one before.
    clock = datetime.fromtimestamp(minute * 60, _zone(hours.time_zone)).strftime("%H:%M")
    if hours.start <= hours.end:
        return hours.start <= clock < hours.end
    return clock >= hours.start or clock < hours.end


def _flag(patterns: Iterable[AttackPattern]) -> str:
    """Return the name of the worst pattern; without any it is the score alone."""
    worst = max(patterns, key=lambda pattern: pattern.least, default=None)
    return worst.name if worst else rules.SCORE


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # A machine without the time-zone database; the configuration was checked on one that had it.
        return UTC
