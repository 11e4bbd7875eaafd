"""Real apps of real frameworks behind real servers."""

import asyncio
import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django.core.asgi
import django.core.wsgi
import flask
import pytest
import uvicorn
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from exporter.client import Client
from exporter.client.asgi import ASGIMiddleware
from exporter.client.wsgi import WSGIMiddleware
from tests.client.receiver import Receiver
from tests.waiting import PATIENCE

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@contextmanager
def serve_asgi(app: Any) -> Iterator[int]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", ws="none"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        assert thread.is_alive()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serve_wsgi(app: Any) -> Iterator[int]:
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def ask(port: int, target: str, method: str = "GET") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, target, headers={"traceparent": TRACE})
    response = connection.getresponse()
    try:
        return response.status, response.read()
    finally:
        connection.close()


def fastapi_app(client: Client) -> Any:
    app = FastAPI()

    @app.get("/orders/{number}")
    async def order(number: int) -> dict[str, int]:
        return {"number": number}

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def pieces() -> Any:
            yield b"one"
            await asyncio.sleep(0.2)
            yield b"two"

        return StreamingResponse(pieces())

    @app.get("/broken/{number}")
    async def broken(number: int) -> None:
        raise RuntimeError("boom")

    return ASGIMiddleware(app, client)


def starlette_app(client: Client) -> Any:
    async def order(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.path_params["number"])

    shop = [Route("/orders/{number}", order)]
    return ASGIMiddleware(Starlette(routes=[*shop, Mount("/shop", routes=shop)]), client)


def flask_app(client: Client) -> Any:
    app = flask.Flask(__name__)

    @app.get("/orders/<int:number>")
    def order(number: int) -> str:
        return str(number)

    @app.get("/broken/<number>")
    def broken(number: str) -> str:
        raise RuntimeError("boom")

    return WSGIMiddleware(app, client)


def served(app: Any) -> Callable[[Any], Any]:
    return serve_wsgi if isinstance(app, WSGIMiddleware) else serve_asgi


APPS = {"fastapi": fastapi_app, "starlette": starlette_app, "flask": flask_app}


def reported(client: Client, receiver: Receiver) -> list[dict[str, Any]]:
    assert client.flush(PATIENCE)
    return receiver.of_kind("api_request")


@pytest.mark.parametrize("framework", APPS)
def test_a_request_is_reported_by_the_template_of_its_route(
    framework: str, client: Client, receiver: Receiver
) -> None:
    app = APPS[framework](client)
    with served(app)(app) as port:
        assert ask(port, "/orders/17?card=mastercard")[0] == 200
    (event,) = reported(client, receiver)
    template = "/orders/<int:number>" if framework == "flask" else "/orders/{number}"
    assert (event["route"], event["method"], event["status"]) == (template, "GET", 200)
    assert event["trace_id"] == TRACE.split("-")[1]
    assert event["duration"] > 0
    assert "mastercard" not in str(event)


@pytest.mark.parametrize("framework", APPS)
def test_what_no_route_answers_is_reported_by_its_path(
    framework: str, client: Client, receiver: Receiver
) -> None:
    app = APPS[framework](client)
    with served(app)(app) as port:
        assert ask(port, "/nowhere")[0] == 404
    (event,) = reported(client, receiver)
    assert (event["route"], event["status"]) == ("/nowhere", 404)


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
def test_an_app_that_raises_is_a_server_error(framework: str, client: Client, receiver: Receiver) -> None:
    app = APPS[framework](client)
    with served(app)(app) as port:
        assert ask(port, "/broken/1")[0] == 500
    (event,) = reported(client, receiver)
    assert event["status"] == 500
    assert event["route"].startswith("/broken/")


def test_a_mounted_route_has_the_place_where_it_is_mounted(client: Client, receiver: Receiver) -> None:
    app = starlette_app(client)
    with serve_asgi(app) as port:
        assert ask(port, "/shop/orders/17")[0] == 200
    assert reported(client, receiver)[0]["route"] == "/shop/orders/{number}"


def test_a_streaming_answer_lasts_until_its_last_piece(client: Client, receiver: Receiver) -> None:
    with serve_asgi(fastapi_app(client)) as port:
        assert ask(port, "/stream") == (200, b"onetwo")
    assert reported(client, receiver)[0]["duration"] >= 0.2


def test_a_wsgi_answer_in_pieces_is_reported_once_it_is_through(client: Client, receiver: Receiver) -> None:
    closed = []

    class Pieces:
        def __iter__(self) -> Iterator[bytes]:
            yield b"one"
            assert client.statistics.queued + client.statistics.sent == 0
            yield b"two"

        def close(self) -> None:
            closed.append(True)

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("201 Created", [("Content-Type", "text/plain")])
        return Pieces()

    with serve_wsgi(WSGIMiddleware(app, client)) as port:
        assert ask(port, "/any") == (201, b"onetwo")
    assert closed == [True]
    assert reported(client, receiver)[0]["status"] == 201


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
def test_an_app_may_describe_its_requests_and_its_mistake_costs_no_answer(
    framework: str, client: Client, receiver: Receiver
) -> None:
    app = APPS[framework](client)

    def describe(request: dict[str, Any]) -> dict[str, Any]:
        if request.get("path", request.get("PATH_INFO")) == "/orders/2":
            raise RuntimeError("boom")
        return {"tenant": "acme", "user": "u1"}

    app.describe = describe
    with served(app)(app) as port:
        assert [ask(port, f"/orders/{number}")[0] for number in (1, 2)] == [200, 200]
    (event,) = reported(client, receiver)
    assert (event["tenant"], event["user"]) == ("acme", "u1")
    assert client.statistics.dropped == 1


@pytest.mark.parametrize("framework", APPS)
def test_without_an_exporter_an_app_answers_as_ever(framework: str) -> None:
    app = APPS[framework](Client())
    with served(app)(app) as port:
        assert ask(port, "/orders/17")[0] == 200


@pytest.mark.parametrize(
    "traceparent", ["", "00-1-2-3", f"00-{'0' * 32}-b7ad6b7169203331-01", "00-" + "Z" * 32 + "-1-1"]
)
def test_a_trace_that_is_none_is_left_out(traceparent: str) -> None:
    from exporter.client.routes import trace_id

    assert trace_id(traceparent) is None


def order(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(str(number))


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("boom")


urlpatterns = [path("orders/<int:number>", order), path("broken", broken)]


@pytest.fixture(scope="module")
def django_settings() -> Any:
    settings.configure(
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        MIDDLEWARE=["exporter.client.django.ReportRequests"],
        DEBUG=False,
        LOGGING_CONFIG=None,
    )
    django.setup()
    return settings


@pytest.mark.parametrize("door", ["asgi", "wsgi"])
@pytest.mark.parametrize(
    ("target", "route", "status"),
    [("/orders/17", "/orders/<int:number>", 200), ("/nowhere", "/nowhere", 404), ("/broken", "/broken", 500)],
)
def test_django_reports_the_route_of_its_urls(
    door: str,
    target: str,
    route: str,
    status: int,
    client: Client,
    receiver: Receiver,
    django_settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from exporter.client import django as middleware

    monkeypatch.setattr(middleware, "_client", lambda: client)
    if door == "asgi":
        app, serving = django.core.asgi.get_asgi_application(), serve_asgi
    else:
        app, serving = django.core.wsgi.get_wsgi_application(), serve_wsgi
    with serving(app) as port:
        assert ask(port, target)[0] == status
    (event,) = reported(client, receiver)
    assert (event["route"], event["status"], event["trace_id"]) == (route, status, TRACE.split("-")[1])
