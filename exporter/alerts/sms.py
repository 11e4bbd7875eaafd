"""Do text messages reach phones? These alerts go another way: the bridge carries none of its own."""

from exporter.alerts.cases import sms as cases
from exporter.alerts.process import COMPONENT
from exporter.core import sms_metrics as m
from exporter.core.alert import Alert, Runbook
from exporter.core.severity import Severity
from exporter.core.text_message import FIRST

PLACE = ("job", "instance")
_AT = ", ".join(PLACE)
_OURS = '{job="$job"}'

SMS_FAILING = Alert(
    name="IntegrationSmsFailing",
    summary="The first account does not bring text messages to phones.",
    summaries={Severity.HIGH: "Text messages do not reach phones."},
    description=(
        "Text messages of the exporter at {{ $labels.instance }} "
        '{{ if eq $labels.severity "high" }}were given up: no account brought them to a phone'
        "{{ else }}go by the second account or by SNS, or are late: the first account fails{{ end }}."
    ),
    by=PLACE,
    exprs={
        Severity.HIGH: f"sum by ({_AT}) (increase({m.GIVEN_UP}{_OURS}[30m])) > 0",
        Severity.MEDIUM: (f'sum by ({_AT}) (increase({m.FAILED}{{job="$job",account="{FIRST}"}}[30m])) > 0'),
    },
    labels=COMPONENT,
    dashboard="integration-messages",
    cases=cases.SMS_FAILING,
    runbook=Runbook(
        meaning=(
            "High: within half an hour the exporter gave up a text message, because the number can get none, "
            "or because no account took it within four hours. Medium: the first account of Twilio refused "
            f"one, did not answer, or did not bring it to the phone. `{m.FAILED}` has `account` and "
            "`reason`."
        ),
        impact=(
            "High: whoever is paged by text message alone learns of nothing; Slack, e-mail and PagerDuty are "
            "not affected. Medium: messages arrive by another account, some of them twice."
        ),
        diagnosis=(
            "1. `integration-exporter list sms --since 1h` shows each message with account, reason and "
            "detail.\n"
            "2. `auth`, `account`, `permission`: the credential or the account; `quota`: its money or its "
            "daily limit. Twilio's console says more about the code.\n"
            "3. `not_found`: the number is wrong, no mobile one, or its owner has answered STOP.\n"
            "4. `connect`, `timeout`, `vendor_error`: `integration-exporter doctor` tries each account; is "
            "Twilio itself ill?"
        ),
        mitigation=(
            "Correct `notifications.sms` and reload: what waits goes out by itself. Messages that were given "
            "up are sent by `integration-exporter webhooks retry` with their ids, where that still makes "
            "sense. Without a `fallback` and `sns` one account is all there is: add one."
        ),
    ),
)

SMS_BACKLOG = Alert(
    name="IntegrationSmsBacklog",
    summary="Text messages wait.",
    description=(
        "The oldest text message of the exporter at {{ $labels.instance }} has waited for "
        "{{ $value | humanizeDuration }}."
    ),
    by=PLACE,
    # Gated by the count: without one that waits the time is 0, and its age is that of the world.
    expr=(
        f"time() - max by ({_AT}) (last_over_time({m.OLDEST}{_OURS}[5m]))\n"
        f"  > 300\n"
        f"and on ({_AT})\n"
        f"  min by ({_AT}) (last_over_time({m.BACKLOG}{_OURS}[5m])) > 0"
    ),
    severities=(Severity.HIGH,),
    keep_firing="5m",
    labels=COMPONENT,
    dashboard="integration-messages",
    cases=cases.SMS_BACKLOG,
    runbook=Runbook(
        meaning="A text message was accepted more than five minutes ago, and no account has taken it yet.",
        impact="Whoever is paged by text message learns of it late. After four hours it is given up.",
        diagnosis=(
            "1. `integration-exporter list sms --since 1h` and `integration-exporter list deliveries` show "
            "what the last attempt failed with.\n"
            "2. Is `notifications.sms.twilio` still configured? Without it what waits stays.\n"
            "3. IntegrationStoreFailing: the outcome of an attempt cannot be written."
        ),
        mitigation=(
            "Correct the account, or add `fallback` or `sns`, and reload. `integration-exporter webhooks "
            "retry` sends at once what would wait for its next attempt."
        ),
    ),
)

TEXT_MESSAGES = (SMS_FAILING, SMS_BACKLOG)
