"""Meta's signatures, over escaped characters too, and the question by GET that comes before."""

import json

import pytest

from exporter.core.signature import IncomingRequest, Refusal, SignatureError
from exporter.signatures.meta import SCHEME
from tests.signatures.signer import JSON, NOW, URL, Signer, hmac_hex, post


def sign(body: bytes, secret: str, at: int) -> IncomingRequest:
    return post(body, at, JSON, ("X-Hub-Signature-256", f"sha256={hmac_hex(secret, body)}"))


SIGNER = Signer(SCHEME, sign, ("app-secret-1", "app-secret-2", "other"), ("X-Hub-Signature-256",))
VECTORS = (
    (
        "app_secret_123",
        b'{"object":"whatsapp_business_account"}',
        "42c02be66a0bea444dfeba4722f7542b79f179101e09a27bae0325160213891b",
    ),
    (
        "app-secret",
        b'{"object":"page","entry":[]}',
        "e6e9d7a842a48e17f43a34d6125d0d933e2aab92ee37f0993a4d493b50e3d438",
    ),
)


@pytest.mark.parametrize(("secret", "body", "signature"), VECTORS)
async def test_known_signatures_are_accepted(secret: str, body: bytes, signature: str) -> None:
    request = post(body, NOW, ("X-Hub-Signature-256", f"sha256={signature}"))
    found = await SIGNER.verify(request, secret)
    assert (found.event_id, found.type) == ("", json.loads(body)["object"])
    assert await SIGNER.refusal(request, secret + "x") is Refusal.MISMATCH


async def test_characters_that_meta_escapes_are_signed_as_it_sends_them() -> None:
    text = {"object": "whatsapp_business_account", "entry": [{"text": "Grüße 👋 <b>/"}]}
    escaped, plain = json.dumps(text).encode(), json.dumps(text, ensure_ascii=False).encode()
    assert b"\\u00fc" in escaped
    assert b"\\ud83d" in escaped
    await SIGNER.verify(sign(escaped, "s", NOW), "s")
    await SIGNER.verify(sign(plain, "s", NOW), "s")
    taken_apart = IncomingRequest("POST", URL, sign(escaped, "s", NOW).headers, plain, NOW)
    assert await SIGNER.refusal(taken_apart, "s") is Refusal.MISMATCH


GOOD = "hub.mode=subscribe&hub.verify_token=token%20of%20m%C3%BCller&hub.challenge=1158201444"


def ask(query: str) -> bytes:
    assert SCHEME.challenge is not None
    return SCHEME.challenge(
        IncomingRequest("GET", f"{URL}?{query}", (), b"", NOW), "token of müller".encode()
    )


def test_the_challenge_is_the_answer_where_the_token_is_right() -> None:
    assert ask(GOOD) == b"1158201444"


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("", Refusal.MISSING),
        ("hub.challenge=1", Refusal.MISSING),
        (GOOD.replace("subscribe", "unsubscribe"), Refusal.MISSING),
        (GOOD.replace("hub.verify_token", "hub.token"), Refusal.MISSING),
        (GOOD.replace("of", "0f"), Refusal.MISMATCH),
        (GOOD.replace("token%20of%20m%C3%BCller", ""), Refusal.MISMATCH),
        (GOOD.replace("m%C3%BCller", "%FF"), Refusal.MISMATCH),
        (GOOD.replace("1158201444", "<script>"), Refusal.MALFORMED),
        (GOOD.replace("1158201444", ""), Refusal.MALFORMED),
        (GOOD.replace("1158201444", "1" * 300), Refusal.MALFORMED),
        ("&".join(["a=b"] * 50), Refusal.MALFORMED),
    ],
)
def test_any_other_question_is_refused(query: str, refusal: Refusal) -> None:
    with pytest.raises(SignatureError) as caught:
        ask(query)
    assert caught.value.refusal is refusal
    assert "müller" not in str(caught.value)
