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
    "30d",
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


@pytest.mark.parametrize(
    ("longest", "too_long"),
    [
        ("a" * 16, "a" * 17),
        ("four " * 12, "four " * 12 + "x"),
        ("A" * 15, "A" * 16),
        ("12345678", "123456789"),
    ],
)
def test_a_value_is_quoted_up_to_its_longest_word_and_its_longest_text(longest: str, too_long: str) -> None:
    assert quoted(longest) == repr(longest)
    assert quoted(too_long) == "the value"


@pytest.mark.parametrize(
    ("longest", "too_long"),
    [("a" * 20, "a" * 21), ("abc_" * 16, "abc_" * 16 + "x"), ("abcde" * 4, "abcde" * 4 + "_" + "a" * 21)],
)
def test_a_key_is_quoted_up_to_its_longest_piece_and_its_longest_name(longest: str, too_long: str) -> None:
    assert is_plain_key(longest)
    assert not is_plain_key(too_long)


@pytest.mark.parametrize("odd", ["ab3", "ab-3", "ab.3", "ab_c"])
def test_a_key_may_have_hyphens_dots_and_underscores(odd: str) -> None:
    assert is_plain_key(odd)


@pytest.mark.parametrize("odd", ["a b", "a:b", "größe", "a/b", "", "-"])
def test_a_key_of_other_signs_is_not_quoted(odd: str) -> None:
    assert not is_plain_key(odd)


def test_an_odd_piece_of_twelve_signs_has_the_form_of_a_credential_and_a_shorter_one_has_not() -> None:
    assert has_credential_form("a1b2c3d4e5f6")
    assert not has_credential_form("a1b2c3d4e5f")
    assert not has_credential_form("abcdefghijklmnopqrst")  # a word, though a long one


@pytest.mark.parametrize("name", ["a1b2c3d4e5f6.yml", "/run/a1b2c3d4e5f6", "stripe", ""])
def test_what_is_no_path_or_has_an_odd_piece_is_not_quoted_as_a_path(name: str) -> None:
    assert not is_plain_path(name)
