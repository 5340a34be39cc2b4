"""The backup sets of one tier: what there is, what is kept, and how the others go."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from cleo_core import clock
from cleo_core.errors import CleoError
from cleo_core.hashing import file_sha256, sha256
from cleo_core.locks import host_name
from cleo_core.paths import atomic_write, check_test_root, read_bounded
from cleo_core.paths.files import quoted

MANIFEST = "manifest.json"
#: The word for the newest set.
LATEST = "latest"
#: What a set is called: time, counter, reason.
NAME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-\d{3,}-([a-z0-9-]+)")
FORMAT = 1
#: Bytes that a manifest may have.
LARGEST_MANIFEST = 16 << 20

#: Beside the manifest, so that pinning a set leaves its hash as it is.
PIN = "pinned.json"
#: Who fills a set that has no name yet.
_OWNER = ".owner.json"
_DAY = 86400.0


class Retention(NamedTuple):
    """How many sets are kept beside the pinned ones and the newest good copy of every store.

    :ivar last: the newest.
    :ivar daily: the newest of each of so many UTC days, the latest that have one.
    :ivar before: the newest that were made before something risky.
    """

    last: int
    daily: int
    before: int

    @classmethod
    def configured(cls, get: Callable[[str], Any]) -> Retention:
        """What the settings say, asked for by key."""
        return cls(*(int(get(f"backup.keep_{field}")) for field in cls._fields))


class BackupSet:
    """A set; with nothing for a manifest, one whose manifest cannot be read.

    :ivar sound: the manifest is of a known format and is as it was written.
    :ivar items: what it holds; nothing where the manifest's format is not known.
    """

    __slots__ = ("items", "manifest", "name", "path", "sequence", "sound")

    def __init__(self, path: str, manifest: Mapping[str, Any]) -> None:
        self.path = path
        self.name = os.path.basename(path)
        self.manifest = manifest
        self.sequence = int(manifest.get("sequence", 0))
        well_formed = _is_well_formed(manifest)
        self.sound = well_formed and manifest.get("manifestSha256") == manifest_hash(manifest)
        self.items: Sequence[Mapping[str, Any]] = manifest["items"] if well_formed else ()

    @property
    def is_whole(self) -> bool:
        """Whether it was made of all that its tier has to keep, not of the stores concerned."""
        return self.sound and self.manifest.get("whole") is True

    @property
    def is_before(self) -> bool:
        """Whether it was made before something risky."""
        return str(self.manifest["reason"]).startswith("before-")

    @property
    def is_pinned(self) -> bool:
        """Whether somebody asked to keep it; also where that cannot be found out."""
        try:
            content = json.loads(read_bounded(os.path.join(self.path, PIN), LARGEST_MANIFEST))
            return content.get("pinned") is not False
        except FileNotFoundError:
            return False
        except (OSError, ValueError, AttributeError, RecursionError):
            return True

    @property
    def owner(self) -> tuple[str, str]:
        """Tier and project id, of which others may have left a set in the same folder."""
        project = self.manifest.get("project")
        id_ = project.get("id") if isinstance(project, Mapping) else None
        tier = str(self.manifest.get("tier"))
        return tier, str(id_ or "") if tier == "project" else ""

    def copies(self) -> dict[str, Mapping[str, Any]]:
        """Store -> its item in the manifest."""
        return {item["store"]: item for item in self.items if item["kind"] == "store"}

    def by_key(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        """Kind and name -> the item in the manifest."""
        return {(item["kind"], item["name"]): item for item in self.items}


def _is_well_formed(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest has the shape that all who read it rely on."""
    texts = ("setId", "tier", "reason", "note", "createdAt")
    items = manifest.get("items")
    if manifest.get("format") != FORMAT:
        return False
    if not all(isinstance(manifest.get(name), str) for name in texts):
        return False
    if not isinstance(items, list) or not all(map(_is_item, items)):
        return False
    try:
        clock.parse_time(manifest["createdAt"])
    except ValueError:
        return False
    failed = manifest.get("failed", [])
    if not isinstance(failed, list) or not all(map(_is_failure, failed)):
        return False
    files = {item["file"].casefold() for item in items}
    keys = {(item["kind"], item["name"]) for item in items}
    return len(files) == len(keys) == len(items) and not files & {MANIFEST, PIN}


def _is_failure(failure: object) -> bool:
    texts = ("name", "message")
    return isinstance(failure, dict) and all(isinstance(failure.get(key), str) for key in texts)


