"""Lists of agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cleo_signaldock.store.agents import SHOWN_SQL, Reader, Row, folded, words

_CONDITIONS = {
    "active": "is_active = 1",
    "class_": "class = :class_",
    "capability": (
        "EXISTS (SELECT 1 FROM agent_capabilities j JOIN capabilities c ON c.id = j.capability_id "
        "WHERE j.agent_id = agents.agent_id AND c.slug = :capability)"
    ),
    "skill": (
        "EXISTS (SELECT 1 FROM agent_skills j JOIN skills s ON s.id = j.skill_id "
        "WHERE j.agent_id = agents.agent_id AND s.slug = :skill)"
    ),
    "search": (
        "(lower(agent_id) LIKE :search ESCAPE '!' OR lower(name) LIKE :search ESCAPE '!' "
        "OR lower(description) LIKE :search ESCAPE '!')"
    ),
}


class Filter(NamedTuple):
    """Which agents are meant; what is None or False does not count."""

    active: bool = False
    class_: str | None = None
    capability: str | None = None
    skill: str | None = None
    search: str | None = None

    @property
    def given(self) -> dict[str, str]:
        """Name -> value of what counts."""
        return {name: value for name, value in self._asdict().items() if value}


def _count(names: Sequence[str]) -> str:
    return f"SELECT count(*) FROM agents{_where(names)}"


def _page(names: Sequence[str]) -> str:
    return (
        f"SELECT {SHOWN_SQL} FROM agents{_where(names)} "
        "ORDER BY name, agent_id LIMIT :limit OFFSET :offset"
    )


def _where(names: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(_CONDITIONS[name] for name in names)}" if names else ""


def page(db: Reader, wanted: Filter, *, limit: int, offset: int) -> tuple[int, list[Row]]:
    """How many agents are meant, and some of them by name, then id."""
    given = wanted.given
    names = list(given)
    params = {name: value for name, value in given.items() if name != "active"}
    if "search" in params:
        params["search"] = pattern(params["search"])
    total = int(db.scalar(_count(names), **params))
    return total, db.read(_page(names), **params, limit=limit, offset=offset)


def kept(db: Reader, rows: Sequence[Row], wanted: Filter) -> list[Row]:
    """Those of the rows that are meant."""
    found = [
        row
        for row in rows
        if (row["is_active"] or not wanted.active)
        and wanted.class_ in (None, row["class"])
        and (
            wanted.search is None
            or any(
                folded(wanted.search) in folded(row[name])
                for name in ("agent_id", "name", "description")
            )
        )
    ]
    if wanted.capability is None and wanted.skill is None:
        return found
    able = words(db, [row["agent_id"] for row in found])
    return [
        row
        for row in found
        if (wanted.capability is None or wanted.capability in able[row["agent_id"]][0])
        and (wanted.skill is None or wanted.skill in able[row["agent_id"]][1])
    ]


def pattern(text: str) -> str:
    """A LIKE pattern of a part of a text, in lower case; ``!`` escapes."""
    for sign in "!%_":
        text = text.replace(sign, f"!{sign}")
    return f"%{folded(text)}%"


def statements() -> list[str]:
    """The composed statements, for the tests to prepare."""
    names = list(_CONDITIONS)
    return [_count([]), _count(names), _page([]), _page(names)]
