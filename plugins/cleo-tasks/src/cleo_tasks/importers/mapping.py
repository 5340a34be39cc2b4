"""What all importers do alike: titles, labels, notes, times, and a status with its columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from cleo_tasks.enums import OPEN_STATUS, RELATION_TYPE
from cleo_tasks.importers.row import Row
from cleo_tasks.importers.source import MalformedError
from cleo_tasks.service.fields import LABEL_LENGTH, SLUG, TITLE_LENGTH

#: Spellings of relation types.
RELATIONS = {
    **{word: word for word in RELATION_TYPE},
    "relates-to": "related",
    "duplicate-of": "duplicates",
}

#: What only an archived task has, and what the sources that have it call it.
_ARCHIVED = {
    "archived_at": "archivedAt",
    "archive_reason": "archiveReason",
    "archived_from": "archivedFrom",
}

_NOT_LABEL = re.compile(r"[^a-z0-9._:/-]+")
_BLANKS = re.compile(r"\s+")
_BREAKS = re.compile(r"[ \t]*[\r\n]+[ \t]*")
_BULLET = re.compile(r"^\s*(?:(?:[-*+•]|\d{1,3}[.)])\s+)?(?:\[ \]\s+)?")
_USUAL_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z|\+00:00)\Z")


def name(row: Row, title: Any, *sections: tuple[str | None, str | None]) -> None:
    """Title and description.

    A title of several lines is put on one; one over 200 characters is cut at a word and the full
    text heads the description. A description that only repeats the title is left out.

    :param sections: (heading or None, text) of the description, empty ones left out.
    :raises MalformedError: there is no title.
    """
    if title is None or title == "":
        raise MalformedError("no title", "there is no title")
    if not isinstance(title, str):
        raise MalformedError("wrong type", "the title must be text")
    line = _BREAKS.sub(" ", title).strip(" \t\r\n")
    if not line:
        raise MalformedError("no title", "the title is blank")
    parts = [
        f"## {heading}\n\n{text}" if heading else text
        for heading, text in sections
        if text is not None and text.strip()
    ]
    if len(line) > TITLE_LENGTH:
        parts.insert(0, title.strip())
        line = _cut(line)
        row.marks.append("title_cut")
    elif line != title:
        row.keep("title", title)
    if parts and parts[0].strip().lower() == line.lower():
        parts.pop(0)
    row.columns["title"] = line
    row.columns["description"] = "\n\n".join(parts) or None


def labels(row: Row, field: str, values: Iterable[Any]) -> None:
    """Labels in lower case, blanks as ``-``, other characters dropped; changed ones are kept.

    :raises MalformedError: one is no text.
    """
    given = list(values)
    for value in given:
        if not isinstance(value, str):
            raise MalformedError("wrong type", f"{field} must be texts")
    settled = [label(value) for value in given]
    if settled != given:
        row.keep(field, given)
    row.labels += [word for word in settled if word and word not in row.labels]


def labelled(row: Row, field: str, value: str) -> None:
    """The label ``field:value``; a value that had to change for it is kept."""
    word = label(f"{field}:{value}")
    if word != f"{field}:{value}":
        row.keep(field, value)
    if word not in row.labels:
        row.labels.append(word)


def label(text: str) -> str:
    """A text as a label; empty when nothing of it can stand in one."""
    word = _NOT_LABEL.sub("", _BLANKS.sub("-", text.strip().lower()))
    return word.lstrip("._:/-")[:LABEL_LENGTH]


def time(row: Row, field: str) -> str | None:
    """Take a time, whatever its fraction and offset, in the form that is stored.

    One that cannot be read is kept.
    """
    value = row.rest.pop(field, None)
    if value is None or value == "":
        return None
    moment = settled_time(value)
    if moment is None:
        row.keep(field, value)
    return moment


def settled_time(value: Any) -> str | None:
    """A time as it is stored, cut to milliseconds; None when it is none."""
    if not isinstance(value, str):
        return None
    usual = _USUAL_TIME.match(value)
    try:
        if usual:
            # Year 0000, month 13 and second 60 have the form of a time and are none.
            return f"{datetime.fromisoformat(usual[1]).isoformat()}.{(usual[2] or '')[:3]:0<3}Z"
        moment = datetime.fromisoformat(value.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def note(row: Row, text: str | None, *, at: str | None, by: str | None = None) -> None:
    """Add a note, unless it is blank; without a time of its own it gets the task's last change."""
    if text is not None and text.strip():
        row.notes.append({"at": at, "by": by, "text": text})


