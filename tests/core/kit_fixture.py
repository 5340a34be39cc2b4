"""Stores to try the conformance kit on: the scaffolded one, changed in one way or another."""

from __future__ import annotations

import inspect
import itertools
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cleo_core.installed import BUILT_IN_COMMANDS, load_all
from cleo_core.scaffold import write_scaffold
from cleo_core.testing import StoreConformance
from cleo_core.testing.__main__ import tools
from cleo_core.testing.conformance import Scene, Subject

ROOT = Path(__file__).resolve().parents[2]

#: (file below the package, text that is there, text in its place)
Edit = tuple[str, str, str]

_numbers = itertools.count()


class TriedStore:
    """A scaffolded store that is importable here, under a name of its own.

    :ivar name: of plugin, store and command.
    :ivar source: its distribution's directory.
    :ivar package: the directory of its modules.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name = f"kit{os.getpid()}x{next(_numbers)}"
        plugins = load_all({}, [])
        made = write_scaffold(self.name, str(folder), plugins, BUILT_IN_COMMANDS)
        self.source = Path(made.path)
        self.package = self.source / "src" / made.package
        self.golden = self.source / "tests" / "golden"
        info = self.package.parent / f"{made.package}-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: cleo-{self.name}\nVersion: 0.1.0\n"
            "Requires-Dist: cleo-core>=0.1,<1\n"
        )
        (info / "entry_points.txt").write_text(
            f"[cleo.plugins]\n{self.name} = {made.package}.plugin\n"
        )
        monkeypatch.syspath_prepend(str(self.package.parent))
        monkeypatch.setenv("CLEO_PLUGINS", self.name)

    def edit(self, edits: Iterable[Edit]) -> None:
        """Change texts; each must be there, and ``NAME`` stands for the store's name."""
        for file, old, new in edits:
            path = self.package / file.replace("NAME", self.name)
            text = path.read_text("utf-8")
            old, new = old.replace("NAME", self.name), new.replace("NAME", self.name)
            assert old in text, f"{file} does not hold {old!r}"
            path.write_text(text.replace(old, new), "utf-8")

    def tool(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run ``python -m cleo_core.testing`` in the distribution's directory."""
        path = os.pathsep.join((str(self.package.parent), str(ROOT)))
        return subprocess.run(
            [sys.executable, "-m", "cleo_core.testing", *argv],
            cwd=self.source,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    def tool_here(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run the same in a fork of this process, which has imported most of what it needs."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            child = os.fork()
            if child == 0:
                code: Any = 1
                try:
                    os.dup2(out.fileno(), 1)
                    os.dup2(err.fileno(), 2)
                    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
                    os.chdir(self.source)
                    # Texts are edited to others of the same length within the same second.
                    sys.dont_write_bytecode = True
                    tools(argv, prog_name="python -m cleo_core.testing")
                except SystemExit as ended:
                    code = ended.code
                except BaseException:
                    # Whatever it raises is shown as its interpreter would show it.
                    traceback.print_exc()
                finally:
                    sys.stdout.flush()
                    sys.stderr.flush()
                    os._exit(code or 0)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(argv, code, out.read(), err.read())

    def add_revision(self, upgrade: Sequence[str]) -> None:
        """Go the way that the README describes to a second revision, with one more column."""
        second = f"{self.name}_0002"
        self.edit(
            [
                ("schema.py", 'HEAD = "NAME_0001"', 'HEAD = "NAME_0002"'),
                (
                    "schema.py",
                    '    Column("created_at", Text, _time("created_at"), nullable=False),\n'
                    "    sqlite_strict=True,\n    sqlite_autoincrement=True,",
                    '    Column("created_at", Text, _time("created_at"), nullable=False),\n'
                    '    Column("note", Text),\n'
                    "    sqlite_strict=True,\n    sqlite_autoincrement=True,",
                ),
                ("plugin.py", 'head="NAME_0001"', 'head="NAME_0001"'),
            ]
        )
        done = self.tool_here("migration", self.name, "a note")
        assert done.returncode == 0, done.stderr
        lines = "".join(f"    execute({text!r})\n" for text in upgrade)
        migration = Path(done.stdout.strip())
        migration.write_text(migration.read_text().replace('    execute("")\n', lines))
        self.edit([("plugin.py", 'head="NAME_0001"', 'head="NAME_0002"')])
        (self.golden / f"{second}.sql").write_text(
            "INSERT INTO items (id, title, created_at, note)\n"
            f"    VALUES ('{self.name}-1', 'one', '2026-01-01T00:00:00.000Z', 'two');\n"
        )
        for words in (("snapshot", self.name), ("golden", self.name)):
            done = self.tool_here(*words)
            assert done.returncode == 0, done.stderr


def run_check(
    store: TriedStore, check: str, root: Path, **said: Any
) -> tuple[str, list[tuple[str, object]]]:
    """Run one check of the kit on a store.

    :param said: attributes of the author's class.
    :returns: the problems, or empty; and what the check had printed as left out.
    """
    attributes = {
        "plugin": store.name,
        "golden": store.golden,
        "processes": 4,
        "writes": 8,
        **said,
    }
    kit: Any = type("TestStore", (StoreConformance,), attributes)()
    node = SimpleNamespace(name=f"test_{check}", user_properties=[])
    method = getattr(kit, f"test_{check}")
    given: dict[str, Any] = {"tmp_path": root, "request": SimpleNamespace(node=node)}
    wanted = inspect.signature(method).parameters
    try:
        if "subject" in wanted or "scene" in wanted:
            given["subject"] = Subject(store.name)
        if "scene" in wanted:
            given["scene"] = Scene(root, kit, given["subject"])
            given["scene"].prepare()
        method(**{name: given[name] for name in wanted})
    except pytest.skip.Exception:
        assert node.user_properties, "left out without a word"
    except (pytest.fail.Exception, AssertionError) as failure:
        return str(failure), node.user_properties
    return "", node.user_properties
