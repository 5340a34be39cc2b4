"""Searching tasks by id, title and words."""

from __future__ import annotations

from collections.abc import Sequence

from cleo_core.api.records import record
from cleo_core.database import Backend
from cleo_core.errors import UsageError, echoed
from cleo_core.output import Page
from cleo_tasks.enums import TASK_STATUS
from cleo_tasks.ids import parse_id, task_id
from cleo_tasks.records import Line
from cleo_tasks.service.fields import TITLE_LENGTH
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.store import search, tasks

#: What a search can be limited to.
SEARCHED = ("id", *search.FIELDS)


@record
class Hit(Line):
    """One task that a search found.

    ``arm``: how it was found, one of ``id``, ``title``, ``all`` and ``any``. ``score``: the higher
    the better within its arm; None in the first two, where nothing is ranked. ``matched_in``: the
    fields that match. ``snippet``: text around the match, which stands in square brackets.
    """

    arm: str
    score: float | None
    matched_in: list[str]
    snippet: str


class SearchVerbs(Verbs):
    """``find``."""

    def find(
        self,
        query: str,
        *,
        fields: Sequence[str] = (),
        status: Sequence[str] = (),
        exact: bool = False,
        include_archive: bool = False,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[Hit], Page]:
        """A page of the tasks that a query finds, whatever characters it has.

        The arms in their order: the id, the exact title, all words, and where all words find
        nothing any word. The last word also stands for the beginning of one.

        :param fields: look only into these of id, title, description, acceptance and notes.
        :param status: tasks of these statuses.
        :param exact: the id and the exact title only.
        :param include_archive: archived tasks too.
        :raises UsageError: an unknown field or status, a number out of range, a query that is no
            text.
        """
        if not isinstance(query, str):
            raise UsageError(f"A query is text, not {type(query).__name__}.", fix="cleo find WORD")
        _require_words(fields, SEARCHED, "in")
        _require_words(status, TASK_STATUS, "status")
        limit, offset = self.page(limit, offset, "find.limit")
        text = _clean(query)
        looked_in = list(dict.fromkeys(fields)) or list(SEARCHED)
        statuses = list(status) or [
            word for word in TASK_STATUS if include_archive or word != "archived"
        ]
        with self.db.snapshot() as db:
            first = _by_name(db, text, looked_in, statuses)
            archived = include_archive or not search.any_archived(db)
            page = first[offset : offset + limit]
            found: list[tuple[int, str, float | None]] = [(seq, arm, None) for arm, seq in page]
            total, match = len(first), ""
            columns = [name for name in search.FIELDS if name in looked_in]
            words = [] if exact or not columns else _words(text)
            if not first and not (text if exact else _words(text)):
                self.app.warn("W_NOTHING_TO_SEARCH", "The query has no word to search for.")
            for arm, glue in (("all", " "), ("any", " OR ")):
                if not words or (arm == "any" and (total or len(words) == 1)):
                    continue
                match = _expression(words, columns, glue)
                rows, count = search.matches(
                    db,
                    match,
                    statuses if status else None,
                    archived=archived,
                    without=[seq for _, seq in first],
                    limit=limit - len(page),
                    offset=max(0, offset - len(first)),
                )
                found += [(row["seq"], arm, row["score"]) for row in rows]
                total += count
            return _hits(db, found, match), Page(limit, offset, total)


def _by_name(
    db: Backend, text: str, looked_in: Sequence[str], statuses: Sequence[str]
) -> list[tuple[str, int]]:
    """(arm, number) of the tasks that the whole query names, each once."""
    found: dict[int, str] = {}
    if "id" in looked_in:
        try:
            id_ = parse_id(text)
        except UsageError:
            # A query that is no id is an ordinary one.
            id_ = ""
        if id_:
            found.update((seq, "id") for seq in search.by_id(db, id_, statuses))
    if "title" in looked_in and 0 < len(text) <= TITLE_LENGTH:
        for seq in search.by_title(db, text, statuses):
            found.setdefault(seq, "title")
    return [(arm, seq) for seq, arm in found.items()]


def _hits(db: Backend, found: Sequence[tuple[int, str, float | None]], match: str) -> list[Hit]:
    if not found:
        return []
    places = search.places(db, match, [seq for seq, _, _ in found]) if match else {}
    lines = tasks.lines(db, [task_id(seq) for seq, _, _ in found])
    hits = []
    for line, (seq, arm, score) in zip(lines, found, strict=True):
        matched, snippet = places.get(seq, ([], line.title))
        if arm in ("id", "title"):
            matched = [arm, *(name for name in matched if name != arm)]
        hits.append(
            Hit(
                **vars(line),
                arm=arm,
                score=score,
                matched_in=matched,
                snippet=snippet,
            )
        )
    return hits


def _require_words(given: Sequence[str], known: Sequence[str], option: str) -> None:
    for word in given:
        if word not in known:
            raise UsageError(
                f"--{option} {echoed(word)} is unknown; it is one of {', '.join(known)}.",
                fix=f"cleo find WORD --{option} {known[0]}",
            )


def _clean(query: str) -> str:
    """A query without what no stored text can hold: NUL, halves of surrogate pairs."""
    return query.replace("\0", " ").encode("utf-8", "replace").decode().strip()


def _words(text: str) -> list[str]:
    """The words of a query, each once; what consists of ASCII signs only is none."""
    words = [word for word in text.split() if any(c.isalnum() or c > "\x7f" for c in word)]
    # The last word stays last, because it alone may be unfinished.
    return list(dict.fromkeys(reversed(words)))[::-1]


def _expression(words: Sequence[str], columns: Sequence[str], glue: str) -> str:
    """An FTS5 expression in which nothing of the query is an operator."""
    quoted = ['"' + word.replace('"', '""') + '"' for word in words]
    return f"{{{' '.join(columns)}}} : ({glue.join(quoted)}*)"
