"""Taking out of texts what looks like a secret, before they are kept or shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORDS = r"key|token|secret|passw|passphrase|credential|bearer|salt|auth"
#: Characters around a run in which one of the words makes it a secret.
_NEAR = 40


def redact(text: str) -> str:
    """A text without what looks like a key, a token or a passphrase.

    The second line of defence: what may be secret is not to be logged in the first place.
    """
    import re

    text = re.sub(r"(?i)\b(bearer)\s+[^\s\"',;]+", r"\1 ***", text)
    text = re.sub(r"\bsk[_-][A-Za-z0-9_-]{4,}", "sk_***", text)

    def mask(found: re.Match[str]) -> str:
        around = text[max(0, found.start() - _NEAR) : found.end() + _NEAR]
        return "***" if _looks_random(found[0]) and re.search(_WORDS, around, re.I) else found[0]

    return re.sub(r"[A-Za-z0-9+/_-]{16,}={0,2}", mask, text)


def redacted(value: Any) -> Any:
    """A JSON-ready value with every text in it redacted, at any depth."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {name: redacted(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted(inner) for inner in value]
    return value


def _looks_random(run: str) -> bool:
    """Whether a run may be hex or base64 and is no word, path or code name."""
    letters = run.rstrip("=")
    if all(letter in "0123456789abcdefABCDEF" for letter in letters):
        return True
    has_digit = any(letter.isdigit() for letter in letters)
    is_mixed = letters != letters.lower() and letters != letters.upper()
    # Base64 may have a slash; most of what has one is a path.
    return (has_digit and is_mixed) if "/" in letters else (has_digit or is_mixed)
