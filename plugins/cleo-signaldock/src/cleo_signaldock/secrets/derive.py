"""Keys and marks made from the machine's key and the global salt: HMAC-SHA256 (RFC 2104)."""

from __future__ import annotations

import hashlib
import hmac

LENGTH = 32


def derive_key(machine_key: bytes, global_salt: bytes, owner: str) -> bytes:
    """The key that encrypts what belongs to an owner: 32 bytes, never stored.

    :param owner: an agent's id, or ``account/<provider>`` for a sign-in.
    :raises ValueError: a file has another length, or nobody is named.
    """
    _check(machine_key, global_salt)
    if not owner:
        raise ValueError("a key is derived for somebody")
    return hmac.digest(machine_key + global_salt, owner.encode("utf-8"), "sha256")


def legacy_key(machine_key: bytes, project_path: str) -> bytes:
    """The key that the TypeScript CLEO derived for a project's directory: 32 bytes.

    :raises ValueError: the machine's key has another length, or there is no path.
    """
    _check(machine_key)
    if not project_path:
        raise ValueError("a key is derived for some path")
    return hmac.digest(machine_key, project_path.encode("utf-8"), "sha256")


def key_check(machine_key: bytes, global_salt: bytes) -> str:
    """What tells, without saying more, whether two files are those of a store: 32 hex digits."""
    _check(machine_key, global_salt)
    return hmac.digest(machine_key + global_salt, b"\x00cleo/key-check", "sha256")[:16].hex()


def fingerprint(secret: bytes) -> str:
    """What reports call a file by: 16 hex digits."""
    return hashlib.sha256(b"cleo/fp\x00" + secret).hexdigest()[:16]


def _check(*files: bytes) -> None:
    if any(len(content) != LENGTH for content in files):
        raise ValueError(f"a key file has {LENGTH} bytes")
