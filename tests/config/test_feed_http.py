"""One question to an HTTP endpoint: what is sent, and what is reported of each way to answer wrongly."""

import json
import re
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from exporter.config.feeds.http import HttpFeedRequest, rows_of
from exporter.config.feeds.row import TEXT, BadRow, FeedProblem
from exporter.core.options import TlsOptions
from exporter.core.secret import Secret
from tests.config.endpoint import Endpoint
from tests.servers.ports import free_port
from tests.waiting import PATIENCE

LOOK = "look after the endpoint, or correct the address"
LIST = "answer with a JSON list of rows"


def problem(ask: Callable[[], Any]) -> str:
    with pytest.raises(FeedProblem) as caught:
        ask()
    return str(caught.value)


def question(url: str, **more: Any) -> HttpFeedRequest:
    return HttpFeedRequest("shop", url, **({"timeout": 5.0} | more))


@contextmanager
def answering(raw: bytes, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Answer one request with these very bytes and hang up; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            taken, _ = server.accept()
            with taken:
                try:
                    if context:
                        taken = context.wrap_socket(taken, server_side=True)
                    taken.recv(65_536)
                    taken.sendall(raw)
                except OSError:
                    pass  # the client refused the certificate
                finally:
                    taken.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(PATIENCE)


# --- what is sent --------------------------------------------------------------------------------------


def test_the_request_says_who_asks_and_asks_for_json(endpoint: Endpoint) -> None:
    question(endpoint.url + "?shop=a&page=1", refresh=90.0).ask()
    (seen,) = endpoint.seen
    assert seen["path"] == "/tenants?shop=a&page=1"
    assert {name: seen[name] for name in ("Accept", "User-Agent", "Connection")} == {
        "Accept": "application/json",
        "User-Agent": "integration-exporter",
        "Connection": "close",
    }
    assert seen["X-Prometheus-Refresh-Interval-Seconds"] == "90"
    assert "Authorization" not in seen


def test_an_address_without_a_path_asks_for_the_root(endpoint: Endpoint) -> None:
    question(endpoint.url.removesuffix("/tenants")).ask()
    assert endpoint.seen[0]["path"] == "/"


@pytest.mark.parametrize(("user", "sent"), [("app:pass", b"app:pass"), ("app", b"app:"), (":pass", b":pass")])
def test_a_user_in_the_address_is_sent_and_a_header_of_the_operator_s_goes_before(
    endpoint: Endpoint, user: str, sent: bytes
) -> None:
    url = endpoint.url.replace("://", f"://{user}@")
    question(url).ask()
    assert endpoint.seen[-1]["Authorization"] == "Basic " + b64encode(sent).decode()
    question(url, headers=(("Authorization", Secret("Bearer own")),)).ask()
    assert endpoint.seen[-1]["Authorization"] == "Bearer own"


def test_the_name_of_a_source_has_its_address_without_credentials() -> None:
    url = "https://app:planted@host.example:8443/path?key=planted"
    assert question(url).label == "tenants.http of shop (https://host.example:8443/path)"
    assert question(url, hide_path=True).label == "tenants.http of shop (https://host.example:8443)"
    assert "planted" not in repr(question(url, headers=(("X", Secret("planted")),)))


# --- failures of the exchange --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (201, "answer 200 with a JSON list"),
        (204, "answer 200 with a JSON list"),
        (299, "answer 200 with a JSON list"),
        (300, "configure the address that it redirects to: redirects are not followed"),
        (302, "configure the address that it redirects to: redirects are not followed"),
        (400, "answer 200 with a JSON list"),
        (401, "correct tenants.http.auth"),
        (403, "correct tenants.http.auth"),
        (404, "answer 200 with a JSON list"),
        (503, "answer 200 with a JSON list"),
    ],
)
def test_another_status_than_200_is_reported_with_what_helps(
    endpoint: Endpoint, status: int, remedy: str
) -> None:
    endpoint.status = status
    assert problem(question(endpoint.url).ask) == f"the endpoint answered with status {status}; {remedy}"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[]", "the answer was cut; look after the endpoint"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n",
            f"the endpoint does not speak HTTP, or cut the answer; {LOOK}",
        ),
        (
            b"SSH-2.0-planted\r\n",
            f"the endpoint does not speak HTTP, or cut the answer; {LOOK}",
        ),
    ],
)
def test_an_answer_that_is_cut_or_no_http_is_none_and_nothing_of_it_is_repeated(
    raw: bytes, message: str
) -> None:
    with answering(raw) as port:
        assert problem(question(f"http://127.0.0.1:{port}/").ask) == message


