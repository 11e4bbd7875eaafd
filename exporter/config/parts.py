"""Makes one part of the file its type, or says everything that is wrong with it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from exporter.config.fit import Fitter, as_struct, root_type
from exporter.config.judge import Fault, Judge

T = TypeVar("T", bound=msgspec.Struct)


def make(
    fitter: Fitter, raw: Any, kind: type[T], judge: Judge, *, instead: dict[str, Any]
) -> tuple[T | None, bool]:
    """Return `raw` as `kind`, and whether it was without fault.

    Keys with a mistake are told and then left out, or replaced from `instead`, so that the rest can
    be judged in the same load. None comes back when not even that helps.
    """
    try:
        return as_struct(fitter.fit(raw, root_type(kind)), kind), True
    except msgspec.ValidationError as error:
        faults = faults_of(fitter, raw, kind, judge, error)
    blame(fitter, faults)
    if not isinstance(raw, dict):
        return None, False
    wrong = {fault.path[0] for fault in faults if fault.path}
    rest = instead | {key: value for key, value in raw.items() if key not in wrong and isinstance(key, str)}
    try:
        return as_struct(fitter.fit(rest, root_type(kind)), kind), False
    except msgspec.ValidationError:
        return None, False


def faults_of(fitter: Fitter, raw: Any, kind: type[Any], judge: Judge, error: Exception) -> list[Fault]:
    """Return everything that is wrong with `raw`; `error` says it where the schema sees nothing."""
    faults = judge.faults(replace(fitter, judging=True).fit(raw, root_type(kind)))
    if faults:
        return faults
    text = str(error)
    if "missing required field" in text:
        name = text.split("`")[1]
        return [Fault((), f"the key {name} is missing", f"add {name}: ... or {name}_file: ...")]
    return [Fault((), "the value does not fit", "see the reference of the configuration")]


def blame(fitter: Fitter, faults: Iterable[Fault]) -> None:
    """Add `faults` to the mistakes; those that were told already have no words."""
    for fault in faults:
        if fault.what:
            fitter.blame(fault.path, fault.what, fault.remedy)
