"""Will the credential last? Tokens that a person has to renew in time, and those that we renew."""

from exporter.alerts.availability import DOWN, TARGET_FAILING
from exporter.alerts.cases import tokens as cases
from exporter.core.alert import Alert, Runbook
from exporter.core.common_metrics import TOKEN_EXPIRY, TOKEN_REFRESH_FAILURES, TOKEN_REFRESHABLE, TOKEN_STATE
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

TOKEN = "integration, provider, tenant, token"  # noqa: S105 - names of labels
DAY = 86_400.0

TOKEN_LIFE = ThresholdFamily(
    "token_expiry_seconds",
    "Remaining life of a token that we cannot renew below which it counts as expiring; 0 is expired.",
    {Severity.MEDIUM: 7 * DAY, Severity.HIGH: DAY, Severity.CRITICAL: 0},
    rising=False,
    unit="seconds",
)

TOKEN_EXPIRING = Alert(
    name="IntegrationTokenExpiring",
    summary="A token that has to be renewed by hand expires soon or has expired.",
    summaries={
        Severity.CRITICAL: "A token that has to be renewed by hand has expired.",
        Severity.HIGH: "A token that has to be renewed by hand expires soon.",
        Severity.MEDIUM: "A token that has to be renewed by hand expires before long.",
    },
    description=(
        "The {{ $labels.token }} token of {{ $labels.integration }} ({{ $labels.provider }})"
        "{{ if $labels.tenant }} for tenant {{ $labels.tenant }}{{ end }} "
        "{{ if lt $value 0.0 }}has expired{{ else }}expires in {{ $value | humanizeDuration }}{{ end }}."
    ),
    by=("integration", "provider", "tenant", "token"),
    # A token that we renew lives for an hour at times: its remaining life says nothing.
    observed=(
        f"max by ({TOKEN}) (last_over_time({TOKEN_EXPIRY}[$lookback])) - time()\n"
        f"and on ({TOKEN}) (max by ({TOKEN}) (last_over_time({TOKEN_REFRESHABLE}[$lookback])) == 0)"
    ),
    op="<",
    family=TOKEN_LIFE,
    subject="tokens",
    every="2m",
    cases=cases.TOKEN_EXPIRING,
    runbook=Runbook(
        meaning=(
            "The vendor says that the token expires within the time that `token_expiry_seconds` says: "
            "medium and high before, critical after it expired. The exporter cannot renew it: "
            "`integration_token_refreshable` is 0. The label `token` is `access` for the token itself and "
            "`data_access` for the time during which it may read its user's data."
        ),
        impact=(
            "Once it has expired every call with the token is refused, of the exporter and of the platform "
            "alike. Most vendors can only extend a token that is still valid; after that its owner has to "
            "sign in again."
        ),
        diagnosis=(
            "1. Whose token is it: a person's, who must sign in, or a system's, which an administrator makes "
            "again?\n"
            "2. One tenant or all of an integration? All at once share one token or were connected on one "
            "day.\n"
            "3. Does the platform renew it and only our copy is old? Compare where both read it from."
        ),
        mitigation=(
            "Renew the token before it expires and put it where the configuration reads it; secret files are "
            "read again when they change. For a tenant's own token, ask the tenant to connect again. Prefer "
            "a kind of token that does not expire where the vendor has one. The alert resolves with the "
            "next inspection, within an hour."
        ),
    ),
)

REFRESH_FAILURES = ThresholdFamily(
    "token_refresh_failures",
    "Refreshes of a token that failed in a row from which on it counts as failing.",
    {Severity.HIGH: 3},
    minimum=1,
)

