"""Modes of documents, and the reviews that locking needs."""

from __future__ import annotations

import itertools
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_conduit.service.documents import telling

_shared = runpy.run_path(str(Path(__file__).with_name("shared_documents.py")))
Room, refused, PLAN, mine = (_shared[name] for name in ("Room", "refused", "PLAN", "mine"))
execute, audits = _shared["post"]["execute"], _shared["post"]["audits"]

MODES = ("draft", "review", "locked", "archived")
#: Every way that is open to a document that needs no approval; all others are closed.
WAYS = {
    ("draft", "review"),
    ("review", "draft"),
    ("review", "locked"),
    *((mode, "archived") for mode in ("draft", "review", "locked")),
}
#: How a document comes into a mode.
PATHS = {
    "draft": (),
    "review": ("review",),
    "locked": ("review", "locked"),
    "archived": ("archived",),
}


@pytest.fixture
def room(cleo_open: Callable[..., Any]) -> Any:
    return Room(cleo_open)


@pytest.fixture
def notices(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """(conversation or recipients, event, text) of what is told."""
    told: list[tuple[Any, ...]] = []

    def notify(
        work: Any, content: str, *, to: Any = None, conversation_id: Any = None, payload: Any = None
    ) -> int:
        told.append((conversation_id or to, payload["event"], content))
        return 1

    monkeypatch.setattr(telling, "notify", notify)
    return told


def in_mode(room: Any, mode: str, **options: Any) -> str:
    """A document in a mode; its name."""
    slug: str = room.ann.create(PLAN, required_approvals=0, **options).slug
    for step in PATHS[mode]:
        assert room.ann.mode(slug, step).mode == step
    return slug


@pytest.mark.guarantee(
    "conduit-23",
    "A document goes from draft to review, back, on to locked, and from anywhere to archived; "
    "every other way is refused.",
)
def test_a_document_goes_the_ways_that_are_open(room: Any) -> None:
    for before, after in itertools.product(MODES, MODES):
        slug = in_mode(room, before)
        if before == after:
            assert not room.bob.mode(slug, after).changed
        elif (before, after) in WAYS:
            done = room.bob.mode(slug, after)
            assert (done.changed, done.mode) == (True, after)
        else:
            error = refused(lambda slug=slug, after=after: room.bob.mode(slug, after), 6)
            assert before in error.message
            assert room.ann.show(slug).mode == before
    assert {action for _, action, _, _ in audits()} >= {"document.create", "document.mode"}


@pytest.mark.guarantee(
    "conduit-23",
    "Drafts and documents in review take edits and reviews; locked and archived ones refuse them.",
)
@pytest.mark.parametrize("mode", MODES)
def test_only_open_documents_take_edits_and_reviews(room: Any, mode: str) -> None:
    slug = in_mode(room, mode)
    calls: list[Callable[[], Any]] = [
        lambda: room.bob.approve(slug),
        lambda: room.bob.reject(slug),
        lambda: room.ann.request(slug, ["cem"]),
        lambda: room.bob.edit(slug, PLAN + "more\n", if_version=1),
    ]
    for call in calls:
        if mode in ("draft", "review"):
            assert call().changed
        else:
            assert mode in refused(call, 6).message
    assert room.ann.show(slug).current_version == (2 if mode in ("draft", "review") else 1)


@pytest.mark.guarantee(
    "conduit-23",
    "Locking needs the required number of approvals of the current version; the approval of the "
    "version's own author is kept and does not count.",
)
def test_the_author_of_a_version_does_not_count(room: Any) -> None:
    slug = room.ann.create(PLAN, required_approvals=2).slug
    room.ann.mode(slug, "review")
    own = room.ann.approve(slug)
    assert (own.changed, own.approvals.given) == (True, 0)
    assert [one["code"] for one in room.app("ann").warnings if "OWN" in one["code"]]
    assert room.bob.approve(slug).approvals.given == 1
    assert "1 of 2" in refused(lambda: room.ann.mode(slug, "locked"), 6).message
    assert room.cem.approve(slug).approvals.given == 2
    assert room.ann.mode(slug, "locked").mode == "locked"
    assert mine(room.ann.show(slug).reviews, "reviewer_agent_id", "status") == [
        (agent, "approved") for agent in ("ann", "bob", "cem")
    ]


def test_the_author_of_the_document_counts_for_a_version_of_another(room: Any) -> None:
    slug = room.ann.create(PLAN).slug
    room.ann.mode(slug, "review")
    room.bob.edit(slug, PLAN + "more\n", if_version=1)
    assert room.bob.approve(slug).approvals.given == 0
    assert room.ann.approve(slug).approvals.given == 1
    assert room.bob.mode(slug, "locked").mode == "locked"


@pytest.mark.guarantee(
    "conduit-23",
    "A new version makes older approvals stale: they stay, are shown as stale and count no more.",
)
def test_a_new_version_makes_approvals_stale(room: Any) -> None:
    slug = room.ann.create(PLAN).slug
    room.ann.mode(slug, "review")
    room.bob.approve(slug, comment="Good.")
    room.cem.reject(slug, comment="Not good.")
    done = room.ann.edit(slug, PLAN + "more\n", if_version=1)
    assert (done.approvals.given, done.approvals.stale, done.approvals.rejected) == (0, 1, 0)
    assert mine(done.reviews, "reviewer_agent_id", "version_reviewed", "status", "stale") == [
        ("bob", 1, "approved", True),
        ("cem", 1, "rejected", True),
    ]
    refused(lambda: room.ann.mode(slug, "locked"), 6)
    room.bob.approve(slug)
    found = room.ann.mode(slug, "locked")
    assert (found.approvals.given, found.approvals.stale) == (1, 1)
    assert execute("SELECT count(*) FROM attachment_approvals") == [(3,)]


def test_a_rejection_or_an_open_request_keeps_a_document_from_being_locked(room: Any) -> None:
    slug = room.ann.create(PLAN).slug
    room.ann.mode(slug, "review")
    room.bob.approve(slug)
    asked = room.ann.request(slug, ["cem"])
    assert asked.approvals.pending == 1
    assert "without an answer: 1" in refused(lambda: room.ann.mode(slug, "locked"), 6).message
    room.cem.reject(slug)
    assert "rejections: 1" in refused(lambda: room.ann.mode(slug, "locked"), 6).message
    assert room.ann.request(slug, ["cem"]).approvals.pending == 1
    room.cem.approve(slug)
    assert room.ann.mode(slug, "locked").approvals.given == 2


def test_a_document_that_needs_no_approval_is_locked_unless_somebody_objects(room: Any) -> None:
    slug = room.ann.create(PLAN, required_approvals=0).slug
    room.ann.mode(slug, "review")
    room.bob.reject(slug)
    refused(lambda: room.ann.mode(slug, "locked"), 6)
    room.bob.approve(slug)
    assert room.ann.mode(slug, "locked").mode == "locked"


def test_saying_the_same_again_changes_nothing(room: Any, cleo_clock: Any) -> None:
    slug = room.ann.create(PLAN).slug
    assert room.ann.request(slug, ["bob", "bob"]).changed
    assert not room.ann.request(slug, ["bob"]).changed
    assert room.bob.approve(slug, comment="Good.").changed
    count = len(audits())
    cleo_clock.advance(5)
    assert not room.bob.approve(slug).changed
    assert not room.bob.approve(slug, comment="Good.").changed
    assert not room.ann.request(slug, ["bob"]).changed
    assert len(audits()) == count
    assert room.ann.show(slug).updated_at == room.ann.show(slug).created_at
    again = room.bob.approve(slug, comment="Very good.")
    assert (again.changed, again.reviews[0].comment) == (True, "Very good.")
    assert again.reviews[0].created_at < again.reviews[0].updated_at == again.updated_at


def test_a_second_request_keeps_the_words_of_the_rejection(room: Any) -> None:
    slug = room.ann.create(PLAN).slug
    room.bob.reject(slug, comment="The third step lacks a way back.")
    found = room.ann.request(slug, ["bob"]).reviews[0]
    assert (found.status, found.comment) == ("pending", "The third step lacks a way back.")


def test_who_cannot_review_is_not_asked(room: Any) -> None:
    talk = room.talk(1, "ann", "bob", "far")
    open_ = room.ann.create(PLAN).slug
    private = room.ann.create(PLAN, conversation=talk).slug
    assert "wrote version 1" in refused(lambda: room.bob.request(open_, ["ann"]), 6).message
    assert refused(lambda: room.ann.request(open_, ["bob", "dan"]), 95).details == {
        "agentId": "dan"
    }
    assert refused(lambda: room.ann.request(private, ["cem"]), 95).details == {"agentId": "cem"}
    for reviewers in ([], ["a/b"], ["HumanOverseer"], "bob", None, [3]):
        refused(lambda reviewers=reviewers: room.ann.request(open_, reviewers), 2)
    assert room.ann.show(open_).reviews == []
    assert room.ann.request(private, ["far"]).approvals.pending == 1


def test_a_review_may_name_the_version_that_was_read(room: Any) -> None:
    slug = room.ann.create(PLAN).slug
    room.ann.edit(slug, PLAN + "more\n", if_version=1)
    for call in (
        lambda: room.bob.approve(slug, if_version=1),
        lambda: room.bob.reject(slug, if_version=1),
        lambda: room.ann.request(slug, ["bob"], if_version=1),
        lambda: room.ann.mode(slug, "review", if_version=1),
    ):
        assert refused(call, 21).details["currentVersion"] == 2
    assert room.bob.approve(slug, if_version=2).approvals.given == 1


def test_requests_reviews_and_modes_are_told_to_the_conversation(room: Any, notices: Any) -> None:
    talk = room.talk(1, "ann", "bob", "cem")
    slug = room.ann.create(PLAN, conversation=talk).slug
    room.ann.edit(slug, PLAN + "more\n", if_version=1)
    assert notices == []
    room.ann.request(slug, ["bob", "cem"])
    room.bob.approve(slug, comment="Good {document}.")
    room.cem.reject(slug)
    room.ann.mode(slug, "review")
    which = f"version 2 of the document {slug}"
    assert notices == [
        (talk, "request", f"ann asks bob, cem to review {which}."),
        (talk, "approved", f"bob approves {which}: Good {{document}}."),
        (talk, "rejected", f"cem rejects {which}."),
        (talk, "mode", f"ann moved {which} from draft to review."),
    ]


def test_without_a_conversation_those_are_told_whom_it_concerns(room: Any, notices: Any) -> None:
    slug = room.ann.create(PLAN).slug
    room.bob.edit(slug, PLAN + "more\n", if_version=1)
    room.ann.request(slug, ["cem"])
    room.cem.approve(slug)
    room.bob.approve(slug)
    room.bob.mode(slug, "review")
    room.ann.mode(slug, "draft")
    assert [(to, event) for to, event, _ in notices] == [
        (["cem"], "request"),
        (["bob"], "approved"),
        (["ann"], "mode"),
    ]
