"""Checks of `notifications.sms` that types alone do not make."""

import re
from collections.abc import Iterator

from exporter.config.document.context import Path
from exporter.config.document.values import is_given, is_missing
from exporter.config.sections.notifications.addresses import NotificationIssue, own_certificate, web_address
from exporter.core.sms import Sms, Sns, TwilioAccount

_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
# Number, short code, or alphanumeric sender (www.twilio.com/docs/glossary/what-alphanumeric-sender-id).
_SENDER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")


def sms_issues(sms: Sms, path: Path) -> Iterator[NotificationIssue]:
    """Yield what is wrong with `sms`: path, what, remedy."""
    yield from _numbers(sms, path)
    yield from own_certificate(sms.tls, (*path, "tls"))
    if sms.twilio is None and sms.sns is None:
        yield path, "sms has no account to send by", "add twilio: or sns:"
    if sms.twilio is not None:
        yield from _account(sms.twilio, (*path, "twilio"))
        if sms.twilio.fallback is not None:
            yield from _account(sms.twilio.fallback, (*path, "twilio", "fallback"))
    if sms.sns is not None:
        yield from _sns(sms.sns, (*path, "sns"))
    if sms.bridge is not None:
        yield from own_certificate(sms.bridge.tls, (*path, "bridge", "tls"))
        if sms.bridge.url:
            yield from web_address(sms.bridge.url, (*path, "bridge", "url"))


def _numbers(sms: Sms, path: Path) -> Iterator[NotificationIssue]:
    for index, number in enumerate(sms.to):
        if not _PHONE.fullmatch(number):
            yield (
                (*path, "to", index),
                "a phone number is not in E.164 form",
                'write it as "+15551234567"',
            )
        elif number in sms.to[:index]:
            yield (*path, "to", index), "a phone number is given twice", "keep one of them"


def _account(account: TwilioAccount, path: Path) -> Iterator[NotificationIssue]:
    if account.auth_token is None:
        yield path, "the account has no auth_token", "add auth_token_file:"
    if is_given(account.sender) == is_given(account.messaging_service_sid):
        yield (
            path,
            "the account needs either from or messaging_service_sid",
            'write one of them, such as from: "+15551234567"',
        )
    elif account.sender and not is_missing(account.sender) and not _SENDER.fullmatch(account.sender):
        yield (
            (*path, "from"),
            "from is neither a number in E.164 form, nor a short code, nor a name of 11 letters and digits",
            'write it as "+15551234567"',
        )
    yield from web_address(account.base_url, (*path, "base_url"))


def _sns(sns: Sns, path: Path) -> Iterator[NotificationIssue]:
    if is_given(sns.access_key) != is_given(sns.secret_key):
        yield path, "access_key and secret_key belong together", "give both or neither"
    if sns.api_url:
        yield from web_address(sns.api_url, (*path, "api_url"))
