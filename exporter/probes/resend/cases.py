"""Cases that prove the alerts of a Resend account."""

from exporter.alerts.cases.series import series, target
from exporter.core.alert import Case
from exporter.core.metric import Metric
from exporter.probes.resend import metrics as m


def _of(metric: Metric, **labels: str) -> str:
    return series(metric, "mail", "resend", **labels)


def _levels(*severities: str) -> tuple[dict[str, str], ...]:
    return tuple({**target("mail", "resend"), "severity": severity} for severity in severities)


def _domains(failed: str, partly: str = "0x60") -> dict[str, str]:
    return {
        _of(m.DOMAINS, status="verified"): "2x60",
        _of(m.DOMAINS, status="pending"): "1x60",
        _of(m.DOMAINS, status="failed"): failed,
        _of(m.DOMAINS, status="partially_failed"): partly,
    }


DOMAIN_FAILED = (
    Case("fires", _domains("1x60"), "20m", _levels("high")),
    Case("fires", _domains("0x60", "1x60"), "20m", _levels("high"), says="a part of its records"),
    Case("quiet", _domains("0x60"), "20m", says="one that waits for its records is no failure"),
    Case("quiet", _domains("1x5 0x60"), "20m", says="verified again"),
    Case("boundary", _domains("0x19 1x60"), "20m", _levels("high"), says="the first reading is enough"),
    Case("missing", {_of(m.DOMAINS, status="verified"): "2x60"}, "20m"),
    Case("missing", {_of(m.DOMAINS, status="failed"): "_x60"}, "20m", says="a key that may only send"),
)


def _losing(count: str) -> dict[str, str]:
    return {_of(m.DOMAINS, status="verified"): "2x60", _of(m.DOMAINS, status="temporary_failure"): count}


DOMAIN_LOSING = (
    Case("fires", _losing("1x60"), "20m", _levels("medium")),
    Case("quiet", _losing("0x60"), "20m"),
    Case("quiet", _losing("1x5 0x60"), "20m", says="the records are back"),
    Case("boundary", _losing("0x19 1x60"), "20m", _levels("medium"), says="the first reading is enough"),
    Case("missing", {_of(m.DOMAINS, status="verified"): "2x60"}, "20m"),
)


def _endpoints(disabled: str) -> dict[str, str]:
    return {
        _of(m.WEBHOOK_ENDPOINTS, status="enabled"): "2x60",
        _of(m.WEBHOOK_ENDPOINTS, status="disabled"): disabled,
    }


WEBHOOK_DISABLED = (
    Case("fires", _endpoints("1x60"), "20m", _levels("critical")),
    Case("quiet", _endpoints("0x60"), "20m"),
    Case("quiet", _endpoints("1x5 0x60"), "20m", says="enabled again"),
    Case("boundary", _endpoints("0x19 1x60"), "20m", _levels("critical"), says="the first reading is enough"),
    Case("missing", {_of(m.WEBHOOK_ENDPOINTS, status="enabled"): "2x60"}, "20m"),
)


def _mails(sent: str, bounced: str) -> dict[str, str]:
    return {_of(m.EMAILS, outcome="sent"): sent, _of(m.EMAILS, outcome="bounced"): bounced}


BOUNCES = (
    Case("fires", _mails("1000x60", "60x60"), "20m", _levels("medium"), says="6 %"),
    Case("fires", _mails("1000x60", "200x60"), "20m", _levels("high", "medium"), says="20 %"),
    Case("quiet", _mails("1000x60", "5x60"), "20m"),
    Case("quiet", _mails("30x60", "20x60"), "20m", says="thirty e-mails are too few to speak of a share"),
    Case("boundary", _mails("1000x60", "50x60"), "20m", says="5 % is not above 5 %"),
    Case("boundary", _mails("50x60", "3x60"), "20m", _levels("medium"), says="fifty e-mails are enough"),
    Case("missing", {_of(m.EMAILS, outcome="bounced"): "60x60"}, "20m", says="how many were sent is unknown"),
    Case("missing", _mails("0x60", "0x60"), "20m", says="nothing was sent, so there is no share"),
)
