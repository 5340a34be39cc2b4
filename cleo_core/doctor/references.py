"""References between stores: what points at nothing, and what nobody can say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.doctor.finding import Finding
from cleo_core.reconcile import Scan, mendable, scan

if TYPE_CHECKING:
    from cleo_core.doctor.scene import Scene

#: Ids of one reference that are listed.
SHOWN = 20


def orphans(scene: Scene) -> Finding:
    """References to ids that do not exist."""
    scans = _scans(scene)
    stale = [one for one in scans if one.missing]
    if not stale:
        rows = sum(one.scanned for one in scans)
        return Finding("ok", f"None of {rows} references points at what is known not to exist.")
    first = stale[0]
    count = sum(first.missing.values())
    return Finding(
        "warning",
        f"{count} {'row' if count == 1 else 'rows'} of {first.reference.name}: there is no "
        f"{first.reference.target_kind} {next(iter(first.missing))}"
        f"{', for one' if len(first.missing) > 1 else ''}"
        + (f"; {first.refused}, so that nothing is mended." if first.refused else "."),
        {
            "references": [
                {
                    "reference": one.reference.name,
                    "missing": sum(one.missing.values()),
                    "ids": list(one.missing)[:SHOWN],
                    "mendable": mendable(one.reference) and one.refused is None,
                    **({"refused": one.refused} if one.refused else {}),
                }
                for one in stale
            ]
        },
        "cleo reconcile --apply" if any(one.planned for one in stale) else "cleo reconcile",
    )


def unknown(scene: Scene) -> Finding:
    """References of which nobody can say whether they lead anywhere."""
    unclear = [one for one in _scans(scene) if one.unknown or (one.refused and not one.missing)]
    if not unclear:
        return Finding("ok", "Every reference could be followed.")
    first = unclear[0]
    return Finding(
        "info",
        f"{first.reference.name}: {first.refused or 'not all of its ids could be asked for'}.",
        {
            "references": [
                {
                    "reference": one.reference.name,
                    "kind": one.reference.target_kind,
                    "unknown": sum(one.unknown.values()),
                    **({"refused": one.refused} if one.refused else {}),
                }
                for one in unclear
            ]
        },
        "cleo reconcile",
    )


def unowned(scene: Scene) -> Finding:
    """Kinds that references name and no installed plugin owns."""
    plugins = scene.app.plugins
    kinds: dict[str, list[str]] = {}
    for reference in plugins.references.values():
        if reference.target_kind not in plugins.kinds:
            kinds.setdefault(reference.target_kind, []).append(reference.name)
    if not kinds:
        return Finding("ok", "Every kind that is referred to has an owner.")
    return Finding(
        "info",
        f"No installed plugin owns {', '.join(sorted(kinds))}; what refers to it is not checked.",
        {"kinds": kinds},
        "cleo plugins",
    )


def _scans(scene: Scene) -> list[Scan]:
    """Every reference against what exists, found out once for the checks that show it."""

    def make() -> list[Scan]:
        scene.app.existence.forget()
        near = {spec.name for spec in scene.stores()}
        return [
            scan(scene.app, one)
            for one in scene.app.plugins.references.values()
            if one.source.partition(".")[0] in near
        ]

    return scene.once("references", make)
