"""What a tier has to keep: stores, declared files, marker, settings, databases of nobody."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

from cleo_core.api import FileSpec, StoreSpec
from cleo_core.backup_sets import MANIFEST, PIN
from cleo_core.database import header
from cleo_core.errors import CleoError
from cleo_core.hashing import sha256
from cleo_core.paths import MARKER, SETTINGS, config_dir, read_bounded, tier_directory
from cleo_core.states import ABSENT, DATABASES, SIDECARS, probe

if TYPE_CHECKING:
    from cleo_core.api.specs import Tier
    from cleo_core.stores import Stores

#: Bytes that a file may have which is no database.
LARGEST_FILE = 64 << 20
_FINGERPRINTED = b"cleo/fp\x00"


class Item(NamedTuple):
    """One thing to keep.

    :ivar kind: ``store``, ``file`` (a declared one), ``marker``, ``config`` or ``database`` (one of
        ``.cleo`` that no installed plugin owns).
    :ivar name: the store's, else the file's.
    :ivar path: where it lies.
    :ivar file: its name in a set, which no other item there has.
    :ivar spec: of the store; of a declared file, the store whose plugin owns it.
    :ivar declared: of a declared file.
    :ivar problem: why it cannot be copied, where that is known beforehand.
    """

    kind: str
    name: str
    path: str
    file: str
    spec: StoreSpec | None = None
    declared: FileSpec | None = None
    problem: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Kind and name, by which it is found in other sets."""
        return self.kind, self.name

    @property
    def is_database(self) -> bool:
        """Whether it is copied through SQLite."""
        return self.kind in DATABASES


class Inventory(NamedTuple):
    """What a tier has to keep at this moment.

    :ivar directory: the tier's.
    :ivar items: in lock order, what is pointed at before what points.
    :ivar elsewhere: names of the stores that a plugin keeps in another place than their file, of
        which no copy can be made.
    """

    tier: str
    directory: str
    items: tuple[Item, ...]
    elsewhere: tuple[str, ...] = ()


def store_item(spec: StoreSpec, path: str, problem: str = "") -> Item:
    """A store whose file is at a path."""
    return Item("store", spec.name, path, spec.file, spec, problem=problem)


def inventory(stores: Stores, tier: Tier) -> Inventory:
    """Find out what a tier has to keep. No store is opened, and what is not there is left out.

    :raises CleoError: ``E_NOT_INITIALIZED``, the project tier without a project; ``E_NO_HOME``.
    """
    directory = tier_directory(tier, stores.project, stores.env)
    found: list[Item] = []
    if tier == "project":
        found.append(Item("marker", MARKER, os.path.join(directory, MARKER), MARKER))
    settings = directory if tier == "project" else config_dir(stores.env)
    found.append(Item("config", SETTINGS, os.path.join(settings, SETTINGS), SETTINGS))
    found += _declared(stores, tier, directory)
    kept_elsewhere: list[str] = []
    for spec in stores.plugins.stores.values():
        if spec.tier != tier or spec.backup != "include":
            continue
        path, problem = os.path.join(directory, spec.file), ""
        try:
            elsewhere = stores.elsewhere(spec) is not None
        except Exception as error:
            # Whatever the plugin does wrong costs its own store the copy, and no other.
            elsewhere, problem = False, f"its plugin cannot say where it is kept: {error}"
        if elsewhere:
            kept_elsewhere.append(spec.name)
        elif problem or not _is_absent(spec, path):
            found.append(store_item(spec, path, problem))
    there = [one for one in found if one.is_database or os.path.lexists(one.path)]
    if tier == "project":
        # What nobody owns has no place in the lock order.
        there += _unowned(stores, directory)
    return Inventory(tier, directory, tuple(_named(there)), tuple(kept_elsewhere))


def machine_fingerprint(stores: Stores) -> str | None:
    """The first 16 hex digits of SHA-256 over ``cleo/fp``, a zero byte and the declared file.

    :returns: None where no plugin declares such a file, or it cannot be read.
    """
    for spec in stores.plugins.stores.values():
        for declared in spec.files:
            if not declared.fingerprint:
                continue
            try:
                directory = tier_directory(declared.tier, stores.project, stores.env)
                path = os.path.join(directory, declared.name)
                content = read_bounded(path, LARGEST_FILE, follow=False)
            except (CleoError, OSError, ValueError):
                # There is no such directory, or file, or it is none; that is found where it is
                # needed, and costs no copy.
                continue
            return sha256(_FINGERPRINTED + content)[:16]
    return None


def _is_absent(spec: StoreSpec, path: str) -> bool:
    found = probe(spec, path)
    return found is not None and found.state == ABSENT


def _declared(stores: Stores, tier: str, directory: str) -> Iterator[Item]:
    for spec in stores.plugins.stores.values():
        for declared in spec.files:
            if declared.tier == tier and declared.backup == "include":
                name = declared.name
                yield Item("file", name, os.path.join(directory, name), name, spec, declared)


def _unowned(stores: Stores, directory: str) -> Iterator[Item]:
    specs = stores.plugins.stores.values()
    owned = {spec.file for spec in specs if spec.tier == "project"}
    owned |= {file.name for spec in specs for file in spec.files if file.tier == "project"}
    # What is never to be backed up is not because it lies in the wrong place.
    excluded = {spec.file for spec in specs if spec.backup == "exclude"}
    excluded_ids = {spec.application_id for spec in specs if spec.backup == "exclude"}
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        names = []
    for name in names:
        path = os.path.join(directory, name)
        if name.startswith(".") or name in owned | excluded or os.path.islink(path):
            continue
        try:
            application_id = header(path)[1]
        except OSError:
            # No file, or one that may not be read and so cannot be told to be a database.
            continue
        if application_id is not None and application_id not in excluded_ids:
            yield Item("database", name, path, name)


def _named(items: Collection[Item]) -> Iterator[Item]:
    """The same items under file names that are their own, also where case is folded."""
    taken = {MANIFEST, PIN}
    for item in items:
        name = item.file
        if name.startswith(".") or name.endswith(SIDECARS):
            # Beside a database of that name it would be taken for its log.
            name = f"{item.kind}{'' if name.startswith('.') else '-'}{name}.kept"
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{item.kind}-{number}-{item.file.lstrip('.')}"
        taken.add(name.casefold())
        yield item._replace(file=name)
