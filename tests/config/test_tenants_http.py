"""Tenants from an HTTP endpoint: none of its rows is trusted, and none is lost by another's mistake."""

import json
from typing import Any

import pytest

from exporter.config.feeds.feeds import Feeds
from exporter.config.feeds.http import rows_of
from exporter.config.feeds.row import FeedProblem, checked, plain
from exporter.config.load import load_file, load_text
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from tests.config.endpoint import Endpoint
from tests.config.house import CATALOGUE, House

TEXT = """
integrations:
- name: a
  provider: shop
  interval: 1h
  tenants:
    http: {{url: "{url}", {more}}}
"""


class Desk:
    """Loads one configuration again and again, as the running exporter does."""

    def __init__(self, house: House, endpoint: Endpoint, more: str = "refresh: 5m") -> None:
        self.house, self.endpoint = house, endpoint
        self.text = TEXT.format(url=endpoint.url, more=more)
        self.feeds = Feeds(lambda: 1000.0)

    def start(self, **environ: str) -> Configuration:
        self.house.write({"main.yml": self.text})
        return load_file(str(self.house.main), CATALOGUE, environ, self.feeds)

    def refresh(self) -> Configuration | None:
        """Ask again as the running exporter does, and load when the answer is another one."""
        self.feeds.again(("a", "http"))
        if not self.feeds.has_news(("a", "http")):
            return None
        return load_text(self.text, str(self.house.main), CATALOGUE, {}, self.feeds)


@pytest.fixture
def desk(house: House, endpoint: Endpoint) -> Desk:
    return Desk(house, endpoint)


def key_of(made: Configuration | None, tenant: str) -> str:
    assert made is not None
    return str(made.targets["a", tenant].options.api_key.reveal())


def row(tenant: str, key: str = "", **more: Any) -> dict[str, Any]:
    return {"id": tenant, "options": {"api_key": key or f"key-of-{tenant}"}, **more}


def test_rows_and_groups_of_http_sd_become_tenants(desk: Desk) -> None:
    desk.endpoint.answer = [
        row("acme", labels={"plan": "gold"}),
        {"targets": ["b", "c"], "labels": {"plan": "free", "__meta_x": "1", "__option_api_key": "shared"}},
        {"targets": ["d"]},
    ]
    made = desk.start()
    assert [tenant for _, tenant in made.targets] == ["acme", "b", "c", "d"]
    assert (key_of(made, "acme"), key_of(made, "c")) == ("key-of-acme", "shared")
    assert made.targets["a", "b"].labels == (("plan", "free"),)
    assert made.feeds[0].refresh == 300.0
    assert {"key-of-acme", "shared"} <= made.secrets
    assert "shared" not in made.redacted_text


def test_the_text_of_an_http_sd_option_may_stand_for_a_number() -> None:
    (found,) = rows_of(b'[{"targets": ["x"], "labels": {"__option_window": "5"}}]', 10)
    assert plain(found)["options"]["window"].raw == "5"


def test_the_request_carries_its_credentials_and_no_answer_of_another_kind_is_taken(
    house: House, endpoint: Endpoint
) -> None:
    more = "auth: {bearer: {token: planted-feed-token}}, headers: {X-App: v}"
    desk = Desk(house, endpoint, more)
    endpoint.answer = [row("acme")]
    made = desk.start()
    seen = endpoint.seen[-1]
    assert (seen["Authorization"], seen["X-App"]) == ("Bearer planted-feed-token", "v")
    assert seen["X-Prometheus-Refresh-Interval-Seconds"] == "300"
    assert "planted-feed-token" not in made.redacted_text + repr(desk.feeds.memory_of(("a", "http")))
    endpoint.status = 503
    (mistake,) = _mistakes(settled(Desk(house, endpoint, more)))
    assert mistake.line == 7
    assert "status 503" in mistake.what and "tenants.http of a" in mistake.what
    assert "status 503" in failure(Desk(house, endpoint, more))