def test_an_endpoint_that_is_not_there_is_reported_as_the_system_says_it() -> None:
    assert (
        problem(question(f"http://127.0.0.1:{free_port()}/").ask)
        == f"it cannot be reached: Connection refused; {LOOK}"
    )
    message = problem(question("http://no-such-host.invalid/").ask)
    assert message.startswith("its name cannot be resolved: ") and message.endswith(f"; {LOOK}")


def test_an_endpoint_that_drips_is_left_after_the_timeout_too(endpoint: Endpoint) -> None:
    endpoint.release.clear()
    message = problem(question(endpoint.url, timeout=0.2).ask)
    assert message == "no complete answer within 0.2 s; look after it, or raise timeout"


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def secure(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n" + b'[{"id": "acme"}]'


def test_a_secure_endpoint_is_known_by_its_own_name_or_by_the_one_that_is_given(
    authority: trustme.CA, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    trust = TlsOptions(ca_file=str(tmp_path / "ca.pem"))
    with answering(OK, secure(authority, "127.0.0.1")) as port:
        assert question(f"https://127.0.0.1:{port}/", tls=trust).ask() == [{"id": "acme"}]
    named = TlsOptions(ca_file=str(tmp_path / "ca.pem"), server_name="shop.example")
    with answering(OK, secure(authority, "shop.example")) as port:
        assert question(f"https://127.0.0.1:{port}/", tls=named).ask() == [{"id": "acme"}]
    with answering(OK, secure(authority, "other.example")) as port:
        message = problem(question(f"https://127.0.0.1:{port}/", tls=named).ask)
    assert message.startswith("the endpoint's certificate is refused: Hostname mismatch")
    with answering(OK) as port:
        message = problem(question(f"https://127.0.0.1:{port}/", tls=trust).ask)
    assert re.fullmatch(f"the TLS handshake failed: [A-Z0-9_]+; {LOOK}", message)


def test_a_file_or_a_server_name_that_cannot_be_used_is_reported(endpoint: Endpoint) -> None:
    secured = endpoint.url.replace("http:", "https:")
    message = problem(question(secured, tls=TlsOptions(ca_file="/nonexistent/ca.pem")).ask)
    assert "/nonexistent/ca.pem" in message and message.endswith("; correct the file")
    message = problem(question(secured, tls=TlsOptions(server_name="a..b")).ask)
    assert message.startswith("tls.server_name cannot be used: ") and message.endswith("; correct the name")


# --- what an answer holds ------------------------------------------------------------------------------


def test_exactly_as_many_tenants_as_may_be_are_taken() -> None:
    body = json.dumps([{"id": "a"}, {"targets": ["b", "c"]}]).encode()
    assert len(rows_of(body, 3)) == 3
    message = problem(lambda: rows_of(body, 2))
    assert message == "the answer has more than 2 tenants; raise max_rows, or answer fewer"


def test_what_is_no_list_is_reported_with_what_to_answer() -> None:
    assert problem(lambda: rows_of(b"{}", 9)) == f"the answer is no list; {LIST}"
    message = problem(lambda: rows_of(b"<html>planted", 9))
    assert message.startswith("the answer is no JSON: ") and message.endswith(f"; {LIST}")
    assert "planted" not in message


@pytest.mark.parametrize(
    ("element", "what", "remedy"),
    [
        ("acme", "the row is no object", 'write {"id": ...} or {"targets": [...], "labels": {...}}'),
        (
            {"targets": ["a"], "thresholds": {}, "options": {}},
            "a group of targets has the key options, which a row with id has",
            "write rows with id, or set options by labels such as __option_<name>",
        ),
        (
            {"targets": "a", "labels": {}},
            "targets is no list, or labels is no object",
            'write {"targets": ["acme"], "labels": {}}',
        ),
        (
            {"targets": ["a"], "labels": ["b"]},
            "targets is no list, or labels is no object",
            'write {"targets": ["acme"], "labels": {}}',
        ),
    ],
)
def test_an_element_that_is_neither_row_nor_group_costs_itself_alone(
    element: Any, what: str, remedy: str
) -> None:
    body = json.dumps([element, {"id": "b"}]).encode()
    assert rows_of(body, 9) == [BadRow("", what, remedy), {"id": "b"}]


def test_the_labels_of_a_group_are_options_labels_or_prometheus_own() -> None:
    group = {
        "targets": ["a"],
        "labels": {"plan": "x", "__option_size": "5", "__meta_y": "z", "_one": "1"},
        "source": "crm",
    }
    assert rows_of(json.dumps([group]).encode(), 9) == [
        {
            "id": "a",
            "labels": {"plan": "x", "_one": "1"},
            "options": {"size": "5"},
            TEXT: True,
            "source": None,
        }
    ]
    (bare,) = rows_of(b'[{"targets": ["a"], "labels": null}]', 9)
    assert bare == {"id": "a", "labels": {}, "options": {}, TEXT: True}
