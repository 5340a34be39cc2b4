"""Decisions and what came of them; links, edges, verification."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

_keeping = runpy.run_path(str(Path(__file__).with_name("keeping.py")))
brain, disagreements = _keeping["brain"], _keeping["disagreements"]
execute, value = _keeping["execute"], _keeping["value"]

Cli = Callable[..., Outcome]


def code(outcome: Outcome) -> tuple[int, str]:
    """Exit and symbolic code of a failure."""
    return outcome.code, outcome.error["code"]


class TestSuperseding:
    def test_a_chain_cannot_close(self, cleo_app: App) -> None:
        service = brain(cleo_app)
        one = service.decide("one", "because")
        two = service.decide("two", "because", supersedes=[one.id])
        three = service.decide("three", "because", supersedes=[two.id])
        with pytest.raises(CleoError) as raised:
            service.link(one.id, "supersedes", three.id)
        assert raised.value.exit == 14
        with pytest.raises(CleoError) as raised:
            service.decide("four", "because", supersedes=[one.id])
        assert raised.value.exit == 17
        assert two.id in raised.value.message
        assert service.link(three.id, "supersedes", two.id).changed is False
        (entry,) = service.fetch(one.id).results
        assert (entry.superseded_by, entry.invalid_reason) == (two.id, "superseded")
        assert value("SELECT count(*) FROM brain_decisions") == 3

    def test_notes_are_not_superseded(self, cleo_app: App) -> None:
        service = brain(cleo_app)
        note = service.sticky_add("call them").id
        told = service.observe("they were called").id
        with pytest.raises(CleoError) as raised:
            service.link(told, "supersedes", note)
        assert raised.value.exit == 17

    def test_one_text_can_supersede_several(self, cleo_app: App) -> None:
        service = brain(cleo_app)
        olds = [service.decide(f"old {n}", "because").id for n in range(3)]
        new = service.decide("new", "because", supersedes=olds)
        assert {entry.superseded_by for entry in service.fetch(*olds).results} == {new.id}


class TestLinks:
    @pytest.mark.guarantee(
        "brain-20", "A link to a task that does not exist is refused; one that exists is kept."
    )
    def test_a_single_refused_link_fails(self, cleo_cli: Cli, cleo_project: Path) -> None:
        cleo_cli("add", "A task")
        cleo_cli("memory", "decide", "--decision", "d", "--rationale", "r")
        link = ("memory", "link", "D001", "applies_to")
        assert code(cleo_cli(*link, "T009")) == (6, "E_REFERENCE")
        done = cleo_cli(*link, "T001", "T009", "t0001").data
        assert done["linked"] == ["T001"]
        assert done["existing"] == []
        assert [one["id"] for one in done["refused"]] == ["T009"]
        again = cleo_cli(*link, "task:T1").data
        assert again == {"linked": [], "existing": ["T001"], "refused": [], "changed": False}
        assert value("SELECT count(*) FROM brain_memory_links") == 1
        assert cleo_cli(*link, "T001", "--remove").data["linked"] == ["T001"]
        assert value("SELECT count(*) FROM brain_memory_links") == 0

    @pytest.mark.guarantee("brain-20", "What a deleted task leaves here goes with it.")
    def test_a_purged_task_takes_its_links_along(self, cleo_cli: Cli, cleo_project: Path) -> None:
        cleo_cli("add", "A task")
        cleo_cli("add", "Another")
        cleo_cli("memory", "decide", "--decision", "d", "--rationale", "r", "--task", "T001")
        cleo_cli("memory", "link", "D001", "applies_to", "T001", "T002")
        cleo_cli("memory", "link", "D001", "references", "task:T001", "task:T002")
        assert cleo_cli("delete", "T001", "--reason", "a mistake").code == 0
        assert cleo_cli("delete", "T001", "--purge").code == 0
        assert execute("SELECT task_id FROM brain_memory_links") == [("T002",)]
        assert execute("SELECT to_node FROM brain_edges") == [("task:T002",)]
        assert value("SELECT context_task_id FROM brain_decisions") is None

    def test_contradictions_show_on_both_sides(self, cleo_app: App) -> None:
        service = brain(cleo_app)
        one = service.observe("it is fast").id
        other = service.observe("it is slow").id
        assert service.link(one, "contradicts", other).changed
        assert not service.link(other, "contradicts", one).changed
        assert [entry.contradicts for entry in service.fetch(one, other).results] == [
            [other],
            [one],
        ]
        assert service.link(other, "contradicts", one, remove=True).linked == [one]
        assert value("SELECT count(*) FROM brain_edges") == 0

    @pytest.mark.parametrize(
        ("type_", "target", "exit_"),
        [
            ("references", "file:", 2),
            ("references", "ftp:x", 2),
            ("related", "T001", 2),
            ("related", "D001", 2),
            ("related", "D999", 4),
            ("supports", "nonsense", 2),
            ("loves", "D001", 2),
            ("references", "url:x\0y", 2),
        ],
    )
    def test_wrong_targets(self, type_: str, target: str, exit_: int, cleo_app: App) -> None:
        service = brain(cleo_app)
        service.decide("d", "r")
        with pytest.raises(CleoError) as raised:
            service.link("D001", type_, target)
        assert raised.value.exit == exit_
        assert value("SELECT count(*) FROM brain_edges") == 0


class TestDecisions:
    def test_numbers_go_on_and_come_back_never(self, cleo_cli: Cli, cleo_project: Path) -> None:
        decide = ("memory", "decide", "--rationale", "r", "--decision")
        assert [cleo_cli(*decide, f"d{n}").data["id"] for n in range(2)] == ["D001", "D002"]
        cleo_cli("memory", "forget", "D002")
        assert cleo_cli(*decide, "d3").data["id"] == "D003"

    def test_an_outcome_is_recorded_and_the_text_kept(
        self, cleo_cli: Cli, cleo_project: Path
    ) -> None:
        cleo_cli("memory", "decide", "--decision", "d", "--rationale", "r", "--state", "proposed")
        update = ("memory", "decide", "--update", "D1")
        cleo_cli(*update, "--outcome", "success", "--state", "accepted")
        (entry,) = cleo_cli("memory", "fetch", "D001").data["results"]
        assert (entry["outcome"], entry["confirmationState"]) == ("success", "accepted")
        assert code(cleo_cli(*update, "--outcome", "success")) == (102, "E_NO_CHANGE")
        assert code(cleo_cli(*update, "--rationale", "x")) == (2, "E_USAGE")
        assert cleo_cli("memory", "decide", "--update", "D7", "--state", "accepted")
        assert cleo_cli(*update).code == 2

    def test_the_same_key_gives_the_same_decision(self, cleo_cli: Cli, cleo_project: Path) -> None:
        argv = ("memory", "decide", "--decision", "d", "--rationale", "r")
        first = cleo_cli(*argv, "--idempotency-key", "k")
        again = cleo_cli(*argv, "--idempotency-key", "k")
        assert again.data == first.data
        assert again.envelope["meta"]["replayed"] is True
        other = cleo_cli(*argv, "--tag", "x", "--idempotency-key", "k")
        assert code(other) == (6, "E_IDEMPOTENCY_MISMATCH")

    def test_similar_decisions_are_shown(self, cleo_app: App) -> None:
        service = brain(cleo_app)
        first = service.decide("keep one database file per project store", "easy to copy around")
        second = service.decide("keep one database file per project", "easy to copy around")
        assert [line.id for line in second.similar or ()] == [first.id]
        assert service.decide("something else entirely", "for other reasons").similar == []

    def test_tasks_are_named_as_everywhere(self, cleo_cli: Cli, cleo_project: Path) -> None:
        cleo_cli("add", "A task")
        decide = ("memory", "decide", "--decision", "d", "--rationale", "r")
        done = cleo_cli(*decide, "--task", "task:T1", "--epic", "t1")
        assert not done.warnings
        assert execute("SELECT context_task_id, context_epic_id FROM brain_decisions") == [
            ("T001", "T001")
        ]

    def test_a_missing_task_is_left_out_with_a_warning(
        self, cleo_cli: Cli, cleo_project: Path
    ) -> None:
        cleo_cli("add", "A task")
        done = cleo_cli("memory", "decide", "--decision", "d", "--rationale", "r", "--task", "T9")
        assert any(one["code"] == "W_REF_MISSING" for one in done.envelope["meta"]["warnings"])
        assert value("SELECT context_task_id FROM brain_decisions") is None


class TestVerifying:
    def test_verify_and_undo(self, cleo_cli: Cli, cleo_project: Path) -> None:
        id_ = cleo_cli("observe", "seen by an agent", "--agent", "a").data["id"]
        verify = ("memory", "verify", id_)
        assert cleo_cli(*verify, "--by", "bob").data == {"verified": [id_], "revived": []}
        assert cleo_cli("memory", "fetch", id_).data["results"][0]["verifiedBy"] == "bob"
        assert code(cleo_cli(*verify)) == (102, "E_NO_CHANGE")
        cleo_cli(*verify, "--undo")
        assert cleo_cli("memory", "fetch", id_).data["results"][0]["verified"] is False
        assert code(cleo_cli(*verify, "--limit", "3")) == (2, "E_USAGE")
        missing = cleo_cli("memory", "verify", id_, "D404")
        assert code(missing) == (4, "E_NOT_FOUND")

    def test_the_list_is_of_what_is_used_and_nobody_vouched_for(self, cleo_app: App) -> None:
        service = brain(cleo_app)
        with cleo_app.dry_running():
            pass
        ids = [service.store(f"learned {n}", type="learning", source="auto").id for n in range(4)]
        for number, id_ in enumerate(ids):
            execute(f"UPDATE brain_entries SET uses = {number * 3} WHERE id = '{id_}'")
        service.verify(ids[3])
        lines, page = service.verify_list(min_uses=3)
        assert [line.id for line in lines] == [ids[2], ids[1]]
        assert page.total == 2
        for wrong in ("a", None, float("nan"), -1):
            with pytest.raises(CleoError):
                service.verify_list(min_uses=wrong)
        with pytest.raises(CleoError):
            service.verify(ids[0], undo="no")
        for wrong in (None, "abc"):
            with pytest.raises(CleoError):
                service.observe_batch(wrong)

    def test_an_evicted_entry_comes_back(self, cleo_app: App) -> None:
        service = brain(cleo_app)
        first = service.observe("withdrawn words", thread="t", source_confidence="speculative").id
        beside = service.observe("a neighbour", thread="t").id
        execute(
            "UPDATE brain_entries SET invalid_at = '2026-01-01T00:00:00.000Z', "
            f"invalid_reason = 'evicted' WHERE id = '{first}'",
            f"UPDATE brain_entries SET context = '' WHERE id = '{beside}'",
        )
        done = service.verify(first)
        assert (done.verified, done.revived) == ([first], [first])
        assert not disagreements()

    def test_what_was_told_again_since_does_not_come_back_twice(self, cleo_app: App) -> None:
        service = brain(cleo_app)
        first = service.observe("words", source_confidence="agent").id
        execute(
            "UPDATE brain_entries SET invalid_at = '2026-01-01T00:00:00.000Z', "
            f"invalid_reason = 'evicted' WHERE id = '{first}'"
        )
        again = service.observe("words").id
        with pytest.raises(CleoError) as raised:
            service.verify(first)
        assert raised.value.exit == 17
        assert again in raised.value.message
