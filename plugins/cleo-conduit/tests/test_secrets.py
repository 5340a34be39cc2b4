"""What a transport's errors say of keys, and what is in flight while a message is redacted."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_conduit.service import delivering
from cleo_conduit.transport import Identity

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
_carrier = runpy.run_path(str(Path(__file__).with_name("carrier.py")))
conduit, execute, value = _post["conduit"], _post["execute"], _post["value"]
SERVER, KEY = _carrier["SERVER"], _carrier["KEY"]

Open = Callable[..., Any]


@pytest.fixture
def carrier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cleo_project: Path) -> Any:
    made = _carrier["install"](tmp_path / "carrier", monkeypatch)
    made.agents(ann=SERVER, bob=SERVER, cem=None)
    return made


@pytest.fixture
def ann(carrier: Any, cleo_open: Open) -> Any:
    found = conduit(cleo_open(agent="ann"))
    for name in ("ann", "bob", "cem"):
        found.attach(name)
    return found


@pytest.mark.guarantee(
    "conduit-18", "A key that a transport's error repeats is taken out before the error is kept."
)
def test_a_key_in_an_error_is_not_kept(
    ann: Any, carrier: Any, cleo_project: Path, cleo_home: Path
) -> None:
    said = f"bad header Authorization: Bearer {KEY}!"
    carrier.change(
        answers=[
            {"outcome": "permanent", "status": 400, "error": said},
            {"outcome": "retry", "status": 500, "error": said},
        ],
        raises=said,
    )
    for change in ({}, {}, {"push": "raises"}, {"push": None, "connect": "raises"}):
        carrier.change(**change)
        ann.send("x", to=["bob"])
        # The next one of the conversation does not wait for it.
        execute("UPDATE delivery_jobs SET state = 'dead', parked_for = NULL")
    execute("UPDATE receipts SET state = 'relayed' WHERE message_seq = 1")
    carrier.change(connect=None, states="raises", poll="raises")
    events = list(ann.run(once=True))
    errors = [one["message"] for one in events if one["event"] == "error"]
    assert errors
    told = [one["message"] for one in ann.app.warnings if one["code"] == "W_TRANSPORT"]
    kept = execute("SELECT last_error, history FROM delivery_jobs WHERE last_error IS NOT NULL")
    assert len(kept) == 4
    assert all("bad header" in one for one in [*errors, *told, *(row[0] for row in kept)])
    assert KEY not in json.dumps([events, ann.app.warnings])
    ann.app.close()
    for path in (*cleo_project.rglob("*"), *cleo_home.rglob("*")):
        if path.is_file() and carrier.folder not in path.parents:
            assert KEY.encode() not in path.read_bytes(), path


def test_an_identity_takes_its_secrets_out_of_a_text() -> None:
    config = {"webhookSecret": "s3cr3t-s3cr3t", "region": "north", "key": 5}
    one = Identity("ann", SERVER, KEY, config)
    assert one.without_secrets(f"north {KEY} {KEY} s3cr3t-s3cr3t") == (
        "north [secret] [secret] [secret]"
    )
    assert Identity("ann", SERVER, None).without_secrets("north") == "north"


@pytest.mark.parametrize("outcome", ["permanent", "retry"])
def test_what_is_redacted_while_it_is_under_way_stays_out(
    ann: Any, carrier: Any, cleo_open: Open, outcome: str
) -> None:
    answer = {"outcome": outcome, "status": 500, "error": "I do not take zanzibar"}
    carrier.change(answers=[{**answer, "outcome": "retry"}, answer])
    sent = ann.send("zanzibar", to=["bob"])
    execute("UPDATE delivery_jobs SET next_attempt_at = '2020-01-01T00:00:00.000Z'")
    worker = delivering.Worker(ann.app)
    (id_,) = worker.due()
    held = worker.take(id_)
    assert conduit(cleo_open(agent="ann")).redact(sent.id).changed
    worker.attempt(held)
    state = {"permanent": "dead", "retry": "pending"}[outcome]
    found = execute("SELECT state, attempts, last_error, last_status, history FROM delivery_jobs")
    ((now, attempts, error, status, history),) = found
    assert (now, attempts, error, status) == (state, 2, None, 500)
    assert [one["error"] for one in json.loads(history)] == [None, None]
    letters = execute("SELECT payload, last_error, history FROM dead_letters")
    assert len(letters) == (1 if outcome == "permanent" else 0)
    for payload, error, history in letters:
        assert (json.loads(payload)["content"], error) == ("[redacted]", None)
        assert "zanzibar" not in history
    assert value("SELECT count(*) FROM delivery_jobs WHERE payload LIKE '%zanzibar%'") == 0
