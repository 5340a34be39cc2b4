"""Rows of an older file: taken in once, in one unit, and out again without touching others'."""

from __future__ import annotations

import copy
import json
import os
import runpy
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing.faults import disk_full
from cleo_core.testing.runner import Looks, kill_points, watch

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
conduit, execute, value = _post["conduit"], _post["execute"], _post["value"]
audits, lease, conversation = _post["audits"], _post["lease"], _post["conversation"]
message, insert, uuid, AT = _post["message"], _post["insert"], _post["uuid"], _post["AT"]
receipt, job, disagreements = _post["receipt"], _post["job"], _post["disagreements"]
LATER = _post["LATER"]

RUN = uuid(900)
TABLES = (
    *("conversations", "participants", "messages", "receipts", "dead_letters"),
    *("project_agent_refs", "message_pins"),
)

Rows = dict[str, list[dict[str, Any]]]


def said(number: int, conversation: int, **more: Any) -> dict[str, Any]:
    """A converted message."""
    return {
        "id": uuid(number),
        "conversation_id": uuid(conversation),
        "from_agent_id": "ann",
        "content": f"words {number}",
        "thread_id": uuid(number),
        "body_hash": f"hash {number}",
        "created_at": AT,
        **more,
    }


def rows() -> Rows:
    """Converted rows of every table."""
    return {
        "conversations": [
            {
                "id": uuid(101),
                "kind": "dm",
                "dm_key": "ann bob",
                "created_by": "ann",
                "created_at": AT,
                "updated_at": AT,
            },
            {
                "id": uuid(102),
                "kind": "group",
                "title": "All",
                "created_by": "ann",
                "created_at": AT,
                "updated_at": AT,
            },
            {
                "id": uuid(103),
                "kind": "topic",
                "topic": "news",
                "created_by": "bob",
                "created_at": AT,
                "updated_at": AT,
            },
        ],
        "participants": [
            {"conversation_id": uuid(101), "agent_id": "ann", "joined_at": AT},
            {"conversation_id": uuid(101), "agent_id": "bob", "joined_at": AT},
            {"conversation_id": uuid(102), "agent_id": "ann", "joined_at": AT, "muted": True},
        ],
        "messages": [
            said(
                112,
                101,
                reply_to=uuid(111),
                thread_id=uuid(111),
                from_agent_id="bob",
                created_at=LATER,
                metadata={"tags": ["parser"]},
            ),
            said(111, 101, subject="Parser"),
            said(113, 102, content="Prüfung", reply_to=uuid(999)),
        ],
        "receipts": [
            {"message_id": uuid(111), "agent_id": "bob", "state": "read", "read_at": AT},
            {"message_id": uuid(112), "agent_id": "ann"},
        ],
        "dead_letters": [
            {
                "id": uuid(131),
                "message_id": uuid(112),
                "recipient": "cem",
                "transport": "http",
                "payload": {"content": "words"},
                "reason": "max_attempts",
                "attempts": 6,
                "history": [],
                "created_at": AT,
            },
        ],
        "project_agent_refs": [
            {"agent_id": "ann", "attached_at": AT, "role": "lead", "updated_at": AT},
            {
                "agent_id": "bob",
                "attached_at": AT,
                "updated_at": AT,
                "capabilities_override": {"set": ["git"]},
            },
        ],
        "message_pins": [
            {
                "id": uuid(141),
                "message_id": uuid(111),
                "conversation_id": uuid(101),
                "pinned_by": "bob",
                "created_at": AT,
            },
        ],
    }


KEYS = {
    "conversations": [uuid(101), uuid(102), uuid(103)],
    "participants": [f"{uuid(101)} ann", f"{uuid(101)} bob", f"{uuid(102)} ann"],
    "messages": [uuid(112), uuid(111), uuid(113)],
    "receipts": [f"{uuid(111)} bob", f"{uuid(112)} ann"],
    "dead_letters": [uuid(131)],
    "project_agent_refs": ["ann", "bob"],
    "message_pins": [uuid(141)],
}
NOTHING: dict[str, list[str]] = {table: [] for table in TABLES}