def _is_item(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    texts = ("name", "kind", "file", "sha256")
    if not all(isinstance(item.get(name), str) for name in texts):
        return False
    if not is_number(item.get("bytes")) or not isinstance(item.get("store", ""), str):
        return False
    counts = item.get("rowCounts", {})
    if not isinstance(counts, dict) or not all(map(is_number, counts.values())):
        return False
    if type(item.get("applicationId", 0)) is not int or (
        "revision" in item and "store" not in item
    ):
        return False
    file = item["file"]
    # Never a path: it is joined to the set's, and to others.
    plain = file not in ("", ".", "..") and not set(file) & set("/\\\0")
    return plain and (item["kind"] != "store" or "store" in item)


def is_number(value: object) -> bool:
    """Whether something from a manifest is a number of bytes, rows or sets that there can be."""
    return type(value) is int and 0 <= value < 1 << 62


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """SHA-256 over a manifest without its ``manifestSha256``, as canonical JSON.

    Canonical: keys sorted, no blanks, every character beyond ASCII escaped.
    """
    rest = {key: value for key, value in manifest.items() if key != "manifestSha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode())


def read_sets(backups: str) -> list[BackupSet]:
    """The sets of a folder ``backups``, newest first; the order does not go by the clock.

    What is no set or cannot be read is left out.

    :raises CleoError: ``E_TEST_ROOT``; ``E_IO``, it is no directory.
    """
    check_test_root(backups)
    found = []
    try:
        names = os.listdir(backups)
    except FileNotFoundError:
        names = []
    except NotADirectoryError:
        raise CleoError(
            "E_IO",
            f"{backups} is no directory, so that no backup set can be kept there.",
            fix=f"mv {quoted(backups)} {quoted(backups + '.old')}",
        ) from None
    for name in names:
        if not name.startswith("."):
            one = read_set(os.path.join(backups, name))
            if one is not None:
                found.append(one)
    return sorted(found, key=lambda one: (one.sequence, one.name), reverse=True)


def read_set(path: str) -> BackupSet | None:
    """The set in a directory; None where its manifest cannot be read."""
    try:
        return load_set(path)
    except (OSError, ValueError):
        return None


def load_set(path: str) -> BackupSet:
    """The set in a directory.

    :raises OSError: the manifest cannot be read.
    :raises ValueError: it is no manifest.
    """
    try:
        content = json.loads(
            read_bounded(os.path.join(path, MANIFEST), LARGEST_MANIFEST, follow=False)
        )
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(content, dict) or not is_number(content.get("sequence")):
        raise ValueError("it is no manifest")
    return BackupSet(path, content)


def unreadable_sets(backups: str, sets: Sequence[BackupSet]) -> list[str]:
    """Names in a folder ``backups`` that are those of sets and none of theirs, newest first."""
    known = {one.name for one in sets}
    try:
        names = os.listdir(backups)
    except OSError:
        return []
    return sorted(
        (name for name in names if name not in known and NAME.fullmatch(name)), reverse=True
    )


def newest_age(backups: str, stores: Collection[str] = ()) -> float | None:
    """Seconds since the newest set was made that holds some stores; None where there is none."""
    for one in read_sets(backups):
        if one.sound and one.copies().keys() >= set(stores):
            return clock.seconds() - clock.parse_time(one.manifest["createdAt"])
    return None


def pin(path: str, pinned: bool = True) -> None:
    """Keep a set until it is unpinned.

    :raises CleoError: it cannot be written.
    """
    text = json.dumps({"pinned": pinned}) + "\n"
    atomic_write(os.path.join(path, PIN), text.encode())


def rotate(backups: str, keep: Retention, fresh: str = "") -> tuple[list[str], str]:
    """Remove the sets that need not be kept, oldest first, and what killed processes left.

    To be called under the tier's lock ``backups``.

    :param fresh: name of the set that was made just now: it is kept, and its copies are good.
    :returns: names of the sets that are gone, and why the others are still there, or nothing.
    """
    removed: list[str] = []
    try:
        _sweep(backups)
        for one in reversed(superfluous(read_sets(backups), keep, fresh)):
            remove(one.path)
            removed.append(one.name)
    except OSError as error:
        return removed, str(error)
    return removed, ""


def warn_not_removed(warn: Callable[[str, str], None], why: str) -> None:
    """Say that older sets are still there; nothing where there is no reason."""
    if why:
        warn("W_BACKUP_NOT_REMOVED", f"Old backup sets were not removed: {why}")


def remove(path: str) -> None:
    """Remove a set: it is gone at once, under its name, whatever happens to what it holds.

    To be called under the tier's lock ``backups``.

    :raises OSError: it is still there.
    """
    check_test_root(path)
    folder, name = os.path.split(path)
    hidden = os.path.join(folder, f".{name}.removed")
    if os.path.islink(path):
        # What it leads to was not made here.
        os.unlink(path)
        return
    os.rename(path, hidden)
    shutil.rmtree(hidden, ignore_errors=True)


def sign(partial: str) -> None:
    """Write down whose a hidden directory is."""
    owner = {"pid": os.getpid(), "host": host_name()}
    with open(os.path.join(partial, _OWNER), "x", encoding="utf-8") as file:
        json.dump(owner, file)


def unsign(partial: str) -> None:
    """Take that back, before the directory gets its name."""
    os.unlink(os.path.join(partial, _OWNER))


def superfluous(sets: Sequence[BackupSet], keep: Retention, fresh: str = "") -> list[BackupSet]:
    """The sets that no rule keeps, newest first.

    :param sets: newest first.
    :param fresh: name of the one whose copies need not be looked at.
    """
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
    wanted = {(one.owner, key) for one in sound if one.name not in kept for key in one.by_key()}
    for owner, key in wanted:
        for one in sound:
            item = one.by_key().get(key) if one.owner == owner else None
            if item is not None and (one.name == fresh or is_good(one.path, item)):
                kept.add(one.name)
                break
    return [one for one in sound if one.name not in kept]


def is_good(path: str, item: Mapping[str, Any]) -> bool:
    """Whether the copy in a set at a path still is what its manifest says."""
    return not changed(path, item)


def changed(path: str, item: Mapping[str, Any]) -> str:
    """What distinguishes a copy from what the manifest says of it, in words; nothing if nothing."""
    # Without O_NONBLOCK a named pipe in its place would be waited for.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(os.path.join(path, item["file"]), flags | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb", buffering=0) as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return "it is no regular file"
            if status.st_size != item["bytes"]:
                return f"it has {status.st_size} bytes instead of {item['bytes']}"
            digest = file_sha256(file)[1]
    except FileNotFoundError:
        return "it is not there"
    except (OSError, ValueError) as error:
        return f"it cannot be read ({getattr(error, 'strerror', None) or error})"
    same = digest == item["sha256"]
    return "" if same else "its SHA-256 is not that of the manifest"


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
        owner = json.loads(read_bounded(os.path.join(partial, _OWNER), LARGEST_MANIFEST))
        return owner["host"] != host_name() or not _is_running(int(owner["pid"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
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
