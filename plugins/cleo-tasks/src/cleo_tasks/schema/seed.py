"""The rows of a fresh file."""

from __future__ import annotations

from cleo_core.columns import quoted
from cleo_tasks.enums import STATUS_REGISTRY

HEAD = "tasks_0001"

_REGISTRY_ROWS = ",\n".join(
    f"    ({quoted(words)}, {int(is_terminal)})" for *words, is_terminal in STATUS_REGISTRY
)

seed: tuple[str, ...] = (
    f"""\
INSERT INTO status_registry (name, entity_type, namespace, description, is_terminal) VALUES
{_REGISTRY_ROWS}""",
    f"""\
INSERT INTO schema_meta (key, value) VALUES
    ('schema_version', '{HEAD}'),
    ('project_id', :project_id),
    ('project_name', :project_name),
    ('created_at', :now),
    ('task_sequence', '0')""",
)
