"""How many tokens a request has cost: by the best source that says so, else by its characters."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from cleo_core.errors import UsageError, ValidationError
from cleo_tasks.enums import TOKEN_CONFIDENCE
from cleo_tasks.token_records import Measured

#: What a number from each source is worth.
WORTH = {
    "otel": "real",
    "provider_api": "real",
    "tokenizer": "high",
    "heuristic": "estimated",
}
#: Characters of a token, in running text and in JSON, whose punctuation makes tokens shorter.
CHARS, JSON_CHARS = 4.0, 3.5
#: A number beyond this is a mistake, and sums of smaller ones stay within SQLite's integers.
MOST_TOKENS = 10**12
#: Bytes of a text that are counted at most.
MOST_BYTES = 16 * 1024 * 1024

_HASH_DIGITS = 16
_RECORD = "cleo token record --input-tokens 1200 --output-tokens 340 --method provider_api"


class Counted(NamedTuple):
    """What the characters of a text say."""

    chars: int
    tokens: int
    confidence: str
    digest: str


class _Source(NamedTuple):
    tokens: int
    method: str
    confidence: str


def count(content: str | bytes) -> Counted:
    """Characters, tokens and hash of a text; of bytes that are no text, an even coarser guess.

    :raises ValidationError: it is neither text nor bytes, holds half a surrogate pair, or is
        longer than 16 MiB.
    """
    import hashlib

    if isinstance(content, str):
        try:
            data = content.encode("utf-8")
        except UnicodeEncodeError:
            raise ValidationError(
                "The text contains half a surrogate pair.", fix="cleo token estimate --help"
            ) from None
    elif isinstance(content, bytes):
        data = content
    else:
        raise ValidationError(
            f"What is counted must be text, not {type(content).__name__}.",
            fix="cleo token estimate --help",
        )
    if len(data) > MOST_BYTES:
        raise ValidationError(
            f"More than {MOST_BYTES} bytes were given to be counted.",
            fix="the same command with --input-tokens and --output-tokens",
        )
    digest = hashlib.sha256(data).hexdigest()[:_HASH_DIGITS]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Counted(len(data), math.ceil(len(data) / CHARS), "coarse", digest)
    per_token = JSON_CHARS if _is_json(text) else CHARS
    return Counted(len(text), math.ceil(len(text) / per_token), "estimated", digest)


def measure(
    *,
    input_tokens: int | None = None,
    output_tokens: int | None = None,
    method: str | None = None,
    input_content: Counted | None = None,
    output_content: Counted | None = None,
) -> Measured:
    """The tokens of a request, each side by its best source; the whole is worth its weaker side.

    :param method: where the given numbers come from; without it they are worth the least.
    :raises UsageError: nothing was given to count, or a method without a number.
    """
    if method is not None and input_tokens is None and output_tokens is None:
        raise UsageError(
            f"The method {method} says where numbers come from, and none is given.", fix=_RECORD
        )
    sides = (
        _best(input_tokens, method, input_content),
        _best(output_tokens, method, output_content),
    )
    there = [side for side in sides if side is not None]
    if not there:
        raise UsageError("There is nothing to count.", fix=_RECORD)
    weakest = max(there, key=lambda side: rank(side.confidence))
    tokens = [0 if side is None else side.tokens for side in sides]
    return Measured(
        input_chars=input_content.chars if input_content else 0,
        output_chars=output_content.chars if output_content else 0,
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        total_tokens=sum(tokens),
        method=weakest.method,
        confidence=weakest.confidence,
        request_hash=input_content.digest if input_content else None,
        response_hash=output_content.digest if output_content else None,
    )


def number(name: str) -> Callable[[Any], int]:
    """A check that a value can be a number of tokens."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_TOKENS:
            raise ValidationError(
                f"{name} is a whole number from 0 to {MOST_TOKENS}.", fix=f"--{name} 1200"
            )
        return value

    return check


def rank(confidence: str) -> int:
    """The place of a confidence, the best first."""
    return TOKEN_CONFIDENCE.index(confidence)


def _best(tokens: int | None, method: str | None, content: Counted | None) -> _Source | None:
    """The better of a number that somebody gave and one that the characters give."""
    given = None
    if tokens is not None:
        given = _Source(tokens, method or "heuristic", WORTH[method] if method else "coarse")
    counted = content and _Source(content.tokens, "heuristic", content.confidence)
    found = [source for source in (given, counted) if source is not None]
    return min(found, key=lambda source: rank(source.confidence)) if found else None


def _is_json(text: str) -> bool:
    """Whether a text is a JSON object or list, or lines of them."""
    import json

    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            return len(lines) > 1 and all(
                isinstance(json.loads(line), (dict, list)) for line in lines
            )
        except (ValueError, RecursionError):
            return False
    return True
