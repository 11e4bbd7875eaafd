"""Host names as the network knows them: the one place where international names become ASCII.

The rules are those of browsers and curl: UTS 46, non-transitional (https://www.unicode.org/reports/tr46/).
`straße.example` is `xn--strae-oqa.example`; by the older IDNA 2003, which Python's codec `idna` follows, it
would be `strasse.example`, which another person may own.
"""

import re
from functools import lru_cache

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,253}\Z")
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?\Z")
_LONGEST_LABEL = 63


def ascii_host(host: str) -> str:
    """Return `host`, a name or an address without brackets, in lower-case ASCII.

    Raises ValueError, with what is wrong, where it can be no host; never UnicodeError.
    """
    if not host:
        raise ValueError("the host is missing")
    # Only an IPv6 address has a colon; whether it is one, the system says when it is dialled.
    if ":" in host:
        if not _ADDRESS.match(host):
            raise ValueError("the host is no valid IPv6 address")
        return host
    name = (host if host.isascii() else _international(host)).lower()
    labels = name.removesuffix(".").split(".")
    if not _NAME.match(name) or "" in labels or any(len(label) > _LONGEST_LABEL for label in labels):
        raise ValueError("the host is no valid name")
    return name


@lru_cache(maxsize=4096)  # the same few names are probed again and again
def _international(host: str) -> str:
    import idna  # its tables take their time to load, and few names need them

    try:
        mapped = idna.uts46_remap(host, std3_rules=False, transitional=False)
        return ".".join(map(_label, mapped.split(".")))
    except UnicodeError:  # what idna raises is one, too
        raise ValueError("the host is no valid name") from None


def _label(label: str) -> str:
    import idna

    if label.isascii():
        return label
    try:
        return idna.alabel(label).decode("ascii")
    except (idna.InvalidCodepoint, idna.InvalidCodepointContext):
        # IDNA 2008 knows letters alone. UTS 46 maps symbols such as ☃ too, and such names are registered.
        _check_symbols(label)
        return f"xn--{label.encode('punycode').decode('ascii')}"


def _check_symbols(label: str) -> None:
    """Raise UnicodeError where `label` breaks a rule that UTS 46 keeps: hyphens, marks, joiners, order."""
    import idna

    idna.check_nfc(label)
    idna.check_hyphen_ok(label)
    idna.check_initial_combiner(label)
    for place, letter in enumerate(label):
        if letter in "\u200c\u200d" and not idna.valid_contextj(label, place):
            raise UnicodeError("a joiner where none may be")
    idna.check_bidi(label)
