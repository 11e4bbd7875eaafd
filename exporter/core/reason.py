"""Why a probe failed: a closed set, because it becomes a label."""

from enum import StrEnum


class Reason(StrEnum):
    """One cause of a failed probe; the value is the text of the label `reason`."""

    NOT_CONFIGURED = "not_configured"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    AUTH = "auth"
    PERMISSION = "permission"
    ACCOUNT = "account"
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    NOT_FOUND = "not_found"
    VENDOR_ERROR = "vendor_error"
    BAD_RESPONSE = "bad_response"
    ASSERTION = "assertion"
    BUG = "bug"

    @property
    def meaning(self) -> str:
        """One sentence for a person who reads the reason on a page or in a log."""
        return _MEANING[self]


_MEANING = {
    Reason.NOT_CONFIGURED: "A credential or account id is absent or of the wrong kind.",
    Reason.DNS: "The host name could not be resolved.",
    Reason.CONNECT: "The connection was refused, reset or cut.",
    Reason.TLS: "The TLS handshake or the certificate check failed.",
    Reason.TIMEOUT: "No complete answer came within the timeout.",
    Reason.AUTH: "The credential was rejected: wrong, expired or revoked.",
    Reason.PERMISSION: "The credential is valid but lacks a permission.",
    Reason.ACCOUNT: "The vendor suspended, restricted or closed the account.",
    Reason.RATE_LIMITED: "The vendor throttles our calls.",
    Reason.QUOTA: "A long-term quota, allocation or prepaid balance is used up.",
    Reason.NOT_FOUND: "The probed object does not exist for this credential.",
    Reason.VENDOR_ERROR: "The vendor answered with an error of its own.",
    Reason.BAD_RESPONSE: "The answer was not what the protocol or the vendor promises.",
    Reason.ASSERTION: "The answer came but does not meet what the configuration expects.",
    Reason.BUG: "The exporter itself made a mistake; please report it.",
}

NETWORK = frozenset({Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.TIMEOUT})
"""Reasons that say nothing of the credential: the vendor was never heard."""
