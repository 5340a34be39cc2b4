"""Throw-away plugins with tiny stores, and processes that are killed at a chosen step."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from cleo_core.testing import together
from cleo_core.testing.kept import Kept

T = TypeVar("T")
_MADE = pytest.StashKey[dict[Path, tuple[list[Kept], Any]]]()

#: First-party stores beside tasks, which the throw-away ones of these tests stand for.
OTHERS = "brain conduit nexus signaldock telemetry"


@pytest.fixture
def cleo_home(cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private home in which of the first-party stores only tasks is there."""
    monkeypatch.setenv("CLEO_DISABLE_PLUGINS", OTHERS)
    return cleo_home


HEAD = """
import os

import click
from cleo_core import hookimpl
from cleo_core.api import CommandSpec, FileSpec, Reference, ServiceSpec, StoreSpec, Veto

CLEO_API = (1, 0)
"""

STORE = """
SPEC = StoreSpec(
    name="{name}", tier="{tier}", file="{name}.db", application_id={application_id},
    head="{name}_0002", schema="{package}.schema:metadata", migrations="{package}.migrations",
    snapshot="{package}.snapshot:STATEMENTS", create="{create}", kinds={{"{kind}": "{name}"}},
    after={after!r}, any_revision={any_revision!r},
)


@hookimpl
def cleo_register_stores():
    return [SPEC]


@hookimpl
def cleo_register_services():
    return [ServiceSpec("{name}", "{package}.service:Service")]


@hookimpl
def cleo_register_commands():
    return [CommandSpec("{name}", "{package}.cli:{name}", "Things.", "Things", ("list",))]


@hookimpl
def cleo_register_references():
    return {references}
"""

#: The owner's answer about its ids, left out where a test gives another one.
OWNER = """
@hookimpl
def cleo_existing_ids(app, kind, ids):
    if app.stores.state(SPEC).state != "head":
        return None
    db = app.store("{name}")
    return frozenset(id for id in ids if db.one("SELECT 1 FROM {name} WHERE id = :id", id=id))
"""

SNAPSHOT = '''
STATEMENTS = (
    """CREATE TABLE {name} (
        id TEXT NOT NULL PRIMARY KEY,
        label TEXT NOT NULL DEFAULT '',
        ref TEXT {constraint},
        wanted INTEGER NOT NULL DEFAULT 0 CHECK (wanted IN (0, 1))
    ) STRICT""",
    """CREATE TABLE idempotency_keys (
        actor TEXT NOT NULL DEFAULT '', verb TEXT NOT NULL, key TEXT NOT NULL,
        body_hash TEXT NOT NULL, result TEXT NOT NULL,
        created_at TEXT NOT NULL, expires_at TEXT NOT NULL,
        PRIMARY KEY (actor, verb, key)
    ) STRICT""",
    "CREATE TABLE alembic_version_{name} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
    "INSERT INTO alembic_version_{name} VALUES ('{name}_0002')",
)
'''

SERVICE = """
class Service:
    def __init__(self, app):
        self.app = app

    def add(self, id, label="", ref=None, idempotency_key=None, actor=""):
        given = {{"id": id, "label": label, "ref": ref}}

        def body(unit):
            def compute():
                row = dict(given)
                if ref is not None and "{name}.ref" in self.app.plugins.references:
                    if ref in unit.check("{name}.ref", [ref]).nulled:
                        row["ref"] = None
                unit.execute(
                    "INSERT INTO {name} (id, label, ref) VALUES (:id, :label, :ref)", **row
                )
                unit.created("{kind}", id, row)
                return row

            return unit.idempotent(
                "add", idempotency_key, given, compute, encode=dict, decode=dict, actor=actor
            )

        return self.app.write("{name}", body)

    def relabel(self, id, label):
        def body(unit):
            before = unit.one("SELECT label FROM {name} WHERE id = :id", id=id)
            unit.execute("UPDATE {name} SET label = :label WHERE id = :id", id=id, label=label)
            unit.updated("{kind}", id, before, {{"label": label}})

        return self.app.write("{name}", body)

    def delete(self, *ids):
        def body(unit):
            for id in ids:
                row = unit.one("SELECT * FROM {name} WHERE id = :id", id=id)
                unit.execute("DELETE FROM {name} WHERE id = :id", id=id)
                unit.deleted("{kind}", id, row)

        return self.app.write("{name}", body)

    def list(self):
        return self.app.store("{name}").read("SELECT id, label, ref FROM {name} ORDER BY id")
"""

