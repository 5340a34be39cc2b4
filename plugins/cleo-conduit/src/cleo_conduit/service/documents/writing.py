"""``create`` and ``edit``: every content that was ever given is a version of its own."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_conduit.errors import ConduitError
from cleo_conduit.records.documents import DocumentChange
from cleo_conduit.service.acting import acting
from cleo_conduit.service.documents import access, contents, fields, results
from cleo_conduit.service.documents.contents import Packed
from cleo_conduit.service.documents.differing import Difference, difference, tokens_of
from cleo_conduit.service.documents.pruning import drop
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import documents, versions
from cleo_core import clock
from cleo_core.errors import UsageError
from cleo_core.ids import ordered_id
from cleo_core.output import to_json

if TYPE_CHECKING:
    from cleo_core.database import Backend, Row

_SLUG_LENGTH = 10
#: Formats in which a line that begins with ``#`` is a heading.
_WITH_HEADINGS = ("text", "markdown")


class _Known(NamedTuple):
    """What lies between the version that an edit starts from and the new content.

    :ivar damage: what is wrong with that version, which must not end the document's life.
    """

    base_hash: str
    difference: Difference
    damage: str | None = None


class WriteVerbs(Verbs):
    """The verbs that write versions."""

    def create(
        self,
        content: str | bytes,
        *,
        slug: str | None = None,
        conversation: str | None = None,
        title: str | None = None,
        format: str = "text",
        summary: str | None = None,
        required_approvals: int = 1,
        ttl: str | float | None = None,
        idempotency_key: str | None = None,
    ) -> DocumentChange:
        """Make a document, a draft whose first version has this content.

        :param slug: its name; by default ten random letters.
        :param conversation: whose participants may read it; by default all agents of the project.
        :param format: one of ``text``, ``markdown``, ``json``, ``code``, ``diff``, ``binary``.
        :param summary: what its first version is.
        :param required_approvals: how many reviewers have to approve before it can be locked.
        :param ttl: seconds, or a duration such as ``7d``, after which it is gone.
        :raises CleoError: 2, nobody acts, or a value can be none; 6, a value, or the key was used
            with other ones; 22 ``E_ID_COLLISION``, the name is taken; 98, the content is too long
            or the project full; 99, the agent takes no part in the conversation.
        """
        word = fields.format_word(format)
        wanted = None if slug is None else access.slug_of(slug)
        lifetime = fields.lifetime(ttl)
        packed = contents.pack(fields.content(content, word))
        tokens = tokens_of(packed.original_size)
        given: dict[str, Any] = {
            "conversation_id": fields.conversation(conversation),
            "title": fields.title(title),
            "format": word,
            "required_approvals": fields.approvals(required_approvals),
            "content_hash": packed.hash,
        }
        said = fields.passage(summary, "summary", fields.SUMMARY_LENGTH)

        def make(work: Work, agent: str) -> DocumentChange:
            if given["conversation_id"] is not None:
                access.check_conversation(work, given["conversation_id"], agent)
            name = _free_slug(work, wanted)
            for reference in ("document_agent", "version_author", "contributor"):
                work.unit.check(f"conduit.{reference}", [agent])
            contents.store(work, packed, work.now)
            row = {
                "slug": name,
                **given,
                "from_agent_id": agent,
                "mode": "draft",
                "current_version": 1,
                "version_count": 1,
                **_sizes(packed, tokens),
                "expires_at": fields.expiry(work.now, lifetime),
                "created_at": work.now,
                "updated_at": work.now,
            }
            documents.insert(work, row)
            first = Difference(None, [], tokens, 0)
            version = _write_version(work, row, agent, packed, first, said, "initial")
            work.unit.created("document", name, row)
            work.note("document", name, version=1, bytes=packed.original_size)
            return results.change(work, row, version=version)

        def body(work: Work) -> DocumentChange:
            agent = acting(self.app, work).agent_id
            arguments = {**given, "slug": wanted, "summary": said, "ttl": lifetime}
            done: DocumentChange = work.unit.idempotent(
                "doc create",
                idempotency_key,
                arguments,
                lambda: make(work, agent),
                encode=to_json,
                decode=results.change_from_json,
                actor=agent,
            )
            return done

        return self.write("document.create", body)

    def edit(
        self,
        slug: str,
        content: str | bytes,
        *,
        if_version: int | None = None,
        summary: str | None = None,
        idempotency_key: str | None = None,
    ) -> DocumentChange:
        """Give a document a new content, as its next version.

        Approvals of earlier versions become stale. A content that is there already is no new
        version, and ``changed`` is false.

        :param content: the whole of it.
        :param if_version: the version that the new content was made from; it must be given.
        :param summary: what was changed.
        :raises CleoError: 2, nobody acts, no version is given, or a value can be none; 6, the
            document is locked or archived, a value is not acceptable, or the key was used with
            other ones; 21, the document is at another version; 98, the content is too long or the
            project full; 99, there is no such document that the agent may read.
        """
        name = access.slug_of(slug)
        base = access.version_number(if_version, "if-version")
        said = fields.passage(summary, "summary", fields.SUMMARY_LENGTH)
        db, now = self.db, clock.now()
        row = access.found(db, name, acting(self.app, db).agent_id, now)
        if base is None:
            raise UsageError(
                "An edit names the version that it was made from, so that nobody's work is lost.",
                fix=f"cleo doc edit {name} FILE --if-version {row['current_version']}",
                slug=name,
                currentVersion=row["current_version"],
            )
        data = fields.content(content, row["format"])
        packed = contents.pack(data)
        # Comparing takes its time: no writer has to wait for it.
        known = (
            _compared(db, row, data, packed.hash)
            if row["current_version"] == base and row["mode"] in access.OPEN
            else None
        )

        def make(work: Work, agent: str, row: Row) -> DocumentChange:
            access.check_open(row, "edits")
            access.check_version(row, base)
            if packed.hash == row["content_hash"]:
                return results.change(work, row, changed=False)
            for reference in ("version_author", "contributor"):
                work.unit.check(f"conduit.{reference}", [agent])
            fresh = known
            if fresh is None or fresh.base_hash != row["content_hash"]:
                fresh = _compared(work, row, data, packed.hash)
            if fresh.damage is not None:
                work.unit.warn("W_CORRUPT_BASE", f"{fresh.damage} The edit replaces all of it.")
            contents.store(work, packed, work.now)
            number = row["current_version"] + 1
            after = {
                **row,
                "current_version": number,
                "version_count": row["version_count"] + 1,
                "content_hash": packed.hash,
                **_sizes(packed, tokens_of(packed.original_size)),
                "updated_at": work.now,
            }
            patch = fresh.difference.patch
            small = patch is not None and len(patch.encode()) < packed.original_size
            version = _write_version(
                work,
                after,
                agent,
                packed,
                fresh.difference,
                said,
                "patch" if small else "full_replace",
            )
            change_row(work, row, after)
            work.note("document", name, version=number, bytes=packed.original_size)
            return results.change(work, after, version=version)

        def body(work: Work) -> DocumentChange:
            agent = acting(self.app, work).agent_id
            row = access.found(work, name, agent, work.now)
            arguments = {
                "slug": name,
                "content_hash": packed.hash,
                "if_version": base,
                "summary": said,
            }
            done: DocumentChange = work.unit.idempotent(
                "doc edit",
                idempotency_key,
                arguments,
                lambda: make(work, agent, row),
                encode=to_json,
                decode=results.change_from_json,
                actor=agent,
            )
            return done

        return self.write("document.edit", body)


def change_row(work: Work, before: Row, after: Row) -> None:
    """Write what changed of a document, and say so."""
    documents.update(work, after)
    names = [name for name in after if before[name] != after[name]]
    if names:
        work.unit.updated(
            "document",
            after["slug"],
            {name: before[name] for name in names},
            {name: after[name] for name in names},
        )


def _compared(db: Backend, row: Row, data: bytes, hash_: str) -> _Known:
    if hash_ == row["content_hash"]:
        return _Known(hash_, Difference(None, [], 0, 0))
    number = row["current_version"]
    try:
        before = contents.load(db, row["content_hash"])
    except ConduitError as error:
        whole = Difference(None, [], tokens_of(len(data)), row["tokens"])
        return _Known(row["content_hash"], whole, error.message)
    found = difference(
        before,
        data,
        names=(f"version {number}", f"version {number + 1}"),
        headings=row["format"] in _WITH_HEADINGS,
    )
    return _Known(row["content_hash"], found)


def _write_version(
    work: Work,
    row: Row,
    agent: str,
    packed: Packed,
    found: Difference,
    summary: str | None,
    change_type: str,
) -> Row:
    number = row["current_version"]
    version = {
        "id": ordered_id(),
        "slug": row["slug"],
        "version_number": number,
        "base_version": number - 1 or None,
        "author_agent_id": agent,
        "change_type": change_type,
        "patch_text": found.patch if change_type == "patch" else None,
        "content_hash": packed.hash,
        **_sizes(packed, row["tokens"]),
        "change_summary": summary,
        "sections_modified": json.dumps(found.sections, ensure_ascii=False),
        "tokens_added": found.added,
        "tokens_removed": found.removed,
        "created_at": work.now,
    }
    versions.insert(work, version)
    return version


def _sizes(packed: Packed, tokens: int) -> dict[str, int]:
    return {
        "original_size": packed.original_size,
        "compressed_size": len(packed.content),
        "tokens": tokens,
    }


def _free_slug(work: Work, wanted: str | None) -> str:
    """A name that no document has; one whose time is over gives its name up.

    :raises ConduitError: 22, the name that is asked for is taken.
    """
    while True:
        # A bias of 22 letters by four in a thousand is no matter for a name.
        name = wanted or "".join(chr(97 + byte % 26) for byte in os.urandom(_SLUG_LENGTH))
        row = documents.get(work, name)
        if row is None:
            return name
        if row["expires_at"] is not None and row["expires_at"] <= work.now:
            drop(work, row)
            return name
        if wanted is not None:
            raise ConduitError(
                "E_ID_COLLISION",
                f"The name {name} is taken.",
                fix="cleo doc create FILE, without --slug",
                details={"slug": name},
            )
