"""``mode``: from a draft to a document that nobody changes any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_conduit.records.documents import Approvals, DocumentChange
from cleo_conduit.service.acting import acting
from cleo_conduit.service.documents import access, fields, results
from cleo_conduit.service.documents.telling import tell
from cleo_conduit.service.documents.writing import change_row
from cleo_conduit.service.work import Verbs, Work
from cleo_core.errors import ValidationError

if TYPE_CHECKING:
    from cleo_core.database import Row

#: Mode -> modes that a document may go to from it.
TRANSITIONS: dict[str, tuple[str, ...]] = {
    "draft": ("review", "archived"),
    "review": ("draft", "locked", "archived"),
    "locked": ("archived",),
    "archived": (),
}


class ModeVerbs(Verbs):
    """The verb that moves a document on."""

    def mode(self, slug: str, mode: str, *, if_version: int | None = None) -> DocumentChange:
        """Move a document from draft to review, back, to locked, or from anywhere to archived.

        Locking needs as many approvals of the current version as the document requires, that of
        its author not counted, no rejection and no request that is not answered.

        :param if_version: refuse if the document is at another version.
        :raises CleoError: 2, nobody acts, or a value can be none; 6, there is no such way, or
            reviews are missing; 21, the document is at another version; 99, there is no such
            document that the agent may read.
        """
        name = access.slug_of(slug)
        word = fields.mode_word(mode)
        wanted = access.version_number(if_version, "if-version")

        def body(work: Work) -> DocumentChange:
            agent = acting(self.app, work).agent_id
            row = access.found(work, name, agent, work.now)
            access.check_version(row, wanted)
            if row["mode"] == word:
                return results.change(work, row, changed=False)
            _check_way(row, word)
            if word == "locked":
                _check_reviews(row, results.tally(work, row).approvals)
            after = {**row, "mode": word, "updated_at": work.now}
            change_row(work, row, after)
            work.note("document", name, before=row["mode"], mode=word)
            tell(
                work,
                after,
                agent,
                f"{agent} moved {{document}} from {row['mode']} to {word}.",
                [row["from_agent_id"]],
                event="mode",
                mode=word,
                before=row["mode"],
            )
            return results.change(work, after)

        return self.write("document.mode", body)


def _check_way(row: Row, mode: str) -> None:
    ways = TRANSITIONS[row["mode"]]
    if mode in ways:
        return
    raise ValidationError(
        f"The document {row['slug']} is {row['mode']} and cannot become {mode}; it can become "
        f"{' or '.join(ways) or 'nothing else'}.",
        fix=f"cleo doc mode {row['slug']} {ways[0]}" if ways else f"cleo doc show {row['slug']}",
        slug=row["slug"],
        mode=row["mode"],
        allowed=list(ways),
    )


def _check_reviews(row: Row, approvals: Approvals) -> None:
    slug, number = row["slug"], row["current_version"]
    lacks = []
    if approvals.given < approvals.required:
        lacks.append(f"it has {approvals.given} of {approvals.required} approvals")
    if approvals.rejected:
        lacks.append(f"rejections: {approvals.rejected}")
    if approvals.pending:
        lacks.append(f"requests without an answer: {approvals.pending}")
    if lacks:
        asks = approvals.given < approvals.required and not approvals.pending
        raise ValidationError(
            f"Version {number} of the document {slug} cannot be locked: {'; '.join(lacks)}.",
            fix=f"cleo doc request {slug} --reviewer ID" if asks else f"cleo doc show {slug}",
            slug=slug,
            approvals=approvals,
        )
