"""When an operator must look after a Twilio account. Its money is watched with that of all vendors."""

from exporter.core.alert import BY, WHO, Alert, Runbook
from exporter.core.metric import Metric
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.probes.twilio import cases
from exporter.probes.twilio import metrics as m

_CHANNEL = f"{BY}, channel"

DELIVERY = ThresholdFamily(
    "message_delivery_ratio",
    "Share of the messages with a final outcome that were delivered, below which delivery counts as failing.",
    {Severity.MEDIUM: 0.90, Severity.HIGH: 0.80},
    rising=False,
    unit="ratio",
    maximum=1.0,
)
WEBHOOKS = ThresholdFamily(
    "twilio_webhook_failures",
    "Requests to our webhooks that failed within an hour, from which they count as failing.",
    {Severity.MEDIUM: 1, Severity.HIGH: 20},
    minimum=1,
)
LEAST_MESSAGES = 20
"""Messages with a final outcome in the window below which a share says nothing."""


def _last(metric: Metric, matchers: str = "") -> str:
    return f"last_over_time({metric}{matchers}[$lookback])"


def _worst(metric: Metric, matchers: str = "") -> str:
    return f"max by ({BY}) ({_last(metric, matchers)})"


ACCOUNT_INACTIVE = Alert(
    name="IntegrationTwilioAccountInactive",
    summary="Twilio has suspended or closed an account.",
    description=f"{WHO} sends nothing: Twilio says that the account is not active.",
    expr=f"{_worst(m.INACTIVE)} == 1",
    severities=(Severity.CRITICAL,),
    dashboard="integration-twilio",
    cases=cases.ACCOUNT_INACTIVE,
    runbook=Runbook(
        meaning=(
            "The account's state is suspended or closed, or Twilio refused a call because the account is not "
            "active. It stays known while the probe fails, and resolves with the next probe that is served."
        ),
        impact="No message is sent or received and no webhook called until Twilio opens the account again.",
        diagnosis=(
            "1. The console and the owner's mailbox tell why: unpaid, no money left, a broken rule.\n"
            "2. Is it a sub-account? Then its parent may be the one that is suspended, or may have "
            "suspended it by API.\n"
            "3. `integration_prepaid_balance` before it happened: was the money used up?"
        ),
        mitigation=(
            "Pay, or answer Twilio's compliance team, through the account's owner. Tell the tenants, and "
            "send what is urgent by another channel meanwhile."
        ),
    ),
)


def _outcome(outcome: str) -> str:
    return _last(m.MESSAGES, f'{{outcome="{outcome}"}}')


_FINAL = (
    f"({_outcome('delivered')} + ignoring (outcome) {_outcome('undelivered')}"
    f" + ignoring (outcome) {_outcome('failed')})"
)
# Formed within one replica and channel: two replicas look through windows that ended at different times.
RATIO = f"integration_provider_tenant_channel:{m.MESSAGES}:delivery_ratio"
VOLUME = f"integration_provider_tenant_channel:{m.MESSAGES}:final"

DELIVERY_LOW = Alert(
    name="IntegrationTwilioDeliveryLow",
    summary="Messages sent by Twilio do not arrive.",
    description=f"Only {{{{ $value | humanizePercentage }}}} of the messages of {WHO} are delivered.",
    # The worst channel counts.
    observed=f"min by ({BY}) ({RATIO} and on ({_CHANNEL}) ({VOLUME} >= {LEAST_MESSAGES}))",
    op="<",
    family=DELIVERY,
    records={
        RATIO: f"max by ({_CHANNEL}) (\n  {_outcome('delivered')}\n/ ignoring (outcome)\n  {_FINAL}\n)",
        VOLUME: f"max by ({_CHANNEL}) {_FINAL}",
    },
    dashboard="integration-twilio",
    cases=cases.DELIVERY_LOW,
    runbook=Runbook(
        meaning=(
            "Of the outgoing messages of one channel (SMS or WhatsApp) that have come to an end, the share "
            "that was delivered is below the threshold `message_delivery_ratio`. The window is an hour "
            f"unless `window_minutes` says otherwise; at least {LEAST_MESSAGES} messages are needed. "
            "Messages that are sent and not yet confirmed do not count."
        ),
        impact="Customers do not get codes, reminders or receipts.",
        diagnosis=(
            "1. `integration_twilio_message_failures_window` names the family of the errors. `account`, "
            "`limit`, `sender` and `registration` lie with the account; `carrier` with filtering; "
            "`recipient` with the numbers; `template` with texts outside WhatsApp's 24 hours.\n"
            "2. One country or carrier? See the messaging insights in Twilio's console.\n"
            "3. Did the texts, the sender or the list of recipients change?"
        ),
        mitigation=(
            "Register the sender or campaign, raise the limit, or slow down, as the family says. Take "
            "numbers that cannot be reached off the list. Use approved templates on WhatsApp."
        ),
    ),
)