def _mistakes(desk: Desk) -> Any:
    with pytest.raises(ConfigError) as caught:
        desk.start()
    return caught.value.mistakes


def failure(desk: Desk) -> str:
    """Start without any tenant of the endpoint, and return why there is none."""
    assert not desk.start().targets
    (state,) = desk.feeds.states()
    assert not state.ok
    return state.failure


def settled(desk: Desk) -> Desk:
    """Return `desk` with another configuration in force, so that its next load is a reload."""
    text, desk.text = desk.text, "integrations: []\n"
    desk.start()
    desk.text = text
    return desk


def test_a_redirect_is_not_followed_so_that_credentials_stay_where_they_belong(desk: Desk) -> None:
    desk.endpoint.status, desk.endpoint.headers = 302, {"Location": desk.endpoint.url + "/x"}
    assert "redirects are not followed" in failure(desk)
    assert len(desk.endpoint.seen) == 1


def test_rows_with_a_byte_order_mark_or_in_another_charset_are_read(desk: Desk) -> None:
    desk.endpoint.answer = b"\xef\xbb\xbf" + json.dumps([row("acme")]).encode()
    assert [tenant for _, tenant in desk.start().targets] == ["acme"]
    desk.endpoint.headers = {"Content-Type": "application/json; charset=ISO-8859-1"}
    desk.endpoint.answer = b'[{"id": "b", "labels": {"city": "Z\xfcrich"}, "options": {"api_key": "k"}}]'
    refreshed = desk.refresh()
    assert refreshed is not None
    assert refreshed.targets["a", "b"].labels == (("city", "Zürich"),)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"{}", "no list"),
        (b"<html>", "no JSON"),
        (b'["acme"]', "no object"),
        (b"[" * 100_000, "no JSON"),
        (b'[{"id": "a", "options": ' + b"[" * 30 + b"]" * 30 + b"}]", "nested"),
        (json.dumps([{"id": str(n)} for n in range(11)]).encode(), "more than 10 tenants"),
        (b'[{"targets": "a"}]', "targets is no list"),
        (b'[{"targets": ["a"], "options": {}}]', "has the key options"),
    ],
)
def test_an_answer_that_is_no_list_of_rows_is_refused(body: bytes, what: str) -> None:
    try:
        message = str([checked(row) for row in rows_of(body, 10)])
    except FeedProblem as problem:
        message = str(problem)
    assert what in message


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"id": "x", "options": {"dear": True}}, "the option dear cannot be set by a tenant"),
        ({"id": "x", "options": {"api_key": "${HOME}"}}, "may not use ${...}"),
        ({"id": "x", "labels": {"${HOME}": "y"}}, "may not use ${...}"),
        ({"id": "x", "options": {"api_key_file": "/etc/passwd"}}, "there is no tenants.secrets_dir"),
        ({"id": "no good id"}, "id"),
        ({"id": None}, "id"),
        ({"id": "x", "options": {"window": "ten"}}, "window"),
        ({"id": "x", "labels": {"x": 1}}, "x: expected text, found a number"),
        ({"id": "x", "labels": {"a": 1}}, "a: expected text, found a number"),
        ({"id": "x", "thresholds": {"error_ratio": {"high": 10**400}}}, "larger than any threshold"),
        ({"id": "x", "options": {"account": {"b": {}}} | {"q": [[]] * 2}}, "unknown key q"),
        ({"id": "x", "labels": {"tenant": "y"}}, "reserved"),
        (
            {"id": "x", "labels": {"leak": "a-planted-api-key"}, "options": {"api_key": "a-planted-api-key"}},
            "holds a credential",
        ),
    ],
)
def test_a_wrong_row_costs_only_itself_at_a_start_and_later(
    desk: Desk, wrong: dict[str, Any], what: str
) -> None:
    desk.endpoint.answer = [row("acme"), wrong]
    assert list(desk.start().targets) == [("a", "acme")]
    (state,) = desk.feeds.states()
    assert (state.ok, state.tenants, bool(state.refused)) == (False, 1, True)
    assert any(what in line for line in state.refused), state.refused
    assert all(line.startswith("tenants.http of a (") and ", row 2" in line for line in state.refused)
    assert "a-planted-api-key" not in str(state)
    desk.endpoint.answer = [row("acme"), row("x", "old")]
    assert key_of(desk.start(), "x") == "old"
    desk.endpoint.answer = [row("acme", "new"), wrong, row("late")]
    made = desk.refresh()
    assert key_of(made, "acme") == "new"
    assert key_of(made, "late") == "key-of-late"
    assert made is not None
    assert ("a", "x") in made.targets if wrong["id"] == "x" else ("a", "x") not in made.targets
    (state,) = desk.feeds.states()
    assert (state.ok, bool(state.refused)) == (False, True)
    assert "a-planted-api-key" not in str(state)
    desk.endpoint.answer = [row("acme"), row("x")]
    assert key_of(desk.refresh(), "x") == "key-of-x"
    assert desk.feeds.states()[0].ok


