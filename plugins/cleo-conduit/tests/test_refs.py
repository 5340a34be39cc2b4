"""Which agents a project sees: attach, detach, remove, touch, and the commands."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_conduit.records.refs import UNSET
from cleo_core.api import ServiceSpec
from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome
from cleo_core.testing.fixtures import CLEO

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
conduit, execute, value = _post["conduit"], _post["execute"], _post["value"]
audits, lease, conversation = _post["audits"], _post["lease"], _post["conversation"]
message, insert, uuid, AT = _post["message"], _post["insert"], _post["uuid"], _post["AT"]
disagreements = _post["disagreements"]

Cli = Callable[..., Outcome]


def refused(call: Callable[[], Any]) -> CleoError:
    """The error that a call ends with."""
    with pytest.raises(CleoError) as caught:
        call()
    return caught.value


def state() -> list[tuple[Any, ...]]:
    return execute("SELECT * FROM project_agent_refs ORDER BY agent_id")


def test_an_agent_is_attached_with_role_and_override(cleo_open: Any, cleo_clock: Any) -> None:
    app = cleo_open(agent="ann")
    done = conduit(app).attach("bob", role="reviewer", override={"add": ["git", "git"]})
    assert done.changed
    assert done.ref == conduit(app).ref("bob")
    assert done.ref.capabilities_override == {"add": ["git"], "remove": []}
    assert (done.ref.enabled, done.ref.role, done.ref.attached_by) == (True, "reviewer", "ann")
    assert (done.ref.detached_at, done.ref.last_used_at) == (None, None)
    assert done.ref.attached_at == done.ref.updated_at
    assert audits() == [("ann", "ref.attach", "agent", "bob")]


def test_attaching_again_changes_only_what_is_given(cleo_app: App, cleo_clock: Any) -> None:
    service = conduit(cleo_app)
    service.attach("bob", role="reviewer", override=["git"])
    first = state()
    cleo_clock.advance(5)
    assert not service.attach("bob").changed
    assert not service.attach("bob", role="reviewer", override={"set": ["git"]}).changed
    assert state() == first
    assert len(audits()) == 1
    done = service.attach("bob", role=None)
    assert (done.changed, done.ref.role) == (True, None)
    assert done.ref.capabilities_override == {"set": ["git"]}
    assert done.ref.attached_at == first[0][1]
    assert done.ref.updated_at > done.ref.attached_at
    assert service.attach("bob", override=None).ref.capabilities_override is None
    assert len(audits()) == 3


@pytest.mark.guarantee(
    "signaldock-10",
    "Attaching an agent again without options keeps its role and override; detaching keeps the "
    "row, removing deletes it, and both keep its history.",
)
def test_a_detached_agent_comes_back_as_it_was(cleo_app: App, cleo_clock: Any) -> None:
    service = conduit(cleo_app)
    before = service.attach("bob", role="reviewer", override=["git"]).ref
    cleo_clock.advance(5)
    done = service.detach("bob")
    assert (done.changed, done.ref.enabled, done.ref.role) == (True, False, "reviewer")
    assert done.ref.detached_at == done.ref.updated_at > before.attached_at
    assert done.ref.attached_at == before.attached_at
    assert service.refs() == []
    assert service.refs(enabled_only=False) == [done.ref]
    assert not service.detach("bob").changed
    cleo_clock.advance(5)
    again = service.attach("bob")
    assert again.changed
    assert again.ref.enabled
    assert again.ref.detached_at is None
    assert again.ref.attached_at > done.ref.detached_at
    assert (again.ref.role, again.ref.capabilities_override) == ("reviewer", {"set": ["git"]})
    assert [action for _, action, _, _ in audits()] == ["ref.attach", "ref.detach", "ref.attach"]


def test_a_detached_agent_may_come_back_as_another(cleo_app: App) -> None:
    service = conduit(cleo_app)
    service.attach("bob", role="reviewer")
    service.detach("bob")
    assert service.attach("bob", role="lead").ref.role == "lead"


def peopled(cleo_app: App) -> Any:
    """An agent with two leases, one of which is over, in one conversation, with mail."""
    service = conduit(cleo_app)
    service.attach("bob")
    service.attach("ann")
    execute(
        lease(31, "bob"),
        lease(32, "bob", pattern="docs/**", expires_at=AT),
        lease(33, "ann", pattern="lib/**"),
        lease(34, "bob", pattern="old", released_at=AT, release_kind="released"),
        conversation(message_count=1, last_seq=1, last_message_at=AT),
        *(
            insert("participants", conversation_id=uuid(1), agent_id=agent, joined_at=AT)
            for agent in ("ann", "bob")
        ),
        message(),
        insert("receipts", message_seq=1, agent_id="bob"),
    )
    return service


@pytest.mark.guarantee(
    "signaldock-10",
    "Detaching an agent releases its leases and leaves its mail waiting.",
)
def test_detaching_releases_leases_and_keeps_mail(cleo_app: App) -> None:
    service = peopled(cleo_app)
    done = service.detach("bob")
    assert (done.released, done.left) == ([uuid(31)], [])
    rows = execute("SELECT id, release_kind, broken_by FROM leases ORDER BY fence")
    assert rows == [
        (uuid(31), "released", None),
        (uuid(32), "expired", None),
        (uuid(33), None, None),
        (uuid(34), "released", None),
    ]
    assert execute("SELECT state FROM receipts") == [("pending",)]
    assert execute("SELECT left_at FROM participants") == [(None,), (None,)]
    assert [(kind, id_) for _, action, kind, id_ in audits() if action == "ref.detach"] == [
        ("lease", uuid(32)),
        ("lease", uuid(31)),
        ("agent", "bob"),
    ]


@pytest.mark.guarantee(
    "signaldock-10",
    "Removing an agent deletes its row, releases its leases and ends its part in conversations; "
    "what was written stays.",
)
def test_removing_ends_all_that_an_agent_holds(cleo_app: App) -> None:
    service = peopled(cleo_app)
    done = service.remove_ref("bob")
    assert (done.changed, done.ref.enabled) == (True, True)
    assert (done.released, done.left) == ([uuid(31)], [uuid(1)])
    assert service.ref("bob") is None
    rows = execute("SELECT agent_id, left_seq, left_at IS NULL FROM participants")
    assert rows == [("ann", None, 1), ("bob", 1, 0)]
    assert execute("SELECT state FROM receipts") == [("pending",)]
    assert value("SELECT count(*) FROM messages") == 1
    assert refused(lambda: service.remove_ref("bob")).exit == 4
    assert [kind for _, action, kind, _ in audits() if action == "ref.remove"] == [
        *("lease", "lease", "agent")
    ]
    assert disagreements() == []


def test_what_ends_with_an_agent_is_told_to_others(
    cleo_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = peopled(cleo_app)
    heard = []

    def hear(plugins: Any, app: App, changes: Any) -> None:
        heard.extend((change.kind, change.op, change.ids) for change in changes)

    monkeypatch.setattr("cleo_core.app.after_commit", hear)
    monkeypatch.setattr(cleo_app, "_somebody_listens", lambda unit: True)
    service.detach("bob")
    assert heard == [("lease", "update", (uuid(32), uuid(31)))]


def test_what_is_not_there_is_not_found(cleo_app: App) -> None:
    service = conduit(cleo_app)
    for call in (service.detach, service.remove_ref, service.leave):
        error = refused(lambda call=call: call("nobody"))  # type: ignore[misc]
        assert (error.exit, error.code) == (4, "E_NOT_FOUND")
    assert service.ref("nobody") is None
    assert service.touch("nobody") is False
    assert execute("SELECT count(*) FROM conduit_audit") == [(0,)]


@pytest.mark.parametrize(
    "override",
    [
        {},
        "git",
        '{"set": ["git"]}',
        b"git",
        7,
        {"set": "git"},
        {"set": [7]},
        {"set": [""]},
        {"set": ["two\nlines"]},
        {"set": ["git"], "add": ["git"]},
        {"take": ["git"]},
        {"add": None},
        {"set": ["\x00"]},
        {"set": ["\ud800"]},
        {"set": ["w"] * 201},
        [["git"]],
        {"set": ["w" * 101]},
    ],
)
def test_an_override_of_another_shape_is_refused(cleo_app: App, override: Any) -> None:
    error = refused(lambda: conduit(cleo_app).attach("bob", override=override))
    assert error.exit == 6
    assert error.fix
    assert conduit(cleo_app).refs() == []


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (["git", "web"], {"set": ["git", "web"]}),
        ((), {"set": []}),
        ({"set": []}, {"set": []}),
        ({"add": ["git"]}, {"add": ["git"], "remove": []}),
        ({"remove": ["git"]}, {"add": [], "remove": ["git"]}),
        ({"remove": ["a"], "add": ["b"]}, {"add": ["b"], "remove": ["a"]}),
        (None, None),
    ],
)
def test_an_override_is_stored_in_one_form(cleo_app: App, given: Any, stored: Any) -> None:
    assert conduit(cleo_app).attach("bob", override=given).ref.capabilities_override == stored
    assert not conduit(cleo_app).attach("bob", override=given).changed


@pytest.mark.parametrize(
    "agent_id",
    ["", "-a", ".a", "a b", "ä", "a/b", "a" * 129, "a\n", "a\x00", "\ud800", 7, None, b"a"],
)
def test_what_is_no_agent_id_is_refused(cleo_app: App, agent_id: Any) -> None:
    service = conduit(cleo_app)
    for call in (
        *(service.attach, service.detach, service.remove_ref, service.ref, service.touch),
        *(service.join, service.leave, lambda id_: service.refs_in(".", id_)),
    ):
        assert refused(lambda call=call: call(agent_id)).exit == 2  # type: ignore[misc]


@pytest.mark.parametrize("word", ["HumanOverseer", "cleo-system", "cleo-orchestrator", "all", "me"])
def test_reserved_ids_are_refused_in_every_letter_case(cleo_app: App, word: str) -> None:
    service = conduit(cleo_app)
    for spelled in (word, word.upper(), word.lower(), word.swapcase()):
        assert refused(lambda spelled=spelled: service.attach(spelled)).exit == 2  # type: ignore[misc]
        assert refused(lambda spelled=spelled: service.join(spelled)).exit == 2  # type: ignore[misc]


@pytest.mark.parametrize("role", ["", " ", "a\nb", "r" * 101, 7, "\x00", "\x1b[31m", "\ud800"])
def test_what_is_no_role_is_refused(cleo_app: App, role: Any) -> None:
    assert refused(lambda: conduit(cleo_app).attach("bob", role=role)).exit == 2


def test_ids_are_compared_exactly(cleo_app: App) -> None:
    service = conduit(cleo_app)
    service.attach("Bob")
    service.attach("bob", role="other")
    assert [(ref.agent_id, ref.role) for ref in service.refs()] == [("Bob", None), ("bob", "other")]


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(("attach", "detach", "remove_ref")),
            st.sampled_from(("ann", "bob")),
            st.sampled_from((UNSET, None, "lead")),
        ),
        max_size=12,
    )
)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_order_of_verbs_leaves_what_was_said_last(cleo_app: App, steps: Any) -> None:
    service = conduit(cleo_app)
    expected: dict[str, tuple[bool, str | None]] = {}
    for ref in service.refs(enabled_only=False):
        service.remove_ref(ref.agent_id)
    for verb, agent_id, role in steps:
        before = expected.get(agent_id)
        if verb == "attach":
            kept = before[1] if before is not None else None
            expected[agent_id] = (True, kept if role is UNSET else role)
            changed = service.attach(agent_id, role=role).changed
            assert changed == (expected[agent_id] != before)
        elif before is None:
            assert refused(lambda v=verb, a=agent_id: getattr(service, v)(a)).exit == 4  # type: ignore[misc]
        elif verb == "detach":
            assert service.detach(agent_id).changed == before[0]
            expected[agent_id] = (False, before[1])
        else:
            service.remove_ref(agent_id)
            del expected[agent_id]
    found = service.refs(enabled_only=False)
    assert {ref.agent_id: (ref.enabled, ref.role) for ref in found} == expected
    assert all((ref.detached_at is None) == ref.enabled for ref in found)


def test_an_agents_use_is_written_at_most_once_a_minute(cleo_app: App, cleo_clock: Any) -> None:
    service = conduit(cleo_app)
    service.attach("bob")
    assert service.touch("bob") is True
    first = service.ref("bob").last_used_at
    for _ in range(3):
        cleo_clock.advance(19)
        assert service.touch("bob") is False
    assert service.ref("bob").last_used_at == first
    cleo_clock.advance(3)
    assert service.touch("bob") is True
    cleo_clock.advance(-3600)
    assert service.touch("bob") is True, "a clock that was set back does not stop it"
    assert service.touch("bob") is False
    updated = service.ref("bob").updated_at
    service.detach("bob")
    cleo_clock.advance(7200)
    assert service.touch("bob") is False
    assert updated == service.ref("bob").attached_at
    assert len(audits()) == 2


def test_using_an_agent_within_a_minute_opens_no_write(
    cleo_app: App, cleo_clock: Any, frozen_bytes: Any
) -> None:
    service = conduit(cleo_app)
    service.attach("bob")
    service.touch("bob")
    cleo_app.close()
    with frozen_bytes(".cleo"):
        service.touch("bob")
        cleo_app.close()


def test_a_dry_run_says_what_would_happen_and_changes_no_byte(
    cleo_app: App, frozen_bytes: Any
) -> None:
    service = conduit(cleo_app)
    service.attach("bob")
    cleo_app.close()
    with frozen_bytes("."):
        with cleo_app.dry_running():
            assert service.attach("ann").changed
            assert service.attach("bob", role="x").ref.role == "x"
            assert service.detach("bob").changed
            assert service.remove_ref("bob").changed
            assert service.touch("bob")
        cleo_app.close()


def test_an_agent_that_does_not_exist_is_not_attached(cleo_app: App) -> None:
    known = {"bob"}

    class Owner:
        def ask(self, kind: str, ids: Any) -> dict[str, bool]:
            assert kind == "agent"
            return {id_: id_ in known for id_ in ids}

        def forget(self) -> None:
            pass

    cleo_app.existence = Owner()  # type: ignore[assignment]
    service = conduit(cleo_app)
    service.attach("bob")
    error = refused(lambda: service.attach("ann"))
    assert (error.exit, error.code) == (6, "E_REFERENCE")
    service.detach("bob")
    known.clear()
    assert refused(lambda: service.attach("bob")).code == "E_REFERENCE"
    assert service.ref("bob").enabled is False


def test_where_nobody_knows_agents_they_are_taken_at_their_word(cleo_app: App) -> None:
    assert conduit(cleo_app).attach("bob").changed
    assert [warning["code"] for warning in cleo_app.warnings] == ["W_REF_UNCHECKED"]


def test_processes_that_attach_one_agent_at_once_make_one_row(cleo_processes: Any) -> None:
    results = cleo_processes([[*CLEO, "conduit", "join", "bob", "--role", "lead"]] * 6)
    assert [code for code, _, _ in results] == [0] * 6
    changed = [json.loads(out)["data"]["changed"] for _, out, _ in results]
    assert sorted(changed) == [False] * 5 + [True]
    assert value("SELECT count(*) FROM project_agent_refs") == 1
    assert len(audits()) == 1


@pytest.fixture
def registry(cleo_app: App) -> Iterator[App]:
    """An App in which some plugin gives the service ``agents``."""
    services = cleo_app.plugins.services
    services["agents"] = ServiceSpec("agents", "builtins:object")
    yield cleo_app
    services.pop("agents")


def test_join_and_leave_are_refused_where_a_registry_is_installed(registry: App) -> None:
    service = conduit(registry)
    service.attach("bob")
    for call, word in ((service.join, "attach"), (service.leave, "detach")):
        error = refused(lambda call=call: call("bob"))  # type: ignore[misc]
        assert (error.exit, error.fix) == (6, f"cleo agent {word} bob")
    assert service.ref("bob").enabled


def test_the_commands_join_list_and_leave(cleo_project: Path, cleo_cli: Cli) -> None:
    joined = cleo_cli("conduit", "join", "bob", "--role", "lead", agent="ann")
    assert (joined.code, joined.data["changed"]) == (0, True)
    assert joined.data["ref"]["attachedBy"] == "ann"
    assert cleo_cli("conduit", "join", "bob").data["changed"] is False
    cleo_cli("conduit", "join", "cem")
    assert cleo_cli("conduit", "leave", "cem").data["ref"]["enabled"] is False
    listed = cleo_cli("conduit", "agents")
    assert [one["agentId"] for one in listed.data["agents"]] == ["bob"]
    assert listed.envelope["page"] == {"limit": 20, "offset": 0, "total": 1, "hasMore": False}
    both = cleo_cli("conduit", "agents", "--include-disabled", "--limit", "1", "--offset", "1")
    assert [one["agentId"] for one in both.data["agents"]] == ["cem"]
    assert both.envelope["page"]["total"] == 2
    assert cleo_cli("conduit", "agents", "--quiet").out == "bob\n"
    shown = cleo_cli("conduit", "agents", "--human", "--include-disabled").out
    assert "bob" in shown
    assert "left" in shown
    assert "bob joined" not in cleo_cli("conduit", "join", "bob", "--human").out
    assert cleo_cli("conduit", "join", "dee", "--human").out == "dee joined.\n"
    for argv in (("agents", "--limit", "999"), ("agents", "--offset", str(2**70))):
        assert cleo_cli("conduit", *argv).code == 2


def test_status_counts_what_is_there(cleo_app: App, cleo_cli: Cli) -> None:
    empty = conduit(cleo_app).status()
    assert (empty.messages, empty.oldest_pending_at, empty.dead_letters) == (0, None, 0)
    assert set(empty.receipts.values()) == {0}
    peopled(cleo_app).detach("ann")
    data = cleo_cli("conduit", "status").data
    assert data["agents"] == {"enabled": 1, "disabled": 1}
    assert (data["conversations"], data["messages"], data["leases"]) == (1, 1, 1)
    assert data["receipts"]["pending"] == 1
    assert data["oldestPendingAt"] == AT
    assert "1 pending" in cleo_cli("conduit", "status", "--human").out


def test_reading_an_absent_file_makes_none(cleo_app: App) -> None:
    Path(".cleo/conduit.db").unlink()
    service = conduit(cleo_app)
    assert service.refs() == []
    assert service.ref("bob") is None
    assert service.touch("bob") is False
    assert service.status().messages == 0
    with cleo_app.dry_running():
        assert service.attach("bob").changed
    assert not Path(".cleo/conduit.db").exists()
    assert service.attach("bob").changed
    assert Path(".cleo/conduit.db").exists()


def test_the_verbs_of_daily_use_import_nothing_heavy(cleo_project: Path, cleo_cli: Cli) -> None:
    import subprocess
    import sys

    assert cleo_cli("conduit", "join", "bob").code == 0
    program = (
        "import sys\n"
        "from cleo_core import open_app\n"
        "with open_app() as app:\n"
        "    service = app.service('conduit')\n"
        "    assert [ref.agent_id for ref in service.refs()] == ['bob']\n"
        "    assert service.touch('bob')\n"
        "    service.attach('ann')\n"
        "    service.detach('ann')\n"
        "heavy = {'sqlalchemy', 'alembic', 'httpx', 'rich', 'cryptography'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "print([m for m in sys.modules if m.startswith('cleo_conduit.service.')])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    heavy, ours = done.stdout.splitlines()
    assert heavy == "[]"
    assert "legacy" not in ours
