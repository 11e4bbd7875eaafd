"""Bits, numbers of variable length and checksums, as Prometheus' files have them."""

import struct


def uvarint(number: int) -> bytes:
    """Return an unsigned number as Go's binary.PutUvarint writes it."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def varint(number: int) -> bytes:
    """Return a signed number as Go's binary.PutVarint writes it."""
    return uvarint(number << 1 if number >= 0 else ~number << 1 | 1)


def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        rest = byte
        for _ in range(8):
            rest = rest >> 1 ^ 0x82F63B78 if rest & 1 else rest >> 1
        found.append(rest)
    return tuple(found)


_CASTAGNOLI = _table()


def crc(content: bytes) -> bytes:
    """Return the CRC-32C of `content`; zlib has another polynomial."""
    rest, table = 0xFFFFFFFF, _CASTAGNOLI
    for byte in content:
        rest = table[(rest ^ byte) & 0xFF] ^ rest >> 8
    return struct.pack(">I", rest ^ 0xFFFFFFFF)


class Bits:
    """A text of bits, the highest of each byte first."""

    def __init__(self, head: bytes) -> None:
        """Begin with whole bytes."""
        self._number = int.from_bytes(head, "big")
        self._length = 8 * len(head)

    def add(self, number: int, length: int) -> None:
        """Add the lowest `length` bits of `number`."""
        self._number = self._number << length | number & (1 << length) - 1
        self._length += length

    def add_bytes(self, content: bytes) -> None:
        """Add whole bytes, wherever the last one ended."""
        self.add(int.from_bytes(content, "big"), 8 * len(content))

    def done(self) -> bytes:
        """Return the bytes, the last one filled up with zeros."""
        rest = -self._length % 8
        return (self._number << rest).to_bytes((self._length + rest) // 8, "big")
