"""Do e-mails and messages arrive: mail servers, Resend, Twilio, WhatsApp, and our own text messages."""

from typing import Any

from exporter.alerts.sms import SMS_BACKLOG, SMS_FAILING
from exporter.core import common_metrics as m
from exporter.core import sms_metrics
from exporter.core.alert import BY
from exporter.core.metric import Metric
from exporter.core.text_message import TextState
from exporter.generate.dashboards import _numbers as numbers
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards import _reported as reported
from exporter.generate.dashboards import _sql as sql
from exporter.generate.dashboards import _store_panels as store
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._columns import detail_link, integration_column, tenant_column
from exporter.generate.dashboards._panels import LIMIT, PanelQuery, Size, TableColumn, limits_of
from exporter.generate.dashboards._promql import NOT_ALL
from exporter.generate.dashboards._scale import count_firing, record
from exporter.generate.dashboards.alerts import NAME as ALERT_NAME
from exporter.generate.dashboards.alerts import SEVERITY
from exporter.probes.resend import alerts as resend_alerts
from exporter.probes.resend import metrics as resend
from exporter.probes.twilio import alerts as twilio_alerts
from exporter.probes.twilio import metrics as twilio
from exporter.probes.whatsapp import alerts as whatsapp_alerts
from exporter.probes.whatsapp import metrics as whatsapp

UID = "integration-messages"
COLUMNS = (integration_column(UID, detail_link()), tenant_column(UID, detail_link()))
TARGET = "{{integration}} {{tenant}}"
CAN_SEND = {"2": ("Available", show.GOOD), "1": ("Limited", show.WARNING), "0": ("Blocked", show.BAD)}
TEXT_STATES = {
    TextState.WAITING.value: ("Waiting", show.WARNING),
    TextState.ACCEPTED.value: ("Taken", show.QUIET),
    TextState.SENT.value: ("Sent", show.QUIET),
    TextState.DELIVERED.value: ("Delivered", show.GOOD),
    TextState.FAILED.value: ("Failed", show.BAD),
}
QUALITY = {"3": ("Green", show.GOOD), "2": ("Yellow", show.WARNING), "1": ("Red", show.BAD)}


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=UID,
        title="Integrations / Email and messages",
        description="Are mail servers reachable, do e-mails, messages and our own text messages arrive?",
        sections=(
            Section("Mail servers", _smtp(), frozenset({"smtp"})),
            Section("Resend", _resend(), frozenset({"resend"})),
            Section("Twilio", _twilio(), frozenset({"twilio"})),
            Section("WhatsApp", _whatsapp(), frozenset({"whatsapp"})),
            Section("Text messages of alerts", (*_text_messages(), *_trouble_of_texts())),
            Section("From the store", (_log(),)),
        ),
    )


def _smtp() -> tuple[Any, ...]:
    only = 'provider="smtp"'
    steps = f"avg by (phase) ({ask.series(m.PHASE_DURATION, only)})"
    slowest = ask.top(f"max by ({BY}) ({ask.series(m.DURATION, only)})")
    state = f"min by ({BY}) ({ask.series(m.SUCCESS, only)})"
    return (
        show.rows(
            "Mail servers that were slowest",
            f"The {ask.MOST} dialogues that took longest, and whether they succeeded.",
            (f"{state} and on ({BY}) {slowest}", slowest),
            (
                TableColumn(
                    "A", "State", width=100, words={"1": ("Connected", show.GOOD), "0": ("Failing", show.BAD)}
                ),
                *COLUMNS,
                TableColumn("B", "Duration", unit="s", bar=True),
            ),
            size=(12, 8),
            sort=(("Duration", True),),
            empty="No mail server was asked",
        ),
        show.lines(
            "Steps of the mail dialogue",
            "Mean time of each step over all servers: banner, ehlo, starttls, auth and noop are its own.",
            (PanelQuery(steps, "{{phase}}"),),
            size=(12, 8),
            unit="s",
        ).no_value("No dialogue was timed"),
    )


def _outcome(metric: Metric, label: str, value: str, *matchers: str) -> str:
    matcher = f'{label}="{value}"'
    return f"max by ({BY}) ({ask.series(metric, matcher, *matchers)})"


