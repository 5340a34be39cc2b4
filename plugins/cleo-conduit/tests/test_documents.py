"""Shared documents: versions, contents, lists, expiry, limits."""

from __future__ import annotations

import hashlib
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_conduit.service.documents import contents, writing
from cleo_conduit.service.documents.mending import mend_contributors
from cleo_conduit.service.documents.pruning import prune_documents
from cleo_conduit.store import versions
from cleo_core.testing.fixtures import CLEO

_shared = runpy.run_path(str(Path(__file__).with_name("shared_documents.py")))
Room, refused, PLAN, mine = (_shared[name] for name in ("Room", "refused", "PLAN", "mine"))
execute, audits = _shared["post"]["execute"], _shared["post"]["audits"]

LONGER = PLAN.replace("step 7,", "step seven,") + "## Step 30\n\nThe end.\n"


@pytest.fixture
def room(cleo_open: Callable[..., Any]) -> Any:
    return Room(cleo_open)


def count(table: str) -> int:
    ((found,),) = execute(f"SELECT count(*) FROM {table}")
    return int(found)


def test_a_document_begins_as_a_draft_with_one_version(room: Any) -> None:
    done = room.ann.create(PLAN, title="Plan", format="markdown", summary="First thoughts")
    data = PLAN.encode()
    assert len(done.slug) == 10
    assert done.slug.isascii()
    assert done.slug.isalpha()
    assert done.slug.islower()
    assert (done.mode, done.current_version, done.version_count) == ("draft", 1, 1)
    assert done.content_hash == hashlib.sha256(data).hexdigest()
    assert (done.original_size, done.tokens) == (len(data), -(-len(data) // 4))
    assert done.compressed_size < done.original_size
    assert (done.approvals.required, done.approvals.given) == (1, 0)
    assert (done.conversation_id, done.expires_at) == (None, None)
    assert mine(done.contributors, "agent_id", "version_count", "total_tokens_added") == [
        ("ann", 1, done.tokens)
    ]
    first = done.version
    assert (first.change_type, first.base_version, first.version_number) == ("initial", None, 1)
    assert (first.change_summary, first.sections_modified) == ("First thoughts", [])
    shown = room.bob.show(done.slug)
    assert (shown.content, shown.encoding, shown.title) == (PLAN, "utf-8", "Plan")
    assert audits()[-1] == ("ann", "document.create", "document", done.slug)


@pytest.mark.guarantee(
    "conduit-23",
    "An edit is the next version; where a unified diff is shorter than the content, it is kept "
    "too, with the headings whose lines changed.",
)
def test_an_edit_is_a_patch_where_that_is_shorter(room: Any) -> None:
    slug = room.ann.create(PLAN, format="markdown").slug
    done = room.bob.edit(slug, LONGER, if_version=1, summary="Add the end")
    assert (done.changed, done.current_version, done.version_count) == (True, 2, 2)
    second = done.version
    assert (second.change_type, second.base_version) == ("patch", 1)
    assert second.sections_modified == ["Step 7", "Step 30"]
    ((patch,),) = execute("SELECT patch_text FROM attachment_versions WHERE version_number = 2")
    assert patch.startswith("--- version 1\n+++ version 2\n@@ -")
    assert "-What is done in step 7, and by whom.\n+What is done in step seven, and" in patch
    found = room.ann.diff(slug)
    assert (found.from_version, found.to_version, found.patch) == (1, 2, patch)
    third = room.ann.edit(slug, "Quite another text.\n", if_version=2).version
    assert third.change_type == "full_replace"
    assert room.ann.show(slug, version=2).content == LONGER
    assert room.ann.show(slug).content == "Quite another text.\n"
    whole = room.ann.diff(slug, base=1, version=2)
    assert whole == found
    assert room.ann.diff(slug, version=1).patch.startswith("--- version 0\n+++ version 1\n@@ -0,0 ")
    listed, page = room.ann.versions(slug, limit=2)
    assert mine(listed, "version_number", "author_agent_id") == [(3, "ann"), (2, "bob")]
    assert (page.total, page.limit) == (3, 2)


@pytest.mark.guarantee(
    "conduit-23",
    "An edit made from another version than the current one is refused with exit 21, and an edit "
    "that names no version with exit 2 and the current version in the fix.",
)
def test_an_edit_names_the_version_that_it_was_made_from(room: Any) -> None:
    slug = room.ann.create(PLAN).slug
    room.ann.edit(slug, LONGER, if_version=1)
    for wrong in (1, 3, 2**62):
        error = refused(lambda wrong=wrong: room.bob.edit(slug, "x", if_version=wrong), 21)
        assert error.details == {"slug": slug, "currentVersion": 2, "ifVersion": wrong}
    error = refused(lambda: room.bob.edit(slug, "x"), 2)
    assert error.fix == f"cleo doc edit {slug} FILE --if-version 2"
    for wrong in (0, -1, True, "2", 2.0, 2**64):
        refused(lambda wrong=wrong: room.bob.edit(slug, "x", if_version=wrong), 2)
    assert (count("attachment_versions"), count("attachment_blobs")) == (2, 2)


def test_an_edit_that_overtakes_another_one_wins(
    room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = room.ann.create(PLAN).slug
    plain = writing._compared
    calls = iter(("bob", None, None))

    def compared(*values: Any) -> Any:
        other = next(calls)
        if other is not None:
            room.bob.edit(slug, PLAN + "bob's\n", if_version=1)
        return plain(*values)

    monkeypatch.setattr(writing, "_compared", compared)
    assert refused(lambda: room.ann.edit(slug, PLAN + "ann's\n", if_version=1), 21)
    assert room.ann.show(slug).content == PLAN + "bob's\n"


@pytest.mark.guarantee(
    "conduit-23",
    "Of processes that edit the same version at once one wins, the others are told with exit 21, "
    "and no version is lost.",
)
def test_of_two_edits_of_one_version_one_wins(room: Any, cleo_processes: Any) -> None:
    slug = room.ann.create(PLAN).slug
    agents = ("ann", "bob", "cem")
    for version in (1, 2):
        for agent in agents:
            Path(f"{agent}.md").write_text(f"{PLAN}{version} {agent}\n")
        argvs = [
            (*CLEO, "doc", "edit", slug, f"{agent}.md", "--if-version", str(version), "--json")
            for agent in agents
        ]
        done = cleo_processes(
            [[*argv, "--agent", agent] for argv, agent in zip(argvs, agents, strict=True)]
        )
        assert sorted(code for code, _, _ in done) == [0, 21, 21], done
        winner = agents[[code for code, _, _ in done].index(0)]
        found = room.ann.show(slug)
        assert found.content == f"{PLAN}{version} {winner}\n"
        assert (found.current_version, found.version.author_agent_id) == (version + 1, winner)
    assert [number for (number,) in execute("SELECT version_number FROM attachment_versions")] == [
        1,
        2,
        3,
    ]


@pytest.mark.guarantee(
    "conduit-23", "What contributors are said to have written equals a recount of the versions."
)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    edits=st.lists(
        st.tuples(
            st.sampled_from(("ann", "bob", "cem")),
            st.lists(st.sampled_from(("# A\n", "b\n", "cc\n", "é\n", "ddddd")), max_size=12),
        ),
        max_size=5,
    )
)
def test_contributors_are_the_sum_of_versions(room: Any, edits: Any) -> None:
    slug = room.ann.create(PLAN).slug
    version = 1
    for agent, lines in edits:
        version = (
            getattr(room, agent).edit(slug, "".join(lines), if_version=version).current_version
        )
    found = room.ann.show(slug)
    rows = execute(
        "SELECT author_agent_id, count(*), sum(tokens_added), sum(tokens_removed), "
        f"min(created_at), max(created_at) FROM attachment_versions WHERE slug = '{slug}' "
        "GROUP BY author_agent_id"
    )
    names = (
        *("agent_id", "version_count", "total_tokens_added", "total_tokens_removed"),
        *("first_contribution_at", "last_contribution_at"),
    )
    assert sorted(mine(found.contributors, *names)) == sorted(rows)
    assert sum(one.version_count for one in found.contributors) == version
    assert versions.miscounted(room.app("ann").store("conduit")) == []


def test_a_wrong_sum_is_found_and_mended(room: Any) -> None:
    app = room.app("ann")
    slug, other = room.ann.create(PLAN).slug, room.ann.create(LONGER).slug
    room.bob.edit(slug, LONGER, if_version=1)
    before = execute("SELECT * FROM attachment_contributors ORDER BY slug, agent_id")
    execute(
        f"UPDATE attachment_contributors SET total_tokens_added = 7 WHERE slug = '{slug}' "
        "AND agent_id = 'bob'",
        f"DELETE FROM attachment_contributors WHERE slug = '{other}'",
    )
    wrong = _verbs(app).write("reconcile", mend_contributors)
    assert wrong == sorted((slug, other))
    assert execute("SELECT * FROM attachment_contributors ORDER BY slug, agent_id") == before


def test_the_same_content_again_is_no_new_version(room: Any) -> None:
    slug = room.ann.create(PLAN).slug
    room.bob.approve(slug)
    done = room.bob.edit(slug, PLAN, if_version=1)
    assert (done.changed, done.version, done.current_version) == (False, None, 1)
    assert done.approvals.given == 1


def test_equal_contents_are_stored_once(room: Any) -> None:
    slug = room.ann.create(PLAN).slug
    room.bob.create(PLAN)
    room.ann.edit(slug, LONGER, if_version=1)
    done = room.ann.edit(slug, PLAN, if_version=2)
    assert (done.changed, done.current_version, done.content_hash) == (
        True,
        3,
        room.ann.show(slug, version=1).version.content_hash,
    )
    assert count("attachment_blobs") == 2


def test_bytes_that_are_no_text_need_their_format(room: Any) -> None:
    data = bytes(range(256))
    assert "binary" in refused(lambda: room.ann.create(data), 6).fix
    slug = room.ann.create(data, format="binary").slug
    found = room.ann.show(slug)
    assert (found.encoding, found.content[:8]) == ("base64", "AAECAwQF")
    done = room.ann.edit(slug, data[::-1] * 2, if_version=1)
    assert (done.version.change_type, done.version.sections_modified) == ("full_replace", [])
    assert (done.version.tokens_added, done.version.tokens_removed) == (128, 64)
    assert room.ann.diff(slug).patch is None


@pytest.mark.parametrize("content", ["", "\n", "no end", "a\r\nb\r\n", "\x85\u2028\x0c", "é" * 99])
def test_any_text_comes_back_as_it_was(room: Any, content: str) -> None:
    slug = room.ann.create(content).slug
    assert room.ann.show(slug).content == content
    room.ann.edit(slug, PLAN, if_version=1)
    assert room.ann.edit(slug, content, if_version=2).version.tokens_removed
    assert room.ann.show(slug).content == content


@pytest.mark.parametrize(
    ("options", "exit"),
    [
        ({"content": None}, 2),
        ({"content": 3}, 2),
        ({"content": "\ud800"}, 6),
        ({"content": "a\0b"}, 6),
        ({"slug": "A"}, 2),
        ({"slug": "-a"}, 2),
        ({"slug": "a" * 65}, 2),
        ({"slug": "../a"}, 2),
        ({"slug": "a\n"}, 2),
        ({"slug": 3}, 2),
        ({"title": ""}, 6),
        ({"title": "a\nb"}, 6),
        ({"title": "a" * 201}, 6),
        ({"title": "\ud800"}, 6),
        ({"format": "word"}, 2),
        ({"format": None}, 2),
        ({"summary": "a" * 1001}, 6),
        ({"summary": 3}, 6),
        ({"required_approvals": -1}, 2),
        ({"required_approvals": True}, 2),
        ({"required_approvals": 101}, 2),
        ({"required_approvals": "1"}, 2),
        ({"ttl": "soon"}, 2),
        ({"ttl": 0}, 2),
        ({"ttl": "99999999w"}, 2),
        ({"ttl": float("nan")}, 2),
        ({"conversation": "here"}, 2),
        ({"conversation": 3}, 2),
        ({"idempotency_key": ""}, 2),
    ],
)
def test_what_can_be_no_document_is_refused(room: Any, options: Any, exit: int) -> None:
    count_before = len(audits())
    refused(lambda: room.ann.create(**{"content": PLAN, **options}), exit)
    assert (count("attachments"), count("attachment_blobs")) == (0, 0)
    assert len(audits()) == count_before


def test_a_name_is_given_once(room: Any) -> None:
    assert room.ann.create(PLAN, slug="plan").slug == "plan"
    assert refused(lambda: room.bob.create(LONGER, slug="plan"), 22).code == "E_ID_COLLISION"
    assert (count("attachments"), count("attachment_blobs")) == (1, 1)


def test_the_same_key_gives_the_first_result_again(room: Any) -> None:
    first = room.ann.create(PLAN, idempotency_key="k")
    assert room.ann.create(PLAN, idempotency_key="k") == first
    assert room.app("ann").replayed
    assert room.bob.create(PLAN, idempotency_key="k").slug != first.slug
    done = room.ann.edit(first.slug, LONGER, if_version=1, idempotency_key="k")
    room.bob.edit(first.slug, PLAN, if_version=2)
    assert room.ann.edit(first.slug, LONGER, if_version=1, idempotency_key="k") == done
    for call in (
        lambda: room.ann.create(LONGER, idempotency_key="k"),
        lambda: room.ann.create(PLAN, title="x", idempotency_key="k"),
        lambda: room.ann.edit(first.slug, PLAN, if_version=1, idempotency_key="k"),
        lambda: room.ann.edit(first.slug, LONGER, if_version=3, idempotency_key="k"),
    ):
        assert refused(call, 6).code == "E_IDEMPOTENCY_MISMATCH"
    assert count("attachment_versions") == 4


def test_sizes_are_limited(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MOST_BYTES", 2000)
    monkeypatch.setattr(contents, "MOST_STORED", 2500)
    noise = hashlib.sha256(b"noise").hexdigest() * 31
    assert refused(lambda: room.ann.create("x" * 2001), 98).code == "E_LIMIT"
    slug = room.ann.create("x" * 2000).slug
    data = b"".join(hashlib.sha256(bytes([one])).digest() for one in range(60))
    room.ann.create(data, format="binary")
    error = refused(lambda: room.ann.create(data[32:], format="binary"), 98)
    assert error.details == {"most": 2500}
    refused(lambda: room.ann.edit(slug, noise + "x" * 100, if_version=1), 98)
    assert room.ann.create(data, format="binary").version.compressed_size == len(data)
    assert count("attachment_versions") == 3


@pytest.mark.parametrize("codec", ["raw", "zlib"])
def test_a_content_is_compressed_where_that_saves_a_tenth(codec: str) -> None:
    noise = b"".join(hashlib.sha256(bytes([one])).digest() for one in range(100))
    # The share of what repeats decides.
    data = noise + b"x" * (200 if codec == "raw" else 500)
    packed = contents.pack(data)
    assert packed.codec == codec
    assert (len(packed.content) <= 0.9 * len(data)) is (codec == "zlib")


def test_a_document_ends_with_its_time(room: Any, cleo_clock: Any) -> None:
    slug = room.ann.create(PLAN, ttl="1h", slug="plan").slug
    room.ann.create(LONGER)
    cleo_clock.advance(3599)
    assert room.bob.show(slug).expires_at == "2026-03-25T15:30:15.000Z"
    cleo_clock.advance(1)
    for call in (
        lambda: room.ann.show(slug),
        lambda: room.ann.edit(slug, LONGER, if_version=1),
        lambda: room.ann.approve(slug),
        lambda: room.ann.mode(slug, "review"),
    ):
        refused(call, 99)
    assert [one.slug for one in room.ann.list()[0]] != [slug]
    assert room.ann.list()[1].total == 1
    again = room.bob.create("Another plan.\n", slug="plan")
    assert (again.from_agent_id, again.expires_at, again.version_count) == ("bob", None, 1)
    assert count("attachment_versions") == 2


def test_pruning_removes_what_nobody_can_read_any_more(room: Any, cleo_clock: Any) -> None:
    app = room.app("ann")
    room.ann.create(PLAN, ttl=60, slug="short")
    room.bob.approve("short")
    room.ann.create(PLAN, slug="same")
    room.ann.create("Only here.\n", ttl=60, slug="other")
    room.ann.create(LONGER, slug="long")
    cleo_clock.advance(61)
    seen: list[Any] = []

    def body(work: Any) -> Any:
        done = prune_documents(work)
        seen[:] = [(kind, op, sorted(rows)) for (kind, op), rows in work.unit.collected.items()]
        return done

    assert _verbs(app).write("prune", body) == (2, 1)
    assert seen == [("document", "delete", ["other", "short"])]
    assert execute("SELECT slug FROM attachments ORDER BY slug") == [("long",), ("same",)]
    assert count("attachment_approvals") == 0
    assert room.ann.show("same").content == PLAN
    assert _verbs(app).write("prune", prune_documents) == (0, 0)


def test_a_list_is_filtered_and_paged(room: Any, cleo_clock: Any) -> None:
    talk = room.talk(1, "ann", "bob")
    for number in range(5):
        cleo_clock.advance(1)
        room.ann.create(f"{number}\n", slug=f"d{number}", conversation=talk if number % 2 else None)
    room.bob.create("x\n", slug="b")
    room.ann.mode("d0", "review")
    found, page = room.ann.list(limit=2, offset=1)
    assert ([one.slug for one in found], page.total) == (["d0", "d4"], 6)
    assert [one.slug for one in room.ann.list(conversation=talk)[0]] == ["d3", "d1"]
    assert [one.slug for one in room.ann.list(mode="review")[0]] == ["d0"]
    assert [one.slug for one in room.ann.list(author="bob")[0]] == ["b"]
    for wrong in ({"mode": "x"}, {"author": "a/b"}, {"conversation": "x"}, {"limit": 0}):
        refused(lambda wrong=wrong: room.ann.list(**wrong), 2)


def test_a_version_that_is_not_there_is_not_found(room: Any) -> None:
    slug = room.ann.create(PLAN).slug
    for call in (
        lambda: room.ann.show(slug, version=2),
        lambda: room.ann.diff(slug, version=2),
        lambda: room.ann.diff(slug, base=3),
        lambda: room.ann.export(slug, "x.md", version=2),
    ):
        assert refused(call, 4).fix == f"cleo doc versions {slug}"
    assert not Path("x.md").exists()


def test_plugins_hear_of_what_becomes_of_a_document(
    room: Any, monkeypatch: pytest.MonkeyPatch, cleo_clock: Any
) -> None:
    heard: list[Any] = []
    app = room.app("ann")
    monkeypatch.setattr(app, "_somebody_listens", lambda unit: True)
    monkeypatch.setattr(
        "cleo_core.app.after_commit", lambda plugins, app, changes: heard.extend(changes)
    )
    room.ann.create(PLAN, slug="plan", ttl=60)
    room.ann.edit("plan", LONGER, if_version=1)
    cleo_clock.advance(1)
    room.ann.request("plan", ["bob"])
    room.ann.mode("plan", "review")
    cleo_clock.advance(60)
    room.ann.create(PLAN, slug="plan")
    # What is told of it are messages, which are of no interest here.
    found = [one for one in heard if one.kind == "document"]
    assert [(one.op, one.ids) for one in found] == [
        (op, ("plan",)) for op in ("create", "update", "update", "update", "delete", "create")
    ]
    assert found[0].after["plan"]["title"] is None
    assert found[1].before["plan"]["current_version"] == 1
    assert found[1].after["plan"]["current_version"] == 2
    assert set(found[2].after["plan"]) == {"updated_at"}
    assert found[3].after["plan"]["mode"] == "review"
    assert found[4].before["plan"]["current_version"] == 2


def test_a_dry_run_changes_no_byte(room: Any, cleo_home: Path, frozen_bytes: Any) -> None:
    slug = room.ann.create(PLAN).slug
    room.ann.show(slug)
    app = room.app("ann")
    with frozen_bytes(cleo_home), app.dry_running():
        assert room.ann.create(LONGER).version.version_number == 1
        assert room.ann.edit(slug, LONGER, if_version=1).current_version == 2
        assert room.ann.request(slug, ["bob"]).approvals.pending == 1
        assert room.ann.mode(slug, "review").mode == "review"
        assert room.ann.export(slug, "x.md").bytes == len(PLAN)


def test_who_the_registry_does_not_know_writes_no_version(
    room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = room.ann.create(PLAN).slug
    app = room.app("ann")
    app.plugins.kinds["agent"] = "registry"
    monkeypatch.setattr(app.existence, "ask", lambda kind, ids: {one: one == "bob" for one in ids})
    for call in (
        lambda: room.ann.create(LONGER),
        lambda: room.ann.edit(slug, LONGER, if_version=1),
        lambda: room.ann.approve(slug),
        lambda: room.ann.request(slug, ["cem"]),
    ):
        assert refused(call, 6).code == "E_REFERENCE"
    assert room.ann.request(slug, ["bob"]).changed
    assert count("attachment_versions") == 1
    del app.plugins.kinds["agent"]


def _verbs(app: Any) -> Any:
    from cleo_conduit.service.work import Verbs

    return Verbs(app)
