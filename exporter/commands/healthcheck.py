"""`healthcheck`: one request to a running exporter, for containers and service managers without curl."""

import argparse
import http.client
import ipaddress
import os
import ssl
from urllib.parse import urlsplit

from exporter.core.defaults import EXPORTER_URL, URL_VARIABLE
from exporter.core.errors import StartError

TIMEOUT = 3.0
"""Seconds that each step (connecting, sending, waiting for the answer) may take."""


READY = "/-/ready"


def healthcheck(options: argparse.Namespace) -> int:
    """Return 0 when the URL answers 200; StartError says what it did instead."""
    url = _full_url(options.url) if options.url else _ready_url(os.environ.get(URL_VARIABLE) or EXPORTER_URL)
    try:
        status, line = _ask(url)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise StartError(f"{url} does not answer: {error}") from None
    if status != 200:
        raise StartError(f"{url} answers {status}: {line}")
    return 0


def _full_url(url: str) -> str:
    """Return `url`, or the URL of readiness where it is the base URL of an exporter."""
    try:
        bare = urlsplit(url).path in ("", "/")
    except ValueError:
        bare = False  # _ask reports what is wrong with it
    return _ready_url(url) if bare else url


def _ready_url(base: str) -> str:
    return base.rstrip("/") + READY


def _ask(url: str) -> tuple[int, str]:
    """Return status and first line of the answer; redirects are not followed."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"give a URL such as {EXPORTER_URL}{READY}")
    if parts.scheme == "https":
        context = _tls(parts.hostname)
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=TIMEOUT, context=context
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT)
    try:
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        answer = connection.getresponse()
        body = answer.read(1024).decode(errors="replace").strip()
        return answer.status, body.partition("\n")[0]
    finally:
        connection.close()


def _tls(host: str) -> ssl.SSLContext:
    """Verify certificates except of this machine: its own is for its public name, and no secret is sent."""
    context = ssl.create_default_context()
    if _is_this_machine(host):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
