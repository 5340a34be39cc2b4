"""A restore that is decided: its record, and how it is carried out to its end.

A restore writes ``locks/restore.json`` once every new file lies beside the one that it replaces.
From that moment on it has happened: whoever opens a store next and finds the restorer dead swaps
the files that are left.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from cleo_core import clock
from cleo_core.database.opening import busy_timeout
from cleo_core.database.unshared import Held, hold, hold_unopened
from cleo_core.errors import CleoError
from cleo_core.hashing import path_sha256
from cleo_core.locks import locked
from cleo_core.paths import append_override, atomic_write, config_dir, file_error, read_bounded
from cleo_core.paths.files import quoted, sync_directory
from cleo_core.paths.homes import check_test_root
from cleo_core.states import DATABASES, SIDECARS

FORMAT = 1
_KINDS = (*DATABASES, "file", "marker", "config")
#: Name of the lock in a tier directory that a restore holds from its beginning to its end.
LOCK = "restore"

_LONGEST = 1 << 20


@dataclass(frozen=True)
class Replacement:
    """One file that a restore puts in the place of another.

    :param kind: store, database, file, marker or config.
    :param file: its name, in the tier directory or, for a global configuration, in that one.
    :param temporary: the name of the new file beside it.
    :param inode: of the new file, which keeps it when it gets its name.
    """

    name: str
    kind: str
    file: str
    temporary: str
    sha256: str
    inode: int


@dataclass(frozen=True)
class Record:
    """What ``locks/restore.json`` says.

    :param tier: of the directory that it lies in.
    :param source: the set that is restored; None for what has no lasting place.
    :param safety_set: what was replaced, as far as it could be copied; None where nothing was.
    """

    tier: str
    source: str | None
    safety_set: str | None
    items: tuple[Replacement, ...]


def record_path(directory: str) -> str:
    """Where a tier directory's record is, or would be."""
    return os.path.join(directory, "locks", "restore.json")


def temporary_name(file: str) -> str:
    """A dotted name for the new file beside a file."""
    return f".{file}.{os.urandom(6).hex()}.tmp"


def write_record(directory: str, record: Record) -> None:
    """Decide: from now on the restore is carried out, whatever happens to its process.

    :raises CleoError: it cannot be written; then nothing is decided.
    """
    data = {
        "format": FORMAT,
        "tier": record.tier,
        "source": record.source,
        "safetySet": record.safety_set,
        "decidedAt": clock.now(),
        "items": [asdict(one) for one in record.items],
    }
    atomic_write(record_path(directory), json.dumps(data, indent=1).encode())


def remove_record(directory: str) -> None:
    """Note that the restore is at its end."""
    path = record_path(directory)
    check_test_root(path)
    try:
        os.unlink(path)
        sync_directory(os.path.dirname(path))
    except OSError as error:
        raise file_error(error, path) from error


def read_record(directory: str) -> Record:
    """The record of a tier directory.

    :raises FileNotFoundError: there is none.
    :raises CleoError: ``E_RESTORE_PENDING``, it cannot be read.
    """
    path = record_path(directory)
    try:
        data = json.loads(read_bounded(path, _LONGEST, follow=False))
        if data["format"] != FORMAT:
            raise ValueError(f"its format is {data['format']!r}")
        items = tuple(Replacement(**one) for one in data["items"])
        for one in items:
            _check_names(one)
        sets = (data["source"], data["safetySet"])
        if not all(one is None or isinstance(one, str) for one in sets):
            raise ValueError("it names sets that are no paths")
        if data["tier"] not in ("project", "global"):
            raise ValueError("it names no tier")
        return Record(data["tier"], *sets, items)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CleoError(
            "E_RESTORE_PENDING",
            f"{path} says that a restore was interrupted, and cannot be read: {error}.",
            fix="cleo doctor --only restore.pending --fix",
            details={"path": path},
        ) from error


def finish(
    directory: str,
    env: Mapping[str, str],
    *,
    wait: bool = True,
    warn: Callable[[str, str], None] = lambda code, message: None,
) -> bool:
    """Wait for a restore that is under way; carry out what a dead one has left.

    :param wait: False refuses instead of waiting or changing anything.
    :returns: whether this process carried something out.
    :raises CleoError: ``E_RESTORE_PENDING``, it cannot be carried out, or is not waited for;
        ``E_LOCK_TIMEOUT``, the restorer lives and takes its time; ``E_STORE_IN_USE``.
    """
    if not wait:
        raise CleoError(
            "E_RESTORE_PENDING",
            f"A restore in {directory} was interrupted or is under way.",
            fix="cleo doctor --only restore.pending --fix",
            details={"path": record_path(directory)},
        )
    with locked(directory, LOCK):
        try:
            record = read_record(directory)
        except FileNotFoundError:
            return False
        files = carry_out(directory, record, env)
        append_override(
            directory,
            "restore-finished",
            {"source": record.source, "safetySet": record.safety_set, "files": files},
        )
        remove_record(directory)
    warn(
        "W_RESTORE_FINISHED",
        f"A restore was interrupted and has now been carried out: {', '.join(files)}.",
    )
    return True


