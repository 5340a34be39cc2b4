"""The conformance kit on a good store, and on stores that are broken in one way each."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cleo_core.testing.conformance import CHECKS, Author, Subject, migrations, verbs

_fixture = runpy.run_path(str(Path(__file__).with_name("kit_fixture.py")))
ROOT: Path = _fixture["ROOT"]
TriedStore: Any = _fixture["TriedStore"]
run_check: Any = _fixture["run_check"]

#: (file below the package, text that is there, text in its place)
Edit = tuple[str, str, str]

HOOK = "\n\n@hookimpl\ndef "
END = '    return existing(app.store("NAME"), ids)\n'
CREATED = '            unit.created("NAME", row["id"], row)\n'
#: A reference from the title of an item, and the service's question about it.
REFERENCE: list[Edit] = [
    (
        "plugin.py",
        "from cleo_core.api import CommandSpec, ",
        "from cleo_core.api import CommandSpec, Reference, ",
    ),
    (
        "plugin.py",
        END,
        END + f"{HOOK}cleo_register_references():\n"
        '    return [Reference("NAME.items.title", "agent", "reject", "delete")]\n',
    ),
]
ASKED: Edit = (
    "service.py",
    CREATED,
    CREATED + '            unit.check("NAME.items.title", [title])\n',
)


def hook(text: str) -> Edit:
    """One more hook function in ``plugin.py``."""
    return ("plugin.py", END, END + HOOK + text)


#: The first line of what lists items.
LIST = "        most = min(limit or 50, 2**31)\n"


def refused(text: str) -> Edit:
    """What the service does when its creating of an item is refused."""
    return (
        "service.py",
        "    def add(\n",
        "    def add(self, title, **more):\n"
        "        try:\n"
        "            return self._add(title, **more)\n"
        f"        except Exception:\n{text}\n"
        "    def _add(\n",
    )


#: What the author says, by the checks that need it.
SAID: dict[str, dict[str, Any]] = {
    "references": {"references": {"NAME.items.title": ["NAME", "add", "{ref}"]}},
}

#: check, how the store is broken, and words that the check must then say.
BROKEN: list[tuple[str, list[Edit], str]] = [
    ("one_head", [("plugin.py", 'head="NAME_0001"', 'head="NAME_0002"')], "single line"),
    (
        "one_head",
        [
            ("migrations/versions/NAME_0001_initial.py", '"NAME_0001"', '"NAME_0003"'),
            ("plugin.py", 'head="NAME_0001"', 'head="NAME_0003"'),
        ],
        "is called",
    ),
    ("head", [("snapshot.py", 'HEAD = "NAME_0001"', 'HEAD = "NAME_0009"')], "HEAD is"),
    ("head", [("snapshot.py", "('NAME_0001')", "('NAME_0000')")], "makes a file at"),
    (
        "same_schema",
        [("migrations/versions/NAME_0001_initial.py", "title TEXT NOT NULL", "title TEXT")],
        "the migrations differs",
    ),
    (
        "same_schema",
        [("snapshot.py", "DEFAULT 'normal'", "DEFAULT 'low'")],
        "the snapshot differs",
    ),
    (
        "same_schema",
        [
            ("schema.py", "seed: tuple[str, ...] = ()", "seed = ()"),
            (
                "snapshot.py",
                '    "CREATE TABLE alembic',
                "    \"INSERT INTO items (id, title, created_at) VALUES ('a', 'b', :now)\",\n"
                '    "CREATE TABLE alembic',
            ),
        ],
        "fill items differently",
    ),
    ("strict", [("snapshot.py", "    UNIQUE (id)\n) STRICT", "    UNIQUE (id)\n)")], "not STRICT"),
    (
        "strict",
        [("snapshot.py", "CHECK (importance IN ('low', 'normal', 'high'))", "CHECK (1)")],
        "no CHECK lists its values",
    ),
    (
        "strict",
        [
            (
                "snapshot.py",
                "CHECK (json_valid(tags_json) AND json_type(tags_json) = 'array')",
                "CHECK (tags_json <> '')",
            )
        ],
        "no CHECK says json_valid",
    ),
    (
        "migration_text",
        [
            (
                "migrations/versions/NAME_0001_initial.py",
                "        execute(statement)\n",
                "        execute(statement)\n"
                '    execute("INSERT OR IGNORE INTO items SELECT * FROM items")\n',
            )
        ],
        "OR IGNORE",
    ),
    (
        "migration_text",
        [
            (
                "migrations/versions/NAME_0001_initial.py",
                "        execute(statement)\n",
                "        execute(statement)\n"
                '    execute("CREATE TRIGGER t BEFORE DELETE ON items BEGIN "\n'
                "            \"SELECT RAISE(ABORT, 'kept: ' || old.id); END\")\n",
            )
        ],
        "must be one literal",
    ),
    (
        "checksums",
        [("migrations/versions/NAME_0001_initial.py", "The first schema", "The first Schema")],
        "was edited after",
    ),
    ("statements", [("store.py", "WHERE id = :id", "WHERE ident = :id")], "no such column"),
    (
        "sql",
        [
            (
                "migrations/versions/NAME_0001_initial.py",
                "        execute(statement)\n",
                "        execute(statement)\n"
                "    from alembic import op\n\n"
                '    op.get_bind().exec_driver_sql("SELECT 1")\n',
            )
        ],
        "do not render",
    ),
    (
        "second_upgrade",
        [
            hook(
                "cleo_command_finished(app, event):\n"
                '    with open(f"{app.project.directory}/NAME.log", "a") as log:\n'
                "        log.write(event.path)\n"
            )
        ],
        "changes",
    ),
    (
        "crash_create",
        [
            hook(
                "cleo_store_opened(spec, connection):\n"
                '    if not connection.execute("PRAGMA query_only").fetchone()[0]:\n'
                '        connection.execute("CREATE TABLE IF NOT EXISTS cache (a)")\n'
            )
        ],
        "leaves a part of the schema",
    ),
    (
        "refused_files",
        [
            hook(
                "cleo_open_store(spec, path):\n"
                "    import os\n\n"
                "    from cleo_core.database import Database\n\n"
                "    return Database(path, spec.name) if os.path.exists(path) else None\n"
            )
        ],
        "is accepted",
    ),
    (
        "refused_files",
        [
            (
                "service.py",
                LIST,
                "        try:\n"
                '            self.app.store("NAME")\n'
                "        except Exception as error:\n"
                "            raise RuntimeError from error\n" + LIST,
            )
        ],
        "exit 1",
    ),
    (
        "existence",
        [
            (
                "plugin.py",
                '    if app.stores.state(STORE).state != "head":\n        return None\n',
                '    if app.stores.state(STORE).state != "head":\n        return frozenset()\n',
            )
        ],
        "it must be unknown",
    ),
    (
        "existence",
        [
            ("plugin.py", "def cleo_existing_ids(", "def _existing_ids("),
            ("plugin.py", "@hookimpl\ndef _existing", "def _existing"),
        ],
        "has no cleo_existing_ids",
    ),
    (
        "backup",
        [
            hook(
                "cleo_open_store(spec, path):\n"
                "    import os\n\n"
                "    from cleo_core.database import Database\n\n"
                '    other = f"{path}.other"\n'
                "    if not os.path.exists(other) and os.path.exists(path):\n"
                "        os.link(path, other)\n"
                "    return Database(other, spec.name) if os.path.exists(other) else None\n"
            )
        ],
        "no set holds store",
    ),
    (
        "backup",
        [
            hook(
                "cleo_store_opened(spec, connection):\n"
                '    if connection.execute("PRAGMA query_only").fetchone()[0]:\n'
                "        return\n"
                '    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:\n'
                '        connection.execute("DELETE FROM items")\n'
            )
        ],
        "of store NAME has other rows",
    ),
    (
        "backup",
        [
            ("plugin.py", "ServiceSpec, StoreSpec", "FileSpec, ServiceSpec, StoreSpec"),
            (
                "plugin.py",
                'kinds={"NAME": "items"},\n',
                'kinds={"NAME": "items"},\n    files=(FileSpec("NAME.key", "project"),),\n',
            ),
            (
                "service.py",
                CREATED,
                CREATED
                + '            with open(f"{self.app.project.directory}/NAME.key", "w") as key:\n'
                "                key.write(title)\n",
            ),
        ],
        "holds NAME.key, whose backup is 'never'",
    ),
    (
        "bundle",
        [
            (
                "service.py",
                CREATED,
                CREATED + '            unit.execute("CREATE TABLE IF NOT EXISTS cache (a)")\n',
            )
        ],
        "that CLEO did not make",
    ),
    ("help", [("plugin.py", 'reads=("list", "show")', 'reads=("list", "shows")')], "there is none"),
    (
        "help",
        [
            (
                "cli.py",
                '    """Show one item.\n\n    Example: cleo NAME show NAME-1\n    """\n',
                "",
            )
        ],
        "no docstring",
    ),
    ("help", [("plugin.py", ".cli:root", ".cli:stem")], "cannot be loaded"),
    (
        "json",
        [
            (
                "cli.py",
                "    item = service(app).add(",
                '    click.echo("done")\n    item = service(app).add(',
            )
        ],
        "prints no JSON",
    ),
    ("json", [("cli.py", "items, page=page, human", "items, human")], "without a page"),
    (
        "json",
        [
            (
                "cli.py",
                '    out.line(f"{item.id}',
                '    out.line(item.nothing)\n    out.line(f"{item.id}',
            )
        ],
        "--human` fails",
    ),
    (
        "subdirectory",
        [
            (
                "cli.py",
                "    item = service(app).show(id)",
                '    open(".cleo/project-info.json").close()\n    item = service(app).show(id)',
            )
        ],
        "below the project's root",
    ),
    (
        "never_waits",
        [
            (
                "cli.py",
                "    item = service(app).add(",
                '    __import__("sys").stdin.read(1)\n    item = service(app).add(',
            )
        ],
        "waits for input",
    ),
    (
        "imports",
        [("store.py", "import json\n", "import json\n\nimport sqlalchemy\n")],
        "imports sqlalchemy",
    ),
    (
        "reads",
        [
            (
                "service.py",
                "        most = min(limit or 50, 2**31)\n",
                "        most = min(limit or 50, 2**31)\n"
                '        self.app.write("NAME", lambda unit: None)\n',
            )
        ],
        "only reads, and runs 'BEGIN IMMEDIATE'",
    ),
    (
        "reads",
        [
            (
                "service.py",
                "        most = min(limit or 50, 2**31)\n",
                "        most = min(limit or 50, 2**31)\n"
                '        open(f"{self.app.project.directory}/NAME.cache", "w").close()\n',
            )
        ],
        "only reads, and changes",
    ),
    (
        "dry_run",
        [
            (
                "service.py",
                '        title = _text(title, "A title")\n',
                '        title = _text(title, "A title")\n'
                '        with open(f"{self.app.project.directory}/NAME.log", "a") as log:\n'
                "            log.write(title)\n",
            )
        ],
        "--dry-run` changes",
    ),
    (
        "idempotency",
        [
            (
                "service.py",
                "            lambda unit: unit.idempotent(",
                "            lambda unit: insert(unit) or unit.idempotent(",
            )
        ],
        "for the same key",
    ),
    (
        "idempotency",
        [
            (
                "service.py",
                '{"title": title, "importance": importance, "tags": [*tags]}',
                '{"importance": importance}',
            )
        ],
        "the key of another call is accepted",
    ),
    (
        "idempotency",
        [("cli.py", '@command("add", creates=True)', '@command("add", writes=True)')],
        "takes no --idempotency-key",
    ),
    (
        "hostile_text",
        [
            (
                "store.py",
                '"VALUES (:seq, :id, :title, :importance',
                "\"VALUES (:seq, :id, '%s', :importance",
            ),
            ("store.py", "        INSERT,\n", "        INSERT % title,\n"),
        ],
        "exit 1",
    ),
    (
        "hostile_text",
        [
            (
                "service.py",
                "    text = value.strip()\n",
                "    text = value.strip()\n    json.loads(f'\"{text}\"')\n",
            )
        ],
        "exit 1",
    ),
    ("references", REFERENCE, "instead of 6"),
    (
        "guards",
        [("service.py", CREATED, "")],
        "reports no change",
    ),
    (
        "guards",
        [refused('            return self.show("NAME-1")\n')],
        "is not refused by a guard",
    ),
    (
        "guards",
        [
            refused(
                '            self.app.write("NAME", lambda unit: store.insert('
                'unit, title, "low", (), unit.now))\n'
                "            raise\n"
            )
        ],
        "is refused by a guard and stores rows",
    ),
    (
        "guards",
        [hook("cleo_guard_change(app, change):\n    return None\n")],
        "gives no change that it refuses",
    ),
    (
        "contention",
        [
            ("store.py", "    seq = db.scalar(NEXT)\n", "    seq = now_free\n"),
            (
                "store.py",
                "tags: Sequence[str], now: str) -> Row",
                "tags: Sequence[str], now: str, now_free: int) -> Row",
            ),
            (
                "service.py",
                "        def insert(unit: Unit) -> Item:\n"
                "            row = store.insert(unit, title, importance, tags, unit.now)\n",
                '        seq = self.app.store("NAME").scalar(store.NEXT)\n\n'
                "        def insert(unit: Unit) -> Item:\n"
                "            row = store.insert(unit, title, importance, tags, unit.now, seq)\n",
            ),
        ],
        "a writer among many fails",
    ),
]


@pytest.fixture
def store(cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A scaffolded store, good as it is."""
    monkeypatch.setattr(verbs, "PATIENCE", 3)
    return TriedStore(cleo_home, monkeypatch)


