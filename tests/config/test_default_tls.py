"""`defaults.tls`: one place to say whom everything trusts that is dialled; an own `tls` goes before it."""

import json
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from exporter import registry
from exporter.commands.doctor import channels
from exporter.config.load import load_file
from exporter.core.clock import SystemClock
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from exporter.core.options import Options, TlsOptions, trusting
from exporter.core.probe import Probe, Result
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.engine.run import run
from exporter.net.network import LoopNetwork
from exporter.probes.postgres.options import PostgresOptions
from tests.servers.authority import Authority
from tests.servers.mail import Mail, mail_room

WITHOUT_TLS = {"dns", "tcp"}
"""Providers that never speak it."""


def whole(kind: Any) -> Any:
    """Return a value of a msgspec type with every part in it that it may have."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        parts = [one for one in kind.types if isinstance(one, inspect.StructType)]
        return whole(parts[0]) if parts else None
    if isinstance(kind, inspect.StructType):
        made = {}
        for field in kind.fields:
            value = whole(field.type)
            if value is not None or field.required:
                made[field.name] = "x" if value is None else value
        return kind.cls(**made)
    if isinstance(kind, inspect.VarTupleType):
        value = whole(kind.item_type)
        return None if value is None else (value,)
    return None


def judged(part: Any) -> Iterator[TlsOptions]:
    if isinstance(part, TlsOptions):
        yield part
    elif isinstance(part, msgspec.Struct):
        for name in part.__struct_fields__:
            yield from judged(getattr(part, name))
    elif isinstance(part, tuple):
        for one in part:
            yield from judged(one)


@pytest.mark.parametrize("probe", registry.probes().values(), ids=lambda probe: probe.name)
def test_every_provider_trusts_the_default_authorities_wherever_it_speaks_tls(probe: Probe) -> None:
    options: Options = whole(inspect.type_info(probe.options))
    if isinstance(options, PostgresOptions):
        options = msgspec.structs.replace(options, sslmode="verify-full", url=None)
        assert options.trusting("/ca.pem").sslrootcert == "/ca.pem"
        return
    before, after = list(judged(options)), list(judged(options.trusting("/ca.pem")))
    assert bool(before) is (probe.name not in WITHOUT_TLS)
    assert [one.ca_file for one in before] == [""] * len(before)
    assert [one.ca_file for one in after] == ["/ca.pem"] * len(before)


def test_an_own_authority_and_trust_in_everybody_stay() -> None:
    for own in (TlsOptions(ca_file="/own.pem"), TlsOptions(insecure_skip_verify=True)):
        options = registry.probes()["tls"].options(host="h", port=1, tls=own)
        assert trusting(options, "/ca.pem") == options


@pytest.mark.parametrize(
    ("url", "mode", "own", "trusted"),
    [
        ("", "verify-full", "", "/ca.pem"),
        ("", "verify-ca", "", "/ca.pem"),
        ("", "prefer", "", ""),
        ("", "require", "", ""),
        ("", "", "", ""),
        ("", "verify-full", "/own.pem", "/own.pem"),
        ("postgresql://h/d?sslmode=verify-full", "", "", "/ca.pem"),
        ("postgresql://h/d?sslmode=verify-full&sslrootcert=/own.pem", "", "", ""),
        ("postgresql://h/d?sslmode=verify-full", "require", "", ""),
        ("postgresql://[", "verify-full", "", ""),
    ],
)
def test_a_database_trusts_them_where_it_verifies_and_names_none(
    url: str, mode: str, own: str, trusted: str
) -> None:
    options = PostgresOptions(url=Secret(url) if url else None, sslmode=mode, sslrootcert=own)
    assert options.trusting("/ca.pem").sslrootcert == trusted


class Server:
    """Answers every request by HTTPS: tenants, tokens and health at the paths of these names."""

    def __init__(self, context: ssl.SSLContext) -> None:
        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answers: dict[str, Any] = {
                    "/tenants": [{"id": "acme"}],
                    "/token": {"access_token": "t", "token_type": "Bearer", "expires_in": 3600},
                }
                body = json.dumps(answers.get(self.path, {"status": "ok"})).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = _answer

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients refuse it
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[Server]:
    made = Server(authority.server())
    yield made
    made.server.shutdown()
    made.server.server_close()


def loaded(folder: Path, text: str, ca_file: str) -> Configuration:
    (folder / "c.yml").write_text(f"defaults: {{tls: {{ca_file: '{ca_file}'}}}}\n{text}")
    return load_file(str(folder / "c.yml"), registry.catalogue(), {})


async def probed(configuration: Configuration) -> list[Result]:
    network = LoopNetwork()
    try:
        targets = configuration.targets.values()
        return [await run(target, network, SystemClock(), {}) for target in targets]
    finally:
        await network.close()


INTEGRATIONS = {
    "http": "provider: http, options: {{url: 'https://localhost:{port}/'}}",
    "tls": "provider: tls, options: {{host: localhost, port: {port}}}",
    "statuspage": "provider: statuspage, options: {{url: 'https://localhost:{port}/'}}",
    "stripe": "provider: stripe, options: {{secret_key: sk_test_x, base_url: 'https://localhost:{port}'}}",
    "token endpoint": (
        "provider: http, options: {{url: 'https://localhost:{port}/', token_endpoint:"
        " {{url: 'https://localhost:{port}/token'}}, auth: {{oauth2: {{client_id: a, client_secret: b}}}}}}"
    ),
}


@pytest.mark.parametrize("name", INTEGRATIONS)
async def test_a_probe_dials_a_server_of_ones_own_authority(
    tmp_path: Path, authority: Authority, server: Server, name: str
) -> None:
    text = f"integrations: [{{name: a, {INTEGRATIONS[name].format(port=server.port)}}}]\n"
    (refused,) = await probed(loaded(tmp_path, text, ""))
    assert refused.reason is Reason.TLS
    (found,) = await probed(loaded(tmp_path, text, authority.ca_file))
    assert found.reason is not Reason.TLS, found.detail
    if name in ("http", "tls", "token endpoint"):
        assert found.ok, found.detail
    own = text.replace("options: {", "options: {tls: {ca_file: other.pem}, ", 1)
    (tmp_path / "other.pem").write_text(Path(Authority(tmp_path, "another").ca_file).read_text())
    (refused,) = await probed(loaded(tmp_path, own, authority.ca_file))
    if name != "token endpoint":  # whose own tls is below token_endpoint
        assert refused.reason is Reason.TLS


def test_tenants_are_asked_of_a_server_of_ones_own_authority(
    tmp_path: Path, authority: Authority, server: Server
) -> None:
    text = (
        "integrations: [{name: a, provider: tcp, options: {host: localhost, port: 1},"
        f" tenants: {{http: {{url: 'https://localhost:{server.port}/tenants'}}}}}}]\n"
    )
    assert not loaded(tmp_path, text, "").targets
    assert [tenant for _, tenant in loaded(tmp_path, text, authority.ca_file).targets] == ["acme"]


CHANNELS = {
    "slack": "api_url: https://localhost:{port}/x",
    "pagerduty": "routing_key: x, url: https://localhost:{port}/v2/enqueue",
    "webhook": "url: https://localhost:{port}/y",
    "heartbeat": "url: https://localhost:{port}/z",
}


@pytest.mark.parametrize("name", CHANNELS)
async def test_the_doctor_reaches_a_channel_of_ones_own_authority(
    tmp_path: Path, authority: Authority, server: Server, name: str
) -> None:
    text = f"notifications: {{{name}: {{{CHANNELS[name].format(port=server.port)}}}}}\n"
    for ca_file, state in (("", "problem"), (authority.ca_file, "ok")):
        network = LoopNetwork()
        found = await channels.findings(loaded(tmp_path, text, ca_file).notifications, network)
        await network.close()
        assert [(one.state, one.what.split(":")[0]) for one in found] == [(state, name)]


async def test_the_doctor_greets_a_mail_server_of_ones_own_authority(
    tmp_path: Path, authority: Authority
) -> None:
    async with mail_room(Mail(authority.server(), authority.server())) as mail:
        text = f"notifications: {{email: {{to: [a@b.c], smarthost: 'localhost:{mail.mail.port}'}}}}\n"
        for ca_file, own, state in (
            ("", "", "problem"),
            (authority.ca_file, "", "ok"),
            ("", authority.ca_file, "ok"),
        ):
            given = text.replace("smarthost", f"tls: {{ca_file: {own}}}, smarthost") if own else text
            network = LoopNetwork()
            found = await channels.findings(loaded(tmp_path, given, ca_file).notifications, network)
            await network.close()
            assert [one.state for one in found] == [state], [one.what for one in found]


def test_a_file_that_is_not_there_is_a_mistake_at_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, "integrations: []\n", "/not/here.pem")
    (mistake,) = caught.value.mistakes
    assert (mistake.line, "ca_file" in mistake.what) == (1, True)
