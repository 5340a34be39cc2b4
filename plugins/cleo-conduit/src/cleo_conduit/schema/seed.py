"""The rows of a fresh file."""

from __future__ import annotations

HEAD = "conduit_0003"

seed: tuple[str, ...] = (
    f"""\
INSERT INTO conduit_meta (key, value) VALUES
    ('schema_version', '{HEAD}'),
    ('lease_fence', '0')""",
)
