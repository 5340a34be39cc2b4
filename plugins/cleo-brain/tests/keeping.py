"""What the tests of stickies, forgetting and maintenance look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cleo_core.app import App
from cleo_core.database import connect_for_copy

BRAIN = Path(".cleo/brain.db")


def brain(app: App) -> Any:
    """The service."""
    return app.service("brain")


def execute(*statements: str, store: str = "brain") -> list[tuple[Any, ...]]:
    """Run statements on a store's file, beside CLEO; the rows of the last."""
    connection = connect_for_copy(f".cleo/{store}.db")
    rows: list[tuple[Any, ...]] = []
    for statement in statements:
        rows = connection.execute(statement).fetchall()
    connection.close()
    return rows


def value(statement: str) -> Any:
    """One value of the brain store."""
    ((found,),) = execute(statement)
    return found


def disagreements() -> list[str]:
    """What in the file does not agree with the rest of it; nothing where all is well."""
    from cleo_brain.service.deriving import context_of

    found: list[str] = []
    connection = connect_for_copy(str(BRAIN))
    try:
        run = connection.execute
        try:
            run("INSERT INTO brain_fts (brain_fts, rank) VALUES ('integrity-check', 1)")
        except Exception as error:
            found.append(f"index: {error}")
        if run("PRAGMA foreign_key_check").fetchall():
            found.append("foreign keys")
        tables = ("decisions", "patterns", "learnings", "observations", "sticky_notes")
        typed = " UNION ALL ".join(f"SELECT id FROM brain_{name}" for name in tables)
        found += [
            f"typed rows of {id_}"
            for (id_,) in run(
                f"SELECT e.id FROM brain_entries AS e LEFT JOIN ({typed}) AS t ON t.id = e.id "
                "GROUP BY e.id HAVING count(t.id) <> 1"
            )
        ]
        found += [
            f"vector of {seq}"
            for (seq,) in run(
                "SELECT v.seq FROM brain_vectors AS v LEFT JOIN brain_vector_values AS w "
                "ON w.seq = v.seq WHERE w.seq IS NULL"
            )
        ]
        found += [
            f"note {id_}"
            for (id_,) in run(
                "SELECT s.id FROM brain_sticky_notes AS s JOIN brain_entries AS e ON e.id = s.id "
                "WHERE (s.status = 'active') <> (e.invalid_at IS NULL)"
            )
        ]
        found += [
            f"live and superseded: {id_}"
            for (id_,) in run(
                "SELECT e.id FROM brain_entries AS e JOIN brain_edges AS g ON g.to_entry = e.id "
                "WHERE g.edge_type = 'supersedes' AND e.invalid_at IS NULL"
            )
        ]
        found += [
            f"text of vector {seq}"
            for (seq,) in run(
                "SELECT v.seq FROM brain_vectors AS v JOIN brain_entries AS e ON e.seq = v.seq "
                "WHERE e.text_hash <> v.text_hash"
            )
        ]
        threads: dict[str, list[tuple[int, str, str, bool]]] = {}
        for seq, thread, body, context, live in run(
            "SELECT seq, thread, body, context, invalid_at IS NULL FROM brain_entries "
            "WHERE thread IS NOT NULL AND kind = 'observation' ORDER BY seq"
        ):
            threads.setdefault(thread, []).append((seq, body, context, bool(live)))
        for rows in threads.values():
            for seq, _, context, _ in rows:
                before = [one[1] for one in rows if one[0] < seq and one[3]][-2:]
                after = [one[1] for one in rows if one[0] > seq and one[3]][:2]
                if context != context_of(before[::-1], after):
                    found.append(f"context of {seq}")
    finally:
        connection.close()
    return found