CLI = '''
import click
from cleo_core.cli import Page, Result, command, group


@command("add", creates=True)
@click.argument("id")
@click.option("--label", default="", help="A label.")
@click.option("--ref", help="Another thing.")
def add(app, id, label, ref, idempotency_key):
    """Add a thing."""
    return Result(app.service("{name}").add(id, label, ref, idempotency_key))


@command("list", lists=True)
def list_(app, limit, offset):
    """List the things."""
    rows = app.service("{name}").list()
    return Result(rows, page=Page(limit or 20, offset, len(rows)))


{name} = group("{name}", "Things.", add, list_)
'''

#: Runs a command in a child for each number on stdin; the child is killed just before its n-th
#: step. A step is a call of the operating system that changes something (of a write, half is
#: done), or a statement of SQLite; of those that only build a schema, every twentieth. A pragma
#: that leaves all files as they are is none: killed before it, a command leaves what it leaves
#: before the step after it.
KILLER = """
import os, runpy, signal, sys

from cleo_core import backup, database, initialize, journal, locks, paths, redaction, restore
from cleo_core.cli import main
import cleo_core.cli.restore, cleo_core.reconcile, filelock, platform, sqlite3

database.driver()
CALLS = ("open", "write", "fsync", "mkdir", "rename", "replace", "link", "unlink", "fchmod")
CHANGES = ("BEGIN", "COMMIT", "PRAGMA journal_mode", "PRAGMA application_id=")
left = 0
report = None


def step(what, before_death=None):
    global left
    left -= 1
    if left == 0:
        if before_death is not None:
            before_death()
        real_write(report, what.encode())
        os.kill(os.getpid(), signal.SIGKILL)


real_write = os.write


def watch(name):
    real = getattr(os, name)

    def call(*arguments, **options):
        if name == "open" and not arguments[1] & (os.O_CREAT | os.O_WRONLY | os.O_RDWR):
            return real(*arguments, **options)
        half = None
        if name == "write":
            half = lambda: real(arguments[0], arguments[1][: len(arguments[1]) // 2])
        step(f"os.{name} {arguments[0]!r}", half)
        return real(*arguments, **options)

    setattr(os, name, call)


def watched(module):
    class Connection(module.Connection):
        plain = 0

        def execute(self, sql, *arguments):
            if sql.startswith(CHANGES):
                step(sql[:60])
            elif not sql.startswith("PRAGMA"):
                self.plain += 1
                if self.plain % 20 == 1:
                    step(sql[:60])
            return super().execute(sql, *arguments)

    class Driver:
        def __getattr__(self, name):
            return getattr(module, name)

        def connect(self, name, **options):
            return module.connect(name, factory=Connection, **options)

    Driver.Connection = Connection
    return Driver()


def child(pipe):
    global report
    report = pipe
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    database.drivers._driver = watched(database.driver())
    for name in CALLS:
        watch(name)
    os._exit(main(sys.argv[1:]))


runpy.run_path(sys.argv.pop(1))["warm_up"]()
redaction.redact("")
for line in sys.stdin:
    left = int(line)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        child(writing)
    os.close(writing)
    what = os.read(reading, 4096).decode()
    os.close(reading)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(code, what.replace(chr(10), " "), flush=True)
"""

_numbers = itertools.count()


