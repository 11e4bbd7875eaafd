"""Ids of vendors that may be shown as exemplars: what looks like an id, and like nothing else."""

import re

# A UUID, or a long run of letters and digits behind a short word such as req_ or evt_.
_ID = re.compile(
    r"(?:[a-z]{2,12}[_-])?(?:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Za-z]{12,64})\Z"
)
# What gives access, and the number of an account, a card or a phone.
_SECRET = re.compile(
    r"(?:sk|pk|rk|whsec|key|xox\w|gh\w)[_-]|AKIA|ASIA|eyJ|[A-Z]{2}\d\d[0-9A-Z]{11,}|.*\d{10}"
)


def reference_of(name: str, text: str | None) -> tuple[str, str] | None:
    """Return `text` as an exemplar called `name`; None where it may be a person, a number or a secret."""
    # Digits alone are a phone or card number as likely as an id, letters alone a name.
    if not text or text.isdigit() or text.isalpha() or not _ID.match(text) or _SECRET.match(text):
        return None
    return name, text
