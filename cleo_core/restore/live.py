"""Live files that are about to be replaced: taken, and kept in a set or in quarantine."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cleo_core import clock
from cleo_core.backup.files import file_fault
from cleo_core.backup.inventory import LARGEST_FILE
from cleo_core.database import driver
from cleo_core.database.examining import Examined
from cleo_core.database.unshared import Held, hold, hold_unopened, in_use
from cleo_core.errors import CleoError
from cleo_core.paths import ensure_directory, file_error, read_bounded
from cleo_core.paths.files import sync_directory, write_all
from cleo_core.reconcile import looking
from cleo_core.restore.planning import Planned
from cleo_core.states import AHEAD, BEHIND, HEAD, SIDECARS

if TYPE_CHECKING:
    from cleo_core.app import App

#: Seconds for which a file that SQLite cannot open must not change.
AT_REST = 2.0

#: Seconds for which files are held while another one is waited for, and for which they are not.
TURN, PAUSE = 1.0, 0.2

_BLOCK = 1 << 20


@dataclass
class Live:
    """A file that is about to be replaced, or the journals that one has left.

    :ivar held: for this process alone; None where there is no database.
    :ivar sound: whether a verified copy can be made of it.
    """

    planned: Planned
    held: Held | None
    sound: bool


@contextmanager
def held_alone(app: App, items: Sequence[Planned], *, until: float) -> Iterator[list[Live]]:
    """The live files of a plan, each database for this process alone until the end of the block.

    Whether a file is sound is found out without changing it: folding a log in that is none of its
    own would spoil what quarantine is to keep.

    :param until: moment of ``time.monotonic`` up to which other processes are waited for.
    :raises CleoError: ``E_STORE_IN_USE``; then every file is as it was.
    """
    with looking(app):
        sound = [one.is_database and one.present and _is_sound(app, one) for one in items]
    found: list[Live] = []
    try:
        _hold_all(found, items, sound, until)
        _wait_at_rest([one for one in found if one.held and not one.held.connection], until)
        yield found
    finally:
        for live in found:
            if live.held is not None:
                live.held.release()


def _hold_all(
    found: list[Live], items: Sequence[Planned], sound: Sequence[bool], until: float
) -> None:
    """Take all files; where one cannot be had soon, let go of the others and begin anew.

    Who has it open may be waiting for one of those.
    """
    while True:
        moment = min(until, time.monotonic() + TURN)
        try:
            for one, is_sound in zip(items, sound, strict=True):
                if one.is_database and one.present:
                    found.append(_hold(one, is_sound, moment))
                elif one.present:
                    found.append(Live(one, None, sound=_is_acceptable(one)))
                elif one.is_database and _sidecars(one.target):
                    # What a lost database has left may hold the only copy of its last rows.
                    found.append(Live(one, None, sound=False))
            return
        except CleoError as error:
            if error.code != "E_STORE_IN_USE" or time.monotonic() >= until:
                raise
        while found:
            last = found.pop()
            if last.held is not None:
                last.held.release()
        time.sleep(PAUSE)


def quarantine(directory: str, live: Iterable[Live]) -> list[dict[str, str]]:
    """Keep a copy of what no verified copy can be made of, with what lies beside it.

    :returns: ``{name, path}`` of the directories that hold them.
    :raises CleoError: it cannot be written; then nothing is kept.
    """
    stamp = "".join(char for char in clock.now() if char.isalnum())
    made: list[dict[str, str]] = []
    try:
        for one in live:
            if one.sound:
                continue
            base = os.path.join(directory, "quarantine", f"{one.planned.name}.{stamp}")
            kept, number = base, 1
            while os.path.lexists(kept):
                number += 1
                kept = f"{base}-{number}"
            ensure_directory(kept)
            made.append({"name": one.planned.name, "path": kept})
            _keep(one, kept)
            sync_directory(kept)
            sync_directory(os.path.dirname(kept))
    except OSError as error:
        discard(made)
        raise file_error(error, os.path.join(directory, "quarantine")) from error
    except BaseException:
        discard(made)
        raise
    return made


def discard(made: Iterable[dict[str, str]]) -> None:
    """Remove what :func:`quarantine` has just kept: what it is a copy of stays in its place."""
    for one in made:
        shutil.rmtree(one["path"], ignore_errors=True)


def _is_sound(app: App, one: Planned) -> bool:
    try:
        if one.kind == "store":
            assert one.spec is not None
            database, state = app.stores.open(one.spec, write=False)
            if database is None:
                return False
            readable = state.state in (HEAD, BEHIND, AHEAD)
        else:
            examination = app.stores.examining
            assert examination is not None
            database = Examined(one.target, one.name, examination=examination, env=app.env)
            readable = True
        try:
            return (
                readable
                and database.scalar("PRAGMA quick_check(1)") == "ok"
                and database.one("PRAGMA foreign_key_check") is None
            )
        finally:
            database.close()
    except CleoError as error:
        # One that is busy cannot be told to be damaged; whether it can be had shows next.
        return error.code == "E_WRITE_CONTENTION"
    except driver().Error:
        return False


def _is_acceptable(one: Planned) -> bool:
    """Whether a file that is no database is what it ought to be, so that a set can hold it."""
    size = None
    if one.kind == "file" and one.spec is not None:
        size = next(file.size for file in one.spec.files if file.name == one.name)
    try:
        return not file_fault(one.kind, read_bounded(one.target, LARGEST_FILE, follow=False), size)
    except (OSError, ValueError):
        return False


def _hold(one: Planned, sound: bool, until: float) -> Live:
    if sound:
        try:
            return Live(one, hold(one.target, one.name, until=until), sound=True)
        except CleoError as error:
            if error.code != "E_STORE_CORRUPT":
                raise
    return Live(one, hold_unopened(one.target, one.name, until=until), sound=False)


def _wait_at_rest(live: Sequence[Live], until: float) -> None:
    """Where SQLite cannot say whether a file is used, its size and times must stand still."""
    if not live:
        return
    paths = [one.planned.target + suffix for one in live for suffix in ("", *SIDECARS)]
    seen, since = _signatures(paths), time.monotonic()
    while time.monotonic() - since < AT_REST:
        time.sleep(min(0.1, AT_REST))
        now = _signatures(paths)
        if now != seen:
            if time.monotonic() >= until:
                raise in_use(live[0].planned.target, live[0].planned.name)
            seen, since = now, time.monotonic()


def _signatures(paths: Iterable[str]) -> list[tuple[int, int, int] | None]:
    found: list[tuple[int, int, int] | None] = []
    for path in paths:
        try:
            status = os.lstat(path)
        except OSError:
            found.append(None)
        else:
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return found


def _sidecars(path: str) -> list[str]:
    return [path + suffix for suffix in SIDECARS if os.path.lexists(path + suffix)]


def _keep(one: Live, folder: str) -> None:
    target = one.planned.target
    if one.held is not None:
        # Another descriptor of the file would let go of its locks when it is closed.
        descriptor = one.held.descriptor
        os.lseek(descriptor, 0, os.SEEK_SET)
        _write(descriptor, os.path.join(folder, os.path.basename(target)))
    beside = _sidecars(target) if one.planned.is_database else [target]
    for path in beside:
        if os.path.islink(path) or not os.path.isfile(path):
            continue
        source = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            _write(source, os.path.join(folder, os.path.basename(path)))
        finally:
            os.close(source)


def _write(source: int, path: str) -> None:
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        while block := os.read(source, _BLOCK):
            write_all(target, block)
        os.fsync(target)
    finally:
        os.close(target)
