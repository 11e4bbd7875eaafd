"""Tenants from an HTTP endpoint: none of its rows is trusted, and none is lost by another's mistake."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from exporter.config.feeds.http import rows_of
from exporter.config.feeds.memory import Feeds
from exporter.config.feeds.row import FeedProblem, checked, plain
from exporter.config.load import load_file, load_text
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from tests.config.house import CATALOGUE, House

TEXT = """
integrations:
- name: a
  provider: shop
  interval: 1h
  tenants:
    http: {{url: "{url}", {more}}}
"""


class Endpoint:
    """Answers what it is told to; `seen` are the headers of the requests."""

    def __init__(self) -> None:
        self.answer: Any = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.seen: list[dict[str, str]] = []
        self.release = threading.Event()
        self.release.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.seen.append({**dict(self.headers), "path": self.path})
                outer.release.wait(10)
                body = outer.answer if isinstance(outer.answer, bytes) else json.dumps(outer.answer).encode()
                self.send_response(outer.status)
                for name, value in ({"Content-Length": str(len(body))} | outer.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients may hang up
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/tenants"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.release.set()
    made.server.shutdown()
    made.server.server_close()
    thread.join()


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
    assert "shared" not in made.shown


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
    assert "planted-feed-token" not in made.shown + repr(desk.feeds.known(("a", "http")))
    endpoint.status = 503
    (mistake,) = _mistakes(Desk(house, endpoint, more))
    assert mistake.line == 7
    assert "status 503" in mistake.what and "tenants.http of a" in mistake.what


def _mistakes(desk: Desk) -> Any:
    with pytest.raises(ConfigError) as caught:
        desk.start()
    return caught.value.mistakes


def test_a_redirect_is_not_followed_so_that_credentials_stay_where_they_belong(desk: Desk) -> None:
    desk.endpoint.status, desk.endpoint.headers = 302, {"Location": desk.endpoint.url + "/x"}
    (mistake,) = _mistakes(desk)
    assert "redirects are not followed" in mistake.remedy
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
        (b'[{"id": "a", "x": ' + b"[" * 30 + b"]" * 30 + b"}]", "nested"),
        (json.dumps([{"id": str(n)} for n in range(11)]).encode(), "more than 10 tenants"),
        (b'[{"targets": "a"}]', "targets is no list"),
        (b'[{"targets": ["a"], "options": {}}]', "1 keys besides"),
    ],
)
def test_an_answer_that_is_no_list_of_rows_is_refused(body: bytes, what: str) -> None:
    try:
        told = str([checked(row) for row in rows_of(body, 10)])
    except FeedProblem as problem:
        told = str(problem)
    assert what in told


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"id": "x", "options": {"dear": True}}, "the option dear cannot be set by a tenant"),
        ({"id": "x", "options": {"api_key": "${HOME}"}}, "may not use ${...}"),
        ({"id": "x", "labels": {"${HOME}": "y"}}, "may not use ${...}"),
        ({"id": "x", "options": {"api_key_file": "/etc/passwd"}}, "there is no tenants.secrets_dir"),
        ({"id": "no good id"}, "id"),
        ({"id": None}, "id"),
        ({"id": "x", "color": "red"}, "unknown key color"),
        ({"id": "x", "options": {"window": "ten"}}, "window"),
        ({"id": "x", "labels": {"tenant": "y"}}, "reserved"),
        (
            {"id": "x", "labels": {"leak": "a-planted-api-key"}, "options": {"api_key": "a-planted-api-key"}},
            "holds a credential",
        ),
    ],
)
def test_a_wrong_row_stops_a_start_and_later_costs_only_itself(
    desk: Desk, wrong: dict[str, Any], what: str
) -> None:
    desk.endpoint.answer = [row("acme"), wrong]
    mistakes = _mistakes(desk)
    assert any(what in mistake.what for mistake in mistakes), mistakes
    assert all(
        mistake.file.startswith("tenants.http of a (") and ", row 2" in mistake.file for mistake in mistakes
    )
    assert "a-planted-api-key" not in str(mistakes)
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
    mistakes = _mistakes(desk)
    assert len(mistakes) == 21
    assert any("30 more mistakes" in mistake.what for mistake in mistakes)


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
    (mistake,) = _mistakes(desk)
    assert "within 0.2 s" in mistake.what


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
    (mistake,) = _mistakes(Desk(house, endpoint, "cache: rows.json"))
    assert "status 500" in mistake.what


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
    house.mistakes(TEXT.format(url="http://straße.example/t", more=""))
    assert asked == [("xn--strae-oqa.example", 80)]


def test_a_server_name_that_is_none_is_refused(desk: Desk) -> None:
    desk.text = desk.text.replace("http://", "https://").replace(
        "refresh:", "tls: {server_name: a..b}, refresh:"
    )
    (mistake,) = _mistakes(desk)
    assert "server_name cannot be used" in mistake.what


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
    told = str(desk.feeds.states()) + str(_mistakes(fresh_desk(desk)))
    assert "status 500" in told
    assert "planted" not in told