def _resend() -> tuple[Any, ...]:
    sent, bounced = (_outcome(resend.EMAILS, "outcome", value, NOT_ALL) for value in ("sent", "bounced"))
    # Over hours only those that are recorded as beyond a threshold: all of them would take seconds.
    high = f"max by ({BY}) ({record(resend_alerts.BOUNCES_HIGH.suspects_record)})"
    bounces = f"{ask.top(high)} or {ask.top(f'{bounced} / ({sent} > 0)')}"
    return (
        numbers.alerts(
            "Bad domains",
            "Sending domains whose records are missing or wrong.",
            count_firing(resend_alerts.DOMAIN_FAILED, resend_alerts.DOMAIN_LOSING),
            bad=show.BAD,
            size=(4, 8),
        ),
        show.bars(
            "E-mails of 24 hours, by outcome",
            "What became of the e-mails of the last 24 hours, of all accounts together.",
            PanelQuery(f"sort_desc(sum by (outcome) ({ask.each(resend.EMAILS, 'outcome')}))", "{{outcome}}"),
            size=(10, 8),
            unit="short",
        ).no_value("No e-mail is known to be sent"),
        show.lines(
            "Share that bounced",
            f"Of the {ask.MOST} accounts that are beyond a threshold; once you pick tenants, of all of "
            "theirs. Dashed: the strictest thresholds.",
            (PanelQuery(bounces, TARGET),),
            size=(10, 8),
            unit="percentunit",
            limits=limits_of(resend_alerts.BOUNCE),
        ).no_value("No account is known to be beyond a threshold"),
        show.bars(
            "Domains by status",
            "Mail is sent only from domains that are verified.",
            PanelQuery(f"sum by (status) ({ask.each(resend.DOMAINS, 'status')}) > 0", "{{status}}"),
            size=(12, 7),
            unit="short",
        ).no_value("No domain is known"),
        show.rows(
            "Disabled webhook endpoints",
            f"The {ask.MOST} accounts with most of them: Resend no longer calls these.",
            (ask.top(f"{_outcome(resend.WEBHOOK_ENDPOINTS, 'status', 'disabled')} > 0"),),
            (*COLUMNS, TableColumn("A", "Disabled", width=100)),
            size=(12, 7),
            sort=(("Disabled", True),),
            empty="No disabled endpoint is known",
        ),
    )


def _twilio() -> tuple[Any, ...]:
    by = f"{BY}, channel"
    ratio, final = (
        f"max by ({by}) ({record(twilio_alerts.RATIO)})",
        f"max by ({by}) ({record(twilio_alerts.VOLUME)})",
    )
    # Over hours only those that are recorded as beyond a threshold: all of them would take seconds.
    low = f"max by ({BY}) ({record(twilio_alerts.DELIVERY_LOW.suspects_record)})"
    picked = f"max by ({by}) ({record(twilio_alerts.RATIO, NOT_ALL)})"
    lost = f"{ask.top(f'1 - {low}')} or {ask.top(f'1 - {picked}')}"
    lowest = f"bottomk({ask.MOST}, {ratio} and on ({by}) ({final} >= {twilio_alerts.LEAST_MESSAGES}))"
    offline = ask.series(twilio.SENDERS, 'status!="online"')
    return (
        show.bars(
            "Messages by outcome, now",
            "Outgoing messages in the window of each account's last reading, of all accounts together.",
            PanelQuery(
                f"sort_desc(sum by (outcome) ({ask.each(twilio.MESSAGES, 'channel', 'outcome')}))",
                "{{outcome}}",
            ),
            size=(8, 8),
            unit="short",
        ).no_value("No message is known to be sent"),
        show.lines(
            "Share that did not arrive",
            f"Of the {ask.MOST} accounts that are below a threshold; once you pick tenants, of all of "
            "theirs. Dashed: the strictest thresholds.",
            (PanelQuery(lost, f"{TARGET} {{{{channel}}}}"),),
            size=(8, 8),
            unit="percentunit",
            limits=PanelQuery(f"1 - {ask.limit(twilio_alerts.DELIVERY)}", LIMIT),
        ).no_value("No account is known to be below a threshold"),
        show.bars(
            "Failed messages by family, now",
            "account, limit, sender and registration lie with the account, recipient with the number, "
            "carrier with the way, template with WhatsApp's rules, webhook with our own servers.",
            PanelQuery(f"sort_desc(sum by (family) ({ask.series(twilio.FAILURES)}))", "{{family}}"),
            size=(8, 8),
            unit="short",
        ).no_value("No message is known to have failed"),
        show.rows(
            "Lowest delivery",
            f"The {ask.MOST} accounts and channels where the smallest share arrives, of those with "
            f"{twilio_alerts.LEAST_MESSAGES} messages.",
            (lowest, f"{final} and on ({by}) {lowest}"),
            (
                *COLUMNS,
                TableColumn("channel", "Channel", width=90),
                TableColumn("A", "Delivered", unit="percentunit", decimals=1, bar=True),
                TableColumn("B", "Messages", width=90),
            ),
            size=(13, 8),
            sort=(("Delivered", False),),
            empty="No account has enough messages to judge",
        ),
        show.rows(
            "WhatsApp senders that are not online",
            f"The {ask.MOST} accounts with most of them.",
            (ask.top(f"max by ({BY}, status) ({offline}) > 0"),),
            (*COLUMNS, TableColumn("status", "Status", width=85), TableColumn("A", "Senders", width=80)),
            size=(11, 8),
            sort=(("Senders", True),),
            empty="No sender is known to be offline",
        ),
    )


