"""Many processes that write to one file at once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from cleo_core.testing.conformance.scene import Scene
from cleo_core.testing.conformance.subject import Author
from cleo_core.testing.runner import job, processes


def contention(scene: Scene, author: Author) -> Iterator[str]:
    """Whatever many processes were told is stored is there, and none fails with a raw busy."""
    sample = scene.writer
    if sample is None:
        return
    scene.reset(sample)
    start = scene.all_rows()
    scene.call(sample)
    each = {table: count - start[table] for table, count in scene.all_rows().items()}
    scene.reset(sample)
    jobs = [
        job(
            [word.replace("{n}", f"{number}-{{n}}") for word in sample.argv],
            scene.work,
            repeat=author.writes,
            limit=300,
        )
        for number in range(author.processes)
    ]
    acknowledged = 0
    for one in processes(jobs, os.environ):
        for line in one.out.splitlines():
            envelope = json.loads(line)
            if envelope["success"]:
                acknowledged += 1
            elif envelope["error"]["code"] != "E_WRITE_CONTENTION":
                yield f"a writer among many fails with {envelope['error']}"
    if not acknowledged:
        yield "no writer among many succeeds"
    for table, count in scene.all_rows().items():
        expected = start[table] + acknowledged * each[table]
        if count != expected:
            yield f"{acknowledged} writes were acknowledged; {table} has {count}, not {expected}"
