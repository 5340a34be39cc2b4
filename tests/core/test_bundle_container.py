"""The encrypted container: what was written comes back, and nothing else does."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleo_core.bundle import container
from cleo_core.bundle.container import (
    CHUNK,
    Header,
    Sealer,
    Unsealer,
    checked_passphrase,
    derive,
    new_header,
    read_header,
    undecipherable,
)
from cleo_core.errors import CleoError

KEY = bytes(range(32))
SEALED = CHUNK + 16
TEXT = str(undecipherable())


def sealed(plain: bytes, header: Header | None = None, key: bytes = KEY) -> bytes:
    file = io.BytesIO()
    sealer = Sealer(file, header or new_header(), key)
    sealer.write(plain)
    sealer.finish()
    return file.getvalue()


def unsealed(data: bytes, key: bytes = KEY) -> bytes:
    file = io.BytesIO(data)
    return Unsealer(file, read_header(file), key).read()


def refusal(data: bytes, key: bytes = KEY) -> CleoError:
    with pytest.raises(CleoError) as caught:
        unsealed(data, key)
    return caught.value


def parts(data: bytes) -> tuple[bytes, list[bytes]]:
    """The header and the chunks."""
    body = data[55:]
    return data[:55], [body[at : at + SEALED] for at in range(0, len(body), SEALED)]


@pytest.fixture(scope="module")
def three() -> bytes:
    """A container of two whole chunks and one of a hundred bytes."""
    return sealed(bytes(range(256)) * (2 * CHUNK // 256) + b"x" * 100)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_what_was_sealed_comes_back_whatever_its_size(size: int) -> None:
    plain = b"7" * size
    data = sealed(plain)
    assert unsealed(data) == plain
    chunks = max(1, -(-size // CHUNK))
    assert len(data) == 55 + size + 16 * chunks


@settings(max_examples=30)
@given(st.lists(st.binary(max_size=200_000), max_size=12))
def test_it_does_not_matter_in_which_pieces_it_is_written(pieces: list[bytes]) -> None:
    file = io.BytesIO()
    sealer = Sealer(file, new_header(), KEY)
    for piece in pieces:
        sealer.write(piece)
    sealer.finish()
    assert unsealed(file.getvalue()) == b"".join(pieces)


def test_the_header_is_as_documented() -> None:
    header = new_header()
    assert len(header.raw) == 55
    assert header.raw[:16] == b"CLEOBNDL\x01\x01\x11\x08\x01\x00\x00\x00"
    assert header.raw[16:48] == header.salt
    assert header.raw[48:] == header.prefix
    assert new_header().salt != header.salt


@pytest.mark.guarantee(
    "operations-25", "A single changed bit anywhere in an encrypted bundle makes it unreadable."
)
def test_each_flipped_bit_of_the_header_is_refused() -> None:
    data = sealed(b"plain")
    for at in range(55):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            error = refusal(bytes(changed))
            assert (error.code, str(error)) == ("E_BUNDLE_DECRYPT", TEXT) or (
                at < 16 and error.code == "E_BUNDLE_INVALID"
            )


@settings(max_examples=150)
@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_each_flipped_bit_of_a_chunk_is_refused_with_one_text(
    three: bytes, place: int, bit: int
) -> None:
    changed = bytearray(three)
    changed[55 + place % (len(three) - 55)] ^= 1 << bit
    assert str(refusal(bytes(changed))) == TEXT


def test_swapped_doubled_lost_and_added_chunks_are_refused_with_one_text(three: bytes) -> None:
    head, (one, two, last) = parts(three)
    for chunks in (
        [two, one, last],
        [one, one, two, last],
        [one, two, two, last],
        [one, last],
        [two, last],
        [one, two],
        [last],
        [one, two, last, last],
        [last, one, two],
        [],
        [one, two, last, b"x"],
    ):
        error = refusal(head + b"".join(chunks))
        assert (error.code, error.exit, str(error)) == ("E_BUNDLE_DECRYPT", 65, TEXT)


@settings(max_examples=60)
@given(length=st.integers(min_value=0))
def test_a_cut_container_is_refused_wherever_it_ends(three: bytes, length: int) -> None:
    assert str(refusal(three[: length % len(three)])) == TEXT


def test_chunks_of_two_bundles_with_one_key_are_not_interchangeable() -> None:
    (head, [mine]), (_, [other]) = parts(sealed(b"a" * 50)), parts(sealed(b"b" * 50))
    assert mine != other
    assert str(refusal(head + other)) == TEXT


def test_a_wrong_passphrase_and_a_damaged_file_are_answered_with_the_same_words() -> None:
    data = sealed(b"plain")
    wrong = refusal(data, key=bytes(32))
    damaged = refusal(data[:-1])
    assert (wrong.code, str(wrong), wrong.fix) == (damaged.code, str(damaged), damaged.fix)


@pytest.mark.guarantee(
    "operations-25", "A bundle that asks for hours or gigabytes to derive its key is refused first."
)
@pytest.mark.parametrize(
    ("place", "value"),
    [
        *((10, log_n) for log_n in (0, 1, 13, 19, 30, 255)),
        *((11, r) for r in (0, 1, 7, 9, 255)),
        *((12, p) for p in (0, 5, 255)),
        *((8, version) for version in (0, 2, 255)),
        *((9, kdf) for kdf in (0, 2, 255)),
        *((zero, 1) for zero in (13, 14, 15)),
    ],
)
def test_hostile_parameters_are_refused_before_anything_is_derived(place: int, value: int) -> None:
    raw = bytearray(new_header().raw)
    raw[place] = value
    with pytest.raises(CleoError) as caught:
        read_header(io.BytesIO(bytes(raw)))
    assert (caught.value.code, caught.value.exit) == ("E_BUNDLE_INVALID", 67)


@pytest.mark.parametrize(("log_n", "p"), [(14, 1), (14, 4), (18, 1)])
def test_parameters_within_the_bounds_are_accepted(log_n: int, p: int) -> None:
    raw = bytearray(new_header().raw)
    raw[10], raw[12] = log_n, p
    header = read_header(io.BytesIO(bytes(raw)))
    assert (header.log_n, header.p) == (log_n, p)


def test_the_key_is_that_of_scrypt_over_the_passphrase_in_nfc() -> None:
    import hashlib

    header = new_header()._replace(log_n=14)
    composed, decomposed = "Gr\u00fc\u00dfe an alle", "Gru\u0308\u00dfe an alle"
    expected = hashlib.scrypt(
        composed.encode(), salt=header.salt, n=1 << 14, r=8, p=1, dklen=32, maxmem=64 << 20
    )
    assert derive(header, composed) == derive(header, decomposed) == expected


@pytest.mark.parametrize(
    "passphrase", ["", "eleven char", "u\u0308" * 11, "half a pair \ud800", "x" * 4097]
)
def test_an_unfit_passphrase_is_refused_without_repeating_it(passphrase: str) -> None:
    with pytest.raises(CleoError) as caught:
        checked_passphrase(passphrase)
    assert caught.value.exit == 6
    assert not passphrase or passphrase not in str(caught.value)


def test_half_a_surrogate_pair_opens_no_bundle() -> None:
    with pytest.raises(CleoError) as caught:
        derive(new_header()._replace(log_n=14), "twelve chars \ud800")
    assert caught.value.code == "E_BUNDLE_DECRYPT"


def test_without_cryptography_the_error_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hidden: Any = None
    for name in [name for name in sys.modules if name.split(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, name, hidden)
    monkeypatch.setitem(sys.modules, "cryptography", hidden)
    with pytest.raises(CleoError) as caught:
        container.require_cryptography()
    assert (caught.value.code, caught.value.exit) == ("E_EXTRA_MISSING", 5)
    assert caught.value.fix == "pip install 'cleo-core[encryption]'"
