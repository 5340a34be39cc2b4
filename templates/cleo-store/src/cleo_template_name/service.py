"""The rules of the store; the command line and Python users call these."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cleo_core.errors import NotFoundError, ValidationError
from cleo_core.output import Page

from cleo_template_name import store

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Row
    from cleo_core.units import Unit

MOST_CHARACTERS = 200


@dataclass(frozen=True)
class Item:
    """An item; ``created_at`` is ISO-8601 UTC."""

    id: str
    title: str
    importance: str
    tags: list[str]
    created_at: str


class Service:
    """The verbs of the store, bound to an App."""

    def __init__(self, app: App) -> None:
        self.app = app

    def add(
        self,
        title: str,
        *,
        importance: str = "normal",
        tags: Sequence[str] = (),
        idempotency_key: str | None = None,
    ) -> Item:
        """Keep an item.

        :param importance: low, normal or high.
        :param idempotency_key: the same key gives the first result again.
        :raises ValidationError: a value is not acceptable.
        """
        title = _text(title, "A title")
        tags = tuple(_text(tag, "A tag") for tag in tags)
        if importance not in store.IMPORTANCE:
            raise ValidationError(
                f"{importance!r} is no importance; it is one of {', '.join(store.IMPORTANCE)}.",
                fix="--importance normal",
            )

        def insert(unit: Unit) -> Item:
            row = store.insert(unit, title, importance, tags, unit.now)
            unit.created("template_name", row["id"], row)
            return _item(row)

        return self.app.write(
            "template_name",
            lambda unit: unit.idempotent(
                "template-name add",
                idempotency_key,
                {"title": title, "importance": importance, "tags": [*tags]},
                lambda: insert(unit),
                encode=asdict,
                decode=_decoded,
            ),
        )

    def show(self, id: str) -> Item:
        """One item.

        :raises NotFoundError: there is none of this id.
        """
        row = store.by_id(self.app.store("template_name"), id)
        if row is None:
            fix = "cleo template-name list"
            raise NotFoundError(f"There is no item {id!r}.", fix=fix)
        return _item(row)

    def list(
        self, *, importance: str | None = None, limit: int | None = None, offset: int = 0
    ) -> tuple[Sequence[Item], Page]:
        """Items in the order they were made, 50 unless ``limit`` says otherwise."""
        most = min(limit or 50, 2**31)
        start = min(offset, 2**62)
        db = self.app.store("template_name")
        rows, total = store.page(db, importance, most, start)
        return [_item(row) for row in rows], Page(most, start, total)


def _text(value: str, what: str) -> str:
    """A text on one line, without blanks around it.

    :raises ValidationError: it is empty, too long, or holds what no terminal can show.
    """
    text = value.strip()
    if not 1 <= len(text) <= MOST_CHARACTERS:
        raise ValidationError(
            f"{what} has 1 to {MOST_CHARACTERS} characters, not {len(text)}.",
            fix="cleo template-name add --help",
        )
    if any(ord(char) < 32 or 0xD800 <= ord(char) <= 0xDFFF for char in text):
        raise ValidationError(
            f"{what} is one line of text, without control characters.",
            fix="cleo template-name add --help",
        )
    return text


def _item(row: Row) -> Item:
    return Item(
        id=row["id"],
        title=row["title"],
        importance=row["importance"],
        tags=json.loads(row["tags_json"]),
        created_at=row["created_at"],
    )


def _decoded(stored: dict[str, Any]) -> Item:
    return Item(**stored)
