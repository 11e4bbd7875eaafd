"""The last good rows in a file of the operator's choice, for a start while a source is away."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from exporter.config.document.files import MAX_CONFIG, FileProblem, read_text

_VERSION = 1


def save(file: str, place: str, rows: list[Any]) -> None:
    """Write `rows` for the owner alone, and as a whole or not at all; OSError where that fails."""
    body = msgspec.json.encode({"version": _VERSION, "source": place, "rows": rows})
    folder, name = os.path.split(file)
    handle, fresh = tempfile.mkstemp(prefix=f".{name}.", dir=folder)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(body)
            stream.flush()
            # Else a crash after the rename may leave an empty file under the final name.
            os.fsync(stream.fileno())
        Path(fresh).replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(fresh).unlink()
        raise


def load(file: str, place: str) -> list[Any] | None:
    """Return the rows that were kept for `place`, None where there are none to use."""
    try:
        found = msgspec.json.decode(read_text(file, MAX_CONFIG * 2).text)
    except (FileProblem, msgspec.DecodeError, RecursionError):
        return None
    # Rows of another address or query are not those of this source.
    if not isinstance(found, dict) or found.get("version") != _VERSION or found.get("source") != place:
        return None
    rows = found.get("rows")
    return rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else None
