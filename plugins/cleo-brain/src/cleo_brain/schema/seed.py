"""The rows of a fresh file."""

from __future__ import annotations

HEAD = "brain_0001"

seed: tuple[str, ...] = (
    f"""\
INSERT INTO brain_schema_meta (key, value) VALUES
    ('schema_version', '{HEAD}'),
    ('decision_sequence', '0'),
    ('sticky_sequence', '0'),
    ('embedder', ''),
    ('vector_generation', '0')""",
)
