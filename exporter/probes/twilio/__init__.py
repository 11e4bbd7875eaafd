"""Is the Twilio account open and paid, do its messages arrive, and does Twilio reach our webhooks?

Permission: the account's Auth Token or a Main API key works. A Standard key may not read the account itself;
a Restricted key needs read access to Usage, Messaging, Monitor and Phone Numbers. Where a permission is
missing, the probe stays connected, what depends on it is absent, and `integration_twilio_permission_missing`
says so; `integration_twilio_reading_refused` says where Twilio left a reading without an answer, for whatever
cause. Only one of Balance and Usage is indispensable: each run asks for the balance, and where that is
refused or, for a sub-account, not there, for today's usage as a second opinion.

Sub-accounts: a key or Auth Token of the sub-account itself may read everything. The parent's SID (`auth_sid`)
and Auth Token reach the sub-account's own resources, too (www.twilio.com/docs/iam/api/subaccounts). Monitor
and Senders have no account in their path and answer for the account that signs in: alerts count where they
name `account_sid`, senders, which name no account, are not read.

Cost: reading is free, and Twilio documents no allowance of reads, only a limit of concurrent requests whose
number it does not publish; the calls of a run are made one after another. In 30 days, at the default
interval of five minutes and with one page per list:

    balance            each run      8,640        account            1 h             720
    monitor alerts     10 min        4,320        usage, two calls   1 h           1,440
    messages           15 min        2,880        WhatsApp senders   15 min        2,880

which makes 20,880, and 21,000 with the phone number's 120 (every 6 h). A key that may not read the balance
makes one call more in each run.

Personal data: the lists hold texts, numbers and, in the account, the Auth Token. Only states, codes, times
and sums are taken from them; nothing else is kept or shown.

Not verified against the live service: whether a Standard key may read the balance; the HTTP status that comes
with the codes 10001, 20005, 20403 and 70051 (so the code decides, whatever the status); whether a suspended
account can still read its own state; the code for test credentials, 20008; whether a parent's Monitor lists
alerts of sub-accounts; whether a parent's API key reaches a sub-account (its senders would then be the
parent's). Sources: www.twilio.com/docs/api/errors, /docs/iam/api-keys, /docs/usage/api, /docs/messaging/api,
and the OpenAPI documents in github.com/twilio/twilio-oai.
"""

from collections.abc import Iterable

from exporter.core.metric import Sample
from exporter.core.probe import Kit, Probe, Target
from exporter.core.reason import Reason
from exporter.probes._readings import LACKING, FurtherReadings
from exporter.probes._vendor_reading import vendor_calls_a_month
from exporter.probes.twilio.alerts import ALERTS
from exporter.probes.twilio.api import BALANCE, USAGE_TODAY, Api, RefusedError, TwilioOptions, mistakes
from exporter.probes.twilio.explain import BALANCE_KEY, explain
from exporter.probes.twilio.metrics import (
    CONCURRENT,
    INACTIVE,
    METRICS,
    PERMISSION_MISSING,
    READING_REFUSED,
    REQUEST_DURATION,
)
from exporter.probes.twilio.panels import PANELS
from exporter.probes.twilio.readings import READINGS, balance_of, balance_samples

HIDDEN = LACKING | {Reason.NOT_FOUND}
"""What Twilio answers for a resource that a key may not see: 20003 and 20404 too, not only 70051."""


async def check(target: Target, kit: Kit) -> Iterable[Sample]:
    """Ask for the balance, and for each expensive reading whose time has come."""
    api = Api(target.options, kit)
    try:
        samples = await _readings(api)
    except RefusedError as error:
        raise await explain(api, error) from error
    # A fact: the 1 of a suspended account outlives failed runs, until one succeeds.
    kit.fact(INACTIVE(0))
    return samples


async def _readings(api: Api) -> list[Sample]:
    samples, readable = await _balance(api)
    further = FurtherReadings(api.kit, READING_REFUSED, PERMISSION_MISSING)
    further.lacking["balance"] = not readable
    for reading in READINGS:
        if reading.applies(api.options):
            kept = await reading.read(api, api.options, further, lacking=HIDDEN)
            samples += reading.samples(kept) if kept else ()
    return [*samples, *_vendor_side(api), *further.samples()]


async def _balance(api: Api) -> tuple[list[Sample], bool]:
    """Return the balance, or nothing and False where only the second opinion says that all is well."""
    try:
        balance = await api.get_resource(BALANCE)
    except RefusedError as error:
        if error.reason not in HIDDEN:
            raise
        api.kit.log(error.detail)
        await api.get_resource(USAGE_TODAY, (("Category", "totalprice"),))
        return [], False
    amount = balance_of(balance)
    api.kit.remember(BALANCE_KEY, amount)
    return list(balance_samples(balance, amount)), True


def _vendor_side(api: Api) -> Iterable[Sample]:
    if api.concurrent is not None:
        yield CONCURRENT(api.concurrent)
    if api.duration is not None:
        yield REQUEST_DURATION(api.duration)


def calls(options: TwilioOptions, interval: float) -> float:
    """Return the reads in 30 days."""
    return vendor_calls_a_month(interval, READINGS, options)


PROBE = Probe(
    name="twilio",
    title="Twilio",
    options=TwilioOptions,
    check=check,
    metrics=METRICS,
    alerts=ALERTS,
    panels=PANELS,
    needs=("account_sid", "auth_token"),
    timeout=20.0,
    calls=calls,
    credential="auth_token",
    verify=mistakes,
    environment={
        "account_sid": ("TWILIO_ACCOUNT_SID",),
        "auth_token": ("TWILIO_AUTH_TOKEN",),
        "phone_number": ("TWILIO_PHONE_NUMBER",),
    },
)
