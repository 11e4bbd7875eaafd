import time
from email.utils import formatdate

import pytest

from exporter.core.errors import ProbeError
from exporter.core.network import Answer
from exporter.core.reason import Reason
from exporter.net.reasons import check_status, reason_of_status

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (200, None),
        (302, None),
        (400, Reason.BAD_RESPONSE),
        (401, Reason.AUTH),
        (402, Reason.QUOTA),
        (403, Reason.PERMISSION),
        (404, Reason.NOT_FOUND),
        (408, Reason.VENDOR_ERROR),
        (410, Reason.NOT_FOUND),
        (418, Reason.BAD_RESPONSE),
        (429, Reason.RATE_LIMITED),
        (500, Reason.VENDOR_ERROR),
        (503, Reason.VENDOR_ERROR),
        (504, Reason.VENDOR_ERROR),
        (599, Reason.VENDOR_ERROR),
    ],
)
def test_a_status_has_its_reason(status: int, reason: Reason | None) -> None:
    assert reason_of_status(status) is reason


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), None),
        ("999999999999", 86_400.0),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_throttling_server_is_given_the_pause_it_asks_for(text: str, seconds: float | None) -> None:
    with pytest.raises(ProbeError) as caught:
        check_status(Answer(429, {"retry-after": text}, b"", "http://x/"), NOW)
    assert (caught.value.reason, caught.value.retry_after) == (Reason.RATE_LIMITED, seconds)


def test_any_2xx_is_good_and_a_redirect_that_was_not_followed_is_not() -> None:
    check_status(Answer(204, {}, b"", "http://x/"), time.time())
    with pytest.raises(ProbeError) as caught:
        check_status(Answer(302, {}, b"", "http://x/"), time.time())
    assert caught.value.reason is Reason.BAD_RESPONSE
