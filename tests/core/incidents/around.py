"""What can be wrong around the stores: paths, project, settings, plugins, keys, backups."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

from cleo_core import locks
from cleo_core.doctor import plugins, sqlite
from cleo_core.hashing import path_sha256
from cleo_core.pending_restore import Record, Replacement, write_record
from tests.core.incidents.scene import FOLDER, STORE, Broken, Incident


def _key(broken: Broken) -> Path:
    return broken.data / "vault.key"


def _linked_key(broken: Broken) -> None:
    os.rename(_key(broken), broken.home / "home" / "somewhere")
    _key(broken).symlink_to(broken.home / "home" / "somewhere")


def _without_marker(broken: Broken) -> None:
    inner = Path("inner")
    (inner / ".cleo").mkdir(parents=True)
    broken.patch.chdir(inner)


def _worktree(broken: Broken) -> None:
    shutil.move(str(FOLDER), broken.home / "kept")
    broken.git("init", "-q")
    broken.git(
        *("-c", "user.name=n", "-c", "user.email=e@x"),
        *("commit", "-q", "--allow-empty", "-m", "m"),
    )
    broken.git("worktree", "add", "-q", str(broken.home / "tree"))
    broken.patch.chdir(broken.home / "tree")
    shutil.move(broken.home / "kept", FOLDER)


def _tracked(broken: Broken) -> None:
    broken.git("init", "-q")
    broken.git("add", "--force", ".cleo/shelves.db")


def _settings(text: str, folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(text)
    (folder / "config.json").chmod(0o600)


def _global_settings(broken: Broken) -> None:
    folder = broken.home / "home" / "config" / "cleo"
    _settings("\0\1\2", folder)
    folder.chmod(0o700)


def _bad_plugin(broken: Broken) -> None:
    broken.site.plugin("bad", "import not_there_at_all")
    broken.patch.setenv("CLEO_PLUGINS", f"{os.environ['CLEO_PLUGINS']},bad")


def _slow_plugin(broken: Broken) -> None:
    broken.site.plugin("slow", "import time\ntime.sleep(0.06)")
    broken.patch.setenv("CLEO_PLUGINS", f"{os.environ['CLEO_PLUGINS']},slow")


def _hidden_plugin(broken: Broken) -> None:
    hidden = SimpleNamespace(name="zipped", value="z.plugin", distribution="cleo-zipped")
    known = plugins.installed()
    broken.patch.setattr(plugins, "installed", lambda: [*known, hidden])


def _temporaries(broken: Broken) -> None:
    for name in (".config.json.0123456789ab.tmp", ".shelves.db.4711.0a1b2c"):
        (FOLDER / name).write_text("left")
        (FOLDER / name).chmod(0o600)
        broken.age(FOLDER / name, 2)
    fresh = FOLDER / ".config.json.ffffffffffff.tmp"
    fresh.touch(0o600)


def _partial_set(broken: Broken) -> None:
    partial = FOLDER / "backups" / ".20200101T000000Z-001-manual.partial"
    partial.mkdir(0o700)
    (partial / "shelves.db").touch(0o600)
    broken.age(partial / "shelves.db", 2)
    broken.age(partial, 2)


def _old_set(broken: Broken) -> None:
    shutil.rmtree(FOLDER / "backups")
    with broken.earlier(3):
        broken.run("backup", "create")
    os.utime(STORE)


def _no_set(broken: Broken) -> None:
    shutil.rmtree(FOLDER / "backups")
    marker = FOLDER / "project-info.json"
    content = json.loads(marker.read_text())
    marker.write_text(json.dumps({**content, "createdAt": "2026-01-01T00:00:00.000Z"}))
    os.utime(STORE)


def _lacking_set(broken: Broken) -> None:
    shutil.rmtree(FOLDER / "backups")
    (FOLDER / "boxes.db").rename("aside")
    broken.run("backup", "create")
    Path("aside").rename(FOLDER / "boxes.db")


def _interrupted_restore(broken: Broken) -> None:
    """The new file lies beside the old one, and the record is written: then the restorer died."""
    source = broken.newest_set()
    temporary = ".shelves.db.0123456789ab.tmp"
    shutil.copy(source / "shelves.db", FOLDER / temporary)
    (FOLDER / temporary).chmod(0o600)
    item = Replacement(
        "shelves",
        "store",
        "shelves.db",
        temporary,
        path_sha256(str(FOLDER / temporary)),
        (FOLDER / temporary).stat().st_ino,
    )
    write_record(str(FOLDER.absolute()), Record("project", str(source.absolute()), None, (item,)))


def _orphans(broken: Broken) -> None:
    broken.sql(
        "INSERT INTO boxes (id, ref) VALUES ('b2', 'gone'), ('b3', 'gone')",
        store=FOLDER / "boxes.db",
    )


def _without_owner(broken: Broken) -> None:
    broken.patch.setenv("CLEO_PLUGINS", "boxes,vault")


def _held(broken: Broken) -> None:
    broken.until_the_end.enter_context(locks.locked(str(FOLDER.absolute()), "shelves"))


def _log_in_the_way(broken: Broken) -> None:
    (FOLDER / "logs" / "cleo.log").mkdir(parents=True)
    for folder in (FOLDER / "logs", FOLDER / "logs" / "cleo.log"):
        folder.chmod(0o700)


def _home_in_the_way(broken: Broken) -> None:
    (broken.home / "plain").touch()
    broken.env["CLEO_HOME"] = str(broken.home / "plain")


def _little_space(broken: Broken) -> None:
    broken.patch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=400_000_000))


def _old_sqlite(broken: Broken) -> None:
    broken.patch.setattr(sqlite, "sqlite_version", lambda: (3, 40, 1))


_KEYS = ("home/data/cleo/vault.key",)
_UNOWNED = frozenset({"store.decoy", "refs.unknown", "backup.coverage", "store.state"})

AROUND = (
    Incident(
        "the home is a file",
        *("paths.home", "error", "is not a directory"),
        _home_in_the_way,
        fix="ls ",
        beside=frozenset({"store.state", "store.integrity", "store.foreign_keys", "store.schema"})
        | {"store.pragmas", "store.size", "audit.size", "clock"}
        | {"backup.age", "backup.verify", "backup.coverage"},
    ),
    Incident(
        "others may read a store and enter its directory",
        *("paths.mode", "warning", "0644"),
        lambda broken: (STORE.chmod(0o644), FOLDER.chmod(0o755)),
        fix="cleo doctor --only paths.mode --fix",
        mends=("work/.cleo", "work/.cleo/shelves.db"),
    ),
    Incident(
        "little space is left",
        *("paths.space", "warning", "400 MB are free"),
        _little_space,
        fix="df -h ",
    ),
    Incident(
        "the marker of the project is damaged",
        *("project.marker", "error", "is damaged"),
        lambda broken: (FOLDER / "project-info.json").write_text("{"),
        fix="cleo init --path ",
    ),
    Incident(
        "a project directory without a marker lies on the way",
        *("project.rogue", "warning", "has no project-info.json"),
        _without_marker,
        fix="cleo init --path ",
    ),
    Incident(
        "a project lies in a worktree",
        *("project.worktree", "error", "worktree"),
        _worktree,
        fix="cleo init --path ",
    ),
    Incident(
        "git no longer ignores the data",
        *("project.gitignore", "warning", "managed block"),
        lambda broken: (FOLDER / ".gitignore").write_text("mine\n"),
        fix="cleo doctor --only project.gitignore --fix",
        mends=("work/.cleo/.gitignore",),
    ),
    Incident(
        "git tracks a database",
        *("project.tracked", "error", ".cleo/shelves.db"),
        _tracked,
        fix="git ",
    ),
    Incident(
        "the settings of the project are no JSON",
        *("config.valid", "warning", "config.json"),
        lambda broken: _settings("{no json"),
        fix="cleo doctor --only config.valid --fix",
        mends=("work/.cleo/config.json*", "work/.cleo/quarantine*"),
    ),
    Incident(
        "the global settings are bytes",
        *("config.valid", "warning", "config.json"),
        _global_settings,
        fix="cleo doctor --only config.valid --fix",
        mends=("home/config/cleo/config.json*", "home/config/cleo/*", "home/data/cleo/*"),
    ),
    Incident(
        "a setting has a value that its key does not take",
        *("config.valid", "warning", "keep_last"),
        lambda broken: _settings('{"backup": {"keep_last": "many"}}'),
        fix="cleo config unset backup.keep_last",
    ),
    Incident(
        "a setting is one that nobody reads",
        *("config.unknown", "warning", "agnet.id"),
        lambda broken: _settings('{"agnet": {"id": "a1"}}'),
        fix="cleo config unset agnet.id",
    ),
    Incident(
        "a variable is one that nothing reads",
        *("env.unknown", "warning", "CLEO_AGENT"),
        lambda broken: broken.env.update({"CLEO_AGENT": "a1"}),
        fix="unset CLEO_AGENT",
    ),
    Incident(
        "a plugin cannot be imported",
        *("plugins.load", "error", "not_there_at_all"),
        _bad_plugin,
        fix="pip install --force-reinstall cleo-bad",
        beside=frozenset({"plugins.scan"}),
    ),
    Incident(
        "a plugin is slow to import",
        *("plugins.slow", "info", "slow"),
        _slow_plugin,
        fix="python -X importtime",
        beside=frozenset({"plugins.scan"}),
    ),
    Incident(
        "a plugin is found by the packaging library alone",
        *("plugins.scan", "warning", "zipped"),
        _hidden_plugin,
        fix="pip install --force-reinstall cleo-zipped",
    ),
    Incident(
        "the SQLite has the WAL-reset bug",
        *("sqlite.version", "warning", "WAL-reset bug"),
        _old_sqlite,
        fix="",
        beside=frozenset({"sqlite.features"}),
    ),
    Incident(
        "the SQLite lacks what stores may use",
        *("sqlite.features", "info", "lacks jsonb"),
        _old_sqlite,
        fix="pip install --upgrade pysqlite3",
        beside=frozenset({"sqlite.version"}),
    ),
    Incident(
        "a restore was interrupted",
        *("restore.pending", "error", "was interrupted (shelves.db)"),
        _interrupted_restore,
        fix="cleo doctor --only restore.pending --fix",
        mends=(
            "work/.cleo/shelves.db*",
            "work/.cleo/.shelves.db.0123456789ab.tmp",
            "work/.cleo/locks/restore.json",
        ),
        beside=frozenset({"store.size", "refs.orphans"}),
    ),
    Incident(
        "killed processes left temporaries",
        *("temp.stale", "info", "2 temporaries"),
        _temporaries,
        fix="cleo doctor --only temp.stale --fix",
        mends=("work/.cleo/.config.json.0123456789ab.tmp", "work/.cleo/.shelves.db.4711.0a1b2c"),
    ),
    Incident(
        "a killed backup left half a set",
        *("temp.stale", "info", ".partial"),
        _partial_set,
        fix="cleo doctor --only temp.stale --fix",
        mends=("work/.cleo/backups/.2020*",),
    ),
    Incident(
        "somebody holds a lock",
        *("locks.held", "info", "shelves"),
        _held,
        fix="ps -p ",
    ),
    Incident(
        "the newest set is days older than a store",
        *("backup.age", "warning", "shelves"),
        _old_set,
        fix="cleo backup create",
    ),
    Incident(
        "there has never been a backup",
        *("backup.age", "warning", "never copied"),
        _no_set,
        fix="cleo backup create",
    ),
    Incident(
        "a copy in the newest set has rotted",
        *("backup.verify", "error", "is damaged"),
        lambda broken: broken.overwrite(5000, b"rot", broken.newest_set() / "shelves.db"),
        fix="cleo backup create",
    ),
    Incident(
        "a copy is missing from the newest set",
        *("backup.verify", "error", "is damaged"),
        lambda broken: (broken.newest_set() / "boxes.db").unlink(),
        fix="cleo backup create",
    ),
    Incident(
        "the newest set lacks a store",
        *("backup.coverage", "error", "Store boxes "),
        _lacking_set,
        fix="cleo backup create",
        beside=frozenset({"backup.age"}),
    ),
    Incident(
        "rows refer to rows of another store that are gone",
        *("refs.orphans", "warning", "gone"),
        _orphans,
        fix="cleo reconcile --apply",
    ),
    Incident(
        "the owner of what rows refer to is not installed",
        *("kinds.unowned", "info", "shelf"),
        _without_owner,
        fix="cleo plugins",
        beside=_UNOWNED,
    ),
    Incident(
        "nobody can say whether what rows refer to exists",
        *("refs.unknown", "info", "boxes.ref"),
        _without_owner,
        fix="cleo reconcile",
        beside=_UNOWNED | {"kinds.unowned"},
    ),
    Incident(
        "others may read the key",
        *("secrets.files", "error", "0644 instead of 0600"),
        lambda broken: _key(broken).chmod(0o644),
        fix="cleo doctor --only ",
        mends=_KEYS,
        beside=frozenset({"paths.mode"}),
    ),
    Incident(
        "the key is a link",
        *("secrets.files", "error", "it is a symbolic link"),
        _linked_key,
        fix="ls ",
    ),
    Incident(
        "the key has another length",
        *("secrets.files", "error", "33 bytes instead of 32"),
        lambda broken: _key(broken).write_bytes(b"x" * 33),
        fix="ls ",
    ),
    Incident(
        "the log cannot be written",
        *("log.write", "info", "cannot be written"),
        _log_in_the_way,
        fix="ls ",
    ),
)
