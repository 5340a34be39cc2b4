"""Private spans: taken out of every text before anything else sees it."""

from __future__ import annotations

import re
from typing import Any

#: ``<private …>`` and ``</private>``; an opening tag that is never closed is one all the same.
_TAG = r"(?i)<\s*(/?)\s*private\b[^<>]*(?:>|\Z)"


def strip_private(text: str) -> tuple[str, int]:
    """A text without its private spans, and how many outermost spans there were.

    Spans may be nested; one that is not closed reaches to the end. A closing tag without a span is
    dropped too, since what stood before it was meant to be private and may have been cut apart.
    """
    if "<" not in text or "private" not in text.casefold():
        return text, 0
    kept: list[str] = []
    depth = spans = 0
    start = 0
    for found in re.finditer(_TAG, text):
        if found[1]:
            if depth == 0:
                kept.append(text[start : found.start()])
            else:
                depth -= 1
        else:
            if depth == 0:
                kept.append(text[start : found.start()])
                spans += 1
            depth += 1
        start = found.end()
    if depth == 0:
        kept.append(text[start:])
    return "".join(kept), spans


def blank_private(text: str) -> str:
    """A text without its private spans, whose lines keep their numbers."""
    if "<" not in text or "private" not in text.casefold():
        return text
    kept: list[str] = []
    depth = 0
    start = 0
    for found in re.finditer(_TAG, text):
        between = text[start : found.start()]
        kept.append("\n" * between.count("\n") if depth else between)
        kept.append("\n" * found[0].count("\n"))
        depth = max(0, depth - 1) if found[1] else depth + 1
        start = found.end()
    rest = text[start:]
    kept.append("\n" * rest.count("\n") if depth else rest)
    return "".join(kept)


class Stripper:
    """Strips many values and counts the spans."""

    def __init__(self) -> None:
        self.spans = 0

    def __call__(self, value: Any) -> Any:
        """A value without private spans; lists and mappings are gone through, keys included."""
        if not value:
            return value
        if isinstance(value, str):
            if "<" not in value:
                return value
            text, spans = strip_private(value)
            self.spans += spans
            return text
        if isinstance(value, dict):
            return {self(key): self(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self(one) for one in value]
        return value