def test_mistakes_of_many_rows_are_counted_not_all_listed(desk: Desk) -> None:
    desk.endpoint.answer = [{"id": f"t{n}", "options": {"colour": 1}} for n in range(50)]
    mistakes = _mistakes(settled(desk))
    assert len(mistakes) == 21
    assert any("30 more mistakes" in mistake.what for mistake in mistakes)
    fresh = fresh_desk(desk)
    assert not fresh.start().targets
    (state,) = fresh.feeds.states()
    assert (len(state.refused), len(state.warnings)) == (50, 22)
    assert "30 more mistakes" in state.warnings[20] and "no tenants are in force" in state.warnings[21]


def test_an_answer_without_one_good_row_leaves_the_last_rows_in_force(desk: Desk) -> None:
    desk.endpoint.answer = [row("acme"), row("beta")]
    desk.start()
    desk.endpoint.answer = [{"id": "no good id"}, row("new", labels=5)]
    for load in (desk.refresh, desk.start):
        made = load()
        assert made is not None
        assert list(made.targets) == [("a", "acme"), ("a", "beta")]
        (state,) = desk.feeds.states()
        assert (state.ok, state.tenants, len(state.refused)) == (False, 2, 2)
    assert not desk.feeds.has_news(("a", "http"))


def test_a_reload_that_no_row_fits_is_refused_and_a_start_goes_on_without_them(
    house: House, endpoint: Endpoint
) -> None:
    desk = Desk(house, endpoint, "cache: rows.json")
    endpoint.answer = [row("acme"), row("beta")]
    desk.start()
    desk.text = desk.text.replace("provider: shop", "provider: web")
    mistakes = _mistakes(desk)
    assert {mistake.what.split(";")[0] for mistake in mistakes} == {"unknown key api_key"}
    fresh = Desk(house, endpoint, "cache: rows.json")
    fresh.text = desk.text
    assert not fresh.start().targets
    assert len(fresh.feeds.states()[0].refused) >= 2
    assert b"key-of-acme" in (house.folder / "rows.json").read_bytes()  # they may be good again tomorrow


def test_a_wrong_row_does_not_hold_a_new_source_up_in_a_reload(desk: Desk) -> None:
    settled(desk).endpoint.answer = [row("acme"), row("beta", labels={"tenant": "x"})]
    assert list(desk.start().targets) == [("a", "acme")]
    assert "reserved" in desk.feeds.states()[0].refused[0]


