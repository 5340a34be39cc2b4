"""The names of projects: what people read, and the slugs that references use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_core.errors import ValidationError
from cleo_core.inputs import line
from cleo_nexus.ids import made_slug, numbered, parse_slug
from cleo_nexus.service.work import Work
from cleo_nexus.store import registry

if TYPE_CHECKING:
    from cleo_core.database import Backend

#: Characters of a name at most.
LONGEST_NAME = 100


def title(name: Any) -> str:
    """A name that a person gave.

    :raises ValidationError: it is none.
    """
    return line(name, "name", LONGEST_NAME, fix="--name NAME")


def title_of(*candidates: Any) -> str:
    """The first of some texts that says something, made one line of a name's length."""
    for one in candidates:
        text = str(one or "").replace("\0", " ").encode("utf-8", "replace").decode()
        found = " ".join(text.split())[:LONGEST_NAME].strip()
        if found:
            return found
    return "project"


def free_slug(work: Work, given: str | None, name: str) -> str:
    """The slug that a person gave, else one made of the name that no other project has.

    :raises ValidationError: the given one is none, or taken.
    """
    if given is not None:
        return untaken(work, parse_slug(given))
    made = slug = made_slug(name)
    number = 1
    while _is_taken(work, slug):
        number += 1
        slug = numbered(made, number)
    return slug


def untaken(work: Work, slug: str, *, by: str | None = None) -> str:
    """A slug that no project has or had.

    :param by: the id of the project that may have had it.
    :raises ValidationError: another one has it, or had it once.
    """
    if _is_taken(work, slug, by=by):
        raise ValidationError(
            f"The slug {slug} belongs to a project, or did once.",
            fix=f"--slug {_next_free(work, slug)}",
        )
    return slug


def owner_of(db: Backend, slug: str) -> str | None:
    """The id of the project that has a slug or once had it; None where there is none."""
    row = registry.by_slug(db, slug)
    if row is not None:
        return str(row["project_id"])
    former = registry.alias(db, slug)
    if former is None or former["kind"] != "slug":
        return None
    return str(former["canonical_id"])


def _next_free(work: Work, slug: str) -> str:
    number = 2
    while _is_taken(work, numbered(slug, number)):
        number += 1
    return numbered(slug, number)


def _is_taken(work: Work, slug: str, *, by: str | None = None) -> bool:
    # A slug that is another project's id would be found as that project.
    row = registry.by_slug(work, slug) or registry.by_id(work, slug)
    former = registry.alias(work, slug)
    return row is not None or (former is not None and former["canonical_id"] != by)
