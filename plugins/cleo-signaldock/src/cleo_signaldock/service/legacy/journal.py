"""The journal of a project's migration, which alone says how far it is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from cleo_core import clock
from cleo_core.errors import CleoError, StoreError
from cleo_core.ids import ordered_id
from cleo_core.paths import ensure_directory
from cleo_core.paths.files import atomic_write, file_error, quoted, read_bounded

FOLDER = "legacy-migration"
NAME = "journal.json"
COPY = "source.db"
STEPS = ("copy", "plan", "identity", "messages", "cache", "verify", "rename")
#: States that nothing has to follow.
FINAL = ("done", "rolled_back")
_LONGEST = 64 * 1024 * 1024


class Journal:
    """What is written down of one run.

    :param directory: the project's directory of CLEO.
    :ivar data: as it stands in the file.
    """

    def __init__(self, directory: str, data: dict[str, Any]) -> None:
        self.folder = os.path.join(directory, FOLDER)
        self.data = data

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return str(self.data["runId"])

    @property
    def started_at(self) -> str:
        """When the run began; the time of all rows that have none of their own."""
        return str(self.data["startedAt"])

    @property
    def copy(self) -> str:
        """Where the copy of the older file is."""
        return os.path.join(self.folder, COPY)

    def beside(self, name: str) -> str:
        """The path of a file of the project's directory, which may have moved since."""
        return os.path.join(os.path.dirname(self.folder), name)

    @property
    def is_final(self) -> bool:
        """Whether the run ended, or was taken back."""
        return self.data["status"] in FINAL

    def done(self, step: str) -> bool:
        """Whether a step has its mark."""
        return step in self.data["steps"]

    def mark(self, step: str, **more: Any) -> None:
        """Set a step's mark, and more with it."""
        self.data["steps"][step] = clock.now()
        self.save(**more)

    def save(self, **more: Any) -> None:
        """Write the file: a temporary name, synced, renamed."""
        self.data.update(more)
        ensure_directory(self.folder)
        text = json.dumps(self.data, ensure_ascii=False, indent=1)
        atomic_write(os.path.join(self.folder, NAME), text.encode())

    def discard(self) -> None:
        """Remove what a run left that wrote nothing else."""
        for name in (COPY, NAME):
            _unlink(os.path.join(self.folder, name))
        try:
            os.rmdir(self.folder)
        except OSError:
            # Journals of earlier runs stay.
            return

    def drop_copy(self) -> None:
        """Remove the copy of the older file."""
        _unlink(self.copy)


def begin(
    directory: str, renames: Mapping[str, str], old_paths: list[str], *, earlier: Journal | None
) -> Journal:
    """A new run's journal, not written yet; that of an earlier run keeps a name of its own."""
    if earlier is not None:
        kept = os.path.join(earlier.folder, f"journal-{earlier.run_id}.json")
        try:
            os.replace(os.path.join(earlier.folder, NAME), kept)
        except OSError as error:
            raise file_error(error, kept) from error
    return Journal(
        directory,
        {
            "version": 1,
            "runId": ordered_id(),
            "startedAt": clock.now(),
            "status": "running",
            "renames": dict(renames),
            "oldPaths": list(old_paths),
            "steps": {},
        },
    )


def read(directory: str) -> Journal | None:
    """The journal of the latest run, or None.

    :raises StoreError: 53, it is none.
    """
    path = os.path.join(directory, FOLDER, NAME)
    try:
        found = json.loads(read_bounded(path, _LONGEST))
        if not {"runId", "status", "steps", "startedAt"} <= found.keys():
            raise ValueError("keys are missing")
        return Journal(directory, found)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise file_error(error, path) from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(
            "E_STORE_CORRUPT",
            f"{path} is damaged, so nobody knows how far the migration is: {error}.",
            fix=f"cat {quoted(path)}",
            details={"path": path},
        ) from None


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        failed: CleoError = file_error(error, path)
        raise failed from error
