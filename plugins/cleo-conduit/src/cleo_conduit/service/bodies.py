"""What a message says: what is read out of its text, and the hash of all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from cleo_core.hashing import sha256

# Patterns are compiled when a text has their sign; most have none.
#: ``@bob`` that begins a word; an address of mail is none.
_MENTION = r"(?<![\w@.+-])@([A-Za-z0-9][A-Za-z0-9._-]{0,127})"
_TAG = r"(?<![\w#&/])#(\w[\w-]*)"
_DIRECTIVE = r"(?m)^/([A-Za-z][\w-]*)(?![\w/.-])"
_TASK = r"(?<![A-Za-z0-9_-])T\d+(?![A-Za-z0-9_])"

_text = json.encoder.encode_basestring
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)

#: Keys of the metadata that hold what was read out of the text.
EXTRACTED = ("mentions", "directives", "tags", "taskRefs")


def is_tag(word: str) -> bool:
    """Whether a text can hold a word as ``#word``."""
    return re.fullmatch(_TAG, f"#{word}") is not None


def extracted(text: str) -> dict[str, list[str]]:
    """Mentions, directives, tags and tasks of a text, each once, in their order."""
    found: dict[str, list[str]] = {}
    if "@" in text:
        found["mentions"] = [word.rstrip("._-") for word in re.findall(_MENTION, text)]
    if "/" in text:
        found["directives"] = re.findall(_DIRECTIVE, text)
    if "#" in text:
        found["tags"] = re.findall(_TAG, text)
    if "T" in text:
        found["taskRefs"] = re.findall(_TASK, text)
    return {name: list(dict.fromkeys(words)) for name, words in found.items() if words}


def with_extracted(metadata: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Metadata with what its text says, after what was given and without doubles."""
    joined = dict(metadata)
    for name, words in extracted(text).items():
        joined[name] = list(dict.fromkeys([*joined.get(name, ()), *words]))
    return joined


def body_hash(
    *,
    sender: str,
    subject: str | None,
    content: str,
    content_type: str,
    kind: str,
    importance: str,
    ack_required: bool,
    attachments: Any,
    payload: Any,
    metadata: Any,
    reply_to: str | None,
    expires_at: str | None,
) -> str:
    """SHA-256 of what a message says, as canonical JSON: sorted keys, no blanks, UTF-8.

    Recipients are not part of it, so that it is the same on every machine.
    """
    # Put together member by member in the order of their names, as most are plain text: an encoder
    # for the whole takes three times as long.
    text = _text
    body = (
        f'{{"ackRequired":{"true" if ack_required else "false"},'
        f'"attachments":{_CANONICAL.encode(attachments) if attachments else "[]"},'
        f'"content":{text(content)},"contentType":{text(content_type)},'
        f'"expiresAt":{"null" if expires_at is None else text(expires_at)},'
        f'"from":{text(sender)},"importance":{text(importance)},"kind":{text(kind)},'
        f'"metadata":{_CANONICAL.encode(metadata) if metadata else "{}"},'
        f'"payload":{"null" if payload is None else _CANONICAL.encode(payload)},'
        f'"replyTo":{"null" if reply_to is None else text(reply_to)},'
        f'"subject":{"null" if subject is None else text(subject)}}}'
    )
    return sha256(body.encode())
