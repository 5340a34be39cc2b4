"""Whether a database that came in a bundle is the store that it says it is, and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_core.backup import row_counts
from cleo_core.bundle.problems import invalid
from cleo_core.database import connect_for_copy, driver, header, translate
from cleo_core.errors import shortened
from cleo_core.migrate.genuine import NotGenuineError, check_schema

if TYPE_CHECKING:
    from cleo_core.api import StoreSpec
    from cleo_core.stores import Stores


def check_store(stores: Stores, spec: StoreSpec, path: str) -> dict[str, Any]:
    """Prove that a file is a store of this program's, of its revision or an older one.

    :param path: of a file that nobody else uses.
    :returns: applicationId, revision and rowCounts, as the file itself gives them.
    :raises CleoError: ``E_BUNDLE_INVALID``; ``E_STORE_AHEAD``.
    """
    try:
        application_id = header(path)[1]
    except OSError as error:
        raise translate(error, spec.name, path) from error
    if application_id is None:
        raise invalid(f"its store {spec.name} is no SQLite database")
    if application_id != spec.application_id:
        raise invalid(
            f"its store {spec.name} has the application id {application_id:#010x}, not "
            f"{spec.application_id:#010x}"
        )
    try:
        # Not one that may only read: in a database opened so, SQLite passes over every CHECK.
        connection = connect_for_copy(path)
        try:
            return {"applicationId": application_id, **_checked(stores, spec, path, connection)}
        finally:
            connection.close()
    except driver().Error as error:
        raise invalid(f"its store {spec.name} is damaged: {error}") from error


def _checked(stores: Stores, spec: StoreSpec, path: str, connection: Any) -> dict[str, Any]:
    try:
        revision = check_schema(stores, spec, path, connection)
    except NotGenuineError as error:
        raise invalid(str(error)) from error
    for check in ("integrity_check(1)", "foreign_key_check"):
        row = connection.execute(f"PRAGMA {check}").fetchone()
        if row is not None and row[0] != "ok":
            raise invalid(f"its store {spec.name} is damaged: {check} finds {shortened(str(row))}")
    return {"revision": revision, "rowCounts": row_counts(connection, spec)}