def acceptance(text: str | None) -> list[str]:
    """One entry per line that is not blank, bullets, numbers and empty boxes stripped."""
    entries = []
    for line in (text or "").split("\n"):
        entry = _BULLET.sub("", line, count=1).strip()
        if entry.strip("-*+•"):
            entries.append(entry)
    return entries


def assignee(row: Row, field: str = "assignee") -> None:
    """The foreign login or name holds the task, unless that was not wanted."""
    who = row.take_text(field)
    if who is None:
        return
    if row.assignees and who.strip():
        row.columns["assignee"] = who.strip()
    else:
        row.keep(field, who)


def phase(row: Row, field: str) -> None:
    """The phase of that slug, made where there is none; one that is no slug becomes one."""
    text = row.take_text(field)
    if text is None:
        return
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:LABEL_LENGTH].strip("-")
    if slug and not SLUG.match(slug):
        slug = f"p-{slug}"[:LABEL_LENGTH].strip("-")
    if not slug:
        row.keep(field, text)
        return
    if slug != text:
        row.keep(field, text)
    row.columns["phase"] = slug
    row.phase = (slug, text.strip())


def settle(row: Row, now: str) -> None:
    """Make the columns of a row agree with its status, as every task's do."""
    columns = row.columns
    updated = columns.get("updated_at")
    row.unsaid = [name for name in ("updated_at", "priority") if columns.get(name) is None]
    created = columns.get("created_at") or updated or now
    updated = updated or created
    columns |= {"created_at": created, "updated_at": updated}
    columns["priority"] = columns.get("priority") or "medium"
    status = columns.setdefault("status", "pending")
    former = columns.get("archived_from") if status == "archived" else status
    if status != "archived":
        # The status decides; what contradicts it is kept as it was.
        for column, name in _ARCHIVED.items():
            row.keep(name, columns.pop(column, None))
    else:
        columns["archived_at"] = columns.get("archived_at") or updated
        columns["archived_from"] = former = former or "pending"
        columns["archive_reason"] = columns.get("archive_reason") or {
            "done": "completed",
            "cancelled": "cancelled",
        }.get(former, "deleted")
    if former == "done":
        columns["pipeline_stage"] = "contribution"
        columns["completed_at"] = columns.get("completed_at") or updated
    elif former == "cancelled":
        columns["pipeline_stage"] = "cancelled"
        columns["cancelled_at"] = columns.get("cancelled_at") or updated
    elif former in OPEN_STATUS and columns.get("pipeline_stage") in ("contribution", "cancelled"):
        columns["pipeline_stage"] = None
    if columns.get("assignee") is None:
        columns["claimed_at"] = None
    else:
        columns["claimed_at"] = columns.get("claimed_at") or columns.get("started_at") or updated
    for one in row.notes:
        one["at"] = one["at"] or updated
    if row.notes:
        columns["notes"] = row.notes


def opened(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a closed task that has to be open because its children are."""
    return {
        **columns,
        "status": "pending",
        "pipeline_stage": None,
        **dict.fromkeys(
            (
                *("completed_at", "cancelled_at", "cancellation_reason"),
                *("archived_at", "archive_reason", "archived_from"),
            )
        ),
    }


def _cut(line: str) -> str:
    """At most 200 characters, ending with a whole word where there is one."""
    head = line[: TITLE_LENGTH + 1]
    cut = head.rfind(" ")
    return head[:cut] if cut > 0 else line[:TITLE_LENGTH]
