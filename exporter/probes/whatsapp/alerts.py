"""When an operator must look after a WhatsApp business account."""

from exporter.core.alert import BY, WHO, Alert, Runbook
from exporter.core.metric import Metric
from exporter.core.severity import Severity
from exporter.probes._meta_graph.alerts import scope_alert, version_alert
from exporter.probes.whatsapp import cases
from exporter.probes.whatsapp import metrics as m


def _last(metric: Metric, matchers: str = "") -> str:
    return f"last_over_time({metric}{matchers}[$lookback])"


def _worst(metric: Metric, matchers: str = "") -> str:
    return f"max by ({BY}) ({_last(metric, matchers)})"


def _above_zero(metric: Metric, matchers: str = "") -> str:
    # Compared before it is grouped: most accounts are well, and grouping is the expensive part.
    return f"max by ({BY}) ({_last(metric, matchers)} > 0)"


SENDING_BLOCKED = Alert(
    name="IntegrationWhatsappSendingBlocked",
    summary="Meta blocks messages of a WhatsApp business account.",
    description=f"Meta blocks messages from {WHO}.",
    expr=f"min by ({BY}) (({_last(m.PHONE_CAN_SEND)} or {_last(m.ACCOUNT_CAN_SEND)}) == 0)",
    severities=(Severity.CRITICAL,),
    dashboard="integration-whatsapp",
    cases=cases.SENDING_BLOCKED,
    runbook=Runbook(
        meaning=(
            "The health status of a number or of the account says `BLOCKED`. Numbers are read at each probe, "
            "the account every 15 minutes. `LIMITED` does not fire: it also stands for what does not concern "
            "messages, such as calls that are switched off."
        ),
        impact=(
            "Messages that the business starts are not sent; with a problem of payment, none at all. "
            "Reminders, codes and receipts do not reach the tenant's customers."
        ),
        diagnosis=(
            f"1. `{m.HEALTH_ERRORS}`: `payment` is the payment method, `verification` the business' "
            "verification, `template` a template that is not approved.\n"
            f"2. `{m.PHONE_CAN_SEND}`: one number or all of them?\n"
            "3. WhatsApp Manager shows the same error with what Meta suggests."
        ),
        mitigation=(
            "For `payment`, the account's owner adds a valid payment method in the billing settings of Meta "
            "Business Suite. For `verification`, hand in what is asked for. Send urgent messages another "
            "way (SMS, e-mail) until then."
        ),
    ),
)

NUMBER_RESTRICTED = Alert(
    name="IntegrationWhatsappNumberRestricted",
    summary="Meta has banned or restricted a phone number.",
    description=f"Numbers of {WHO} that are banned or restricted: {{{{ $value }}}}.",
    expr=f"sum by ({BY}) (max by ({BY}, phone) ({_last(m.PHONE_RESTRICTED)} > 0))",
    severities=(Severity.CRITICAL,),
    dashboard="integration-whatsapp",
    cases=cases.NUMBER_RESTRICTED,
    runbook=Runbook(
        meaning="The status of at least one number of the account is `BANNED` or `RESTRICTED`.",
        impact="Nothing, or much less, is sent from the number. A ban may become final.",
        diagnosis=(
            f"1. `{m.PHONE_RESTRICTED}` names the id of the number; WhatsApp Manager shows which one it is.\n"
            "2. Account quality in Meta Business Suite names the policy that was broken.\n"
            "3. Did the quality rating fall before, and after which campaign?"
        ),
        mitigation=(
            "Stop campaigns from the number, ask for a review in Account quality, and send from another "
            "number of the account. Remove recipients who never agreed to messages."
        ),
    ),
)

ACCOUNT_RESTRICTED = Alert(
    name="IntegrationWhatsappAccountRestricted",
    summary="Meta rejected, restricted, disabled or banned a WhatsApp business account.",
    description=f"The business account of {WHO} is restricted.",
    expr=_above_zero(m.ACCOUNT_RESTRICTED),
    severities=(Severity.CRITICAL,),
    dashboard="integration-whatsapp",
    cases=cases.ACCOUNT_RESTRICTED,
    runbook=Runbook(
        meaning=(
            "The review of the account ended with a rejection or a restriction, or its state says that it "
            "is disabled or banned. It is read every 15 minutes."
        ),
        impact="No number of the account can send, or only within narrow limits.",
        diagnosis=(
            f"1. `{m.ACCOUNT_INFO}` shows review and verification.\n"
            "2. Account quality in Meta Business Suite names the policy and until when one can object."
        ),
        mitigation=(
            "The owner of the account asks for a review in Meta Business Suite and fixes what it names: "
            "often the web site or the name of the business, or a kind of trade that is not allowed."
        ),
    ),
)

