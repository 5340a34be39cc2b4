"""SHA-256 without OpenSSL, which takes a daily command several milliseconds to load."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any


def sha256(data: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal digits."""
    made: str = _algorithm()(data).hexdigest()
    return made


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
