"""fal's signatures: its keys are fetched, kept, and rotate."""

import base64
import hashlib
import json
from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exporter.core.signature import IncomingRequest, Refusal, SignatureError, Trust
from exporter.signatures.fal import SCHEME, FalOptions
from tests.signatures.signer import JSON, NOW, Published, Signer, post

NAMES = (
    "X-Fal-Webhook-Request-Id",
    "X-Fal-Webhook-User-Id",
    "X-Fal-Webhook-Timestamp",
    "X-Fal-Webhook-Signature",
)


def key_of(secret: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(secret.encode()).digest())


def document_of(*keys: Ed25519PrivateKey) -> bytes:
    found = (
        base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode() for key in keys
    )
    return json.dumps(
        {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "k"} for x in found]}
    ).encode()


def document(secrets: Sequence[str]) -> bytes:
    return document_of(*map(key_of, secrets))


def signed(
    body: bytes, key: Ed25519PrivateKey, at: int, request_id: str = "r1", user: str = "u1"
) -> IncomingRequest:
    text = f"{request_id}\n{user}\n{at}\n{hashlib.sha256(body).hexdigest()}"
    values = (request_id, user, str(at), key.sign(text.encode("latin-1")).hex())
    return post(body, at, JSON, *zip(NAMES, values, strict=True))


def sign(body: bytes, secret: str, at: int) -> IncomingRequest:
    return signed(body, key_of(secret), at)


SIGNER = Signer(SCHEME, sign, ("one", "two", "three"), NAMES, document=document)
VECTOR_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VECTOR = (
    "4d71326d893d08359bb51cccac1ccf7f4cc0f3c277487a4a9236d171e4e0e5af90d14c169079a93926966549420cba5ea7639348"
    "4303238da82d157893f87f03"
)
BODY = b'{"request_id":"r1","status":"OK"}'
GOOD = post(BODY, NOW, *zip(NAMES, ("r1", "u1", str(NOW), VECTOR), strict=True))


def trust(published: Published, user_id: str = "") -> Trust:
    return Trust((), published, options=FalOptions(user_id=user_id))


async def refusal(request: IncomingRequest, given: Trust) -> Refusal:
    with pytest.raises(SignatureError) as caught:
        await SCHEME.verify(request, given)
    return caught.value.refusal


async def test_a_known_signature_is_accepted_with_id_and_status() -> None:
    assert b"A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg" in document_of(VECTOR_KEY)
    found = await SCHEME.verify(GOOD, trust(Published(document_of(VECTOR_KEY))))
    assert (found.event_id, found.type) == ("r1", "OK")


async def test_keys_of_another_kind_are_passed_over() -> None:
    known = json.loads(document_of(VECTOR_KEY))["keys"]
    odd = [
        {"kty": "RSA", "n": "x"},
        {"kty": "OKP", "crv": "Ed448", "x": "AAAA"},
        {"kty": "OKP", "crv": "Ed25519"},
        {"kty": "OKP", "crv": "Ed25519", "x": "%%%"},
        {"kty": "OKP", "crv": "Ed25519", "x": "ü"},
        {"kty": "OKP", "crv": "Ed25519", "x": 5},
        "x",
        None,
    ]
    published = Published(json.dumps({"keys": [*odd, *known]}).encode())
    await SCHEME.verify(GOOD, trust(published))
    assert published.asked == 1


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"keys": 5}', b'{"keys": []}', b"<html>", b"[" * 100_000, b"\xff"]
)
async def test_a_document_without_keys_makes_no_webhook_genuine(body: bytes) -> None:
    assert await refusal(GOOD, trust(Published(body))) is Refusal.KEY_UNAVAILABLE


async def test_a_new_key_is_asked_for_once() -> None:
    published = Published(document(["old"]), later=document_of(VECTOR_KEY))
    await SCHEME.verify(GOOD, trust(published))
    assert published.asked == 2
    same = Published(document(["old"]))
    assert await refusal(GOOD, trust(same)) is Refusal.MISMATCH
    assert same.asked == 2


async def test_webhooks_of_another_customer_are_refused() -> None:
    published = Published(document_of(VECTOR_KEY))
    await SCHEME.verify(GOOD, trust(published, "u1"))
    assert await refusal(GOOD, trust(published, "u2")) is Refusal.MISMATCH


def test_an_operator_is_told_that_any_customer_can_send() -> None:
    assert "options.user_id" in SCHEME.advice(FalOptions())
    assert SCHEME.advice(FalOptions(user_id="u1")) == ""
