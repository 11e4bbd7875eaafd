"""What an account shows of its tokens, and when it has its next turn."""

from typing import Any

import pytest

from exporter.core.errors import SHORTAGE_RETRY, Shortage
from exporter.core.metric import Metric
from exporter.core.secret import Secret
from exporter.core.token import (
    NEVER,
    ClientCredentials,
    Grant,
    MetaExchange,
    RefreshToken,
    TokenSet,
    TokenSettings,
)
from exporter.tokens.account import CHECK_AGAIN, MANAGED_METRICS, SAVE_AGAIN, TOKENS, TokenAccount

NOW = 1_800_000_000.0
URL = "https://auth.example/token"
REFRESH = RefreshToken(URL, "us", Secret("password"), Secret("r1"), scopes=("read", "write"))
META = MetaExchange(URL, "us", Secret("password"), Secret("a1"))
CLIENT = ClientCredentials(URL, "us", Secret("password"), scopes=("read",))
BOTH = TokenSet(Secret("a"), Secret("r"), NOW + 3600, NOW + 86400, rotates=True)


def account(grant: Grant, tokens: TokenSet | None = None, **more: Any) -> TokenAccount:
    return TokenAccount(key="one", grant=grant, settings=TokenSettings(), tokens=tokens, **more)


def texts(made: TokenAccount) -> list[str]:
    """Return the series as a scrape has them, with times as seconds from now."""

    def text(metric: Metric, labels: tuple[tuple[str, str], ...], value: object) -> str:
        assert isinstance(value, float)
        named = ",".join(f"{name}={word}" for name, word in labels)
        number = value - NOW if value > NOW / 2 else value
        return f"{metric.name.removeprefix('integration_token_')}{{{named}}} {number:g}"

    return [text(*series) for series in made.series(NOW)]


