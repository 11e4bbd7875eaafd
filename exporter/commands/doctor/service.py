"""Asks Prometheus and Alertmanager over HTTP; an error says in one sentence why they do not answer."""

import asyncio
import json
from typing import Any
from urllib.parse import quote, urlsplit

from exporter.commands.api_client import LONGEST_ANSWER
from exporter.core.defaults import LOOPBACK_HOSTS, PROMETHEUS_URL
from exporter.core.errors import ProbeError, StartError
from exporter.core.network import Header, Network, Request, Trace
from exporter.core.options import TlsOptions
from exporter.core.secret import Secret
from exporter.net.dial import place as join_address

TIMEOUT = 10.0
"""Seconds for one answer."""


class NoAnswerError(Exception):
    """The service did not answer as it should: `what` happened and the `remedy`."""

    def __init__(self, what: str, remedy: str) -> None:
        """Keep both."""
        super().__init__(what)
        self.what, self.remedy = what, remedy


class MonitoringService:
    """The service `name` at `url`, which was given by `flag`; `token` is sent as a bearer token."""

    def __init__(
        self, network: Network, name: str, url: str, flag: str, token: Secret | None = None, ca_file: str = ""
    ) -> None:
        """Check `url`; StartError when it is invalid, or holds credentials, which the shell would store."""
        self.name, self.flag = name, flag
        self.origin = origin(url)
        parts = urlsplit(url)
        if self.origin is None or parts.username is not None or parts.query or parts.fragment:
            raise StartError(f"{flag} must be a URL such as {PROMETHEUS_URL}, without credentials")
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._network = network
        self._tls = TlsOptions(ca_file=ca_file)
        # A Secret, so that no trace of the request shows it.
        self._auth: tuple[Header, ...] = (
            (("Authorization", Secret(f"Bearer {token.reveal()}")),) if token else ()
        )

    async def ask(self, path: str, **query: str) -> Any:
        """Return the JSON of a GET of `path`; NoAnswerError when there is none."""
        words = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        request = Request(
            f"{self.url}{path}{'?' if words else ''}{words}",
            auth=self._auth,
            tls=self._tls,
            max_body=LONGEST_ANSWER,
        )
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await self._network.call(request, Trace())
        except TimeoutError:
            raise self._no_answer(f"does not finish its answer within {TIMEOUT:g} s") from None
        except ProbeError as error:
            raise self._no_answer(f"does not answer: {error.detail}") from None
        # The one answer that a flag of this command can fix.
        if answer.status in (401, 403):
            remedy = f"give a token by --{self.name.lower()}.token-file"
            raise NoAnswerError(f"{self.name} at {self.url} wants credentials (HTTP {answer.status})", remedy)
        if answer.status != 200:
            raise self._no_answer(f"answers HTTP {answer.status} to {path}")
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise self._no_answer(f"does not answer {path} in JSON") from None

    async def data(self, path: str, **query: str) -> Any:
        """Return the `data` of an answer in the form of Prometheus' HTTP API."""
        answer = await self.ask(path, **query)
        if not isinstance(answer, dict) or answer.get("status") != "success":
            raise self._no_answer(f"does not answer {path} as Prometheus does")
        return answer["data"]

    def _no_answer(self, how: str) -> NoAnswerError:
        return NoAnswerError(
            f"{self.name} at {self.url} {how}", f"start it, or say where it is by {self.flag}"
        )


class Host(str):
    """A host as it was written; the names of this machine are equal to one another."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        """Compare as hosts."""
        return _machine(str(self)) == _machine(str(other))

    def __hash__(self) -> int:
        """Hash equal hosts to the same value."""
        return hash(_machine(str(self)))


def _machine(host: str) -> str:
    return "localhost" if host in LOOPBACK_HOSTS else host


def origin(url: str) -> tuple[str, int] | None:
    """Return host and port of `url`, None where it is not a web address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return None
    return Host(parts.hostname.lower()), port or (443 if parts.scheme == "https" else 80)


def format_address(address: tuple[str, int] | None) -> str:
    """Return `host:port`, with brackets around IPv6."""
    return join_address(*address) if address else "an invalid address"
