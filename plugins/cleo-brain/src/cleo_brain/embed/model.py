"""Embedding texts with a chosen embedder, and what is refused of what it gives."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_core.plugins import load_target

if TYPE_CHECKING:
    from cleo_brain.api import EmbedderSpec

#: Vectors whose length differs more than this from 1 are brought to it.
UNIT = 1e-4
#: Below this a vector points nowhere.
NOTHING = 1e-12

_loaded: dict[str, Any] = {}
#: What turns the sign byte of each float into a digit.
_DIGITS = bytes(ord("0") if byte & 0x80 else ord("1") for byte in range(256))


class EmbedderError(Exception):
    """The embedder could not be loaded, or failed with all texts."""


class Embedded(NamedTuple):
    """What became of texts, in their order.

    :ivar vectors: None where a text has nothing to embed, or its vector was refused.
    :ivar failed: index -> why.
    """

    vectors: list[bytes | None]
    failed: dict[int, str]


def is_loaded(spec: EmbedderSpec) -> bool:
    """Whether this process has loaded an embedder already."""
    return spec.target in _loaded


def embed(spec: EmbedderSpec, texts: Sequence[str], *, query: bool = False) -> Embedded:
    """Embed texts, loading the embedder at the first ones.

    Vectors of another length than 1 are brought to it; those that are no direction at all are
    refused. An embedder that fails with a batch is given its texts one by one.

    :raises EmbedderError: it cannot be loaded, or fails with every text.
    """
    if not texts:
        return Embedded([], {})
    embedder = _get(spec)
    given: list[Any] = []
    failed: dict[int, str] = {}
    try:
        given = _batch(embedder, texts, query)
    except Exception as error:
        # Whatever a plugin's embedder raises is a failure of that embedder.
        if len(texts) == 1:
            raise EmbedderError(_said(error)) from error
        for index, text in enumerate(texts):
            try:
                given += _batch(embedder, [text], query)
            except Exception as single:
                # The same, with this text alone.
                given.append(None)
                failed[index] = _said(single)
        if len(failed) == len(texts):
            raise EmbedderError(_said(error)) from error
    good = _good(given, spec.dims)
    vectors: list[bytes | None] = []
    for index, vector in enumerate(given):
        try:
            vectors.append(
                vector if vector is None or index in good else checked(vector, spec.dims)
            )
        except ValueError as refused:
            vectors.append(None)
            failed[index] = str(refused)
    return Embedded(vectors, failed)


def _good(given: Sequence[Any], dims: int) -> frozenset[int]:
    """Which vectors can stay as they are, as far as that is seen at a glance, with numpy."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return frozenset()
    whole = [
        index
        for index, vector in enumerate(given)
        if isinstance(vector, bytes) and len(vector) == 4 * dims
    ]
    numbers = numpy.frombuffer(b"".join(given[index] for index in whole), "<f4")
    rows = numbers.reshape(-1, dims).astype(float)
    norms = numpy.sqrt(numpy.einsum("ij,ij->i", rows, rows))
    fits = (abs(norms - 1.0) <= UNIT).tolist()
    return frozenset(index for index, fit in zip(whole, fits, strict=True) if fit)


def checked(vector: object, dims: int) -> bytes:
    """A vector of unit length.

    :raises ValueError: wrong type or length, not finite, or zero.
    """
    if not isinstance(vector, (bytes, bytearray, memoryview)):
        raise ValueError(f"the embedder gave {type(vector).__name__} instead of bytes")
    data = bytes(vector)
    if len(data) != 4 * dims:
        raise ValueError(f"the vector has {len(data)} bytes instead of {4 * dims}")
    numbers = struct.unpack(f"<{dims}f", data)
    norm = math.hypot(*numbers)
    if not math.isfinite(norm):
        raise ValueError("the vector holds a number that is not finite")
    if norm < NOTHING:
        raise ValueError("the vector is zero")
    if abs(norm - 1.0) <= UNIT:
        return data
    return struct.pack(f"<{dims}f", *(number / norm for number in numbers))


def code_of(vector: bytes) -> bytes:
    """One sign bit per dimension, lowest bit first."""
    return int(vector[3::4].translate(_DIGITS)[::-1], 2).to_bytes(len(vector) // 32, "little")


def _get(spec: EmbedderSpec) -> Any:
    found = _loaded.get(spec.target)
    if found is None:
        try:
            found = load_target(spec.target)()
        except Exception as error:
            # A plugin's module may fail in any way at its import.
            raise EmbedderError(f"{spec.model_id} cannot be loaded: {_said(error)}") from error
        _loaded[spec.target] = found
    return found


def _batch(embedder: Any, texts: Sequence[str], query: bool) -> list[Any]:
    given = list(embedder.embed(list(texts), query=query))
    if len(given) != len(texts):
        raise ValueError(f"the embedder gave {len(given)} vectors for {len(texts)} texts")
    return given


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
