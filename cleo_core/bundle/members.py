"""The members of a bundle: a gzip'd tar that says nothing but names, sizes and bytes.

Both ends are strict. What is written depends on nothing but the members; what is read must be a
plain file of the next expected name and size, and nothing may follow the last one. No name that is
read is ever used as a path.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol

from cleo_core.bundle.problems import invalid
from cleo_core.errors import shortened

#: Bytes of a manifest; one of a thousand tables takes a hundredth of it.
LARGEST_MANIFEST = 4 << 20

_BLOCK = 512
_PIECE = 1 << 20
_END = bytes(2 * _BLOCK)
_MODE = 0o600


class Sink(Protocol):
    """What takes the bytes of a member: a file, a hash."""

    def write(self, data: bytes, /) -> object: ...


@contextmanager
def packing(file: BinaryIO) -> Iterator[Packer]:
    """Write members into a file; its end is written when the block ends well."""
    with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
        yield Packer(packed)
        packed.write(_END)


class Packer:
    """Writes one member after another."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file

    def add(self, name: str, size: int, source: BinaryIO) -> None:
        """Write a member.

        :raises EOFError: the source has fewer bytes.
        """
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, _MODE
        self._file.write(member.tobuf(tarfile.GNU_FORMAT))
        left = size
        while left:
            piece = source.read(min(left, _PIECE))
            if not piece:
                raise EOFError(f"{name} is {left} bytes shorter than {size}")
            self._file.write(piece)
            left -= len(piece)
        self._file.write(bytes(-size % _BLOCK))


class Unpacker:
    """Reads one member after another, each asked for by the name that it must have.

    Every method raises CleoError ``E_BUNDLE_INVALID`` where the file says anything else.

    :param file: the packed bytes; what it raises itself is passed on.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = gzip.GzipFile(fileobj=file, mode="rb")

    def text(self, name: str, most: int) -> bytes:
        """A member that is read into memory, of any size up to so many bytes."""
        size = self._head(name)
        if size > most:
            raise invalid(f"its member {name} is larger than {most} bytes")
        sink = io.BytesIO()
        self._body(name, size, sink)
        return sink.getvalue()

    def member(self, name: str, size: int, sink: Sink) -> None:
        """A member whose size is known; its bytes go into the sink, a piece at a time."""
        found = self._head(name)
        if found != size:
            raise invalid(f"its member {name} has {found} bytes and should have {size}")
        self._body(name, size, sink)

    def end(self) -> None:
        """Make sure that nothing follows."""
        if self._read(_BLOCK) != _END[:_BLOCK]:
            raise invalid("it has a member that its manifest does not list")
        if self._read(_BLOCK) != _END[:_BLOCK] or self._read(1):
            raise invalid("something follows its last member")

    def _head(self, name: str) -> int:
        """The size of the next member, which must be a plain file of this name."""
        block = self._read(_BLOCK)
        if block == _END[:_BLOCK]:
            raise invalid(f"its member {name} is missing")
        try:
            found = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError, OverflowError):
            raise invalid(f"there is no member where {name} should be") from None
        if found.type != tarfile.REGTYPE or found.linkname:
            raise invalid(f"{shortened(found.name)!a} is a link, a directory or a device")
        if found.name != name:
            raise invalid(f"it has {shortened(found.name)!a} where {name} should be")
        owner = (found.uid, found.gid, found.uname, found.gname)
        if (found.mode, *owner) != (_MODE, 0, 0, "", "") or found.size < 0:
            raise invalid(f"its member {name} has a mode or an owner of its own")
        return found.size

    def _body(self, name: str, size: int, sink: Sink) -> None:
        left = size
        while left:
            piece = self._read(min(left, _PIECE))
            if not piece:
                raise invalid(f"its member {name} is cut")
            sink.write(piece)
            left -= len(piece)
        if any(self._read(-size % _BLOCK)):
            raise invalid(f"something is hidden behind its member {name}")

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            try:
                part = self._file.read(size)
            except (EOFError, zlib.error, gzip.BadGzipFile):
                raise invalid("it is cut or damaged") from None
            if not part:
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
