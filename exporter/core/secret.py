"""A value that never shows itself."""

from typing import Any, NoReturn

STARS = "***"


class Secret:
    """A credential: prints as stars everywhere and is read only by `reveal()`.

    Equal secrets are equal, so an unchanged credential leaves its target unchanged.
    It cannot be pickled or turned into JSON by accident.
    """

    __slots__ = ("_value", "file")

    def __init__(self, value: str, file: str = "") -> None:
        """Keep `value`; `file` is the path it was read from, "" where it stood in the configuration."""
        self._value = value
        self.file = file

    def reveal(self) -> str:
        """Return the credential itself; call this only where it is sent to its vendor."""
        return self._value

    def __repr__(self) -> str:
        """Return stars."""
        return STARS

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """Return stars, whatever the format."""
        return STARS

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        """Hash by value, as equality asks."""
        return hash(("Secret", self._value))

    def __bool__(self) -> bool:
        """Tell whether there is any credential at all."""
        return bool(self._value)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled."""
        raise TypeError("a Secret cannot be pickled")


def redact(text: str, secrets: "set[str] | frozenset[str]") -> str:
    """Return `text` with each of `secrets` of four or more characters replaced by stars.

    Longer ones go first, so that a secret that contains another one leaves no tail.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= 4:  # shorter ones would blot out ordinary words
            text = text.replace(secret, STARS)
    return text


def reveal_all(value: Any) -> set[str]:
    """Collect the text of every Secret inside `value`: structs, mappings and sequences."""
    if isinstance(value, Secret):
        return {value.reveal()}
    if isinstance(value, dict):
        return set().union(*map(reveal_all, value.values())) if value else set()
    if isinstance(value, (list, tuple, set, frozenset)):
        return set().union(*map(reveal_all, value)) if value else set()
    fields = getattr(value, "__struct_fields__", ())
    return set().union(*(reveal_all(getattr(value, field)) for field in fields)) if fields else set()
