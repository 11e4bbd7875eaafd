"""What the log of tokens writes, and what it hands to the store."""

import pytest
import structlog

from exporter.core.token import TokenEvent
from exporter.store.batch import Batch
from exporter.tokens.log import TokenLog

PLACE = ("calendar", "acme", "google_calendar", "access")


@pytest.mark.parametrize(
    ("result", "lines"),
    [
        (
            "failed",
            [
                {
                    "event": "token was not refreshed",
                    "log_level": "warning",
                    "integration": "calendar",
                    "tenant": "acme",
                    "reason": "invalid_grant",
                    "actor": "probe",
                    "detail": "the owner took it back",
                }
            ],
        ),
        ("ok", []),
        ("adopted", []),
    ],
)
def test_each_entry_is_handed_over_and_a_failure_is_a_line_of_the_log(
    result: str, lines: list[dict[str, str]]
) -> None:
    batches: list[Batch] = []
    log = TokenLog(batches.append)
    reason = "invalid_grant" if result == "failed" else ""
    event = TokenEvent(1.8e9, *PLACE, "probe", "refresh", result, reason)
    with structlog.testing.capture_logs() as written:
        log.add(event, "the owner took it back")
    assert written == lines
    assert [batch.size for batch in batches] == [1]
