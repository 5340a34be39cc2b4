"""Taking a bundle in: every check before anything is written, then the way of a restore."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from cleo_core.backup.inventory import LARGEST_FILE
from cleo_core.backup_sets import FORMAT, BackupSet, manifest_hash
from cleo_core.bundle.content import existing_data
from cleo_core.bundle.manifest import Manifest
from cleo_core.bundle.parts import IMPORTED, Part, needs_sign_in, parts_of, settings_path
from cleo_core.bundle.reading import opened
from cleo_core.bundle.staging import staged
from cleo_core.bundle.unpacking import check, require_room, unpack
from cleo_core.errors import CleoError
from cleo_core.paths import atomic_write, ensure_directory, read_bounded
from cleo_core.paths.files import quoted
from cleo_core.progress import Progress
from cleo_core.restore import Plan, plan, restore_items

if TYPE_CHECKING:
    from cleo_core.app import App


def import_bundle(
    app: App,
    path: str,
    ask: Callable[[], str],
    *,
    names: Collection[str] = (),
    with_config: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Put what a bundle holds in the place of what is here, all of a tier or none of it.

    With the App's ``dry_run`` everything is checked and planned; what was unpacked for that is
    removed again.

    :param ask: gives the passphrase; called where the bundle is encrypted.
    :param names: of the stores to take, by default all.
    :param with_config: settings are replaced, instead of being put beside those that are here.
    :param force: also where there is data.
    :raises CleoError: ``E_BUNDLE_DECRYPT``, ``E_BUNDLE_INVALID``, ``E_STORE_AHEAD``,
        ``E_DATA_EXISTS``, ``E_NO_SPACE``, ``E_NOT_FOUND``, ``E_NOT_INITIALIZED``: nothing was
        written; what :func:`cleo_core.restore.restore_items` raises.
    """
    with opened(path, ask) as bundle, ExitStack() as stack:
        manifest = bundle.read(lambda member: None, "checking", progress)
        parts = parts_of(app, bundle, manifest, names=names, with_config=with_config)
        folders = stack.enter_context(staged([part.directory for part in parts], trial=app.dry_run))
        for part, folder in zip(parts, folders, strict=True):
            part.folder = folder
            require_room(part)
        unpack(bundle, manifest, parts, progress)
        for part in parts:
            check(app, part, manifest)
        if not force:
            _require_empty(app, parts, path)
        _require_one_project(app, parts, manifest, names)
        plans = [_planned(app, part, manifest, with_config) for part in parts]
        _require_something(parts, plans, path)
        result = _result(app, manifest, parts, plans, bundle.encrypted)
        if app.dry_run:
            return result
        return _carried_out(app, path, parts, plans, result, with_config, progress)


def _require_empty(app: App, parts: Sequence[Part], path: str) -> None:
    found = [row for part in parts for row in existing_data(app, part.stores())]
    if found:
        names = ", ".join(
            f"{row['store']} ({row['rows']} rows)" if row["rows"] is not None else row["store"]
            for row in found
        )
        raise CleoError(
            "E_DATA_EXISTS",
            f"There is data here already: {names}. Nothing was changed; with --force it is "
            "replaced, and kept in a backup set.",
            fix=f"cleo backup import {quoted(path)} --force",
            details={"stores": found},
        )


def _require_one_project(
    app: App, parts: Sequence[Part], manifest: Manifest, names: Collection[str]
) -> None:
    """Some stores of another project beside others of this one would be two projects in one.

    :raises CleoError: ``E_RESTORE_REFUSED``.
    """
    for part in parts:
        project = manifest.project
        if part.tier != "project" or not names or project is None:
            continue
        if project["id"] == app.project.id:
            # The project stays what it is.
            part.files = {m: file for m, file in part.files.items() if m.kind != "marker"}
            continue
        others = [
            name
            for name, spec in app.plugins.stores.items()
            if spec.tier == "project" and name not in names
        ]
        kept = existing_data(app, others)
        if kept:
            raise CleoError(
                "E_RESTORE_REFUSED",
                f"The bundle is of project {project['name']} ({project['id']}), and "
                f"{', '.join(row['store'] for row in kept)} of this one would stay. Nothing was "
                "changed.",
                fix="the same command without --store",
                details={"project": app.project.id, "of": project["id"], "stores": kept},
            )


