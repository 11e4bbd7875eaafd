"""The samples of a series in a rule test, in the expanding notation of `promtool test rules`."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

_TOKEN = re.compile(
    r"(?P<first>-?[\d.]+(?:e[+-]?\d+)?)(?:(?P<step>[+-][\d.]+)?x(?P<more>\d+))?\Z"
    r"|_(?:x(?P<absent>\d+))?\Z"
    r"|(?P<stale>stale)\Z"
)
STALE = "stale"


@dataclass(frozen=True)
class Piece:
    """`count` samples from `first` on, each by `step` more; `first` is None where there are none."""

    first: float | None
    step: float = 0.0
    count: int = 1
    stale: bool = False

    def cut(self, begin: int, end: int) -> "Piece":
        """Return the samples from `begin` to before `end`."""
        first = None if self.first is None else self.first + self.step * begin
        return replace(self, first=first, count=end - begin)

    @property
    def text(self) -> str:
        """The piece in expanding notation."""
        if self.stale:
            return STALE
        if self.first is None:
            return f"_x{self.count}"
        step = f"{self.step:+.10g}" if self.step else ""
        return f"{self.first:.10g}" + (f"{step}x{self.count - 1}" if self.count > 1 else "")


def pieces_of(text: str) -> list[Piece]:
    """Return the pieces of an expanding notation; one that is not understood is a ValueError."""
    return [_piece(token) for token in text.split()]


def _piece(token: str) -> Piece:
    found = _TOKEN.match(token)
    if found is None:
        raise ValueError(f"{token}: samples that a test cannot be derived from")
    if found["stale"]:
        return Piece(None, stale=True)
    if found["first"] is None:
        return Piece(None, count=int(found["absent"] or 1))
    return Piece(float(found["first"]), float(found["step"] or 0), int(found["more"] or 0) + 1)


def text_of(pieces: Iterable[Piece]) -> str:
    """Return the pieces in expanding notation."""
    return " ".join(piece.text for piece in pieces)


def samples_between(pieces: Iterable[Piece], begin: int, end: int) -> list[Piece]:
    """Return the samples from index `begin` to before `end`; those after the last one go on as it did."""
    found: list[Piece] = []
    place = 0
    for piece in chain(pieces, _rest(list(pieces), end)):
        low, high = max(begin, place), min(end, place + piece.count)
        if low < high:
            found.append(piece.cut(low - place, high - place))
        place += piece.count
    return found


def _rest(pieces: list[Piece], count: int) -> Iterator[Piece]:
    last = pieces[-1] if pieces else Piece(None)
    if last.first is None:
        yield Piece(None, count=count)
    else:
        yield Piece(last.first + last.step * last.count, last.step, count)


def sample_at(pieces: Iterable[Piece], index: int) -> float | None:
    """Return the sample at `index`, None where there is none."""
    (piece,) = samples_between(list(pieces), index, index + 1)
    return piece.first
