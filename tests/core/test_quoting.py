"""What a message may quote, and what may be a credential."""

import pytest

from exporter.core.quoting import has_credential_form, is_plain_key, is_plain_path, quoted
from tests.config.test_planted import PLANTED

WORDS = (
    "google_calender",
    "PUT",
    "5 minutes",
    "22:00",
    "TLS13",
    "verify-full",
    "europe",
    "2xx",
    "10.0.0.0/8",
)
KEYS = ("intervall", "service_role_kye", "secretKey", "insecureskipverify", "X-Api-Key", "allow_over_budgett")
PATHS = ("/run/secrets/stripe", "tenants/*.yml", "stripe.txt", "../ca.pem", "/etc/integration-exporter/a.yml")


@pytest.mark.parametrize("word", WORDS)
def test_an_ordinary_word_is_quoted(word: str) -> None:
    assert quoted(word) == repr(word)


@pytest.mark.parametrize("key", KEYS)
def test_a_mistyped_key_is_quoted(key: str) -> None:
    assert is_plain_key(key)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_quoted(path: str) -> None:
    assert is_plain_path(path)


@pytest.mark.parametrize("secret", PLANTED)
def test_what_vendors_issue_is_quoted_nowhere(secret: str) -> None:
    assert quoted(secret) == "the value"
    assert not is_plain_key(secret)
    assert not is_plain_path(secret)


@pytest.mark.parametrize("secret", PLANTED[:-2])
def test_what_vendors_issue_has_the_form_of_a_credential(secret: str) -> None:
    assert has_credential_form(secret)
    assert has_credential_form(f"/services/{secret}/x")


@pytest.mark.parametrize(
    "word", ["a" * 17, "https://a.b/c", "w" * 5 + " " + "x" * 17, "a b " * 20, "ab3cd4ef5"]
)
def test_a_long_or_odd_word_is_not_quoted(word: str) -> None:
    assert quoted(word, "it") == "it"
