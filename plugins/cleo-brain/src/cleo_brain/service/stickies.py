"""Sticky notes: add, list, show, edit, archive, restore, purge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cleo_brain.entry_records import Sticky
from cleo_brain.enums import STICKY_COLOR, STICKY_PRIORITY, STICKY_STATUS
from cleo_brain.errors import BrainError
from cleo_brain.ids import parse_id
from cleo_brain.records import ChangedNotes
from cleo_brain.service import fields, gate, reading, rewriting, writing
from cleo_brain.service.expiry import default_expiry, expiry_of, is_past
from cleo_brain.service.observing import confidence_of_source
from cleo_brain.service.private import Stripper
from cleo_brain.service.work import Verbs, Work
from cleo_brain.store import entries, stickies
from cleo_core import clock
from cleo_core.errors import CleoError, NotFoundError, UsageError
from cleo_core.output import Page

if TYPE_CHECKING:
    from cleo_brain.service.forgetting import Forgotten


class StickyVerbs(Verbs):
    """``sticky_add``, ``sticky_list``, ``sticky_show``, ``sticky_edit`` and what ends a note."""

    def sticky_add(
        self,
        text: str,
        *,
        tags: Sequence[str] = (),
        color: str = "yellow",
        priority: str = "medium",
        expires: str | None = None,
        idempotency_key: str | None = None,
    ) -> Sticky:
        """Put up a note. Two notes that say the same are two notes.

        :param expires: ``3d``, a date or time, or ``never``; by default config
            ``brain.sticky.ttl_days`` from now.
        :raises BrainError: ``E_GATE_REJECTED`` (6), it says nothing.
        :raises UsageError: a value is not valid.
        """
        strip = Stripper()
        given = strip(
            {
                "text": text,
                "tags": tags,
                "color": color,
                "priority": priority,
                "expires": expires,
            }
        )
        typed = {
            "content": fields.text(given["text"], "text"),
            "status": "active",
            "color": fields.word(given["color"], STICKY_COLOR, "color"),
            "priority": fields.word(given["priority"], STICKY_PRIORITY, "priority"),
            "converted_to": None,
            "expires_at": expiry_of(self.app, given["expires"]),
        }
        caller = self.caller()
        draft = writing.Draft(
            kind="sticky",
            typed=typed,
            source_confidence=confidence_of_source(None, "agent" if caller.agent else "manual"),
            thread=caller.session,
            agent=caller.agent,
            tags=fields.tags(given["tags"]),
            private_spans=strip.spans,
        )

        def body(work: Work) -> Sticky:
            if draft.agent is not None:
                work.check("brain.entry_agent", [draft.agent])
            id_: str = work.unit.idempotent(
                "sticky add",
                idempotency_key,
                given,
                lambda: writing.store(work, draft).id,
                encode=lambda stored: {"id": stored},
                decode=lambda value: str(value["id"]),
            )
            return note_of(work, id_)

        return self.write("sticky.add", body, caller, [draft])

    def sticky_list(
        self,
        *,
        tags: Sequence[str] = (),
        color: str | None = None,
        priority: str | None = None,
        status: str = "active",
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[Sticky], Page]:
        """Notes, newest first. One past its time counts as archived.

        :param tags: all of which a note has.
        :raises UsageError: a filter is not valid.
        """
        most, first = self.page(limit, offset)
        with self.db.snapshot() as db:
            ids, total = stickies.page(
                db,
                now=clock.now(),
                status=fields.word(status, STICKY_STATUS, "status"),
                color=None if color is None else fields.word(color, STICKY_COLOR, "color"),
                priority=None
                if priority is None
                else fields.word(priority, STICKY_PRIORITY, "priority"),
                tags=fields.tags(tags),
                limit=most,
                offset=first,
            )
            found: Any = reading.records(db, ids)
        return found, Page(most, first, total)

    def sticky_show(self, id: str) -> Sticky:
        """One note.

        :raises NotFoundError: there is none of this id.
        """
        with self.db.snapshot() as db:
            return note_of(db, parse_id(id))

    def sticky_edit(
        self,
        id: str,
        *,
        content: str | None = None,
        color: str | None = None,
        priority: str | None = None,
        tags: Sequence[str] | None = None,
        expires: str | None = None,
    ) -> Sticky:
        """Change a note; what is not given stays.

        :param tags: all tags that it has from now on; blank ones count for nothing.
        :raises NotFoundError: there is none of this id.
        :raises BrainError: ``E_ALREADY_DONE`` (17), it is converted; ``E_INVALID_STATE`` (6), it is
            archived; ``E_GATE_REJECTED`` (6), the new text says nothing.
        :raises CleoError: ``E_NO_CHANGE`` (102); a value is not valid (2).
        """
        strip = Stripper()
        given = strip({"content": content, "color": color, "priority": priority, "tags": tags})
        typed: dict[str, Any] = {}
        if content is not None:
            typed["content"] = fields.text(given["content"], "content")
        if color is not None:
            typed["color"] = fields.word(given["color"], STICKY_COLOR, "color")
        if priority is not None:
            typed["priority"] = fields.word(given["priority"], STICKY_PRIORITY, "priority")
        if expires is not None:
            typed["expires_at"] = expiry_of(self.app, strip(expires))
        new_tags = None if tags is None else fields.tags(given["tags"])
        if not typed and new_tags is None:
            raise UsageError("Nothing to change was given.", fix=f"cleo sticky edit {id} --help")
        id_ = parse_id(id)

        def body(work: Work) -> Sticky:
            row, before = found_note(work, id_)
            require_active(row, before, work.now)
            if "content" in typed:
                gate.refuse(
                    "sticky",
                    {**before, **typed},
                    private_spans=strip.spans,
                    owner=True,
                    min_confidence=0.0,
                    force=False,
                )
            if not rewriting.rewrite(work, row, typed=typed, tags=new_tags):
                raise no_change(id_)
            return note_of(work, id_)

        return self.write("sticky.edit", body)

    def sticky_archive(self, *ids: str) -> ChangedNotes:
        """Take notes down; they can be restored.

        :returns: those that were up.
        :raises NotFoundError: one of them does not exist; nothing is archived then.
        :raises BrainError: ``E_ALREADY_DONE`` (17), one is converted.
        :raises CleoError: ``E_NO_CHANGE`` (102), all are archived.
        """
        return self._each("sticky.archive", ids, _archive)

    def sticky_restore(self, *ids: str) -> ChangedNotes:
        """Put archived notes up again, with a new time to live.

        :returns: those that were down.
        :raises NotFoundError: one of them does not exist; nothing is restored then.
        :raises BrainError: ``E_ALREADY_DONE`` (17), one is converted.
        :raises CleoError: ``E_NO_CHANGE`` (102), all are active.
        """
        return self._each("sticky.restore", ids, _restore)

    def sticky_purge(self, *ids: str) -> Forgotten:
        """Forget notes; see :meth:`~cleo_brain.service.forgetting.ForgetVerbs.forget`.

        :raises NotFoundError: one of them does not exist; nothing is forgotten then.
        """
        from cleo_brain.service.forgetting import forget_ids

        return forget_ids(self, _wanted(ids), "sticky.purge", kind="sticky")

    def _each(self, action: str, ids: Sequence[str], change: Any) -> ChangedNotes:
        wanted = _wanted(ids)

        def body(work: Work) -> ChangedNotes:
            notes = [found_note(work, id_) for id_ in wanted]
            for row, typed in notes:
                require_open(row, typed)
            done = [row["id"] for row, typed in notes if change(work, row, typed)]
            if not done:
                raise no_change(*wanted)
            return ChangedNotes(done)

        return self.write(action, body)


def note_of(db: Any, id_: str) -> Sticky:
    """A note's record.

    :raises NotFoundError: there is none of this id.
    """
    found = reading.records(db, [id_])
    if not found or not isinstance(found[0], Sticky):
        raise note_not_found(id_)
    return found[0]


def found_note(db: Any, id_: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A note's columns and its typed columns.

    :raises NotFoundError: there is none of this id.
    """
    row = entries.get(db, id_)
    if row is None or row["kind"] != "sticky":
        raise note_not_found(id_)
    return row, entries.typed_by_ids(db, "sticky", [id_])[id_]


