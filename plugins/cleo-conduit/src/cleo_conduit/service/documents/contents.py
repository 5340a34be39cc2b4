"""Contents of versions: packed to be stored, and unpacked with a close look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_conduit.errors import ConduitError, over_limit
from cleo_conduit.store import blobs
from cleo_core.hashing import sha256

if TYPE_CHECKING:
    from cleo_core.database import Backend, Row

#: Bytes of one version, and of all that is stored in a project.
MOST_BYTES = 16 * 1024 * 1024
MOST_STORED = 512 * 1024 * 1024
#: What zlib has to save of a content, in hundredths, to be worth inflating it at every reading.
LEAST_SAVED = 10


class Packed(NamedTuple):
    """A content as it is stored."""

    hash: str
    codec: str
    content: bytes
    original_size: int


def pack(data: bytes) -> Packed:
    """A content as it is stored: compressed where that saves a tenth.

    :raises ConduitError: 98, it is too long.
    """
    if len(data) > MOST_BYTES:
        raise over_limit(
            f"A version has at most {MOST_BYTES} bytes.", "a shorter file", most=MOST_BYTES
        )
    import zlib

    small = zlib.compress(data)
    if len(small) * 100 <= len(data) * (100 - LEAST_SAVED):
        return Packed(sha256(data), "zlib", small, len(data))
    return Packed(sha256(data), "raw", data, len(data))


def store(tx: Any, packed: Packed, now: str) -> None:
    """Keep a content; equal ones are one row, which becomes whole again where it was damaged.

    :raises ConduitError: 98, the project holds too much already.
    """
    size = len(packed.content)
    if blobs.exists(tx, packed.hash):
        try:
            load(tx, packed.hash)
            return
        except ConduitError:
            # Written over below: nothing is lost that could still be read.
            pass
    if blobs.stored(tx) + size > MOST_STORED:
        raise over_limit(
            f"The documents of a project take at most {MOST_STORED} bytes.",
            "cleo conduit prune",
            most=MOST_STORED,
        )
    blobs.put(
        tx,
        {
            "hash": packed.hash,
            "codec": packed.codec,
            "content": packed.content,
            "original_size": packed.original_size,
            "compressed_size": size,
            "created_at": now,
        },
    )


def load(db: Backend, hash_: str) -> bytes:
    """A content as it was given.

    :raises ConduitError: 53 ``E_CORRUPT_BLOB``, it is missing, or not what was stored; nothing of
        it is given back.
    """
    row = blobs.get(db, hash_, MOST_BYTES)
    if row is None:
        raise _corrupt(hash_, "it is not there")
    return _unpacked(row)


def _unpacked(row: Row) -> bytes:
    hash_, size, content = row["hash"], row["original_size"], row["content"]
    if content is None or not 0 <= size <= MOST_BYTES:
        raise _corrupt(hash_, "it is longer than any version may be")
    if row["compressed_size"] != len(content):
        raise _corrupt(hash_, "its stored length is another one")
    data = content if row["codec"] == "raw" else _inflated(hash_, content, size)
    if len(data) != size:
        raise _corrupt(hash_, "its length is another one")
    if sha256(data) != hash_:
        raise _corrupt(hash_, "its hash is another one")
    return bytes(data)


def _inflated(hash_: str, content: bytes, size: int) -> bytes:
    """What a compressed content gives; no more than one byte beyond ``size`` is ever made."""
    import zlib

    stream = zlib.decompressobj()
    try:
        data = stream.decompress(content, size + 1)
    except zlib.error as error:
        raise _corrupt(hash_, f"it cannot be decompressed ({error})") from None
    if len(data) > size:
        raise _corrupt(hash_, "it is longer than was written down")
    if not stream.eof:
        raise _corrupt(hash_, "it ends too early")
    if stream.unused_data:
        raise _corrupt(hash_, "something follows its end")
    return data


def _corrupt(hash_: str, why: str) -> ConduitError:
    return ConduitError(
        "E_CORRUPT_BLOB",
        f"The stored content {hash_[:12]} is damaged: {why}.",
        fix="cleo doctor --only conduit.blobs --deep",
        details={"hash": hash_},
    )
