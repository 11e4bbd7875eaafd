"""What the answers of token endpoints mean: real vendors' refusals, and tokens that cannot be sent."""

import json
from typing import Any

import pytest

from exporter.core.errors import ProbeError
from exporter.core.network import Answer, Trace
from exporter.core.reason import Reason
from exporter.core.token import GrantRefusedError
from exporter.net.token_answer import read


def answer(status: int, body: Any, **headers: str) -> Answer:
    return Answer(status, headers, json.dumps(body).encode(), "http://127.0.0.1/token")


def refused(status: int, body: Any, **headers: str) -> ProbeError:
    with pytest.raises(ProbeError) as caught:
        read(answer(status, body, **headers), 1_800_000_000.0, Trace())
    return caught.value


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, {"error": "invalid_grant"}, "invalid_grant"),
        # GitHub Apps answer 200 to whatever is wrong; HubSpot writes it in capitals
        (200, {"error": "bad_refresh_token"}, "bad_refresh_token"),
        (400, {"status": "BAD_REFRESH_TOKEN", "message": "planted"}, "BAD_REFRESH_TOKEN"),
        # Slack
        (200, {"ok": False, "error": "invalid_refresh_token"}, "invalid_refresh_token"),
        (200, {"ok": False, "error": "token_revoked"}, "token_revoked"),
        # no `error`: the code is where others put it
        (200, {"code": "invalid_grant", "message": "planted"}, "invalid_grant"),
        (200, {"errors": [{"code": "invalid_grant", "message": "planted"}]}, "invalid_grant"),
        # Entra ID, where a policy demands a second factor
        (400, {"error": "interaction_required", "error_description": "AADSTS50076"}, "interaction_required"),
        (400, {"error": "consent_required"}, "consent_required"),
        (400, {"error": "login_required"}, "login_required"),
        # Auth0
        (403, {"error": "mfa_required"}, "mfa_required"),
        # Meta
        (400, {"error": {"code": 190, "type": "OAuthException", "message": "planted"}}, "190"),
    ],
)
def test_a_refusal_that_only_a_person_ends_is_final_by_whatever_code(
    status: int, body: dict[str, Any], code: str
) -> None:
    error = refused(status, body)
    assert isinstance(error, GrantRefusedError)
    assert (error.reason, error.code) == (Reason.AUTH, "invalid_grant")
    assert f"HTTP {status}" in error.detail and code in error.detail
    assert "planted" not in error.detail


@pytest.mark.parametrize(
    ("status", "body", "reason", "code"),
    [
        (200, {"error": "incorrect_client_credentials"}, Reason.AUTH, "incorrect_client_credentials"),
        (200, {"ok": False, "error": "bad_client_secret"}, Reason.AUTH, "bad_client_secret"),
        (200, {"ok": False, "error": "account_inactive"}, Reason.ACCOUNT, "account_inactive"),
        (200, {"ok": False, "error": "ratelimited"}, Reason.RATE_LIMITED, "ratelimited"),
        (200, {"ok": False, "error": "fatal_error"}, Reason.VENDOR_ERROR, "fatal_error"),
        (400, {"error": "inactive_user"}, Reason.ACCOUNT, "inactive_user"),
        (401, {"error": "deleted_client"}, Reason.AUTH, "deleted_client"),
        (401, {"error": "disabled_client"}, Reason.ACCOUNT, "disabled_client"),
        (401, {"error": "invalid_client"}, Reason.AUTH, "invalid_client"),
        (400, {"error": "unauthorized_client"}, Reason.PERMISSION, "unauthorized_client"),
        (400, {"error": "invalid_scope"}, Reason.PERMISSION, "invalid_scope"),
        (400, {"error": "invalid_request"}, Reason.BAD_RESPONSE, "invalid_request"),
        (400, {"error": "temporarily_unavailable"}, Reason.VENDOR_ERROR, "temporarily_unavailable"),
        # nobody knows them: the credential's or the client's fault, not the protocol's
        (400, {"error": "some_new_code"}, Reason.AUTH, "some_new_code"),
        (401, {"error": "some_new_code"}, Reason.AUTH, "some_new_code"),
        (200, {"error": "some_new_code"}, Reason.AUTH, "some_new_code"),
        # busy, whatever the code
        (429, {"error": "invalid_grant"}, Reason.RATE_LIMITED, "429"),
        (503, {"error": "invalid_grant"}, Reason.VENDOR_ERROR, "503"),
        (400, {"error": {"code": 4, "type": "OAuthException"}}, Reason.RATE_LIMITED, "code 4"),
        (200, [], Reason.BAD_RESPONSE, "no JSON object"),
    ],
)
def test_other_refusals_have_their_reason_and_code_and_are_asked_for_again(
    status: int, body: Any, reason: Reason, code: str
) -> None:
    error = refused(status, body)
    assert not isinstance(error, GrantRefusedError)
    assert error.reason is reason
    assert code in error.detail


