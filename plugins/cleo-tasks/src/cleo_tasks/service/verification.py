"""Whether a task's work is verified: its gates, its rounds and the files that were evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from cleo_core.database import Row
from cleo_tasks.errors import TasksError
from cleo_tasks.service import evidence
from cleo_tasks.service.work import Work
from cleo_tasks.store import gates


def require_verified(work: Work, row: Row) -> None:
    """Apply ``tasks.verification.mode`` to a task that is to be completed.

    :raises TasksError: with mode block, the first of ``E_NOT_VERIFIED`` (40), ``E_ROUNDS`` (44),
        ``E_GATE_NEEDED`` (45), ``E_EVIDENCE`` (41); with mode warn all of them are warnings.
    """
    mode = work.setting("verification.mode")
    required = list(work.setting("verification.gates"))
    if mode == "off" or not required:
        return
    for error in _findings(work, row, required):
        if mode == "block":
            raise error
        work.warn(error.code.replace("E_", "W_", 1), error.message)


def latest(results: Iterable[Row], round_: int) -> dict[str, Row]:
    """The last result of each gate in a round."""
    return {one["gate"]: one for one in results if one["round"] == round_}


def changed_files(root: str, results: Iterable[Row]) -> list[str]:
    """Files that are evidence and are not any more what they were: paths, each once.

    An entry of evidence that names a file holds its ``path``, relative to the root, and its
    ``sha256`` in hexadecimal digits.
    """
    changed = []
    for one in results:
        for entry in one["evidence"]:
            path = _path_of(entry)
            if path is None or path in changed:
                continue
            if evidence.recorded_hash(root, path) != entry["sha256"]:
                changed.append(path)
    return changed


def _findings(work: Work, row: Row, required: list[str]) -> Iterator[TasksError]:
    id_ = row["id"]
    results = gates.results(work, id_)
    if not results:
        yield TasksError(
            "E_NOT_VERIFIED",
            f"Nothing is verified of {id_}; {', '.join(required)} are asked for.",
            fix=f"cleo verify {id_} --gate {required[0]} --result pass --evidence …",
            details={"gates": required},
        )
        return
    round_, most = row["verification_round"], work.number("verification.max_rounds")
    if round_ > most:
        yield TasksError(
            "E_ROUNDS",
            f"{id_} is in round {round_} of verification; {most} are allowed.",
            fix=f"cleo verify {id_} --reset --reason TEXT",
            details={"round": round_, "maxRounds": most},
        )
    standing = latest(results, round_)
    missing = [
        gate
        for gate in required
        if gate not in standing or standing[gate]["result"] not in ("pass", "warn")
    ]
    if missing:
        yield TasksError(
            "E_GATE_NEEDED",
            f"{id_} has not passed {', '.join(missing)} in round {round_}.",
            fix=f"cleo verify {id_} --gate {missing[0]} --result pass --evidence …",
            details={"gates": missing, "round": round_},
        )
    changed = changed_files(evidence.tree_root(work.app.project.root), standing.values())
    if changed:
        yield TasksError(
            "E_EVIDENCE",
            f"Evidence of {id_} has changed since it was recorded: {', '.join(changed)}.",
            fix=f"cleo show {id_} --gates",
            details={"files": changed},
        )


def _path_of(entry: Any) -> str | None:
    if isinstance(entry, dict) and isinstance(entry.get("sha256"), str):
        path = entry.get("path")
        return path if isinstance(path, str) else None
    return None
