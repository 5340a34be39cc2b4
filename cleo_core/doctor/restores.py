"""Restores that were interrupted after they had been decided."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cleo_core import clock
from cleo_core.doctor.finding import Finding
from cleo_core.errors import CleoError
from cleo_core.locks import held, locked
from cleo_core.paths import ensure_directory, file_error
from cleo_core.pending_restore import (
    LOCK,
    finish,
    read_record,
    record_path,
    remove_record,
    remove_temporaries,
    way_out,
)

if TYPE_CHECKING:
    from cleo_core.doctor.scene import Scene

_FIX = "cleo doctor --only restore.pending --fix"


def pending(scene: Scene) -> Finding:
    """A restore that has begun to replace files, and whose process is gone."""
    found = list(_pending(scene))
    if not found:
        return Finding("ok", "No restore was interrupted.")
    dead = [one for one in found if not one["running"]]
    if not dead:
        return Finding("info", f"A restore in {found[0]['directory']} is under way.", _facts(found))
    first = dead[0]
    return Finding(
        "error",
        f"A restore in {first['directory']} was interrupted{first['words']}. The next command that "
        "opens a store there finishes it, where that can be done.",
        _facts(found),
        _FIX,
        fixable=True,
    )


def finish_restores(scene: Scene) -> list[str]:
    """Carry out what is left; what cannot be, and has nothing to go back to, is given up.

    :returns: the records that are gone.
    :raises CleoError: ``E_RESTORE_PENDING`` with the command that restores what was there before;
        ``E_STORE_IN_USE``, ``E_LOCK_TIMEOUT``.
    """
    done = []
    for one in list(_pending(scene)):
        directory = one["directory"]
        if one["running"]:
            continue
        try:
            finish(directory, scene.env, warn=scene.app.warn)
        except CleoError as error:
            if error.code != "E_RESTORE_PENDING" or error.fix != _FIX:
                if error.code == "E_RESTORE_PENDING":
                    error.message = f"{error.message} Run: {error.fix}"
                raise
            _give_up(scene, directory)
        _open_stores(scene, one["tier"])
        done.append(one["record"])
    return done


def _open_stores(scene: Scene, tier: str) -> None:
    """Let the stores be as a command leaves them: copies keep no write-ahead log."""
    stores = scene.app.stores
    for spec in scene.stores():
        if spec.tier == tier and stores.elsewhere(spec) is None:
            database, _ = stores.open(spec, write=True)
            if database is not None:
                database.close()


def _give_up(scene: Scene, directory: str) -> None:
    """Put a record aside of which nothing more can come: every file is as it was, or as restored.

    :raises CleoError: it cannot be moved.
    """
    path = record_path(directory)
    with locked(directory, LOCK):
        try:
            record = read_record(directory)
        except FileNotFoundError:
            return
        except CleoError:
            stamp = "".join(char for char in clock.now() if char.isalnum())
            kept = os.path.join(directory, "quarantine", f"restore.json.{stamp}")
            ensure_directory(os.path.dirname(kept))
            try:
                os.replace(path, kept)
            except OSError as error:
                raise file_error(error, path) from error
            return
        if way_out(record) == _FIX:
            remove_temporaries(directory, record, scene.env)
            remove_record(directory)


def _pending(scene: Scene) -> Iterator[dict[str, Any]]:
    for tier, directory in scene.directories().items():
        path = record_path(directory)
        if not os.path.lexists(path):
            continue
        running = any(one["lock"] == LOCK for one in held(directory))
        words = ""
        try:
            record = read_record(directory)
            words = f" ({', '.join(one.file for one in record.items)})"
        except FileNotFoundError:
            continue
        except CleoError:
            words = ", and its record cannot be read"
        yield {
            "tier": tier,
            "directory": directory,
            "record": path,
            "running": running,
            "words": words,
        }


def _facts(found: list[dict[str, Any]]) -> dict[str, Any]:
    shown = ("tier", "record", "running")
    return {"restores": [{key: one[key] for key in shown} for one in found]}
