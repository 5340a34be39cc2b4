"""Keys derived from the two secret files, and what they encrypt."""

from __future__ import annotations

import base64
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleo_signaldock.errors import SignaldockError
from cleo_signaldock.secrets import blobs, derive
from cleo_signaldock.secrets.keys import Keys

MACHINE = bytes(range(32))
SALT = bytes(range(32, 64))
KEYS = Keys(MACHINE, SALT)
COLUMN = "agents.api_key_encrypted"
NONCE = bytes(range(0x40, 0x4C))
V2 = "AkBBQkNERUZHSElKS9xxtxii9ONN6ijxH/7Kx9Ay3PSxHYg="
V1 = "AUBBQkNERUZHSElKS9xxtxii9Abcp/Yz2vV75Vo2WzFOOrA="
V1_LEGACY = "AUBBQkNERUZHSElKS9C/lOqT66BbD1I3yGcqJdplH3ROyrs="
KNOWN = pytest.mark.guarantee(
    "signaldock-01",
    "Keys are derived and encrypted in the published forms, and whatever is changed in a blob, or "
    "moved to another agent or column, ends in the same error.",
)


def opened(blob: str, **other: Any) -> blobs.Decrypted:
    return blobs.decrypt(blob, KEYS, **{"column": COLUMN, "id": "agent-1", **other})


@KNOWN
@pytest.mark.parametrize(
    ("found", "answer"),
    [
        (
            KEYS.derive("agent-1").hex(),
            "207a010808c48d8e762ed5b8003fcd3db0bd0862785be33d91075849209d9f21",
        ),
        (
            KEYS.derive("agent-é").hex(),
            "3b7ac1169ffc8549a041c9cca9355d425f96cf751ac9cd50732d9ad6d28f556e",
        ),
        (
            KEYS.legacy("/p").hex(),
            "d0db9fa7fa53625dc645e2dd631bb170e5943f3a6cf09c27afc42829b98ece99",
        ),
        # Sixteen bytes of the HMAC as RFC 2104 defines it.
        (KEYS.check, "d7c49e8fac29c4b7ee62c211929620b4"),
        (KEYS.fingerprints[0], "6d9c7cf24d5dbb68"),
        (KEYS.fingerprints[1], "bf9f57269ec0da26"),
        (
            blobs.encrypt(
                KEYS.derive("agent-1"), "secret", column=COLUMN, id="agent-1", nonce=NONCE
            ),
            V2,
        ),
        (opened(V2), ("secret", 2)),
        (opened(V1), ("secret", 1)),
        (opened(V1_LEGACY, project_paths=["/q", "/p"]), ("secret", 1)),
    ],
)
def test_known_answers(found: Any, answer: Any) -> None:
    assert found == answer


@pytest.mark.guarantee(
    "signaldock-06", "Blobs of the older form are read, and nothing writes that form."
)
def test_every_blob_written_is_of_version_two_with_a_nonce_of_its_own() -> None:
    written = {blobs.encrypt(KEYS.derive("a"), "secret", column=COLUMN, id="a") for _ in range(50)}

    assert len(written) == 50
    assert {blobs.version(blob) for blob in written} == {2}


@KNOWN
@pytest.mark.parametrize("blob", [V2, V1])
def test_no_byte_of_a_blob_can_be_changed(blob: str) -> None:
    raw = base64.b64decode(blob)
    texts = set()
    for place in range(len(raw)):
        for bit in range(8):
            damaged = bytearray(raw)
            damaged[place] ^= 1 << bit
            with pytest.raises(SignaldockError) as error:
                opened(base64.b64encode(bytes(damaged)).decode())
            assert (error.value.code, error.value.exit) == ("E_REAUTH_REQUIRED", 91)
            texts.add(str(error.value))
    # The last digit before the padding has bits that decoding passes over.
    with pytest.raises(SignaldockError) as error:
        opened(blob[:-2] + chr(ord(blob[-2]) + 1) + "=")
    texts.add(str(error.value))
    for length in range(len(raw)):
        with pytest.raises(SignaldockError) as error:
            opened(base64.b64encode(raw[:length]).decode())
        texts.add(str(error.value))

    assert len(texts) == 1


@KNOWN
def test_a_blob_belongs_to_its_agent_and_its_column() -> None:
    with pytest.raises(SignaldockError, match="cannot be decrypted"):
        blobs.decrypt(V2, KEYS, column=COLUMN, id="agent-2", owner="agent-1")
    with pytest.raises(SignaldockError, match="cannot be decrypted"):
        blobs.decrypt(V2, KEYS, column="agents.webhook_secret_encrypted", id="agent-1")


@given(st.text(max_size=200), st.text("abcXYZ019._-", min_size=1, max_size=40))
def test_what_is_encrypted_comes_back(text: str, owner: str) -> None:
    blob = blobs.encrypt(KEYS.derive(owner), text, column=COLUMN, id=owner)

    assert blobs.decrypt(blob, KEYS, column=COLUMN, id=owner) == (text, 2)


@given(st.text(max_size=100))
def test_any_text_in_a_blobs_place_is_the_same_error(text: str) -> None:
    with pytest.raises(SignaldockError, match=r"^The stored key cannot be decrypted\.$"):
        opened(text)


def test_only_files_of_thirty_two_bytes_and_named_owners_give_keys() -> None:
    for machine, salt in ((b"", SALT), (MACHINE, SALT[:-1]), (MACHINE + b"x", SALT)):
        with pytest.raises(ValueError, match="32 bytes"):
            Keys(machine, salt)
    with pytest.raises(ValueError, match="somebody"):
        KEYS.derive("")
    with pytest.raises(ValueError, match="path"):
        derive.legacy_key(MACHINE, "")


def test_nothing_shows_or_copies_the_bytes() -> None:
    shown = f"{KEYS!r} {KEYS} {opened(V2)!r}"

    assert "secret" not in shown
    assert MACHINE.hex()[:16] not in shown
    with pytest.raises(TypeError):
        pickle.dumps(KEYS)
