"""The ids that rows hold under a reference, whichever way they are written there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cleo_core.api import Reference
    from cleo_core.app import App


def held_ids(app: App, reference: Reference) -> list[str]:
    """The id that each row holds under a reference; a row with several has each of them once."""
    store, table, named = reference.source.split(".", 2)
    value = " || ':' || ".join(f'"{column}"' for column in named.split(":"))
    # In these words an index that holds the column alone will do.
    where = " AND ".join(f'"{column}" IS NOT NULL' for column in named.split(":"))
    how, _, text = reference.id_from.partition(":")
    if how == "json":
        # Most rows have an empty list, which need not be understood to be known as such.
        where += f" AND {value} NOT IN ('[]', '{{}}')"
    rows = app.store(store).iterate(f'SELECT {value} FROM "{table}" WHERE {where}')
    if how == "json":
        ids = list(_from_json((row[0] for row in rows), text))
    elif how == "prefix":
        ids = [one[len(text) :] for (one,) in rows if _is_text(one) and one.startswith(text)]
    else:
        ids = [one for (one,) in rows]
        if not set(map(type, ids)) <= {str}:
            ids = list(map(str, ids))
    exempt = {"", *reference.exempt}
    return ids if exempt.isdisjoint(ids) else [id_ for id_ in ids if id_ not in exempt]


def _from_json(values: Iterator[Any], path: str) -> Iterator[str]:
    import json

    way = steps(path)
    for value in values:
        if not _is_text(value):
            continue
        try:
            document = json.loads(value)
        except (ValueError, RecursionError):
            # What is no JSON holds no id; the store's CHECK keeps it out.
            continue
        # A row counts once for an id, as often as it names it.
        yield from {match for match in matches(document, way) if _is_text(match)}


def steps(path: str) -> list[str]:
    """``$.links[*].task`` as ``["links", "[*]", "task"]``."""
    import re

    return [name or index for name, index in re.findall(r'\.("[^"]+"|[^.\[]+)|(\[[^\]]*\])', path)]


def matches(value: Any, way: Sequence[str]) -> Iterator[Any]:
    """What a way through a document leads to."""
    if not way:
        yield value
        return
    step, rest = way[0], way[1:]
    if step == "[*]":
        inner = list(value) if isinstance(value, list) else []
    elif step.startswith("["):
        number = step[1:-1]
        fits = isinstance(value, list) and number.isdigit() and int(number) < len(value)
        inner = [value[int(number)]] if fits else []
    else:
        name = step.strip('"')
        inner = [value[name]] if isinstance(value, dict) and name in value else []
    for one in inner:
        yield from matches(one, rest)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
