"""The rows of a fresh file."""

from __future__ import annotations

from collections.abc import Mapping

from cleo_core.columns import quoted
from cleo_signaldock.vocabulary import CAPABILITIES, SKILLS, display_name

HEAD = "signaldock_0001"


def _rows(prefix: str, known: Mapping[str, tuple[str, ...]]) -> str:
    return ",\n".join(
        f"    ({quoted((f'{prefix}_{slug}', slug, display_name(slug), category))}, :now)"
        for category, slugs in known.items()
        for slug in slugs
    )


seed: tuple[str, ...] = (
    f"""\
INSERT INTO capabilities (id, slug, name, category, created_at) VALUES
{_rows("cap", CAPABILITIES)}""",
    f"""\
INSERT INTO skills (id, slug, name, category, created_at) VALUES
{_rows("skl", SKILLS)}""",
    f"""\
INSERT INTO signaldock_meta (key, value) VALUES
    ('store', 'cleo-signaldock'),
    ('schema_version', '{HEAD}'),
    ('key_generation', '0')""",
)
