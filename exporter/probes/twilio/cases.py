"""Cases that prove the alerts of a Twilio account."""

from exporter.alerts.cases.series import series, target, threshold
from exporter.core.alert import Case
from exporter.core.metric import Metric
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.probes.twilio import metrics as m

# Only the name of the family matters here: the alert owns its numbers.
_DELIVERY = ThresholdFamily(
    "message_delivery_ratio", "Name of the thresholds.", {Severity.HIGH: 0}, unit="ratio"
)


def _of(metric: Metric, **labels: str) -> str:
    return series(metric, "sms", "twilio", "acme", **labels)


def _levels(*severities: str) -> tuple[dict[str, str], ...]:
    return tuple({**target("sms", "twilio", "acme"), "severity": severity} for severity in severities)


ACCOUNT_INACTIVE = (
    Case("fires", {_of(m.INACTIVE): "1x60"}, "30m", _levels("critical")),
    Case("quiet", {_of(m.INACTIVE): "0x60"}, "30m"),
    Case("quiet", {_of(m.INACTIVE): "1x9 0x60"}, "40m", says="open again"),
    Case("boundary", {_of(m.INACTIVE): "0x29 1x60"}, "30m", _levels("critical"), says="at the first refusal"),
    Case("missing", {_of(m.INACTIVE): "_x60"}, "30m", says="never reached"),
    Case("missing", {_of(m.INACTIVE): "1x20 stale _x5 1x60"}, "24m", _levels("critical"), says="a restart"),
)


def _messages(
    delivered: str, undelivered: str, failed: str = "0x60", channel: str = "sms", **labels: str
) -> dict[str, str]:
    counts = {"delivered": delivered, "undelivered": undelivered, "failed": failed, "sent": "500x60"}
    return {
        _of(m.MESSAGES, channel=channel, outcome=outcome, **labels): values
        for outcome, values in counts.items()
    }


_GOOD = _messages("100x60", "0x60")
DELIVERY_LOW = (
    Case("fires", _messages("85x60", "10x60", "5x60"), "30m", _levels("medium"), says="85 % arrive"),
    Case("fires", _messages("50x60", "50x60"), "30m", _levels("medium", "high"), says="half arrive"),
    Case(
        "fires",
        _GOOD | _messages("50x60", "50x60", channel="whatsapp"),
        "30m",
        _levels("medium", "high"),
        says="one channel is enough",
    ),
    Case("quiet", _GOOD, "30m", says="messages on their way are no failures"),
    Case("boundary", _messages("90x60", "10x60"), "30m", says="90 % is not below 90 %"),
    Case("boundary", _messages("80x60", "20x60"), "30m", _levels("medium"), says="80 % is not below 80 %"),
    Case("boundary", _messages("0x60", "19x60"), "30m", says="19 messages say nothing"),
    Case("boundary", _messages("0x60", "20x60"), "30m", _levels("medium", "high"), says="20 messages do"),
    Case("missing", _messages("0x60", "0x60"), "30m", says="nothing is sent, so there is no share"),
    Case("missing", {_of(m.MESSAGES, channel="sms", outcome="delivered"): "50x60"}, "30m", says="half of it"),
    Case(
        "missing",
        _messages("85x20 stale _x5 85x60", "15x20 stale _x5 15x60", "0x20 stale _x5 0x60"),
        "24m",
        _levels("medium"),
        says="a gap while the exporter restarts does not resolve it",
    ),
    Case(
        "quiet",
        {
            **_messages("85x60", "15x60"),
            threshold(_DELIVERY, "medium", "sms", "twilio", "acme"): "0.7x60",
        },
        "30m",
        says="a laxer tenant override silences its step",
    ),
    Case(
        "quiet",
        _messages("85x60", "15x60", instance="a") | _messages("99x60", "0x60", instance="b"),
        "30m",
        says="the better of two replicas counts, each with its own window",
    ),
)


def _webhooks(first: str, second: str = "0x60", **labels: str) -> dict[str, str]:
    return {
        _of(m.WEBHOOK_FAILURES, code="11200", **labels): first,
        _of(m.WEBHOOK_FAILURES, code="11217", **labels): second,
    }


WEBHOOKS_FAILING = (
    Case("fires", _webhooks("3x60"), "30m", _levels("medium")),
    Case("fires", _webhooks("15x60", "15x60"), "30m", _levels("medium", "high"), says="the codes add up"),
    Case("quiet", _webhooks("0x60"), "30m"),
    Case("quiet", _webhooks("3x9 0x60"), "40m", says="the hour is over"),
    Case("boundary", _webhooks("1x60"), "30m", _levels("medium"), says="one event is lost for good"),
    Case("boundary", _webhooks("19x60"), "30m", _levels("medium"), says="19 are below the second step"),
    Case("boundary", _webhooks("20x60"), "30m", _levels("medium", "high"), says="20 are the second step"),
    Case("missing", _webhooks("_x60", "_x60"), "30m", says="a key that may not read Monitor"),
    Case(
        "boundary",
        _webhooks("12x60", instance="a") | _webhooks("12x60", instance="b"),
        "30m",
        _levels("medium"),
        says="two replicas count the same failures once",
    ),
)


def _simple(metric: Metric, severity: str, **labels: str) -> tuple[Case, ...]:
    name = _of(metric, **labels)
    return (
        Case("fires", {name: "2x60"}, "30m", _levels(severity)),
        Case("quiet", {name: "0x60"}, "30m"),
        Case("quiet", {name: "1x9 0x60"}, "40m", says="well again"),
        Case("boundary", {name: "0x29 1x60"}, "30m", _levels(severity), says="one is enough"),
        Case("missing", {name: "_x60"}, "30m"),
    )


SENDER_OFFLINE = _simple(m.SENDERS, "high", status="offline")
QUALITY_LOW = _simple(m.QUALITY, "medium", rating="low")

NUMBER_MISSING = (
    Case("fires", {_of(m.NUMBER_OWNED): "0x60"}, "30m", _levels("high")),
    Case("quiet", {_of(m.NUMBER_OWNED): "1x60"}, "30m"),
    Case("boundary", {_of(m.NUMBER_OWNED): "1x29 0x60"}, "45m", _levels("high"), says="as it is now"),
    Case("missing", {_of(m.INACTIVE): "0x60"}, "30m", says="no number is configured"),
)
