"""Twilio's signatures: forms, JSON, ports, proxies, shared keys, also as Twilio's own library makes them."""

import base64
import hashlib
import hmac
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from exporter.core.signature import IncomingRequest, Refusal
from exporter.signatures.twilio import SCHEME
from tests.signatures.signer import JSON, NOW, URL, Signer, post

FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
TOKEN = "12345"
SMS = "https://example.com/sms?tenant=a"
FIELDS = {"From": "+15550001111", "To": "+15550002222", "MessageStatus": "failed", "ErrorCode": "30003"}
SHARED = ("X-Twilio-Webhooks-Signature-Settings", "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256")


def made(token: str, content: str, algorithm: str = "sha1") -> str:
    return base64.b64encode(hmac.new(token.encode(), content.encode(), algorithm).digest()).decode()


def sign(body: bytes, secret: str, at: int) -> IncomingRequest:
    url = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    return post(body, at, JSON, ("X-Twilio-Signature", made(secret, url)), url=url)


SIGNER = Signer(SCHEME, sign, ("token-one", "token-two", "other"), ("X-Twilio-Signature",))


def form(
    signature: str, fields: dict[str, str] | str = FIELDS, *more: tuple[str, str], url: str = SMS
) -> IncomingRequest:
    body = fields if isinstance(fields, str) else urlencode(fields)
    return post(body.encode(), NOW, FORM, ("X-Twilio-Signature", signature), *more, url=url)


async def test_known_signatures_are_accepted() -> None:
    found = await SIGNER.verify(form("dkLgWUVgLdoUm577p8fIT8lYmZg="), TOKEN)
    assert found.type == "failed"
    sha256 = form("UKscXnCZqN47xMwbYa/8nG+SQDRJcUUZg/EPvvUjUjE=", FIELDS, SHARED)
    assert (await SIGNER.verify(sha256, TOKEN)).event_id == found.event_id
    digest = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    url = f"https://example.com/hook?bodySHA256={digest}"
    await SIGNER.verify(
        post(b'{"a":1}', NOW, JSON, ("X-Twilio-Signature", "2e7mH/NA6FwzvUqLZxhsETU/4bw="), url=url), TOKEN
    )


async def test_the_example_of_twilios_documentation_is_accepted() -> None:
    # twilio.com/docs/usage/webhooks/webhooks-security, and the tests of twilio-python
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    fields = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "From": "+14158675309", "To": "+18005551212"}
    fields["Caller"] = "+14158675309"
    await SIGNER.verify(form("RSOYDt4T1cUTdK1PDd93/VVr8B8=", fields, url=url), TOKEN)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(deadline=None)
@given(
    fields=st.dictionaries(TEXTS.filter(bool), TEXTS, min_size=1, max_size=6),
    path=st.from_regex(r"\A/[a-z0-9/%]{0,9}(\?[a-z]=[A-Za-z0-9%+]{0,9})?\Z"),
    port=st.sampled_from(["", ":443", ":8443"]),
    algorithm=st.sampled_from(["HMAC_SHA1", "HMAC_SHA256"]),
)
async def test_what_twilios_library_signs_is_accepted(
    fields: dict[str, str], path: str, port: str, algorithm: str
) -> None:
    url, validator = f"https://example.com{port}{path}", RequestValidator(TOKEN)
    signature = validator.compute_signature(url, fields, algorithm)
    settings_line = ("X-Twilio-Webhooks-Signature-Settings", f"key=k,algorithm={algorithm}")
    await SIGNER.verify(form(signature, fields, settings_line, url=url), TOKEN)
    assert validator.validate(url, fields, signature, algorithm)


@pytest.mark.parametrize(
    ("called", "known"),
    [
        ("https://example.com/a", "https://example.com:443/a"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("http://example.com/a", "http://example.com:80/a"),
        ("https://example.com/a", "https://example.com:8443/a"),
        ("https://[2001:db8::1]/a?b=c", "https://[2001:db8::1]:443/a?b=c"),
        ("https://example.com/a?", "https://example.com/a?"),
    ],
)
async def test_the_port_may_be_there_or_not(called: str, known: str) -> None:
    await SIGNER.verify(form(made(TOKEN, called + "ab"), {"a": "b"}, url=known), TOKEN)
    await SIGNER.verify(form(made(TOKEN, known + "ab"), {"a": "b"}, url=known), TOKEN)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/sms?tenant=a",
        "https://example.com/sms?tenant=b",
        "https://example.com/sms/?tenant=a",
        "https://example.com/sms",
        "https://internal:8080/sms?tenant=a",
        "https://example.org/sms?tenant=a",
    ],
)
async def test_another_url_is_refused(url: str) -> None:
    assert await SIGNER.refusal(form("dkLgWUVgLdoUm577p8fIT8lYmZg=", url=url), TOKEN) is Refusal.MISMATCH


async def test_each_field_is_signed() -> None:
    signature = "dkLgWUVgLdoUm577p8fIT8lYmZg="
    for name, value in FIELDS.items():
        for fields in (
            {**FIELDS, name: value + "x"},
            {**FIELDS, name: value[:-1]},
            {known: text for known, text in FIELDS.items() if known != name},
            {**FIELDS, "More": ""},
        ):
            assert await SIGNER.refusal(form(signature, fields), TOKEN) is Refusal.MISMATCH


