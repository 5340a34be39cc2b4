"""The chains that there are: those in the store, and those that come with the plugin."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import NotFoundError, UsageError, echoed
from cleo_nexus.definitions import canonical, validate
from cleo_nexus.definitions.packaged import IDS, packaged
from cleo_nexus.definitions.parsing import CHAIN_ID
from cleo_nexus.definitions.text import stored
from cleo_nexus.enums import INSTANCE_STATUS
from cleo_nexus.records.chains import Chain
from cleo_nexus.store import chains

if TYPE_CHECKING:
    from cleo_core.database import Backend, Row
    from cleo_nexus.service.work import Work


#: Fields of a chain that is shown which stand in the shape of its definition.
_SHAPE = ("stages", "links", "entryPoint", "exitPoints")
#: Fields of it that are no part of its definition.
_BESIDE = ("tessera", "packaged", "validation", "instances")
#: Fields that a definition need not have, and a chain that is shown has.
_OPTIONAL = ("description", "metadata", "variables")


@record
class Shelved(Declared):
    """A chain that can be used.

    :ivar definition: its JSON, placeholders and all.
    :ivar packaged: whether it is one that comes with the plugin, as it came.
    :ivar stored: whether the store has it.
    """

    id: str
    version: str
    definition: dict[str, Any]
    sha256: str
    tessera: str | None
    packaged: bool
    stored: bool

    def row(self, actor: str, now: str) -> dict[str, Any]:
        """The columns of it in the store."""
        return {
            "id": self.id,
            "version": self.version,
            "name": self.definition["name"],
            "description": self.definition.get("description"),
            "definition": stored(self.definition),
            "sha256": self.sha256,
            "actor": actor,
            "now": now,
        }


def shelved(definition: dict[str, Any]) -> Shelved:
    """A valid definition that the store does not have."""
    sha256 = hashlib.sha256(canonical(definition).encode()).hexdigest()
    id_ = definition["id"]
    return Shelved(
        id_,
        definition["version"],
        definition,
        sha256,
        tessera=None,
        packaged=id_ in IDS and sha256 == _packaged_sha256(id_),
        stored=False,
    )


def find(db: Backend, chain_id: Any) -> Shelved | None:
    """A chain by its id, stored or packaged; None if there is none.

    :raises UsageError: what is given is no text.
    """
    if not isinstance(chain_id, str):
        raise UsageError("A chain is named by its id.", fix="cleo chain list")
    if not CHAIN_ID.match(chain_id):
        return None
    row = chains.by_id(db, chain_id)
    if row is not None:
        return _of(row)
    definition = packaged(chain_id)
    return None if definition is None else shelved(definition)


def look(db: Backend, chain_id: Any) -> Shelved:
    """A chain by its id; nothing is stored.

    :raises NotFoundError: 4, there is none.
    """
    found = find(db, chain_id)
    if found is None:
        raise NotFoundError(f"There is no chain {echoed(chain_id)}.", fix="cleo chain list")
    return found


def take(work: Work, chain_id: Any) -> Shelved:
    """A chain by its id, for use: a packaged one is stored when it is first used.

    :raises NotFoundError: 4, there is none.
    """
    found = look(work, chain_id)
    if not found.stored:
        chains.add(work, found.row(work.actor, work.now))
    return found


def every(db: Backend, *, templates: bool = False, category: str | None = None) -> list[str]:
    """The ids of all chains, or of those that have variables or a stage of a category."""
    found = set(chains.matching(db, templates=templates, category=category))
    held = set(chains.ids(db))
    for id_ in IDS:
        definition = packaged(id_)
        if definition is None or id_ in held or (templates and not definition.get("variables")):
            continue
        stages = definition["shape"]["stages"]
        if category is None or any(stage["category"] == category for stage in stages):
            found.add(id_)
    return sorted(found)


def shown(db: Backend, ids: Iterable[str]) -> list[Chain]:
    """Chains by their ids as they are shown, in the order of the ids; unknown ones are left out."""
    wanted = list(ids)
    rows = {row["id"]: _of(row) for row in chains.by_ids(db, wanted)}
    counts = chains.instances(db, wanted)
    found = []
    for id_ in wanted:
        one = rows.get(id_)
        if one is None:
            definition = packaged(id_)
            one = None if definition is None else shelved(definition)
        if one is not None:
            found.append(as_record(one, counts.get(id_, {})))
    return found


def as_record(one: Shelved, counts: dict[str, int]) -> Chain:
    """A chain as it is shown."""
    definition = one.definition
    # A row that something else wrote is shown with what is wrong with it.
    shape = definition.get("shape") or {}
    return Chain(
        id=one.id,
        version=one.version,
        name=definition.get("name") or one.id,
        description=definition.get("description"),
        tessera=one.tessera,
        packaged=one.packaged,
        metadata=definition.get("metadata") or {},
        variables=definition.get("variables") or {},
        stages=shape.get("stages") or [],
        links=shape.get("links") or [],
        entry_point=shape.get("entryPoint") or "",
        exit_points=shape.get("exitPoints") or [],
        gates=definition.get("gates") or [],
        validation=validate(definition),
        instances={status: counts.get(status, 0) for status in INSTANCE_STATUS},
    )


def as_definition(value: Any) -> Any:
    """The definition that a chain is shown of, from what ``cleo chain show`` prints of it.

    What the store knows beside it is dropped, and so are the fields that are shown and were not
    there. Everything else is given back as it came.
    """
    if isinstance(value, dict) and value.get("success") is True and "data" in value:
        value = value["data"]
    if not isinstance(value, dict) or "shape" in value or not value.keys() >= {*_SHAPE}:
        return value
    found = {name: one for name, one in value.items() if name not in (*_SHAPE, *_BESIDE)}
    found = {name: one for name, one in found.items() if name not in _OPTIONAL or one}
    found["shape"] = {name: value[name] for name in _SHAPE}
    return found


def _of(row: Row) -> Shelved:
    return Shelved(
        row["id"],
        row["version"],
        json.loads(row["definition"]),
        row["definition_sha256"],
        tessera=row["tessera"],
        packaged=row["id"] in IDS and row["definition_sha256"] == _packaged_sha256(row["id"]),
        stored=True,
    )


def _packaged_sha256(id_: str) -> str:
    return hashlib.sha256(canonical(packaged(id_) or {}).encode()).hexdigest()
