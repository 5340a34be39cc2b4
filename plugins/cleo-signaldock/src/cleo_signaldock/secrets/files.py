"""The two secret files beside the store: made once, read with care, renewed without a gap."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cleo_core.locks import locked
from cleo_core.paths import check_test_root, ensure_directory, file_error
from cleo_core.paths.files import give_name, quoted, sync_directory
from cleo_signaldock.errors import SignaldockError
from cleo_signaldock.secrets.derive import LENGTH
from cleo_signaldock.secrets.keys import Keys

MACHINE_KEY = "machine-key"
GLOBAL_SALT = "global-salt"
_NAMES = (MACHINE_KEY, GLOBAL_SALT)
_LOST = {MACHINE_KEY: "E_MACHINE_KEY_LOST", GLOBAL_SALT: "E_SALT_LOST"}
_NEXT = ".next"
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_LEFT_PART = re.compile(r"\.(machine-key|global-salt)(\.\w+)?\.[0-9a-f]{12}\.tmp")
#: Everyone, Authenticated Users, Users.
_WINDOWS_GROUPS = ("S-1-1-0", "S-1-5-11", "S-1-5-32-545")


class SecretFiles:
    """``machine-key`` and ``global-salt`` of a data directory.

    A rotation writes ``<name>.next`` beside them, and keeps what they held as ``<name>.gen<N>``.

    :param directory: the data directory that core resolved.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from making or renewing the files.

        :raises CleoError: ``E_LOCK_TIMEOUT``.
        """
        with locked(str(self.directory), "secrets"):
            yield

    def create(self) -> Keys:
        """The keys in the files, which are made where there are none; one process wins.

        :raises SignaldockError: 92 as :meth:`read`.
        :raises CleoError: no space, no permission, the lock.
        """
        ensure_directory(str(self.directory))
        with self.locked():
            self._remove_left_parts()
            for name in _NAMES:
                if not os.path.lexists(self._path(name)):
                    self._publish(name, os.urandom(LENGTH))
        return self.read()

    def rehearsed(self, *, keep_machine_key: bool = False) -> Keys:
        """Keys for a dry run, such as exist nowhere else.

        :param keep_machine_key: that of the file is kept, as a rotation of the salt would.
        """
        if keep_machine_key:
            return Keys(self._read(MACHINE_KEY), os.urandom(LENGTH))
        return Keys(os.urandom(LENGTH), os.urandom(LENGTH))

    def read(self) -> Keys:
        """The keys in the files.

        :raises SignaldockError: 92, ``E_MACHINE_KEY_LOST`` or ``E_SALT_LOST`` for a file that is
            not there or is short, ``E_SECRET_UNSAFE`` for one that others could read or replace.
        """
        _leave_no_core()
        return Keys(*(self._read(name) for name in _NAMES))

    def fitting(self, check: str | None) -> Keys:
        """The keys in the files, which are those that a store was encrypted with.

        Where a rotation was cut short, the files that fit are read under whichever name they have.

        :param check: the store's ``key_check``; None fits all.
        :raises SignaldockError: 92; ``E_SECRET_MISMATCH`` where neither fits.
        """
        if check is not None and self._has_next():
            for candidate in (self._present, self._with_next):
                try:
                    keys = candidate()
                except SignaldockError:
                    continue
                if keys.check == check:
                    return keys
        keys = self.read()
        if check is not None and keys.check != check:
            raise self._mismatch(check)
        return keys

    def settle(self, check: str | None, generation: int) -> None:
        """Finish or undo a rotation that was cut short; the caller holds the lock.

        :param check: the store's ``key_check``.
        :param generation: what the files that go are called by.
        :raises SignaldockError: 92, neither the present files nor the next ones fit.
        """
        if check is None or not self._has_next():
            return
        keys = self.fitting(check)
        try:
            present = self._present().check == keys.check
        except SignaldockError:
            present = False
        if present:
            self.drop_next()
        else:
            self.publish_next(generation)

    def are_there(self) -> bool:
        """Whether both files have a name, whatever is in them."""
        return all(os.path.lexists(self._path(name)) for name in _NAMES)

    def is_unsettled(self) -> bool:
        """Whether a rotation was cut short."""
        return self._has_next()

    def write_next(self, *, salt_only: bool = False) -> Keys:
        """Write the files of a rotation beside the present ones; the caller holds the lock.

        :returns: the keys that will be.
        """
        self.drop_next()
        self._remove_left_parts()
        for name in _NAMES[1:] if salt_only else _NAMES:
            self._publish(name + _NEXT, os.urandom(LENGTH))
        return self._with_next()

    def publish_next(self, generation: int) -> None:
        """Put the next files in the place of the present ones, which are kept as ``.gen<N>``.

        No file is missing meanwhile, and doing it again after it was cut short ends where it would
        have ended. Where other files are kept under that number, the next free one is taken.
        """
        while any(self._is_taken(name, f"{name}.gen{generation}") for name in _NAMES):
            generation += 1
        for name in _NAMES:
            following, present = self._path(name + _NEXT), self._path(name)
            if not os.path.lexists(following):
                continue
            if os.path.lexists(present):
                self._keep(name, f"{name}.gen{generation}")
            os.replace(following, present)
            sync_directory(str(self.directory))

    def drop_next(self) -> None:
        """Take the files of a rotation away that did not happen."""
        for name in _NAMES:
            _unlink(self._path(name + _NEXT))
        sync_directory(str(self.directory))

    def generations(self) -> list[int]:
        """The rotations before which files are kept, in order."""
        found = set()
        for entry in os.listdir(self.directory) if self.directory.is_dir() else ():
            name, dot, number = entry.rpartition(".gen")
            if dot and name in _NAMES and number.isascii() and number.isdigit():
                found.add(int(number))
        return sorted(found)

    def prune(self) -> list[int]:
        """Remove the files that are kept from before rotations.

        :returns: their generations.
        """
        self._remove_left_parts()
        gone = self.generations()
        for generation in gone:
            for name in _NAMES:
                _unlink(self._path(f"{name}.gen{generation}"))
        sync_directory(str(self.directory))
        return gone

    def _present(self) -> Keys:
        return self.read()

    def _with_next(self) -> Keys:
        return Keys(
            *(
                self._read(name + _NEXT if os.path.lexists(self._path(name + _NEXT)) else name)
                for name in _NAMES
            )
        )

    def _has_next(self) -> bool:
        return any(os.path.lexists(self._path(name + _NEXT)) for name in _NAMES)

    def _mismatch(self, check: str) -> SignaldockError:
        kept = [
            generation
            for generation in self.generations()
            if self._generation_fits(generation, check)
        ]
        where, fix = "", None
        if kept:
            names = [(name, self._at(name, kept[0])) for name in _NAMES]
            where = f" {' and '.join(at for _, at in names)} are."
            fix = " && ".join(
                f"cp -p {quoted(self._path(at))} {quoted(self._path(name))}"
                for name, at in names
                if at != name
            )
        return SignaldockError(
            "E_SECRET_MISMATCH",
            "The key files of this machine are not those that its agents' keys were encrypted "
            f"with.{where}",
            fix=fix,
            details={"generations": kept},
        )

    def _generation_fits(self, generation: int, check: str) -> bool:
        try:
            return Keys(*(self._read(self._at(name, generation)) for name in _NAMES)).check == check
        except SignaldockError:
            return False

    def _at(self, name: str, generation: int) -> str:
        """The file that was in use then: kept at that rotation, or at a later one, or present."""
        later = [
            one
            for one in self.generations()
            if one >= generation and os.path.lexists(self._path(f"{name}.gen{one}"))
        ]
        return f"{name}.gen{later[0]}" if later else name

    def _keep(self, name: str, kept: str) -> None:
        """A second name for the present file, or a copy of it where there are no hard links."""
        present, path = self._path(name), self._path(kept)
        if not os.path.lexists(path):
            try:
                os.link(present, path)
            except OSError:
                self._publish(kept, self._read(name))
            sync_directory(str(self.directory))

    def _is_taken(self, name: str, kept: str) -> bool:
        """Whether a file that goes would be kept under the name of another one."""
        paths = [self._path(one) for one in (f"{name}{_NEXT}", name, kept)]
        if not all(os.path.lexists(path) for path in paths):
            return False
        return not os.path.samefile(paths[1], paths[2]) and self._read(kept) != self._read(name)

    def _publish(self, name: str, content: bytes) -> None:
        path = self._path(name)
        check_test_root(path)
        temporary = self._path(f".{name}.{os.urandom(6).hex()}.tmp")
        try:
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | _BINARY
            descriptor = os.open(temporary, flags, 0o600)
            try:
                if hasattr(os, "fchmod"):
                    os.fchmod(descriptor, 0o600)
                while content:
                    content = content[os.write(descriptor, content) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            give_name(temporary, path)
            sync_directory(str(self.directory))
        except OSError as error:
            raise file_error(error, path) from error
        finally:
            _unlink(temporary)

    def _remove_left_parts(self) -> None:
        """Take away what a process that died was writing; nobody else writes under the lock."""
        for entry in os.listdir(self.directory):
            if _LEFT_PART.fullmatch(entry):
                _unlink(self._path(entry))

    def _read(self, name: str) -> bytes:
        path = self._path(name)
        kind = name.partition(".")[0]
        try:
            descriptor = os.open(path, _FLAGS | _BINARY)
        except FileNotFoundError:
            raise self._lost(kind, path, "is not there") from None
        except OSError as error:
            raise _unsafe(
                path, error.strerror or "cannot be opened", f"ls -la {quoted(path)}"
            ) from None
        try:
            self._check(path, os.fstat(descriptor))
            content = os.read(descriptor, LENGTH + 1)
        except OSError as error:
            raise file_error(error, path) from None
        finally:
            os.close(descriptor)
        if len(content) != LENGTH:
            raise self._lost(kind, path, f"has {len(content)} bytes instead of {LENGTH}")
        return content

    def _check(self, path: str, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise _unsafe(path, "is no regular file", f"ls -la {quoted(path)}")
        if os.name == "nt":
            _check_windows(path)
            return
        if status.st_uid != os.geteuid():
            raise _unsafe(path, "belongs to somebody else", f"ls -la {quoted(path)}")
        if stat.S_IMODE(status.st_mode) != 0o600:
            raise _unsafe(path, "does not have mode 0600", f"chmod 600 {quoted(path)}")
        above = os.stat(self.directory)
        if above.st_mode & 0o022:
            raise _unsafe(
                path,
                "lies in a directory that others may write",
                f"chmod go-w {quoted(str(self.directory))}",
            )

    def _lost(self, kind: str, path: str, fault: str) -> SignaldockError:
        return SignaldockError(
            _LOST[kind],
            f"The secret file {path} {fault}. Put it back from a copy; without one, what it "
            "encrypted is lost.",
            details={"path": path},
        )

    def _path(self, name: str) -> str:
        return str(self.directory / name)


def _unsafe(path: str, fault: str, fix: str) -> SignaldockError:
    return SignaldockError(
        "E_SECRET_UNSAFE", f"The secret file {path} {fault}.", fix=fix, details={"path": path}
    )


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _leave_no_core() -> None:
    """Let this process, which is about to hold keys, leave no image of its memory when it dies."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if soft != 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def _check_windows(path: str) -> None:
    """Refuse a file whose access list names everybody, whoever signed in, or the users' group."""
    import subprocess

    for group in _WINDOWS_GROUPS:
        try:
            answer = subprocess.run(
                ["icacls", path, "/findsid", f"*{group}"],
                capture_output=True,
                check=False,
                timeout=10,
            )
        except (OSError, subprocess.TimeoutExpired):
            raise _unsafe(path, "has an access list that cannot be read", "icacls FILE") from None
        # The program prints the path of a file only where its list names the group.
        if os.fsencode(os.path.basename(path)) in answer.stdout:
            fix = f'icacls "{path}" /inheritance:r /grant:r "%USERNAME%:F"'
            raise _unsafe(path, "can be read by others", fix)
