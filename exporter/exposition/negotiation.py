"""Which format a client asks for (RFC 9110, 12.4 and 12.5)."""

from collections.abc import Iterator
from typing import NamedTuple

CONTENT_TYPES = {
    False: "text/plain; version=0.0.4; charset=utf-8",
    True: "application/openmetrics-text; version=1.0.0; charset=utf-8",
}
"""The header Content-Type, by whether the body is OpenMetrics."""

OPENMETRICS = ("application", "openmetrics-text", "1.0.0")
TEXT = ("text", "plain", "0.0.4")


class Format(NamedTuple):
    """What to answer with."""

    openmetrics: bool
    gzip: bool

    @property
    def content_type(self) -> str:
        """The header Content-Type."""
        return CONTENT_TYPES[self.openmetrics]


def negotiate(accept: str, accept_encoding: str) -> Format:
    """Return the format for the headers Accept and Accept-Encoding, "" where there is none.

    OpenMetrics must be asked for; text is what everybody else gets, also who accepts neither, because a
    scrape refused tells nobody anything.
    """
    ranges = list(_parse_weights(accept))
    openmetrics, text = _media_weight(ranges, OPENMETRICS), _media_weight(ranges, TEXT)
    return Format(
        openmetrics > 0 and openmetrics >= text and _names_openmetrics(ranges), _gzip(accept_encoding)
    )


def _parse_weights(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Yield each entry of a header: value, parameters and weight, all in lower case."""
    for entry in header.lower().split(","):
        value, *rest = (part.strip() for part in entry.split(";"))
        parameters = {name.strip(): text.strip(' "') for name, _, text in (p.partition("=") for p in rest)}
        yield value, parameters, _weight(parameters.pop("q", "1"))


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0  # an entry whose weight cannot be read is not a wish to obey
    return weight if 0.0 <= weight <= 1.0 else 0.0


def _media_weight(ranges: list[tuple[str, dict[str, str], float]], media: tuple[str, str, str]) -> float:
    """Return the weight of the most specific range that `media` (type, subtype, version) is within."""
    kind, subtype, version = media
    specific = {f"{kind}/{subtype}": 2, f"{kind}/*": 1, "*/*": 0}
    found = [
        (specific[value], "version" in parameters, weight)
        for value, parameters, weight in ranges
        if value in specific and parameters.get("version", version) == version
    ]
    return max(found)[2] if found else 0.0


def _names_openmetrics(ranges: list[tuple[str, dict[str, str], float]]) -> bool:
    return any(value == "/".join(OPENMETRICS[:2]) for value, _, _ in ranges)


def _gzip(header: str) -> bool:
    weights = {value: weight for value, _, weight in _parse_weights(header)}
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)
