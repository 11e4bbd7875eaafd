"""Tokens, and their refresh."""

from typing import Any, Literal

import msgspec

from exporter.core.token import TokenState
from exporter.server.contracts._contract import (
    FORMAT,
    INTEGRATION,
    OFFSET,
    TABULAR,
    TENANT,
    AnswerPart,
    CallExample,
    Contract,
    Natural,
    QueryParameter,
    Time,
    choice,
    number,
)

EXPIRING = QueryParameter("expiring", "Tokens that expire within this duration, such as 24h.")


class TokenRow(AnswerPart, kw_only=True):
    """A token, and never its text."""

    integration: str
    tenant: str
    provider: str
    token: str
    state: TokenState
    expires: Time | None
    expires_in_seconds: int | None
    refreshable: bool
    scopes: list[str] | None
    scopes_missing: list[str] | None
    last_refresh: Time | None
    failures: Natural
    reason: str | None
    next_attempt: Time | None


class TokensAnswer(AnswerPart, kw_only=True):
    """A page of tokens, those that need a person first."""

    total: Natural
    counts: dict[str, Natural]
    offset: Natural
    tokens: list[TokenRow]


class RefreshBody(msgspec.Struct, forbid_unknown_fields=True, rename={"every": "all"}, kw_only=True):
    """Which tokens: by integration, tenant and expiry, or all; many become a job."""

    integration: str = ""
    tenant: str = ""
    expiring: str = ""
    every: bool = False
    background: bool = False


class RefreshAnswer(AnswerPart, kw_only=True):
    """What became of a few refreshes; `status` of a row is the result in one word."""

    tokens: list[dict[str, Any]]
    summary: dict[str, Natural]


class RefreshJob(RefreshAnswer, kw_only=True):
    """How far a job of many refreshes is."""

    id: str
    state: Literal["running", "done"]
    total: Natural
    done: Natural
    started: Time
    finished: Time | None


CONTRACTS = {
    ("GET", "/api/v1/tokens"): Contract(
        {200: TokensAnswer},
        (
            *(INTEGRATION, TENANT, choice("state", TokenState, "Tokens of one state."), EXPIRING),
            *(number("limit", "Rows of a page at most, or of an export.", 500, 100_000_000), OFFSET, FORMAT),
        ),
        media=TABULAR,
        errors=(404,),
        examples=(CallExample("What expires within three days", query={"expiring": "72h"}),),
    ),
    ("POST", "/api/v1/tokens/refresh"): Contract(
        {200: RefreshAnswer, 202: RefreshJob},
        body=RefreshBody,
        errors=(404,),
        examples=(
            CallExample("What expires today", body={"expiring": "24h"}),
            CallExample("All in a job", 202, body={"all": True, "background": True}, keeps={"tokens": "id"}),
            CallExample("Nothing is chosen", 400, body={}),
        ),
    ),
    ("GET", "/api/v1/tokens/refresh/{id}"): Contract(
        {200: RefreshJob}, errors=(404,), examples=(CallExample("The job", path={"id": "{tokens}"}),)
    ),
}
