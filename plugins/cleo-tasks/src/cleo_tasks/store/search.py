"""Full-text search: which tasks match, how well, and where."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from cleo_core.database import Backend, Row

#: Columns of the full-text table, in its order.
FIELDS = ("title", "description", "acceptance", "notes")
#: What a match in each of them weighs.
SCORE = "bm25(tasks_fts, 10.0, 3.0, 2.0, 1.0)"

ANY_ARCHIVED = "SELECT EXISTS (SELECT 1 FROM tasks WHERE status = 'archived')"
BY_ID = (
    "SELECT seq FROM tasks WHERE id = :id AND status IN (SELECT value FROM json_each(:statuses))"
)
BY_TITLE = (
    "SELECT seq FROM tasks WHERE title = :title "
    "AND status IN (SELECT value FROM json_each(:statuses)) ORDER BY seq"
)
#: The unary plus keeps the rows from being looked up one by one, which for a prefix would merge
#: its whole list of matches each time.
PLACES = (
    "SELECT f.rowid AS seq, snippet(tasks_fts, -1, '[', ']', '…', 12) AS snippet, "
    + ", ".join(
        f"coalesce(highlight(tasks_fts, {number}, '[', ']') <> f.{name}, 0) AS {name}"
        for number, name in enumerate(FIELDS)
    )
    + " FROM tasks_fts AS f "
    "WHERE f.tasks_fts MATCH :match AND +f.rowid IN (SELECT value FROM json_each(:seqs))"
)

#: Which tasks a search looks at -> how it says so; ``every`` needs no look at the tasks themselves.
KINDS = {
    "every": "",
    "present": " AND t.status <> 'archived'",
    "given": " AND t.status IN (SELECT value FROM json_each(:statuses))",
}


def any_archived(db: Backend) -> bool:
    """Whether there is an archived task at all."""
    return bool(db.scalar(ANY_ARCHIVED))


def by_id(db: Backend, id_: str, statuses: Sequence[str]) -> list[int]:
    """The number of the task with an id, if it has one of the statuses."""
    return [row["seq"] for row in db.read(BY_ID, id=id_, statuses=json.dumps(list(statuses)))]


def by_title(db: Backend, title: str, statuses: Sequence[str]) -> list[int]:
    """The numbers of the tasks with exactly this title, in order."""
    listed = json.dumps(list(statuses))
    return [row["seq"] for row in db.read(BY_TITLE, title=title, statuses=listed)]


def matches(
    db: Backend,
    match: str,
    statuses: Sequence[str] | None,
    *,
    archived: bool,
    without: Sequence[int],
    limit: int,
    offset: int,
) -> tuple[list[Row], int]:
    """A page of the tasks that match, best first, and the number of all that do.

    :param statuses: None where every status is wanted.
    :param archived: whether archived tasks are wanted where ``statuses`` does not say.
    :param without: numbers that are left out.
    :returns: rows ``{seq, score, total}``; the higher the score, the better.
    """
    kind = "every" if archived else "present"
    page, count = match_statements(kind if statuses is None else "given", without=bool(without))
    params = {
        "match": match,
        **({} if statuses is None else {"statuses": json.dumps(list(statuses))}),
        **({"without": json.dumps(list(without))} if without else {}),
    }
    found = db.read(page, **params, limit=limit, offset=offset) if limit else []
    if found or (limit and not offset):
        return found, found[0]["total"] if found else 0
    return found, int(db.scalar(count, **params))


def match_statements(kind: str, *, without: bool) -> tuple[str, str]:
    """The statements of a search: its page with the total, and the total alone."""
    source = "tasks_fts AS f" + (" JOIN tasks AS t ON t.seq = f.rowid" if KINDS[kind] else "")
    where = "f.tasks_fts MATCH :match" + KINDS[kind]
    if without:
        where += " AND +f.rowid NOT IN (SELECT value FROM json_each(:without))"
    return (
        "WITH found AS MATERIALIZED ("
        f"SELECT f.rowid AS seq, -{SCORE} AS score FROM {source} WHERE {where}) "
        "SELECT seq, score, (SELECT count(*) FROM found) AS total FROM found "
        "ORDER BY score DESC, seq LIMIT :limit OFFSET :offset",
        f"SELECT count(*) FROM {source} WHERE {where}",
    )


def places(db: Backend, match: str, seqs: Sequence[int]) -> dict[int, tuple[list[str], str]]:
    """Where each of these tasks matches: number -> (its fields, the text around the match).

    In the text, what matched stands in square brackets.
    """
    return {
        row["seq"]: ([name for name in FIELDS if row[name]], row["snippet"])
        for row in db.read(PLACES, match=match, seqs=json.dumps(list(seqs)))
    }


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    for kind in KINDS:
        for without in (False, True):
            yield from match_statements(kind, without=without)
