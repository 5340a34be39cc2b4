"""Whether a task's work is verified: its gates, its rounds and the files that were evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from cleo_core.database import Backend, Row
from cleo_tasks.enums import OPEN_STATUS
from cleo_tasks.errors import TasksError
from cleo_tasks.gate_records import GateResult, Verification
from cleo_tasks.service import evidence, settings
from cleo_tasks.service.work import Work
from cleo_tasks.store import gates, tasks

if TYPE_CHECKING:
    from cleo_core.config import Config


def require_verified(work: Work, row: Row) -> None:
    """Apply ``tasks.verification.mode`` to a task that is to be completed.

    :raises TasksError: with mode block, the first of ``E_NOT_VERIFIED`` (40), ``E_ROUNDS`` (44),
        ``E_GATE_NEEDED`` (45), ``E_EVIDENCE`` (41); with mode warn all of them are warnings.
    """
    required = asked_for(work.app.config)
    if not required:
        return
    mode = work.setting("verification.mode")
    for error in _findings(work, row, required):
        if mode == "block":
            raise error
        work.warn(error.code.replace("E_", "W_", 1), error.message)


def asked_for(config: Config) -> list[str]:
    """The gates that completing a task needs; none where ``tasks.verification.mode`` is off.

    :raises CleoError: ``E_CONFIG`` (8), a gate of the configuration is none.
    """
    off = config.get("tasks.verification.mode") == "off"
    return [] if off else settings.required_gates(config)


def standing(results: Iterable[GateResult], round_: int) -> dict[str, GateResult]:
    """The pass or warn of each gate that counts in a task's current round, as they were recorded.

    A fail ends its round, and a reset begins again with the first: so what was recorded before a
    fail, or before a later round, does not count even where its number is the current one.

    :param results: all of the task's, oldest first.
    """
    found: dict[str, GateResult] = {}
    for one in results:
        if one.result == "fail" or one.round > round_:
            found.clear()
        elif one.round == round_:
            found.pop(one.gate, None)
            found[one.gate] = one
    return found


def state(db: Backend, config: Config, row: Row) -> Verification:
    """How far the verification of a task is.

    :raises CleoError: ``E_CONFIG`` (8), a setting cannot be used.
    """
    results = gates.results(db, row["id"])
    current = standing(results, row["verification_round"])
    return Verification(
        id=row["id"],
        round=row["verification_round"],
        max_rounds=settings.number(config, "verification.max_rounds"),
        gates=current,
        missing=[gate for gate in asked_for(config) if gate not in current],
        results=results,
        version=row["version"],
    )


def rounds_used_up(row: Row, most: int) -> TasksError | None:
    """``E_ROUNDS`` (44) when a task is beyond its rounds."""
    if row["verification_round"] <= most:
        return None
    return TasksError(
        "E_ROUNDS",
        f"{row['id']} is in round {row['verification_round']} of verification; "
        f"{most} {'is' if most == 1 else 'are'} allowed.",
        fix=f"cleo verify {row['id']} --reset --reason TEXT",
        details={"round": row["verification_round"], "maxRounds": most},
    )


def evidence_of(db: Backend, ids: Iterable[str]) -> list[str]:
    """The files that are evidence for what stands of open tasks: paths, each once."""
    paths: dict[str, None] = {}
    for id_ in ids:
        row = tasks.row(db, id_)
        if row is not None and row["status"] in OPEN_STATUS:
            current = standing(gates.results(db, id_), row["verification_round"])
            paths |= dict.fromkeys(path for path, _ in _files(current.values()))
    return list(paths)


def _findings(work: Work, row: Row, required: list[str]) -> Iterator[TasksError]:
    id_ = row["id"]
    results = gates.results(work, id_)
    if not results:
        yield TasksError(
            "E_NOT_VERIFIED",
            f"Nothing is verified of {id_}; {', '.join(required)} are asked for.",
            fix=f"cleo verify {id_} --gate {required[0]} --result pass --evidence ATOM",
            details={"gates": required},
        )
        return
    used_up = rounds_used_up(row, work.number("verification.max_rounds"))
    if used_up is not None:
        yield used_up
    round_ = row["verification_round"]
    current = standing(results, round_)
    missing = [gate for gate in required if gate not in current]
    if missing:
        yield TasksError(
            "E_GATE_NEEDED",
            f"{id_} has not passed {', '.join(missing)} in round {round_}.",
            fix=f"cleo verify {id_} --gate {missing[0]} --result pass --evidence ATOM",
            details={"gates": missing, "round": round_},
        )
    hashes = _hashes(work, [path for path, _ in _files(current.values())])
    stale = {
        gate: [path for path, digest in _files([one]) if hashes[path] != digest]
        for gate, one in current.items()
    }
    changed = list(dict.fromkeys(path for paths in stale.values() for path in paths))
    if changed:
        of_gates = [gate for gate, paths in stale.items() if paths]
        yield TasksError(
            "E_EVIDENCE",
            f"Evidence of {id_} has changed since it was recorded: {', '.join(changed)}.",
            fix=f"cleo verify {id_} --gate {of_gates[0]} --result pass --evidence ATOM",
            details={"files": changed, "gates": of_gates},
        )


def _files(results: Iterable[GateResult]) -> Iterator[tuple[str, str]]:
    """The files among the evidence: path, relative to the root, and SHA-256 as recorded."""
    for one in results:
        for entry in one.evidence:
            if isinstance(entry, dict):
                path, digest = entry.get("path"), entry.get("sha256")
                if isinstance(path, str) and isinstance(digest, str):
                    yield path, digest


def _hashes(work: Work, paths: list[str]) -> Mapping[str, str | None]:
    """What is in files now.

    :raises NotHashedError: it has to be read before the unit.
    """
    if work.hashes is None:
        root = evidence.tree_root(work.app.project.root)
        return {path: evidence.recorded_hash(root, path) for path in paths}
    missing = [path for path in paths if path not in work.hashes]
    if missing:
        raise evidence.NotHashedError(missing)
    return work.hashes
