"""The fixtures; their docstrings are what ``pytest --fixtures`` shows."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from cleo_core import clock
from cleo_core.app import App, open_app
from cleo_core.testing.kept import Kept
from cleo_core.testing.outcome import Outcome, run_here
from cleo_core.testing.processes import Processes

T = TypeVar("T")

#: The command line as a process of this interpreter, whatever is on PATH.
CLEO = (sys.executable, "-m", "cleo_core")


#: Folders whose files do not count as changed.
_PASSED_OVER = frozenset({"locks", "__pycache__"})
#: What ``cleo init`` made in this run of tests, by all that it may depend on.
_MADE = pytest.StashKey[dict[object, tuple[Kept, Kept]]]()
#: What tests have filled a project with, by the same.
_FILLED = pytest.StashKey[dict[object, tuple[Kept, Kept, Any]]]()


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_774_449_015.0

    def set(self, text: str) -> None:
        """Set it to an ISO-8601 time."""
        self.now = clock.parse_time(text)

    def advance(self, seconds: float) -> None:
        """Move it on (or back)."""
        self.now += seconds


class Frozen:
    """Hashes of all files below a directory; mode and size included."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.before = self.hashes()

    def hashes(self) -> dict[str, tuple[int, int, str]]:
        """Relative path -> (mode, size, SHA-256)."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and not path.is_symlink() and path.parent.name not in _PASSED_OVER:
                content = path.read_bytes()
                found[str(path.relative_to(self.root))] = (
                    path.stat().st_mode,
                    len(content),
                    hashlib.sha256(content).hexdigest(),
                )
        return found

    def check(self) -> None:
        """Fail the test when a file appeared, vanished or changed."""
        after = self.hashes()
        changed = sorted(
            name for name in {*self.before, *after} if self.before.get(name) != after.get(name)
        )
        assert not changed, f"files changed below {self.root}: {changed}"


@pytest.fixture
def cleo_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private home: HOME, XDG directories and CLEO_HOME below ``tmp_path``, nothing else of CLEO.

    The working directory is ``tmp_path / "work"``. ``CLEO_TEST_ROOT`` tells plugins that nobody's
    projects are here, so that none is registered by itself. Returns ``tmp_path``.
    """
    for name in list(os.environ):
        if name.startswith("CLEO_") and name not in ("CLEO_SQLITE", "CLEO_TEST_POSTGRES_URL"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    work = tmp_path / "work"
    home.mkdir()
    work.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("CLEO_TEST_ROOT", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.chdir(work)
    return tmp_path


@pytest.fixture
def cleo_cli(cleo_home: Path) -> Callable[..., Outcome]:
    """Run ``cleo``: ``cleo_cli("add", "a title", agent="a1")`` gives an :class:`Outcome`.

    In this process by default; ``process=True`` starts a real one. ``input`` is stdin, ``env`` adds
    variables, ``cwd`` changes directory.
    """

    def run(
        *argv: str,
        agent: str | None = None,
        input: str | bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        process: bool = False,
    ) -> Outcome:
        words = [str(word) for word in argv]
        variables = dict(env or {})
        if agent is not None:
            variables["CLEO_AGENT_ID"] = agent
        data = input.encode() if isinstance(input, str) else input
        if process:
            done = subprocess.run(
                [*CLEO, *words],
                input=data or b"",
                capture_output=True,
                env={**os.environ, **variables},
                cwd=cwd,
                timeout=120,
                check=False,
            )
            return Outcome(
                words,
                done.returncode,
                done.stdout.decode("utf-8", "replace"),
                done.stderr.decode("utf-8", "replace"),
            )
        return run_here(words, variables, data, cwd)

    return run


@pytest.fixture
def cleo_project(
    cleo_cli: Callable[..., Outcome],
    cleo_home: Path,
    request: pytest.FixtureRequest,
) -> Path:
    """An initialised project, which is also the working directory.

    ``cleo init`` makes it once in a run of tests, and the others are copies of what it made. It is
    run again where the directory or the home hold something, where another environment or import
    path is set, and where what it makes depends on where it lies.
    """
    home, work = cleo_home / "home", cleo_home / "work"
    empty = not any(work.iterdir()) and not any(home.iterdir())
    variables = {name: os.environ[name] for name in sorted(os.environ) if name.startswith("CLEO_")}
    del variables["CLEO_TEST_ROOT"]
    key = (tuple(variables.items()), tuple(sys.path))
    made = request.config.stash.setdefault(_MADE, {})
    if empty and key in made:
        for kept, target in zip(made[key], (home, work), strict=True):
            kept.write(target)
        return work
    outcome = cleo_cli("init", "demo")
    assert outcome.code == 0, repr(outcome)
    if empty:
        kept_home, kept_work = Kept(home), Kept(work)
        if not any(one.mentions(str(cleo_home)) for one in (kept_home, kept_work)):
            made[key] = kept_home, kept_work
    return work


@pytest.fixture
def cleo_once(
    cleo_project: Path, cleo_home: Path, request: pytest.FixtureRequest
) -> Callable[[str, Callable[[], T]], T]:
    """Fill a project once: ``cleo_once("five tasks", fill)`` gives what ``fill`` returns.

    The first test with these words and this project calls ``fill``, which has to close what it
    opens; for the others home and project become what they were after it. It is called again where
    another environment or import path is set, where the clock is, and where what it leaves depends
    on where it lies.
    """
    before = Kept(cleo_home / "home"), Kept(cleo_project)
    variables = [(name, os.environ[name]) for name in sorted(os.environ) if "CLEO_" in name]
    where = tuple(one for one in variables if one[0] != "CLEO_TEST_ROOT")
    filled = request.config.stash.setdefault(_FILLED, {})

    def once(words: str, fill: Callable[[], T]) -> T:
        key = (words, request.node.path, where, tuple(sys.path), *before)
        if key in filled and not clock.is_set():
            home, project, value = filled[key]
            home.write(cleo_home / "home")
            project.write(cleo_project)
            return value  # type: ignore[no-any-return] # of the same fill
        value = fill()
        home, project = Kept(cleo_home / "home"), Kept(cleo_project)
        if not clock.is_set() and not any(one.mentions(str(cleo_home)) for one in (home, project)):
            filled[key] = home, project, value
        return value

    return once


@pytest.fixture
def cleo_open(cleo_project: Path) -> Iterator[Callable[..., App]]:
    """Open Apps: ``cleo_open(agent="a1", session=None, project=None)``; all closed at the end."""
    opened: list[App] = []

    def make(
        agent: str | None = None,
        session: str | None = None,
        project: str | os.PathLike[str] | None = None,
    ) -> App:
        app = open_app(
            os.fspath(project if project is not None else cleo_project),
            agent=agent,
            session=session,
        )
        opened.append(app)
        return app

    yield make
    for app in opened:
        app.close()


@pytest.fixture
def cleo_app(cleo_open: Callable[..., App]) -> App:
    """An App on ``cleo_project``, with nobody acting."""
    return cleo_open()


@pytest.fixture
def cleo_clock() -> Iterator[Clock]:
    """Stop the clock in this process: ``cleo_clock.advance(60)``."""
    made = Clock()
    clock.set_clock(lambda: made.now)
    yield made
    clock.set_clock(None)


@pytest.fixture
def cleo_processes(cleo_project: Path) -> Iterator[Processes]:
    """Start many real processes in ``cleo_project``; see :class:`Processes`."""
    made = Processes(os.environ, cleo_project)
    yield made
    made.end()


@pytest.fixture
def frozen_bytes() -> Callable[[str | os.PathLike[str]], contextlib.AbstractContextManager[Frozen]]:
    """``with frozen_bytes(path): ...`` fails when any file below ``path`` changed by one byte.

    Lock files do not count, because their content only says who held the lock last, nor does the
    bytecode that Python keeps of a plugin.
    """

    @contextlib.contextmanager
    def watch(root: str | os.PathLike[str]) -> Iterator[Frozen]:
        frozen = Frozen(Path(root))
        yield frozen
        frozen.check()

    return watch
