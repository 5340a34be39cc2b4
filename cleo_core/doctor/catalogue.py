"""Core's own checks, in the order in which they run."""

from __future__ import annotations

from typing import NamedTuple


class CoreCheck(NamedTuple):
    """One check of core.

    :ivar id: what ``--only`` names.
    :ivar target: ``module:function`` below this package; called with the Scene and, where the
        check is made for each store, its StoreSpec. Gives a Finding.
    :ivar each_store: whether it is made for each store within reach.
    :ivar fix: the function of the same module that mends what is safe to mend; called alike, says
        what it did.
    :ivar elsewhere: whether it is made in other projects too.
    """

    id: str
    target: str
    each_store: bool = False
    fix: str | None = None
    elsewhere: bool = False


CHECKS: tuple[CoreCheck, ...] = (
    CoreCheck("paths.home", "paths:home"),
    CoreCheck("paths.mode", "modes:modes", fix="narrow_modes"),
    CoreCheck("paths.roaming", "paths:roaming"),
    CoreCheck("paths.space", "paths:space"),
    CoreCheck("project.marker", "project:marker"),
    CoreCheck("project.rogue", "project:rogue"),
    CoreCheck("project.worktree", "project:worktree"),
    CoreCheck("project.gitignore", "project:gitignore", fix="write_block"),
    CoreCheck("project.tracked", "project:tracked"),
    CoreCheck("config.valid", "settings:valid", fix="quarantine", elsewhere=True),
    CoreCheck("config.unknown", "settings:unknown"),
    CoreCheck("env.unknown", "settings:variables"),
    CoreCheck("plugins.load", "plugins:load"),
    CoreCheck("plugins.scan", "plugins:compared"),
    CoreCheck("plugins.slow", "plugins:slow"),
    CoreCheck("sqlite.version", "sqlite:version"),
    CoreCheck("sqlite.features", "sqlite:features"),
    # First, so that with --fix the stores are looked at as they are afterwards.
    CoreCheck("restore.pending", "restores:pending", fix="finish_restores"),
    CoreCheck("store.state", "stores:state", each_store=True, elsewhere=True),
    CoreCheck("store.integrity", "content:integrity", each_store=True, elsewhere=True),
    CoreCheck("store.foreign_keys", "content:foreign_keys", each_store=True, elsewhere=True),
    CoreCheck("store.schema", "content:schema", each_store=True, elsewhere=True),
    CoreCheck("store.pragmas", "stores:pragmas", each_store=True),
    CoreCheck("store.wal", "stores:wal", each_store=True, fix="fold_log", elsewhere=True),
    CoreCheck("store.size", "stores:size", each_store=True),
    CoreCheck("store.sidecars", "stores:sidecars", each_store=True, elsewhere=True),
    CoreCheck("store.decoy", "files:decoys"),
    CoreCheck("migrate.pending", "stores:pending", each_store=True, elsewhere=True),
    CoreCheck("temp.stale", "files:stale", fix="remove_stale"),
    CoreCheck("locks.held", "files:held"),
    CoreCheck("backup.age", "backups:age"),
    CoreCheck("backup.verify", "backups:verify"),
    CoreCheck("backup.coverage", "backups:coverage"),
    CoreCheck("refs.orphans", "references:orphans"),
    CoreCheck("refs.unknown", "references:unknown"),
    CoreCheck("kinds.unowned", "references:unowned"),
    CoreCheck("secrets.files", "modes:secrets", fix="narrow_secrets"),
    CoreCheck("audit.size", "records:audit", each_store=True),
    CoreCheck("log.write", "files:log"),
    CoreCheck("clock", "records:clock", each_store=True),
)
