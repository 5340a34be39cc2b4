"""Whether what sets hold still is what was copied, and whether they hold all that there is."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_core.backup.copying import damage
from cleo_core.backup.files import file_fault
from cleo_core.backup_sets import MANIFEST, PIN, BackupSet, changed
from cleo_core.database import driver, header, sqlite_version, translate
from cleo_core.database.opening import TRUSTED_SCHEMA_SINCE
from cleo_core.database.unshared import connect_at_rest
from cleo_core.errors import CleoError
from cleo_core.migrate.sql import identifier
from cleo_core.paths import check_test_root, read_bounded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cleo_core.api import StoreSpec
    from cleo_core.backup.inventory import Inventory, Item
    from cleo_core.stores import Stores


class Verdict(NamedTuple):
    """What was found of one item of a set.

    :ivar item: its name; that of the manifest's file for the manifest itself, and a file's for one
        that the manifest does not list.
    :ivar error: what is wrong, as a sentence about it; empty where nothing is.
    """

    kind: str
    item: str
    error: str = ""


def verify_set(
    one: BackupSet,
    stores: Stores,
    *,
    deep: bool = False,
    content: bool = True,
    only: Container[tuple[str, str]] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Verdict]:
    """Look at everything in a set; no byte of it changes.

    The manifest's hash, each file's size and SHA-256, and of databases the application id, SQLite's
    own check, foreign keys, revision and row counts. What is in the directory and not in the
    manifest is a fault too.

    :param deep: ``integrity_check`` instead of ``quick_check``.
    :param content: False leaves it at sizes and hashes.
    :param only: kind and name of the items to look at, by default all and what is not listed.
    :param progress: called with (what, items looked at, items in all).
    :returns: a verdict on the manifest and on each item.
    """
    check_test_root(one.path)
    if not one.sound:
        words = "it is not as it was written, so that nothing it says can be relied on"
        return [Verdict("manifest", MANIFEST, words)]
    found = [Verdict("manifest", MANIFEST)]
    items = [item for item in one.items if only is None or (item["kind"], item["name"]) in only]
    for number, item in enumerate(items, 1):
        error = changed(one.path, item)
        if not error and content:
            error = _content_fault(os.path.join(one.path, item["file"]), item, stores, deep)
        found.append(Verdict(item["kind"], item["name"], error))
        if progress is not None:
            progress(f"verifying {one.name}", number, len(items))
    if only is not None:
        return found
    listed = {MANIFEST, PIN, *(item["file"] for item in one.items)}
    try:
        names = sorted(os.listdir(one.path))
    except OSError:
        # It went meanwhile, which every item's verdict says.
        names = []
    for name in names:
        if name not in listed and not name.startswith("."):
            found.append(Verdict("stray", name, "it is in the directory and not in the manifest"))
    return found


def not_in(one: BackupSet, known: Inventory) -> list[Item]:
    """What there is to keep now and is not in a set."""
    there = one.by_key()
    return [item for item in known.items if item.key not in there]


def uncovered(sets: Sequence[BackupSet], known: Inventory) -> list[Item]:
    """What there is to keep now and is neither in the newest whole set nor in a later one.

    :param sets: of the inventory's tier, newest first.
    """
    there: set[tuple[str, str]] = set()
    for one in sets:
        if one.sound:
            there |= one.by_key().keys()
        if one.is_whole:
            break
    return [item for item in known.items if item.key not in there]


def newest_whole(sets: Sequence[BackupSet]) -> BackupSet | None:
    """The newest set that was made of all that there was to keep."""
    return next((one for one in sets if one.is_whole), None)


def _content_fault(path: str, item: Mapping[str, Any], stores: Stores, deep: bool) -> str:
    """Why a file cannot be what the manifest calls it, though it is as it was written."""
    spec = stores.plugins.stores.get(item.get("store", ""))
    try:
        if item["kind"] in ("store", "database"):
            return _database_fault(path, item, spec, stores, deep)
        sizes = {file.name: file.size for file in spec.files} if spec else {}
        limit = int(item["bytes"])
        return file_fault(item["kind"], read_bounded(path, limit), sizes.get(item["name"]))
    except (CleoError, OSError, ValueError, driver().Error) as error:
        return str(translate(error, item["name"], path)).rstrip(".")


def _database_fault(
    path: str, item: Mapping[str, Any], spec: StoreSpec | None, stores: Stores, deep: bool
) -> str:
    application_id = header(path)[1]
    if application_id is None:
        return "it is no SQLite database"
    wanted = spec.application_id if spec is not None else item.get("applicationId")
    if application_id != wanted or application_id != item.get("applicationId"):
        return f"its application id is {application_id:#010x}, not {wanted:#010x}"
    connection = connect_at_rest(path)
    try:
        if sqlite_version() >= TRUSTED_SCHEMA_SINCE:
            # The set may have come from anywhere.
            connection.execute("PRAGMA trusted_schema = OFF")
        owned = spec is not None and _is_fitted_out(stores, spec, connection)
        return damage(connection, deep=deep, owned=owned) or _difference(connection, item, owned)
    finally:
        connection.close()


def _is_fitted_out(stores: Stores, spec: StoreSpec, connection: Any) -> bool:
    """Whether what the store's CHECKs call could be loaded."""
    try:
        stores.fit_out(spec, connection)
    except Exception:
        # Whatever the plugin does wrong is no fault of the copy: it is looked at without CHECKs.
        return False
    return True


def _difference(connection: Any, item: Mapping[str, Any], owned: bool) -> str:
    if "revision" in item:
        table = identifier(f"alembic_version_{item['store']}")
        rows = connection.execute(f"SELECT version_num FROM {table} LIMIT 2").fetchall()
        if rows != [(item["revision"],)]:
            return f"it is not at revision {item['revision']}"
    for table, count in (item.get("rowCounts") or {}).items():
        try:
            found = connection.execute(f"SELECT count(*) FROM {identifier(table)}").fetchone()[0]
        except driver().Error as error:
            if not owned and "no such module" in str(error):
                # A virtual table of a plugin that is not installed cannot be counted.
                continue
            raise
        if found != count:
            return f"its table {table} has {found} rows instead of {count}"
    return ""
