"""Will the credential last? Tokens that somebody has to renew before they expire."""

from exporter.core.alert import Alert, Runbook
from exporter.core.severity import Severity
from exporter.core.threshold import Family
from exporter.core.vital_cases import tokens as cases
from exporter.core.vitals import TOKEN_EXPIRY, TOKEN_REFRESHABLE

TOKEN = "integration, provider, tenant, token"  # noqa: S105 - names of labels
DAY = 86_400.0

TOKEN_LIFE = Family(
    "token_expiry_seconds",
    "Remaining life of a token that we cannot renew below which it counts as expiring; 0 is expired.",
    {Severity.MEDIUM: 7 * DAY, Severity.HIGH: DAY, Severity.CRITICAL: 0},
    rising=False,
    unit="seconds",
)

EXPIRY = f"integration_provider_tenant_token:{TOKEN_EXPIRY}:max"
REFRESHABLE = f"integration_provider_tenant_token:{TOKEN_REFRESHABLE}:max"

TOKEN_EXPIRING = Alert(
    name="IntegrationTokenExpiring",
    summary="A token that has to be renewed by hand expires soon or has expired.",
    description=(
        "The {{ $labels.token }} token of {{ $labels.integration }} ({{ $labels.provider }})"
        "{{ if $labels.tenant }} for tenant {{ $labels.tenant }}{{ end }} "
        "{{ if lt $value 0.0 }}has expired{{ else }}expires in {{ $value | humanizeDuration }}{{ end }}."
    ),
    by=("integration", "provider", "tenant", "token"),
    # A token that we renew lives for an hour at times: its remaining life says nothing.
    observed=f"{EXPIRY} - time() and on ({TOKEN}) ({REFRESHABLE} == 0)",
    op="<",
    family=TOKEN_LIFE,
    records={
        EXPIRY: f"max by ({TOKEN}) (last_over_time({TOKEN_EXPIRY}[$lookback]))",
        REFRESHABLE: f"max by ({TOKEN}) (last_over_time({TOKEN_REFRESHABLE}[$lookback]))",
    },
    cases=cases.TOKEN_EXPIRING,
    runbook=Runbook(
        meaning=(
            "The vendor says that the token ends within the time that `token_expiry_seconds` says: medium "
            "and high before its end, critical after it. The exporter cannot renew it: "
            "`integration_token_refreshable` is 0. The label `token` is `access` for the token itself and "
            "`data_access` for the time during which it may read its user's data."
        ),
        impact=(
            "From its end on every call with the token is refused, of the exporter and of the platform "
            "alike. Most vendors can only extend a token that is still valid; after that its owner has to "
            "sign in again."
        ),
        diagnosis=(
            "1. Whose token is it: a person's, who must sign in, or a system's, which an administrator makes "
            "anew?\n"
            "2. One tenant or all of an integration? All at once share one token or were connected on one "
            "day.\n"
            "3. Does the platform renew it and only our copy is old? Compare where both read it from."
        ),
        mitigation=(
            "Renew the token before it ends and put it where the configuration reads it; secret files are "
            "read again when they change. For a tenant's own token, ask the tenant to connect again. Prefer "
            "a kind of token that does not expire where the vendor has one. The alert resolves with the "
            "next inspection, within an hour."
        ),
    ),
)

TOKENS = (TOKEN_EXPIRING,)
