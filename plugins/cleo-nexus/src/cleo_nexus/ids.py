"""References to tasks of other projects, and the names that projects are referred to by.

.. code-block:: text

    reference = [ project ":" ] task        project = "." | "*" | slug | "@" project-id
    task      = "T" digit {digit}
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import ValidationError, echoed
from cleo_nexus.errors import NexusError, bad_reference

#: Characters of a slug at most.
LONGEST_SLUG = 63
_SLUG = r"[a-z0-9][a-z0-9_-]{0,62}"
_ID = r"[0-9a-z-]{8,64}"
_REFERENCE = re.compile(rf"(?:(\.|\*|@{_ID}|{_SLUG}):)?([Tt])([0-9]+)\Z", re.ASCII)
#: Digits of a task's number at most; what is longer can be no task's.
_LONGEST_NUMBER = 18


@record
class TaskReference(Declared):
    """A task as a person names it.

    :ivar project: a slug, ``@`` and a project's id, ``.``, ``*``; None where none is named.
    :ivar task: ``T`` and digits, as they were given.
    """

    project: str | None
    task: str

    def __str__(self) -> str:
        return self.task if self.project is None else f"{self.project}:{self.task}"

    @property
    def everywhere(self) -> bool:
        """Whether every project is meant."""
        return self.project == "*"


def parse_reference(text: Any, *, wildcard: bool = False) -> TaskReference:
    """A reference, of the grammar above; a lower-case ``t`` is read as ``T``.

    :param wildcard: whether ``*`` is allowed.
    :raises NexusError: 73, it is none; 77, it names all projects where one is needed.
    """
    match = _REFERENCE.match(text) if isinstance(text, str) else None
    if match is None or len(match[3]) > _LONGEST_NUMBER:
        raise bad_reference(text)
    found = TaskReference(match[1], f"T{match[3]}")
    if found.everywhere and not wildcard:
        raise NexusError(
            "E_WILDCARD",
            "This takes a task of one project; * stands for all of them.",
            fix=f"cleo nexus resolve '*:{found.task}'",
        )
    return found


def is_slug(text: object) -> bool:
    """Whether a text has the form of a slug."""
    return isinstance(text, str) and re.match(rf"{_SLUG}\Z", text, re.ASCII) is not None


def parse_slug(text: Any) -> str:
    """A slug that a person gave.

    :raises ValidationError: it is none.
    """
    if not is_slug(text):
        raise ValidationError(
            f"{echoed(text)} is no slug: lower-case letters, digits, - and _, at most "
            f"{LONGEST_SLUG}, the first a letter or digit.",
            fix=f"--slug {made_slug(text if isinstance(text, str) else '')}",
        )
    return str(text)


def made_slug(name: str) -> str:
    """The slug that a project's name becomes; ``project`` where nothing of it can stay."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    slug = re.sub(r"[^a-z0-9]+", "-", folded)[: LONGEST_SLUG + 1].strip("-")[:LONGEST_SLUG]
    return slug.strip("-") or "project"


def numbered(slug: str, number: int) -> str:
    """A slug with a number behind it, cut so that both fit."""
    ending = f"-{number}"
    return slug[: LONGEST_SLUG - len(ending)].rstrip("-") + ending


def is_project_id(text: object) -> bool:
    """Whether a text has the form of a project's id."""
    return isinstance(text, str) and re.match(rf"{_ID}\Z", text, re.ASCII) is not None
