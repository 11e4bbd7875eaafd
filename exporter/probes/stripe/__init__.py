"""Is the Stripe account there, can it take money, and do its payments and webhooks go through?

Permission: a secret key works; a restricted key with read access to Balance, Core resources' Events, Webhook
endpoints, Disputes, Radar's early fraud warnings, Payouts and Account is better (and Customers, where
`customer_id` is set). Only Balance is indispensable: where another one is missing, the probe stays connected,
what depends on it is absent and `integration_stripe_permission_missing` says so.
`integration_stripe_reading_refused` says where Stripe left another reading than the balance without an
answer, for whatever cause.

Only webhook endpoints of the v1 API are counted. Event destinations of the v2 API (thin events, Amazon
EventBridge; docs.stripe.com/event-destinations) are not in that list: one that is disabled is not seen.

Cost: Stripe allows every account at least 10,000 reads in 30 days (docs.stripe.com/rate-limits). At the
default interval of five minutes, with one page per list:

    balance            each run      8,640        payments           90 min         480
    account            4 h             180        fraud warnings     12 h            60
    webhook endpoints  4 h             180        disputes           12 h            60
    undelivered        4 h             180        payouts            12 h            60

which makes 9,840, and 9,960 with the customer's 120 (every 6 h). `calls` computes the sum from the table of
readings, so that the configuration is refused where another interval, more pages or more frequent payments
would go beyond the allowance.

Meaning of the payments: the window counts attempts to charge. Blocked ones never reached an issuer: they are
neither successes nor failures of the payment path, and are counted apart.
"""

from collections.abc import Iterable
from dataclasses import replace

from exporter.core.errors import ProbeError
from exporter.core.metric import Sample
from exporter.core.probe import Allowance, Kit, Probe, Target
from exporter.core.reason import Reason
from exporter.probes._readings import FurtherReadings, StoredAnswer, keep_dated
from exporter.probes._vendor_reading import vendor_calls_a_month
from exporter.probes.stripe.alerts import ALERTS
from exporter.probes.stripe.api import VERSION, Api, DeclinedError, StripeOptions
from exporter.probes.stripe.metrics import API_VERSION, METRICS, PERMISSION_MISSING, READING_REFUSED
from exporter.probes.stripe.panels import PANELS
from exporter.probes.stripe.readings import READINGS, StripeReading, balance_samples

INTERVAL = 300.0
EVENTS = {
    "account.updated": "account",
    "charge.failed": "payments",
    "payment_intent.payment_failed": "payments",
    "charge.dispute.*": "disputes",
    "radar.early_fraud_warning.*": "fraud_warnings",
    "payout.*": "payouts",
}
"""Webhooks that say something new of a reading (docs.stripe.com/api/events/types)."""

PUBLISHABLE = "pk_"


async def check(target: Target, kit: Kit) -> Iterable[Sample]:
    """Ask for the balance, and for each expensive reading whose time has come."""
    options: StripeOptions = target.options
    # Found before the call, whose refusal would look like that of a revoked key.
    if options.secret_key and options.secret_key.reveal().startswith(PUBLISHABLE):
        raise ProbeError(
            Reason.NOT_CONFIGURED, "secret_key is a publishable key (pk_); give a secret or restricted one"
        )
    api = Api(options, kit)
    samples = [API_VERSION(1, version=VERSION), *await _balance(api)]
    further = FurtherReadings(kit, READING_REFUSED, PERMISSION_MISSING)
    for reading in READINGS:
        if reading.applies(options):
            kept = await _read(reading, api, further)
            samples += keep_dated(reading.samples(kept), kit) if kept else ()
            for name, text in reading.details(kept).items() if kept else ():
                kit.vendor_detail(name, text)
    return [*samples, *further.samples()]


async def _balance(api: Api) -> Iterable[Sample]:
    try:
        return tuple(balance_samples(await api.get("/v1/balance")))
    except DeclinedError as error:
        api.kit.log(str(error))
        return ()


async def _read(reading: StripeReading, api: Api, further: FurtherReadings) -> StoredAnswer:
    """Return the last answer of a reading, {} where there is none."""

    async def fetch(api: Api) -> StoredAnswer:
        try:
            return await reading.fetch(api)
        except DeclinedError as error:
            api.kit.log(str(error))
            return {}

    # A declined payment is an empty answer, which is kept for the period like any other.
    return await replace(reading, fetch=fetch).read(api, api.options, further)


def calls(options: StripeOptions, interval: float) -> float:
    """Return the reads in 30 days."""
    return vendor_calls_a_month(interval, READINGS, options)


PROBE = Probe(
    name="stripe",
    title="Stripe",
    options=StripeOptions,
    check=check,
    metrics=METRICS,
    alerts=ALERTS,
    panels=PANELS,
    needs=("secret_key",),
    interval=INTERVAL,
    calls=calls,
    allowance=Allowance(10_000, "docs.stripe.com/rate-limits"),
    credential="secret_key",
    environment={"secret_key": ("STRIPE_SECRET_KEY",)},
    events=EVENTS,
)
