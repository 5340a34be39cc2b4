"""The plugin alone with core, both installed from wheels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from cleo_core.testing.conformance.scene import Scene
from cleo_core.testing.wheels import (
    build_wheel,
    make_environment,
    missing_backend,
    source_of,
    source_of_core,
)


def cannot_build(beside: Path) -> str | None:
    """Why no wheel can be built of the project around a path; None where one can."""
    source = source_of(beside)
    if source is None:
        return f"there is no pyproject.toml above {beside}"
    for one in (source, source_of_core()):
        backend = missing_backend(one) if one is not None else None
        if backend is not None:
            return f"{backend}, which builds {one}, is not installed"
    return None


def from_wheels(scene: Scene, beside: Path, folder: Path) -> Iterator[str]:
    """Built, installed and used with core and no other plugin."""
    source = source_of(beside)
    assert source is not None
    wheels = [build_wheel(source, folder / "wheels")]
    core = source_of_core()
    if core is not None:
        # Beside the scene, where the same wheel serves all plugins of a run of tests.
        place = scene.root.parent / "wheel-of-core"
        wheels += sorted(place.glob("*.whl")) or [build_wheel(core, place)]
    made = make_environment(folder, wheels)
    place = folder / "project"
    place.mkdir()
    env = {"CLEO_PLUGINS": scene.subject.plugin.name}
    calls = [["plugins"], ["init", "demo"]]
    if scene.writer is not None:
        calls.append(scene.words(scene.writer.argv))
    for call in calls:
        done = made.run("cleo", *call, cwd=place, env=env)
        if done.returncode != 0:
            yield f"from wheels `cleo {' '.join(call)}` fails: {done.stdout}{done.stderr}"
        elif call == ["plugins"]:
            found = [(row["name"], row["state"]) for row in json.loads(done.stdout)["data"]]
            if found != [(scene.subject.plugin.name, "loaded")]:
                yield f"from wheels the plugins are {found}: {done.stderr}"
    words = f"import {scene.subject.package} as it; print(it.__file__)"
    where = made.run("python", "-c", words, cwd=place)
    if not where.stdout.startswith(str(made.directory)):
        yield f"{scene.subject.package} does not come from the wheel: {where.stdout}{where.stderr}"
