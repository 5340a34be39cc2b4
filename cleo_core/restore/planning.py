"""What a restore would replace, and with what."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cleo_core import clock
from cleo_core.backup import row_counts
from cleo_core.backup_sets import BackupSet
from cleo_core.errors import CleoError, NotFoundError
from cleo_core.paths import MARKER, SETTINGS, tier_directory
from cleo_core.pending_restore import folder_of
from cleo_core.reconcile import looking
from cleo_core.states import DATABASES, SIDECARS

if TYPE_CHECKING:
    from cleo_core.api import StoreSpec
    from cleo_core.api.specs import Tier
    from cleo_core.app import App


@dataclass(frozen=True)
class Planned:
    """One file that will be replaced or made.

    :param copy: path of the copy.
    :param target: path of the live file.
    :param present: whether something is there.
    :param spec: of the store; of a declared file that of its owner.
    """

    item: Mapping[str, Any]
    copy: str
    target: str
    present: bool
    spec: StoreSpec | None = None

    @property
    def name(self) -> str:
        """The store's name, or the file's."""
        return str(self.item["name"])

    @property
    def kind(self) -> str:
        """store, database, file, marker or config."""
        return str(self.item["kind"])

    @property
    def is_database(self) -> bool:
        """Whether SQLite opens it."""
        return self.kind in DATABASES


@dataclass(frozen=True)
class Plan:
    """What a restore would do.

    :param source: the set, or a directory that is one but for its place.
    :param directory: the tier directory.
    :param items: in lock order.
    :param left: ``{name, kind, reason}`` of what the set holds and is not restored.
    """

    source: BackupSet
    directory: str
    items: tuple[Planned, ...]
    left: tuple[dict[str, str], ...] = ()
    #: One per database or file: see :func:`rows_of`.
    rows: list[dict[str, Any]] = field(default_factory=list)


def plan(
    app: App,
    source: BackupSet,
    *,
    names: Collection[str] = (),
    with_config: bool = False,
    replace_files: bool = False,
) -> Plan:
    """Find out what a restore would replace; nothing changes.

    :param names: of the stores and unowned databases to restore, by default all.
    :param with_config: configuration and marker too.
    :param replace_files: declared files also where one is there.
    :raises CleoError: ``E_NOT_FOUND``, the set holds no such store; ``E_BACKUP_CORRUPT``, the
        manifest is no manifest; ``E_RESTORE_REFUSED``, a target is nothing that can be replaced,
        or the set is another project's.
    """
    tier = tier_of(source)
    directory = tier_directory(tier, app.project_or_none, app.env)
    items = source.items
    there = {str(one["name"]) for one in items if one["kind"] in DATABASES}
    for name in names:
        if name not in there:
            raise NotFoundError(
                f"{source.path} holds no store {name!r}; it holds "
                f"{', '.join(sorted(there)) or 'none'}.",
                fix="cleo backup list",
            )
    chosen: list[Planned] = []
    left: list[dict[str, str]] = []
    for item in items:
        made = _planned(app, source, directory, item, names, with_config, replace_files)
        if isinstance(made, Planned):
            chosen.append(made)
        elif made:
            left.append({"name": str(item["name"]), "kind": str(item["kind"]), "reason": made})
    for one in left:
        if one["name"] in names:
            raise CleoError(
                "E_RESTORE_REFUSED",
                f"{one['name']} is not restored: {one['reason']}. Nothing was changed.",
                fix="cleo plugins",
                details=one,
            )
    if not chosen:
        raise CleoError(
            "E_RESTORE_REFUSED",
            f"{source.path} holds nothing that can be restored here.",
            fix="cleo backup list",
            details={"left": left},
        )
    _require_own(app, source, with_config)
    chosen.sort(key=lambda one: _place(app, one))
    _require_distinct(source, chosen)
    _require_replaceable(chosen)
    made_plan = Plan(source, directory, tuple(chosen), tuple(left))
    with looking(app):
        made_plan.rows.extend(rows_of(app, one, source) for one in chosen)
    return made_plan


def tier_of(source: BackupSet) -> Tier:
    """The tier of a set.

    :raises CleoError: ``E_BACKUP_CORRUPT``, it names none.
    """
    tiers: tuple[Tier, ...] = ("project", "global")
    for tier in tiers:
        if source.manifest.get("tier") == tier:
            return tier
    raise CleoError(
        "E_BACKUP_CORRUPT",
        f"The manifest of {source.path} names no tier.",
        details={"path": source.path},
    )


def rows_of(app: App, one: Planned, source: BackupSet) -> dict[str, Any]:
    """A line of the plan: rows and revision now and then, and how old the copy is.

    ``rowsNow`` is None where the live file cannot be read, 0 where it is absent.
    """
    row: dict[str, Any] = {
        "store": one.name if one.kind == "store" else None,
        "name": one.name,
        "kind": one.kind,
        "path": one.target,
        "ageSeconds": _age(source),
    }
    if not one.is_database:
        row["replaces"] = one.present
        return row
    counts = one.item.get("rowCounts")
    now, revision, state = _now(app, one)
    row.update(
        rowsNow=sum(now.values()) if now is not None else None,
        rowsThen=sum(counts.values()) if isinstance(counts, Mapping) else None,
        revisionNow=revision,
        revision=one.item.get("revision"),
        state=state,
    )
    return row


def _now(app: App, one: Planned) -> tuple[dict[str, int] | None, str | None, str]:
    """Rows of each table, revision and state of a live file."""
    if not one.present:
        return {}, None, "absent"
    if one.kind != "store":
        return None, None, "unowned"
    assert one.spec is not None
    try:
        database, state = app.stores.open(one.spec, write=False)
    except CleoError as error:
        return None, None, "busy" if error.code == "E_WRITE_CONTENTION" else "broken"
    if database is None:
        return None, state.revision, state.state
    try:
        return row_counts(database.connection, one.spec), state.revision, state.state
    except Exception:
        # The driver's words for a damaged page; the file is about to be replaced anyway.
        return None, state.revision, "broken"
    finally:
        database.close()


def _planned(
    app: App,
    source: BackupSet,
    directory: str,
    item: Mapping[str, Any],
    names: Collection[str],
    with_config: bool,
    replace_files: bool,
) -> Planned | str:
    """What is done with an item, or why nothing is; an empty reason is not worth a word."""
    kind, name = str(item["kind"]), str(item["name"])
    spec: StoreSpec | None = None
    file = name
    if kind in ("marker", "config"):
        if not with_config:
            return "" if names else "restored only with --with-config"
        file = MARKER if kind == "marker" else SETTINGS
    elif kind == "store":
        spec = app.plugins.stores.get(name)
        reason = _store_reason(app, spec, source)
        if names and name not in names:
            return ""
        if reason or spec is None:
            return reason
        file = spec.file
    elif kind == "database":
        if names and name not in names:
            return ""
        if any(one.file == name for one in app.plugins.stores.values()):
            return "a store of that file is installed now, and its copy was made without its plugin"
        if not _may_be_unowned(app, name):
            raise CleoError(
                "E_BACKUP_CORRUPT",
                f"{source.path} cannot be restored: {name!r:.80} is no name of a database of "
                "nobody's. Nothing was changed.",
                details={"path": source.path, "item": name},
            )
    else:
        found = app.plugins.declared_file(name, tier_of(source))
        if found is None or found[1].backup != "include":
            return "no installed plugin declares it"
        spec = found[0]
        if names and spec.name not in names:
            return ""
    folder = folder_of(directory, tier_of(source), kind, app.env)
    target = os.path.join(folder, file)
    present = os.path.lexists(target)
    if kind == "file" and present and not replace_files:
        return "it is there; --replace-files replaces it"
    return Planned(item, os.path.join(source.path, item["file"]), target, present, spec)


def _store_reason(app: App, spec: StoreSpec | None, source: BackupSet) -> str:
    if spec is None:
        return "no installed plugin has it"
    if spec.tier != tier_of(source):
        return f"it is a store of the {spec.tier} tier"
    if spec.backup == "exclude":
        return "its plugin asks for no backup"
    if app.stores.elsewhere(spec) is not None:
        return "a plugin keeps it elsewhere than in its file"
    return ""


def _require_own(app: App, source: BackupSet, with_config: bool) -> None:
    """Refuse another project's data, unless the project becomes that one."""
    project, theirs = app.project_or_none, source.manifest.get("project")
    if tier_of(source) != "project" or project is None or not isinstance(theirs, Mapping):
        return
    if theirs.get("id") in (None, project.id) or with_config:
        return
    raise CleoError(
        "E_RESTORE_REFUSED",
        f"{source.path} is of project {theirs.get('name')} ({theirs.get('id')}), and this "
        f"is {project.name} ({project.id}); nothing was changed. With --with-config this project "
        "takes over the other one's id.",
        fix="cleo backup list",
        details={"project": project.id, "of": theirs.get("id")},
    )


