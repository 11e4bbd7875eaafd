"""The simulated Twilio takes a message as the real one does, and refuses what that refuses."""

import base64
from typing import Any
from urllib.parse import urlencode

import pytest

from exporter.sandbox._twilio_answers import CUSTOMER, NUMBER, SID, TOKEN
from exporter.sandbox.twilio import VENDOR
from exporter.sandbox.vendor import Call, Reply

PATH = f"/2010-04-01/Accounts/{SID}/Messages.json"
FORM: dict[str, Any] = {"To": CUSTOMER, "From": NUMBER, "Body": "text"}


def ask(
    path: str = PATH, method: str = "POST", token: str = TOKEN, on: tuple[str, ...] = (), **form: str
) -> Reply:
    pair = base64.b64encode(f"{SID}:{token}".encode()).decode()
    headers = {"authorization": f"Basic {pair}", "content-type": "application/x-www-form-urlencoded"}
    body = urlencode({name: value for name, value in form.items() if value}).encode()
    call = Call(method, path, {}, headers, body, VENDOR.credentials, frozenset(on), 1_795_000_000.0)
    return VENDOR.answer(call)


def test_a_message_is_taken_and_can_be_asked_about() -> None:
    taken = ask(**FORM)
    assert taken.status == 201 and taken.body["status"] == "queued"
    found = ask(f"/2010-04-01/Accounts/{SID}/Messages/{taken.body['sid']}.json", "GET")
    assert (found.status, found.body["status"], found.body["error_code"]) == (200, "delivered", None)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"token": "wrong"}, 401, 20003),
        ({"path": f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"}, 404, 20404),
        ({"path": f"/2010-04-01/Accounts/{SID}/Messages"}, 404, 20404),
        ({"To": "5"}, 400, 21211),
        ({"To": "+15005550009"}, 400, 21614),
        ({"To": "+15005550004"}, 400, 21610),
        ({"From": ""}, 400, 21603),
        ({"From": "+15559999999"}, 400, 21606),
        ({"Body": ""}, 400, 21602),
        ({"Body": "x" * 1601}, 400, 21617),
        ({"To": "+15557777777", "on": ("trial_account",)}, 400, 21608),
        ({"on": ("number_released",)}, 400, 21606),
        ({"on": ("out_of_funds",)}, 403, 10001),
    ],
)
def test_what_twilio_refuses_is_refused_with_its_code(
    changes: dict[str, Any], status: int, code: int
) -> None:
    refused = ask(**(FORM | changes))
    assert (refused.status, refused.body["code"]) == (status, code)


@pytest.mark.parametrize(
    ("scenario", "fate"),
    [("unreachable_phones", ("undelivered", 30003)), ("slow_carrier", ("sent", None))],
)
def test_what_becomes_of_it_is_that_of_the_scenario(scenario: str, fate: tuple[str, int | None]) -> None:
    sid = ask(**FORM).body["sid"]
    found = ask(f"/2010-04-01/Accounts/{SID}/Messages/{sid}.json", "GET", on=(scenario,))
    assert (found.body["status"], found.body["error_code"]) == fate


def test_a_name_that_is_none_is_not_found() -> None:
    assert ask(f"/2010-04-01/Accounts/{SID}/Messages/SMx.json", "GET").status == 404