async def test_empty_and_repeated_and_odd_fields_are_signed_as_twilio_does() -> None:
    for body, content in (
        ("b=&a=1", "a1b"),
        ("a=2&a=1&a=2", "a1a2"),
        ("a=J%C3%BCrgen+M", "aJürgen M"),
        ("a=x%3D%26y", "ax=&y"),
    ):
        await SIGNER.verify(form(made(TOKEN, SMS + content), body), TOKEN)


async def test_bytes_that_are_no_text_are_signed_as_they_are() -> None:
    signature = base64.b64encode(
        hmac.new(TOKEN.encode(), SMS.encode() + b"a\xff\xfe", "sha1").digest()
    ).decode()
    line = ("X-Twilio-Signature", signature)
    for body in (b"a=%FF%FE", b"a=\xff\xfe"):
        await SIGNER.verify(post(body, NOW, FORM, line, url=SMS), TOKEN)


@pytest.mark.parametrize("kind", [JSON, FORM, ("Content-Type", "text/plain"), ("X-None", "")])
async def test_the_type_of_content_lets_no_other_body_through(kind: tuple[str, str]) -> None:
    body = b'{"a":1}'
    genuine = sign(body, TOKEN, NOW)
    for other in (b"", b"&&&", b"x=y", b'{"a":2}'):
        lines = (kind, ("X-Twilio-Signature", genuine.header("X-Twilio-Signature")))
        assert await SIGNER.refusal(post(other, NOW, *lines, url=genuine.url), TOKEN) is Refusal.MISMATCH
    signature = "dkLgWUVgLdoUm577p8fIT8lYmZg="
    if kind != FORM:
        plain = post(urlencode(FIELDS).encode(), NOW, kind, ("X-Twilio-Signature", signature), url=SMS)
        assert await SIGNER.refusal(plain, TOKEN) is Refusal.MISSING


async def test_a_field_that_is_cut_elsewhere_is_the_same_webhook() -> None:
    # Twilio signs names and values without a mark between them, so nothing tells these two apart.
    first = await SIGNER.verify(form(made(TOKEN, SMS + "MessageSidSM1"), "MessageSid=SM1"), TOKEN)
    second = await SIGNER.verify(form(made(TOKEN, SMS + "MessageSidSM1"), "MessageSi=dSM1"), TOKEN)
    other = await SIGNER.verify(form(made(TOKEN, SMS + "MessageSidSM2"), "MessageSid=SM2"), TOKEN)
    assert first.event_id == second.event_id != other.event_id


def test_the_answer_is_twiml_that_does_nothing() -> None:
    # twilio.com/docs/usage/webhooks/sms-webhooks: a text would be sent on to whoever wrote the message
    assert (SCHEME.answer, SCHEME.answer_type) == (b"<Response></Response>", "text/xml")


async def test_a_get_has_no_body_and_its_url_is_signed() -> None:
    line = ("X-Twilio-Signature", made(TOKEN, SMS))
    await SIGNER.verify(IncomingRequest("GET", SMS, (line,), b"", NOW), TOKEN)


@pytest.mark.parametrize(
    ("settings_header", "refusal"),
    [
        ("key=k,algorithm=HMAC_MD5", Refusal.UNKNOWN_KEY),
        ("algorithm=none", Refusal.UNKNOWN_KEY),
        ("key=k", None),
        ("key=k, algorithm = hmac_sha1 ", None),
        (",,=,", None),
    ],
)
async def test_the_settings_name_the_algorithm(settings_header: str, refusal: Refusal | None) -> None:
    line = ("X-Twilio-Webhooks-Signature-Settings", settings_header)
    request = form("dkLgWUVgLdoUm577p8fIT8lYmZg=", FIELDS, line)
    if refusal:
        assert await SIGNER.refusal(request, TOKEN) is refusal
    else:
        await SIGNER.verify(request, TOKEN)


@pytest.mark.parametrize("url", ["https://[::1/a", "https://a:99999/", "https://a:x/"])
async def test_a_url_that_cannot_be_read_is_refused(url: str) -> None:
    assert await SIGNER.refusal(form("dkLgWUVgLdoUm577p8fIT8lYmZg=", url=url), TOKEN) is Refusal.MALFORMED


async def test_a_form_of_many_fields_is_refused() -> None:
    body = "&".join(f"a{index}=1" for index in range(2_000))
    assert await SIGNER.refusal(form("AAAA", body), TOKEN) is Refusal.MALFORMED


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"SmsStatus": "received"}, "received"),
        ({"CallStatus": "completed"}, "completed"),
        ({"MessageStatus": "sent", "SmsStatus": "x"}, "sent"),
        ({"MessageStatus": "x" * 300}, ""),
        ({"Body": "x"}, ""),
    ],
)
async def test_the_type_is_the_status_that_is_reported(fields: dict[str, str], kind: str) -> None:
    content = SMS + "".join(name + fields[name] for name in sorted(fields))
    assert (await SIGNER.verify(form(made(TOKEN, content), fields), TOKEN)).type == kind
