"""The backup sets of one tier: what there is, what is kept, and how the others go."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cleo_core import clock
from cleo_core.paths import atomic_write, check_test_root

MANIFEST = "manifest.json"
FORMAT = 1

#: Beside the manifest, so that pinning a set leaves its hash as it is.
_PIN = "pinned.json"
#: Who fills a set that has no name yet.
_OWNER = ".owner.json"
_DAY = 86400.0
_BLOCK = 1 << 20


class Retention(NamedTuple):
    """How many sets are kept beside the pinned ones and the newest good copy of every store.

    :ivar last: the newest.
    :ivar daily: the newest of each of so many UTC days, the latest that have one.
    :ivar before: the newest that were made before something risky.
    """

    last: int
    daily: int
    before: int


class BackupSet:
    """A set whose manifest can be read.

    :ivar sound: the manifest is of a known format and is as it was written.
    """

    __slots__ = ("manifest", "name", "path", "sequence", "sound")

    def __init__(self, path: str, manifest: Mapping[str, Any]) -> None:
        self.path = path
        self.name = os.path.basename(path)
        self.manifest = manifest
        self.sequence = int(manifest["sequence"])
        self.sound = manifest.get("format") == FORMAT and manifest.get(
            "manifestSha256"
        ) == manifest_hash(manifest)

    @property
    def is_before(self) -> bool:
        """Whether it was made before something risky."""
        return str(self.manifest["reason"]).startswith("before-")

    @property
    def is_pinned(self) -> bool:
        """Whether somebody asked to keep it; also where that cannot be found out."""
        try:
            with open(os.path.join(self.path, _PIN), encoding="utf-8") as file:
                return json.load(file).get("pinned") is not False
        except FileNotFoundError:
            return False
        except (OSError, ValueError, AttributeError):
            return True

    def copies(self) -> dict[str, Mapping[str, Any]]:
        """Store -> its item in the manifest."""
        items = self.manifest["items"]
        return {item["store"]: item for item in items if item["kind"] == "store"}


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """SHA-256 over a manifest without its ``manifestSha256``, as canonical JSON.

    Canonical: keys sorted, no blanks, every character beyond ASCII escaped.
    """
    rest = {key: value for key, value in manifest.items() if key != "manifestSha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read_sets(backups: str) -> list[BackupSet]:
    """The sets of a folder ``backups``, newest first; the order does not go by the clock.

    What is no set or cannot be read is left out.
    """
    found = []
    try:
        names = os.listdir(backups)
    except FileNotFoundError:
        names = []
    for name in names:
        if name.startswith("."):
            continue
        path = os.path.join(backups, name)
        try:
            with open(os.path.join(path, MANIFEST), encoding="utf-8") as file:
                manifest = json.load(file)
        except (OSError, ValueError):
            continue
        if isinstance(manifest, dict) and isinstance(manifest.get("sequence"), int):
            found.append(BackupSet(path, manifest))
    return sorted(found, key=lambda one: (one.sequence, one.name), reverse=True)


def newest_age(backups: str) -> float | None:
    """Seconds since the newest set was made; None where there is none."""
    for one in read_sets(backups):
        if one.sound:
            return clock.seconds() - clock.parse_time(one.manifest["createdAt"])
    return None


def pin(path: str, pinned: bool = True) -> None:
    """Keep a set until it is unpinned.

    :raises CleoError: it cannot be written.
    """
    text = json.dumps({"pinned": pinned}) + "\n"
    atomic_write(os.path.join(path, _PIN), text.encode())


def rotate(backups: str, keep: Retention, fresh: str) -> tuple[list[str], str]:
    """Remove the sets that need not be kept, oldest first, and what killed processes left.

    To be called under the tier's lock ``backups``.

    :param fresh: name of the set that was made just now: it is kept, and its copies are good.
    :returns: names of the sets that are gone, and why the others are still there, or nothing.
    """
    check_test_root(backups)
    removed: list[str] = []
    try:
        _sweep(backups)
        for one in reversed(_superfluous(read_sets(backups), keep, fresh)):
            hidden = os.path.join(backups, f".{one.name}.removed")
            os.rename(one.path, hidden)
            removed.append(one.name)
            shutil.rmtree(hidden, ignore_errors=True)
    except OSError as error:
        return removed, str(error)
    return removed, ""


def sign(partial: str) -> None:
    """Write down whose a hidden directory is."""
    owner = {"pid": os.getpid(), "host": socket.gethostname()}
    with open(os.path.join(partial, _OWNER), "x", encoding="utf-8") as file:
        json.dump(owner, file)


def unsign(partial: str) -> None:
    """Take that back, before the directory gets its name."""
    os.unlink(os.path.join(partial, _OWNER))


def _superfluous(sets: Sequence[BackupSet], keep: Retention, fresh: str) -> list[BackupSet]:
    """The sets that no rule keeps, newest first."""
    # What somebody changed is not removed on the word of its manifest.
    sound = [one for one in sets if one.sound]
    days: dict[str, BackupSet] = {}
    for one in sound:
        days.setdefault(str(one.manifest["createdAt"])[:10], one)
    kept = {
        fresh,
        *(one.name for one in sound[: max(0, keep.last)]),
        *(one.name for one in list(days.values())[: max(0, keep.daily)]),
        *(one.name for one in [one for one in sound if one.is_before][: max(0, keep.before)]),
        *(one.name for one in sound if one.is_pinned),
    }
    for store in {store for one in sound if one.name not in kept for store in one.copies()}:
        for one in sound:
            item = one.copies().get(store)
            if item is not None and (one.name == fresh or _is_good(one.path, item)):
                kept.add(one.name)
                break
    return [one for one in sound if one.name not in kept]


def _is_good(path: str, item: Mapping[str, Any]) -> bool:
    """Whether a copy still is what its manifest says."""
    digest = hashlib.sha256()
    try:
        with open(os.path.join(path, item["file"]), "rb") as file:
            if os.fstat(file.fileno()).st_size != item["bytes"]:
                return False
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError:
        return False
    return digest.hexdigest() == str(item["sha256"])


def _sweep(backups: str) -> None:
    """Remove hidden directories that nobody will give a name."""
    for name in os.listdir(backups):
        path = os.path.join(backups, name)
        if is_left_over(path):
            shutil.rmtree(path, ignore_errors=True)


def is_left_over(path: str) -> bool:
    """Whether a directory in ``backups`` is what a killed process left: no set, and nobody's."""
    name = os.path.basename(path)
    if not name.startswith(".") or os.path.islink(path) or not os.path.isdir(path):
        return False
    return name.endswith(".removed") or (name.endswith(".partial") and _is_dead(path))


def _is_dead(partial: str) -> bool:
    """Whether nothing happened in a hidden directory for a day and its process is gone."""
    try:
        paths = [partial, *(os.path.join(partial, name) for name in os.listdir(partial))]
        touched = max(os.lstat(path).st_mtime for path in paths)
    except OSError:
        # It changes at this moment.
        return False
    if time.time() - touched < _DAY:
        return False
    try:
        with open(os.path.join(partial, _OWNER), encoding="utf-8") as file:
            owner = json.load(file)
        return owner["host"] != socket.gethostname() or not _is_running(int(owner["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        # Killed before it could sign.
        return True


def _is_running(pid: int) -> bool:
    if os.name == "nt":
        # Asking there would end the process; a day has to do.
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
