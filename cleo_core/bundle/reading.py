"""A bundle that is read: opened, decrypted, and each member checked against the manifest."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from cleo_core.backup_sets import MANIFEST
from cleo_core.bundle.container import (
    MAGIC,
    Header,
    Unsealer,
    derive,
    read_header,
    require_cryptography,
    undecipherable,
)
from cleo_core.bundle.manifest import Manifest, Member, parsed
from cleo_core.bundle.members import LARGEST_MANIFEST, Sink, Unpacker
from cleo_core.bundle.problems import invalid
from cleo_core.errors import CleoError, NotFoundError, UsageError, echoed
from cleo_core.paths import check_test_root, file_error
from cleo_core.paths.files import quoted
from cleo_core.progress import Progress

_GZIP = b"\x1f\x8b"
_BUFFER = 1 << 20

#: Gives the file or the hash that takes a member's bytes; None for a member of no interest.
Choose = Callable[[Member], Sink | None]


class Bundle:
    """An open bundle.

    :ivar encrypted: whether it is.
    """

    def __init__(self, path: str, file: BinaryIO, header: Header | None, key: bytes) -> None:
        self.path = path
        self._file = file
        self._header = header
        self._key = key
        self.encrypted = header is not None

    def read(self, choose: Choose, what: str, progress: Progress | None = None) -> Manifest:
        """Read all of it, from the beginning to the end.

        :param choose: says where a member goes; nothing of what went there may be used before this
            returns.
        :param progress: called with (what, bytes of members read, bytes in all).
        :raises CleoError: ``E_BUNDLE_DECRYPT``; ``E_BUNDLE_INVALID``.
        """
        unpacker = Unpacker(self._content())
        manifest = parsed(unpacker.text(MANIFEST, LARGEST_MANIFEST))
        done, total = 0, sum(member.bytes for member in manifest.members)
        for member in manifest.members:
            sink = _Hashing(choose(member))
            unpacker.member(member.file, member.bytes, sink)
            if sink.hexdigest() != member.sha256:
                raise invalid(f"its member {member.file} is not what its manifest says")
            done += member.bytes
            if progress is not None:
                progress(what, done, total)
        unpacker.end()
        return manifest

    def _content(self) -> BinaryIO:
        self._file.seek(0)
        if self._header is None:
            return self._file
        if read_header(self._file) != self._header:
            raise undecipherable()
        # A buffer of its own, for gzip asks for a few bytes at a time.
        return io.BufferedReader(Unsealer(self._file, self._header, self._key), _BUFFER)


@contextmanager
def opened(path: str, ask: Callable[[], str]) -> Iterator[Bundle]:
    """Open a bundle.

    :param ask: gives the passphrase; called where the bundle is encrypted.
    :raises CleoError: ``E_NOT_FOUND``, ``E_USAGE``; ``E_PERMISSION_FS``, ``E_IO``;
        ``E_BUNDLE_INVALID``, it is none; ``E_BUNDLE_DECRYPT``, ``E_EXTRA_MISSING``; what ``ask``
        raises.
    """
    with _file(path) as file, _naming(path):
        start = file.read(len(MAGIC))
        file.seek(0)
        if start.startswith(_GZIP):
            yield Bundle(path, file, None, b"")
            return
        if not start or not (start + MAGIC[len(start) :] == MAGIC):
            raise invalid("it does not begin as a bundle does")
        header = read_header(file)
        require_cryptography()
        yield Bundle(path, file, header, derive(header, ask()))


@contextmanager
def _file(path: str) -> Iterator[BinaryIO]:
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        raise UsageError(f"{echoed(str(path))} is no name of a file.", fix="ls *.cleobundle")
    check_test_root(path)
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_CLOEXEC", 0))
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"There is no file {echoed(path)}.", fix="ls *.cleobundle") from None
    except UnicodeEncodeError:
        raise UsageError(f"{echoed(path)} is no name of a file.", fix="ls *.cleobundle") from None
    except OSError as error:
        raise file_error(error, path) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{echoed(path)} is no regular file.", fix="ls *.cleobundle")
    with open(descriptor, "rb") as file:
        try:
            yield file
        except OSError as error:
            if error.filename is None and error.errno is not None:
                raise file_error(error, path) from error
            raise


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Let a refusal name the file."""
    try:
        yield
    except CleoError as error:
        if error.code in ("E_BUNDLE_INVALID", "E_BUNDLE_DECRYPT"):
            error.details.setdefault("path", path)
            error.fix = error.fix.replace("FILE", quoted(path))
        raise


class _Hashing:
    """Passes bytes on and hashes them."""

    def __init__(self, sink: Sink | None) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()

    def write(self, data: bytes, /) -> None:
        self._hash.update(data)
        if self._sink is not None:
            self._sink.write(data)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
