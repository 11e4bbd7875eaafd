"""An HTTP proxy that connects to whatever it is asked for, on this machine."""

import asyncio
import contextlib
from dataclasses import dataclass, field

from tests.servers.raw import Visit, ok


@dataclass
class Proxy:
    """`asked` are the heads it got, `answer` is what it says instead of serving; all names are 127.0.0.1."""

    asked: list[str] = field(default_factory=list)
    answer: bytes = b""

    async def talk(self, visit: Visit) -> None:
        while True:
            head = (await visit.request()).decode()
            self.asked.append(head)
            method, target, _ = head.split(" ", 2)
            if self.answer:
                await visit.say(self.answer)
            elif method == "CONNECT":
                await self._tunnel(visit, int(target.rpartition(":")[2]))
                return
            else:
                await visit.say(ok(b"by proxy"))

    async def _tunnel(self, visit: Visit, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await visit.say(b"HTTP/1.1 200 Connection established\r\nX-Proxy: y\r\n\r\n")
        try:
            await asyncio.gather(_copy(visit.reader, writer), _copy(reader, visit.writer))
        finally:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()
