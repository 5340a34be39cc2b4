"""Ids that nobody else makes."""

from __future__ import annotations

import os

from cleo_core import clock


def new_id() -> str:
    """A random id in the form of a version 4 UUID (RFC 9562), without importing more."""
    return _written(bytearray(os.urandom(16)), 0x40)


def ordered_id() -> str:
    """A version 7 UUID (RFC 9562): begins with the clock's milliseconds, the rest is random."""
    milliseconds = int(clock.seconds() * 1000)
    return _written(bytearray(milliseconds.to_bytes(6, "big") + os.urandom(10)), 0x70)


def _written(raw: bytearray, version: int) -> str:
    raw[6] = raw[6] & 0x0F | version
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
