"""Cosines from whole vectors, and how many candidates by sign bits are enough for them."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Sequence
from operator import mul

#: Rows from which on numpy, where it is imported already, is quicker.
_MANY = 16
#: Decimals that count: with and without numpy, sums and queries differ in the eighth.
_DECIMALS = 6
#: So many of the nearest are to be found.
TOP = 20
#: Standard deviations of the number of differing bits that are allowed for.
_SPREAD = 2.4

Scored = list[tuple[int, float]]


def cosines(query: bytes, rows: Sequence[tuple[int, bytes]]) -> Scored:
    """(seq, cosine) of vectors with the query, whatever their length is."""
    if len(rows) >= _MANY and "numpy" in sys.modules:
        return _with_numpy(query, rows)
    form = f"<{len(query) // 4}f"
    sought = struct.unpack(form, query)
    length = math.hypot(*sought)
    found = []
    for seq, data in rows:
        vector = struct.unpack(form, data)
        norm = length * math.hypot(*vector)
        found.append((seq, round(sum(map(mul, sought, vector)) / norm, _DECIMALS) if norm else 0.0))
    return found


def ordered(scored: Scored) -> Scored:
    """By cosine, the highest first, then by seq."""
    return sorted(scored, key=lambda one: (-one[1], one[0]))


def radius(scored: Scored, dims: int) -> int:
    """Differing bits up to which an entry may still be among the nearest.

    Two vectors at an angle a differ in each sign bit with probability a / pi. From the angle of the
    worst of the best found so far follows how many bits an entry as near as that differs in.

    :param scored: by cosine, the highest first.
    """
    if not scored:
        return dims
    worst = scored[:TOP][-1][1]
    share = math.acos(max(-1.0, min(1.0, worst))) / math.pi
    return math.ceil(dims * share + _SPREAD * math.sqrt(dims * share * (1 - share)))


def _with_numpy(query: bytes, rows: Sequence[tuple[int, bytes]]) -> Scored:
    import numpy

    sought = numpy.frombuffer(query, dtype="<f4").astype(numpy.float64)
    joined = b"".join(data for _, data in rows)
    table = numpy.frombuffer(joined, dtype="<f4").reshape(len(rows), -1).astype(numpy.float64)
    norms = numpy.sqrt((table * table).sum(axis=1)) * math.sqrt(float((sought * sought).sum()))
    norms[norms == 0] = numpy.inf
    found = numpy.round((table * sought).sum(axis=1) / norms, _DECIMALS).tolist()
    return [(seq, cosine) for (seq, _), cosine in zip(rows, found, strict=True)]
