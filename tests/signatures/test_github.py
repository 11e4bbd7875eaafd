"""GitHub's signatures: its published vector, its events."""

import hashlib
import hmac

import pytest

from exporter.core.signature import IncomingRequest, Refusal
from exporter.signatures.github import SCHEME
from tests.signatures.signer import JSON, NOW, Signer, hmac_hex, post

BODY = b'{"action": "opened", "number": 7, "sender": {"login": "octocat"}}'


def sign(body: bytes, secret: str, at: int) -> IncomingRequest:
    lines = (("X-GitHub-Event", "pull_request"), ("X-GitHub-Delivery", f"72d3162e-{at}"))
    return post(body, at, JSON, *lines, ("X-Hub-Signature-256", f"sha256={hmac_hex(secret, body)}"))


SIGNER = Signer(SCHEME, sign, ("first-secret", "second-secret", "other"), ("X-Hub-Signature-256",), body=BODY)


async def test_the_published_vector_is_accepted() -> None:
    # docs.github.com, "Validating webhook deliveries", "Testing the webhook payload validation"
    signature = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    request = post(b"Hello, World!", NOW, ("X-Hub-Signature-256", f"sha256={signature}"))
    await SIGNER.verify(request, "It's a Secret to Everybody")
    assert await SIGNER.refusal(request, "It's a Secret to Everybodx") is Refusal.MISMATCH


@pytest.mark.parametrize(
    ("event", "body", "kind"),
    [
        ("pull_request", BODY, "pull_request.opened"),
        ("push", b'{"ref": "refs/heads/main"}', "push"),
        ("push", b"payload=%7B%7D", "push"),
        ("push", b'{"action": 5}', "push.5"),
        ("", BODY, ""),
    ],
)
async def test_the_type_is_the_event_with_its_action(event: str, body: bytes, kind: str) -> None:
    signature = ("X-Hub-Signature-256", f"sha256={hmac_hex('s', body)}")
    found = await SIGNER.verify(post(body, NOW, ("X-GitHub-Event", event), signature), "s")
    assert (found.type, found.event_id) == (kind, "")


@pytest.mark.parametrize("name", ["X-Hub-Signature", "X-Hub-Signature-256"])
async def test_sha1_is_no_proof(name: str) -> None:
    digest = hmac.new(b"s", BODY, hashlib.sha1).hexdigest()
    assert await SIGNER.refusal(post(BODY, NOW, (name, f"sha1={digest}")), "s")