def content() -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the tables, and whether a run is marked."""
    found = {table: sorted(execute(f"SELECT * FROM {table}"), key=repr) for table in TABLES}
    found["meta"] = execute("SELECT key FROM conduit_meta ORDER BY key")
    return found


def refused(call: Callable[[], Any]) -> CleoError:
    with pytest.raises(CleoError) as caught:
        call()
    return caught.value


@pytest.fixture
def empty(cleo_app: App) -> dict[str, Any]:
    """What a fresh file holds."""
    cleo_app.write("conduit", lambda unit: None)
    return content()


def test_rows_of_every_table_are_taken_in(cleo_app: App) -> None:
    done = conduit(cleo_app).import_legacy(rows(), RUN)
    assert (done.changed, done.inserted, done.present) == (True, KEYS, NOTHING)
    assert not any(done.merged.values())
    counted = execute(
        "SELECT id, message_count, last_seq, last_message_at, updated_at FROM conversations "
        "ORDER BY id"
    )
    assert counted == [
        (uuid(101), 2, 2, LATER, AT),
        (uuid(102), 1, 3, AT, AT),
        (uuid(103), 0, None, None, AT),
    ]
    replies = execute("SELECT id, reply_to FROM messages ORDER BY seq")
    assert replies == [(uuid(112), uuid(111)), (uuid(111), None), (uuid(113), None)]
    assert execute("SELECT message_seq, agent_id, state FROM receipts ORDER BY message_seq") == [
        (1, "ann", "pending"),
        (2, "bob", "read"),
    ]
    assert execute("SELECT rowid FROM messages_fts WHERE messages_fts MATCH 'prufung'") == [(3,)]
    assert [(ref.agent_id, ref.role) for ref in conduit(cleo_app).refs()] == [
        ("ann", "lead"),
        ("bob", None),
    ]
    assert audits() == [
        ("user", "legacy.import", "legacy", RUN),
        ("user", "legacy.import", "agent", "ann"),
        ("user", "legacy.import", "agent", "bob"),
    ]
    assert disagreements() == []


def test_the_same_run_again_changes_nothing_and_says_the_same(cleo_app: App) -> None:
    service = conduit(cleo_app)
    first = service.import_legacy(rows(), RUN)
    before = content()
    second = service.import_legacy(rows(), RUN)
    assert (second.changed, second.inserted) == (False, first.inserted)
    assert content() == before
    other = service.import_legacy(rows(), uuid(901))
    assert (other.inserted, other.present) == (NOTHING, KEYS)
    assert {key: found for key, found in content().items() if key != "meta"} == {
        key: found for key, found in before.items() if key != "meta"
    }
    assert len(audits()) == 4


def test_what_is_here_stays_and_conversations_of_one_pair_become_one(cleo_app: App) -> None:
    service = conduit(cleo_app)
    service.attach("ann", role="mine")
    execute(
        conversation(
            1, kind="dm", dm_key="ann bob", message_count=1, last_seq=1, last_message_at=AT
        ),
        conversation(2, kind="topic", topic="news"),
        message(11),
        insert("participants", conversation_id=uuid(1), agent_id="ann", joined_at=LATER),
        insert(
            "message_pins",
            id=uuid(41),
            message_seq=1,
            conversation_id=uuid(1),
            pinned_by="bob",
            created_at=AT,
        ),
    )
    given = rows()
    given["messages"].append(said(11, 101, body_hash="x", content="hello"))
    given["message_pins"].append(
        {**given["message_pins"][0], "id": uuid(142), "message_id": uuid(11)}
    )
    given["conversations"].append({**given["conversations"][0], "id": uuid(104)})
    given["participants"].append({"conversation_id": uuid(104), "agent_id": "cem", "joined_at": AT})
    done = service.import_legacy(given, RUN)
    assert done.merged["conversations"] == {
        uuid(101): uuid(1),
        uuid(103): uuid(2),
        uuid(104): uuid(1),
    }
    assert done.merged["participants"] == {f"{uuid(101)} ann": f"{uuid(1)} ann"}
    assert done.inserted["participants"] == [
        f"{uuid(1)} bob",
        f"{uuid(102)} ann",
        f"{uuid(1)} cem",
    ]
    assert done.present["messages"] == [uuid(11)]
    assert done.merged["message_pins"] == {uuid(142): uuid(41)}
    assert done.present["project_agent_refs"] == ["ann"]
    assert service.ref("ann").role == "mine"
    assert value(f"SELECT message_count FROM conversations WHERE id = '{uuid(1)}'") == 3
    assert (
        value(
            f"SELECT joined_at FROM participants WHERE agent_id = 'ann' "
            f"AND conversation_id = '{uuid(1)}'"
        )
        == LATER
    )
    assert disagreements() == []
    # Taken out again, what was here is as it was, but for the time of its last change.
    service.drop_legacy(done.inserted, RUN)
    assert execute("SELECT id, message_count FROM conversations ORDER BY id") == [
        (uuid(1), 1),
        (uuid(2), 0),
    ]
    assert [ref.agent_id for ref in service.refs()] == ["ann"]
    assert disagreements() == []


def test_a_message_that_is_another_under_the_same_id_is_refused(
    cleo_app: App, empty: dict[str, Any]
) -> None:
    service = conduit(cleo_app)
    given = rows()
    given["messages"].append(said(111, 101, content="others", body_hash="others"))
    error = refused(lambda: service.import_legacy(given, RUN))
    assert (error.exit, error.code) == (22, "E_ID_COLLISION")
    assert content() == empty


def changed_rows(table: str, number: int, **more: Any) -> Rows:
    given = rows()
    given[table][number] = {**given[table][number], **more}
    return given


@pytest.mark.parametrize(
    "given",
    [
        {"agents": []},
        {"messages": "no list"},
        [],
        {"messages": [7]},
        {"messages": [{"content": "without id"}]},
        changed_rows("messages", 0, seq=7),
        changed_rows("messages", 0, content=None),
        changed_rows("messages", 0, content=b"bytes"),
        changed_rows("messages", 0, content="a\x00b"),
        changed_rows("messages", 0, content="\ud800"),
        changed_rows("messages", 0, content="x" * 65537),
        changed_rows("messages", 0, importance="dire"),
        changed_rows("messages", 0, conversation_id=uuid(404)),
        changed_rows("messages", 0, created_at="yesterday"),
        changed_rows("messages", 0, metadata={"x": object()}),
        changed_rows("messages", 0, verified=2**70),
        changed_rows("messages", 0, verified=1.5),
        changed_rows("receipts", 0, message_id=uuid(404)),
        changed_rows("receipts", 0, state="lost"),
        changed_rows("project_agent_refs", 0, agent_id="no id"),
        changed_rows("project_agent_refs", 0, agent_id="humanoverseer"),
        changed_rows("project_agent_refs", 0, token_hash="secret"),
        changed_rows("conversations", 0, message_count=7),
    ],
)
def test_rows_that_are_not_acceptable_leave_nothing(
    cleo_app: App, empty: dict[str, Any], given: Any
) -> None:
    error = refused(lambda: conduit(cleo_app).import_legacy(given, RUN))
    assert error.exit == 6
    assert content() == empty
    assert audits() == []


@pytest.mark.parametrize("run", ["", "x", 7, None, RUN.upper().replace("C", "C"), f"{RUN}\n"])
def test_a_run_has_a_uuid(cleo_app: App, run: Any) -> None:
    service = conduit(cleo_app)
    assert refused(lambda: service.import_legacy({}, run)).exit == 6
    assert refused(lambda: service.drop_legacy({}, run)).exit == 6


def test_agents_that_do_not_exist_are_refused_but_not_in_a_plan(
    cleo_app: App, empty: dict[str, Any], frozen_bytes: Any
) -> None:
    class Owner:
        def ask(self, kind: str, ids: Any) -> dict[str, bool]:
            return {id_: id_ != "bob" for id_ in ids}

        def forget(self) -> None:
            pass

    cleo_app.existence = Owner()  # type: ignore[assignment]
    error = refused(lambda: conduit(cleo_app).import_legacy(rows(), RUN))
    assert (error.exit, error.code) == (6, "E_REFERENCE")
    assert content() == empty
    cleo_app.close()
    with frozen_bytes("."), cleo_app.dry_running():
        assert conduit(cleo_app).import_legacy(rows(), RUN).inserted == KEYS
        cleo_app.close()


def test_what_was_taken_in_goes_out_again(cleo_app: App, empty: dict[str, Any]) -> None:
    service = conduit(cleo_app)
    service.import_legacy(rows(), RUN)
    done = service.drop_legacy(KEYS, RUN)
    assert done.changed
    assert {table: sorted(keys) for table, keys in done.dropped.items()} == {
        table: sorted(keys) for table, keys in KEYS.items()
    }
    assert done.spared == NOTHING
    assert content() == empty
    assert disagreements() == []
    again = service.drop_legacy(KEYS, RUN)
    assert (again.changed, again.spared) == (False, KEYS)
    assert service.import_legacy(rows(), RUN).changed


def test_rows_that_others_added_are_spared(cleo_app: App) -> None:
    service = conduit(cleo_app)
    service.import_legacy(rows(), RUN)
    service.attach("cem")
    execute(conversation(1), message(11))
    before = content()
    done = service.drop_legacy(
        {"project_agent_refs": ["cem", "nobody"], "messages": [uuid(11)]}, RUN
    )
    assert (done.changed, done.spared["project_agent_refs"]) == (False, ["cem", "nobody"])
    assert content() == before
    service.drop_legacy(KEYS, RUN)
    assert [ref.agent_id for ref in service.refs()] == ["cem"]
    assert execute("SELECT id FROM messages") == [(uuid(11),)]


def test_a_part_may_go_before_the_rest(cleo_app: App, empty: dict[str, Any]) -> None:
    service = conduit(cleo_app)
    service.import_legacy(rows(), RUN)
    service.drop_legacy({"message_pins": KEYS["message_pins"]}, RUN)
    assert not service.import_legacy(rows(), RUN).changed
    execute("DELETE FROM receipts WHERE agent_id = 'ann'")
    done = service.drop_legacy(KEYS, RUN)
    assert done.spared["receipts"] == [f"{uuid(112)} ann"]
    assert content() == empty


SINCE = {
    "a message was redacted": (
        f"UPDATE messages SET content = '[redacted]' WHERE id = '{uuid(111)}'",
        "messages",
        uuid(111),
    ),
    "mail was taken": (
        "UPDATE receipts SET state = 'delivered' WHERE agent_id = 'ann'",
        "receipts",
        f"{uuid(112)} ann",
    ),
    "a letter was replayed": ("UPDATE dead_letters SET replays = 1", "dead_letters", uuid(131)),
    "a role was given": (
        "UPDATE project_agent_refs SET role = 'x' WHERE agent_id = 'bob'",
        "project_agent_refs",
        "bob",
    ),
    "a pin got a note": ("UPDATE message_pins SET note = 'x'", "message_pins", uuid(141)),
    "somebody left": (
        f"UPDATE participants SET left_at = '{AT}' WHERE agent_id = 'bob'",
        "participants",
        f"{uuid(101)} bob",
    ),
    "a topic was filed away": (
        f"UPDATE conversations SET archived_at = '{AT}' WHERE topic = 'news'",
        "conversations",
        uuid(103),
    ),
    "somebody joined": (
        insert("participants", conversation_id=uuid(103), agent_id="cem", joined_at=AT),
        "conversations",
        uuid(103),
    ),
    "somebody wrote": (message(11, 103), "conversations", uuid(103)),
    "somebody answered": (
        conversation(1) + ";" + message(11, 1, reply_to=uuid(111)),
        "messages",
        uuid(111),
    ),
    "somebody got a copy": (receipt(1, "cem"), "messages", uuid(112)),
    "mail is on its way": (job(21, 1), "messages", uuid(112)),
    "somebody pinned": (
        insert(
            "message_pins",
            id=uuid(49),
            message_seq=3,
            conversation_id=uuid(102),
            pinned_by="ann",
            created_at=AT,
        ),
        "messages",
        uuid(113),
    ),
    "a document was shared": (
        insert(
            "attachments",
            slug="notes",
            from_agent_id="ann",
            conversation_id=uuid(103),
            current_version=1,
            version_count=1,
            content_hash="h",
            original_size=0,
            compressed_size=0,
            tokens=0,
            created_at=AT,
            updated_at=AT,
        ),
        "conversations",
        uuid(103),
    ),
    "a file was reserved": (lease(31, "bob"), "project_agent_refs", "bob"),
}


@pytest.mark.parametrize("since", list(SINCE))
def test_rows_that_changed_or_gained_others_are_named_and_stay(cleo_app: App, since: str) -> None:
    service = conduit(cleo_app)
    service.import_legacy(rows(), RUN)
    statements, table, key = SINCE[since]
    execute(*statements.split(";"))
    before = content()
    error = refused(lambda: service.drop_legacy(KEYS, RUN))
    assert error.exit == 6
    assert (table, key) in [(row["table"], row["key"]) for row in error.details["rows"]]
    assert key in error.message
    assert content() == before


def test_using_an_agent_does_not_keep_it(cleo_app: App, empty: dict[str, Any]) -> None:
    service = conduit(cleo_app)
    service.import_legacy(rows(), RUN)
    assert service.touch("bob")
    service.drop_legacy(KEYS, RUN)
    assert content() == empty


@pytest.mark.parametrize(
    "keys", [{"agents": []}, [], {"messages": "x"}, {"messages": [7]}, {"messages": ["\x00"]}]
)
def test_keys_of_another_shape_are_refused(cleo_app: App, keys: Any) -> None:
    assert refused(lambda: conduit(cleo_app).drop_legacy(keys, RUN)).exit == 6


def test_a_rebuild_of_the_index_that_fails_leaves_nothing(
    cleo_app: App, empty: dict[str, Any]
) -> None:
    failed = []
    cleo_app.close()

    def fail(sql: str) -> None:
        if "'rebuild'" in sql:
            failed.append(sql)
            raise disk_full()

    end = watch(fail)
    try:
        assert refused(lambda: conduit(cleo_app).import_legacy(rows(), RUN)).exit == 3
    finally:
        end()
    assert failed
    cleo_app.close()
    assert content() == empty
    assert conduit(cleo_app).import_legacy(rows(), RUN).changed


def in_child(verb: str, given: Any, app: App, seen: Callable[[str], None]) -> int:
    """Call a verb in a child that tells of each statement before it runs; the exit of the child."""
    pid = os.fork()
    if pid == 0:
        watch(seen)
        try:
            getattr(conduit(app), verb)(given, RUN)
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed_at(number: int, verb: str, given: Any, app: App) -> int:
    """Call a verb in a child that is killed before its n-th statement; the exit of the child."""
    left = number

    def seen(sql: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return in_child(verb, given, app, seen)


def every_kill(verb: str, given: Any, app: App, before: Any) -> int:
    """Kill a verb before its statements, see :func:`kill_points`.

    Whatever was killed left the file as it was before, unless its unit was committed.

    :returns: how many statements there are up to the commit.
    """
    folder = Path(".cleo")
    kept = {path: path.read_bytes() for path in folder.glob("conduit.db*")}
    looks = Looks(folder)
    statements = Path("statements")

    def seen(sql: str) -> None:
        looks.look(sql)
        statements.write_text(json.dumps(looks.found))

    assert in_child(verb, given, app, seen) == 0
    found = json.loads(statements.read_text())
    statements.unlink()
    for path in folder.glob("conduit.db*"):
        path.unlink()
    for path, held in kept.items():
        path.write_bytes(held)
    for number in kill_points(found):
        assert killed_at(number, verb, given, app) == -signal.SIGKILL
        if content() != before:
            return number
    return len(found)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")
def test_a_kill_at_any_statement_leaves_all_rows_or_none(
    cleo_app: App, empty: dict[str, Any]
) -> None:
    cleo_app.close()
    given = rows()
    steps = every_kill("import_legacy", given, cleo_app, empty)
    assert steps > 30
    assert disagreements() == []
    done = conduit(cleo_app).import_legacy(copy.deepcopy(given), RUN)
    assert done.inserted == KEYS
    full = content()
    assert disagreements() == []
    cleo_app.close()
    assert every_kill("drop_legacy", KEYS, cleo_app, full) > 20
    conduit(cleo_app).drop_legacy(KEYS, RUN)
    assert content() == empty
    assert disagreements() == []


def test_two_processes_with_one_run_take_it_in_once(
    cleo_processes: Any, cleo_project: Path, cleo_app: App
) -> None:
    import sys

    program = (
        "import json, sys\n"
        "from cleo_core import open_app\n"
        "with open_app() as app:\n"
        "    done = app.service('conduit').import_legacy(json.loads(sys.argv[1]), sys.argv[2])\n"
        "print(done.changed)\n"
    )
    argv = [sys.executable, "-c", program, json.dumps(rows()), RUN]
    results = cleo_processes([argv] * 4)
    assert sorted(out.strip() for _, out, _ in results) == ["False"] * 3 + ["True"], results
    assert value("SELECT count(*) FROM messages") == 3
    assert disagreements() == []


def test_a_thousand_messages_are_taken_in_soon(cleo_app: App) -> None:
    import time

    given = rows()
    given["messages"] += [said(1000 + n, 102, content=f"message {n}") for n in range(1000)]
    given["receipts"] += [{"message_id": uuid(1000 + n), "agent_id": "bob"} for n in range(1000)]
    started = time.monotonic()
    done = conduit(cleo_app).import_legacy(given, RUN)
    spent = time.monotonic() - started
    assert len(done.inserted["messages"]) == 1003
    assert spent < 20, "a second is usual"
    assert disagreements() == []
