"""Do vendors go on answering the readings that come after the call that proves an integration?"""

from collections.abc import Iterable

from exporter.alerts.cases.readings import cases
from exporter.core.alert import BY, Alert, Runbook
from exporter.core.severity import Severity

REFUSED, MISSING = "_reading_refused", ("_permission_missing", "_scope_missing")


def reading_refused(metrics: Iterable[str]) -> Alert:
    """Return the alert over the metrics `integration_<provider>_reading_refused` among the names `metrics`.

    Each provider has a metric of its own: a matcher over names would have Prometheus look through all of its
    series. What a missing permission explains is left out: a key may be narrow on purpose.
    """
    known = sorted(metrics)
    names = [name for name in known if name.endswith(REFUSED)]
    if not names:
        raise ValueError("no provider has readings that can be refused")
    return Alert(
        name="IntegrationReadingRefused",
        summary="A vendor leaves a part of our readings without an answer.",
        description=(
            "{{ $labels.integration }} ({{ $labels.provider }})"
            "{{ if $labels.tenant }} of tenant {{ $labels.tenant }}{{ end }} works, but some of its readings "
            "have had no answer for six hours: values and alerts that need them are absent or old."
        ),
        expr="\nor\n".join(_condition(name, known) for name in names),
        severities=(Severity.LOW,),
        hold="6h",
        every="4m",
        cause="probe",
        cases=cases(names[0], next((name for name in known if name in _missing(names[0])), "")),
        runbook=_RUNBOOK,
    )


def _missing(refused: str) -> tuple[str, ...]:
    return tuple(refused.removesuffix(REFUSED) + suffix for suffix in MISSING)


def _condition(refused: str, known: list[str]) -> str:
    explained = [name for name in _missing(refused) if name in known]
    return " unless ".join(_is_one(name) for name in (refused, *explained))


def _is_one(name: str) -> str:
    return f"max by ({BY}) (last_over_time({name}[$lookback])) == 1"


_RUNBOOK = Runbook(
    meaning=(
        "The call that proves the integration succeeds, but for six hours at least one further reading was "
        "refused or failed: throttled, not there, not understood, late. Readings that a missing permission "
        "explains do not count: `integration_<provider>_permission_missing` shows those."
    ),
    impact=(
        "The integration works. The metrics of that reading are absent or hold an earlier answer, so alerts "
        "on them are blind."
    ),
    diagnosis=(
        "1. `integration_<provider>_reading_refused == 1` names the reading in the label `reading`.\n"
        "2. `integration-exporter probe NAME` shows in its log what the vendor answered to it; "
        "`integration_probe_schema_drift_total` that grows means that the answer has another form than the "
        "documented one.\n"
        "3. Several providers at once point at the exporter's network, several tenants of one at the vendor."
    ),
    mitigation=(
        "Throttled: lengthen `interval` or raise the call budget with the vendor. Not there: the account "
        "lacks the product; silence the alert for it. Another form: report it. The reading is asked for "
        "again by itself, and the alert resolves with its next answer."
    ),
)
