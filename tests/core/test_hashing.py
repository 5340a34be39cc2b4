"""SHA-256 without OpenSSL."""

from __future__ import annotations

import hashlib
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleo_core import hashing


@given(st.binary(max_size=500))
def test_it_is_the_sha256_that_everybody_knows(data: bytes) -> None:
    assert hashing.sha256(data) == hashlib.sha256(data).hexdigest()


def test_what_computes_it_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hashing.sha256(b"")
    monkeypatch.setattr(hashing, "import_module", None)

    assert hashing.sha256(b"x") == hashlib.sha256(b"x").hexdigest()


def test_without_a_module_of_pythons_own_openssl_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_sha2", None)
    monkeypatch.setitem(sys.modules, "_sha256", None)
    hashing._algorithm.cache_clear()
    try:
        assert hashing.sha256(b"x") == hashlib.sha256(b"x").hexdigest()
    finally:
        hashing._algorithm.cache_clear()
