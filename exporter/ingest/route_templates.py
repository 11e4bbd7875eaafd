"""Finds the template of a path, such as /orders/{id} for /orders/17."""

import re
from collections.abc import Iterable

PARAMETER = "{}"
"""What stands for every parameter where two templates are compared: its name says nothing."""

_STYLES = re.compile(
    r"<(?:[^<>:]+:)?(?P<flask>[^<>]+)>"  # Flask, Django
    r"|\[+(?:\.\.\.)?(?P<next>[^\[\]]+)\]+"  # Next.js
    r"|\{(?P<brace>[^{}]*)\}"  # Starlette, OpenAPI
    r"|(?<=/):(?P<colon>\w+)"  # Express
)
# What no route has of its own: numbers, hashes, identifiers, addresses.
_IDENTITY = re.compile(r"@|%|[0-9a-f]{8,}|\d{2,}|^\d+$|^[\w-]{25,}$", re.IGNORECASE)
_VERSION = re.compile(r"v\d{1,2}\Z")


def canonical(route: str) -> str:
    """Return `route` without query and with its parameters written as {name}, whatever framework wrote it."""
    path = route.partition("?")[0].partition("#")[0]
    return _STYLES.sub(lambda found: "{" + _name(found) + "}", path) or "/"


def _name(found: re.Match[str]) -> str:
    names = found.group("flask", "next", "brace", "colon")
    return next((name for name in names if name), "").partition(":")[0]


def shape(template: str) -> str:
    """Return a canonical template without the names of its parameters."""
    return re.sub(r"\{[^{}]*\}", PARAMETER, template)


def without_identities(path: str) -> str:
    """Return a canonical path with {id} for each part that looks like one."""
    return "/".join(
        "{id}" if _IDENTITY.search(part) and not _VERSION.match(part) and "{" not in part else part
        for part in path.split("/")
    )


class RouteTemplates:
    """The templates that the configuration lists, in the order in which they are tried."""

    def __init__(self, templates: Iterable[str]) -> None:
        """Take templates in the style of any framework; `*` stands for the rest of a path."""
        self._shapes: dict[str, str] = {}
        self._patterns: list[tuple[re.Pattern[str], str]] = []
        for template in templates:
            known = canonical(template)
            self._shapes.setdefault(shape(known), template)
            self._patterns.append((_pattern(known), template))

    def find(self, route: str) -> str | None:
        """Return the template that `route` is, or that it matches; None where none does."""
        known = canonical(route)
        exact = self._shapes.get(shape(known))
        if exact is not None:
            return exact
        return next((template for pattern, template in self._patterns if pattern.fullmatch(known)), None)


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^{}]*\}|\*)", template)
    return re.compile("".join(_part(part) for part in parts))


def _part(part: str) -> str:
    if part == "*":
        return ".*"
    return "[^/]+" if part.startswith("{") else re.escape(part)
