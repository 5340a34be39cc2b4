"""What an import says of edges is what stands in the store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from cleo_core.testing import Outcome


def test_a_parent_hinted_at_by_an_id_makes_no_relation(
    cleo_cli: Callable[..., Outcome], cleo_project: Path
) -> None:
    rows = [
        {"id": "x-1", "title": "above"},
        {"id": "x-1.1", "title": "below"},
        {
            "id": "x-2",
            "title": "beside",
            "dependencies": [
                {"issue_id": "x-2", "depends_on_id": "x-1.1", "type": "discovered-from"},
            ],
        },
    ]
    source = cleo_project / "issues.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    edges = cleo_cli("import", "beads", str(source)).data["edges"]
    assert (edges["parents"], edges["relations"], edges["dependencies"]) == (1, 1, 0)
    # Roots are numbered before what hangs below them.
    assert cleo_cli("show", "T003").data["parentId"] == "T001"
    lines = cleo_cli("export", "--output", "-").out.splitlines()
    assert json.loads(lines[-1])["relations"] == 1
