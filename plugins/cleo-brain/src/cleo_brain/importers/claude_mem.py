"""claude-mem: its SQLite file of any version, and its JSON export.

Tables ``observations`` and ``session_summaries`` (``summaries`` in the export) of
https://github.com/thedotmack/claude-mem; the session was called ``sdk_session_id`` before
``memory_session_id``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cleo_brain.enums import OBSERVATION_TYPE
from cleo_brain.importers import files
from cleo_brain.importers.item import Item, left_over, unreadable
from cleo_core.database.foreign import foreign
from cleo_core.errors import ValidationError, shortened

_SHARED = (
    *("id", "memory_session_id", "sdk_session_id", "project", "created_at", "created_at_epoch"),
    *("discovery_tokens", "files_read", "agent_id", "content_hash"),
)
_OBSERVATION = frozenset(
    (
        *_SHARED,
        *("type", "title", "subtitle", "narrative", "text"),
        *("facts", "concepts", "files_modified"),
    )
)
#: Fields of a summary -> the heading of their paragraph.
PARAGRAPHS = {
    "request": "Request",
    "investigated": "Investigated",
    "learned": "Learned",
    "completed": "Completed",
    "next_steps": "Next steps",
    "notes": "Notes",
}
_SUMMARY = frozenset((*_SHARED, *PARAGRAPHS, "files_edited"))


def fits_tables(tables: Mapping[str, list[str]]) -> bool:
    """Whether a database is one of claude-mem's."""
    columns = tables.get("observations", ())
    return bool({"memory_session_id", "sdk_session_id"} & set(columns))


def fits_json(value: Any) -> bool:
    """Whether a JSON value is an export of claude-mem."""
    return isinstance(value, dict) and any(
        isinstance(value.get(name), list) for name in ("observations", "summaries")
    )


def read(path: str, project: str | None) -> Iterator[Item]:
    """The observations and summaries of a file, in the order of their times.

    :param project: only this project's.
    :raises ValidationError: the file is no memory of claude-mem.
    """
    if files.is_database(path):
        with foreign(path) as database:
            if not fits_tables(database.tables):
                raise _none(path)
            observations = list(database.rows("observations"))
            summaries: list[Any] = []
            if "session_summaries" in database.tables:
                summaries = list(database.rows("session_summaries"))
    else:
        try:
            value = files.parsed(files.text(path))
        except ValueError as error:
            raise ValidationError(
                f"{shortened(path)} is no JSON: {_plain(error)}.", fix="cleo memory import FILE"
            ) from None
        if not fits_json(value):
            raise _none(path)
        observations = _list(value.get("observations"))
        summaries = _list(value.get("summaries"))
    found = [
        *_items("observation", observations, project),
        *_items("summary", summaries, project),
    ]
    yield from sorted(found, key=_time)


def _items(what: str, rows: Iterable[Any], project: str | None) -> Iterator[Item]:
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            yield unreadable(f"{what} {number}", "it is no object")
        elif project is None or row.get("project") == project:
            yield _observation(row, number) if what == "observation" else _summary(row, number)


def _observation(row: dict[str, Any], number: int) -> Item:
    unknown = left_over(row, _OBSERVATION)
    type_ = row.get("type")
    if type_ not in OBSERVATION_TYPE:
        if type_ not in (None, ""):
            unknown["type"] = type_
        type_ = "discovery"
    item = _common(row, number, "observation", unknown)
    item.values |= {
        "type": type_,
        "title": row.get("title"),
        "subtitle": row.get("subtitle"),
        "narrative": row.get("narrative") or row.get("text") or row.get("title"),
        "facts": files.listed(row.get("facts")),
        "concepts": files.listed(row.get("concepts")),
        "files_modified": files.listed(row.get("files_modified")),
    }
    return item


def _summary(row: dict[str, Any], number: int) -> Item:
    item = _common(row, number, "summary", left_over(row, _SUMMARY))
    request = row.get("request")
    item.values |= {
        "type": "session-summary",
        "title": request if isinstance(request, str) else None,
        "narrative": "\n\n".join(
            f"{heading}: {row[name]}"
            for name, heading in PARAGRAPHS.items()
            if isinstance(row.get(name), str) and row[name].strip()
        ),
        "files_modified": files.listed(row.get("files_edited")),
    }
    return item


def _common(row: dict[str, Any], number: int, what: str, unknown: dict[str, Any]) -> Item:
    session = row.get("memory_session_id") or row.get("sdk_session_id") or ""
    id_ = row.get("id")
    letter = "S" if what == "summary" else ""
    at = row.get("created_at_epoch")
    return Item(
        where=f"{what} {number if id_ is None else id_}",
        origin=None if id_ is None else f"claude-mem:{session}:{letter}{id_}",
        id=None if id_ is None else f"CM-{letter}{id_}",
        at=row.get("created_at") if at is None else at,
        thread=f"claude-mem:{session}" if session else None,
        agent=row.get("agent_id"),
        values={
            "files_read": files.listed(row.get("files_read")),
            "project": row.get("project"),
            "discovery_tokens": row.get("discovery_tokens"),
            "source_type": "claude-mem",
        },
        unknown=unknown,
    )


def _time(item: Item) -> float:
    from cleo_core import clock

    if isinstance(item.at, (int, float)):
        return float(item.at)
    try:
        return clock.parse_time(str(item.at)) * 1000
    except (ValueError, OverflowError):
        return float("inf")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _plain(error: ValueError) -> str:
    """What JSON's error says, without the text that it stands in."""
    return getattr(error, "msg", "") or str(error)


def _none(path: str) -> ValidationError:
    return ValidationError(
        f"{shortened(path)} holds no memories of claude-mem.", fix="cleo memory import FILE"
    )