def _require_distinct(source: BackupSet, chosen: Sequence[Planned]) -> None:
    seen: set[str] = set()
    for one in chosen:
        if one.target in seen:
            raise CleoError(
                "E_BACKUP_CORRUPT",
                f"The manifest of {source.path} does not say which file {one.name} is.",
                details={"path": source.path, "item": one.name},
            )
        seen.add(one.target)


def _require_replaceable(chosen: Sequence[Planned]) -> None:
    for one in chosen:
        if one.present and (os.path.islink(one.target) or not os.path.isfile(one.target)):
            what = "a link" if os.path.islink(one.target) else "no regular file"
            raise CleoError(
                "E_RESTORE_REFUSED",
                f"{one.target} is {what}, and is not replaced; nothing was changed.",
                fix="cleo doctor --only store.state",
                details={"path": one.target},
            )


def _place(app: App, one: Planned) -> tuple[int, int, str]:
    """Lock order; what has no lock comes last, the marker at the very end."""
    order = list(app.plugins.stores)
    if one.kind == "store":
        return 0, order.index(one.name), ""
    return 1 + ("database", "file", "config", "marker").index(one.kind), 0, one.name


def _age(source: BackupSet) -> float | None:
    try:
        return round(clock.seconds() - clock.parse_time(source.manifest["createdAt"]), 3)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def _may_be_unowned(app: App, name: str) -> bool:
    """Whether a manifest's name can be that of a database which no plugin owns, and no path."""
    taken = {file.name for spec in app.plugins.stores.values() for file in spec.files}
    plain = name.isprintable() and not set(name) & set("/\\") and os.path.basename(name) == name
    own = name.startswith(".") or name.endswith((*SIDECARS, ".json", ".json.bak"))
    return bool(name) and plain and not own and name not in taken