TOKEN_REFRESH_FAILING = Alert(
    name="IntegrationTokenRefreshFailing",
    summary="A token cannot be refreshed.",
    description=(
        "The last {{ $value }} refreshes of the {{ $labels.token }} token of {{ $labels.integration }} "
        "({{ $labels.provider }}){{ if $labels.tenant }} for tenant {{ $labels.tenant }}{{ end }} failed."
    ),
    by=("integration", "provider", "tenant", "token"),
    # Of replicas the best one counts: they share the token, or each has one that serves.
    observed=f"min by ({TOKEN}) (last_over_time({TOKEN_REFRESH_FAILURES}[$lookback]))",
    op=">=",
    family=REFRESH_FAILURES,
    cases=cases.TOKEN_REFRESH_FAILING,
    runbook=Runbook(
        meaning=(
            "The exporter asked for a new token as often in a row as `token_refresh_failures` says (3), each "
            "time after a longer wait, and got none. `integration_token_refresh_failure_info` names the "
            "reason. "
            "The remaining life of the old token plays no part."
        ),
        impact=(
            "The old token still serves until it expires, if it has not yet; "
            "`integration_token_expiry_timestamp_seconds` says when. After that every call is refused."
        ),
        diagnosis=(
            "1. The reason: `auth` is a wrong client id or secret, or a code of the vendor's own, which the "
            "log names, `account` a client or user that the vendor disabled, `permission` a client or scope "
            "that is not allowed, `store` our own store or the database of `tokens.sql`, `timeout`, "
            "`connect`, `dns`, `tls` and `vendor_error` the way to the token endpoint or the endpoint "
            "itself.\n"
            "2. One tenant, or all of an integration? All share the client and the endpoint.\n"
            "3. `integration-exporter tokens log --integration NAME` lists every attempt."
        ),
        mitigation=(
            "Fix what the reason says; a changed client secret is tried at once after a reload. Else "
            "`integration-exporter tokens refresh --integration NAME` tries again without waiting."
        ),
    ),
)

TOKEN_REFUSED = Alert(
    name="IntegrationTokenRefused",
    summary="A vendor took back the grant that tokens are refreshed with.",
    description=(
        "The vendor no longer accepts the {{ $labels.token }} token of {{ $labels.integration }} "
        "({{ $labels.provider }}){{ if $labels.tenant }} for tenant {{ $labels.tenant }}{{ end }}; "
        "its owner has to connect again."
    ),
    by=("integration", "provider", "tenant", "token"),
    # The state is a label: a longer look-back would hold the old state after the token has a new one.
    expr=f'max by ({TOKEN}) (last_over_time({TOKEN_STATE}{{state="refused"}}[2m])) == 1',
    severities=(Severity.HIGH,),
    keep_firing="5m",
    explains=(TOKEN_REFRESH_FAILING.name, TARGET_FAILING.name),
    cases=cases.TOKEN_REFUSED,
    runbook=Runbook(
        meaning=(
            "The token endpoint answered `invalid_grant` or what the vendor says in its place, such as "
            "`bad_refresh_token` or `interaction_required`: the owner took the grant back, changed the "
            "password, did not use it for months, has to give a second factor, or the refresh token was used "
            "twice. The log names the code. The exporter asks no more by itself."
        ),
        impact=(
            "The access token that is there serves until it expires, then the integration of the tenant is "
            "cut off, "
            "for the platform as well if it shares the grant."
        ),
        diagnosis=(
            "1. One tenant: its owner disconnected the platform, or an administrator restricted it. Many "
            "at once: "
            "the client was changed or removed at the vendor, or Google's consent screen is in testing, "
            "where "
            "grants expire after seven days.\n"
            "2. With a refresh token that rotates: does somebody else refresh with the same one? Let one of "
            "them do it, or let both use `tokens.source: sql`.\n"
            "3. `integration-exporter tokens log --tenant ID` says when it was refused first."
        ),
        mitigation=(
            "Ask the tenant to connect again and put the new token where the configuration reads it: another "
            "token is tried at once, and a row of `tokens.sql` within five minutes. "
            "`integration-exporter tokens refresh --tenant ID` tries the old one once more."
        ),
    ),
)

