"""Who may read and change which documents."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_shared = runpy.run_path(str(Path(__file__).with_name("shared_documents.py")))
Room, refused, PLAN = (_shared[name] for name in ("Room", "refused", "PLAN"))
execute, post = _shared["post"]["execute"], _shared["post"]


@pytest.fixture
def room(cleo_open: Callable[..., Any]) -> Any:
    return Room(cleo_open)


#: Every verb on a document, by its service.
VERBS: dict[str, Callable[[Any, str], Any]] = {
    "show": lambda service, slug: service.show(slug),
    "versions": lambda service, slug: service.versions(slug),
    "diff": lambda service, slug: service.diff(slug),
    "export": lambda service, slug: service.export(slug, f"{slug}.out"),
    "edit": lambda service, slug: service.edit(slug, "x\n", if_version=1),
    "edit without a version": lambda service, slug: service.edit(slug, "x\n"),
    "request": lambda service, slug: service.request(slug, ["bob"]),
    "approve": lambda service, slug: service.approve(slug),
    "reject": lambda service, slug: service.reject(slug),
    "mode": lambda service, slug: service.mode(slug, "archived"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_nobody_outside_learns_that_a_document_exists(room: Any, verb: str) -> None:
    room.ann.create(PLAN, slug="here", conversation=room.talk(1, "ann", "bob"))
    errors = [
        refused(lambda slug=slug: VERBS[verb](room.cem, slug), 99) for slug in ("here", "gone")
    ]
    told = [
        (one.code, one.message.replace("gone", "here"), one.fix, {**one.details, "slug": "here"})
        for one in errors
    ]
    assert told[0] == told[1]
    assert room.cem.list()[1].total == 0
    assert execute("SELECT mode, version_count FROM attachments") == [("draft", 1)]
    assert execute("SELECT count(*) FROM attachment_approvals") == [(0,)]


def test_participants_read_while_they_take_part(room: Any) -> None:
    talk = room.talk(1, "ann", "bob")
    room.ann.create(PLAN, slug="here", conversation=talk)
    assert room.bob.show("here").conversation_id == talk
    assert room.bob.list()[1].total == 1
    execute(
        f"UPDATE participants SET left_at = '{post['AT']}', left_seq = 0 WHERE agent_id = 'bob'"
    )
    refused(lambda: room.bob.show("here"), 99)
    assert room.bob.list()[0] == []
    execute("UPDATE participants SET left_at = NULL, left_seq = NULL WHERE agent_id = 'bob'")
    assert room.bob.edit("here", "x\n", if_version=1).changed


def test_without_a_conversation_all_attached_agents_read(room: Any) -> None:
    room.ann.create(PLAN, slug="here")
    assert room.cem.show("here").content == PLAN
    post["conduit"](room.app("ann")).detach("cem")
    refused(lambda: room.cem.show("here"), 99)
    refused(lambda: room.cem.list(), 99)


def test_an_open_conversation_opens_its_documents(room: Any) -> None:
    talk = room.talk(1, "ann", visibility="shared")
    room.ann.create(PLAN, slug="here", conversation=talk)
    assert room.cem.show("here").content == PLAN
    assert room.cem.list(conversation=talk)[1].total == 1
    refused(lambda: room.ann.request("here", ["dan"]), 95)
    assert room.ann.request("here", ["cem"]).changed


def test_a_document_goes_only_into_a_conversation_of_its_author(room: Any) -> None:
    talk = room.talk(1, "ann", "bob")
    error = refused(lambda: room.cem.create(PLAN, conversation=talk), 99)
    gone = refused(lambda: room.cem.create(PLAN, conversation=post["uuid"](9)), 99)
    assert error.message.replace(talk, "") == gone.message.replace(post["uuid"](9), "")
    assert execute("SELECT count(*) FROM attachment_blobs") == [(0,)]


def test_somebody_has_to_act(room: Any, cleo_open: Any) -> None:
    room.ann.create(PLAN, slug="here")
    nobody = cleo_open().service("documents")
    calls = [*VERBS.values(), lambda service, slug: service.create(PLAN)]
    for call in (*calls, lambda service, slug: service.list()):
        assert refused(lambda call=call: call(nobody, "here"), 2).code == "E_AGENT_REQUIRED"


def test_an_agent_with_a_token_has_to_show_it(room: Any) -> None:
    room.ann.create(PLAN, slug="here")
    execute("UPDATE project_agent_refs SET token_hash = 'x' WHERE agent_id = 'bob'")
    for call in (*VERBS.values(), lambda service, slug: service.create(PLAN)):
        assert "token" in refused(lambda call=call: call(room.bob, "here"), 99).message
    assert execute("SELECT count(*) FROM attachments") == [(1,)]


def test_nobody_can_probe_versions_of_a_document_out_of_reach(room: Any) -> None:
    room.ann.create(PLAN, slug="here", conversation=room.talk(1, "ann"))
    refused(lambda: room.cem.show("here", version=9), 99)
    refused(lambda: room.cem.approve("here", if_version=9), 99)
    refused(lambda: room.cem.edit("here", "x\n", if_version=9), 99)
