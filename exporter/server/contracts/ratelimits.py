"""Rate limits: questions of apps, blocks, and figures."""

from msgspec import UNSET, UnsetType

from exporter.core.defaults import RATE_LIMIT_WINDOWS
from exporter.server.contracts._contract import (
    FORMAT,
    LIMIT,
    OFFSET,
    TABULAR,
    TENANT,
    AnswerPart,
    CallExample,
    Contract,
    DurationSeconds,
    Natural,
    QueryParameter,
    Ratio,
    Time,
    choice,
    number,
)
from exporter.server.handlers.ratelimits import BlockBody, LimitCheck, LimitCheckBatch


class DecisionAnswer(AnswerPart, kw_only=True):
    """Whether somebody may; `reset` and `retry_after` are seconds."""

    allowed: bool
    remaining: int | None
    reset: DurationSeconds
    retry_after: Natural | None
    limit: Natural
    reason: str | None


class DecisionsAnswer(AnswerPart, kw_only=True):
    """One decision for each question."""

    results: list[DecisionAnswer]


class BlockRow(AnswerPart, kw_only=True):
    """Who is blocked, by which policy, and until when; null: until somebody unblocks."""

    id: str
    policy: str
    by: str | None
    identifier: str
    tenant: str
    at: Time
    until: Time | None
    actor: str
    reason: str


class NewBlock(BlockRow, kw_only=True):
    """A block that was made, and the one that held before it, whose place it takes."""

    replaced: BlockRow | None


class BlocksAnswer(AnswerPart, kw_only=True):
    """A page of blocks, the newest first."""

    blocks: list[BlockRow]
    total: Natural
    next_offset: Natural | None


class LimitCounts(AnswerPart, kw_only=True):
    """Requests that were allowed and blocked; `unjudged` ones found no storage."""

    requests: Natural
    allowed: Natural
    blocked: Natural
    unjudged: Natural
    block_ratio: Ratio | None


class LimitRow(LimitCounts, kw_only=True):
    """An endpoint, a kind of identifier, a policy or a tenant."""

    scope: str | UnsetType = UNSET
    endpoint: str | UnsetType = UNSET
    by: str | UnsetType = UNSET
    policy: str | UnsetType = UNSET
    tenant: str | UnsetType = UNSET


class LimitSummaryAnswer(AnswerPart, kw_only=True):
    """How much rate limits allow and block."""

    window: str
    since: Time
    until: Time
    windows: dict[str, LimitCounts]
    endpoints: list[LimitRow]
    identifiers: list[LimitRow]
    policies: list[LimitRow]
    tenants: list[LimitRow]
    blocked_now: Natural


_ADA = {"policy": "api", "identifier": "203.0.113.7"}
_BLOCK = _ADA | {"reason": "It guesses passwords.", "for": "1h"}

CONTRACTS = {
    ("POST", "/api/v1/ratelimits/check"): Contract(
        {200: (DecisionAnswer, DecisionsAnswer)},
        body=(LimitCheck, LimitCheckBatch),
        errors=(413,),
        examples=(
            CallExample("One question", body=_ADA),
            CallExample("Several at once", body={"checks": [_ADA, _ADA | {"cost": 0}]}),
            CallExample("A policy that there is not", 400, body=_ADA | {"policy": "none"}),
        ),
    ),
    ("POST", "/api/v1/ratelimits/blocks"): Contract(
        {201: NewBlock},
        body=BlockBody,
        examples=(
            CallExample("For an hour", 201, body=_BLOCK),
            CallExample("Once more, in the place of that", 201, body=_BLOCK | {"for": "2h"}),
        ),
    ),
    ("GET", "/api/v1/ratelimits/blocks"): Contract(
        {200: BlocksAnswer},
        (
            QueryParameter("policy", "Blocks by one policy."),
            QueryParameter("identifier", "Blocks of one identifier."),
            *(TENANT, LIMIT, OFFSET, FORMAT),
        ),
        media=TABULAR,
        examples=(CallExample("Who is blocked"),),
    ),
    ("DELETE", "/api/v1/ratelimits/blocks"): Contract(
        {204: None},
        body=BlockBody,
        errors=(404,),
        examples=(
            CallExample("Unblock", 204, body=_ADA | {"reason": "It was the office."}),
            CallExample("One who is not blocked", 404, body=_ADA | {"reason": "again"}),
        ),
    ),
    ("GET", "/api/v1/rate-limit-summary"): Contract(
        {200: LimitSummaryAnswer},
        (
            choice("window", RATE_LIMIT_WINDOWS, "How long, up to now, rows are about.", "24h"),
            *(TENANT, number("limit", "Rows of each part.", 100, 1000)),
        ),
        examples=(CallExample("The last hour", query={"window": "1h"}),),
    ),
}
