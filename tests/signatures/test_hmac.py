"""The generic scheme: what its options say is what is signed."""

import base64
import hashlib
import hmac
from dataclasses import replace

import pytest

from exporter.core.signature import IncomingRequest, Refusal
from exporter.signatures.hmac import SCHEME, HmacOptions
from tests.signatures.signer import JSON, NOW, Signer, hmac_hex, post

SLACK = {
    "header": "X-Slack-Signature",
    "prefix": "v0=",
    "timestamp_header": "X-Slack-Request-Timestamp",
    "signed": "v0:{timestamp}:{body}",
}


def sign(body: bytes, secret: str, at: int) -> IncomingRequest:
    signature = hmac_hex(secret, f"v0:{at}:".encode() + body)
    lines = (("X-Slack-Request-Timestamp", str(at)), ("X-Slack-Signature", f"v0={signature}"))
    return post(body, at, JSON, *lines)


PROOFS = ("X-Slack-Request-Timestamp", "X-Slack-Signature")
SIGNER = Signer(SCHEME, sign, ("first-secret", "second-secret", "other"), PROOFS, SLACK)


async def test_the_example_of_slacks_documentation_is_accepted() -> None:
    # docs.slack.dev, "Verifying requests from Slack"
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    lines = (("X-Slack-Request-Timestamp", "1531420618"), ("X-Slack-Signature", signature))
    await SIGNER.verify(post(body, 1_531_420_618, *lines), "8f742231b10e8888abcd99yyyzzz85a5")


def signer(**options: str) -> Signer:
    return replace(SIGNER, options={"header": "X-Sign", **options})


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("prefix", ["", "sha=", "ü "])
async def test_algorithm_encoding_and_prefix_are_as_they_say(
    algorithm: str, encoding: str, prefix: str
) -> None:
    ours = signer(algorithm=algorithm, encoding=encoding, prefix=prefix)
    made = hmac.new(b"s", b"body", getattr(hashlib, algorithm)).digest()
    text = made.hex() if encoding == "hex" else base64.b64encode(made).decode()
    await ours.verify(post(b"body", NOW, ("X-Sign", prefix + text)), "s")
    other = base64.b64encode(made).decode() if encoding == "hex" else made.hex()
    for wrong in (prefix + other, "x" + prefix + text, prefix + prefix + text + "="):
        assert await ours.refusal(post(b"body", NOW, ("X-Sign", wrong)), "s")
    if prefix:
        assert await ours.refusal(post(b"body", NOW, ("X-Sign", text)), "s") is Refusal.MALFORMED


async def test_hex_may_be_in_capitals_and_not_in_both() -> None:
    text = hmac_hex("s", b"body")
    await signer().verify(post(b"body", NOW, ("X-Sign", text.upper())), "s")
    mixed = text[:20] + text[20:].upper()
    assert mixed not in (text, text.upper())
    assert await signer().refusal(post(b"body", NOW, ("X-Sign", mixed)), "s") is Refusal.MISMATCH


async def test_base64_has_one_way_of_writing() -> None:
    text = base64.b64encode(hmac.new(b"s", b"body", "sha256").digest()).decode()
    ours = signer(encoding="base64")
    await ours.verify(post(b"body", NOW, ("X-Sign", text)), "s")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = letters[letters.index(text[-2]) ^ 1]
    assert base64.b64decode(text[:-2] + last + "=") == base64.b64decode(text)
    for other in (text[:-2] + last + "=", text[:-1], text + "=", f"{text[:9]}\n{text[9:]}"):
        assert await ours.refusal(post(b"body", NOW, ("X-Sign", other)), "s") is Refusal.MISMATCH


@pytest.mark.parametrize(("encoding", "secret"), [("text", "6b6579"), ("hex", "6b6579"), ("base64", "a2V5")])
async def test_secrets_are_written_as_they_say(encoding: str, secret: str) -> None:
    key = secret if encoding == "text" else "key"
    request = post(b"body", NOW, ("X-Sign", hmac_hex(key, b"body")))
    await signer(secret_encoding=encoding).verify(request, secret)


@pytest.mark.parametrize("encoding", ["text", "hex", "base64"])
async def test_a_secret_that_is_none_signs_nothing(encoding: str) -> None:
    request = post(b"body", NOW, ("X-Sign", hmac_hex("", b"body")))
    for secret in ("", "%", "ü%"):
        assert await signer(secret_encoding=encoding).refusal(request, secret) is Refusal.MISMATCH


async def test_the_time_may_be_in_milliseconds() -> None:
    ours = signer(timestamp_header="X-Time", signed="{timestamp}.{body}")
    for time, refusal in (
        (f"{NOW}123", None),
        (f"{NOW - 400}000", Refusal.STALE),
        (f"{NOW}x", Refusal.MALFORMED),
    ):
        lines = (("X-Time", time), ("X-Sign", hmac_hex("s", f"{time}.body".encode())))
        if refusal is None:
            await ours.verify(post(b"body", NOW, *lines), "s")
        else:
            assert await ours.refusal(post(b"body", NOW, *lines), "s") is refusal


async def test_a_time_that_names_the_body_puts_it_nowhere_else() -> None:
    ours = signer(timestamp_header="X-Time", signed="{timestamp}.{body}")
    lines = (("X-Time", "{body}"), ("X-Sign", hmac_hex("s", b"body.")))
    assert await ours.refusal(post(b"body", NOW, *lines), "s") is Refusal.MISMATCH


@pytest.mark.parametrize(
    ("options", "body", "event_id", "kind"),
    [
        ({"id_path": "id", "type_path": "type"}, b'{"id": "e1", "type": "paid"}', "e1", "paid"),
        ({"id_path": "data.event.id"}, b'{"data": {"event": {"id": 7}}}', "7", ""),
        ({"id_path": "data.event.id"}, b'{"data": {"event": "x"}}', "", ""),
        ({"id_path": "data.event.id"}, b"data", "", ""),
        ({"id_path": "id"}, b'{"id": true}', "", ""),
        ({"id_path": "id"}, b'{"id": "a\\nb"}', "", ""),
        ({"type_header": "X-Kind", "type_path": "type"}, b'{"type": "body"}', "", "header"),
        ({"type_header": "X-None", "type_path": "type"}, b'{"type": "body"}', "", "body"),
    ],
)
async def test_id_and_type_are_where_the_options_say(
    options: dict[str, str], body: bytes, event_id: str, kind: str
) -> None:
    request = post(body, NOW, ("X-Kind", "header"), ("X-Sign", hmac_hex("s", body)))
    found = await signer(**options).verify(request, "s")
    assert (found.event_id, found.type) == (event_id, kind)


@pytest.mark.parametrize(
    ("options", "secret", "words"),
    [
        ({}, "s", ""),
        ({"signed": "{timestamp}{body}"}, "s", "no timestamp_header; add timestamp_header:"),
        ({"timestamp_header": "X-Time"}, "s", "is not signed"),
        ({"secret_encoding": "hex"}, "planted", "a secret is no hex"),
        ({"secret_encoding": "base64"}, "planted%", "a secret is no base64"),
    ],
)
def test_what_does_not_fit_together_is_named(options: dict[str, str], secret: str, words: str) -> None:
    found = list(SCHEME.problems(HmacOptions(header="X-Sign", **options), [secret]))
    assert (not found) if not words else (words in found[0] and "planted" not in found[0])