WEBHOOKS_FAILING = Alert(
    name="IntegrationTwilioWebhooksFailing",
    summary="Twilio cannot reach our webhooks.",
    description=f"Requests of {WHO} to our webhooks that failed within an hour: {{{{ $value }}}}.",
    observed=f"max by ({BY}) (sum without (code) ({_last(m.WEBHOOK_FAILURES)}))",
    op=">=",
    family=WEBHOOKS,
    dashboard="integration-twilio",
    cases=cases.WEBHOOKS_FAILING,
    runbook=Runbook(
        meaning=(
            "Twilio's Monitor lists errors of the group 112xx (or a bad callback URL) in the last hour, as "
            "many as `twilio_webhook_failures` says. It is looked at every ten minutes. Successes are not "
            "listed there, so this is a count and not a share."
        ),
        impact=(
            "Twilio tries for 15 seconds and then the fallback URL; after that the event is lost. Incoming "
            "messages and delivery receipts are missing."
        ),
        diagnosis=(
            "1. `integration_twilio_webhook_failures_window` names the code: 11200 and 11205 no connection, "
            "11210 the host name, 11215 redirects, 11217 an answer of 4xx or 5xx.\n"
            "2. The Error Logs of the console name the URL and show what was answered.\n"
            "3. Does the URL answer within 15 seconds, with a valid certificate? Was it moved?"
        ),
        mitigation=(
            "Fix the endpoint or correct its URL at the number, messaging service or sender, and set a "
            "fallback URL. Read what was missed from the list of messages; Twilio does not resend it."
        ),
    ),
)

SENDER_OFFLINE = Alert(
    name="IntegrationTwilioSenderOffline",
    summary="A WhatsApp sender is offline.",
    description=f"WhatsApp senders of {WHO} that are offline: {{{{ $value }}}}.",
    expr=_worst(m.SENDERS, '{status="offline"}') + " > 0",
    severities=(Severity.HIGH,),
    dashboard="integration-twilio",
    cases=cases.SENDER_OFFLINE,
    runbook=Runbook(
        meaning="At least one WhatsApp sender has the status `OFFLINE`. It is read every 15 minutes.",
        impact="Messages from that number are refused, and customers' messages to it do not arrive.",
        diagnosis=(
            "1. Twilio's console, Messaging, WhatsApp senders: which one, and which reason (codes 63xxx)?\n"
            "2. Meta's Business Manager: is the business account restricted, or the number banned?\n"
            "3. Did somebody move the number to another provider?"
        ),
        mitigation=(
            "Do what the reason asks for (verify the business, appeal, register the number again). A sender "
            "that is not used any more should be deleted in Twilio."
        ),
    ),
)

QUALITY_LOW = Alert(
    name="IntegrationTwilioSenderQualityLow",
    summary="Customers rate a WhatsApp sender badly.",
    description=f"WhatsApp senders of {WHO} with a low quality rating: {{{{ $value }}}}.",
    expr=_worst(m.QUALITY, '{rating="low"}') + " > 0",
    severities=(Severity.MEDIUM,),
    dashboard="integration-twilio",
    cases=cases.QUALITY_LOW,
    runbook=Runbook(
        meaning="Meta rates at least one WhatsApp sender as low, because customers blocked or reported it.",
        impact="If it stays so, Meta lowers the number of customers the sender may write to, or blocks it.",
        diagnosis=(
            "1. Which templates went out in the last days, and to whom?\n"
            "2. Did the recipients agree to them, and is there a way to stop them?"
        ),
        mitigation="Pause the templates that are not asked for, write less often, and honour every refusal.",
    ),
)

NUMBER_MISSING = Alert(
    name="IntegrationTwilioNumberMissing",
    summary="The phone number we send from is not in the Twilio account.",
    description=f"The configured phone number does not belong to the account of {WHO}.",
    expr=f"{_worst(m.NUMBER_OWNED)} == 0",
    severities=(Severity.HIGH,),
    dashboard="integration-twilio",
    cases=cases.NUMBER_MISSING,
    runbook=Runbook(
        meaning=(
            "The number of the option `phone_number` is not among the account's incoming phone numbers: it "
            "was released, moved to another account, or is written wrongly. It is looked up every six hours."
        ),
        impact="Messages from that number are refused, and replies to it go to nobody or to somebody else.",
        diagnosis="Look for the number in Twilio's console, in the parent and in the sub-accounts.",
        mitigation=(
            "Take the number back (released ones can be bought again for some days), or configure the one "
            "that is used now. Where another account owns it on purpose, leave the option empty."
        ),
    ),
)

ALERTS = (
    ACCOUNT_INACTIVE,
    DELIVERY_LOW,
    WEBHOOKS_FAILING,
    SENDER_OFFLINE,
    QUALITY_LOW,
    NUMBER_MISSING,
)