def _whatsapp() -> tuple[Any, ...]:
    worst = f"bottomk({ask.MOST}, {ask.each(whatsapp.PHONE_CAN_SEND, 'phone', how='min')})"
    quality = ask.each(whatsapp.PHONE_QUALITY, "phone", how="min")
    return (
        numbers.alerts(
            "Cannot send",
            "Numbers and accounts from which no message can be sent.",
            count_firing(whatsapp_alerts.SENDING_BLOCKED),
            bad=show.BAD,
            size=(4, 8),
        ),
        show.rows(
            "Numbers that can send least",
            f"The {ask.MOST} numbers that need a look first, with their quality rating: a red one may lose "
            "its messaging limit.",
            (worst, f"{quality} and on ({BY}, phone) {worst}"),
            (
                *COLUMNS,
                TableColumn("phone", "Number", width=150),
                TableColumn("A", "Sending", width=100, words=CAN_SEND),
                TableColumn("B", "Quality", width=90, words=QUALITY),
            ),
            size=(12, 8),
            sort=(("Sending", False), ("Quality", False)),
            empty="No number is known",
        ),
        show.bars(
            "Templates by status",
            "Paused templates cannot be sent until Meta lifts the pause.",
            PanelQuery(f"sum by (status) ({ask.each(whatsapp.TEMPLATES, 'status')}) > 0", "{{status}}"),
            size=(8, 8),
            unit="short",
        ).no_value("No template is known"),
        show.rows(
            "Why sending is limited",
            f"The {ask.MOST} accounts with most errors, as Meta names the cause.",
            (ask.top(f"{ask.each(whatsapp.HEALTH_ERRORS, 'error')} > 0"),),
            (*COLUMNS, TableColumn("error", "Cause", width=120), TableColumn("A", "Errors", width=80)),
            size=(12, 8),
            sort=(("Errors", True),),
            empty="Meta names no error",
        ),
        show.rows(
            "People per day",
            f"The {ask.MOST} accounts with the smallest limit of people to whom they may write first in 24 "
            "hours.",
            (f"bottomk({ask.MOST}, {ask.each(whatsapp.MESSAGING_LIMIT)})",),
            (*COLUMNS, TableColumn("A", "People", unit="short", bar=True)),
            size=(12, 8),
            sort=(("People", False),),
            empty="No limit is known",
        ),
    )


def _counted(title: str, text: str, events: dict[str, Metric], size: Size) -> Any:
    """Return how often something happens to text messages in the time of each bar, over all processes."""
    query = PanelQuery(reported.rises_in_step(events), "{{event}}")
    found = show.stacked(
        title, f"{text} In the time of each bar.", query, size=size, unit="short", step=show.COUNTED
    )
    return found.no_value("No text message was asked for")


def _text_messages() -> tuple[Any, ...]:
    return (
        numbers.alerts(
            "Not arriving",
            "Whether text messages of alerts fail or wait.",
            count_firing(SMS_FAILING, SMS_BACKLOG),
            bad=show.BAD,
            size=(4, 7),
        ),
        numbers.moment(
            "Last one taken",
            "When an account last took a text message.",
            f"max({sms_metrics.LAST_SUCCESS})",
            never="None sent",
            size=(4, 7),
        ),
        numbers.amount(
            "Waiting",
            "Text messages that wait to be sent.",
            f"max({sms_metrics.BACKLOG})",
            unit="short",
            none="None",
            decimals=0,
            size=(4, 7),
        ),
        _counted(
            "Text messages",
            "What became of them: asked for by notices of Alertmanager, taken by an account, on the phone "
            "by its word, failed, given up.",
            {
                "asked for": sms_metrics.REQUESTED,
                "taken": sms_metrics.ACCEPTED,
                "delivered": sms_metrics.DELIVERED,
                "failed": sms_metrics.FAILED,
                "given up": sms_metrics.GIVEN_UP,
            },
            (12, 7),
        ),
    )


def _trouble_of_texts() -> tuple[Any, ...]:
    oldest = sms_metrics.OLDEST
    return (
        _counted(
            "Text messages not sent, or in doubt",
            "Repeats of what was sent, those beyond what an incident may have, and requests that no account "
            "answered: those are sent again.",
            {
                "repeats": sms_metrics.REPEATED,
                "beyond the limit": sms_metrics.CAPPED,
                "in doubt": sms_metrics.UNCERTAIN,
            },
            (12, 8),
        ),
        show.lines(
            "Age of the oldest text message that waits",
            "0 where none waits.",
            # Its time is 0 where none waits, which is no age of half a century.
            (PanelQuery(f"max(time() - ({oldest} > 0)) or max({oldest}) * 0", "oldest"),),
            size=(12, 8),
            unit="s",
        ).no_value("No text message is sent by this exporter"),
    )


def _log() -> Any:
    return store.log(
        "Text messages, one by one",
        f"The newest {sql.MOST_ROWS} messages to phones and what became of them. "
        "`integration-exporter list sms` has the texts.",
        sql.newest(
            "text_messages",
            ("time", "state", "severity", ALERT_NAME, "integration", "tenant", "reason"),
        ),
        (
            store.time_column(),
            TableColumn("state", "State", width=95, words=TEXT_STATES),
            SEVERITY,
            TableColumn("alert", "Alert", wrap=True),
            *COLUMNS,
            TableColumn("reason", "Reason", width=115),
        ),
        size=(24, 8),
        sort=(("Time", True),),
        empty="No text message was sent in the time range",
    )
