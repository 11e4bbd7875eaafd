"""GitHub: HMAC-SHA256 of the body, in hex, in the header X-Hub-Signature-256.

There is no time in it, and X-GitHub-Delivery is not signed: equal bodies are one webhook, so that a copy
under another id is none. The older header X-Hub-Signature (SHA-1) is not accepted. GitHub sends nothing
again by itself. Source: docs.github.com, "Validating webhook deliveries", "Webhook events and payloads"
(headers).
"""

from exporter.core.signature import IncomingRequest, Scheme, Trust, VerifiedWebhook
from exporter.signatures._proof import behind, check_any, from_hex, mac, text_at, usable

HEADER = "X-Hub-Signature-256"
PREFIX = "sha256="


async def verify(request: IncomingRequest, trust: Trust) -> VerifiedWebhook:
    """Return no id, because none is signed, and the event, with its action where it has one."""
    signature = from_hex(behind(PREFIX, request.proof(HEADER)))
    check_any((mac(secret, request.body) for secret in trust.secrets), [signature])
    event, action = usable(request.header("X-GitHub-Event")), text_at(request.body, "action")
    return VerifiedWebhook("", f"{event}.{action}" if event and action else event)


SCHEME = Scheme("github", "GitHub", verify)
