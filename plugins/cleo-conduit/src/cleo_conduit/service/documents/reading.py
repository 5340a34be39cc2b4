"""``show``, ``versions`` and ``diff``: they write nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cleo_conduit.records.documents import DocumentContent, DocumentDiff, DocumentVersion
from cleo_conduit.service.acting import acting
from cleo_conduit.service.documents import access, contents, results
from cleo_conduit.service.documents.differing import as_text, difference
from cleo_conduit.service.work import Verbs
from cleo_conduit.store import versions
from cleo_core import clock
from cleo_core.errors import NotFoundError
from cleo_core.output import Page

if TYPE_CHECKING:
    from cleo_core.database import Database, Row


class ReadVerbs(Verbs):
    """What a document says now, and what it said before."""

    def show(self, slug: str, *, version: int | None = None) -> DocumentContent:
        """A document with the content of a version, by default the current one.

        :raises CleoError: 2, nobody acts, or a value can be none; 4, it has no such version; 53
            ``E_CORRUPT_BLOB``, the stored content is damaged; 99, there is no such document that
            the agent may read.
        """
        with self.db.snapshot() as db:
            row = self.readable(db, slug)
            found = version_of(db, row, access.version_number(version, "version"))
            data = contents.load(db, found["content_hash"])
            text = None if row["format"] == "binary" else as_text(data)
            if text is None:
                from base64 import b64encode

                encoding, shown = "base64", b64encode(data).decode()
            else:
                encoding, shown = "utf-8", text
            return DocumentContent(
                **results.parts(db, row),
                version=results.as_version(found),
                encoding=encoding,
                content=shown,
            )

    def versions(
        self, slug: str, *, limit: int | None = None, offset: int = 0
    ) -> tuple[list[DocumentVersion], Page]:
        """The versions of a document, the newest first, and where they stand in the whole.

        :raises CleoError: 2, nobody acts, or a value can be none; 99, there is no such document
            that the agent may read.
        """
        most, start = self.page(limit, offset)
        with self.db.snapshot() as db:
            row = self.readable(db, slug)
            rows = versions.page(db, row["slug"], limit=most, offset=start)
            return [results.as_version(one) for one in rows], Page(
                most, start, row["version_count"]
            )

    def diff(
        self, slug: str, *, version: int | None = None, base: int | None = None
    ) -> DocumentDiff:
        """What lies between two versions of a document.

        :param version: the newer one, by default the current one.
        :param base: the older one, by default the one that ``version`` was made from; nothing for
            the first.
        :raises CleoError: as :meth:`show`.
        """
        wanted = access.version_number(version, "version")
        older = access.version_number(base, "from")
        with self.db.snapshot() as db:
            row = self.readable(db, slug)
            after = version_of(db, row, wanted)
            number = after["base_version"] if older is None else older
            if number == after["base_version"] and after["patch_text"] is not None:
                return _kept(row, after)
            before = b""
            if number is not None:
                before = contents.load(db, version_of(db, row, number)["content_hash"])
            found = difference(
                before,
                contents.load(db, after["content_hash"]),
                names=(f"version {number or 0}", f"version {after['version_number']}"),
                headings=row["format"] in ("text", "markdown"),
            )
        return DocumentDiff(
            slug=row["slug"],
            from_version=number or 0,
            to_version=after["version_number"],
            patch=found.patch,
            sections_modified=found.sections,
            tokens_added=found.added,
            tokens_removed=found.removed,
        )

    def readable(self, db: Database, slug: Any) -> Row:
        """A document that the acting agent may read.

        :raises CleoError: as :meth:`show`.
        """
        agent = acting(self.app, db).agent_id
        return access.found(db, access.slug_of(slug), agent, clock.now())


def _kept(row: Row, version: Row) -> DocumentDiff:
    """What a version changed of the one that it was made from, as it was written down."""
    return DocumentDiff(
        slug=row["slug"],
        from_version=version["base_version"],
        to_version=version["version_number"],
        patch=version["patch_text"],
        sections_modified=json.loads(version["sections_modified"]),
        tokens_added=version["tokens_added"],
        tokens_removed=version["tokens_removed"],
    )


def version_of(db: Database, row: Row, number: int | None) -> Row:
    """A version of a document, by default the current one.

    :raises NotFoundError: 4, it has no such version.
    """
    wanted = row["current_version"] if number is None else number
    found = versions.get(db, row["slug"], wanted)
    if found is None:
        raise NotFoundError(
            f"The document {row['slug']} has no version {wanted}; its current one is "
            f"{row['current_version']}.",
            fix=f"cleo doc versions {row['slug']}",
            slug=row["slug"],
            version=wanted,
        )
    return found
