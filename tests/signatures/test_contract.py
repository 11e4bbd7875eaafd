"""What every scheme must keep to, whichever comes: SIGNER in its own test file is all it takes."""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter import signatures
from exporter.core.signature import IncomingRequest, Refusal, SignatureError
from exporter.signatures import schemes
from tests.signatures.signer import NOW, Signer, with_header, without

OPEN = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
YEARS = 10 * 365 * 86_400


def signer_of(name: str) -> Signer:
    found = importlib.import_module(f"tests.signatures.test_{name}").SIGNER
    assert isinstance(found, Signer)
    assert found.scheme is schemes()[name]
    return found


@pytest.fixture(params=schemes())
def signer(request: pytest.FixtureRequest) -> Signer:
    return signer_of(request.param)


def genuine(signer: Signer, secret: int = 0, at: int = NOW) -> IncomingRequest:
    return signer.sign(signer.body, signer.secrets[secret], at)


def test_each_file_is_a_scheme_of_its_name_that_says_what_it_is() -> None:
    files = {path.stem for path in Path(signatures.__path__[0]).glob("[a-z]*.py")}
    assert schemes().keys() == files
    for name, scheme in schemes().items():
        assert scheme.name == name
        assert scheme.title
        about = importlib.import_module(f"exporter.signatures.{name}").__doc__ or ""
        assert "Source: " in about, f"{name}: say where the facts are from"


async def test_what_is_signed_right_is_accepted(signer: Signer) -> None:
    await signer.verify(genuine(signer), signer.secrets[0])


async def test_each_secret_of_a_source_is_accepted_and_no_other(signer: Signer) -> None:
    first, second, other = signer.secrets
    for secret in (0, 1):
        await signer.verify(genuine(signer, secret), first, second)
        await signer.verify(genuine(signer, secret), second, first)
    assert await signer.refusal(genuine(signer, 2), first, second) is Refusal.MISMATCH
    assert await signer.refusal(genuine(signer), other) is Refusal.MISMATCH


async def test_without_a_secret_nothing_is_accepted(signer: Signer) -> None:
    for empty in ((), ("",)) if not signer.document else ((),):
        request = signer.sign(signer.body, signer.secrets[0], NOW)
        assert await signer.refusal(request, *empty) in (Refusal.MISMATCH, Refusal.KEY_UNAVAILABLE)


async def test_a_body_with_another_byte_is_refused(signer: Signer) -> None:
    request = genuine(signer)
    for index, byte in enumerate(request.body):
        altered = request.body[:index] + bytes([byte ^ 1]) + request.body[index + 1 :]
        assert await signer.refusal(replace(request, body=altered), signer.secrets[0]), index
    for altered in (request.body + b" ", request.body[:-1], b""):
        assert await signer.refusal(replace(request, body=altered), signer.secrets[0])


async def test_a_proof_with_another_character_is_refused(signer: Signer) -> None:
    request = genuine(signer)
    for name in signer.proofs:
        value = request.header(name)
        for index, sign in enumerate(value):
            for bit in (1, 32):  # the second one changes the case of a letter
                altered = value[:index] + chr(ord(sign) ^ bit) + value[index + 1 :]
                if altered.strip() != value:
                    assert await signer.refusal(with_header(request, name, altered), signer.secrets[0]), (
                        altered
                    )


async def test_a_secret_with_another_byte_is_refused(signer: Signer) -> None:
    secret = signer.secrets[0]
    for index in range(len(secret) - 2):  # the last letters of base64 may have bits without meaning
        other = secret[:index] + chr(ord(secret[index]) ^ 1) + secret[index + 1 :]
        try:
            trust = signer.trust(other)
        except ValueError:
            continue  # no secret at all any more
        with pytest.raises(SignatureError):
            await signer.scheme.verify(genuine(signer), trust)