def test_nulls_say_nothing_and_keys_of_the_application_s_own_are_ignored(desk: Desk) -> None:
    nulls = {"labels": None, "options": None, "thresholds": None}
    desk.endpoint.answer = [
        row("a", labels={"plan": None, "x": "1"}, created_at="${HOME}", notes=[[[]]] * 2),
        {"id": "b", **nulls},
        row("c", thresholds={"error_ratio": {"high": None, "medium": 0.01}, "connections_ratio": None}),
        {"id": "d", "options": {"api_key": "k", "account": None, "window": None}},
        {"targets": ["e"], "labels": {"plan": None, "__option_account": None}, "source": "crm"},
    ]
    desk.text = desk.text.replace("interval: 1h", "interval: 1h\n  options: {account: shared}")
    made = desk.start()
    assert [tenant for _, tenant in made.targets] == ["a", "b", "c", "d", "e"]
    assert made.targets["a", "a"].labels == (("x", "1"),)
    assert {made.targets["a", tenant].options.account for tenant in "abcde"} == {"shared"}
    assert [(one.tenant, one.value) for one in made.thresholds if one.tenant] == [("c", 0.01)]
    (state,) = desk.feeds.states()
    assert (state.ok, state.refused, state.foreign) == (True, (), ("created_at", "notes", "source"))
    assert state.warnings == (f"{state.label}: keys of rows that nobody reads: created_at, notes, source",)


def test_most_tenants_gone_at_once_is_doubted_until_it_lasted(desk: Desk) -> None:
    now = [1000.0]
    desk.feeds.now = lambda: now[0]
    desk.endpoint.answer = [row(f"t{n}") for n in range(10)]
    desk.start()
    desk.endpoint.answer = [row(f"t{n}", "new") for n in range(5)]
    assert len((desk.refresh() or pytest.fail()).targets) == 5  # half of them is not most
    desk.endpoint.answer = [row(f"t{n}") for n in range(10)]
    desk.refresh()
    desk.endpoint.answer = [row(f"t{n}") for n in range(4)]
    for now[0] in (2000.0, 2000.0 + 3599.0):
        assert desk.refresh() is None
        (state,) = desk.feeds.states()
        assert (state.ok, state.missing, state.tenants) == (False, 6, 10)
        assert "lacks 6 of the 10 tenants in force" in state.failure and "1h (loss_after)" in state.failure
    now[0] += 1.0
    assert len((desk.refresh() or pytest.fail()).targets) == 4
    (state,) = desk.feeds.states()
    assert (state.ok, state.missing) == (True, 0)


def test_a_loss_that_was_doubted_is_believed_at_a_reload_and_forgotten_when_they_come_back(
    desk: Desk,
) -> None:
    everybody = [row(f"t{n}") for n in range(12)]
    desk.endpoint.answer = everybody
    desk.start()
    desk.endpoint.answer = [row("other")]
    assert len(desk.start().targets) == 12  # no loss was reported yet
    assert desk.feeds.states()[0].missing == 12
    desk.endpoint.answer = everybody
    desk.refresh()
    assert (desk.feeds.states()[0].missing, desk.feeds.states()[0].ok) == (0, True)
    desk.endpoint.answer = [row("other")]
    assert desk.refresh() is None
    assert [tenant for _, tenant in desk.start().targets] == ["other"]


def test_a_loss_may_be_believed_at_once_and_one_of_a_few_tenants_always_is(
    house: House, endpoint: Endpoint
) -> None:
    for more, before in (("loss_after: 0s", 20), ("refresh: 5m", 9)):
        desk = Desk(house, endpoint, more)
        endpoint.answer = [row(f"t{n}") for n in range(before)]
        desk.start()
        endpoint.answer = [row("t0")]
        assert len((desk.refresh() or pytest.fail()).targets) == 1


def test_a_restart_doubts_a_loss_too_where_the_last_rows_are_kept(house: House, endpoint: Endpoint) -> None:
    endpoint.answer = [row(f"t{n}") for n in range(10)]
    Desk(house, endpoint, "cache: rows.json").start()
    endpoint.answer = endpoint.answer[:4]
    again = Desk(house, endpoint, "cache: rows.json")
    assert len(again.start().targets) == 10
    assert again.feeds.states()[0].missing == 6


def claims(*rows: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"id": tenant, "options": {"api_key_file": file}} for tenant, file in rows]


