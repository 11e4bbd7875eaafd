"""GitHub: HMAC-SHA256 of the body, in hex, in the header X-Hub-Signature-256.

There is no time in it, so an old webhook is told by its id (X-GitHub-Delivery) alone. The older header
X-Hub-Signature (SHA-1) is not accepted. GitHub sends nothing again by itself.
Source: docs.github.com, "Validating webhook deliveries", "Webhook events and payloads" (headers).
"""

from exporter.core.signature import IncomingRequest, Scheme, Trust, VerifiedWebhook
from exporter.signatures._proof import check_any, from_hex, json_object, mac, text_in

HEADER = "X-Hub-Signature-256"
PREFIX = "sha256="


async def verify(request: IncomingRequest, trust: Trust) -> VerifiedWebhook:
    """Return the id of the delivery, and its event with the action where it has one."""
    signature = from_hex(request.proof(HEADER).removeprefix(PREFIX))
    check_any((mac(secret, request.body) for secret in trust.secrets), [signature])
    event, action = request.header("X-GitHub-Event"), text_in(json_object(request.body), "action")
    return VerifiedWebhook(
        request.header("X-GitHub-Delivery"), f"{event}.{action}" if event and action else event
    )


SCHEME = Scheme("github", "GitHub", verify)
