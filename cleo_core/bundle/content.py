"""What is here already, and what the settings of a bundle say otherwise."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cleo_core.backup import row_counts
from cleo_core.backup.inventory import LARGEST_FILE
from cleo_core.bundle.problems import invalid
from cleo_core.errors import ExitCode
from cleo_core.paths import read_bounded
from cleo_core.reconcile import looking
from cleo_core.states import ABSENT

if TYPE_CHECKING:
    from cleo_core.api import StoreSpec
    from cleo_core.app import App

#: As deep as a setting's name may go in a comparison.
_DEEPEST = 20


def existing_data(app: App, names: Collection[str]) -> list[dict[str, Any]]:
    """Stores of these names that hold more than ``init`` puts into a new one.

    :returns: ``{store, rows}``; rows is None where they cannot be counted, which is no reason to
        take the file for empty.
    :raises CleoError: a file was busy all the time.
    """
    found = []
    with looking(app):
        for name in names:
            rows = _rows_of_its_own(app, app.plugins.stores[name])
            if rows != 0:
                found.append({"store": name, "rows": rows})
    return found


def json_object(path: str, name: str) -> dict[str, Any]:
    """The JSON object in a file that came in a bundle.

    :raises CleoError: ``E_BUNDLE_INVALID``.
    """
    try:
        content = json.loads(read_bounded(path, LARGEST_FILE, follow=False))
        json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise invalid(f"its member {name} is no JSON") from None
    if not isinstance(content, dict):
        raise invalid(f"its member {name} is no JSON object")
    return content


def differing_keys(theirs: Mapping[str, Any], path: str) -> list[str]:
    """Dotted names of the settings that one file has otherwise than another.

    :param path: of the file that is here, which may be absent or damaged.
    """
    try:
        ours = json.loads(read_bounded(path, LARGEST_FILE))
    except (OSError, ValueError, RecursionError):
        ours = {}
    here = dict(_flat(ours)) if isinstance(ours, dict) else {}
    there = dict(_flat(theirs))
    missing = object()
    return sorted(
        key for key in {*here, *there} if here.get(key, missing) != there.get(key, missing)
    )


def _flat(
    settings: Mapping[str, Any], prefix: str = "", depth: int = 0
) -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value and depth < _DEEPEST:
            yield from _flat(value, f"{name}.", depth + 1)
        else:
            yield name, value


def _rows_of_its_own(app: App, spec: StoreSpec) -> int | None:
    """Rows that a store has beyond those of a new one; None where they cannot be counted."""
    if app.stores.elsewhere(spec) is not None:
        return 0
    state = app.stores.state(spec)
    if state.state == ABSENT:
        return 0
    if state.error is not None and state.error.exit == ExitCode.CONTENTION:
        raise state.error
    database, _ = app.stores.open(spec, write=False)
    if database is None:
        return None
    fresh = app.stores.empty(spec)
    try:
        new = row_counts(fresh.connection, spec)
        counts = row_counts(database.connection, spec)
    except Exception:
        # The driver's words for a page that cannot be read.
        return None
    finally:
        fresh.close()
        database.close()
    return sum(max(0, count - new.get(table, 0)) for table, count in counts.items())
