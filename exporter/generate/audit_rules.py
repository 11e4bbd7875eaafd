"""The page of the rules by which the audit is judged, from the tables in the code."""

from exporter.core import audit_rules as rules
from exporter.core.event_settings import AuditSettings
from exporter.generate.document import as_markdown, table


def audit_rules_page() -> str:
    """Return the page: classes of actions, what adds points, and patterns."""
    usual = AuditSettings()
    hours = usual.off_hours
    return as_markdown(
        "# Audit rules",
        "The risk score of an entry is the points of its class and of every rule that holds, at most "
        f"{rules.MOST}; a pattern sets the least that it can be. From `events.audit.flag_at` on "
        f"({usual.flag_at} unless configured) an entry is flagged: a person must "
        "[review](../audit.md#reviews) it.",
        "## Classes of actions",
        "The words of an action decide, in the order of this table: the first class with one of them. Words "
        "are what is between dots, dashes, underscores and capitals: `user.roleGranted` has three. The "
        "class is the label `action_class`.",
        table(
            ("Class", "Points", "What", "Words"),
            [
                (f"`{one.name}`", str(one.points), one.meaning, ", ".join(sorted(one.words)))
                for one in (*rules.CLASSES, rules.OTHER_CLASS)
            ],
        ),
        "## Rules",
        "An outcome is a refusal or a failure by its word; every other word, and none, is a success. "
        f"`refused`: {_words(rules.OUTCOMES[rules.REFUSED])}. "
        f"`failed`: {_words(rules.OUTCOMES[rules.FAILURE])}.",
        table(
            ("Rule", "Points", "Holds where"),
            [(f"`{rule.name}`", str(rule.points), rule.meaning) for rule in rules.RULES],
        ),
        f"Off hours are {hours.start} to {hours.end} {hours.time_zone} unless `events.audit.off_hours` says "
        "otherwise.",
        "## Patterns",
        "A pattern of several events flags one entry for each subject and window, not each event. The flag "
        f"of an entry without a pattern is `{rules.SCORE}`.",
        table(
            ("Pattern", "At least", "What", "Counts", "Within"),
            [(f"`{one.name}`", str(one.least), one.meaning, *_counts(one)) for one in rules.PATTERNS],
        ),
        "A failed sign-in names no account where its `reason` (of an event `audit`: `details.reason`) is one "
        f"of {_words(rules.UNKNOWN_ACCOUNT)}.",
    )


def _words(words: frozenset[str]) -> str:
    return ", ".join(f"`{word}`" for word in sorted(words))


def _counts(pattern: rules.AttackPattern) -> tuple[str, str]:
    if pattern.number == 1:
        return "a single entry", ""
    return f"{pattern.number} by {pattern.member} of one {pattern.subject}", f"{pattern.window / 60:.0f} min"
