"""The encrypted form of a key: AES-256-GCM (NIST SP 800-38D), bound to where it is stored.

A blob is base64 of a version byte, a nonce of 12 bytes, the ciphertext and a tag of 16. Version 2
binds it to table, column and row; version 1, of the TypeScript CLEO, to nothing, and is only read.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cleo_signaldock.errors import SignaldockError

if TYPE_CHECKING:
    from cleo_signaldock.secrets.keys import Keys

_NONCE = 12
_TAG = 16
_SHORTEST = 1 + _NONCE + _TAG
_HEX = frozenset("0123456789abcdefABCDEF")


class Decrypted(NamedTuple):
    """A text and the version of the blob that held it: 1 or 2."""

    text: str
    version: int

    def __repr__(self) -> str:
        return f"<Decrypted from version {self.version}>"


def encrypt(key: bytes, text: str, *, column: str, id: str, nonce: bytes | None = None) -> str:
    """A text as a blob of version 2.

    :param key: 32 bytes, of the owner.
    :param column: ``table.column`` where it will stand, ``id`` of the row.
    :param nonce: for known answers only; a fresh random one else.
    :raises ValueError: the key or the nonce has another length.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if nonce is None:
        nonce = os.urandom(_NONCE)
    elif len(nonce) != _NONCE:
        raise ValueError(f"a nonce has {_NONCE} bytes")
    sealed = AESGCM(key).encrypt(nonce, text.encode("utf-8"), _bound_to(column, id))
    return base64.b64encode(b"\x02" + nonce + sealed).decode("ascii")


def decrypt(
    blob: str,
    keys: Keys,
    *,
    column: str,
    id: str,
    owner: str | None = None,
    project_paths: Sequence[str] = (),
) -> Decrypted:
    """The text of a blob.

    :param column: ``table.column`` where it stands, ``id`` of the row.
    :param owner: whom the key is derived for, by default ``id``.
    :param project_paths: directories whose legacy keys are tried on a blob of version 1.
    :raises SignaldockError: ``E_REAUTH_REQUIRED`` (91), in the same words whatever is wrong.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    raw = _raw(blob)
    if raw is None:
        raise unreadable()
    candidates = [keys.derive(owner or id)]
    bound: bytes | None = _bound_to(column, id)
    if raw[0] == 1:
        bound = None
        candidates += [keys.legacy(path) for path in project_paths]
    for key in candidates:
        try:
            text = AESGCM(key).decrypt(raw[1 : 1 + _NONCE], raw[1 + _NONCE :], bound)
            return Decrypted(text.decode("utf-8"), raw[0])
        except (InvalidTag, UnicodeDecodeError):
            continue
    raise unreadable()


def version(blob: str) -> int | None:
    """The version that a blob says it has, or None where it is none."""
    raw = _raw(blob)
    return None if raw is None else raw[0]


def is_legacy_derived(value: str) -> bool:
    """Whether a value is a derived key, which the TypeScript CLEO stored in a key's place."""
    return len(value) == 64 and _HEX.issuperset(value)


def unreadable() -> SignaldockError:
    """Exit 91 for a blob that cannot be read, whatever the reason."""
    return SignaldockError("E_REAUTH_REQUIRED", "The stored key cannot be decrypted.")


def _raw(blob: str) -> bytes | None:
    try:
        raw = base64.b64decode(blob.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return None
    # Unused bits of the last digit would make several texts of one blob.
    if base64.b64encode(raw).decode("ascii") != blob:
        return None
    return raw if len(raw) >= _SHORTEST and raw[0] in (1, 2) else None


def _bound_to(column: str, id_: str) -> bytes:
    return b"\x00".join((b"cleo/v2", column.encode("utf-8"), id_.encode("utf-8")))
