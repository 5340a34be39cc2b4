"""Keys of the older file: read with what encrypted them then, encrypted as they are kept today."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_core.errors import CleoError
from cleo_signaldock.api import STORE
from cleo_signaldock.errors import SignaldockError
from cleo_signaldock.secrets import blobs
from cleo_signaldock.secrets.keys import Keys
from cleo_signaldock.service import holding
from cleo_signaldock.store import meta, secrets

if TYPE_CHECKING:
    from cleo_core.app import App

_KEY = "sk_live_"


class MachineCipher:
    """A cipher with the machine's keys.

    :param keys: of the two files.
    :param paths: directories whose legacy keys are tried.
    :ivar sealed: whether anything was encrypted.
    """

    def __init__(self, keys: Keys, paths: Sequence[str]) -> None:
        self.keys = keys
        self._paths = tuple(paths)
        self.sealed = False

    def read(self, blob: str, agent_id: str) -> str | None:
        """The text of a key, or None where nothing opens it, or where it is none."""
        if blobs.is_legacy_derived(blob):
            return None
        if blob.startswith(_KEY):
            return blob
        try:
            found = blobs.decrypt(
                blob, self.keys, column=holding.KEY_COLUMN, id=agent_id, project_paths=self._paths
            ).text
        except CleoError:
            return None
        return None if not found or blobs.is_legacy_derived(found) else found

    def seal(self, text: str, column: str, agent_id: str) -> str:
        """A text encrypted for a column of ``agents``."""
        self.sealed = True
        return blobs.encrypt(
            self.keys.derive(agent_id), text, column=f"agents.{column}", id=agent_id
        )


class NoCipher:
    """What a file without keys needs."""

    sealed = False

    def read(self, blob: str, agent_id: str) -> str | None:
        """Never asked for."""
        raise AssertionError("the file has no keys")

    def seal(self, text: str, column: str, agent_id: str) -> str:
        """Never asked for."""
        raise AssertionError("the file has no keys")


def opened(app: App, paths: Sequence[str]) -> MachineCipher:
    """The cipher of this machine; its key files are made where nothing needs older ones.

    :raises SignaldockError: 92, the files do not fit what is encrypted already.
    """
    keys = _looked_at(app) if app.dry_run else holding.keys(app)
    return MachineCipher(keys, paths)


def _looked_at(app: App) -> Keys:
    """The keys for a dry run: those of the files as far as there are any."""
    db = app.store(STORE.name)
    if meta.value(db, "key_check") is not None or secrets.count(db) != 0:
        return holding.keys(app)
    files = holding.files(app)
    try:
        return files.read()
    except SignaldockError as error:
        if error.code == "E_SALT_LOST":
            # The salt would be made; what the older file holds needs the machine's key alone.
            return files.rehearsed(keep_machine_key=True)
        if error.code == "E_MACHINE_KEY_LOST":
            return files.rehearsed()
        raise
