"""How far each transfer of tasks between projects has come."""

from __future__ import annotations

from cleo_core.columns import at, index, json_object, one_of, required, text
from cleo_nexus.enums import TRANSFER_MODE, TRANSFER_STATE
from cleo_nexus.schema.tables import local_id, project_id, table

transfer_journal = table(
    "transfer_journal",
    local_id("xfr-"),
    project_id("source_project_id"),
    project_id("target_project_id"),
    one_of("mode", TRANSFER_MODE),
    json_object("options"),
    json_object("package"),
    required("package_sha256"),
    json_object("id_map", nullable=True),
    one_of("state", TRANSFER_STATE, "planned"),
    json_object("steps"),
    text("error"),
    required("created_by"),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    index("state"),
)
