"""Does somebody try passwords?"""

from exporter.core.alert import Alert, Runbook
from exporter.core.metric import Scope
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.events import _auth_cases as cases
from exporter.events import _auth_series as m
from exporter.events._shares import increase, record

DASHBOARD = "integration-security"

FAILED_SIGN_INS = ThresholdFamily(
    "failed_sign_ins_per_minute",
    "Sign-ins of a tenant's users that fail, in a minute on average of five, above which they are too many.",
    {Severity.MEDIUM: 10, Severity.HIGH: 50},
    scope=Scope.TENANT,
)

_BY = ("tenant",)
FAILURES_5M = record(m.FAILURES, _BY, "increase5m")

SIGN_INS_FAIL = Alert(
    name="IntegrationSignInsFailing",
    summary="Many sign-ins fail.",
    description=(
        "{{ $value | humanize }} sign-ins in a minute fail"
        "{{ if $labels.tenant }} at tenant {{ $labels.tenant }}{{ end }}."
    ),
    observed=f"{FAILURES_5M} / 5",
    records={FAILURES_5M: increase(m.FAILURES, _BY, "5m")},
    by=_BY,
    family=FAILED_SIGN_INS,
    keep_firing="5m",
    dashboard=DASHBOARD,
    cases=cases.SIGN_INS_FAIL,
    runbook=Runbook(
        meaning=(
            "More sign-ins of a tenant's users failed within five minutes than "
            "`failed_sign_ins_per_minute` allows (10 a minute: medium, 50: high)."
        ),
        impact=(
            "Somebody tries passwords, and finds accounts whose password is used elsewhere too. Or nobody "
            "can sign in, because the way to sign in is broken."
        ),
        diagnosis=(
            "1. Do sign-ins still succeed? Compare `integration_sign_ins_total` with "
            "`integration_sign_in_failures_total` by `method`. If none does, the way to sign in is broken.\n"
            "2. `integration-exporter list sign-ins` shows addresses, countries and reasons. Many accounts "
            "from few addresses is credential stuffing; one account from many is somebody's account.\n"
            "3. Did any of these addresses succeed? Those accounts are taken."
        ),
        mitigation=(
            "Block the addresses, limit the rate of sign-ins, ask for a second factor; end the sessions of "
            "accounts that were taken and reset their passwords. For a broken way to sign in roll back, or "
            "follow the identity provider's status page."
        ),
    ),
)

ALERTS = (SIGN_INS_FAIL,)
