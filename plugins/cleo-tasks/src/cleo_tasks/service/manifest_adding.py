"""Adding a manifest: what it holds, and that the same text is stored once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from cleo_core import inputs
from cleo_core.database import Row
from cleo_core.errors import UsageError, ValidationError
from cleo_core.output import camel
from cleo_tasks.enums import MANIFEST_STATUS, MANIFEST_TYPE
from cleo_tasks.errors import task_not_found
from cleo_tasks.ids import parse_id
from cleo_tasks.manifest_records import ManifestAdded
from cleo_tasks.service import fields
from cleo_tasks.service.slugs import slug_of
from cleo_tasks.service.work import Work
from cleo_tasks.store import manifests, tasks

#: Bytes of a content: a report is a text, not a data set.
MOST_BYTES = 16 * 1024 * 1024
#: Digits of a content's hash that are kept.
HASH_DIGITS = 16


def settled(
    title: object, type: object, status: object, metadata: object, task: str | None
) -> dict[str, Any]:
    """The columns that a caller gives, checked.

    :raises CleoError: 2 or 6, a value is not acceptable.
    """
    return {
        "title": inputs.line(
            title, "title", fields.TITLE_LENGTH, fix='cleo manifest add "a title"'
        ),
        "type": inputs.word_of(MANIFEST_TYPE, "type")(type),
        "status": _initial(status),
        "metadata": {} if metadata is None else fields.metadata(metadata),
        "task_id": None if task is None else parse_id(task),
    }


def text(root: str, content: object, file: object) -> dict[str, Any]:
    """The content with its hash and the file that it comes from.

    :param root: the project's root.
    :raises CleoError: 2, there are both or neither; 6, the text or the file is not acceptable.
    """
    if (content is None) == (file is None):
        raise UsageError(
            "A manifest has either a content or a file.", fix="--content TEXT, or --file PATH"
        )
    source, found = (None, _content(content)) if file is None else _read(root, file)
    digest = hashlib.sha256(found.encode()).hexdigest()[:HASH_DIGITS]
    return {"source_file": source, "content": found, "content_hash": digest}


def add(work: Work, values: Mapping[str, Any]) -> ManifestAdded:
    """Store a manifest, or find the one of the same task that has the same content.

    :param values: what :func:`settled` and :func:`text` gave.
    :raises NotFoundError: there is no such task.
    """
    task = values["task_id"]
    if task is not None and not tasks.existing(work, [task]):
        raise task_not_found(task)
    session = work.active_session(task)
    there = manifests.same_content(work, task, values["content_hash"])
    if there is not None:
        return _merged(work, there, values)
    wanted = f"{task or 'M'}-{slug_of(values['title']) or values['type']}"
    row: dict[str, Any] = {
        "id": manifests.free_id(work, wanted),
        "session_id": None if session is None else session["id"],
        "epic_id": None if task is None else _epic_above(work, task),
        **values,
        "created_at": work.now,
    }
    manifests.insert(work, row)
    work.note("manifest", row["id"], None, row, task_id=task, emit=False)
    return ManifestAdded(**row, brain_obs_id=None, archived_at=None, merged=False)


def _merged(work: Work, there: Row, values: Mapping[str, Any]) -> ManifestAdded:
    """The manifest that holds the content; a warning names what else was given and it has not."""
    if there["content"] != values["content"]:
        raise ValidationError(
            f"{there['id']} has another content of the same hash {there['content_hash']}.",
            fix="the same command with a content that differs",
        )
    lacks = [
        camel(name)
        for name in ("title", "type", "source_file", "metadata")
        if values[name] and values[name] != there[name]
    ]
    if there["status"] == "archived":
        work.warn("W_ARCHIVED", f"{there['id']} holds this content and is archived.")
    if lacks:
        work.warn(
            "W_MERGED",
            f"{there['id']} holds this content and is given back as it is, without the "
            f"{', '.join(lacks)} given now.",
        )
    return ManifestAdded(**there, merged=True)


def added_from_json(data: Mapping[str, Any]) -> ManifestAdded:
    """A ManifestAdded as an idempotency key kept it."""
    values: dict[str, Any] = {
        name: data.get(camel(name)) for name in ManifestAdded.__dataclass_fields__
    }
    return ManifestAdded(**values)


def _epic_above(work: Work, task: str) -> str | None:
    above = work.read(tasks.ANCESTORS, id=task)
    return next((one["id"] for one in above if one["type"] == "epic" and one["depth"]), None)


def _read(root: str, file: object) -> tuple[str, str]:
    """A file's path relative to the project, and its text."""
    from cleo_core.paths import read_bounded
    from cleo_tasks.service import evidence

    named, real = evidence.located(evidence.tree_root(root), inputs.plain_text(file, "file"))
    try:
        data = read_bounded(real, MOST_BYTES, follow=False)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ValidationError(
            f"{named} cannot be read: {reason}.", fix="a file that can be read"
        ) from None
    try:
        found = data.decode()
    except UnicodeDecodeError:
        raise ValidationError(f"{named} is not UTF-8.", fix="a text file") from None
    return inputs.plain_text(named, "file"), _content(found, named)


def spelled(status: object) -> object:
    """A status by the word that is stored for it; old tools say completed."""
    return "active" if status == "completed" else status


def _initial(value: object) -> str:
    """The status of a new manifest.

    :raises UsageError: one that another verb gives, with that verb.
    """
    word = spelled(value)
    if word in ("distilled", "archived"):
        verb = "distil" if word == "distilled" else "archive"
        raise UsageError(
            f"A manifest is not added as {word}.",
            fix=f"cleo manifest add …, then cleo manifest {verb} ID",
        )
    return inputs.word_of(MANIFEST_STATUS, "status")(word)


def _content(value: object, source: str = "content") -> str:
    text = inputs.plain_text(value, source)
    if not text.strip():
        raise ValidationError(f"{source} is blank.", fix="--content TEXT, or --file PATH")
    if len(text.encode()) > MOST_BYTES:
        raise ValidationError(
            f"{source} has more than {MOST_BYTES} bytes.", fix="a shorter text that names the file"
        )
    return text