def note_not_found(*ids: str) -> NotFoundError:
    """Exit 4 for ids of which no note has any."""
    return NotFoundError(
        f"There is no sticky note {', '.join(ids)}.", fix="cleo sticky list", ids=list(ids)
    )


def require_open(row: dict[str, Any], typed: dict[str, Any]) -> None:
    """Refuse a note that has become something else.

    :raises BrainError: ``E_ALREADY_DONE`` (17).
    """
    if typed["status"] == "converted":
        kind, _, target = typed["converted_to"].partition(":")
        raise BrainError(
            "E_ALREADY_DONE",
            f"{row['id']} became {kind} {target}; a converted note is final.",
            fix=f"cleo show {target}" if kind == "task" else f"cleo memory fetch {target}",
            details={"id": row["id"], "convertedTo": typed["converted_to"]},
        )


def require_active(row: dict[str, Any], typed: dict[str, Any], now: str) -> None:
    """Refuse a note that is not up.

    :raises BrainError: ``E_ALREADY_DONE`` (17), converted; ``E_INVALID_STATE`` (6), archived.
    """
    require_open(row, typed)
    if typed["status"] != "active" or is_past(typed, now):
        how = "archived" if typed["status"] != "active" else f"past its time {typed['expires_at']}"
        raise BrainError(
            "E_INVALID_STATE",
            f"{row['id']} is {how}.",
            fix=f"cleo sticky restore {row['id']}",
            details={"id": row["id"], "status": "archived"},
        )


def no_change(*ids: str) -> CleoError:
    """Exit 102: everything is as it was asked for."""
    named = ", ".join(ids[:5]) + (" and others" if len(ids) > 5 else "")
    return CleoError(
        "E_NO_CHANGE", f"Nothing to change: {named}.", fix=f"cleo sticky show {ids[0]}"
    )


def _wanted(ids: Sequence[str]) -> list[str]:
    if not ids:
        raise UsageError("Name the notes.", fix="cleo sticky list")
    return list(dict.fromkeys(parse_id(id_) for id_ in ids))


def _archive(work: Work, row: dict[str, Any], typed: dict[str, Any]) -> bool:
    if typed["status"] == "archived" or is_past(typed, work.now):
        return False
    rewriting.rewrite(
        work,
        row,
        columns={"invalid_at": work.now, "invalid_reason": "archived"},
        typed={"status": "archived"},
    )
    return True


def _restore(work: Work, row: dict[str, Any], typed: dict[str, Any]) -> bool:
    if typed["status"] == "active" and not is_past(typed, work.now):
        return False
    rewriting.rewrite(
        work,
        row,
        columns={"invalid_at": None, "invalid_reason": None},
        typed={"status": "active", "expires_at": default_expiry(work.app)},
    )
    return True