@pytest.fixture
def strict(house: House, endpoint: Endpoint) -> Desk:
    desk = Desk(house, endpoint, "cache: rows.json")
    desk.text += "    secrets_dir: secrets\n"
    house.write({"secrets/acme": "key-a", "secrets/acme.key": "key-b", "secrets/shared": "key-c"})
    return desk


def test_who_has_a_secret_file_keeps_it_and_a_later_claim_is_refused(strict: Desk) -> None:
    strict.endpoint.answer = claims(("victim", "shared"))
    strict.start()
    strict.endpoint.answer = claims(("aaa", "shared"), ("victim", "shared"))
    for load in (strict.refresh, strict.start):
        assert list((load() or pytest.fail()).targets) == [("a", "victim")]
        (line,) = strict.feeds.states()[0].refused
        assert "row 1 (aaa): the tenant aaa names a secret file" in line
    restarted = Desk(strict.house, strict.endpoint, "cache: rows.json")
    restarted.text = strict.text
    assert list(restarted.start().targets) == [("a", "victim")]
    strict.house.write({"secrets/shared": "rotated"})
    assert key_of(strict.start(), "victim") == "rotated"


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ([("aaa", "acme"), ("acme", "acme")], "acme"),
        ([("ac", "acme.key"), ("acme", "acme.key")], "acme"),
        ([("zzz", "shared"), ("bbb", "shared")], "zzz"),
    ],
)
def test_without_a_memory_a_secret_file_goes_by_its_name_and_then_by_order(
    strict: Desk, rows: list[tuple[str, str]], kept: str
) -> None:
    strict.endpoint.answer = claims(*rows)
    assert list(strict.start().targets) == [("a", kept)]


def test_a_row_from_outside_never_takes_a_secret_file_of_the_operator_s_files(strict: Desk) -> None:
    strict.house.write({"own.yml": "- {id: own, options: {api_key_file: acme}}\n"})
    strict.text = strict.text.replace("    http:", "    files: [own.yml]\n    http:")
    strict.endpoint.answer = claims(("acme", "acme"), ("beta", "shared"))
    assert list(strict.start().targets) == [("a", "own"), ("a", "beta")]
    assert "(acme)" in strict.feeds.states()[0].refused[0]


PUBLIC_TEXTS = "main-shop-integration of-everybody customer-number-one"


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("claim", [*PUBLIC_TEXTS.split(), "tenants.http of a"])
def test_a_row_that_calls_a_public_text_its_credential_costs_nobody_else_anything(
    desk: Desk, claim: str, first: bool
) -> None:
    desk.text = desk.text.replace(
        "name: a", "name: main-shop-integration\n  labels: {plan: of-everybody-here}"
    )
    others = [row("customer-number-one"), row("wrong", labels=5)]
    thief = row("thief", claim)
    desk.endpoint.answer = [thief, *others] if first else [*others, thief]
    made = desk.start()
    assert {tenant for _, tenant in made.targets} == {"thief", "customer-number-one"}
    (state,) = desk.feeds.states()
    assert len(state.refused) == 1
    assert claim in made.secrets
    again = desk.start()
    assert again.targets["main-shop-integration", "thief"] is made.targets["main-shop-integration", "thief"]


def test_more_calls_than_are_allowed_are_noted_where_rows_from_outside_are_the_cause(desk: Desk) -> None:
    desk.text = desk.text.replace("interval: 1h", "interval: 1m\n  options: {api_key: one}")
    desk.endpoint.answer = [{"id": "acme"}, {"id": "beta"}]
    (note,) = desk.start().notes
    assert "a would make 86,400 reads in 30 days" in note and "the calls are spread" in note
    desk.text = desk.text.replace("http: ", "list: [{id: x}, {id: y}]\n    # ")
    (mistake,) = _mistakes(desk)
    assert "86,400 reads" in mistake.what


def test_a_tenant_that_comes_twice_keeps_its_first_row(desk: Desk) -> None:
    desk.endpoint.answer = [row("acme")]
    desk.start()
    desk.endpoint.answer = [row("acme", "first"), row("acme", "second")]
    assert key_of(desk.refresh(), "acme") == "first"
    assert "twice" in desk.feeds.states()[0].refused[0]


