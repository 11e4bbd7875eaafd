"""Replies of a mail server: read in bounded memory, and judged by their codes.

Codes are those of RFC 5321 section 4.2, RFC 4954 (AUTH), RFC 3207 (STARTTLS) and the enhanced codes of RFC
3463 and 5248. A server's own words are never repeated: they may hold our credential.
"""

import re

from exporter.core.errors import ProbeError
from exporter.core.reason import Reason
from exporter.net.talk import WholeAnswer

MAX_LINE = 4096
"""Bytes of one line: eight times what RFC 5321 allows, because servers are generous."""
MAX_LINES = 128

_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?\Z", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?: |\Z)")


class Reply(WholeAnswer):
    """One reply of one or more lines: `code`, `lines` without codes, `enhanced` such as "5.7.8" or "".

    Bytes behind a reply are refused: we ask one thing at a time, so the server has no reason to send them (an
    attacker may have, to be taken for the encrypted server after STARTTLS; RFC 3207, section 4.2).
    """

    def __init__(self) -> None:
        """Start with nothing read."""
        self.code = 0
        self.lines: list[str] = []
        self._rest = b""

    @property
    def enhanced(self) -> str:
        """The enhanced status code of the first line, "" without one."""
        found = _ENHANCED.match(self.lines[0]) if self.lines else None
        return found[1] if found else ""

    @property
    def codes(self) -> str:
        """The codes, for people."""
        return f"{self.code} {self.enhanced}".rstrip()

    def speaks_of(self, word: str) -> bool:
        """Return whether the server's own words, which are never repeated, hold `word` in small letters."""
        return any(word in line.lower() for line in self.lines)

    def feed(self, data: bytes) -> None:
        """Take what arrived; raise ProbeError (bad_response) when it cannot be part of a reply."""
        if self.done:
            raise _bad("the server said more than one reply to one command")
        self._rest += data
        whole = False
        while not whole and b"\n" in self._rest:
            line, _, self._rest = self._rest.partition(b"\n")
            # Lines that end in LF alone are taken, too.
            whole = self._take(line.removesuffix(b"\r"))
        if whole and self._rest:
            raise _bad("the server said more than one reply to one command")
        self.done = whole
        if len(self._rest) > MAX_LINE:
            raise _bad(f"a line of the reply is longer than {MAX_LINE} bytes")

    def finish(self) -> None:
        """Note that the server hung up; raise ProbeError (connect) if that cut the reply."""
        if not self.done:
            cut = "within its reply" if self.lines or self._rest else "instead of replying"
            raise ProbeError(Reason.CONNECT, f"the server closed the connection {cut}")

    def _take(self, line: bytes) -> bool:
        found = _LINE.match(line)
        if len(line) > MAX_LINE or len(self.lines) >= MAX_LINES:
            raise _bad(f"the reply is longer than {MAX_LINES} lines of {MAX_LINE} bytes")
        if found is None:
            raise _bad("the server does not speak SMTP: a line begins with no reply code")
        if self.code and int(found[1]) != self.code:
            raise _bad("the lines of one reply have different codes")
        self.code = int(found[1])
        self.lines.append((found[3] or b"").decode("latin-1"))
        # A hyphen behind the code announces another line (RFC 5321, section 4.2.1).
        return found[2] != b"-"


def refusal(reply: Reply, stage: str, *, secured: bool) -> ProbeError:
    """Return what a reply that is not the hoped-for one means at `stage`, the command or "the greeting"."""
    reason, words = _meaning(reply, stage, secured)
    return ProbeError(reason, f"the server answered {reply.codes} to {stage}: {words}")


def _meaning(reply: Reply, stage: str, secured: bool) -> tuple[Reason, str]:
    code = reply.code
    # X.7.X is a security or policy status (RFC 3463, section 3.8).
    policy = reply.enhanced.partition(".")[2].startswith("7.")
    if stage == "STARTTLS":
        return Reason.TLS, "it cannot begin TLS now" if code < 500 else "it refuses to begin TLS"
    if code < 400:
        return Reason.BAD_RESPONSE, "this is no reply to that"
    if stage == "AUTH" and code in _AUTH:
        return _AUTH[code]
    if code in (421, 450, 451) and policy:
        return Reason.RATE_LIMITED, "it limits our connections for now"
    if code == 530 and not secured:
        return Reason.TLS, "it demands TLS first"
    if code in _CODES:
        return _CODES[code]
    if code < 500:
        return Reason.VENDOR_ERROR, "it is in trouble for now"
    return Reason.BAD_RESPONSE, "it does not know what we asked for"


# In reply to AUTH these codes have a meaning of their own (RFC 4954).
_AUTH = {
    432: (Reason.AUTH, "the password must be changed first"),
    454: (Reason.VENDOR_ERROR, "it cannot check credentials for now"),
    500: (Reason.AUTH, "it offers no way to sign in"),
    502: (Reason.AUTH, "it offers no way to sign in"),
    504: (Reason.AUTH, "it does not know this way to sign in"),
    550: (Reason.PERMISSION, "its policy forbids us to sign in"),
    554: (Reason.PERMISSION, "its policy forbids us to sign in"),
}
_CODES = {
    452: (Reason.VENDOR_ERROR, "it has no storage left for now"),
    454: (Reason.VENDOR_ERROR, "it is in trouble for now"),
    521: (Reason.NOT_FOUND, "this host takes no mail"),
    525: (Reason.ACCOUNT, "the account is disabled"),
    530: (Reason.AUTH, "it demands that we sign in first"),
    534: (Reason.AUTH, "this way to sign in is too weak for it, or it wants an application password"),
    535: (Reason.AUTH, "the credential is wrong"),
    538: (Reason.TLS, "it demands TLS for this way to sign in"),
    550: (Reason.PERMISSION, "its policy refuses us"),
    551: (Reason.PERMISSION, "its policy refuses us"),
    552: (Reason.QUOTA, "the storage of the account is used up"),
    553: (Reason.PERMISSION, "its policy refuses us"),
    554: (Reason.PERMISSION, "it gives no service to our address"),
    556: (Reason.NOT_FOUND, "this host takes no mail"),
}


def _bad(words: str) -> ProbeError:
    return ProbeError(Reason.BAD_RESPONSE, words)
