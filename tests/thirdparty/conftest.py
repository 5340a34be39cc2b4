"""CLEO as strangers have it: core and plugins built as wheels, installed in fresh environments."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from cleo_core.testing.runner import Runner, job
from cleo_core.testing.wheels import Environment, build_wheel, make_environment

ROOT = Path(__file__).resolve().parents[2]

#: The third party's store; nothing in core or in another plugin has heard of it.
NAME = "orchard"


class Called:
    """One finished run of an environment's ``cleo``."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def data(self) -> Any:
        """The data of a success."""
        assert self.code == 0, repr(self)
        return json.loads(self.out)["data"]

    @property
    def error(self) -> dict[str, Any]:
        """The error of a failure."""
        error: dict[str, Any] = json.loads(self.out)["error"]
        assert error["exit"] == self.code, repr(self)
        return error

    @property
    def warnings(self) -> list[str]:
        """The codes of the warnings."""
        return [one["code"] for one in json.loads(self.out)["meta"].get("warnings", ())]

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out[-3000:]}\n{self.err[-3000:]}"


class House:
    """An environment and a project in it."""

    def __init__(self, environment: Environment, root: Path) -> None:
        self.environment = environment
        self.root = root
        self._runner: Runner | None = None
        self.project = root / "project"
        self.project.mkdir()
        (root / "home").mkdir()
        self.env = {
            "HOME": str(root / "home"),
            "CLEO_TEST_ROOT": str(root),
            "XDG_DATA_HOME": "",
            "XDG_CONFIG_HOME": "",
        }

    def cleo(self, *argv: str, env: Mapping[str, str] | None = None) -> Called:
        """Run ``cleo`` in the project."""
        done = self.environment.run(
            "cleo", *argv, cwd=self.project, env={**self.env, **(env or {})}
        )
        return Called(done.returncode, done.stdout, done.stderr)

    def fork(self, *argv: str, env: Mapping[str, str] | None = None) -> Called:
        """The same in a fork of a process that has imported core's command line and no plugin."""
        if self._runner is None:
            inherited = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
            warm = self.environment.site / "cleo_core" / "testing" / "warm.py"
            self._runner = Runner(
                {**inherited, **self.env}, program=[str(self.environment.python), "-P", str(warm)]
            )
        run = self._runner.run(job(argv, self.project, env))
        return Called(run.code, run.out, run.err)

    def close(self) -> None:
        """End that process."""
        if self._runner is not None:
            self._runner.close()

    @property
    def plugin(self) -> Path:
        """The installed ``plugin.py`` of the third party."""
        return self.environment.site / f"cleo_{NAME}" / "plugin.py"

    @property
    def metadata(self) -> Path:
        """The installed metadata of the third party."""
        (info,) = self.environment.site.glob(f"cleo_{NAME}-*.dist-info")
        return info / "METADATA"


@contextlib.contextmanager
def altered(path: Path, *changes: tuple[str, str]) -> Iterator[None]:
    """A file with other texts for a while; a text that is not there is a mistake of the test."""
    before = path.read_text("utf-8")
    text = before
    for old, new in changes:
        assert old in text, f"{path} does not hold {old!r}"
        text = text.replace(old, new)
    _rewrite(path, text)
    try:
        yield
    finally:
        _rewrite(path, before)


def _rewrite(path: Path, text: str) -> None:
    """Write a module anew with a time of a later second.

    Python takes compiled code for current when size and second of its source are the same.
    """
    later = int(path.stat().st_mtime) + 2
    path.write_text(text, "utf-8")
    os.utime(path, (later, later))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with wheels of core and cleo-tasks, and the third party's source and wheel.

    Made once, also where several workers run the tests.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "third-party"
    with FileLock(shared / "third-party.lock"):
        if not (folder / "done").exists():
            wheels = [
                build_wheel(source, folder / "wheels")
                for source in (ROOT, ROOT / "plugins" / "cleo-tasks")
            ]
            # The scaffold comes out of the wheel, not out of the source tree.
            first = make_environment(folder / "first", wheels[:1])
            done = first.run("cleo", "plugins", "new", NAME, "--dir", str(folder / "source"))
            assert done.returncode == 0, done.stdout + done.stderr
            build_wheel(folder / "source" / f"cleo-{NAME}", folder / "wheels")
            (folder / "done").touch()
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Callable[[str], Path]:
    """The wheel of a distribution."""

    def find(distribution: str) -> Path:
        (found,) = (built / "wheels").glob(f"{distribution.replace('-', '_')}-*.whl")
        return found

    return find


@pytest.fixture(scope="session")
def make_house(
    wheel: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., House]:
    """Make an environment with core and these plugins, and an empty project directory.

    With ``pip`` their wheels are put in by it, as strangers do that.
    """

    def make(*plugins: str, pip: bool = False) -> House:
        root = tmp_path_factory.mktemp("house")
        wheels = [wheel("cleo-core"), *map(wheel, plugins)]
        if not pip:
            return House(make_environment(root / "environment", wheels), root)
        made = make_environment(root / "environment")
        made.install(wheels)
        return House(made, root)

    return make


@pytest.fixture(scope="module")
def house(make_house: Callable[..., House]) -> Iterator[House]:
    """Core, tasks and the third party's store, with a task and an item in a project."""
    made = make_house("cleo-tasks", f"cleo-{NAME}", pip=True)
    assert made.cleo("init", "demo").code == 0
    assert made.cleo("add", "a task").data["task"]["id"] == "T001"
    assert made.cleo(NAME, "add", "an apple").data["id"] == f"{NAME}-1"
    yield made
    made.close()
