"""The server's errors in the words that the same failure has on SQLite.

No message holds SQL, a value that was sent, or an address with its password.
"""

from __future__ import annotations

import re
from typing import Any

from cleo_core.database import driver
from cleo_core.errors import CleoError, StoreError

#: SQLSTATEs after which the whole unit is run again.
REPEATED = frozenset({"40001", "40P01", "55P03"})
_BUSY = REPEATED | {"57014", "53300", "25P03"}
_LOST = frozenset({"57P01", "57P02", "57P03"})
#: Words of a refused connection -> what is wrong, the code, the fix.
_REFUSED = (
    ("password authentication failed", "it does not accept the password", "E_CONFIG"),
    ("no password supplied", "it asks for a password", "E_CONFIG"),
    ("does not exist", "it has no such database or user", "E_CONFIG"),
    ("invalid connection option", "the address has an option that is not known", "E_CONFIG"),
    ("pg_hba.conf", "it does not let this user in from here", "E_CONFIG"),
    ("too many c", "it has no connection left", "E_WRITE_CONTENTION"),
    ("Connection refused", "nothing listens there", "E_IO"),
    ("No such file", "nothing listens there", "E_IO"),
    ("timeout", "it gave no answer in time", "E_IO"),
    ("resolve", "its name is not known", "E_IO"),
    ("SSL", "no encrypted connection could be made", "E_IO"),
)


class LostConnectionError(CleoError):
    """The connection is gone; what was not committed is undone."""


def original(error: BaseException) -> BaseException:
    """The driver's own error below SQLAlchemy's."""
    return getattr(error, "orig", None) or error


def sqlstate(error: BaseException | None) -> str:
    """The five characters by which the server names a failure; empty for none."""
    return str(getattr(error, "sqlstate", None) or "")


def translated(error: BaseException, store: str, shown: str, *, alive: bool = True) -> Exception:
    """The error a service or a user should see for one of the driver's.

    :param shown: the address without its password.
    :param alive: whether the connection still is.
    """
    cause = original(error)
    state = sqlstate(cause)
    details = {"store": store, "path": shown}
    if state in _LOST or (not alive and not state.startswith("25")):
        return LostConnectionError(
            "E_IO", f"The connection to {shown} was lost.", fix="pg_isready", details=details
        )
    if state in _BUSY or not alive:
        return CleoError(
            "E_WRITE_CONTENTION",
            f"The database of store {store} was busy for too long; nothing was written.",
            details=details,
        )
    if state.startswith("23"):
        return _integrity(state, cause)
    if state.startswith("22"):
        if state == "22021":
            return _not_text()
        return _error("IntegrityError", f"a value does not fit its column (SQLSTATE {state})")
    if state.startswith("53"):
        return CleoError(
            "E_DISK_FULL",
            f"The server of store {store} has no room left; nothing was changed.",
            details=details,
        )
    if state in ("42501", "25006"):
        return CleoError(
            "E_PERMISSION_FS", f"The user of {shown} may not do this there.", details=details
        )
    if state.startswith("XX") and state != "XX000":
        return StoreError(
            "E_STORE_CORRUPT",
            f"Store {store} is damaged (SQLSTATE {state}).",
            fix=f"cleo stores {store}",
            details=details,
        )
    if not state and "NUL (0x00)" in str(cause):
        return _not_text()
    if isinstance(cause, UnicodeEncodeError):
        return cause
    # A statement that does not fit the schema is a defect of the program.
    name = re.sub(r"(?i)\bline \d.*", "", _diagnosed(cause, "message_primary") or "").strip()
    return _error("OperationalError", f"{name or type(cause).__name__} (SQLSTATE {state or '?'})")


def refused(error: BaseException, store: str, shown: str) -> CleoError:
    """The error for a connection that could not be made; the driver's words are not repeated."""
    words = str(original(error))
    known = ((meaning, code) for sign, meaning, code in _REFUSED if sign in words)
    meaning, code = next(known, ("no connection could be made", "E_IO"))
    fix = "export CLEO_SIGNALDOCK_DATABASE_URL=postgresql://USER@HOST/DATABASE"
    return CleoError(
        code,
        f"The database {shown} cannot be used: {meaning}.",
        fix=fix if code == "E_CONFIG" else "pg_isready",
        details={"store": store, "path": shown},
    )


def _not_text() -> CleoError:
    return CleoError("E_VALIDATION", "Text may not hold the character NUL.")


def _integrity(state: str, cause: BaseException) -> Exception:
    table = _diagnosed(cause, "table_name")
    name = _diagnosed(cause, "constraint_name")
    column = _diagnosed(cause, "column_name")
    if state == "23505":
        columns = re.match(r"Key \(([^=]*)\)=", _diagnosed(cause, "message_detail"))
        names = columns[1].replace('"', "").split(", ") if columns else []
        if names and all(re.fullmatch(r"\w+", one) for one in names):
            what = ", ".join(f"{table}.{one}" for one in names)
        else:
            what = f"index '{name}'"
        return _error("IntegrityError", f"UNIQUE constraint failed: {what}")
    if state == "23502":
        return _error("IntegrityError", f"NOT NULL constraint failed: {table}.{column}")
    if state == "23503":
        return _error("IntegrityError", "FOREIGN KEY constraint failed")
    return _error("IntegrityError", f"CHECK constraint failed: {name or 'unnamed'}")


def _diagnosed(cause: BaseException, field: str) -> str:
    return str(getattr(getattr(cause, "diag", None), field, None) or "")


def _error(kind: str, words: str) -> Exception:
    made: Any = getattr(driver(), kind)(words)
    assert isinstance(made, Exception)
    return made