def said(check: str, store: Any) -> dict[str, Any]:
    """The author's attributes for a check, with the store's name in them."""
    found: dict[str, Any] = SAID.get(check, {})
    return eval(repr(found).replace("NAME", store.name)) if found else {}


@pytest.mark.parametrize("check", sorted(CHECKS - {"wheels"}))
def test_a_good_store_passes_every_check(check: str, store: Any, cleo_home: Path) -> None:
    problems, _ = run_check(store, check, cleo_home)
    assert problems == ""


@pytest.mark.guarantee(
    "operations-15",
    "A migration that loses a row or says OR IGNORE, and any other broken rule, fails the kit.",
)
@pytest.mark.parametrize(
    ("check", "edits", "words"), BROKEN, ids=[f"{row[0]}-{row[2]}" for row in BROKEN]
)
def test_a_store_broken_in_one_way_fails_the_check_for_it(
    check: str,
    edits: list[Edit],
    words: str,
    store: Any,
    cleo_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Another verb that were slow would be one more problem, and the words are there all the same.
    monkeypatch.setattr(verbs, "PATIENCE", 1)
    store.edit(edits)
    problems, _ = run_check(store, check, cleo_home, **said(check, store))
    assert words.replace("NAME", store.name) in problems


def test_every_check_is_shown_to_fail() -> None:
    others = {"golden", "crash_migrate", "wheels"}  # further down
    assert {row[0] for row in BROKEN} | others == CHECKS


def test_a_reference_that_is_asked_for_passes(store: Any, cleo_home: Path) -> None:
    store.edit([*REFERENCE, ASKED])
    assert run_check(store, "references", cleo_home, **said("references", store))[0] == ""


def test_a_reference_that_nobody_tries_fails(store: Any, cleo_home: Path) -> None:
    store.edit([*REFERENCE, ASKED])
    assert "is never tried" in run_check(store, "references", cleo_home)[0]


GUARD = (
    "cleo_guard_change(app, change):\n"
    '    if change.kind != "agent" or app.stores.state(STORE).state != "head":\n'
    "        return None\n"
    "    from cleo_core.api import Veto\n\n"
    '    rows = app.store("NAME").read("SELECT title FROM items")\n'
    "    used = {row['title'] for row in rows} & {*change.ids}\n"
    '    return Veto("in use", "cleo NAME list") if used else None\n'
)
CASE = {"after": [], "kind": "agent", "op": "delete", "ids": ["a1"]}


@pytest.mark.parametrize(
    ("guard", "words"),
    [
        (GUARD, ""),
        (GUARD.replace("if used", "if not used"), "is not refused"),
        (GUARD.replace("if used", "if True"), "knows nothing of"),
        (GUARD.replace('"cleo NAME list"', '""'), "needs a message and a fix"),
        (
            GUARD.replace(' or app.stores.state(STORE).state != "head"', "").replace(
                "if used", "if used or not rows"
            ),
            "without its file",
        ),
    ],
    ids=["good", "never", "always", "without a fix", "on an absent file"],
)
def test_the_plugins_own_guard_is_tried(
    guard: str, words: str, store: Any, cleo_home: Path
) -> None:
    store.edit([hook(guard)])
    case = {**CASE, "after": [[store.name, "add", "a1"]]}
    problems, _ = run_check(store, "guards", cleo_home, guards={"in use": case})
    assert words in problems if words else problems == ""


ADD_NOTE = "ALTER TABLE items ADD COLUMN note TEXT"
LATER_CHECKS = sorted(
    {"golden", "second_upgrade", "crash_migrate", "checksums", "sql", "same_schema", "one_head"}
)


@pytest.mark.guarantee(
    "operations-12",
    "A kill at any statement of a migration leaves the old file or the new one, rows and all.",
)
def test_a_second_revision_made_as_the_readme_says_passes(store: Any, cleo_home: Path) -> None:
    store.add_revision([ADD_NOTE])
    problems = {check: run_check(store, check, cleo_home)[0] for check in LATER_CHECKS}
    assert problems == dict.fromkeys(LATER_CHECKS, "")


@pytest.mark.guarantee("operations-15", "A data migration that drops one row fails the kit.")
def test_a_migration_that_drops_one_row_fails(store: Any, cleo_home: Path) -> None:
    store.add_revision([ADD_NOTE, "DELETE FROM items WHERE seq = 2"])
    assert (
        "had 3 rows in items; after its upgrade 2 are left"
        in run_check(store, "golden", cleo_home)[0]
    )


def test_a_plugin_that_migrates_by_itself_needs_no_transaction(store: Any, cleo_home: Path) -> None:
    store.add_revision([ADD_NOTE])
    store.edit(
        [
            hook(
                "cleo_migrate_store(spec, connection, plan):\n"
                "    from cleo_core.api import Report\n\n"
                f'    connection.execute("{ADD_NOTE}")\n'
                "    table = 'alembic_version_NAME'\n"
                "    connection.execute(f\"UPDATE {table} SET version_num = 'NAME_0002'\")\n"
                "    return Report(spec.name, plan.from_revision, plan.to_revision, plan.steps)\n"
            )
        ]
    )
    assert run_check(store, "crash_migrate", cleo_home)[0] == ""


def test_a_migration_in_two_transactions_fails(store: Any, cleo_home: Path) -> None:
    store.add_revision([ADD_NOTE])
    store.edit(
        [
            hook(
                "cleo_store_migrated(app, spec, report):\n"
                "    sql = \"UPDATE items SET note = 'x'\"\n"
                "    app.write('NAME', lambda unit: unit.execute(sql))\n"
            )
        ]
    )
    assert (
        "leaves neither the old file nor the new one"
        in run_check(store, "crash_migrate", cleo_home)[0]
    )


def test_a_golden_database_that_is_missing_or_empty_fails(store: Any, cleo_home: Path) -> None:
    (store.golden / f"{store.name}_0001.sql").write_text("")
    assert "--replace" in store.tool("golden", store.name).stderr
    assert store.tool_here("golden", store.name, "--replace").returncode == 0
    assert "proves nothing" in run_check(store, "golden", cleo_home)[0]
    (store.golden / f"{store.name}_0001.db").unlink()
    assert "there is no" in run_check(store, "golden", cleo_home)[0]


@pytest.mark.parametrize(
    ("moved", "lost"),
    [
        ({}, ["old", "gone", "less"]),
        ({"n_0002": {"old": "new"}, "n_0003": {"gone": None}}, ["less"]),
        ({"n_0002": {"old": "between"}, "n_0003": {"between": "new", "gone": None}}, ["less"]),
        ({"n_0001": {"old": "new", "gone": None}}, ["old", "gone", "less"]),
    ],
)
def test_rows_of_tables_that_moved_are_not_lost(
    moved: dict[str, dict[str, str | None]], lost: list[str]
) -> None:
    author = type("Moved", (Author,), {"moved": moved})()
    before = {"old": 3, "gone": 2, "less": 5, "kept": 1}
    after = {"new": 3, "less": 4, "kept": 1}
    found = migrations.lost(author, "n_0001", Path("n_0001.db"), before, after)
    assert [sentence.split(" rows in ")[1].split(";")[0] for sentence in found] == lost


def test_a_plugin_that_is_not_installed_is_named(cleo_home: Path) -> None:
    with pytest.raises(AssertionError, match="'no-such-store': no such plugin is installed"):
        Subject("no-such-store")


def test_the_kit_is_loaded_when_it_is_asked_for() -> None:
    words = (
        "import sys, cleo_core.testing as t; kit = 'cleo_core.testing.conformance'; "
        "assert kit not in sys.modules; t.StoreConformance; assert kit in sys.modules"
    )
    subprocess.run([sys.executable, "-c", words], check=True, cwd=ROOT)


@pytest.mark.slow
def test_a_wheel_that_lacks_a_file_fails(store: Any, cleo_home: Path) -> None:
    path = store.source / "pyproject.toml"
    packages = f'packages = ["src/cleo_{store.name}"]'
    text = path.read_text("utf-8")
    assert packages in text
    path.write_text(text.replace(packages, f'{packages}\nexclude = ["snapshot.py"]'))
    problems, _ = run_check(store, "wheels", cleo_home)
    assert f"from wheels `cleo {store.name} add" in problems


def test_what_does_not_apply_is_printed(store: Any, cleo_home: Path) -> None:
    _, printed = run_check(store, "references", cleo_home)
    assert printed == [
        ("conformance", f"{store.name}: references: the plugin declares no reference")
    ]


PYTEST_CLASS = """
from cleo_core.testing import StoreConformance

class TestStore(StoreConformance):
    plugin = "{name}"
    skip = {skip!r}
"""


def test_what_the_author_leaves_out_is_printed_by_every_run(store: Any) -> None:
    said: dict[str, tuple[dict[str, str], str]] = {
        "whole": ({"help": "has no help"}, "help: has no help"),
        "part": ({"reads: list": "prints a picture"}, "reads: list: prints a picture"),
        "wrong": ({"hostile-text": "misspelt"}, "skip names no checks: ['hostile-text']"),
    }
    for name, (skip, _) in said.items():
        (store.source / "tests" / f"test_{name}.py").write_text(
            PYTEST_CLASS.format(name=store.name, skip=skip)
        )
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-k", "test_help or test_reads"),
            *(f"tests/test_{name}.py" for name in said),
        ],
        cwd=store.source,
        env={**os.environ, "PYTHONPATH": f"{store.package.parent}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    for _, words in said.values():
        assert words in done.stdout
    # The misspelt one fails both checks.
    assert "3 passed, 1 skipped" in done.stdout
    assert "2 errors" in done.stdout
