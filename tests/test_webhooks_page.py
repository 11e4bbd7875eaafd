"""What docs/webhooks.md shows works: the configuration loads, and the proxy opens one path alone."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from exporter.config.load import load_text
from exporter.registry import catalogue
from exporter.server.handlers.webhooks import webhook
from exporter.server.routes import ROUTES
from exporter.signatures import schemes
from tests.ingest.intake import Stand, github, github_headers
from tests.server.house import Room, house
from tests.servers.ports import free_port
from tests.waiting import PATIENCE

PAGE = (Path(__file__).parent.parent / "docs" / "webhooks.md").read_text()
NGINX = """\
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
daemon off;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        {locations}
    }}
}}
"""


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)
    return str(found)


def test_the_configuration_of_the_page_loads() -> None:
    text = f"integrations: []\n{block('yaml')}"
    webhooks = load_text(text, None, catalogue(), {}).webhooks
    assert [source.name for source in webhooks.sources] == ["stripe", "github"]


def test_the_page_names_every_scheme_and_no_other() -> None:
    table = PAGE.partition("## At the vendor")[2].partition("## ")[0]
    named = re.findall(r"^\| [^|]+ \| `([a-z]+)` \|", table, re.M)
    assert sorted(named) == sorted([*schemes(), "scheme"])  # with the head of the column
    assert [route.path for route in ROUTES if route.handler is webhook] == ["/webhooks/{source}"]


@asynccontextmanager
async def proxy(folder: Path, upstream: int) -> AsyncIterator[str]:
    program, port = shutil.which("nginx") or "/usr/sbin/nginx", free_port()
    locations = block("nginx").replace("127.0.0.1:10055", f"127.0.0.1:{upstream}")
    folder.chmod(0o755)
    path = folder / "nginx.conf"
    path.write_text(NGINX.format(folder=folder, port=port, locations=locations))
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(program, "-c", str(path), stdout=quiet, stderr=quiet)
    try:
        async with asyncio.timeout(PATIENCE):
            while not await _listens(port):
                await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/config", "/webhooks/../metrics", "/webhooks/%2e%2e/config"]
)
async def test_the_proxy_of_the_page_passes_webhooks_on_and_nothing_else(tmp_path: Path, path: str) -> None:
    stand = Stand(github())
    async with (
        house(Room([], webhooks=stand.intake)) as served,
        proxy(tmp_path, served.port) as url,
        aiohttp.ClientSession() as client,
    ):
        headers = dict(github_headers(b"{}"))
        async with client.post(f"{url}/webhooks/github", data=b"{}", headers=headers) as answer:
            assert answer.status == 200
        async with client.post(f"{url}/webhooks/github", data=b"forged", headers=headers) as answer:
            assert answer.status == 401
        head = f"GET {path} HTTP/1.1\r\nHost: hooks.example.com\r\nConnection: close\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(head.encode())
        assert int((await reader.read()).split()[1]) == 404
        writer.close()
        await writer.wait_closed()
    assert stand.only.body == b"{}"
    assert stand.entries[-1].address == "127.0.0.1"
