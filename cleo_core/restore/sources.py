"""Which set is restored: one by name or path, or the newest that is whole."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from cleo_core.backup_sets import LATEST, MANIFEST, BackupSet, load_set, read_sets, unreadable_sets
from cleo_core.errors import CleoError, NotFoundError, UsageError, echoed
from cleo_core.paths import tier_directory
from cleo_core.progress import Progress
from cleo_core.restore.checking import require_good, require_own_schema
from cleo_core.restore.planning import tier_of
from cleo_core.states import DATABASES

if TYPE_CHECKING:
    from cleo_core.api.specs import Tier
    from cleo_core.app import App


def find_source(
    app: App,
    word: str,
    *,
    tier: Tier,
    names: Collection[str] = (),
    with_config: bool = False,
    progress: Progress | None = None,
) -> tuple[BackupSet, list[dict[str, Any]]]:
    """The set that a word of the command line means, its items checked.

    :param word: the name of a set, ``latest``, or the path of a set.
    :param names: of the stores asked for, by default every one that a set holds.
    :param with_config: whether ``latest`` may be a set of another project, which this one becomes.
    :returns: the set, and ``{set, reason}`` of each newer one that ``latest`` passed over.
    :raises CleoError: ``E_NO_BACKUP``; ``E_NOT_FOUND``; ``E_BACKUP_CORRUPT``; ``E_STORE_AHEAD``;
        ``E_USAGE``, the set is of the other tier.
    """
    if not word.strip() or "\0" in word:
        raise UsageError(f"{echoed(word)} is no name of a set.", fix="cleo backup list")
    if word == LATEST:
        return _latest(app, tier, names, with_config, progress)
    directory = tier_directory(tier, app.project_or_none, app.env)
    backups = os.path.join(directory, "backups")
    if os.path.basename(word) != word:
        source = _at(word)
    else:
        path = os.path.join(backups, word)
        if word.startswith(".") or not os.path.isdir(path):
            raise NotFoundError(
                f"There is no backup set {echoed(word)} in {os.path.dirname(path)}.",
                fix="cleo backup list",
            )
        source = _at(path)
    if tier_of(source) != tier:
        there = "with" if tier_of(source) == "global" else "without"
        raise UsageError(
            f"{source.path} is a set of the {tier_of(source)} tier.",
            fix=f"the same command {there} --global",
        )
    wanted = names or _databases(source)
    # By where it lies, not by what leads there.
    if os.path.dirname(os.path.realpath(source.path)) != os.path.realpath(backups):
        require_own_schema(app, source, wanted)
    require_good(app, source, wanted, progress)
    return source, []


def _latest(
    app: App,
    tier: Tier,
    names: Collection[str],
    with_config: bool,
    progress: Progress | None,
) -> tuple[BackupSet, list[dict[str, Any]]]:
    directory = tier_directory(tier, app.project_or_none, app.env)
    backups = os.path.join(directory, "backups")
    there = read_sets(backups)
    sets, others = _own(app, tier, there, with_config)
    wanted = set(names) or _kept(app, tier, sets)
    passed = [
        {"set": name, "reason": "its manifest cannot be read"}
        for name in unreadable_sets(backups, there)
    ]
    damaged = list(passed)
    passed += others
    for one in sets:
        held = _databases(one)
        lacking = sorted(wanted - held)
        if one.sound and not (_is_complete(one) and not names) and (lacking or not wanted):
            passed.append({"set": one.name, "reason": f"lacks {', '.join(lacking)}"})
            continue
        try:
            require_good(app, one, names or held, progress)
        except CleoError as error:
            damaged.append({"set": one.name, "reason": error.message})
            passed.append(damaged[-1])
        else:
            return one, passed
    if damaged:
        raise CleoError(
            "E_BACKUP_CORRUPT",
            f"No set in {backups} can be restored. {damaged[0]['set']}: "
            f"{damaged[0]['reason'].rstrip('.')}.",
            details={"skipped": passed},
        )
    unknown = sorted(set(names) - app.plugins.stores.keys())
    if unknown:
        raise NotFoundError(
            f"No installed plugin has a store {echoed(unknown[0])}, and no set in {backups} holds "
            "it.",
            fix="cleo stores",
            path=backups,
            skipped=passed,
        )
    of = f" of {', '.join(sorted(names))}" if names else ""
    raise CleoError(
        "E_NO_BACKUP",
        f"There is no backup set{of} in {backups}.",
        fix=f"cleo backup create{' --global' if tier == 'global' else ''}",
        details={"path": backups, "skipped": passed},
    )


def _own(
    app: App, tier: str, sets: Sequence[BackupSet], with_config: bool
) -> tuple[list[BackupSet], list[dict[str, Any]]]:
    """The sets of a folder that are not another tier's or project's, and why the others are.

    Where another project's are all that there is, they are among the first: who asks is told whose
    they are.
    """
    project = app.project_or_none
    mine, theirs, passed = [], [], []
    for one in sets:
        of, id_ = one.owner
        if not one.sound:
            mine.append(one)
        elif of != tier:
            passed.append({"set": one.name, "reason": f"it is of the {of} tier"})
        elif project is not None and id_ not in ("", project.id) and not with_config:
            theirs.append(one)
        else:
            mine.append(one)
    if theirs and not any(one.sound for one in mine):
        return [one for one in sets if one in mine or one in theirs], passed
    passed += [{"set": one.name, "reason": "it is another project's"} for one in theirs]
    return mine, passed


def _kept(app: App, tier: str, sets: Sequence[BackupSet]) -> set[str]:
    """The installed stores that some set holds."""
    held = {name for one in sets if one.sound for name in one.copies()}
    return {name for name, spec in app.plugins.stores.items() if spec.tier == tier and name in held}


def _is_complete(one: BackupSet) -> bool:
    """Whether it holds all that there was to keep when it was made."""
    return one.is_whole and one.manifest.get("complete") is True


def _databases(one: BackupSet) -> set[str]:
    return {str(item["name"]) for item in one.items if item["kind"] in DATABASES}


def _at(path: str) -> BackupSet:
    path = os.path.abspath(path)
    try:
        return load_set(path)
    except (FileNotFoundError, NotADirectoryError):
        if os.path.isfile(path):
            raise UsageError(
                f"{path} is a file, not a set; a bundle is imported.",
                fix=f"cleo backup import {path}",
            ) from None
        raise NotFoundError(
            f"{path} is no backup set: it has no {MANIFEST}.", fix="cleo backup list"
        ) from None
    except (OSError, ValueError) as error:
        raise CleoError(
            "E_BACKUP_CORRUPT",
            f"The manifest of {path} cannot be read: {error}.",
            details={"path": path},
        ) from error
