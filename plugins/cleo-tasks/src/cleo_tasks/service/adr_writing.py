"""The text of a new decision."""

from __future__ import annotations

from cleo_core import clock, inputs
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Backend
from cleo_core.errors import UsageError, ValidationError
from cleo_tasks.adr_ids import adr_id
from cleo_tasks.enums import ADR_STATUS
from cleo_tasks.service import fields
from cleo_tasks.service.adr_files import Tree
from cleo_tasks.service.adr_text import read_header
from cleo_tasks.store import adrs

#: What a dry run shows in place of an id that would be given.
UNGIVEN = "ADR-???"
SUMMARY_LENGTH = 2000

_SECTIONS = ("Context", "Decision", "Consequences")


@record
class Draft(Declared):
    """What a new decision says."""

    title: str
    summary: str | None
    status: str
    topics: tuple[str, ...]

    def text(self, number: int, day: str | None = None) -> str:
        """The file's text.

        :param day: its date, by default today (UTC).
        """
        day = clock.now()[:10] if day is None else day
        header = [("Date", day), ("Status", self.status)]
        if self.status == "accepted":
            header.append(("Accepted", day))
        if self.summary is not None:
            header.append(("Summary", self.summary))
        if self.topics:
            header.append(("Topics", ", ".join(self.topics)))
        lines = [f"# {adr_id(number)}: {self.title}", ""]
        lines += [f"**{key}**: {value}" for key, value in header]
        lines += ["", "---", ""]
        for section in _SECTIONS:
            lines += [f"## {section}", ""]
        return "\n".join(lines)


def draft(title: object, summary: object, status: object, topics: object) -> Draft:
    """What a caller wants to have written.

    :raises CleoError: a value is not acceptable (6), a status no new decision has (2), or the
        file's format could not give it back (6).
    """
    made = Draft(
        _line(title, "title", fields.TITLE_LENGTH),
        None if summary is None else _line(summary, "summary", SUMMARY_LENGTH),
        _status(status),
        tuple(
            dict.fromkeys(
                _line(one, "topic", fields.TITLE_LENGTH) for one in inputs.texts(topics, "topics")
            )
        ),
    )
    found = read_header(made.text(1))
    given = {"title": made.title, "summary": made.summary, "topics": list(made.topics)}
    for name, value in given.items():
        if getattr(found, name) != value:
            raise ValidationError(
                f"The {name} {value!r} would be read back from the file as "
                f"{getattr(found, name)!r}.",
                fix="the same command in plain words, topics without commas",
                field=name,
            )
    return made


def left_behind(tree: Tree, wanted: Draft, db: Backend) -> int | None:
    """The number of a file that an add wrote before it was killed: nobody has synced it yet."""
    for one in tree.documents:
        day = one.header.date
        if day and one.content == wanted.text(one.number, day) and adrs.row(db, one.id) is None:
            return one.number
    return None


def spelled(status: object) -> object:
    """A status by the word that is stored for it."""
    return "accepted" if status == "approved" else status


def _status(value: object) -> str:
    word = spelled(value)
    if word == "superseded":
        raise UsageError(
            "A decision is superseded by another one, which says so.",
            fix="cleo adr link ADR-NEW ADR-OLD --type supersedes",
        )
    return inputs.word_of(ADR_STATUS, "status")(word)


def _line(value: object, name: str, most: int) -> str:
    return inputs.line(value, name, most, fix="cleo adr add --help")
