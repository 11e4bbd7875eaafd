"""What a simulated vendor is made of.

A vendor is one file: pure functions from a call to a reply, the credential it accepts, and the ways it
can misbehave. It is written from the vendor's own documentation and never imports the probe that it
answers: otherwise one misunderstanding could hide in both.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

FAULTS: Mapping[str, str] = {
    "slow": "It takes the call and does not answer for half a minute.",
    "rate_limited": "It answers 429 with the vendor's own headers.",
    "server_error": "It answers 500.",
    "bad_json": "It answers 200 with a body that is cut off in the middle of the JSON.",
    "missing_field": "It answers 200 with an object that has lost all its fields.",
    "cut": "It closes the connection in the middle of the body.",
    "refused": "Nothing listens on its port.",
    "wrong_certificate": "It shows a certificate of an authority that nobody trusts.",
    "bad_credential": "It no longer accepts the credential.",
}
"""Every fault that the harness can put on any vendor, with what it does."""

REASONS: Mapping[str, str] = {
    "slow": "timeout",
    "rate_limited": "rate_limited",
    "server_error": "vendor_error",
    "bad_json": "bad_response",
    "missing_field": "bad_response",
    "cut": "connect",
    "refused": "connect",
    "wrong_certificate": "tls",
    "bad_credential": "auth",
}
"""Which reason a client ought to report for each fault, unless the vendor's file says otherwise."""


@dataclass(frozen=True)
class Endpoint:
    """Where a vendor is served: the same vendor on a plain port and on a TLS port.

    `ca_file` is the PEM file of the authority that signed the TLS port's certificate.
    """

    host: str
    port: int
    tls_port: int
    ca_file: str

    @property
    def url(self) -> str:
        """Base URL of the plain port."""
        return f"http://{self._authority}:{self.port}"

    @property
    def tls_url(self) -> str:
        """Base URL of the TLS port."""
        return f"https://{self._authority}:{self.tls_port}"

    @property
    def _authority(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


@dataclass(frozen=True)
class Call:
    """One request as a handler sees it.

    `query` keeps every value of a repeated parameter. `headers` have lower-case names. `match` are the
    parts of the path that the route left open. `credentials` are those that are good now. `scenarios` are
    the names of the scenarios that are on. `now` is Unix seconds.
    """

    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: bytes
    credentials: Mapping[str, str]
    scenarios: frozenset[str]
    now: float
    match: Mapping[str, str] = field(default_factory=dict)

    def one(self, name: str, default: str = "") -> str:
        """Return the first value of a query parameter."""
        return next(iter(self.query.get(name, ())), default)


@dataclass(frozen=True)
class Reply:
    """An answer: `body` becomes JSON, unless it is bytes, which go out as they are."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Reply]


def rate_limited(_call: Call) -> Reply:
    """Answer 429 the way RFC 9110 and RFC 6585 suggest it."""
    return Reply(429, {"error": "too many requests"}, {"Retry-After": "7"})


def server_error(_call: Call) -> Reply:
    """Answer 500."""
    return Reply(500, {"error": "internal error"})


def not_found(_call: Call) -> Reply:
    """Answer 404."""
    return Reply(404, {"error": "not found"})


def open_door(_call: Call) -> Reply | None:
    """Let every call in: for vendors that ask for no credential."""
    return None


@dataclass(frozen=True)
class Vendor:
    """One simulated vendor.

    `routes` maps "METHOD /path/{part}" to its handler. `options` returns the YAML options with which the
    provider of the same name works against an endpoint. `guard` returns the refusal of a call, or None to
    let it in; it must compare with `call.credentials`, which the fault `bad_credential` exchanges.
    `rate_limited`, `server_error` and `not_found` answer in the vendor's own words. `faults` are those that
    a client of this protocol can see at all. `reasons` names the reason a client ought to report where it is
    not that of `REASONS`. `scenarios` are this vendor's own troubles, each with a sentence.
    """

    name: str
    title: str
    options: Callable[[Endpoint], dict[str, Any]]
    routes: Mapping[str, Handler] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict)
    guard: Callable[[Call], Reply | None] = open_door
    rate_limited: Handler = rate_limited
    server_error: Handler = server_error
    not_found: Handler = not_found
    faults: tuple[str, ...] = tuple(FAULTS)
    reasons: Mapping[str, str] = field(default_factory=dict)
    scenarios: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a vendor that names a fault which is not in `FAULTS`."""
        if strange := {*self.faults, *self.reasons} - FAULTS.keys():
            raise ValueError(f"vendor {self.name}: no such faults: {', '.join(sorted(strange))}")

    def reason(self, fault: str) -> str:
        """Return the reason that a client ought to report while `fault` is on."""
        return self.reasons.get(fault, REASONS[fault])

    def answer(self, call: Call) -> Reply:
        """Answer `call` as on a good day: refuse calls without the credential, then find the route."""
        if refusal := self.guard(call):
            return refusal
        for route, handler in self.routes.items():
            if (match := _match(route, call)) is not None:
                return handler(replace(call, match=match))
        return self.not_found(call)


def _match(route: str, call: Call) -> dict[str, str] | None:
    method, _, path = route.partition(" ")
    # re.escape() has escaped the braces of {part}, so they are searched for in that form.
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
    found = re.fullmatch(pattern, call.path) if method == call.method else None
    return found.groupdict() if found else None