CASES: dict[str, tuple[TokenAccount, list[str]]] = {
    "storage not read": (
        account(REFRESH),
        [
            "state{token=access,state=unknown} 1",
            "refreshable{token=access} 0",
            "refresh_failures{token=access} 0",
        ],
    ),
    "both tokens": (
        account(REFRESH, BOTH, last_success=NOW - 5),
        [
            "state{token=access,state=valid} 1",
            "refreshable{token=access} 1",
            "expiry_timestamp_seconds{token=access} 3600",
            "state{token=refresh,state=valid} 1",
            "refreshable{token=refresh} 1",
            "expiry_timestamp_seconds{token=refresh} 86400",
            "refresh_failures{token=access} 0",
            "refresh_last_success_timestamp_seconds{token=access} -5",
        ],
    ),
    "a refresh token that stays and never expires": (
        account(REFRESH, TokenSet(Secret("a"), Secret("r"), NOW - 1, NEVER, rotates=False)),
        [
            "state{token=access,state=expired} 1",
            "refreshable{token=access} 1",
            "expiry_timestamp_seconds{token=access} -1",
            "state{token=refresh,state=never_expires} 1",
            "refreshable{token=refresh} 0",
            "refresh_failures{token=access} 0",
        ],
    ),
    "refused": (
        account(
            REFRESH, TokenSet(Secret("a"), Secret("r"), refused=True), failures=3, reason="invalid_grant"
        ),
        [
            "state{token=access,state=unknown} 1",
            "refreshable{token=access} 0",
            "state{token=refresh,state=refused} 1",
            "refreshable{token=refresh} 0",
            "refresh_failures{token=access} 3",
            "refresh_failure_info{token=access,reason=invalid_grant} 1",
        ],
    ),
    "no refresh token, and a client that is refused": (
        account(CLIENT, TokenSet(Secret("a"), refused=True)),
        [
            "state{token=access,state=refused} 1",
            "refreshable{token=access} 0",
            "refresh_failures{token=access} 0",
        ],
    ),
    "a client has its secret always": (
        account(CLIENT, TokenSet()),
        [
            "state{token=access,state=unknown} 1",
            "refreshable{token=access} 1",
            "refresh_failures{token=access} 0",
        ],
    ),
    "an implausible life shows no expiry": (
        account(META, TokenSet(Secret("a"), expiry=NOW + 10, implausible=True)),
        [
            "state{token=access,state=implausible} 1",
            "refreshable{token=access} 1",
            "refresh_failures{token=access} 0",
        ],
    ),
    "nothing to begin with": (
        account(META, TokenSet()),
        [
            "state{token=access,state=unknown} 1",
            "refreshable{token=access} 0",
            "refresh_failures{token=access} 0",
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_series_of_an_account_are_those_of_its_tokens(case: str) -> None:
    made, expected = CASES[case]
    assert texts(made) == expected


def test_a_probe_leaves_expiry_and_refreshing_of_both_tokens_to_the_account() -> None:
    assert TOKENS == ("access", "refresh")
    assert {name.removeprefix("integration_token_") for name in MANAGED_METRICS} == {
        "expiry_timestamp_seconds",
        "refreshable",
    }


@pytest.mark.parametrize(
    ("grant", "granted", "missing"),
    [
        (REFRESH, None, None),
        (REFRESH, {"read"}, {"write"}),
        (REFRESH, {"read", "write", "more"}, set()),
        (REFRESH, set(), {"read", "write"}),
        (META, {"read"}, set()),
    ],
)
def test_scopes_are_missing_that_were_asked_for_and_not_granted(
    grant: Grant, granted: set[str] | None, missing: set[str] | None
) -> None:
    assert account(grant).scopes_missing is None
    tokens = TokenSet(Secret("a"), scopes=None if granted is None else frozenset(granted))
    assert account(grant, tokens).scopes_missing == missing


def test_the_next_turn_is_when_something_is_due() -> None:
    shared = account(REFRESH, TokenSet(Secret("a"), Secret("r"), refused=True), checked_at=NOW)
    assert shared.next_action(NOW) is None, "tokens in memory alone are replaced by nobody"
    unsaved = account(REFRESH, BOTH, unsaved=True, unsaved_at=NOW - 1)
    assert unsaved.next_action(NOW) == NOW - 1 + SAVE_AGAIN
    unsaved.retry_at = NOW + 60
    assert unsaved.next_action(NOW) == NOW + 60
    assert account(REFRESH).next_action(NOW) == NOW, "its storage is read at once"
    assert account(REFRESH, retry_at=NOW + 9).next_action(NOW) == NOW + 9
    assert account(CLIENT).next_action(NOW) is None, "a client's token is asked for when a probe needs it"


def test_a_shortage_puts_the_next_turn_off_and_is_no_failure() -> None:
    made = account(REFRESH)
    made.record_shortage(Shortage("descriptors", "none left"), NOW)
    assert made.next_action(NOW) == NOW + SHORTAGE_RETRY
    assert made.failures == 0
    assert account(CLIENT).next_action(NOW) is None


def test_an_account_begins_saved_unchecked_and_without_a_reason() -> None:
    made = account(REFRESH)
    assert (made.unsaved, made.checked_at, made.reason, made.renewals, made.last_success) == (
        False,
        0.0,
        "",
        0,
        None,
    )
    assert made.turn is None
    assert CHECK_AGAIN == 300.0
    assert account(REFRESH) != account(REFRESH), "two credentials are never one"


@pytest.mark.parametrize(("rotates", "may"), [(None, True), (True, True), (False, False)])
def test_an_exchange_may_end_what_was_handed_in_unless_the_last_one_did_not(
    rotates: bool | None, may: bool
) -> None:
    assert account(REFRESH, TokenSet(Secret("a"), Secret("r"), rotates=rotates)).may_rotate is may
    assert not account(META, TokenSet(Secret("a"), rotates=rotates)).may_rotate
    assert account(REFRESH).may_rotate