def test_an_endpoint_that_is_away_leaves_the_last_rows_in_force_also_at_a_reload(desk: Desk) -> None:
    desk.endpoint.answer = [row("acme")]
    desk.start()
    desk.endpoint.status = 500
    assert desk.refresh() is None
    assert list(desk.start().targets) == [("a", "acme")]
    assert "status 500" in desk.feeds.states()[0].failure
    desk.endpoint.status = 200
    assert desk.refresh() is None
    assert desk.feeds.states()[0].ok


def test_an_empty_answer_is_believed_only_where_that_is_asked_for(house: House, endpoint: Endpoint) -> None:
    desk = Desk(house, endpoint)
    endpoint.answer = [row("acme")]
    desk.start()
    endpoint.answer = []
    assert desk.refresh() is None
    assert "no tenant, where there were 1" in desk.feeds.states()[0].failure
    trusting = Desk(house, endpoint, "allow_empty: true")
    endpoint.answer = [row("acme")]
    trusting.start()
    endpoint.answer = []
    made = trusting.refresh()
    assert made is not None
    assert not made.targets


def test_an_endpoint_that_hangs_is_left_after_the_timeout(house: House, endpoint: Endpoint) -> None:
    desk = Desk(house, endpoint, "timeout: 200ms")
    endpoint.release.clear()
    assert "within 0.2 s" in failure(desk)


def test_the_cache_lets_a_start_happen_while_the_endpoint_is_away(house: House, endpoint: Endpoint) -> None:
    desk = Desk(house, endpoint, "cache: rows.json")
    endpoint.answer = [row("acme"), {"targets": ["b"], "labels": {"__option_account": "5"}}]
    desk.start()
    file = house.folder / "rows.json"
    assert file.stat().st_mode & 0o777 == 0o600
    endpoint.status = 500
    again = Desk(house, endpoint, "cache: rows.json")
    made = again.start()
    assert (key_of(made, "acme"), made.targets["a", "b"].options.account) == ("key-of-acme", "5")
    assert not again.feeds.states()[0].ok
    file.write_text("{")
    assert "status 500" in failure(Desk(house, endpoint, "cache: rows.json"))
    assert file.read_text() == "{"  # nothing was answered that could be kept


def test_rows_that_did_not_change_keep_their_very_targets(desk: Desk) -> None:
    desk.endpoint.answer = [
        row(f"t{n}", labels={"plan": "x"}, thresholds={"error_ratio": {"high": 0.5}}) for n in range(5)
    ]
    before = desk.start()
    desk.endpoint.answer = [*desk.endpoint.answer[1:], row("new")]
    after = desk.refresh()
    assert after is not None
    assert all(after.targets["a", f"t{n}"] is before.targets["a", f"t{n}"] for n in range(1, 5))
    assert ("a", "t0") not in after.targets and ("a", "new") in after.targets
    assert {one for one in after.thresholds if one.tenant} == {
        one for one in before.thresholds if one.tenant not in ("", "t0")
    }
    assert after.secrets == before.secrets - {"key-of-t0"} | {"key-of-new"}
    desk.text = desk.text.replace("interval: 1h", "interval: 2h")
    changed = desk.start()
    assert {target.interval for target in changed.targets.values()} == {7200.0}


