"""A client for the HTTP API of a running exporter; its errors say what to do."""

import argparse
import http.client
import json
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from exporter import __version__
from exporter.commands.local_token import find_token
from exporter.core.defaults import (
    CHANGE_HEADER,
    EXPORTER_URL,
    TOKEN_FILE_VARIABLE,
    TOKEN_VARIABLE,
    URL_VARIABLE,
    USER_AGENT,
)
from exporter.core.errors import StartError
from exporter.core.secret import Secret

TIMEOUT = 30.0
"""Seconds that each step (connecting, sending, waiting for more of the answer) may take."""

LONGEST_ANSWER = 64 << 20
"""Bytes of one answer, or of one line of an export, at most."""

QueryParameters = Mapping[str, str | int | None]


class ApiClient:
    """The exporter at `url`; `token` is a bearer token of its web configuration, None to send none.

    Every method raises StartError with one sentence: when no exporter answers, when the caller lacks the
    right, and when the exporter refuses, in its own words.
    """

    def __init__(
        self, url: str = EXPORTER_URL, token: Secret | None = None, ca_file: str | None = None
    ) -> None:
        """Check `url`; `ca_file` names the authority of a certificate that the system does not trust."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = 0
        unusable = parts.username is not None or parts.query or parts.fragment or port == 0
        if parts.scheme not in ("http", "https") or not parts.hostname or unusable:
            raise StartError(f"--exporter.url must be a URL such as {EXPORTER_URL}, without credentials")
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._host, self._port, self._prefix = parts.hostname, port, parts.path.rstrip("/")
        self._token = token
        self._tls = _tls(ca_file) if parts.scheme == "https" else None

    def get(self, path: str, query: QueryParameters | None = None) -> Any:
        """Return the JSON of `path`, such as /api/v1/status, for `query`; a value of None is left out."""
        with self._request("GET", _with_query(path, query)) as answer:
            return _json(answer, self.url)

    def text(self, path: str) -> str:
        """Return the text that `path`, such as /metrics, answers."""
        with self._request("GET", path) as answer:
            return answer.read(LONGEST_ANSWER).decode(errors="replace")

    def status(self, path: str, *, anonymous: bool = False) -> int:
        """Return the status that `path` answers, whatever it is; no token is sent if `anonymous`."""
        connection = self._connection()
        headers = self._headers(None)
        if anonymous:
            headers.pop("Authorization", None)
        try:
            connection.request("GET", self._prefix + path, None, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise StartError(f"the exporter at {self.url} does not answer: {reason}") from None
        finally:
            connection.close()

    def post(self, path: str, body: Any = None) -> Any:
        """Send `body` as JSON and return the JSON that comes back, None for an empty answer."""
        with self._request("POST", path, json.dumps({} if body is None else body).encode()) as answer:
            return _json(answer, self.url)

    def patch(self, path: str, body: Any) -> Any:
        """Send `body` as JSON to change what is at `path`, and return the JSON that comes back."""
        with self._request("PATCH", path, json.dumps(body).encode()) as answer:
            return _json(answer, self.url)

    def delete(self, path: str, body: Any) -> Any:
        """Ask to delete what `body` names at `path`; return as `post` does."""
        with self._request("DELETE", path, json.dumps(body).encode()) as answer:
            return _json(answer, self.url)

    def rows(self, path: str, query: QueryParameters | None = None) -> Iterator[dict[str, Any]]:
        """Yield what `path` exports as NDJSON, row by row.

        Raises StartError at the end when the export was cut, so that no row is missing unnoticed.
        """
        with self._request("GET", _with_query(path, {**(query or {}), "format": "ndjson"})) as answer:
            for line in _lines(answer):
                yield _row(line, self.url)

    @contextmanager
    def _request(
        self, method: str, path: str, body: bytes | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        connection = self._connection()
        try:
            connection.request(method, self._prefix + path, body, self._headers(body))
            answer = connection.getresponse()
            # Redirects are refused, too: the token must not go to another host.
            if not 200 <= answer.status < 300:
                raise StartError(_refusal(answer, self.url, path))
            yield answer
        # The order matters: these are kinds of OSError, and each has a remedy of its own.
        except ssl.SSLCertVerificationError as error:
            remedy = "give its authority by --ca-file"
            raise StartError(
                f"{self.url} shows a certificate that is not trusted: {error.verify_message}; {remedy}"
            ) from None
        except ConnectionRefusedError:
            raise StartError(
                f"no exporter runs at {self.url}; start one, or say where it is by --exporter.url"
            ) from None
        except http.client.IncompleteRead:
            raise StartError(f"{self.url} broke off in the middle of its answer; ask again") from None
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise StartError(f"the exporter at {self.url} does not answer: {reason}") from None
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=TIMEOUT, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT)

    def _headers(self, body: bytes | None) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": USER_AGENT}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.reveal()}"
        if body is not None:
            headers |= {"Content-Type": "application/json", CHANGE_HEADER: "1"}
        return headers


def build_client(options: argparse.Namespace) -> ApiClient:
    """Return a client of the exporter that the flags name, or else the environment.

    Without a token, the client of an exporter on this machine takes its admin token, where this user may
    read it.
    """
    url = options.exporter_url or os.environ.get(URL_VARIABLE) or EXPORTER_URL
    return ApiClient(url, read_token(options.token_file) or find_token(url, os.environ), options.ca_file)


def read_token(path: str | None) -> Secret | None:
    """Return the token in the file `path`, else in the variables; StartError if it is not one token."""
    if path is not None:
        return _token_in_file(path, f"--token-file {path}")
    if text := os.environ.get(TOKEN_VARIABLE, "").strip():
        return Secret(_check_token(text, f"the variable {TOKEN_VARIABLE}"))
    if path := os.environ.get(TOKEN_FILE_VARIABLE):
        return _token_in_file(path, f"the file {path} of {TOKEN_FILE_VARIABLE}")
    return None


def _token_in_file(path: str, what: str) -> Secret:
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"{what} cannot be read: {getattr(error, 'strerror', 'it is no text')}") from None
    if not text:
        raise StartError(f"{what} is empty; write the token into it")
    return Secret(_check_token(text, what), path)


def _check_token(text: str, what: str) -> str:
    # A line break would end the header, and what follows would be a header of its own.
    if any(not "!" <= sign <= "~" for sign in text):
        raise StartError(f"{what} holds more than one token: blanks, or signs that no token has")
    return text


def _tls(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise StartError(f"--ca-file {ca_file} cannot be used: {error.strerror or error}") from None


def _with_query(path: str, query: QueryParameters | None) -> str:
    given = {name: value for name, value in (query or {}).items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _json(answer: http.client.HTTPResponse, url: str) -> Any:
    # One byte more than allowed shows whether an answer is too long or fits exactly.
    body = answer.read(LONGEST_ANSWER + 1)
    if len(body) > LONGEST_ANSWER:
        raise StartError(f"the answer of {url} is longer than {LONGEST_ANSWER >> 20} MiB; ask for less")
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise StartError(
            f"{url} does not answer as an integration-exporter does; see --exporter.url"
        ) from None


def _lines(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """Yield each line with its end; unlike the answer's own readline this raises when the body is cut."""
    rest = b""
    while piece := answer.read(1 << 16):
        *whole, rest = (rest + piece).splitlines(keepends=True)
        yield from whole
        if rest.endswith(b"\n"):
            yield rest
            rest = b""
        if len(rest) > LONGEST_ANSWER:
            break
    if rest:
        yield rest


def _row(line: bytes, url: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not (isinstance(row, dict) and line.endswith(b"\n")):
        raise StartError(f"{url} broke off in the middle of a row; ask again")
    return row


def _refusal(answer: http.client.HTTPResponse, url: str, path: str) -> str:
    """Return one sentence for an answer that is an error; the exporter's own words where it has some."""
    if answer.status == 401:
        return (
            f"the exporter at {url} wants credentials; give a token of its web configuration, or its admin "
            f"token, by --token-file or {TOKEN_VARIABLE}"
        )
    try:
        text = json.loads(answer.read(1 << 16))["error"]
    except (ValueError, RecursionError, KeyError, TypeError, http.client.HTTPException):
        what = f"{url} answers {answer.status} to {path.partition('?')[0]}"
        return f"{what}; is it an integration-exporter, of version {__version__} or later?"
    return f"the exporter at {url} says: {text}"
