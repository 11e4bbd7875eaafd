"""What a tenant's row may decide about credentials: never where that of the operator goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from msgspec import inspect

from exporter.config.document.context import Path
from exporter.config.document.convert import TRUSTED, TWIN, Converter, root_type
from exporter.core.options import Options, address_fields, extra_of, steering_fields
from exporter.core.secret import reveal_all


@dataclass
class RowRules:
    """Judges the options of one row; `shared` are the fitted options of its integration.

    Rows of the list in the configuration file itself are the operator's own and may do everything.
    """

    kind: type[Options]
    converter: Converter
    shared: Mapping[str, Any]
    _broken: bool = False

    def complete(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fitted options `row` with those parts of the integration that only the operator sets."""
        if not _has_operator_parts(self.kind):  # most providers, and there may be many rows
            return dict(row)
        made: dict[str, Any] = self._complete(row, self.shared, root_type(self.kind), ())
        return made

    def check(self, row: Mapping[str, Any]) -> bool:
        """Refuse an option that leads a credential of the operator elsewhere; return whether all is well."""
        for option, credentials in steering_fields(self.kind).items():
            if option not in row or self.converter.rules is TRUSTED:
                continue
            for name in self._led_away(option, credentials, row):
                self._check_steering(option, name)
        return not self._broken

    def _led_away(self, option: str, credentials: tuple[str, ...], row: Mapping[str, Any]) -> list[str]:
        """Return the credentials that the row would have to bring beside `option`."""
        # An integration without a credential has none that a row could lead away.
        given = {name for name, value in self.shared.items() if any(reveal_all(value))}
        wanted = given if option in address_fields(self.kind) else set(credentials) if given else set()
        return sorted(wanted - row.keys())

    def _check_steering(self, option: str, credential: str) -> None:
        self._broken = True
        self.converter.add_error(
            (option,),
            f"the option {option} decides where {credential} goes, and this row has none of its own",
            f"add {credential} or {credential}{TWIN} to the row, or set {option} for the whole integration",
        )

    def _complete(self, row: Any, shared: Any, kind: Any, path: Path) -> Any:
        kind = _struct_in(kind)
        if kind is None or not isinstance(row, dict):
            return row
        below = shared if isinstance(shared, Mapping) else {}
        own = {field.encode_name for field in kind.fields if extra_of(field.type).get("operator")}
        if own & row.keys() and self.converter.rules is not TRUSTED:
            self._check_own(own & row.keys(), path)
        made = {
            field.encode_name: self._complete(
                row[field.encode_name],
                below.get(field.encode_name),
                field.type,
                (*path, field.encode_name),
            )
            for field in kind.fields
            if field.encode_name in row
        }
        # A row of the operator's own list may set these parts; it then takes none from the integration.
        taken = {} if own & row.keys() else {name: below[name] for name in own if name in below}
        return {**row, **made, **taken}

    def _check_own(self, names: set[str], path: Path) -> None:
        self._broken = True
        for name in sorted(names):
            self.converter.add_error(
                (*path, name),
                f"{'.'.join(map(str, (*path, name)))} decides where a credential goes: no tenant can set it",
                "set it under the options of the integration, for all its tenants",
            )


@cache
def _has_operator_parts(kind: type[Options]) -> bool:
    return _any_operator(root_type(kind))


def _any_operator(kind: Any) -> bool:
    struct = _struct_in(kind)
    return bool(extra_of(kind).get("operator")) or any(
        _any_operator(field.type) for field in (struct.fields if struct else ())
    )


def _struct_in(kind: Any) -> Any:
    """Return the struct that `kind` is, or may be; None where it is none."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        return next(filter(None, map(_struct_in, kind.types)), None)
    return kind if isinstance(kind, inspect.StructType) else None
