"""Making a bundle: fresh verified copies in one file."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from cleo_core import inputs
from cleo_core.backup import Item, create_set, inventory
from cleo_core.backup.inventory import machine_fingerprint
from cleo_core.backup_sets import MANIFEST, manifest_hash
from cleo_core.bundle.container import Sealer, checked_passphrase, derive, new_header
from cleo_core.bundle.manifest import LONGEST_TEXT, SCOPES, member_name, parsed
from cleo_core.bundle.members import packing
from cleo_core.bundle.staging import staged
from cleo_core.errors import CleoError, ValidationError, shortened
from cleo_core.paths import atomic_file, check_output
from cleo_core.progress import Progress

if TYPE_CHECKING:
    from cleo_core.api.specs import Tier
    from cleo_core.app import App
    from cleo_core.backup import Inventory

#: Of a set's manifest, what a bundle's says too; the rest is its own.
_KEPT = (
    *("format", "setId", "sequence", "reason", "note", "createdAt", "complete"),
    *("core", "plugins", "project", "machineFingerprint"),
)


def export_bundle(
    app: App,
    path: str,
    *,
    scope: str,
    passphrase: str | None = None,
    note: str = "",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write a bundle of fresh copies.

    :param path: the new file; it must not exist.
    :param scope: ``project``, ``global`` or ``all``.
    :param passphrase: encrypt with it; without one the bundle is plain text.
    :returns: path, bytes, encrypted, scope, createdAt, project, complete, items, failed, and
        ``leftOut``: ``{name, kind, tier, reason}`` of what a bundle of that kind does not hold.
    :raises CleoError: ``E_NOT_INITIALIZED``; ``E_USAGE``, ``E_LOCATION_REFUSED``: the path;
        ``E_VALIDATION``: the passphrase, the note, the scope; ``E_EXTRA_MISSING``; ``E_NOTHING``;
        ``E_BACKUP_FAILED``, ``E_NO_SPACE``, ``E_DISK_FULL``: no file has appeared.
    """
    if scope not in list(SCOPES):
        raise ValidationError(
            f"{shortened(str(scope))!a} is no scope; there are {', '.join(SCOPES)}.",
            fix="cleo backup export --help",
        )
    tiers = SCOPES[scope]
    inputs.plain_text(note, "The note")
    if len(note) > LONGEST_TEXT or not note.isprintable():
        raise ValidationError(
            f"A note is a line of at most {LONGEST_TEXT} characters.",
            fix="the same command with a shorter --note",
        )
    project = app.project if "project" in tiers else app.project_or_none
    check_target(app, path)
    sealing = None
    if passphrase is not None:
        header = new_header()
        sealing = header, derive(header, checked_passphrase(passphrase))
    left: list[dict[str, str]] = []
    kept = [_kept(app, tier, sealing is not None, left) for tier in tiers]
    if not any(items for _, items in kept):
        raise CleoError("E_NOTHING", f"There is nothing to export with --scope {scope}.")
    set_id = os.urandom(16).hex()
    with staged([found.directory for found, _ in kept]) as folders:
        sets = [
            create_set(
                folder,
                found.tier,
                "export",
                items,
                project=project if found.tier == "project" else app.project_or_none,
                plugin_versions=app.plugins.versions(),
                note=note,
                set_id=set_id,
                fingerprint=machine_fingerprint(app.stores),
                progress=progress,
                prepare=app.stores.fit_out,
                whole=True,
            )
            for folder, (found, items) in zip(folders, kept, strict=True)
        ]
        manifest, members = _described(scope, sets)
        with atomic_file(os.path.abspath(path)) as file:
            _write(file, sealing, manifest, members, progress)
            check_target(app, path)
    return {
        "path": os.path.abspath(path),
        "bytes": os.path.getsize(path),
        "encrypted": sealing is not None,
        **{key: manifest[key] for key in ("scope", "createdAt", "note", "project", "complete")},
        "items": manifest["items"],
        "failed": manifest["failed"],
        "leftOut": left,
    }


def check_target(app: App, path: str) -> None:
    """Refuse a path where no new file can be; asked again before the file gets its name."""
    project = app.project_or_none
    directory = project.directory if project is not None else None
    try:
        check_output(path, project_directory=directory, env=app.env)
    except CleoError as error:
        # A bundle is never written over: there is no --force to offer.
        error.fix = error.fix.replace("with --force, or another path", "with another path")
        raise


def _kept(
    app: App, tier: Tier, encrypted: bool, left: list[dict[str, str]]
) -> tuple[Inventory, list[Item]]:
    """What of a tier goes into the bundle."""
    found = inventory(app.stores, tier)
    items = []
    for item in found.items:
        reason = _left_out(item, encrypted)
        if reason:
            left.append({"name": item.name, "kind": item.kind, "tier": tier, "reason": reason})
        else:
            items.append(item)
    for name in found.elsewhere:
        reason = "a plugin keeps it elsewhere than in its file"
        left.append({"name": name, "kind": "store", "tier": tier, "reason": reason})
    return found, items


def _left_out(item: Item, encrypted: bool) -> str:
    try:
        item.name.encode()
    except UnicodeEncodeError:
        return "its name is no text"
    if item.kind != "file" or item.declared is None:
        return ""
    if item.declared.bundle != "same_machine":
        return "it never leaves the machine"
    return "" if encrypted else "it is a secret, which only an encrypted bundle holds"


def _described(
    scope: str, sets: Sequence[dict[str, Any]]
) -> tuple[dict[str, Any], list[tuple[str, str, int]]]:
    """The bundle's manifest; name, path and size of each member."""
    items: list[dict[str, Any]] = []
    members: list[tuple[str, str, int]] = []
    failed: list[dict[str, Any]] = []
    for made in sets:
        tier = made["tier"]
        for item in made["items"]:
            name = member_name(tier, item["file"], len(items))
            items.append({**item, "tier": tier, "file": name})
            members.append((name, os.path.join(made["path"], item["file"]), item["bytes"]))
        failed += [{**one, "tier": tier} for one in made["failed"]]
    manifest = {
        **{key: sets[-1][key] for key in _KEPT},
        "complete": not failed,
        "tier": sets[0]["tier"] if len(sets) == 1 else None,
        "scope": scope,
        "items": items,
        "failed": failed,
    }
    manifest["manifestSha256"] = manifest_hash(manifest)
    return manifest, members


def _write(
    file: BinaryIO,
    sealing: tuple[Any, bytes] | None,
    manifest: dict[str, Any],
    members: Sequence[tuple[str, str, int]],
    progress: Progress | None,
) -> None:
    sealer = Sealer(file, *sealing) if sealing is not None else None
    text = json.dumps(manifest, indent=1).encode()
    # What could not be imported again must not be exported.
    parsed(text)
    done, total = 0, sum(size for _, _, size in members)
    with packing(sealer or file) as packer:  # type: ignore[arg-type] # both take bytes
        packer.add(MANIFEST, len(text), io.BytesIO(text))
        for name, path, size in members:
            with open(path, "rb") as source:
                packer.add(name, size, source)
            done += size
            if progress is not None:
                progress("bundle", done, total)
    if sealer is not None:
        sealer.finish()
