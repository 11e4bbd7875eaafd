"""A mail server that can be broken: SMTP with STARTTLS and AUTH, written from RFC 5321, 3207 and 4954."""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.servers.ports import free_port
from tests.servers.raw import Visit, serving

USER = "robot@example.org"
PASSWORD = "planted mail+password=4242"
EXTENSIONS = ("mail.example.org greets you", "SIZE 35882577", "8BITMIME", "AUTH PLAIN LOGIN XOAUTH2 NTLM")


@dataclass
class Mail:
    """A running server. `replies` overrides the reply to a command (or "banner") by raw bytes.

    `letters` are the messages that it took, head and body.
    """

    good: ssl.SSLContext
    wrong: ssl.SSLContext
    implicit: bool = False
    offers: tuple[str, ...] = EXTENSIONS
    starttls: bool = True
    fault: str | None = None
    replies: dict[str, bytes] = field(default_factory=dict)
    heard: list[bytes] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)
    port: int = 0

    async def talk(self, visit: Visit) -> None:
        secured = self.implicit
        await self._say(visit, "banner", b"220 mail.example.org ESMTP\r\n")
        while line := await visit.reader.readline():
            self.heard.append(line)
            word = line.split()[0].upper().decode() if line.strip() else ""
            if word == "EHLO":
                more = () if secured or not self.starttls or self.fault == "missing_field" else ("STARTTLS",)
                await self._say(visit, "EHLO" if not secured else "EHLO secured", _lines(*self.offers, *more))
            elif word == "STARTTLS":
                await self._say(visit, "STARTTLS", b"220 2.0.0 go ahead\r\n")
                await visit.writer.start_tls(self.wrong if self.fault == "wrong_certificate" else self.good)
                secured = True
            elif word == "AUTH":
                await self._sign_in(visit, line)
            elif word == "DATA":
                await self._say(visit, "DATA", b"354 go ahead\r\n")
                letter = await visit.reader.readuntil(b"\r\n.\r\n")
                self.letters.append(letter.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n."))
                await self._say(visit, "END", b"250 2.0.0 taken\r\n")
            elif word == "QUIT":
                await self._say(visit, "QUIT", b"221 2.0.0 bye\r\n")
                return
            else:
                await self._say(visit, word, b"250 2.0.0 fine\r\n")

    async def _sign_in(self, visit: Visit, line: bytes) -> None:
        _, mechanism, *rest = line.split()
        if mechanism.upper() == b"PLAIN":
            given = base64.b64decode(rest[0]).decode().split("\0")[1:]
        else:
            given = []
            for question in (b"Username:", b"Password:"):
                await visit.say(b"334 " + base64.b64encode(question) + b"\r\n")
                given.append(base64.b64decode(await visit.reader.readline()).decode())
        fine = given == [USER, PASSWORD] and self.fault != "bad_credential"
        # Some servers repeat what they were given.
        echo = f"535 5.7.8 no such user or password: {given}\r\n".encode()
        await self._say(visit, "AUTH", b"235 2.7.0 welcome\r\n" if fine else echo)

    async def _say(self, visit: Visit, word: str, usual: bytes) -> None:
        if self.fault == "slow":
            await asyncio.sleep(30)
        if self.fault == "server_error":
            await visit.say(b"421 4.3.2 shutting down\r\n")
            raise ConnectionError
        if self.fault == "bad_json":
            usual = b"\x16\x03\x01 \xff\xfe what?\r\n"
        if self.fault == "cut":
            await visit.say(usual[:6])
            raise ConnectionError
        await visit.say(self.replies.get(word, usual))


def _lines(*texts: str) -> bytes:
    *first, last = texts
    return "".join([*(f"250-{text}\r\n" for text in first), f"250 {last}\r\n"]).encode()


@dataclass
class MailRoom:
    """Serves a `Mail` until the block ends; `refuse` closes its port and opens it again."""

    mail: Mail
    stack: contextlib.AsyncExitStack

    async def open(self) -> None:
        tls = self.mail.good if self.mail.implicit else None
        self.mail.port = self.mail.port or free_port()
        await self.stack.enter_async_context(serving(self.mail.talk, tls=tls, port=self.mail.port))

    async def spoil(self, fault: str | None) -> None:
        if fault == "refused":
            await self.stack.aclose()
        elif self.mail.fault == "refused":
            await self.open()
        self.mail.fault = fault


@contextlib.asynccontextmanager
async def mail_room(mail: Mail) -> AsyncIterator[MailRoom]:
    async with contextlib.AsyncExitStack() as stack:
        room = MailRoom(mail, stack)
        await room.open()
        yield room
