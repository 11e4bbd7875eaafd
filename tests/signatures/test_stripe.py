"""Stripe's signatures, also as Stripe's own library makes and takes them."""

import pytest
import stripe

from exporter.core.signature import IncomingRequest, Refusal
from exporter.signatures.stripe import SCHEME
from tests.signatures.signer import JSON, NOW, Signer, hmac_hex, post

SECRET, NEXT = "whsec_test_secret", "whsec_next_secret"


def sign(body: bytes, secret: str, at: int) -> IncomingRequest:
    return post(
        body, at, JSON, ("Stripe-Signature", f"t={at},v1={hmac_hex(secret, str(at).encode() + b'.' + body)}")
    )


SIGNER = Signer(SCHEME, sign, (SECRET, NEXT, "whsec_other"), ("Stripe-Signature",))
EVENT = '{"id":"evt_test","object":"event","type":"charge.failed"}'
VECTOR = "2ddb732ce3cc2a0409ce53122cbeb42e81e1db290500ae5d53eb00787508f40e"


def given(header: str, body: str = EVENT, at: float = 1_700_000_000) -> IncomingRequest:
    return post(body.encode(), at, ("Stripe-Signature", header))


async def test_a_known_signature_is_accepted_with_id_and_type() -> None:
    found = await SIGNER.verify(given(f"t=1700000000,v1={VECTOR}"), SECRET)
    assert (found.event_id, found.type) == ("evt_test", "charge.failed")


@pytest.mark.parametrize("body", [EVENT, '{"id": "evt_ü", "type": "x"}', "", "no json"])
async def test_what_stripes_library_signs_is_accepted(body: str) -> None:
    header = stripe.WebhookSignature.generate_signature_header(body, SECRET, NOW)
    await SIGNER.verify(given(header, body, NOW), SECRET)
    assert await SIGNER.refusal(given(header, body + " ", NOW), SECRET) is Refusal.MISMATCH


def test_stripes_library_takes_what_the_contract_signs() -> None:
    header = sign(EVENT.encode(), SECRET, NOW).header("Stripe-Signature")
    assert stripe.WebhookSignature.verify_header(EVENT, header, SECRET)


@pytest.mark.parametrize(
    ("header", "refusal"),
    [
        (f"t=1700000000,v0={VECTOR}", Refusal.MALFORMED),
        (f"v1={VECTOR}", Refusal.MALFORMED),
        ("t=1700000000", Refusal.MALFORMED),
        (f"t=1700000000,t=1700000000,v1={VECTOR}", Refusal.MALFORMED),
        (f"t=1700000001,v1={VECTOR}", Refusal.MISMATCH),
        ("t=1700000000,v1=", Refusal.MISMATCH),
        ("t=1700000000,v1=zz", Refusal.MISMATCH),
    ],
)
async def test_another_header_is_refused(header: str, refusal: Refusal) -> None:
    assert await SIGNER.refusal(given(header), SECRET) is refusal


async def test_while_a_secret_is_rolled_either_of_its_signatures_will_do() -> None:
    content = f"{NOW}.{EVENT}".encode()
    both = f"t={NOW},v1={hmac_hex(NEXT, content)},v1={hmac_hex(SECRET, content)},v0=00"
    for secrets in ((SECRET,), (NEXT,), (SECRET, NEXT)):
        await SIGNER.verify(given(both, at=NOW), *secrets)
    assert await SIGNER.refusal(given(both, at=NOW), "whsec_third") is Refusal.MISMATCH


async def test_a_time_that_is_signed_and_no_number_is_refused() -> None:
    for time in ("1e9", "-5", "", "\u0661", "9" * 30, "1700000000.5"):
        header = f"t={time},v1={hmac_hex(SECRET, time.encode('latin-1', 'replace') + b'.' + EVENT.encode())}"
        assert await SIGNER.refusal(given(header), SECRET) is Refusal.MALFORMED
