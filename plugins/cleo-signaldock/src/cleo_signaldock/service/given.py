"""The fields of an agent that a caller gave, checked and as they are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cleo_core.errors import ValidationError
from cleo_signaldock.service import fields

#: Argument -> (column, its check).
_COLUMNS = {
    "name": ("name", fields.name),
    "class_": ("class", fields.one_of_classes),
    "description": ("description", fields.description),
    "classification": ("classification", fields.classification),
    "privacy": ("privacy_tier", fields.one_of_privacy_tiers),
    "transport": ("transport_type", fields.one_of_transports),
    "transport_config": ("transport_config", fields.transport_config),
    "url": ("api_base_url", fields.url),
    "reports_to": ("reports_to", fields.reports_to),
    "orch_level": ("orch_level", fields.orch_level),
    "can_spawn": ("can_spawn", fields.flag),
}
_WORDS = {"capabilities": "capability", "skills": "skill"}


class Given(NamedTuple):
    """The fields that a caller gave.

    ``columns``: column -> value. ``words``: capability, skill -> slugs. ``key``: the API key in
    clear. ``warnings``: what was not understood.
    """

    columns: dict[str, Any]
    words: dict[str, list[str]]
    key: str | None
    warnings: list[str]

    def __repr__(self) -> str:
        return f"Given({sorted(self.columns)}, {sorted(self.words)})"


def checked(arguments: Mapping[str, Any], *, strict: bool) -> Given:
    """The arguments that are not None.

    :param strict: refuse unknown capabilities and skills.
    :raises TypeError: there is no such argument.
    :raises ValidationError: one is not acceptable.
    """
    unknown = arguments.keys() - _COLUMNS.keys() - _WORDS.keys() - {"api_key"}
    if unknown:
        raise TypeError(f"an agent has no field {sorted(unknown)[0]!r}")
    columns = {
        column: check(arguments[argument])
        for argument, (column, check) in _COLUMNS.items()
        if arguments.get(argument) is not None
    }
    if columns.get("transport_type") == "local" and "api_base_url" in columns:
        raise ValidationError("A local agent is at no server.", fix="--transport http", field="url")
    words: dict[str, list[str]] = {}
    warnings: list[str] = []
    for argument, kind in _WORDS.items():
        given: Sequence[str] | None = arguments.get(argument)
        if given is not None:
            texts = [text for text in given if text != ""] if _are_texts(given) else given
            slugs, not_known = fields.words(kind, texts)
            warnings += not_known
            # Nothing but unknown words must not take away what the agent has.
            if slugs or not texts:
                words[kind] = slugs
            if not_known and strict:
                raise ValidationError(" ".join(not_known), fix=f"cleo agent {argument}")
    key = arguments.get("api_key")
    return Given(columns, words, None if key is None else fields.api_key(key), warnings)


def _are_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value)


def settled(
    found: Given, row: Mapping[str, Any] | None, *, default_url: str, remote: bool = False
) -> Given:
    """The fields with what follows from transport and server; whatever else there is stays.

    :param row: the agent as it is, or None for a new one.
    :param default_url: the server of an agent that is to be at one and at none yet.
    :param remote: it is to be at a server.
    """
    columns = dict(found.columns)
    before = row["transport_type"] if row is not None else "local"
    if "transport_type" not in columns and before == "local" and (remote or _names_server(columns)):
        columns["transport_type"] = "http"
    transport = columns.get("transport_type", before)
    if transport == "local":
        if columns.get("transport_type") == "local":
            columns["api_base_url"] = None
    elif "api_base_url" not in columns and (row is None or row["api_base_url"] is None):
        columns["api_base_url"] = fields.url(default_url)
    return found._replace(columns=columns)


def _names_server(columns: Mapping[str, Any]) -> bool:
    return columns.get("api_base_url") is not None
