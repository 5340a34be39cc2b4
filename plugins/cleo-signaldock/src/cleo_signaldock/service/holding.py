"""The machine's two key files, and the ciphertexts in the store that they open.

The files are made with the first key that is stored, and never again while anything is encrypted.
``key_check`` in the store says whether the files are those that it was encrypted with.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cleo_core.errors import CleoError
from cleo_signaldock.api import STORE
from cleo_signaldock.errors import SignaldockError
from cleo_signaldock.secrets.files import SecretFiles
from cleo_signaldock.secrets.keys import Keys
from cleo_signaldock.service.work import Verbs, Work
from cleo_signaldock.store import meta, secrets

if TYPE_CHECKING:
    from cleo_core.app import App

T = TypeVar("T")

__all__ = [
    "KEY_COLUMN",
    "PENDING_COLUMN",
    "Keys",
    "begin",
    "digest",
    "files",
    "is_same",
    "keys",
    "project_paths",
    "put",
    "with_keys",
]

#: The column of an agent's key, which is part of what a ciphertext is bound to.
KEY_COLUMN = "agents.api_key_encrypted"
PENDING_COLUMN = "agents.api_key_pending_encrypted"
#: Code of a lost file -> why an agent must be given its key anew.
_REASONS = {"E_SALT_LOST": "salt_lost", "E_MACHINE_KEY_LOST": "key_lost"}


def files(app: App) -> SecretFiles:
    """The secret files beside the store."""
    return SecretFiles(Path(app.stores.path(STORE)).parent)


def keys(app: App) -> Keys:
    """The machine's keys; they are made where nothing was ever encrypted with any.

    Where they do not fit what is stored, its agents are flagged; where they fit again, the flags
    are taken away.

    :raises SignaldockError: 92, a file is lost, unsafe, or not the one that was used.
    """
    db = app.store(STORE.name)
    check = meta.value(db, "key_check")
    if check is None and secrets.count(db) == 0:
        if app.dry_run:
            return files(app).rehearsed()
        return files(app).create()
    found = _fitting(app, check)
    if secrets.lost(db):
        Verbs(app).write("agent.unflag", _clear)
    return found


def with_keys(app: App, act: Callable[[Keys], T]) -> T:
    """Do something with the machine's keys; once more where they are renewed meanwhile.

    :raises SignaldockError: 92 as :func:`keys`.
    """
    try:
        return act(keys(app))
    except SignaldockError as error:
        if error.code != "E_SECRET_MISMATCH":
            raise
    return act(keys(app))


def put(work: Work, keys: Keys, agent_id: str, text: str) -> None:
    """Store an agent's key, encrypted; the first one settles which files belong to the store.

    :raises SignaldockError: ``E_SECRET_MISMATCH`` (92), meanwhile the files were renewed.
    """
    from cleo_signaldock.secrets import blobs

    settle(work, keys)
    blob = blobs.encrypt(keys.derive(agent_id), text, column=KEY_COLUMN, id=agent_id)
    secrets.set_key(work, agent_id, blob, work.now)


def settle(work: Work, keys: Keys) -> None:
    """Write down which files the ciphertexts of this store need.

    :raises SignaldockError: ``E_SECRET_MISMATCH`` (92).
    """
    begin(work)
    check = meta.value(work, "key_check")
    if check == keys.check:
        return
    if check is not None:
        raise mismatch()
    renew(work, keys)


def begin(work: Work) -> None:
    """Keep others from storing a key or renewing the files until the unit ends.

    Every unit that does either begins with it, so that all take their locks in one order.
    """
    meta.held(work, "key_generation")


def renew(work: Work, keys: Keys) -> None:
    """Write down that every ciphertext of this store needs these files from now on."""
    machine, salt = keys.fingerprints
    meta.put(work, "key_check", keys.check)
    meta.put(work, "machine_fingerprint", machine)
    meta.put(work, "salt_fingerprint", salt)


def is_same(work: Work, keys: Keys, agent_id: str, text: str) -> bool:
    """Whether an agent's stored key is this one; False where it has none or it is unreadable."""
    import hmac

    from cleo_signaldock.secrets import blobs

    row = secrets.of_agent(work, agent_id)
    if row is None or row["api_key_encrypted"] is None:
        return False
    try:
        found = blobs.decrypt(row["api_key_encrypted"], keys, column=KEY_COLUMN, id=agent_id)
    except CleoError:
        return False
    return hmac.compare_digest(found.text.encode(), text.encode())


def project_paths(app: App) -> list[str]:
    """Directories whose legacy keys may open a blob of the older form: this project's."""
    here = app.project_or_none
    return [] if here is None else [here.root]


def digest(text: str) -> str:
    """SHA-256 of a key, in hexadecimal: what servers and idempotency keys know it by."""
    import hashlib

    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def mismatch() -> SignaldockError:
    """Exit 92 for files that are not those that the store was encrypted with."""
    return SignaldockError(
        "E_SECRET_MISMATCH",
        "The key files of this machine are not those that its agents' keys were encrypted with.",
        fix="the same command, then cleo agent keys status",
    )


def _fitting(app: App, check: str | None) -> Keys:
    """The keys in the files, once they are known to fit.

    :raises SignaldockError: 92; agents are flagged first.
    """
    held = files(app)
    try:
        if not held.is_unsettled():
            return held.fitting(check)
    except SignaldockError as error:
        if error.code == "E_SECRET_UNSAFE":
            raise
    # A rotation may have been cut short, or may be going on: without the lock one of the two files
    # can be of before it and the other of after it.
    with nullcontext() if app.dry_run else held.locked():
        db = app.store(STORE.name)
        check = meta.value(db, "key_check")
        generation = int(meta.value(db, "key_generation") or 0)
        try:
            if not app.dry_run:
                held.settle(check, generation - 1)
            return held.fitting(check)
        except SignaldockError as error:
            reason = _REASONS.get(error.code) or _which(app, held)
            if error.code != "E_SECRET_UNSAFE":
                Verbs(app).write("agent.flag_reauth", lambda work: _flag_all(work, reason))
            raise


def _which(app: App, held: SecretFiles) -> str:
    """Which of two files that do not fit is the wrong one: key_lost or salt_lost."""
    try:
        machine, _ = held.read().fingerprints
    except CleoError:
        return "key_lost"
    known = meta.value(app.store(STORE.name), "machine_fingerprint")
    return "salt_lost" if machine == known else "key_lost"


def _flag_all(work: Work, reason: str) -> None:
    count = secrets.flag_all(work, reason)
    if count:
        work.note("machine", "keys", reason=reason, agents=count)


def _clear(work: Work) -> None:
    count = secrets.clear_lost(work)
    if count:
        work.note("machine", "keys", agents=count)
