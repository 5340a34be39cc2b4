"""A message as a caller gives it, checked before anything is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cleo_conduit.enums import CONTENT_TYPE, IMPORTANCE
from cleo_conduit.errors import over_limit
from cleo_conduit.ids import conversation_id, is_uuid, message_id, recipient_id
from cleo_conduit.service.bodies import EXTRACTED
from cleo_core import durations, inputs
from cleo_core.errors import UsageError, ValidationError, echoed

#: Kinds that agents write; the others are the post office's own.
KINDS = ("message", "request", "notify")
SUBJECT_LENGTH = 200
CONTENT_BYTES = 65_536
JSON_BYTES = 65_536
MOST_RECIPIENTS = 500
MOST_ATTACHED = 50
MOST_SECONDS = 10 * 365 * 86_400.0
_kind = inputs.word_of(KINDS, "kind")
_importance = inputs.word_of(IMPORTANCE, "importance")
_content_type = inputs.word_of(CONTENT_TYPE, "content-type")


class Draft:
    """A message before it is sent; see :meth:`cleo_conduit.service.sending.SendVerbs.send`."""

    __slots__ = (
        *("content", "subject", "kind", "importance", "content_type", "ack_required"),
        *("ack_within", "ttl", "attach", "metadata", "payload", "id"),
        *("to", "cc", "conversation", "reply_to", "reply_all", "broadcast", "topic"),
    )

    def __init__(
        self,
        content: Any = None,
        *,
        to: Any = (),
        cc: Any = (),
        conversation: Any = None,
        reply_to: Any = None,
        reply_all: Any = False,
        broadcast: Any = False,
        topic: str | None = None,
        subject: Any = None,
        kind: Any = "message",
        importance: Any = "normal",
        content_type: Any = "text",
        ack_required: Any = False,
        ack_within: Any = None,
        ttl: Any = None,
        attach: Any = (),
        metadata: Any = None,
        payload: Any = None,
        id: Any = None,
    ) -> None:
        self.to = _recipients(to, "to")
        self.cc = tuple(one for one in _recipients(cc, "cc") if one not in self.to)
        self.conversation = None if conversation is None else conversation_id(conversation)
        self.reply_to = None if reply_to is None else message_id(reply_to)
        self.reply_all = reply_all is not False and _flag(reply_all, "reply_all")
        self.broadcast = broadcast is not False and _flag(broadcast, "broadcast")
        self.topic = topic
        self._check_addressing()
        self.content = _content(content)
        self.subject = (
            None
            if subject is None
            else inputs.line(subject, "subject", SUBJECT_LENGTH, fix="--subject 'Build is red'")
        )
        self.kind = _kind(kind)
        self.importance = _importance(importance)
        self.content_type = _content_type(content_type)
        self.ack_within = None if ack_within is None else _seconds(ack_within, "--ack-within", "2h")
        self.ack_required = ack_within is not None
        if ack_required is not False:
            self.ack_required |= _flag(ack_required, "ack_required")
        self.ttl = None if ttl is None else _seconds(ttl, "--ttl", "1d")
        given = _list(attach, "attach")
        self.attach = tuple(inputs.texts(given, "attach")) if given else ()
        if len(self.attach) > MOST_ATTACHED:
            raise over_limit(f"A message has at most {MOST_ATTACHED} attachments.")
        self.metadata = {} if metadata is None else _metadata(metadata)
        self.payload = None if payload is None else as_json(payload, "payload")
        self.id = None if id is None else _own_id(id)
        if not self.content and self.payload is None and not self.attach:
            raise ValidationError(
                "The message is empty.", fix="cleo conduit send 'text' --to bob", field="content"
            )

    def as_json(self) -> dict[str, Any]:
        """All of it, JSON-ready: what an idempotency key stands for."""
        return {name: getattr(self, name) for name in self.__slots__}

    def _check_addressing(self) -> None:
        elsewhere = (self.conversation, self.reply_to, self.topic) != (None, None, None)
        if len(self.to) == 1 and not (elsewhere or self.cc or self.broadcast or self.reply_all):
            return
        if len(self.to) + len(self.cc) > MOST_RECIPIENTS:
            raise over_limit(f"A message has at most {MOST_RECIPIENTS} recipients.")
        chosen = [
            word
            for word, given in (
                ("--conversation", self.conversation is not None),
                ("--reply-to", self.reply_to is not None),
                ("--broadcast", self.broadcast),
            )
            if given
        ]
        if len(chosen) > 1:
            raise UsageError(
                f"{' and '.join(chosen)} each say where the message goes; one of them is enough.",
                fix=f"the same command with {chosen[0]} alone",
            )
        if self.broadcast and (self.to or self.cc):
            raise UsageError(
                "A broadcast goes to everybody; it takes no --to and no --cc.",
                fix="cleo conduit send 'text' --broadcast",
            )
        if self.reply_all and self.reply_to is None:
            raise UsageError(
                "--reply-all needs the message that is answered.", fix="--reply-to ID --reply-all"
            )
        if self.reply_all and (self.to or self.cc):
            raise UsageError(
                "--reply-all names everybody; it takes no --to and no --cc.",
                fix="--reply-to ID --reply-all",
            )
        if self.topic is not None and (chosen or self.to or self.cc):
            raise UsageError(
                "A topic's messages go to its subscribers, and to nobody else.",
                fix=f"cleo topic publish {self.topic} 'text'",
            )
        if not (self.to or self.cc or chosen or self.topic):
            raise UsageError(
                "The message has no recipient.", fix="cleo conduit send 'text' --to bob"
            )
        if self.cc and not self.to and not chosen:
            raise UsageError("A message with --cc needs a --to.", fix="--to bob --cc ann")


def _recipients(value: Any, field: str) -> tuple[str, ...]:
    given = _list(value, field)
    if not given:
        return ()
    return tuple(dict.fromkeys(map(recipient_id, given)))


def _list(value: Any, field: str) -> Sequence[Any]:
    if type(value) in (tuple, list):
        found: Sequence[Any] = value
        return found
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, Sequence) or isinstance(value, bytes):
        raise ValidationError(f"{field} is a list of texts.", field=field)
    return value


def _flag(value: Any, field: str) -> bool:
    if not isinstance(value, bool):
        raise ValidationError(f"{field} is true or false, not {echoed(value)}.", field=field)
    return value


def _content(value: Any) -> str:
    text = "" if value is None else inputs.plain_text(value, "content")
    # A character has at most four bytes.
    if len(text) > CONTENT_BYTES // 4 and len(text.encode()) > CONTENT_BYTES:
        raise over_limit(
            f"A message has at most {CONTENT_BYTES} bytes of text; this one has "
            f"{len(text.encode())}.",
            "cleo doc create FILE, and --attach SLUG",
            field="content",
        )
    return text


def _seconds(value: Any, option: str, example: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise UsageError(f"{option} is a duration.", fix=f"{option} {example}")
    found = durations.seconds_of(value, option, example)
    if not 1 <= found <= MOST_SECONDS:
        raise UsageError(f"{option} is from one second to ten years.", fix=f"{option} {example}")
    return found


def _metadata(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValidationError("metadata is a JSON object.", fix='--metadata \'{"area": "api"}\'')
    found: dict[str, Any] = as_json(dict(value), "metadata")
    check_extracted(found)
    return found


def check_extracted(metadata: Mapping[str, Any]) -> None:
    """What is read out of a text is kept as lists of words.

    :raises ValidationError: it is something else.
    """
    for name in EXTRACTED:
        words = metadata.get(name, [])
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValidationError(f"metadata.{name} is a list of texts.", field="metadata")


def as_json(value: Any, field: str) -> Any:
    """A JSON value as it will be read back.

    :raises ValidationError: it is none, or nested too deep.
    :raises ConduitError: 98, it is too long.
    """
    if inputs.too_deep(value):
        raise ValidationError(f"{field} is nested too deep.", field=field)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise ValidationError(f"{field} is no JSON value.", field=field) from None
    inputs.plain_text(text, field)
    if len(text.encode()) > JSON_BYTES:
        raise over_limit(f"{field} has at most {JSON_BYTES} bytes.", field=field)
    if "\\u0000" in text:
        raise ValidationError(f"{field} contains a NUL character.", field=field)
    return json.loads(text)


def _own_id(value: Any) -> str:
    if not isinstance(value, str) or not is_uuid(value):
        raise ValidationError(
            f"The id {echoed(value)} is no UUID in lower case.", fix="the same command without --id"
        )
    return value
