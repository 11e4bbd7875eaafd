"""Standard Webhooks in both directions, also as the libraries of Svix and of the specification do it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks
import svix.webhooks
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.signature import IncomingRequest, Refusal
from exporter.core.standard_secret import key_of, new_secret, secret_problem
from exporter.signatures.standard import SCHEME
from exporter.signatures.standard import sign as sign_ours
from tests.signatures.signer import JSON, NOW, Signer, post, with_header

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
NEXT = "whsec_HxwdHhscGRoYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE="
OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def signature(body: bytes, secret: str, at: int, message_id: str = "msg_1") -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{message_id}.{at}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def sign(body: bytes, secret: str, at: int) -> IncomingRequest:
    lines = (("webhook-id", "msg_1"), ("webhook-timestamp", str(at)))
    return post(body, at, JSON, *lines, ("webhook-signature", signature(body, secret, at)))


PROOFS = ("webhook-id", "webhook-timestamp", "webhook-signature")
SIGNER = Signer(SCHEME, sign, (SECRET, NEXT, OTHER), PROOFS)
VECTORS = (
    # the specification's own (standard-webhooks/spec, "Verifying signatures"), as its libraries test it
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        b'{"test": 2432232314}',
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        SECRET,
        "msg_test_1",
        1_795_255_200,
        b'{"type":"email.bounced","timestamp":"2026-11-21T10:00:00Z","data":{}}',
        "v1,+qvpgNxg+SHasnlkeahiEpDcoyERMu6ypnjNB4DgF/I=",
    ),
)


def arrived(message_id: str, at: int, body: bytes, header: str, prefix: str = "webhook-") -> IncomingRequest:
    names = ("id", "timestamp", "signature")
    return post(
        body, at, *zip((f"{prefix}{name}" for name in names), (message_id, str(at), header), strict=True)
    )


@pytest.mark.parametrize("prefix", ["webhook-", "svix-"])
@pytest.mark.parametrize("vector", VECTORS, ids=["specification", "email"])
async def test_known_signatures_are_accepted(vector: tuple[str, str, int, bytes, str], prefix: str) -> None:
    secret, message_id, at, body, header = vector
    found = await SIGNER.verify(arrived(message_id, at, body, header, prefix), secret)
    assert (found.event_id, found.type) == (message_id, json.loads(body).get("type", ""))
    assert (
        await SIGNER.refusal(arrived(message_id + "x", at, body, header, prefix), secret) is Refusal.MISMATCH
    )
    assert dict(sign_ours(message_id, at, body, [secret]))["webhook-signature"] == header


LIBRARIES = (standardwebhooks.Webhook, svix.webhooks.Webhook)


@pytest.mark.parametrize("library", LIBRARIES, ids=["standardwebhooks", "svix"])
@settings(deadline=None)
@given(body=st.text(st.characters(exclude_categories=["Cs"])), message_id=st.from_regex(r"\A[!-~]{1,60}\Z"))
async def test_what_a_library_signs_is_accepted(
    library: Callable[[str], object], body: str, message_id: str
) -> None:
    made = library(SECRET).sign(message_id, datetime.fromtimestamp(NOW, UTC), body)  # type: ignore[attr-defined]  # both have it
    found = await SIGNER.verify(arrived(message_id, NOW, body.encode(), made), SECRET)
    assert found.event_id == message_id
    assert (
        await SIGNER.refusal(arrived(message_id, NOW, body.encode() + b" ", made), SECRET) is Refusal.MISMATCH
    )


def now() -> int:
    return int(datetime.now(UTC).timestamp())


@settings(deadline=None)
@given(data=st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_the_libraries_take_what_we_sign(data: dict[str, object]) -> None:
    body = json.dumps({"type": "order.paid", "data": data}, ensure_ascii=False)
    body = body.encode("utf-8", "replace").decode()
    headers = dict(sign_ours("msg_1", now(), body.encode(), [SECRET, NEXT]))
    for secret in (SECRET, NEXT):
        assert standardwebhooks.Webhook(secret).verify(body, headers) == json.loads(body)
        svix.webhooks.Webhook(secret).verify(body, headers)
    for wrong in (OTHER, new_secret()):
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            standardwebhooks.Webhook(wrong).verify(body, headers)


@pytest.mark.parametrize("name", PROOFS)
def test_the_libraries_refuse_what_was_altered(name: str) -> None:
    good = dict(sign_ours("msg_1", now(), b"{}", [SECRET]))
    altered = {
        **good,
        name: good[name].replace("1", "2", 1) if name != "webhook-signature" else "v1," + "A" * 44,
    }
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(SECRET).verify("{}", altered)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(SECRET).verify("{ }", good)
    old = dict(sign_ours("msg_1", now() - int(timedelta(minutes=6).total_seconds()), b"{}", [SECRET]))
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(SECRET).verify("{}", old)


async def test_each_of_several_secrets_signs_in_its_order() -> None:
    headers = sign_ours("msg_1", NOW, b"{}", [NEXT, SECRET])
    assert headers[2][1] == f"{signature(b'{}', NEXT, NOW)} {signature(b'{}', SECRET, NOW)}"
    for secrets in ((SECRET,), (NEXT,), (OTHER, SECRET)):
        await SIGNER.verify(post(b"{}", NOW, *headers), *secrets)
    assert await SIGNER.refusal(post(b"{}", NOW, *headers), OTHER) is Refusal.MISMATCH


async def test_other_versions_of_a_signature_are_passed_over() -> None:
    good = sign(b"{}", SECRET, NOW)
    value = good.header("webhook-signature")
    for header in (f"v1a,AAAA {value}", f"{value} v2,x", f"v1,AAAA {value}"):
        await SIGNER.verify(with_header(good, "webhook-signature", header), SECRET)
    for header in ("v1a,AAAA", value.replace("v1,", "v2,"), "v1", value.removeprefix("v1,"), ","):
        assert await SIGNER.refusal(with_header(good, "webhook-signature", header), SECRET)


async def test_names_of_one_kind_are_not_completed_by_the_other() -> None:
    request = arrived("msg_1", NOW, b"{}", signature(b"{}", SECRET, NOW), "svix-")
    lines = tuple((name.replace("svix-id", "webhook-id"), value) for name, value in request.headers)
    assert await SIGNER.refusal(post(b"{}", NOW, *lines), SECRET) is Refusal.MISSING


async def test_a_secret_that_is_none_signs_nothing() -> None:
    for secret in ("whsec_", "whsec_%%%", "ü", ""):
        made = hmac.new(b"", f"msg_1.{NOW}.".encode(), hashlib.sha256).digest()
        header = "v1," + base64.b64encode(made).decode()
        assert await SIGNER.refusal(arrived("msg_1", NOW, b"", header), secret) is Refusal.MISMATCH
    assert (
        list(SCHEME.problems(None, ["whsec_", SECRET, "whsec_%%%"]))
        == ["the secret is not whsec_ and base64; copy it as it was issued"] * 2
    )


def test_new_secrets_differ_and_are_of_the_size_that_the_specification_wants() -> None:
    made = {new_secret() for _ in range(50)}
    assert len(made) == 50
    for secret in made:
        assert secret.startswith("whsec_")
        assert len(key_of(secret)) == 32
        assert not secret_problem(secret)
        standardwebhooks.Webhook(secret)


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("hunter22", "has 6 bytes"),
        ("whsec_AAEC", "has 3 bytes"),
        ("whsec_", "has 0 bytes"),
        ("whsec_ä", "not whsec_"),
    ],
)
def test_a_secret_of_ours_that_is_none_is_named(secret: str, words: str) -> None:
    problem = secret_problem(secret)
    assert words in problem
    assert (
        secret not in problem.replace("whsec_$(openssl", "").replace("its whsec_,", "") or secret == "whsec_"
    )