def carry_out(directory: str, record: Record, env: Mapping[str, str]) -> list[str]:
    """Swap the files of a record that are not swapped yet, under the lock ``restore``.

    :returns: the names of all files of the record.
    :raises CleoError: ``E_RESTORE_PENDING``, a new file is missing or is another one: then none is
        swapped; ``E_STORE_IN_USE``.
    """
    left = [one for one in record.items if not is_swapped(directory, record.tier, one, env)]
    for one in left:
        folder = folder_of(directory, record.tier, one.kind, env)
        _require_temporary(os.path.join(folder, one.temporary), one, directory, record)
    with _held(directory, record.tier, left, env):
        for one in left:
            swap(folder_of(directory, record.tier, one.kind, env), one)
    return [one.file for one in record.items]


def swap(folder: str, one: Replacement) -> None:
    """Put the new file in its place.

    :raises CleoError: the operating system refuses.
    """
    target = os.path.join(folder, one.file)
    check_test_root(target)
    try:
        # A log beside a database that is not its own is replayed into it, so it goes first.
        if one.kind in DATABASES and _remove_sidecars(target):
            sync_directory(folder)
        os.replace(os.path.join(folder, one.temporary), target)
        sync_directory(folder)
    except OSError as error:
        raise file_error(error, target) from error


def is_swapped(directory: str, tier: str, one: Replacement, env: Mapping[str, str]) -> bool:
    """Whether a file of a record has its name; it may have been written to since."""
    folder = folder_of(directory, tier, one.kind, env)
    if os.path.lexists(os.path.join(folder, one.temporary)):
        return False
    target = os.path.join(folder, one.file)
    if one.kind not in DATABASES:
        # Settings are written by giving a new file their name.
        return os.path.isfile(target)
    try:
        return os.lstat(target).st_ino == one.inode or path_sha256(target) == one.sha256
    except OSError:
        return False


def folder_of(directory: str, tier: str, kind: str, env: Mapping[str, str]) -> str:
    """Where files of a kind live: the global configuration has a directory of its own."""
    return config_dir(env) if (tier, kind) == ("global", "config") else directory


def way_out(record: Record) -> str:
    """The command that helps where a record cannot be carried out."""
    for path in (record.safety_set, record.source):
        if path is not None and os.path.isdir(path):
            tier = " --global" if record.tier == "global" else ""
            return f"cleo restore {quoted(path)}{tier} --yes"
    return "cleo doctor --only restore.pending --fix"


def pending_names(directory: str) -> list[str]:
    """The new files that a restore which was interrupted waits with."""
    try:
        return [one.temporary for one in read_record(directory).items]
    except (FileNotFoundError, CleoError):
        return []


def remove_temporaries(directory: str, record: Record, env: Mapping[str, str]) -> None:
    """Remove the new files of a restore that is given up."""
    for one in record.items:
        path = os.path.join(folder_of(directory, record.tier, one.kind, env), one.temporary)
        check_test_root(path)
        if os.path.lexists(path):
            os.unlink(path)


def _check_names(one: Replacement) -> None:
    """Refuse what would reach beyond the directory: the record may have come with a clone."""
    texts = (one.name, one.kind, one.file, one.temporary, one.sha256)
    if not all(isinstance(text, str) for text in texts) or type(one.inode) is not int:
        raise ValueError("it describes no file")
    if one.kind not in _KINDS:
        raise ValueError("it names no kind of file")
    for name in (one.file, one.temporary):
        # What the operating system cannot take as a name, UnicodeEncodeError included.
        if os.path.basename(name) != name or name in ("", ".", "..") or b"\0" in os.fsencode(name):
            raise ValueError("it names no file")
    if not (one.temporary.startswith(f".{one.file}.") and one.temporary.endswith(".tmp")):
        raise ValueError(f"{one.temporary} is no temporary of {one.file}")


def _require_temporary(path: str, one: Replacement, directory: str, record: Record) -> None:
    target = os.path.join(os.path.dirname(path), one.file)
    try:
        words = "is not what was to be restored"
        if not os.path.islink(path) and path_sha256(path) == one.sha256:
            if not os.path.isdir(target):
                return
            words = "would replace a directory"
    except OSError as error:
        words = f"cannot be read ({error.strerror})"
    raise CleoError(
        "E_RESTORE_PENDING",
        f"A restore was interrupted and cannot be carried out: {path} {words}. "
        f"{target} is as it was.",
        fix=way_out(record),
        details={
            "record": record_path(directory),
            "path": path,
            "safetySet": record.safety_set,
            "source": record.source,
        },
    )


@contextmanager
def _held(
    directory: str, tier: str, items: Sequence[Replacement], env: Mapping[str, str]
) -> Iterator[None]:
    """The databases that are about to be replaced, for this process alone."""
    held: list[Held] = []
    until = time.monotonic() + busy_timeout("normal", env)
    try:
        for one in items:
            path = os.path.join(folder_of(directory, tier, one.kind, env), one.file)
            if one.kind in DATABASES and os.path.exists(path):
                held.append(_hold_either(path, one.name, until))
        yield
    finally:
        for one_held in held:
            one_held.release(replaced=True)


def _hold_either(path: str, name: str, until: float) -> Held:
    try:
        return hold(path, name, until=until)
    except CleoError as error:
        if error.code != "E_STORE_CORRUPT":
            raise
        return hold_unopened(path, name, until=until)


def _remove_sidecars(path: str) -> bool:
    removed = False
    for suffix in SIDECARS:
        try:
            os.unlink(path + suffix)
            removed = True
        except FileNotFoundError:
            continue
    return removed
