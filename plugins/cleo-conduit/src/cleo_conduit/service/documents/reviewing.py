"""``request``, ``approve`` and ``reject``: what reviewers say of the current version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cleo_conduit.errors import ConduitError
from cleo_conduit.ids import project_agent_id
from cleo_conduit.records.documents import DocumentChange
from cleo_conduit.service.acting import acting
from cleo_conduit.service.documents import access, fields, results
from cleo_conduit.service.documents.telling import tell
from cleo_conduit.service.documents.writing import change_row
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import documents, refs, reviews, versions
from cleo_core import inputs
from cleo_core.errors import UsageError, ValidationError
from cleo_core.ids import ordered_id

if TYPE_CHECKING:
    from cleo_core.database import Row

_DONE = {"approved": "approves", "rejected": "rejects"}


class ReviewVerbs(Verbs):
    """The verbs of reviewers, and of those who ask them."""

    def request(
        self, slug: str, reviewers: Sequence[str], *, if_version: int | None = None
    ) -> DocumentChange:
        """Ask agents to review the current version; it cannot be locked before they answer.

        Who has approved is not asked again; who has rejected is.

        :param reviewers: ids of agents who may read the document; not the version's author.
        :param if_version: refuse if the document is at another version.
        :raises CleoError: 2, nobody acts, or a value can be none; 6, the document is locked or
            archived, a reviewer is the author or does not exist; 21, it is at another version; 95,
            a reviewer may not read it; 99, there is no such document that the agent may read.
        """
        name = access.slug_of(slug)
        wanted = access.version_number(if_version, "if-version")
        named = _reviewers(reviewers)

        def body(work: Work) -> DocumentChange:
            agent = acting(self.app, work).agent_id
            row = _open(work, name, agent, wanted)
            author = _author(work, row)
            if author in named:
                raise ValidationError(
                    f"{author} wrote version {row['current_version']} of {name}; somebody else "
                    "has to review it.",
                    fix=f"cleo doc request {name} --reviewer ANOTHER",
                )
            work.unit.check("conduit.reviewer", named)
            for reviewer in named:
                _check_reviewer(work, row, reviewer)
            asked = [
                reviewer
                for reviewer in named
                if _say(work, row, reviewer, "pending", None, over=("rejected",))
            ]
            if not asked:
                return results.change(work, row, changed=False)
            after = _touched(work, row)
            work.note("document", name, version=row["current_version"], reviewers=asked)
            listed = ", ".join(asked)
            tell(
                work,
                after,
                agent,
                f"{agent} asks {listed} to review {{document}}.",
                asked,
                event="request",
                reviewers=asked,
            )
            return results.change(work, after)

        return self.write("document.request", body)

    def approve(
        self, slug: str, *, comment: str | None = None, if_version: int | None = None
    ) -> DocumentChange:
        """Approve the current version.

        What its own author says is kept and does not count.

        :param if_version: the version that was read; refuse if the document is at another one.
        :raises CleoError: 2, nobody acts, or a value can be none; 6, the document is locked or
            archived, or a value is not acceptable; 21, it is at another version; 99, there is no
            such document that the agent may read.
        """
        return self._review("approved", slug, comment, if_version)

    def reject(
        self, slug: str, *, comment: str | None = None, if_version: int | None = None
    ) -> DocumentChange:
        """Reject the current version, which keeps it from being locked.

        :raises CleoError: as :meth:`approve`.
        """
        return self._review("rejected", slug, comment, if_version)

    def _review(
        self, status: str, slug: str, comment: str | None, if_version: int | None
    ) -> DocumentChange:
        name = access.slug_of(slug)
        wanted = access.version_number(if_version, "if-version")
        said = fields.passage(comment, "comment", fields.COMMENT_LENGTH)

        def body(work: Work) -> DocumentChange:
            agent = acting(self.app, work).agent_id
            row = _open(work, name, agent, wanted)
            work.unit.check("conduit.reviewer", [agent])
            others = ("pending", *(word for word in _DONE if word != status))
            if not _say(work, row, agent, status, said, over=others):
                return results.change(work, row, changed=False)
            author = _author(work, row)
            if status == "approved" and author == agent:
                work.unit.warn(
                    "W_OWN_APPROVAL",
                    f"{agent} wrote version {row['current_version']}; that approval is kept and "
                    "does not count.",
                )
            after = _touched(work, row)
            work.note("document", name, version=row["current_version"], status=status)
            text = f"{agent} {_DONE[status]} {{document}}"
            tell(
                work,
                after,
                agent,
                f"{text}: {said}" if said else f"{text}.",
                [author],
                event=status,
                reviewer=agent,
            )
            return results.change(work, after)

        return self.write(f"document.{'approve' if status == 'approved' else 'reject'}", body)


def _open(work: Work, slug: str, agent: str, if_version: int | None) -> Row:
    row = access.found(work, slug, agent, work.now)
    access.check_open(row, "reviews")
    access.check_version(row, if_version)
    return row


def _author(work: Work, row: Row) -> str:
    version = versions.get(work, row["slug"], row["current_version"])
    return str(row["from_agent_id"] if version is None else version["author_agent_id"])


def _say(
    work: Work,
    row: Row,
    reviewer: str,
    status: str,
    comment: str | None,
    *,
    over: Sequence[str],
) -> bool:
    """Write a review of the current version.

    :param over: what it takes the place of; the same status with another comment is written too.
    :returns: whether anything changed.
    """
    before = reviews.get(work, row["slug"], reviewer, row["current_version"])
    if before is not None and before["status"] not in over:
        same = before["status"] == status
        if not same or comment is None or before["comment"] == comment:
            return False
    if before is not None and status == "pending":
        # Who asks again leaves standing why it was rejected.
        comment = before["comment"]
    reviews.put(
        work,
        {
            "id": ordered_id(),
            "slug": row["slug"],
            "reviewer_agent_id": reviewer,
            "version_reviewed": row["current_version"],
            "status": status,
            "comment": comment,
            "created_at": work.now,
            "updated_at": work.now,
        },
    )
    return True


def _touched(work: Work, row: Row) -> Row:
    after = {**row, "updated_at": work.now}
    change_row(work, row, after)
    return after


def _reviewers(value: Any) -> list[str]:
    named = inputs.as_filter(lambda given: inputs.texts(given, "reviewers"), value)
    if not 1 <= len(named) <= fields.MOST_REVIEWERS:
        raise UsageError(
            f"1 to {fields.MOST_REVIEWERS} reviewers are asked.",
            fix="cleo doc request SLUG --reviewer ID",
        )
    return list(dict.fromkeys(project_agent_id(one) for one in named))


def _check_reviewer(work: Work, row: Row, reviewer: str) -> None:
    """Whether a reviewer may read the document.

    :raises ConduitError: 95, it may not.
    """
    conversation = row["conversation_id"]
    ref = refs.get(work, reviewer)
    seen = ref is not None and bool(ref["enabled"])
    if conversation is None:
        if seen:
            return
        words = f"This project does not see the agent {reviewer}."
    else:
        # A partner from elsewhere takes part without a ref.
        if documents.takes_part(work, conversation, reviewer):
            return
        if seen and documents.may_read_conversation(work, conversation, reviewer):
            return
        words = f"{reviewer} takes no part in the conversation of {row['slug']}."
    raise ConduitError("E_RECIPIENT_UNKNOWN", words, details={"agentId": reviewer})
