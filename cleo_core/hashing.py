"""SHA-256: of a few bytes without OpenSSL, which takes a daily command several milliseconds to
load, and of files with it, where it is several times as fast."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any, BinaryIO

#: Bytes of a file that are read at once.
_BLOCK = 1 << 20


def sha256(data: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal digits."""
    made: str = _algorithm()(data).hexdigest()
    return made


def file_sha256(file: BinaryIO) -> tuple[int, str]:
    """How many bytes an open file has from where it stands to its end, and their SHA-256."""
    from hashlib import sha256 as algorithm

    size, digest = 0, algorithm()
    for block in _blocks(file):
        size += len(block)
        digest.update(block)
    return size, digest.hexdigest()


def path_sha256(path: str) -> str:
    """SHA-256 of the file at a path.

    :raises OSError: it cannot be read.
    """
    with open(path, "rb", buffering=0) as file:
        return file_sha256(file)[1]


def _blocks(file: BinaryIO) -> Iterator[memoryview]:
    buffer = memoryview(bytearray(_BLOCK))
    while count := file.readinto(buffer):  # type: ignore[attr-defined] # every such file has it
        yield buffer[:count]


@cache
def _algorithm() -> Callable[[bytes], Any]:
    # Python's own implementation: _sha2 since 3.12, _sha256 before; a build may lack both.
    for name in ("_sha2", "_sha256", "hashlib"):
        try:
            algorithm: Callable[[bytes], Any] = import_module(name).sha256
        except ImportError:
            continue
        return algorithm
    raise ImportError("hashlib")
