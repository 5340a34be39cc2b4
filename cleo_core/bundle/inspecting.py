"""Saying what a bundle holds."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cleo_core.bundle.manifest import Manifest, Member
from cleo_core.bundle.parts import IMPORTED, machine_of, place
from cleo_core.bundle.reading import Bundle, opened
from cleo_core.paths import SETTINGS
from cleo_core.progress import Progress

if TYPE_CHECKING:
    from cleo_core.app import App


def inspect_bundle(
    app: App, path: str, ask: Callable[[], str], *, progress: Progress | None = None
) -> dict[str, Any]:
    """Say what a bundle holds, and what an import here would do with each member.

    Every byte is decrypted and held against the manifest; nothing is written.

    :param ask: gives the passphrase.
    :returns: the manifest, and ``path``, ``encrypted``, ``machine`` (this, another or unknown),
        and ``verdicts``: ``{name, kind, tier, verdict, reason}``.
    :raises CleoError: as :func:`cleo_core.bundle.importing.import_bundle`.
    """
    with opened(path, ask) as bundle:
        manifest = bundle.read(lambda member: None, "bundle", progress)
        verdicts = [_verdict(app, bundle, manifest, member) for member in manifest.members]
        return {
            **manifest.data,
            "path": os.path.abspath(path),
            "encrypted": bundle.encrypted,
            "machine": machine_of(app, manifest),
            "verdicts": verdicts,
        }


def _verdict(app: App, bundle: Bundle, manifest: Manifest, member: Member) -> dict[str, Any]:
    file, reason = place(app, bundle, manifest, member)
    verdict = "imported" if file else "left out"
    if member.kind == "config":
        verdict, reason = "put beside", f"it becomes {IMPORTED}; --with-config replaces {SETTINGS}"
    spec = app.plugins.stores.get(member.name) if member.kind == "store" else None
    if file and spec is not None and member.revision is not None:
        number, head = member.revision.rpartition("_")[2], spec.head.rpartition("_")[2]
        if number.isdecimal() and number.isascii() and len(number) < 10 and int(number) > int(head):
            distribution = app.plugins.distribution_of_store(spec.name)
            verdict = "refused"
            reason = f"a newer {distribution} made it: pip install --upgrade {distribution}"
        elif member.revision != spec.head:
            reason = f"it is migrated from {member.revision} to {spec.head}"
    where = {"name": member.name, "kind": member.kind, "tier": member.tier}
    return {**where, "verdict": verdict, "reason": reason or None}
