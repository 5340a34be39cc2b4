"""The encrypted container: a header, then chunks of AES-256-GCM.

Header, 55 bytes: ``CLEOBNDL``, version 1, key derivation 1 (scrypt), log2 N, r, p, three zero
bytes, 32 bytes of salt, 7 bytes that every nonce begins with. A chunk holds 1 MiB of plain text,
the last one what is left, and is 16 bytes longer. Its nonce is the prefix, a counter of 4 bytes and
a byte that is 1 in the last chunk; the whole header is authenticated with each. That is the STREAM
construction of Hoang, Reyhanitabar, Rogaway and Vizár (2015): chunks can be neither swapped,
doubled, left out nor cut off.
"""

from __future__ import annotations

import io
import os
import unicodedata
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from cleo_core.bundle.problems import invalid
from cleo_core.errors import CleoError, ValidationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"CLEOBNDL"
CHUNK = 1 << 20
SHORTEST_PASSPHRASE = 12

_VERSION = _SCRYPT = 1
_SALT, _PREFIX, _TAG = 32, 7, 16
_HEADER = len(MAGIC) + 8 + _SALT + _PREFIX
#: What is written, and what is accepted: 2^18 and r = 8 take 256 MiB.
_LOG_N, _R, _P = 17, 8, 1
_LOG_N_ALLOWED, _P_ALLOWED = range(14, 19), range(1, 5)
#: Characters of a passphrase; more is a file given by mistake.
_LONGEST_PASSPHRASE = 4096


class Header(NamedTuple):
    """What the first bytes of a container say.

    :ivar raw: the bytes themselves.
    """

    raw: bytes
    log_n: int
    r: int
    p: int
    salt: bytes
    prefix: bytes


def new_header() -> Header:
    """A header with a salt and a nonce prefix of its own."""
    salt, prefix = os.urandom(_SALT), os.urandom(_PREFIX)
    fixed = MAGIC + bytes((_VERSION, _SCRYPT, _LOG_N, _R, _P, 0, 0, 0))
    return Header(fixed + salt + prefix, _LOG_N, _R, _P, salt, prefix)


def read_header(file: BinaryIO) -> Header:
    """The header of a container, checked before anything is derived from it.

    :raises CleoError: ``E_BUNDLE_DECRYPT``, it is cut; ``E_BUNDLE_INVALID``, it asks for what this
        program does not do.
    """
    raw = _exactly(file, _HEADER)
    if len(raw) < _HEADER:
        raise undecipherable()
    version, kdf, log_n, r, p = raw[8:13]
    if (raw[:8], version, kdf) != (MAGIC, _VERSION, _SCRYPT) or raw[13:16] != bytes(3):
        raise invalid("it is of a version that this program does not know")
    if log_n not in _LOG_N_ALLOWED or r != _R or p not in _P_ALLOWED:
        raise invalid(f"its key would be derived with N = 2^{log_n}, r = {r} and p = {p}")
    return Header(raw, log_n, r, p, raw[16 : 16 + _SALT], raw[16 + _SALT :])


def derive(header: Header, passphrase: str) -> bytes:
    """The key that a passphrase gives with a header's salt.

    :raises CleoError: ``E_EXTRA_MISSING``; ``E_BUNDLE_DECRYPT``, it is none that a bundle can have.
    """
    require_cryptography()
    try:
        material = unicodedata.normalize("NFC", passphrase).encode()
    except UnicodeEncodeError:
        raise undecipherable() from None
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    kdf = Scrypt(salt=header.salt, length=32, n=1 << header.log_n, r=header.r, p=header.p)
    return kdf.derive(material)


