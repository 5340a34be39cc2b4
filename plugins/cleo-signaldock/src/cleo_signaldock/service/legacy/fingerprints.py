"""Whether a row is still the one that was added."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cleo_signaldock.store.legacy import MOVING


def fingerprint(row: Mapping[str, Any]) -> str:
    """What tells a row from a changed one; columns that move by use alone are passed over."""
    values = [[name, value] for name, value in sorted(row.items()) if name not in MOVING]
    text = json.dumps(values, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
