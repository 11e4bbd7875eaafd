"""Does Resend take our calls, how many e-mails are left, and do the domains and webhooks still work?

Permission: any API key may read the usage. A key with full access may also read domains, webhook endpoints
and deliveries. A key that may only send is a good one: the probe stays connected, what depends on the rest
is absent and `integration_resend_permission_missing` says so. `integration_resend_reading_refused` says
where Resend left a reading without an answer, for whatever cause.

Cost: nothing but the rate limit, 5 calls a second for a team unless agreed otherwise; Resend documents no
allowance over a month. Calls in 30 days at the default interval of five minutes, with one page per list:

    usage     each run     8,640        webhook endpoints    1 h    720
    domains   15 min       2,880        deliveries           1 h    720

which makes 12,960. Where the call for the usage does not exist (it came in October 2026), each run asks for
the domains in its place, which is one more call.

Not verified: whether a refusal for an empty quota says when to come back.
"""

from collections.abc import Iterable

from exporter.core.errors import ProbeError
from exporter.core.metric import Sample
from exporter.core.probe import Kit, Probe, Target
from exporter.core.reason import Reason
from exporter.probes._readings import FurtherReadings, keep_dated
from exporter.probes._vendor_reading import vendor_calls_a_month
from exporter.probes.resend.alerts import ALERTS
from exporter.probes.resend.api import USAGE, Api, ResendOptions, RestrictedError
from exporter.probes.resend.metrics import METRICS, PERMISSION_MISSING, READING_REFUSED
from exporter.probes.resend.panels import PANELS
from exporter.probes.resend.readings import (
    READINGS,
    header_quotas,
    rate_samples,
    usage_samples,
)

INTERVAL = 300.0


async def check(target: Target, kit: Kit) -> Iterable[Sample]:
    """Ask for the usage, and for each expensive reading whose time has come."""
    api = Api(target.options, kit)
    samples, missing = await _usage(api)
    # An account that is blocked meanwhile must not take what is known of the quotas.
    samples = keep_dated([*samples, *rate_samples(api.headers, kit.now())], kit)
    further = FurtherReadings(kit, READING_REFUSED, PERMISSION_MISSING)
    # The usage is not a further reading, but its permission is reported with theirs.
    further.lacking |= missing
    for reading in READINGS:
        kept = await reading.read(api, api.options, further)
        samples += reading.samples(kept) if kept else ()
    return [*samples, *further.samples()]


async def _usage(api: Api) -> tuple[list[Sample], dict[str, bool]]:
    """Return the samples of the usage, and whether the key may read it."""
    try:
        return list(usage_samples(await api.get(USAGE))), {"usage": False}
    except RestrictedError as error:
        api.kit.log(error.detail)
        return [], {"usage": True}
    except ProbeError as error:
        if error.reason is not Reason.NOT_FOUND:
            raise
        api.kit.log(error.detail)
    return await _without_usage(api)


async def _without_usage(api: Api) -> tuple[list[Sample], dict[str, bool]]:
    """Try the key on the domains; that it may not read them shows that it is a good one."""
    try:
        (await api.get("/domains", (("limit", "1"),))).must("data")
    except RestrictedError as error:
        api.kit.log(error.detail)
    # {}: whether the key may read a usage that is not served is unknown.
    return list(header_quotas(api.headers)), {}


def calls(options: ResendOptions, interval: float) -> float:
    """Return the reads in 30 days."""
    return vendor_calls_a_month(interval, READINGS, options)


PROBE = Probe(
    name="resend",
    title="Resend",
    options=ResendOptions,
    check=check,
    metrics=METRICS,
    alerts=ALERTS,
    panels=PANELS,
    needs=("api_key",),
    interval=INTERVAL,
    calls=calls,
    credential="api_key",
    environment={"api_key": ("RESEND_API_KEY",)},
)
