"""The ids of entries: how each kind's are made, read and compared."""

from __future__ import annotations

import os
import re
from typing import Any

from cleo_brain.enums import KIND
from cleo_core import clock
from cleo_core.errors import UsageError, echoed

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_NUMBERED = r"(D|P|L|SN-)0*([0-9]+)\Z"
LONGEST = 200


def numbered(kind: str, number: int) -> str:
    """The id of a decision or a sticky note: a prefix and three digits or more."""
    return f"{'D' if kind == 'decision' else 'SN-'}{number:03d}"


def number_of(id_: str) -> int:
    """The number of a decision's or a sticky note's id; 0 where it has none."""
    found = re.match(_NUMBERED, id_)
    return int(found[2]) if found is not None else 0


def drawn(kind: str) -> str:
    """A random id of a pattern, a learning or an observation; it may be taken."""
    if kind == "observation":
        # Module secrets would load OpenSSL, which takes a tenth of a command's time.
        tail = _base36(int.from_bytes(os.urandom(8), "big") % 36**4).zfill(4)
        return f"O-{_base36(int(clock.seconds() * 1000))}-{tail}"
    return f"{kind[0].upper()}-{os.urandom(4).hex()}"


def parse_id(value: Any) -> str:
    """An id as it is stored: ``d1`` is ``D001``, and a leading ``decision:`` is dropped.

    Ids that other programs gave (``CM-…``, ``AGT-…``) are kept in their case behind the prefix.

    :raises UsageError: it can be no entry's id.
    """
    if not isinstance(value, str) or len(value) > LONGEST or not value.isprintable():
        raise UsageError(f"{echoed(value)} is not the id of an entry.", fix="cleo memory find")
    text = value.strip()
    kind, colon, rest = text.partition(":")
    if colon and kind.casefold() in KIND:
        text = rest.strip()
    found = re.match(_NUMBERED, text.upper())
    if found is not None:
        return f"{found[1]}{found[2].zfill(3)}"
    head, dash, tail = text.partition("-")
    prefix = head.upper() + dash
    if prefix in ("P-", "L-", "O-"):
        return prefix + tail.casefold()
    if prefix in ("CM-", "AGT-") and tail:
        return prefix + tail
    raise UsageError(f"{echoed(value)} is not the id of an entry.", fix="cleo memory find")


def task_id(text: str) -> str:
    """A task id as its store writes it: ``t7`` and ``task:T7`` are ``T007``."""
    found = re.fullmatch(r"(?:task:)?[Tt]0*([0-9]{1,18})", text.strip())
    return text.strip() if found is None else f"T{int(found[1]):03d}"


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _BASE36[rest] + digits
    return digits or "0"
