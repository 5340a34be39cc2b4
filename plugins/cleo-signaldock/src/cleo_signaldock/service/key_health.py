"""Health checks of the machine's key files and of what they encrypt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cleo_signaldock.api import STORE
from cleo_signaldock.errors import SignaldockError
from cleo_signaldock.service import holding
from cleo_signaldock.store import meta, secrets

if TYPE_CHECKING:
    from cleo_core.app import App


def check_keys(app: App, deep: bool) -> Mapping[str, Any]:
    """Whether the key files are there, private, and those that the stored keys need."""
    db = app.store(STORE.name)
    check = meta.value(db, "key_check")
    count = secrets.count(db)
    held = holding.files(app)
    facts = {"ciphertexts": count, "generations": held.generations()}
    renewed = int(meta.value(db, "key_generation") or 0) > 0
    if check is None and count == 0 and held.are_there() and not renewed:
        # Files are made with the first key, in one unit with the mark that they belong to it.
        return {
            "status": "warning",
            "message": "There are key files, and the registry knows of no key: it may be a new one "
            "in the place of one that is gone.",
            "details": facts,
            "fix": "cleo agent list --global",
        }
    if check is None and count == 0:
        return {"status": "ok", "message": "No key is stored yet.", "details": facts}
    if held.is_unsettled():
        return {
            "status": "warning",
            "message": "A rotation of the key files was cut short; the next use of a key ends it.",
            "details": facts,
            "fix": "cleo agent keys rotate-machine",
        }
    try:
        held.fitting(check)
    except SignaldockError as error:
        return {
            "status": "error",
            "message": error.message,
            "details": {**facts, **error.details},
            "fix": error.fix,
        }
    return {"status": "ok", "message": f"The key files open {count} stored keys.", "details": facts}


def check_reauth(app: App, deep: bool) -> Mapping[str, Any]:
    """Whether an agent must be given its key anew."""
    rows = secrets.flagged(app.store(STORE.name))
    if not rows:
        return {"status": "ok", "message": "No agent must be given its key anew."}
    first = rows[0]["agent_id"]
    return {
        "status": "warning",
        "message": f"{len(rows)} agents must be given their key anew, {first} among them.",
        "details": {"agents": {row["agent_id"]: row["reauth_reason"] for row in rows}},
        "fix": f"cleo agent keys set {first}",
    }


def check_blobs(app: App, deep: bool) -> Mapping[str, Any]:
    """Whether stored keys have the present form, and no rotation at a server is unfinished."""
    from cleo_signaldock.secrets import blobs

    db = app.store(STORE.name)
    older, derived, pending = [], [], []
    for table, key, column, owner in secrets.CIPHERTEXTS:
        for row in secrets.ciphertexts(db, table, key, column, owner):
            if blobs.is_legacy_derived(row["blob"]):
                derived.append(row["id"])
            elif blobs.version(row["blob"]) == 1:
                older.append(row["id"])
            if column == "api_key_pending_encrypted":
                pending.append(row["id"])
    facts = {"older": older, "derived": derived, "pending": pending}
    if derived:
        return {
            "status": "warning",
            "message": f"{derived[0]} has a derived key in the place of a key.",
            "details": facts,
            "fix": f"cleo agent keys set {derived[0]}",
        }
    if pending:
        return {
            "status": "warning",
            "message": f"Whether {pending[0]}'s server took its next key is not known.",
            "details": facts,
            "fix": f"cleo agent keys rotate {pending[0]}",
        }
    if older:
        return {
            "status": "info",
            "message": f"{len(older)} keys are stored in the older form.",
            "details": facts,
            "fix": "cleo agent keys rotate-machine",
        }
    return {"status": "ok", "message": "Every stored key has the present form.", "details": facts}
