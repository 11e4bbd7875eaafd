"""What is inside a seal comes back as it was, by any of the keys, and by no other."""

from typing import Any

import pytest
from cryptography.fernet import Fernet

from exporter.core.errors import StoreError
from exporter.core.secret import Secret
from exporter.core.token import NEVER, TokenSet
from exporter.store.encryption import Seals

KEYS = tuple(Secret(Fernet.generate_key().decode()) for _ in range(3))

FIELDS: tuple[dict[str, Any], ...] = (
    {},
    {"access": Secret("planted")},
    {"refresh": Secret("planted")},
    {"expiry": 1.8e9},
    {"expiry": NEVER},
    {"refresh_expiry": 1.9e9},
    {"obtained": 1.7e9},
    {"scopes": frozenset()},
    {"scopes": frozenset({"b", "a"})},
    {"implausible": True},
    {"rotates": True},
    {"rotates": False},
    {"refused": True},
)


@pytest.mark.parametrize("fields", FIELDS, ids=lambda fields: "-".join(fields))
def test_each_fact_of_tokens_comes_back_alone(fields: dict[str, Any]) -> None:
    seals = Seals(KEYS[:1])
    assert seals.open(seals.seal(TokenSet(**fields))) == (TokenSet(**fields), "")
    assert seals.open(seals.seal(TokenSet(**fields), "mark")) == (TokenSet(**fields), "mark")


@pytest.mark.parametrize(
    ("inside", "held", "mark"),
    [
        ("{}", TokenSet(), ""),
        ('{"access":"a","refresh":"r","expiry":1.8e9}', TokenSet(Secret("a"), Secret("r"), 1.8e9), ""),
        ('{"access":"a","never":true}', TokenSet(Secret("a"), expiry=NEVER), ""),
        ('{"refresh_expiry":1.9e9,"obtained":1.7e9}', TokenSet(refresh_expiry=1.9e9, obtained=1.7e9), ""),
        ('{"scopes":["a"],"implausible":true}', TokenSet(scopes=frozenset({"a"}), implausible=True), ""),
        ('{"rotates":false,"refused":true,"before":"mark"}', TokenSet(rotates=False, refused=True), "mark"),
        ('{"access":"a","of_a_later_version":1}', TokenSet(Secret("a")), ""),
    ],
)
def test_what_another_version_sealed_is_still_understood(inside: str, held: TokenSet, mark: str) -> None:
    key = KEYS[0].reveal()
    assert Seals(KEYS[:1]).open(Fernet(key).encrypt(inside.encode()).decode()) == (held, mark)


def test_nothing_that_is_not_known_takes_room_in_a_seal() -> None:
    sealed = Seals(KEYS[:1]).seal(TokenSet(Secret("a")))
    assert Fernet(KEYS[0].reveal()).decrypt(sealed) == b'{"access":"a"}'


def test_the_first_key_seals_and_each_of_them_opens() -> None:
    sealed = Seals(KEYS[:1]).seal(TokenSet(obtained=1.0))
    for keys in (KEYS[:1], KEYS[:2], KEYS[1::-1]):
        assert Seals(keys).open(sealed)[0].obtained == 1.0
    with pytest.raises(StoreError) as caught:
        Seals(KEYS[1:]).open(sealed)
    assert str(caught.value) == (
        "a stored token cannot be read: none of store.token_keys fits; add the key it was stored with"
    )


def test_only_what_an_older_key_sealed_is_sealed_again() -> None:
    sealed = Seals(KEYS[:1]).seal(TokenSet(obtained=1.0), "mark")
    assert Seals(KEYS[:2]).renew(sealed) is None
    again = Seals((KEYS[1], KEYS[0])).renew(sealed)
    assert again is not None
    assert Seals(KEYS[1:2]).open(again) == (TokenSet(obtained=1.0), "mark")
    with pytest.raises(StoreError, match=r"none of store\.token_keys fits"):
        Seals(KEYS[2:]).renew(sealed)


def test_without_a_key_nothing_is_sealed_or_opened() -> None:
    none, sealed = Seals(()), Seals(KEYS).seal(TokenSet())
    assert (bool(none), bool(Seals(KEYS))) == (False, True)
    with pytest.raises(StoreError) as caught:
        none.seal(TokenSet())
    assert str(caught.value) == "tokens are not stored: no store.token_keys is configured"
    for call in (none.open, none.renew):
        with pytest.raises(StoreError) as caught:
            call(sealed)
        assert str(caught.value) == "stored tokens cannot be read: no store.token_keys is configured"
