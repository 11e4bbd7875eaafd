"""What a good answer of a name server is."""

import re
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from exporter.core.errors import ProbeError
from exporter.core.reason import Reason

RCODES = ("NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", "FORMERR", "NOTIMP", "NOTAUTH")
_REASONS = {
    "NXDOMAIN": (Reason.NOT_FOUND, "there is no such name"),
    "SERVFAIL": (Reason.VENDOR_ERROR, "the server failed to find out"),
    "REFUSED": (Reason.PERMISSION, "the server does not answer us"),
    "NOTAUTH": (Reason.PERMISSION, "the server is not responsible for the name"),
    "FORMERR": (Reason.BAD_RESPONSE, "the server did not understand the question"),
    "NOTIMP": (Reason.BAD_RESPONSE, "the server does not know this kind of question"),
    "BADVERS": (Reason.BAD_RESPONSE, "the server does not know this version of EDNS"),
    "BADCOOKIE": (Reason.PERMISSION, "the server demands a DNS cookie (RFC 7873)"),
}
_LONGEST = 4096  # characters of a value that a regular expression looks at


@dataclass(frozen=True)
class DnsAnswer:
    """An answer: `values` are the records of the asked type as text, `ttl` the shortest life in seconds.

    `rcode` is the registered name of the result code, or such as RCODE24. `serial` is that of a SOA
    record. `transport` is udp or tcp.
    """

    rcode: str
    values: tuple[str, ...]
    ttl: int | None
    serial: int | None
    authoritative: bool
    transport: str


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a good answer is; everything given must hold."""

    rcode: Annotated[
        str,
        Meta(pattern=f"^({'|'.join(RCODES)})$", description=f"Result code: {', '.join(RCODES)}."),
    ] = "NOERROR"
    min_answers: Annotated[
        int, Meta(ge=0, description="Fewest records of the asked type; only where rcode is NOERROR.")
    ] = 1
    any: Annotated[
        tuple[str, ...], Meta(description="Regular expressions, each found in one record or more.")
    ] = ()
    all: Annotated[
        tuple[str, ...], Meta(description="Regular expressions; each record matches at least one of them.")
    ] = ()
    none: Annotated[
        tuple[str, ...], Meta(description="Regular expressions, none of them found in any record.")
    ] = ()

    def judge(self, found: DnsAnswer) -> None:
        """Raise ProbeError unless `found` is as expected; the first thing that is not is named."""
        if found.rcode != self.rcode:
            raise self._code_error(found.rcode)
        if found.rcode == "NOERROR" and len(found.values) < self.min_answers:
            raise _unmet(f"the answer has {len(found.values)} records, fewer than {self.min_answers}")
        for pattern in self.any:
            if not any_in((pattern,), found.values):
                raise _unmet(f"no record matches {pattern!r} (expect.any)")
        for pattern in self.none:
            if any_in((pattern,), found.values):
                raise _unmet(f"a record matches {pattern!r} (expect.none)")
        if self.all:
            strange = [value for value in found.values if not any_in(self.all, (value,))]
            if strange:
                raise _unmet(f"{len(strange)} of {len(found.values)} records match nothing of expect.all")

    def _code_error(self, rcode: str) -> ProbeError:
        # Where a failure was expected, another result is an unmet assertion, not a fault of the server.
        if self.rcode != "NOERROR":
            return _unmet(f"the result is {rcode}, not {self.rcode}")
        reason, words = _REASONS.get(rcode, (Reason.VENDOR_ERROR, "the server failed"))
        return ProbeError(reason, f"the server answered {rcode}: {words}")


def any_in(patterns: tuple[str, ...], values: tuple[str, ...]) -> bool:
    """Return whether any of `patterns` is found in any of `values`."""
    return any(re.search(pattern, value[:_LONGEST]) for pattern in patterns for value in values)


def mistakes(expect: Expect) -> list[str]:
    """Return what is wrong with expressions that are texts but no regular expressions."""
    found = []
    for key in ("any", "all", "none"):
        for index, pattern in enumerate(getattr(expect, key)):
            try:
                re.compile(pattern)
            except re.error as error:
                found.append(f"expect.{key}[{index}] is no regular expression: {error}")
    return found


def _unmet(words: str) -> ProbeError:
    return ProbeError(Reason.ASSERTION, words)