def checked_passphrase(passphrase: str) -> str:
    """A passphrase that a new bundle may have, in NFC.

    :raises CleoError: ``E_VALIDATION``.
    """
    if not isinstance(passphrase, str):
        # What it is must not be shown.
        raise _unfit("is no text")
    try:
        passphrase.encode()
    except UnicodeEncodeError:
        raise _unfit("is no text that can be written as UTF-8") from None
    normal = unicodedata.normalize("NFC", passphrase)
    if len(normal) < SHORTEST_PASSPHRASE:
        raise _unfit(f"has fewer than {SHORTEST_PASSPHRASE} characters")
    if len(normal) > _LONGEST_PASSPHRASE:
        raise _unfit(f"has more than {_LONGEST_PASSPHRASE} characters")
    return normal


def require_cryptography() -> None:
    """:raises CleoError: ``E_EXTRA_MISSING``, with the command that installs what is missing."""
    try:
        import cryptography.hazmat.primitives.ciphers.aead  # noqa: F401 - only whether it is there
    except ImportError:
        raise CleoError(
            "E_EXTRA_MISSING",
            "An encrypted bundle needs cryptography, which is not installed.",
            fix="pip install 'cleo-core[encryption]'",
        ) from None


class Sealer(io.RawIOBase):
    """Encrypts what is written to it; :meth:`finish` writes the last chunk.

    :param file: gets the header at once.
    """

    def __init__(self, file: BinaryIO, header: Header, key: bytes) -> None:
        self._file = file
        self._header = header
        self._cipher = _cipher(key)
        self._waiting = bytearray()
        self._counter = 0
        file.write(header.raw)

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: object) -> int:
        """Take some bytes; whole chunks are written on."""
        view = memoryview(data).cast("B")  # type: ignore[arg-type] # any buffer will do
        self._waiting += view
        # One chunk stays, for the last one is sealed as such.
        while len(self._waiting) > CHUNK:
            self._write(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(view)

    def finish(self) -> None:
        """Write what is left as the last chunk; without it nothing can be read."""
        self._write(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _write(self, chunk: bytes, *, last: bool) -> None:
        nonce = _nonce(self._header, self._counter, last)
        self._file.write(self._cipher.encrypt(nonce, chunk, self._header.raw))
        self._counter += 1


class Unsealer(io.RawIOBase):
    """Gives the plain text of a container, and no byte of it unauthenticated.

    :param file: stands behind the header.
    """

    def __init__(self, file: BinaryIO, header: Header, key: bytes) -> None:
        self._file = file
        self._header = header
        self._cipher = _cipher(key)
        self._counter = 0
        self._ahead = _exactly(file, CHUNK + _TAG)
        self._plain = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill a buffer as far as one chunk goes; 0 at the end.

        :raises CleoError: ``E_BUNDLE_DECRYPT``.
        """
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type] # any buffer will do
        while not self._plain and not self._ended:
            self._next()
        count = min(len(view), len(self._plain))
        view[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def _next(self) -> None:
        from cryptography.exceptions import InvalidTag

        chunk, self._ahead = self._ahead, _exactly(self._file, CHUNK + _TAG)
        self._ended = not self._ahead
        try:
            nonce = _nonce(self._header, self._counter, self._ended)
            plain = self._cipher.decrypt(nonce, chunk, self._header.raw)
        except (InvalidTag, ValueError, OverflowError):
            self._ended = True
            raise undecipherable() from None
        self._plain = memoryview(plain)
        self._counter += 1


def undecipherable() -> CleoError:
    """One text, whatever is wrong: who guesses learns nothing."""
    return CleoError(
        "E_BUNDLE_DECRYPT",
        "The bundle could not be decrypted: the passphrase is wrong, or the file was changed or "
        "cut.",
    )


def _cipher(key: bytes) -> AESGCM:
    require_cryptography()
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _nonce(header: Header, counter: int, last: bool) -> bytes:
    return header.prefix + counter.to_bytes(4, "big") + bytes((last,))


def _exactly(file: BinaryIO, size: int) -> bytes:
    """So many bytes, fewer only at the end of the file."""
    parts = []
    while size and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _unfit(why: str) -> ValidationError:
    return ValidationError(
        f"The passphrase {why}.",
        fix=f"the same command with a passphrase of {SHORTEST_PASSPHRASE} characters or more",
    )
