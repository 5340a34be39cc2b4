"""Redaction of text: out of the rows, out of the file, and for as long as the message is known."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_conduit.service import redacting, wiping
from cleo_conduit.store import erasing as marks
from cleo_core.database import erasing
from cleo_core.testing import Outcome

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
_carrier = runpy.run_path(str(Path(__file__).with_name("carrier.py")))
conduit, execute, value = _post["conduit"], _post["execute"], _post["value"]
speakers, refused, disagreements = _post["speakers"], _post["refused"], _post["disagreements"]
SERVER = _carrier["SERVER"]

Cli = Callable[..., Outcome]
Open = Callable[..., Any]
MARK = "SELECT value FROM conduit_meta WHERE key = 'unwiped'"


def in_file(word: str) -> bool:
    """Whether a word stands in the store's file or its log."""
    files = Path(".cleo").glob("conduit.db*")
    return any(word.encode() in path.read_bytes() for path in files)


@pytest.fixture
def unwiped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever redacts is killed before it wipes."""
    monkeypatch.setattr(redacting, "wipe", lambda app: False)


@pytest.mark.guarantee(
    "conduit-18",
    "Text that was redacted while another process wiped the file is taken out of it afterwards.",
)
def test_a_mark_that_another_process_set_meanwhile_stays(
    cleo_open: Open, cleo_cli: Cli, cleo_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob")
    other = conduit(cleo_open(agent="ann"))
    first, second = (ann.send(word, to=["bob"]) for word in ("quokka", "zanzibar"))
    plain = erasing.empty_log
    at_once = redacting.wipe
    found: list[bool] = []

    def interrupted(db: Any) -> bool:
        whole = plain(db)
        if not found:
            found.append(True)
            monkeypatch.setattr(redacting, "wipe", lambda app: False)
            other.redact(second.id)
        return whole

    monkeypatch.setattr(wiping.erasing, "empty_log", interrupted)
    ann.redact(first.id)
    assert found
    assert len(execute(MARK)) == 1
    monkeypatch.setattr(redacting, "wipe", at_once)
    assert cleo_cli("conduit", "prune").code == 0
    assert execute(MARK) == []
    for one in (ann, other):
        one.app.close()
    assert not in_file("zanzibar")
    assert not in_file("quokka")


def test_each_redaction_has_a_mark_of_its_own(
    cleo_open: Open, cleo_clock: Any, unwiped: None
) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob")
    seen = set()
    for number in range(2):
        ann.redact(ann.send(str(number), to=["bob"]).id)
        seen.add(value(MARK))
    assert len(seen) == 2, "at one and the same time"


def test_the_doctor_names_text_that_is_still_in_the_file(
    cleo_open: Open, cleo_cli: Cli, unwiped: None
) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob")

    def found() -> dict[str, Any]:
        data = cleo_cli("doctor", "--only", "conduit.unwiped").data
        (check,) = data["checks"]
        return dict(check)

    assert found()["status"] == "ok"
    ann.redact(ann.send("zanzibar", to=["bob"]).id)
    check = found()
    assert (check["status"], check["fix"]) == ("warning", "cleo conduit prune")
    assert cleo_cli("conduit", "prune").code == 0
    assert found()["status"] == "ok"


def test_redacting_again_takes_out_what_is_still_in_the_file(
    cleo_open: Open, cleo_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob")
    sent = ann.send("zanzibar", to=["bob"])
    with monkeypatch.context() as patch:
        patch.setattr(redacting, "wipe", lambda app: False)
        assert ann.redact(sent.id).changed
    assert not ann.redact(sent.id).changed
    assert execute(MARK) == []
    ann.app.close()
    assert not in_file("zanzibar")


def test_several_are_redacted_and_the_file_is_written_anew_once(
    cleo_open: Open, cleo_cli: Cli, cleo_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    sent = [ann.send(f"zanzibar {number}", to=["bob"]) for number in range(4)]
    theirs = bob.send("quokka", to=["ann"])
    ids = [one.id for one in sent]
    wiped: list[int] = []
    at_once = redacting.wipe
    monkeypatch.setattr(redacting, "wipe", lambda app: wiped.append(1) or at_once(app))
    assert refused(lambda: ann.redact_all([*ids, theirs.id])).exit == 99
    assert refused(lambda: ann.redact_all([])).exit == 2
    assert value("SELECT count(*) FROM messages WHERE redacted_at IS NOT NULL") == 0
    assert not wiped
    assert ann.redact(ids[0]).changed
    preview = cleo_cli("conduit", "redact", *ids, "--agent", "ann", "--dry-run")
    assert [one["changed"] for one in preview.data["redacted"]] == [False, True, True, True]
    assert value("SELECT count(*) FROM messages WHERE redacted_at IS NOT NULL") == 1
    done = cleo_cli("conduit", "redact", *ids, "--agent", "ann")
    assert [one["id"] for one in done.data["redacted"]] == ids
    assert [one["changed"] for one in done.data["redacted"]] == [False, True, True, True]
    assert len(wiped) == 2
    assert bob.search("zanzibar")[0].hits == []
    assert disagreements() == []
    for one in (ann, bob):
        one.app.close()
    assert not in_file("zanzibar")
    assert in_file("quokka")


def test_the_index_is_not_written_anew_while_the_rows_are_changed(
    cleo_open: Open, cleo_project: Path, unwiped: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    sent = ann.send("zanzibar", to=["bob"])
    ran: list[str] = []
    ann.app.store("conduit").connection.set_trace_callback(ran.append)
    ann.redact(sent.id)
    ann.app.store("conduit").connection.set_trace_callback(None)
    assert any("UPDATE messages" in one for one in ran)
    assert not any("optimize" in one for one in ran)
    assert bob.search("zanzibar")[0].hits == []
    assert marks.OPTIMIZE


@pytest.mark.guarantee(
    "conduit-17", "A redacted message that is restored from its letter is a redacted message."
)
def test_a_restored_message_is_as_redacted_as_it_was(
    cleo_open: Open,
    tmp_path: Path,
    cleo_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    carrier = _carrier["install"](tmp_path / "carrier", monkeypatch)
    carrier.agents(ann=SERVER, bob=SERVER)
    carrier.change(answers=[{"outcome": "permanent", "status": 404, "error": "gone"}])
    ann = conduit(cleo_open(agent="ann"))
    for name in ("ann", "bob"):
        ann.attach(name)
    sent = ann.send("zanzibar", to=["bob"], subject="quokka")
    (letter,) = ann.dead_list()[0]
    at = ann.redact(sent.id).redacted_at
    execute(f"DELETE FROM messages WHERE id = '{sent.id}'")
    ann.dead_replay(letter.id)
    rows = execute(f"SELECT content, redacted_at FROM messages WHERE id = '{sent.id}'")
    assert rows == [("[redacted]", at)]
    assert (ann.redact(sent.id).changed, ann.redact(sent.id).redacted_at) == (False, at)
    # Nobody elsewhere says that a message here is redacted.
    ((event,),) = execute("SELECT payload FROM delivery_jobs")
    assert f'"redactedAt": "{at}"' in event