@pytest.mark.parametrize(
    "words", ["planted secret of 40 letters", "planted" * 12, "rt-planted/12+3=", {"planted": 1}, 7, True]
)
@pytest.mark.parametrize("status", [200, 400, 401])
def test_what_is_no_plain_word_is_not_shown(status: int, words: Any) -> None:
    error = refused(status, {"error": words, "error_description": "planted"})
    assert f"HTTP {status}" in error.detail
    assert "planted" not in error.detail
    assert not isinstance(error, GrantRefusedError)


def test_a_refusal_says_how_long_to_wait_where_the_endpoint_does() -> None:
    assert refused(429, {}, **{"retry-after": "70"}).retry_after == 70
    assert refused(200, {"ok": False, "error": "ratelimited"}, **{"retry-after": "70"}).retry_after == 70


@pytest.mark.parametrize("refresh", ["a b", "a\nb", "a\r\nX: y", "", "é", "a" * 16_385, 7, ["a"]])
def test_a_new_refresh_token_that_cannot_be_sent_leaves_the_old_one_and_is_drift(refresh: Any) -> None:
    trace = Trace()
    granted = read(
        answer(200, {"access_token": "a", "token_type": "bearer", "refresh_token": refresh}), 0.0, trace
    )
    assert granted.refresh is None
    assert trace.drift == ["refresh_token"]
    assert granted.access.reveal() == "a"


@pytest.mark.parametrize("access", ["a b", "a\nb", "", None, 7, "é"])
def test_an_access_token_that_cannot_be_sent_is_none(access: Any) -> None:
    error = refused(200, {"access_token": access, "token_type": "bearer"})
    assert (error.reason, error.detail) == (
        Reason.BAD_RESPONSE,
        "the token endpoint's answer has no usable access_token",
    )


@pytest.mark.parametrize(
    ("message", "life", "implausible"),
    [
        (None, None, False),
        (3600, 3600.0, False),
        ("3600", 3600.0, False),
        (30, 30.0, False),
        (29, 29.0, True),
        (0, None, True),
        ("0", None, True),
        (-1, None, True),
        (10**11, None, True),
        (10**400, None, True),
        ("soon", None, True),
    ],
)
def test_a_life_is_one_above_nothing_and_below_ten_years(
    message: Any, life: float | None, implausible: bool
) -> None:
    body = {"access_token": "a", "token_type": "bearer", "expires_in": message}
    granted = read(answer(200, body), 0.0, Trace())
    assert (granted.life, granted.implausible) == (life, implausible)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 5000], ids=["high", "low", "long"])
def test_a_life_that_no_float_holds_is_implausible_and_the_token_is_good(number: str) -> None:
    body = f'{{"access_token": "a", "token_type": "bearer", "expires_in": {number}}}'.encode()
    trace = Trace()
    granted = read(Answer(200, {}, body, "http://127.0.0.1/token"), 0.0, trace)
    assert (granted.access.reveal(), granted.life, granted.implausible) == ("a", None, True)
    assert trace.drift == ["expires_in"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_an_answer_is_read_in_whatever_charset_it_comes(encoding: str) -> None:
    body = '{"access_token": "planted", "token_type": "Bearer", "expires_in": 60}'.encode(encoding)
    assert read(Answer(200, {}, body, "http://127.0.0.1/token"), 1_800_000_000.0, Trace()).life == 60.0


def test_an_answer_without_a_token_and_without_a_known_code_is_no_refusal() -> None:
    error = refused(200, {"status": "ok", "code": "done"})
    assert (error.reason, error.detail) == (
        Reason.BAD_RESPONSE,
        "the token endpoint's answer has no usable access_token",
    )