QUALITY_LOW = Alert(
    name="IntegrationWhatsappQualityLow",
    summary="Recipients block or report messages of a phone number.",
    description=f"The worst quality rating of the numbers of {WHO} is {{{{ $value }}}} (1 red, 2 yellow).",
    exprs={
        Severity.HIGH: f"min by ({BY}) ({_last(m.PHONE_QUALITY)} <= 1) == 1",
        Severity.MEDIUM: f"min by ({BY}) ({_last(m.PHONE_QUALITY)} <= 2)",
    },
    dashboard="integration-whatsapp",
    cases=cases.QUALITY_LOW,
    runbook=Runbook(
        meaning=(
            "Meta rates a number by what its recipients did in the last seven days: green, yellow, red. "
            "Medium is yellow or worse, high is red."
        ),
        impact=(
            "A number that stays red does not get higher limits and may be restricted; its templates are "
            "paused one after the other."
        ),
        diagnosis=(
            f"1. `{m.PHONE_QUALITY}` names the number's id.\n"
            "2. Which template or campaign do recipients block? WhatsApp Manager shows reasons by template.\n"
            "3. Did a new source of recipients come in, without their consent?"
        ),
        mitigation=(
            "Pause the campaign, send less often, only to those who agreed, and offer a way out in each "
            "message. The rating recovers within days."
        ),
    ),
)

TEMPLATES_PAUSED = Alert(
    name="IntegrationWhatsappTemplatesPaused",
    summary="Meta has paused message templates.",
    description=f"Paused templates of {WHO}, which cannot be sent: {{{{ $value }}}}.",
    expr=_above_zero(m.TEMPLATES, '{status="paused"}'),
    severities=(Severity.MEDIUM,),
    dashboard="integration-whatsapp",
    cases=cases.TEMPLATES_PAUSED,
    runbook=Runbook(
        meaning=(
            "At least one template has the status `PAUSED`, which Meta gives for low quality, longer each "
            "time; in the end the template is disabled. It is looked at every hour."
        ),
        impact="Messages with the template fail with error 132015. Others are not concerned.",
        diagnosis=(
            "1. WhatsApp Manager, Message templates, filter by Paused: which ones, until when?\n"
            "2. Which part of the platform sends them, and what becomes of the message that fails?"
        ),
        mitigation=(
            "Stop sending the template until the pause ends, change its text and have it approved again, or "
            "switch to another template."
        ),
    ),
)

NOT_SUBSCRIBED = Alert(
    name="IntegrationWhatsappWebhooksNotSubscribed",
    summary="No app gets the webhooks of a WhatsApp business account.",
    description=f"No app is subscribed to the webhooks of {WHO}; no message and no status comes in.",
    expr=f"{_worst(m.SUBSCRIBED_APPS)} == 0",
    severities=(Severity.CRITICAL,),
    dashboard="integration-whatsapp",
    cases=cases.NOT_SUBSCRIBED,
    runbook=Runbook(
        meaning="The list of apps that are subscribed to the account is empty. It is looked at every hour.",
        impact=(
            "Messages of customers do not reach the platform, and nobody learns whether our own were "
            "delivered. Meta does not send later what was not subscribed at the time."
        ),
        diagnosis=(
            "1. Was the tenant connected again, or was the app removed from the account?\n"
            "2. Does the platform subscribe its app at the end of the sign-up?"
        ),
        mitigation=(
            "Subscribe the app: `POST /{account id}/subscribed_apps` with the platform's token, or connect "
            "the tenant again. Then send a message to the number and see whether it arrives."
        ),
    ),
)

ALERTS = (
    SENDING_BLOCKED,
    NUMBER_RESTRICTED,
    ACCOUNT_RESTRICTED,
    QUALITY_LOW,
    TEMPLATES_PAUSED,
    NOT_SUBSCRIBED,
    scope_alert(
        "IntegrationWhatsapp",
        m.OWN,
        "Without `whatsapp_business_messaging` the platform cannot send with this token.",
    ),
    version_alert(
        "IntegrationWhatsapp",
        m.OWN,
        "Calls for a version that is gone are served by the oldest one that is left, without an error: "
        "fields may be missing and behave otherwise.",
    ),
)
