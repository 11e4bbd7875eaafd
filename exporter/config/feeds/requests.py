"""From `tenants.http` and `tenants.sql` to what is asked; mistakes in them are reported with their line."""

from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any
from urllib.parse import urlsplit

from exporter.config import durations
from exporter.config.document.context import Path
from exporter.config.document.credentials import url_passwords
from exporter.config.document.files import FileProblem, read_secret
from exporter.config.document.source import Source
from exporter.config.document.values import is_missing
from exporter.config.feeds.http import HttpFeedRequest, basic
from exporter.config.feeds.sql import SqlFeedRequest, url_problem
from exporter.config.layout import Feed, HttpTenants, SqlTenants
from exporter.config.load_context import LoadContext
from exporter.core.hosts import ascii_host
from exporter.core.secret import Secret

LONGEST = 300.0
"""Seconds of a timeout at most."""


@dataclass
class FeedRequests:
    """Makes the questions of one integration; `path` is that of `http` or `sql` in the file."""

    context: LoadContext
    source: Source
    path: Path
    integration: str

    def http(self, part: HttpTenants) -> HttpFeedRequest | None:
        """Return the question, None after a mistake."""
        # Every part is judged before the first return, so that one round reports all mistakes.
        url = self._url(part.url, part.url_file)
        headers = self._headers(part)
        times = self._times(part)
        if url and (wrong := _wrong_url(url)):
            self._add_error("url", wrong, "write https://host/path")
            url = ""
        if not self._good_server_name(part):
            return None
        if not url or headers is None or times is None:
            return None
        return HttpFeedRequest(
            self.integration,
            url,
            headers,
            part.tls,
            **self._terms(part, times),
            hide_path=bool(part.url_file),  # who hides the address may mean its path
        )

    def _good_server_name(self, part: HttpTenants) -> bool:
        try:
            _ = part.tls.server_name and ascii_host(part.tls.server_name)
        except ValueError as error:
            self._add_error("tls", f"tls.server_name cannot be used: {error}", "correct the name")
            return False
        return True

    def sql(self, part: SqlTenants) -> SqlFeedRequest | None:
        """Return the question, None after a mistake."""
        url, times = self._url(part.url, part.url_file), self._times(part)
        if url and (wrong := url_problem(url)):
            self._add_error(
                "url", wrong, "write postgresql://user:password@host/database or sqlite:///file.db"
            )
            url = ""
        if not url or times is None:
            return None
        terms = self._terms(part, times)
        return SqlFeedRequest(self.integration, self._with_folder(url), part.query, **terms)

    def _with_folder(self, url: str) -> str:
        """Let the relative name of a SQLite file start from the folder of the configuration."""
        from sqlalchemy import make_url

        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            return url
        return str(parsed.set(database=self.context.path(parsed.database or "")))

    def _url(self, url: str, file: str) -> str:
        if is_missing(url) or is_missing(file):
            return ""
        if url and file:
            self._add_error("url_file", "both url and url_file are set", "keep one of them")
            return ""
        if file:
            try:
                url = read_secret(file).text.strip()
            except FileProblem as problem:
                self._add_error("url_file", problem.what, problem.remedy)
                return ""
            # The converter has seen the name of the file alone, not the password in it.
            self.context.secrets.update(url_passwords(url))
        if not url:
            self._add_error("", "the source has no url", "add url: ... or url_file: ...")
        return url

    def _headers(self, part: HttpTenants) -> tuple[tuple[str, Secret], ...] | None:
        made = dict(part.headers)
        auth = part.auth
        if auth and auth.basic and auth.bearer:
            self._add_error("auth", "both basic and bearer are set", "keep one of them")
            return None
        if auth and auth.basic:
            text = basic(auth.basic.username, auth.basic.password.reveal())
            # The encoded pair too: it is the form in which the request carries the password.
            self.context.remember_secret(text.partition(" ")[2])
            made["Authorization"] = Secret(text)
        if auth and auth.bearer:
            made["Authorization"] = Secret(f"Bearer {auth.bearer.token.reveal()}")
        for name, value in made.items():
            if not _good_header(name, value.reveal()):
                self._add_error(
                    "headers", "a header cannot be sent", "use plain names, and values on one line"
                )
                return None
        return tuple(sorted(made.items(), key=lambda item: item[0]))

    def _times(self, part: Feed) -> tuple[float, float] | None:
        refresh, timeout = durations.seconds(part.refresh.strip()), durations.seconds(part.timeout.strip())
        if refresh < 1.0:
            self._add_error(
                "refresh", "the time between two refreshes is below a second", "write at least 1s"
            )
        if not 0 < timeout <= LONGEST:
            self._add_error("timeout", "the timeout is out of bounds", "choose from 1ms to 5m")
        return (refresh, timeout) if refresh >= 1.0 and 0 < timeout <= LONGEST else None

    def _terms(self, part: Feed, times: tuple[float, float]) -> dict[str, Any]:
        """Return the fields of FetchLimits; `times` are those of `_times`."""
        refresh, timeout = times
        return {
            "refresh": refresh,
            "timeout": timeout,
            "most": part.max_rows,
            "allow_empty": part.allow_empty,
            "loss_after": durations.seconds(part.loss_after.strip()),
            "cache_file": self._cache(part),
        }

    def _cache(self, part: Feed) -> str:
        if not part.cache:
            return ""
        file = FilePath(self.context.path(part.cache))
        if not file.parent.is_dir():
            self._add_error("cache", f"{file.parent} is no folder", "create it, or correct the path")
        return str(file)

    def _add_error(self, key: str, what: str, remedy: str) -> None:
        path = (*self.path, key) if key else self.path
        self.context.add_error(self.source.place(path), what, remedy)


def _wrong_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port_is_good = parts.port is None or parts.port > 0
    except ValueError:
        return "the address cannot be read"
    if parts.scheme not in ("http", "https") or not port_is_good:
        return "the address is no web address"
    try:
        ascii_host(parts.hostname or "")
    except ValueError as error:
        return f"the address is no web address: {error}"
    rest = url.replace(parts.netloc, "", 1)  # the host may be an international name
    return "" if rest.isascii() and url.isprintable() and " " not in url else "the address has odd characters"


def _good_header(name: str, value: str) -> bool:
    plain = name.replace("-", "").replace("_", "").isalnum() and name.isascii()
    # http.client encodes the values of headers as Latin-1.
    return plain and value.isprintable() and all(ord(sign) < 256 for sign in value)