class Site:
    """A directory on ``sys.path``, of this process and of those it starts, to install plugins in.

    :ivar package: plugin name -> the package that was made for it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.package: dict[str, str] = {}

    def plugin(self, name: str, body: str = "", **modules: str) -> None:
        """Install a plugin: the body of its ``plugin.py`` and further modules by name."""
        package = f"cleo_{name}_{os.getpid()}_{next(_numbers)}"
        self.package[name] = package
        folder = self.root / package
        folder.mkdir()
        texts = {"__init__": "", **modules, "plugin": HEAD + textwrap.dedent(body)}
        for module, text in texts.items():
            (folder / f"{module}.py").write_text(text.replace("PACKAGE", package), "utf-8")
        info = self.root / f"cleo_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: cleo-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[cleo.plugins]\n{name} = {package}.plugin\n")

    def store(
        self,
        name: str,
        *,
        kind: str,
        tier: str = "project",
        create: str = "init",
        reference: str | None = None,
        constraint: str = "",
        owner: bool = True,
        after: tuple[str, ...] = (),
        any_revision: tuple[str, ...] = (),
        more: str = "",
    ) -> None:
        """Install a plugin with one store of one table, all of them called ``name``.

        :param kind: the kind of the table's rows.
        :param reference: ``target_kind, on_missing, on_delete, …`` of the column ``ref``.
        :param constraint: SQL behind that column's type.
        :param owner: whether the plugin says which ids exist.
        :param more: more of ``plugin.py``.
        """
        values: dict[str, Any] = {
            "name": name,
            "kind": kind,
            "tier": tier,
            "create": create,
            "constraint": constraint,
            "after": after,
            "any_revision": any_revision,
            "application_id": sum(map(ord, name)) + 0x7E570000,
            "package": "PACKAGE",
            "references": f'[Reference("{name}.{name}.ref", {reference}, name="{name}.ref")]'
            if reference
            else "[]",
        }
        self.plugin(
            name,
            STORE.format(**values)
            + (OWNER.format(**values) if owner else "")
            + textwrap.dedent(more),
            snapshot=SNAPSHOT.format(**values),
            service=SERVICE.format(**values),
            cli=CLI.format(**values),
        )

    def forget(self) -> None:
        """Drop the imported modules."""
        for package in self.package.values():
            for module in [one for one in sys.modules if one.split(".")[0] == package]:
                del sys.modules[module]


@pytest.fixture
def site(cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A place for plugins; those of the installed distributions are there as well."""
    root = cleo_home / "site"
    root.mkdir()
    monkeypatch.syspath_prepend(str(root))
    rest = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(root), *([rest] if rest else [])]))
    made = Site(root)
    yield made
    made.forget()


@pytest.fixture
def made_once(cleo_home: Path, request: pytest.FixtureRequest) -> Callable[[Callable[[], T]], T]:
    """``made_once(make)``: what ``make`` returns and leaves in home and project.

    It is called by the first test of a module, and must not depend on where the files lie.
    """
    made = request.config.stash.setdefault(_MADE, {})

    def once(make: Callable[[], T]) -> T:
        places = [cleo_home / "home", cleo_home / "work"]
        if request.path not in made:
            value = make()
            kept = [Kept(place) for place in places]
            assert not any(one.mentions(str(cleo_home)) for one in kept)
            made[request.path] = kept, value
        kept, value = made[request.path]
        for one, place in zip(kept, places, strict=True):
            one.write(place)
        return value  # type: ignore[no-any-return] # of the same module

    return once


@pytest.fixture
def left_behind(cleo_home: Path) -> Callable[[], frozenset[tuple[str, int]]]:
    """Names and sizes of all files of project and home, but for what of a name is random.

    Two kills that leave the same need not be looked at twice.
    """

    def look() -> frozenset[tuple[str, int]]:
        return frozenset(
            (re.sub("[0-9a-f]{6,}|[0-9]+", "*", str(path)), path.stat().st_size)
            for path in cleo_home.rglob("*")
        )

    return look


@pytest.fixture
def kill_at_every_step(cleo_home: Path) -> Iterator[Callable[..., Iterator[str]]]:
    """``for killed in kill_at_every_step(["init"], reset): ...``: the body runs after each kill.

    ``reset`` is called before each run. The loop ends with the run that was not killed, whose exit
    must be 0. With ``every`` steps between are passed over.
    """
    started: list[subprocess.Popen[str]] = []

    def run(argv: Sequence[str], reset: Callable[[], object], every: int = 1) -> Iterator[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", KILLER, together.__file__, *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdin is not None
        assert process.stdout is not None
        for step in itertools.count(1, every):
            reset()
            process.stdin.write(f"{step}\n")
            process.stdin.flush()
            code, _, what = process.stdout.readline().strip().partition(" ")
            if code == "0":
                return
            assert code == "-9", f"step {step} ended with {code}"
            yield f"killed at step {step}: {what}"

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def in_namespace(cleo_home: Path) -> Callable[[str], str]:
    """Run a shell script, with ``cleo``, where it may mount and nobody else sees it.

    Gives its stdout. The test is skipped where the kernel allows no such namespace.
    """
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    try:
        possible = subprocess.run([*unshare, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare")
    if possible.returncode != 0:
        pytest.skip("this kernel allows no mount namespaces")

    def run(script: str) -> str:
        command = f'cleo() {{ "{sys.executable}" -m cleo_core "$@"; }}\n{script}'
        done = subprocess.run(
            [*unshare, "sh", "-c", command], capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    return run
