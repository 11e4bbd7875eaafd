"""The mark of a target's options: enough to notice a change, too little to guess a password by."""

from exporter.core.secret import Secret
from exporter.engine.board import mark
from tests.engine.making import MadeOptions, made_target


def test_a_mark_has_four_characters_whatever_it_is_made_of() -> None:
    options = [MadeOptions(secret_key=Secret("k" * length)) for length in (1, 40, 4000)]
    assert [len(mark(made_target(options=one))) for one in (MadeOptions(secret_key=None), *options)] == [
        4
    ] * 4


def test_another_credential_has_another_mark_and_an_equal_one_the_same() -> None:
    first = mark(made_target(options=MadeOptions(secret_key=Secret("one"))))
    assert mark(made_target("other", options=MadeOptions(secret_key=Secret("one")))) == first
    assert mark(made_target(options=MadeOptions(secret_key=Secret("two")))) != first
    assert mark(made_target(options=MadeOptions(secret_key=Secret("one"), step="x"))) != first
