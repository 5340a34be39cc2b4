"""Dead letters that are sent again: each for itself, and none twice at a time."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_conduit.service import replaying
from cleo_conduit.service.agent_deletion import forget_agents
from cleo_core.testing import Outcome

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
_carrier = runpy.run_path(str(Path(__file__).with_name("carrier.py")))
conduit, execute, value = _post["conduit"], _post["execute"], _post["value"]
speakers, refused = _post["speakers"], _post["refused"]
SERVER = _carrier["SERVER"]

Cli = Callable[..., Outcome]
Open = Callable[..., Any]


@pytest.fixture
def carrier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cleo_project: Path) -> Any:
    made = _carrier["install"](tmp_path / "carrier", monkeypatch)
    made.agents(ann=SERVER, bob=SERVER, cem=SERVER)
    return made


@pytest.fixture
def ann(carrier: Any, cleo_open: Open) -> Any:
    """Her letters: two to bob, and one to cem, who is detached."""
    found = conduit(cleo_open(agent="ann"))
    for name in ("ann", "bob", "cem"):
        found.attach(name)
    carrier.change(answers=[{"outcome": "permanent", "status": 404}] * 3)
    for name in ("bob", "cem", "bob"):
        found.send(f"to {name}", to=[name])
    found.detach("cem")
    return found


def test_one_letter_that_cannot_be_sent_holds_no_other_up(ann: Any, cleo_cli: Cli) -> None:
    done = cleo_cli("conduit", "dead", "replay", "--all", "--agent", "ann")
    assert done.code == 0
    assert [(one["recipient"], one["sent"]) for one in done.data["replayed"]] == [
        ("bob", True),
        ("cem", False),
        ("bob", True),
    ]
    error = done.data["replayed"][1]["error"]
    assert error["code"] == "E_RECIPIENT_UNKNOWN"
    assert error["fix"].startswith("cleo conduit dead show ")
    assert "cem" in error["message"]
    assert "error" not in done.data["replayed"][0]
    assert execute("SELECT recipient, replays FROM dead_letters ORDER BY recipient, id") == [
        ("bob", 1),
        ("bob", 1),
        ("cem", 0),
    ]
    said = cleo_cli("conduit", "dead", "replay", "--all", "--agent", "ann", "--human")
    # Nothing else is left: what cannot be done is an error then.
    assert said.code == 95
    # One that is named is an error at once, and nothing is sent.
    (letter,) = [one.id for one in ann.dead_list()[0]]
    assert refused(lambda: ann.dead_replay(letter)).exit == 95
    ann.attach("cem")
    assert [one.sent for one in ann.dead_replay(everything=True)] == [True]
    assert ann.dead_list()[0] == []


def test_all_letters_are_sent_again_some_in_each_unit(
    ann: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "BATCH", 1)
    units: list[str] = []
    plain = ann.app.write

    def write(store: str, body: Any) -> Any:
        units.append(store)
        return plain(store, body)

    monkeypatch.setattr(ann.app, "write", write)
    done = ann.dead_replay(everything=True)
    assert ([one.sent for one in done], len(units)) == ([True, False, True], 3)
    assert ann.dead_replay(everything=True, recipient="bob") == []


@pytest.mark.guarantee(
    "conduit-17", "A letter whose message waits here for its recipient is not sent again."
)
def test_a_letter_that_waits_for_its_recipient_here_is_being_sent(
    cleo_open: Open, cleo_cli: Cli
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    sent = ann.send("x", to=["bob"])
    ann.app.write("conduit", lambda unit: forget_agents(unit, None, ["bob"]))
    ann.attach("bob")
    (letter,) = ann.dead_list()[0]
    assert ann.dead_replay(letter.id)[0].sent
    for _ in range(2):
        again = refused(lambda: ann.dead_replay(letter.id))
        assert (again.exit, again.code) == (17, "E_REPLAY_RUNNING")
    assert ann.dead_replay(everything=True) == []
    assert value("SELECT replays FROM dead_letters") == 1
    (got,) = bob.poll(deliver=True).messages
    assert got.id == sent.id
    assert not ann.dead_replay(letter.id)[0].sent