def test_with_a_secrets_folder_rows_name_plain_files_and_changes_of_them_count(
    house: House, endpoint: Endpoint
) -> None:
    desk = Desk(house, endpoint)
    desk.text += "    secrets_dir: secrets\n"
    house.write({"secrets/acme": "key-a\n", "out": "stolen"})
    endpoint.answer = [{"id": "acme", "options": {"api_key_file": "acme"}}]
    assert key_of(desk.start(), "acme") == "key-a"
    house.write({"secrets/acme": "key-b\n"})
    assert key_of(load_text(desk.text, str(house.main), CATALOGUE, {}, desk.feeds), "acme") == "key-b"
    endpoint.answer = [{"id": "acme", "options": {"api_key_file": "../out"}}]
    assert key_of(desk.refresh(), "acme") == "key-b"
    (house.folder / "secrets/link").symlink_to("../out")
    endpoint.answer = [{"id": "acme", "options": {"api_key_file": "link"}}]
    assert key_of(desk.refresh(), "acme") == "key-b"
    assert "leads out of" in desk.feeds.states()[0].refused[0]


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("refresh: 10ms", "below a second"),
        ("timeout: 1h", "out of bounds"),
        ("auth: {basic: {username: u, password: p}, bearer: {token: t}}", "both basic and bearer"),
        ("headers: {'A\\nB': x}", "header cannot be sent"),
        ("url_file: main.yml", "both url and url_file"),
        ("cache: nowhere/rows.json", "is no folder"),
    ],
)
def test_what_is_asked_is_judged_before_it_is_asked(
    house: House, endpoint: Endpoint, more: str, what: str
) -> None:
    (mistake,) = _mistakes(Desk(house, endpoint, more))
    assert (what in mistake.what, mistake.line) == (True, 7)
    assert not endpoint.seen or "cache" in more


@pytest.mark.parametrize(
    "url",
    ["ftp://x/y", "https://", "http://x:99999/", "http://x/a b", "http://x/ü", "http://a..b/", "http://.a/"],
)
def test_an_address_that_is_none_is_refused(house: House, url: str) -> None:
    (mistake,) = house.mistakes(TEXT.format(url=url, more=""))
    assert "address" in mistake.what


def test_an_address_with_a_label_that_is_too_long_is_refused(house: House) -> None:
    (mistake,) = house.mistakes(TEXT.format(url=f"http://{'x' * 70}.example/", more=""))
    assert "no valid name" in mistake.what


def test_an_international_address_is_asked_by_the_name_that_browsers_use(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def refuse(place: tuple[str, int], **_: Any) -> None:
        asked.append(place)
        raise OSError(111, "Connection refused")

    monkeypatch.setattr("socket.create_connection", refuse)
    assert not house.load(TEXT.format(url="http://straße.example/t", more="")).targets
    assert asked == [("xn--strae-oqa.example", 80)]


def test_a_server_name_that_is_none_is_refused(desk: Desk) -> None:
    desk.text = desk.text.replace("http://", "https://").replace(
        "refresh:", "tls: {server_name: a..b}, refresh:"
    )
    (mistake,) = _mistakes(desk)
    assert ("server_name cannot be used" in mistake.what, mistake.line) == (True, 7)


def test_networks_that_may_be_dialled_are_judged(desk: Desk) -> None:
    desk.text += "    allow_networks: [10.0.0.0/8, 10.0.0.1/8]\n"
    (mistake,) = _mistakes(desk)
    assert "no network" in mistake.what


def fresh_desk(desk: Desk) -> Desk:
    """Return a desk without any memory, with the same configuration."""
    made = Desk(desk.house, desk.endpoint)
    made.text = desk.text
    return made


def test_an_address_from_a_file_may_be_a_credential_as_a_whole(house: House, endpoint: Endpoint) -> None:
    house.write({"address": endpoint.url + "/planted-path-token?key=planted-query-token\n"})
    desk = Desk(house, endpoint)
    desk.text = desk.text.replace(f'url: "{endpoint.url}"', "url_file: address")
    endpoint.answer = [row("acme")]
    desk.start()
    assert "planted-path-token?key=planted-query-token" in endpoint.seen[-1]["path"]
    endpoint.answer = [row("no good id")]
    desk.refresh()
    endpoint.status = 500
    desk.refresh()
    message = str(desk.feeds.states()) + failure(fresh_desk(desk)) + str(_mistakes(settled(fresh_desk(desk))))
    assert "status 500" in message
    assert "planted" not in message
