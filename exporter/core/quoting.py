"""What a message may quote: a credential in the wrong place must never be in an error or a log."""

import re

LONGEST_WORD = 16
"""Longer values without a space may be credentials and are not quoted."""

LONGEST_KEY = 64
LONGEST_TEXT = 60
_LONG_PIECE = 12

# At least five characters after the prefix, so that `key_file` may still be quoted.
_ISSUED = re.compile(
    r"(sk|rk|pk|sb|re|whsec|gh[oprsu]|github_pat|glpat|xox[a-z]|xapp|shp[a-z]{2}|key|tok)[_-]\w{5,}"
    r"|(SG|ya29)\.\w{5,}|(AKIA|ASIA|AIza|EAA|eyJ|GOCSPX)[\w-]{5,}|(AC|SK)[0-9a-fA-F]{8,}|1//\w{5,}"
)
"""How vendors begin the credentials that they issue."""

_PIECES = re.compile(r"[^A-Za-z0-9]+")
_WORD = re.compile(
    r"[a-z]{1,20}|[A-Z]{1,15}|([A-Z]?[a-z]+){1,4}|[0-9]{1,8}|[A-Za-z]{1,8}[0-9]{1,4}|[0-9]{1,4}[A-Za-z]{1,4}"
)


def has_credential_form(text: str) -> bool:
    """Return whether `text` holds what looks like a credential: an issued prefix, or a long odd piece."""
    return bool(_ISSUED.search(text)) or any(
        len(piece) >= _LONG_PIECE and not _is_word(piece) for piece in _PIECES.split(text)
    )


def is_plain(text: str) -> bool:
    """Return whether `text` is made of ordinary words and numbers."""
    return not _ISSUED.search(text) and all(_is_word(piece) for piece in _PIECES.split(text) if piece)


def quoted(text: str, otherwise: str = "the value") -> str:
    """Return `text` in quotes where a message may quote it, else `otherwise`."""
    # A URL is never quoted: its path or its user part may be a credential.
    short = len(text) <= LONGEST_TEXT and all(len(word) <= LONGEST_WORD for word in text.split())
    return repr(text) if short and "://" not in text and is_plain(text) else otherwise


def is_plain_key(text: str) -> bool:
    """Return whether a message may quote the key or name `text`, which is longer than a value may be."""
    plain = text.replace("_", "").replace("-", "").replace(".", "").isalnum()
    return len(text) <= LONGEST_KEY and text.isascii() and plain and is_plain(text)


def is_plain_path(name: str) -> bool:
    """Return whether `name`, as it was written, looks like the path of a file and not like a credential."""
    return ("/" in name or "." in name) and not has_credential_form(name)


def _is_word(piece: str) -> bool:
    return len(piece) <= 20 and bool(_WORD.fullmatch(piece))
