"""What is remembered of a source: doubt over a sequence of answers, and what is reported of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from exporter.config.feeds.feeds import FeedMemory, Feeds, FeedState, same
from exporter.config.feeds.fetch_limits import FetchLimits
from exporter.config.feeds.row import (
    BadRow,
    FeedProblem,
    RowSource,
    checked,
    foreign_keys,
    remedy_of,
    written_number,
)
from tests.config.endpoint import Endpoint
from tests.config.house import House
from tests.config.test_tenants_http import Desk, row


@dataclass(frozen=True)
class Source(FetchLimits):
    """A source that is never asked."""

    kind: str = "http"
    integration: str = "a"
    place: str = "here"
    label: str = "tenants.http of a"

    def ask(self) -> list[Any]:
        raise AssertionError


def rows(count: int) -> list[dict[str, str]]:
    return [{"id": f"t{number}"} for number in range(count)]


def known(count: int, **terms: Any) -> FeedMemory:
    """Return a source with so many tenants in force."""
    return FeedMemory(Source(**terms), rows(count), {one["id"]: one for one in rows(count)})


def doubt(of: FeedMemory, answer: list[Any], now: float = 0.0, **more: Any) -> str:
    try:
        of.take(answer, now, **more)
    except FeedProblem as problem:
        return str(problem)
    return ""


# --- sequences and bounds ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "doubted"),
    [(10, 5, False), (10, 4, True), (11, 6, False), (11, 5, True), (9, 1, False)],
)
def test_a_loss_is_doubted_where_more_than_half_of_ten_or_more_are_gone(
    before: int, after: int, doubted: bool
) -> None:
    one = known(before)
    assert bool(doubt(one, rows(after))) is doubted
    assert (one.missing, one.doubted) == ((before - after, 0.0) if doubted else (0, None))


def test_what_is_reported_of_a_loss_and_of_an_empty_answer() -> None:
    assert doubt(known(12, loss_after=5400.0), rows(2)) == (
        "the answer lacks 10 of the 12 tenants in force; "
        "correct the source; if they are gone, reload, or wait until it lasted 1h30m (loss_after)"
    )
    assert doubt(known(3), []) == (
        "the answer has no tenant, where there were 3 before; correct the source, or set allow_empty: true"
    )
    assert doubt(known(0), []) == "" == doubt(known(20, allow_empty=True), [])


def test_a_doubt_that_ended_begins_again_from_its_new_first_moment() -> None:
    one = known(10, loss_after=100.0)
    assert doubt(one, rows(1), 0.0) and doubt(one, rows(1), 99.0)
    assert doubt(one, rows(10), 99.5) == ""
    assert doubt(one, rows(1), 100.0)  # the first loss was over
    assert doubt(one, rows(1), 199.0)
    assert doubt(one, rows(1), 200.0) == ""


def test_somebody_who_asks_is_believed_only_after_the_loss_was_reported() -> None:
    one = known(10)
    assert doubt(one, rows(1), by_hand=True)
    assert doubt(one, rows(1), by_hand=True) == ""
    assert one.rows == rows(1) and one.answered == 0.0


def test_an_answer_that_is_doubted_leaves_all_that_was_known() -> None:
    one = known(10)
    one.take(rows(10), 5.0)
    assert doubt(one, rows(1), 9.0)
    assert (len(one.rows), one.answered) == (10, 5.0)


def test_rows_without_an_id_are_no_tenants_that_came_back() -> None:
    assert "lacks 10 of the 10" in doubt(known(10), [BadRow("", "x", "y"), {"id": "no good id"}, 5])


@pytest.mark.parametrize("more", ["refresh: 5m", "cache: rows.json"])
def test_a_loss_that_was_reported_is_believed_at_a_reload_with_and_without_a_cache(
    house: House, endpoint: Endpoint, more: str
) -> None:
    desk = Desk(house, endpoint, more)
    endpoint.answer = [row(f"t{number}") for number in range(10)]
    desk.start()
    endpoint.answer = endpoint.answer[:2]
    assert desk.refresh() is None
    assert len(desk.start().targets) == 2


def test_a_source_at_another_address_is_believed_as_a_new_one(house: House, endpoint: Endpoint) -> None:
    desk = Desk(house, endpoint)
    endpoint.answer = [row(f"t{number}") for number in range(10)]
    desk.start()
    endpoint.answer = [row("other")]
    desk.text = desk.text.replace("/tenants", "/elsewhere")
    assert [tenant for _, tenant in desk.start().targets] == ["other"]


# --- what is reported --------------------------------------------------------------------------------------

STATE = FeedState("a", "http", 60.0, None, 0, True, "", (), (), 0, "tenants.http of a")


@pytest.mark.parametrize(
    ("more", "warnings"),
    [
        ({}, ()),
        ({"failure": "it is away"}, ("it is away (no tenants are in force)",)),
        ({"failure": "it is away", "tenants": 1}, ("it is away (1 tenant is in force)",)),
        ({"failure": "it is away", "tenants": 2}, ("it is away (2 tenants are in force)",)),
        (
            {"refused": ("row 1 is wrong",), "tenants": 5},
            (
                "row 1 is wrong",
                "tenants.http of a: rows with mistakes are left out (5 tenants are in force)",
            ),
        ),
        (
            {"foreign": tuple(f"key{number:02}" for number in range(21))},
            (
                "tenants.http of a: keys of rows that nobody reads: "
                + ", ".join(f"key{number:02}" for number in range(20)),
            ),
        ),
    ],
)
def test_the_warnings_of_a_source_are_sentences(more: dict[str, Any], warnings: tuple[str, ...]) -> None:
    assert replace(STATE, **more).warnings == warnings


@pytest.mark.parametrize(("count", "rest"), [(20, ""), (21, "1"), (25, "5")])
def test_of_many_mistakes_the_first_twenty_are_reported_and_the_rest_is_counted(
    count: int, rest: str
) -> None:
    message = replace(STATE, refused=tuple(f"row {number}" for number in range(count))).warnings
    assert message[:20] == tuple(f"row {number}" for number in range(20))
    more = (f"tenants.http of a: {rest} more mistakes in rows; fix these first",) if rest else ()
    assert message[20:-1] == more


@pytest.mark.parametrize(
    ("more", "ok"),
    [({}, True), ({"current": False}, False), ({"failure": "x"}, False), ({"refused": ("x",)}, False)],
)
def test_a_source_is_well_only_where_nothing_at_all_is_wrong(more: dict[str, Any], ok: bool) -> None:
    assert replace(STATE, **more).ok is ok
    assert STATE.key == ("a", "http")


def test_no_row_and_no_credential_shows_in_what_is_known() -> None:
    one = FeedMemory(Source(), [{"id": "a", "options": {"api_key": "planted"}}])
    one.good, one.loaded = {"a": one.rows[0]}, one.rows
    assert "planted" not in repr(one)


def test_a_source_that_nobody_knows_has_no_news_and_is_not_asked() -> None:
    feeds = Feeds()
    feeds.again(("a", "http"))
    assert not feeds.has_news(("a", "http")) and feeds.states() == [] and not feeds.loaded


# --- rows ----------------------------------------------------------------------------------------------


def test_an_answer_that_comes_to_the_same_is_the_same_and_equal_rows_are_the_very_rows() -> None:
    before = [{"id": "a"}, {"id": "b", "labels": {"x": "1"}}]
    assert same(before, [{"id": "a"}, {"id": "b", "labels": {"x": "1"}}]) is before
    changed = same(before, [{"id": "b", "labels": {"x": "1"}}, {"id": "a", "labels": {}}, {"id": 5}])
    assert changed[0] is before[1] and changed[1:] == [{"id": "a", "labels": {}}, {"id": 5}]
    assert same(before, before[::-1]) == before[::-1]


def nested(depth: int, build: Callable[[Any], Any]) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = build(value)
    return value


@pytest.mark.parametrize("build", [lambda value: [value], lambda value: {"k": value}])
def test_values_may_be_nested_to_a_depth_and_no_deeper(build: Callable[[Any], Any]) -> None:
    fits = {"id": "a", "options": nested(19, build)}
    assert checked(fits) is fits
    for depth in (21, 5000):
        found = checked({"id": "a", "options": nested(depth, build)})
        assert found == BadRow("a", "the row is nested too deeply", "nest values at most 20 deep")
    own = {"id": "a", "notes": nested(5000, build)}
    assert checked(own) is own  # nobody reads it


@pytest.mark.parametrize(
    "part",
    [
        {"options": {"x": "a${B}"}},
        {"labels": {"${B}": "x"}},
        {"options": {"x": [1, {"y": "${"}]}},
        {"labels": "${B}"},
    ],
)
def test_a_row_from_outside_never_reads_the_environment(part: dict[str, Any]) -> None:
    assert checked({"id": "a", **part}) == BadRow(
        "a",
        "a tenant's row may not use ${...}",
        "write the value itself, or name a file below tenants.secrets_dir by its _file twin",
    )


def test_a_row_is_named_by_its_source_its_number_and_its_tenant() -> None:
    source = RowSource("tenants.http of a", [{"id": "acme"}, {"id": "no good id"}, 5])
    places = [source.place((index, "labels"))[0] for index in range(4)]
    assert places == [f"tenants.http of a, row {place}" for place in ("1 (acme)", "2", "3", "4")]
    assert [source.index_of(place) for place in places] == [0, 1, 2, 3]
    assert source.place(()) == source.place(("labels",)) == ("tenants.http of a", 0)
    assert source.index_of("tenants.http of b, row 1") is None
    assert source.index_of("main.yml") is None


def test_keys_that_no_row_has_a_use_for_are_named_once_in_their_order() -> None:
    assert foreign_keys([{"id": "a", "z": 1, "b": 2}, {"labels": {}, "b": 3, "..text": True}, 5]) == (
        "b",
        "z",
    )


@pytest.mark.parametrize(
    ("kind", "remedy", "said"),
    [
        ("sql", "put the value into quotes", "select it as text: CAST(... AS text)"),
        ("sql", "give it a value, or remove the key", "select a value, or NULL to say nothing"),
        ("sql", "write keys with values below it, or remove it", "select a JSON object"),
        (
            "sql",
            "write a list: [a, b], or one item per line after a dash",
            "select an array, or a JSON list",
        ),
        ("sql", "write a whole number without quotes", "select a whole number"),
        ("sql", "write a number without quotes", "select a number"),
        ("sql", "write true or false without quotes", "select a boolean"),
        ("http", "give it a value, or remove the key", "answer a value, or null to say nothing"),
        ("http", "write keys with values below it, or remove it", "answer an object"),
        ("http", "write a list: [a, b], or one item per line after a dash", "answer a list"),
        ("http", "put the value into quotes", "put the value into quotes"),
        ("file", "give it a value, or remove the key", "give it a value, or remove the key"),
    ],
)
def test_a_remedy_speaks_the_language_of_its_source(kind: str, remedy: str, said: str) -> None:
    assert remedy_of(kind, remedy) == said


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (5, "5"), (1.5, "1.5"), (0.1, "0.1")]
)
def test_a_number_or_a_boolean_as_text_is_what_a_file_would_say(value: float, text: str) -> None:
    assert written_number(value) == text
