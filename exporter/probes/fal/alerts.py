"""When an operator must look after a fal account; costs and money have alerts that all providers share."""

from exporter.alerts.cases.series import series, target
from exporter.core.alert import BY, WHO, Alert, Case, Runbook
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.probes.fal import metrics as m

ERRORS = ThresholdFamily(
    "fal_error_ratio",
    "Share of an hour's requests to fal that failed by its fault, above which they count as too many.",
    {Severity.HIGH: 0.10},
    unit="ratio",
    maximum=1.0,
)
LEAST_REQUESTS = 50
"""Requests of the hour below which a share says nothing."""


def _last(outcome: str) -> str:
    return f'last_over_time({m.REQUESTS}{{period="hour",outcome="{outcome}"}}[$lookback])'


# Requests that were wrong in themselves are left out of both parts: they say nothing of fal.
_SERVED = f"({_last('succeeded')} + ignoring (outcome) {_last('failed')})"


def _of(outcome: str) -> str:
    return series(m.REQUESTS, "pictures", "fal", period="hour", outcome=outcome)


def _hour(succeeded: str, failed: str, wrong: str = "0x60") -> dict[str, str]:
    return {_of("succeeded"): succeeded, _of("failed"): failed, _of("user_error"): wrong}


_HIGH = ({**target("pictures", "fal"), "severity": "high"},)

ERROR_RATIO_HIGH = Alert(
    name="IntegrationFalErrorRatioHigh",
    summary="Many requests to fal fail.",
    description=f"{{{{ $value | humanizePercentage }}}} of the requests of {WHO} failed within an hour.",
    # The ratio is formed within one replica: two replicas look at windows that ended at different times.
    observed=f"max by ({BY}) ({_last('failed')} / ignoring (outcome) ({_SERVED} >= {LEAST_REQUESTS}))",
    family=ERRORS,
    dashboard="integration-fal",
    cases=(
        Case("fires", _hour("80x60", "20x60"), "20m", _HIGH, says="a fifth"),
        Case("quiet", _hour("100x60", "2x60"), "20m"),
        Case("quiet", _hour("100x60", "2x60", "400x60"), "20m", says="wrong requests are no failures of fal"),
        Case("boundary", _hour("90x60", "10x60"), "20m", says="10 % is not above 10 %"),
        Case("boundary", _hour("40x60", "9x60"), "20m", says="49 requests say nothing"),
        Case("boundary", _hour("41x60", "9x60"), "20m", _HIGH, says="50 requests do"),
        Case("missing", {_of("failed"): "60x60"}, "20m", says="how many succeeded is unknown"),
        Case("missing", _hour("0x60", "0x60"), "20m", says="nothing was asked for, so there is no share"),
    ),
    runbook=Runbook(
        meaning=(
            "The share of the last hour's requests that failed by fal's own fault (not for a wrong request) "
            f"is above the threshold `fal_error_ratio`, and at least {LEAST_REQUESTS} were served. It is "
            "read every 15 minutes and needs a key of the scope ADMIN."
        ),
        impact="Customers wait for pictures or videos that do not come. fal does not bill such requests.",
        diagnosis=(
            "1. One model or all? See the requests of each model on fal's own pages.\n"
            "2. `startup_timeout` and `runner_` errors point to a model that gets no machines.\n"
            "3. Does fal's status page tell of an incident?"
        ),
        mitigation=(
            "Let the application try again later, or switch to another model. Follow fal's status page; "
            "for a single model, write to their support with the ids of some requests."
        ),
    ),
)

ALERTS = (ERROR_RATIO_HIGH,)
