"""Taking out of texts what looks like a secret, before they are kept or shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import re

_WORDS = r"key|token|secret|passw|passphrase|credential|bearer|salt|auth"
#: Characters around a run in which one of the words makes it a secret.
_NEAR = 40

#: Names whose value is a secret whatever it looks like; ``tokens: 77`` is a count.
_NAMES = (
    r"passw(?:or)?ds?|passwd|passphrase|pwd|secrets?(?:[ _-]?(?:access[ _-]?)?key)?|token"
    r"|(?:api|access|auth|private|signing|encryption|master)[ _-]?key|credentials?"
)
#: What follows a name: its closing quote, a colon or equals signs, blanks of the same line.
_IS = r"\\*[\"'`]?[^\S\r\n]*[:=]+>?[^\S\r\n]*"
_SCHEMES = r"(?:basic|bearer|digest|token|negotiate|ntlm|apikey|key|dpop|hawk|aws4-[\w-]+)"

#: Patterns whose first group stays, whose second is the secret, and whose third stays.
_SHAPES = (
    # User and password of an address; a password may hold an unescaped slash.
    r"(//)((?:[^\s/?#\"<>]*|[^\s/?#:@\[\"<>]+:(?!\d*[/?#])\S{0,200}))(@)",
    # A header may have blanks and commas in its value, and ends with the line or a quote.
    rf"(authorization{_IS}\\*[\"'`]?(?:{_SCHEMES}[^\S\r\n]+)?)([^\r\n\"'`\\]+)()",
    # A passphrase has blanks.
    rf"(passphrase{_IS})([^\s\"'`\\][^\r\n]*)()",
    rf"((?:(?:{_NAMES}){_IS}){{1,9}}\")((?:\\.|[^\"\\\r\n])*)()",
    rf"((?:(?:{_NAMES}){_IS}){{1,9}}')((?:\\.|[^'\\\r\n])*)()",
    rf"((?:(?:{_NAMES}){_IS}){{1,9}}\\+[\"'])(.*?)(\\+[\"']|$)",
    rf"((?:(?:{_NAMES}){_IS}){{1,9}})((?!\\*[\"'])\S+)()",
)


def redact(text: str) -> str:
    """A text without what looks like a key, a token, a password or a passphrase.

    The second line of defence: what may be secret is not to be logged in the first place.
    """
    # What was taken out brings words nearer to what is left. Each round leaves less, so it ends.
    while (shorter := _redacted_once(text)) != text:
        text = shorter
    return text


def _redacted_once(text: str) -> str:
    import re

    text = re.sub(r"(?i)\b(bearer)\s+[^\s\"',;]+", r"\1 ***", text)
    text = re.sub(r"\bsk[_-][A-Za-z0-9_-]{4,}", "sk_***", text)
    for shape in _SHAPES:
        text = re.sub(shape, _without_secret, text, flags=re.IGNORECASE | re.MULTILINE)

    def mask(found: re.Match[str]) -> str:
        around = text[max(0, found.start() - _NEAR) : found.end() + _NEAR]
        return "***" if _looks_random(found[0]) and re.search(_WORDS, around, re.I) else found[0]

    return re.sub(r"[A-Za-z0-9+/_-]{16,}={0,2}", mask, text)


def _without_secret(found: re.Match[str]) -> str:
    return f"{found[1]}***{found[3]}" if found[2].strip("*") else found[0]


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