async def test_a_proof_that_is_missing_empty_or_there_twice_is_refused(signer: Signer) -> None:
    request = genuine(signer)
    for name in signer.proofs:
        value, others = request.header(name), without(request.headers, name)
        assert value, name
        gone = replace(request, headers=others)
        assert await signer.refusal(gone, signer.secrets[0]) is Refusal.MISSING
        assert await signer.refusal(with_header(request, name, ""), signer.secrets[0]) is Refusal.MISSING
        for second in (value, "x"):
            for lines in (
                (*request.headers, (name.lower(), second)),
                ((name.upper(), second), *request.headers),
            ):
                twice = replace(request, headers=lines)
                assert await signer.refusal(twice, signer.secrets[0]) is Refusal.MALFORMED


async def test_the_names_of_headers_may_be_in_any_case(signer: Signer) -> None:
    request = genuine(signer)
    for change in (str.lower, str.upper):
        lines = tuple((change(name), value) for name, value in request.headers)
        await signer.verify(replace(request, headers=lines), signer.secrets[0])


async def test_a_time_that_is_signed_is_bounded_both_ways(signer: Signer) -> None:
    request = genuine(signer)
    for seconds in (-60, 0, 60):
        await signer.verify(replace(request, received=NOW + seconds), signer.secrets[0], tolerance=60)
    for seconds in (-YEARS, -61, 61, YEARS):
        late = replace(request, received=float(NOW + seconds))
        if signer.scheme.signs_time:
            assert await signer.refusal(late, signer.secrets[0], tolerance=60) is Refusal.STALE
        else:
            await signer.verify(late, signer.secrets[0], tolerance=60)


async def test_a_webhook_that_is_sent_again_has_the_same_id_whatever_is_not_signed(signer: Signer) -> None:
    first = await signer.verify(genuine(signer), signer.secrets[0])
    again = genuine(signer, secret=1, at=NOW + 30)
    again = replace(
        again, headers=(*again.headers, ("X-Delivery", "other"), ("I-Twilio-Idempotency-Token", "x"))
    )
    second = await signer.verify(again, signer.secrets[1])
    assert first.event_id == second.event_id
    assert len(first.event_id) <= 256
    replayed = replace(genuine(signer), headers=(*genuine(signer).headers, ("X-GitHub-Delivery", "other")))
    assert (await signer.verify(replayed, signer.secrets[0])).event_id == first.event_id


@OPEN
@given(body=st.binary(max_size=300))
async def test_a_body_may_be_any_bytes(signer: Signer, body: bytes) -> None:
    request = signer.sign(body, signer.secrets[0], NOW)
    await signer.verify(request, signer.secrets[0])
    await signer.refusal(replace(request, body=body + b"x"), signer.secrets[0])


TEXT = st.text(st.characters(max_codepoint=255), max_size=80)


@OPEN
@given(
    values=st.lists(TEXT, min_size=6, max_size=6),
    body=st.binary(max_size=80),
    url=st.text(max_size=80),
    more=st.lists(st.tuples(TEXT, TEXT), max_size=3),
)
async def test_nothing_but_a_refusal_comes_of_odd_bytes(
    signer: Signer, values: list[str], body: bytes, url: str, more: list[tuple[str, str]]
) -> None:
    lines = [(name, values[index % 6]) for index, name in enumerate(signer.proofs)]
    odd = IncomingRequest("POST", url, (*lines, *more), body, float(NOW))
    for request in (
        odd,
        replace(genuine(signer), headers=(*lines, *more)),
        replace(genuine(signer), url=url),
    ):
        try:
            await signer.verify(request, *signer.secrets)
        except SignatureError as error:
            assert isinstance(error.refusal, Refusal)
        else:
            assert request.url == url, "only where the URL is not signed"
            assert not signer.scheme.signs_url


async def test_deep_and_huge_json_is_no_trouble(signer: Signer) -> None:
    for body in (
        b"[" * 100_000,
        b'{"id":' * 50_000,
        b'{"id": ' + b"9" * 10_000 + b"}",
        b'{"id": "' + b"x" * 9_000 + b'"}',
    ):
        request = signer.sign(body, signer.secrets[0], NOW)
        assert len((await signer.verify(request, signer.secrets[0])).event_id) <= 256
