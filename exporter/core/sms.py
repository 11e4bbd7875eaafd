"""Who gets text messages, and by which vendors: `notifications.sms` of the configuration."""

from typing import Annotated

import msgspec
from msgspec import Meta

from exporter.core.notice_address import NoticeAddress
from exporter.core.options import TlsOptions
from exporter.core.secret import Secret

TWILIO_API = "https://api.twilio.com"

SID = r"^AC[0-9a-fA-F]{32}$"
SERVICE_SID = r"^(MG[0-9a-fA-F]{32})?$"


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class TwilioAccount(_Part, frozen=True):
    """An account of Twilio that sends; `from` or `messaging_service_sid` says by which number."""

    account_sid: Annotated[str, Meta(pattern=SID, description="Account SID: AC and 32 hex digits.")]
    auth_token: Annotated[Secret | None, Meta(description="Auth token of the account.")] = None
    sender: Annotated[
        str, Meta(description="Number of the account in E.164 form, or its alphanumeric sender.")
    ] = msgspec.field(name="from", default="")
    messaging_service_sid: Annotated[
        str,
        Meta(pattern=SERVICE_SID, description="Messaging service in place of `from`: MG and 32 hex digits."),
    ] = ""
    base_url: Annotated[
        str, Meta(description="Address of the API; accounts of another region have one of their own.")
    ] = TWILIO_API


class Twilio(TwilioAccount, frozen=True):
    """The account that messages go by first, and the one that takes over where it fails."""

    fallback: Annotated[
        TwilioAccount | None, Meta(description="Second account, for what the first one does not take.")
    ] = None


class Sns(_Part, frozen=True):
    """Amazon SNS: by itself Alertmanager speaks to it; beside Twilio it is what messages fall back to."""

    region: Annotated[str, Meta(description="AWS region, such as eu-central-1.", min_length=1)]
    access_key: Annotated[
        str,
        Meta(
            description="AWS access key id; empty for the role of Alertmanager's machine, which the bridge"
            " to Twilio cannot fall back to."
        ),
    ] = ""
    secret_key: Annotated[Secret | None, Meta(description="AWS secret access key.")] = None
    api_url: Annotated[
        str, Meta(description="Address of SNS, such as a VPC endpoint; empty: that of the region.")
    ] = ""

    @property
    def url(self) -> str:
        """Where it is published to."""
        return self.api_url or f"https://sns.{self.region}.amazonaws.com/"


class Bridge(NoticeAddress, frozen=True):
    """How Alertmanager reaches the exporter, which brings its messages to Twilio (docs/sms.md)."""


class Sms(_Part, frozen=True):
    """Text messages: by Twilio, which the exporter speaks to, by Amazon SNS, or by both."""

    to: Annotated[tuple[str, ...], Meta(description="Phone numbers in E.164 form.", min_length=1)]
    twilio: Annotated[Twilio | None, Meta(description="Account of Twilio.")] = None
    sns: Annotated[Sns | None, Meta(description="Amazon SNS, alone or behind Twilio.")] = None
    per_incident: Annotated[
        int,
        Meta(
            ge=1,
            le=20,
            description="Messages that one incident sends to a number at most; SNS alone knows no limit.",
        ),
    ] = 3
    bridge: Annotated[
        Bridge | None,
        Meta(
            description="How Alertmanager reaches the exporter; without it as `notifications.history` says."
        ),
    ] = None
    tls: Annotated[
        TlsOptions,
        Meta(
            description="How the certificates of Twilio and SNS are judged; files are named to Alertmanager"
            " by their absolute paths."
        ),
    ] = TlsOptions()
