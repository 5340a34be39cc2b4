"""The list of a project's agents in a large registry, and what a cold list costs."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cleo_core
from benchmarks.measure import CLEO, alternate, clean_env, run, table
from cleo_core.app import create_app
from cleo_core.ids import ordered_id
from cleo_core.initialize import initialize

if TYPE_CHECKING:
    from cleo_core.app import App

AGENTS = 10_000
ATTACHED = 50
ROUNDS = 101
PROCESSES = 15
MILLISECONDS = 5.0
RATIO = 4.0
CPU = 1.5


def main() -> None:
    """Print the milliseconds of a list beside its two bare selects, and the CPU of a cold list."""
    with tempfile.TemporaryDirectory(prefix="cleo-bench-") as name:
        folder = Path(name)
        env = clean_env(folder / "home")
        root = folder / "project"
        root.mkdir()
        initialize(str(root), plugins=create_app(env=env).plugins, env=env)
        with cleo_core.open_app(str(root), env=env) as app:
            ids = _fill(app)
            whole, bare = _list(app, ids)
        costs = alternate(
            {
                "list": lambda: run([CLEO, "agent", "list", "--json"], env, root),
                "version": lambda: run([CLEO, "version"], env, root),
            },
            PROCESSES,
        )
    table(
        f"{ATTACHED} attached among {AGENTS:,} agents",
        ("what", "measured", "limit"),
        [
            ("list, both files open, milliseconds (median)", whole, MILLISECONDS),
            ("÷ the two bare selects", whole / bare, RATIO),
            (
                "CPU of `cleo agent list --json` ÷ `cleo version`",
                costs["list"].cpu / costs["version"].cpu,
                CPU,
            ),
        ],
    )


def _fill(app: App) -> list[str]:
    """Write the agents straight into the table, and attach some; the ids of these."""
    from cleo_signaldock.store import agents, vocabulary

    ids = [f"agent-{number:05d}" for number in range(AGENTS)]

    def body(unit: Any) -> None:
        for number, id_ in enumerate(ids):
            values = {
                "id": ordered_id(),
                "agent_id": id_,
                "name": f"Agent {number}",
                "description": "Reviews what others wrote.",
                "class": "code_dev",
                "classification": None,
                "privacy_tier": "discoverable",
                "transport_type": "local",
                "transport_config": "{}",
                "api_base_url": None,
                "reports_to": None,
                "orch_level": 2,
                "can_spawn": 0,
                "installed_from": "user",
                "now": unit.now,
            }
            agents.insert(unit, values)
            vocabulary.replace(unit, "capability", id_, ["chat", "git"], unit.now)
            vocabulary.replace(unit, "skill", id_, ["go", "sql"], unit.now)

    app.write("signaldock", body)
    attached = ids[:: AGENTS // ATTACHED]
    conduit = app.service("conduit")
    for id_ in attached:
        conduit.attach(id_)
    return attached


def _list(app: App, ids: list[str]) -> tuple[float, float]:
    """Milliseconds of the list, and of the selects that read the same rows of both files."""
    service = app.service("agents")
    registry, messages = app.store("signaldock"), app.store("conduit")
    names = ", ".join(f":id{number}" for number in range(len(ids)))
    params = {f"id{number}": id_ for number, id_ in enumerate(ids)}

    def bare() -> None:
        messages.read("SELECT * FROM project_agent_refs WHERE enabled = 1 ORDER BY agent_id")
        registry.read(f"SELECT * FROM agents WHERE agent_id IN ({names})", **params)

    if len(service.list(limit=ATTACHED)[0]) != ATTACHED:
        raise RuntimeError("the list does not show what is attached")
    times = [(_time(lambda: service.list(limit=ATTACHED)), _time(bare)) for _ in range(ROUNDS)]
    whole, selects = (statistics.median(column) for column in zip(*times, strict=True))
    return whole, selects


def _time(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
