"""The fingerprint of an alert, as Alertmanager makes it of its labels."""

from collections.abc import Mapping

_OFFSET, _PRIME = 14695981039346656037, 1099511628211
_MASK = (1 << 64) - 1


def fingerprint_of(labels: Mapping[str, str]) -> str:
    """Return the fingerprint of an alert with `labels`: 16 digits of base 16.

    FNV-1a of names and values in the order of names, each with a byte 255 behind it:
    https://github.com/prometheus/common/blob/main/model/signature.go.
    """
    found = _OFFSET
    for name in sorted(labels):
        for text in (name, labels[name]):
            for byte in (*text.encode("utf-8", "replace"), 255):
                found = (found ^ byte) * _PRIME & _MASK
    return f"{found:016x}"
