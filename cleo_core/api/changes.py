"""What a write unit tells the other plugins, and how one of them refuses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from cleo_core.api.declared import Declared
from cleo_core.api.records import record
from cleo_core.api.specs import Project


@record
class Change(Declared):
    """What one unit of work does to the rows of one kind.

    :param before: id -> the changed columns as they were (all of them on delete).
    :param after: id -> the changed columns as they become (all of them on create).
    """

    project: Project | None
    store: str
    kind: str
    op: Literal["create", "update", "delete"]
    ids: tuple[str, ...]
    before: Mapping[str, Mapping[str, Any]]
    after: Mapping[str, Mapping[str, Any]]
    actor: str
    request_id: str


@record
class Veto(Declared):
    """A guard's refusal: one sentence and a command to run."""

    message: str
    fix: str
