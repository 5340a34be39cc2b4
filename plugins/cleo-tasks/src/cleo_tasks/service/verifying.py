"""Recording what is verified of a task, gate by gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cleo_core import inputs
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Backend, Row
from cleo_core.errors import CleoError, UsageError
from cleo_tasks.enums import GATE_RESULT, GATES, OPEN_STATUS
from cleo_tasks.errors import TasksError, task_not_found
from cleo_tasks.gate_records import Verification
from cleo_tasks.ids import parse_id
from cleo_tasks.service import atoms, evidence, fields, settings, verification
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import gates, tasks

if TYPE_CHECKING:
    from cleo_core.app import App

#: Gates whose verdict is about an implementation.
AFTER_IMPLEMENTED = ("testsPassed", "qaPassed", "securityPassed")
#: Gates that one agent may not record both, where QA is independent.
APART = {"qaPassed": "implemented", "implemented": "qaPassed"}


@record
class _Given(Declared):
    """What is to be recorded, as far as it can be checked without the store."""

    gate: str
    result: str
    atoms: list[atoms.Atom]
    reason: str | None
    round: int | None


class VerifyVerbs(Verbs):
    """``verify``."""

    def verify(
        self,
        id: str,
        *,
        gate: str | None = None,
        result: str | None = None,
        evidence: Sequence[str] = (),
        reason: str | None = None,
        round: int | None = None,
        reset: bool = False,
        if_version: int | None = None,
    ) -> Verification:
        """Record the result of one gate; without a gate say how far the verification is.

        A fail ends its round: it raises the task's, and the gates have to be passed anew. A task
        beyond ``tasks.verification.max_rounds`` takes results only after a reset. Verifying never
        completes a task.

        :param gate: implemented, testsPassed, qaPassed, documented, securityPassed, cleanupDone.
        :param result: pass, fail or warn; a fail and a warn need a reason, a pass needs evidence.
        :param evidence: ``commit:SHA``, ``files:PATH,PATH`` and ``test-run:PATH`` (relative to the
            project's root in this work tree), ``tool:NAME=EXIT``, ``url:``, ``note:``.
        :param round: refuse unless it is the task's current one.
        :param reset: begin again with round 1; needs a reason, and no gate.
        :raises CleoError: 2, 4, 21, ``E_GATE_LOCKED`` (46), ``E_GATE_UNKNOWN`` (42),
            ``E_ROUND_MISMATCH`` (47), ``E_ROUNDS`` (44), ``E_GATE_NEEDED`` (45), ``E_GATE_AGENT``
            (43), ``E_EVIDENCE`` (41), 36, 34, the first in this order; ``E_NO_CHANGE`` (102), the
            task to be reset is in its first round.
        """
        id_ = parse_id(id)
        why = None if reason is None else inputs.as_filter(fields.reason, reason)
        round_ = _round(round)
        if reset is not False:
            if reset is not True or not (gate is None and result is None and not evidence):
                raise UsageError(
                    "A reset records no gate; record one afterwards.",
                    fix=f"cleo verify {id_} --reset --reason TEXT",
                )
            return self._reset(id_, why, round_, if_version)
        if gate is None:
            if result is not None or evidence or why or round_ or if_version:
                raise UsageError(
                    "A result is recorded for a gate.", fix=f"cleo verify {id_} --gate {GATES[0]}"
                )
            with self.db.snapshot() as db:
                return verification.state(db, self.app.config, _row(db, id_))
        given = _settled(id_, gate, result, evidence, why, round_)
        with self.db.snapshot() as db:
            # Before anything is read or asked outside, which may take long.
            now = _row(db, id_)
            Work.require_version(now, if_version)
            _require(db, self.app, now, given)
        entries = _examined(self.app, id_, given)

        def body(work: Work) -> Verification:
            row = work.task(id_)
            work.require_version(row, if_version)
            work.enter(id_)
            _require(work, self.app, row, given)
            return _record(work, row, given, entries)

        return self.write("task.verify", body)

    def _reset(
        self, id_: str, reason: str | None, round_: int | None, if_version: int | None
    ) -> Verification:
        if reason is None:
            raise UsageError(
                "A reset needs a reason.", fix=f"cleo verify {id_} --reset --reason TEXT"
            )

        def body(work: Work) -> Verification:
            row = work.task(id_)
            work.require_version(row, if_version)
            work.enter(id_)
            _require_open(row)
            _require_round(row, round_)
            if row["verification_round"] == 1:
                raise CleoError(
                    "E_NO_CHANGE",
                    f"{id_} is in its first round of verification.",
                    fix=f"cleo verify {id_}",
                )
            work.change(row, {"verification_round": 1}, reason=reason)
            return verification.state(work, self.app.config, row)

        return self.write("task.verify_reset", body)


def _settled(
    id_: str,
    gate: str,
    result: str | None,
    texts: Sequence[str],
    reason: str | None,
    round_: int | None,
) -> _Given:
    """The arguments, checked.

    :raises UsageError: one of them is wrong, or missing.
    """
    command = f"cleo verify {id_} --gate {gate if gate in GATES else 'GATE'}"
    if result is None:
        raise UsageError("A result is needed.", fix=f"{command} --result pass --evidence ATOM")
    word = inputs.as_filter(inputs.word_of(GATE_RESULT, "result"), result)
    parsed = atoms.parse(texts)
    if word != "pass" and reason is None:
        raise UsageError(
            f"A {word} needs a reason.",
            fix=f"{command} --result {word} --reason TEXT",
        )
    return _Given(gate, word, parsed, reason, round_)


def _round(given: Any) -> int | None:
    if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < 1):
        raise UsageError("A round is a number from 1.", fix="--round 1")
    return given


def _row(db: Backend, id_: str) -> Row:
    row = tasks.row(db, id_)
    if row is None:
        raise task_not_found(id_)
    return row


def _require(db: Backend, app: App, row: Row, given: _Given) -> None:
    """Every condition but the evidence, in the order that :meth:`VerifyVerbs.verify` names."""
    id_ = row["id"]
    _require_open(row)
    _require_known(id_, given.gate)
    _require_round(row, given.round)
    used_up = verification.rounds_used_up(
        row, settings.number(app.config, "verification.max_rounds")
    )
    if used_up is not None:
        raise used_up
    results = gates.results(db, id_)
    current = verification.standing(results, row["verification_round"])
    if given.gate in AFTER_IMPLEMENTED and "implemented" not in current:
        raise TasksError(
            "E_GATE_NEEDED",
            f"{given.gate} of {id_} needs implemented first, in round {row['verification_round']}.",
            fix=f"cleo verify {id_} --gate implemented --result pass --evidence commit:SHA",
            details={"gates": ["implemented"], "round": row["verification_round"]},
        )
    other = current.get(APART.get(given.gate, ""))
    if (
        other is not None
        and other.agent_id == app.agent
        and app.config.get("tasks.verification.independent_qa")
    ):
        raise TasksError(
            "E_GATE_AGENT",
            f"{app.agent or 'Nobody named'} has recorded {other.gate} of {id_} in this round; "
            f"{given.gate} is for another agent.",
            fix="the same command with another --agent",
            details={"agent": app.agent, "gate": other.gate},
        )


def _require_open(row: Row) -> None:
    if row["status"] not in OPEN_STATUS:
        verb = "unarchive" if row["status"] == "archived" else "reopen"
        raise TasksError(
            "E_GATE_LOCKED",
            f"{row['id']} is {row['status']}; what was verified of it stands.",
            fix=f"cleo {verb} {row['id']}",
            details={"status": row["status"]},
        )


def _require_known(id_: str, gate: Any) -> None:
    if gate in GATES:
        return
    import difflib

    spelled = {one.lower(): one for one in GATES}
    text = "".join(char for char in str(gate)[:80].lower() if char.isalnum())
    near = difflib.get_close_matches(text, spelled, 1)
    raise TasksError(
        "E_GATE_UNKNOWN",
        f"There is no gate {str(gate)[:80]!r}; known are {', '.join(GATES)}.",
        fix=f"cleo verify {id_} --gate {spelled[near[0]] if near else GATES[0]}",
        details={"gates": list(GATES)},
    )


def _require_round(row: Row, round_: int | None) -> None:
    if round_ is not None and round_ != row["verification_round"]:
        raise TasksError(
            "E_ROUND_MISMATCH",
            f"{row['id']} is in round {row['verification_round']} of verification, not {round_}.",
            fix=f"cleo verify {row['id']}",
            details={"round": row["verification_round"]},
        )


def _examined(app: App, id_: str, given: _Given) -> atoms.Entries:
    """What is read of the evidence; a pass needs the kind that its gate asks for.

    :raises TasksError: ``E_EVIDENCE`` (41).
    """
    again = f"cleo verify {id_} --gate {given.gate} --result {given.result}"
    passing = given.result == "pass"
    if passing and not atoms.suffice(given.gate, given.atoms):
        raise TasksError(
            "E_EVIDENCE",
            f"A pass of {given.gate} needs {atoms.needed_for(given.gate)} as evidence.",
            fix=f"{again} --evidence {atoms.EXAMPLES[atoms.NEEDED[given.gate][0]]}",
            details={"needed": list(atoms.NEEDED[given.gate])},
        )
    root = evidence.tree_root(app.project.root)
    fix = f"{again} --evidence ATOM"
    return atoms.examined(root, given.atoms, env=app.env, passing=passing, fix=fix)


def _record(work: Work, row: Row, given: _Given, entries: atoms.Entries) -> Verification:
    """Append the result; a fail raises the task's round."""
    round_ = row["verification_round"]
    current = verification.standing(gates.results(work, row["id"]), round_)
    earlier = current.get(given.gate)
    gates.insert(
        work,
        row["id"],
        gate=given.gate,
        result=given.result,
        round_=round_,
        agent=work.agent,
        evidence=entries,
        reason=given.reason,
        now=work.now,
    )
    work.bump(
        row,
        {"gates": {given.gate: earlier.result if earlier else None}},
        {"gates": {given.gate: given.result}},
        reason=given.reason,
    )
    if given.result == "fail":
        work.change(row, {"verification_round": round_ + 1})
    state = verification.state(work, work.app.config, row)
    if state.round > state.max_rounds:
        work.warn(
            "W_ROUNDS",
            f"The rounds of {row['id']} are used up; `cleo verify {row['id']} --reset --reason "
            "TEXT` begins again.",
        )
    return state
