"""Importing 100 000 issues against writing the same rows into the bare tables."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measure import CLEO, PYTHON, clean_env, run, table
from benchmarks.population import beads_file

SIZES = (10_000, 100_000)

#: The floor: the same rows into the same tables (indexes, checks and triggers included) with
#: executemany, without any rule of the store.
_FLOOR = """\
import json, sys
from cleo_core import open_app
def rows(path):
    for number, line in enumerate(open(path), 1):
        issue = json.loads(line)
        yield number, issue
with open_app() as app:
    def fill(unit):
        unit.executemany(
            "INSERT INTO tasks (seq, id, title, description, created_at, updated_at) "
            "VALUES (:seq, :id, :title, :text, :at, :at)",
            ({"seq": n, "id": f"T{n:03d}", "title": i["title"], "text": i["description"],
              "at": i["created_at"]} for n, i in rows(sys.argv[1])))
        unit.executemany("INSERT INTO task_labels VALUES (:label, :id)",
            ({"id": f"T{n:03d}", "label": label} for n, i in rows(sys.argv[1])
             for label in i["labels"]))
        unit.executemany(
            "INSERT INTO task_dependencies (task_id, depends_on, created_at) "
            "VALUES (:id, :target, :at)",
            ({"id": f"T{n:03d}", "target": "T%03d" % int(d["depends_on_id"][2:]),
              "at": i["created_at"]}
             for n, i in rows(sys.argv[1]) for d in i["dependencies"] if d["type"] == "blocks"))
        unit.executemany(
            "INSERT INTO external_task_links (task_id, provider_id, external_id, link_type, "
            "linked_at) VALUES (:id, 'beads', :external, 'created', :at)",
            ({"id": f"T{n:03d}", "external": i["id"], "at": i["created_at"]}
             for n, i in rows(sys.argv[1])))
        unit.executemany(
            "INSERT INTO audit_log (timestamp, action, entity_kind, entity_id, task_id, actor, "
            "request_id, source, after_json) VALUES "
            "(:at, 'task.import', 'task', :id, :id, 'bench', 'r', 'import', :after)",
            ({"id": f"T{n:03d}", "at": i["created_at"], "after": json.dumps(i)}
             for n, i in rows(sys.argv[1])))
    app.write("tasks", fill)
"""


def main() -> None:
    """Print time and peak memory of imports as ratios."""
    with tempfile.TemporaryDirectory(prefix="cleo-bench-") as name:
        folder = Path(name)
        env = clean_env(folder / "home")
        rows = []
        peaks = {}
        for size in SIZES:
            source = folder / f"{size}.jsonl"
            beads_file(source, size)
            ours, bare = folder / f"ours{size}", folder / f"bare{size}"
            for project in (ours, bare):
                project.mkdir()
                run([CLEO, "init"], env, project)
            floor = run([PYTHON, "-c", _FLOOR, str(source)], env, bare)
            cost = run([CLEO, "import", "beads", str(source)], env, ours)
            again = run([CLEO, "import", "beads", str(source)], env, ours)
            peaks[size] = cost.memory
            rows.append(
                (
                    f"{size:,}",
                    cost.wall / 1000,
                    cost.wall / floor.wall,
                    again.wall / 1000,
                    cost.memory,
                )
            )
        table(
            "Import of issues against executemany of the same rows (limit 8)",
            ("issues", "seconds", "÷ executemany", "second run, seconds", "peak MiB"),
            rows,
        )
        table(
            "Peak memory, 100,000 against 10,000 issues (limit 1.5)",
            ("ratio",),
            [(peaks[SIZES[1]] / peaks[SIZES[0]],)],
        )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