TOKEN_EXPIRED = Alert(
    name="IntegrationTokenExpired",
    summary="A token that the exporter renews has expired.",
    description=(
        "The {{ $labels.token }} token of {{ $labels.integration }} ({{ $labels.provider }})"
        "{{ if $labels.tenant }} for tenant {{ $labels.tenant }}{{ end }} expired "
        "{{ $value | humanizeDuration }} ago and was not renewed."
    ),
    by=("integration", "provider", "tenant", "token"),
    # Of replicas the newest token counts. The look-back is not longer than the hold: a token that an exporter
    # showed before it stopped expires while it is away, and is renewed when it comes back.
    expr=(
        f"time() - max by ({TOKEN}) (last_over_time({TOKEN_EXPIRY}[2m])) > 0"
        f" and on ({TOKEN}) max by ({TOKEN}) (last_over_time({TOKEN_REFRESHABLE}[2m])) == 1"
    ),
    severities=(Severity.CRITICAL,),
    hold="2m",
    keep_firing="5m",
    explains=(TOKEN_REFUSED.name, TOKEN_REFRESH_FAILING.name, TARGET_FAILING.name, DOWN.name),
    cases=cases.TOKEN_EXPIRED,
    runbook=Runbook(
        meaning=(
            "For two minutes a token has been expired that the exporter should have renewed before. "
            "Tokens that nobody renews have an alert of their own, IntegrationTokenExpiring."
        ),
        impact="Every call with the token is refused. The integration of the tenant does not work.",
        diagnosis=(
            "1. `integration_token_refresh_failure_info` says why it was not renewed; "
            "IntegrationTokenRefreshFailing says what each reason means.\n"
            "2. Without a failure: is the exporter's clock right, and does its log say that it is too busy?"
        ),
        mitigation=(
            "As for IntegrationTokenRefreshFailing. For Meta an expired token is final: its owner has to "
            "sign in "
            "again."
        ),
    ),
)

TOKEN_LIFE_IMPLAUSIBLE = Alert(
    name="IntegrationTokenLifeImplausible",
    summary="The life of a token that the exporter renews is none or too short.",
    description=(
        "The {{ $labels.token }} token of {{ $labels.integration }} ({{ $labels.provider }})"
        "{{ if $labels.tenant }} for tenant {{ $labels.tenant }}{{ end }} came with an expiry that is no "
        "time, or with a life of less than half a minute; it cannot be renewed in time."
    ),
    by=("integration", "provider", "tenant", "token"),
    expr=f'max by ({TOKEN}) (last_over_time({TOKEN_STATE}{{state="implausible"}}[2m])) == 1',
    severities=(Severity.LOW,),
    hold="15m",
    keep_firing="5m",
    cases=cases.TOKEN_LIFE_IMPLAUSIBLE,
    runbook=Runbook(
        meaning=(
            "For a quarter of an hour a token has been in the state `implausible`: the token endpoint grants "
            "a life (`expires_in`) below 30 seconds, of 0, above ten years or that is no number, or "
            "`expires_at` of `tokens.sql` is no time."
        ),
        impact=(
            "The exporter cannot renew the token before it expires. It uses the token until the vendor "
            "refuses it, or for an hour, and asks for another one seldom: at most every 30 seconds, and less "
            "often while lives stay short. Probes may fail with `auth` in between, and so may the platform."
        ),
        diagnosis=(
            "1. `integration-exporter tokens list --state implausible` names the tokens; the log has one "
            "line for each credential.\n"
            "2. One integration: its token endpoint. Read `expires_in` of an answer. Some servers mean "
            "`never` by 0, some write milliseconds or a date.\n"
            "3. With `tokens.sql`: what does `expires_at` of the row hold?"
        ),
        mitigation=(
            "Let the endpoint grant seconds, five minutes or more, or leave `expires_in` out where tokens do "
            "not expire. Correct the column of `tokens.sql`. Where the vendor cannot change it and probes "
            "succeed, silence the alert for the integration."
        ),
    ),
)

TOKENS = (TOKEN_EXPIRING, TOKEN_REFRESH_FAILING, TOKEN_REFUSED, TOKEN_EXPIRED, TOKEN_LIFE_IMPLAUSIBLE)