def _require_something(parts: Sequence[Part], plans: Sequence[Plan | None], path: str) -> None:
    """Refuse a bundle of which nothing is of use here.

    :raises CleoError: ``E_RESTORE_REFUSED``.
    """
    if any(plans) or any(part.differing for part in parts):
        return
    raise CleoError(
        "E_RESTORE_REFUSED",
        f"{path} holds nothing that can be imported here. Nothing was changed.",
        fix=f"cleo backup inspect {quoted(path)}",
        details={"left": [one for part in parts for one in part.left]},
    )


def _planned(app: App, part: Part, manifest: Manifest, with_config: bool) -> Plan | None:
    """The plan of a restore, from a manifest of what was found in the files.

    :returns: None for a tier of which nothing is replaced.
    """
    taken = [member for member in part.files if member.kind != "config" or with_config]
    if not taken:
        return None
    data: dict[str, Any] = {
        "format": FORMAT,
        "setId": manifest.data["setId"],
        "sequence": 1,
        "tier": part.tier,
        "reason": "export",
        "note": "",
        "createdAt": manifest.data["createdAt"],
        "project": manifest.project,
        "items": [
            {
                "name": member.name,
                "kind": member.kind,
                "file": part.files[member],
                "bytes": member.bytes,
                "sha256": member.sha256,
                **part.facts[member],
            }
            for member in taken
        ],
    }
    data["manifestSha256"] = manifest_hash(data)
    # The marker is among the items where the project takes the bundle's id over.
    made = plan(app, BackupSet(part.folder, data), with_config=True)
    for one in made.left:
        part.left.append({**one, "tier": part.tier})
    return made


def _result(
    app: App,
    manifest: Manifest,
    parts: Sequence[Part],
    plans: Sequence[Plan | None],
    encrypted: bool,
) -> dict[str, Any]:
    rows = [
        {**row, "tier": part.tier}
        for part, made in zip(parts, plans, strict=True)
        for row in (made.rows if made is not None else ())
    ]
    left = [one for part in parts for one in part.left]
    for one in left:
        if one["kind"] in ("store", "database"):
            app.warn("W_BUNDLE_LEFT_OUT", f"{one['name']} is left out: {one['reason']}.")
    if manifest.data["complete"] is not True:
        failed = ", ".join(str(one["name"]) for one in manifest.data["failed"])
        app.warn("W_BUNDLE_INCOMPLETE", f"When the bundle was made it lacked {failed}.")
    project = manifest.project if any(part.of("marker") for part in parts) else None
    return {
        "plan": rows,
        "imported": [],
        "leftOut": left,
        "encrypted": encrypted,
        "project": dict(project) if project is not None else None,
        "safetySet": None,
        "reauthRequired": needs_sign_in(app, manifest, parts),
        "differingKeys": sorted({key for part in parts for key in part.differing}),
        "settings": [],
    }


def _half(imported: Sequence[dict[str, Any]], sets: dict[str, str], message: str) -> str:
    """What is said where one tier is imported and the other one is not."""
    tier = imported[0]["tier"]
    kept = f", what they replaced is in {sets[tier]}" if tier in sets else ""
    names = ", ".join(str(row["name"]) for row in imported)
    return f"The {tier} part is imported already ({names}{kept}), the other one is not: {message}"


def _carried_out(
    app: App,
    path: str,
    parts: Sequence[Part],
    plans: Sequence[Plan | None],
    result: dict[str, Any],
    with_config: bool,
    progress: Progress | None,
) -> dict[str, Any]:
    sets: dict[str, str] = {}
    quarantined: list[dict[str, str]] = []
    for part, made in zip(parts, plans, strict=True):
        if made is not None:
            try:
                done = restore_items(
                    app,
                    made,
                    reason="before-import",
                    event="import",
                    origin=os.path.abspath(path),
                    progress=progress,
                )
            except CleoError as error:
                error.details["imported"] = result["imported"]
                if result["imported"]:
                    error.message = _half(result["imported"], sets, error.message)
                raise
            result["imported"] += [{**row, "tier": part.tier} for row in done.restored]
            result["reconcile"] = done.reconcile
            quarantined += done.quarantined
            if done.safety_set is not None:
                sets[part.tier] = done.safety_set
        if part.differing and not with_config:
            beside = os.path.join(os.path.dirname(settings_path(app, part)), IMPORTED)
            ensure_directory(os.path.dirname(beside))
            atomic_write(beside, read_bounded(part.path(part.of("config")[0]), LARGEST_FILE))
            result["settings"].append(beside)
    result["safetySet"] = sets.get("project") or sets.get("global")
    return {**result, "safetySets": sets, "quarantined": quarantined}
