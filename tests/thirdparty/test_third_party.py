"""A stranger's store has every right that CLEO's own have, and can break only itself."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_shared = runpy.run_path(str(Path(__file__).with_name("conftest.py")))
NAME: str = _shared["NAME"]
altered: Callable[..., Any] = _shared["altered"]

pytestmark = pytest.mark.slow

HOOKS_END = '    return existing(app.store("orchard"), ids)\n'


def more(text: str) -> tuple[str, str]:
    """One more hook in the third party's ``plugin.py``."""
    return (HOOKS_END, f"{HOOKS_END}\n\n@hookimpl\n{text}")


def test_a_scaffolded_store_passes_its_own_tests_from_wheels(built: Path, house: Any) -> None:
    source = built / "source" / f"cleo-{NAME}"
    # How many write at once is no matter of where the code lies.
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not contention")
    done = house.environment.run("python", *words, cwd=source)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    summary = done.stdout.splitlines()[-1]
    assert "failed" not in summary
    assert "conformance: not checked" in done.stdout


def test_every_package_comes_from_its_wheel(house: Any) -> None:
    for package in ("cleo_core", "cleo_tasks", f"cleo_{NAME}"):
        words = f"import {package}; print({package}.__file__)"
        done = house.environment.run("python", "-c", words, cwd=house.project)
        assert done.stdout.startswith(str(house.environment.site)), done


def test_its_command_stands_beside_those_of_tasks(house: Any) -> None:
    page = house.cleo("--help").out
    assert f"  {NAME} " in page
    assert "  complete " in page
    assert [item["title"] for item in house.cleo(NAME, "list").data] == ["an apple"]
    assert [task["title"] for task in house.cleo("list").data] == ["a task"]
    stores = {row["name"]: row for row in house.cleo("stores").data}
    assert stores[NAME]["state"] == "head"
    assert stores[NAME]["rows"] == {"items": 1}
    assert stores[NAME]["owner"] == f"cleo-{NAME}"
    assert {row["name"]: row["state"] for row in house.cleo("plugins").data} == {
        NAME: "loaded",
        "tasks": "loaded",
    }


def test_core_imports_no_store(house: Any) -> None:
    core = house.environment.site / "cleo_core"
    for path in core.rglob("*.py"):
        if "_templates" not in path.parts:
            text = path.read_text("utf-8")
            assert "import cleo_tasks" not in text, path
            assert "from cleo_tasks" not in text, path


@pytest.mark.parametrize(
    ("plugins", "works", "missing"),
    [
        ((), ["version"], ["add", NAME]),
        (("cleo-tasks",), ["add", "a task"], [NAME]),
        ((f"cleo-{NAME}",), [NAME, "add", "an apple"], ["add"]),
    ],
    ids=["core alone", "tasks alone", "the third party alone"],
)
def test_each_plugin_works_alone_with_core(
    plugins: tuple[str, ...], works: list[str], missing: list[str], make_house: Callable[..., Any]
) -> None:
    house = make_house(*plugins)
    made = house.cleo("init", "demo").data
    assert len(made["stores"]) == len(plugins)
    assert house.cleo(*works).code == 0
    for command in missing:
        assert house.cleo(command).error["code"] == "E_USAGE"
    assert len(house.cleo("plugins").data) == len(plugins)


API = "CLEO_API = (1, 0)"

#: reason, the file, what is altered there, and words that the message must hold.
QUARANTINED: list[tuple[str, str, list[tuple[str, str]], str]] = [
    (
        "not-importable",
        "plugin",
        [(API, "import nothing_of_that_name")],
        "No module named 'nothing_of_that_name'",
    ),
    ("not-importable", "plugin", [(API, "raise SystemExit(3)")], "SystemExit: 3"),
    (
        "needs-other-core",
        "metadata",
        [("Requires-Dist: cleo-core<1,>=0.1", "Requires-Dist: cleo-core<100,>=99")],
        "it needs cleo-core <100,>=99; 0.1.0 is installed",
    ),
    (
        "needs-other-core",
        "plugin",
        [(API, "CLEO_API = (0, 9)")],
        "it is made for plugin API 0.9; cleo-core 0.1.0 has 1.0",
    ),
    (
        "api-too-new",
        "plugin",
        [(API, "CLEO_API = (1, 99)")],
        "it is made for plugin API 1.99; cleo-core 0.1.0 has 1.0",
    ),
    (
        "duplicate",
        "plugin",
        [
            ('name="orchard",\n    tier', 'name="tasks",\n    tier'),
            ('head="orchard_0001"', 'head="tasks_0001"'),
        ],
        "the store 'tasks' is claimed by cleo-orchard 0.1.0 and cleo-tasks 0.1.0; "
        "cleo-tasks keeps it",
    ),
    (
        "duplicate",
        "plugin",
        [('ServiceSpec(\n            "orchard"', 'ServiceSpec(\n            "tasks"')],
        "the service 'tasks' is claimed by cleo-orchard 0.1.0 and cleo-tasks 0.1.0; "
        "cleo-tasks keeps it",
    ),
    (
        "duplicate",
        "plugin",
        [('"orchard",\n            "cleo_', '"init",\n            "cleo_')],
        "the command 'init' is cleo-core's own",
    ),
    (
        "bad-spec",
        "plugin",
        [('tier="project"', 'tier="galaxy"')],
        "the tier 'galaxy' is not valid",
    ),
    (
        "bad-spec",
        "plugin",
        [('kinds={"orchard": "items"},', 'kinds={"orchard": "items"},\n    after=("orchard",),')],
        "these stores wait for each other: orchard",
    ),
    (
        "bad-hook",
        "plugin",
        [more("def cleo_frobnicate():\n    pass\n")],
        "cleo_frobnicate is no hook",
    ),
    (
        "bad-hook",
        "plugin",
        [more("def cleo_guard_change(app, change, mood):\n    pass\n")],
        "cleo_guard_change wants mood",
    ),
    *(
        (
            "hook-failed",
            "plugin",
            [(f'    """{text}"""\n', "    raise RuntimeError('out of apples')\n")],
            f"cleo_register_{what} failed: RuntimeError: out of apples",
        )
        for what, text in (
            ("stores", "``orchard.db``."),
            ("commands", "``cleo orchard``."),
            ("services", "The service ``orchard``."),
        )
    ),
    (
        "hook-failed",
        "plugin",
        [more("def cleo_register_references():\n    raise RuntimeError('out of apples')\n")],
        "cleo_register_references failed: RuntimeError: out of apples",
    ),
]


@pytest.mark.guarantee(
    "operations-30",
    "A plugin that fails at import, when asked what it has, or claims what another has, is put "
    "aside with its reason; every other command gives the result it gave before.",
)
@pytest.mark.parametrize(
    ("reason", "file", "changes", "words"),
    QUARANTINED,
    ids=[f"{row[0]}-{number}" for number, row in enumerate(QUARANTINED)],
)
def test_a_plugin_that_cannot_be_used_is_put_aside_and_nothing_else_changes(
    reason: str, file: str, changes: list[tuple[str, str]], words: str, house: Any
) -> None:
    before = house.fork("show", "T001").data
    with altered(getattr(house, file), *changes):
        rows = {one["name"]: one for one in house.fork("plugins").data}
        row = rows[NAME]
        assert rows["tasks"]["state"] == "loaded"
        assert (row["state"], row["reason"]) == ("quarantined", reason)
        assert words in row["message"]
        assert row["fix"].startswith("pip ")
        shown = house.fork("show", "T001")
        assert shown.data == before
        assert f"cleo: plugin {NAME} (cleo-{NAME} 0.1.0) is not used:" in shown.err
        assert f"[{reason}] Fix: {row['fix']}" in shown.err
        assert len(shown.err.splitlines()) == 1
        refused = house.fork(NAME, "list").error
        assert (refused["code"], refused["exit"]) == ("E_PLUGIN_QUARANTINED", 5)
        assert refused["fix"] == row["fix"]
    assert house.fork(NAME, "list").code == 0


@pytest.mark.guarantee(
    "operations-30", "A plugin whose hook fails while a command runs costs that command a warning."
)
@pytest.mark.parametrize(
    "hook",
    [
        "cleo_store_opened(spec, connection)",
        "cleo_change_committed(app, change)",
        "cleo_command_finished(app, event)",
        "cleo_project_created(app, project)",
    ],
)
def test_a_hook_that_fails_while_a_command_runs_is_passed_over(hook: str, house: Any) -> None:
    broken = more(f"def {hook}:\n    raise RuntimeError('out of apples')\n")
    before = house.fork("update", "T001", "--priority", "low")
    with altered(house.plugin, broken):
        after = house.fork("update", "T001", "--priority", "high")
        assert after.data["changed"] is True
        assert house.fork("init").code == 0
    assert before.data["changed"] in (True, False)
    if "store_opened" in hook or "committed" in hook:
        assert "W_HOOK_FAILED" in after.warnings


VETO = (
    "def cleo_guard_change(app, change):\n"
    "    from cleo_core.api import Veto\n\n"
    "    if change.kind == 'task' and change.op == 'update':\n"
    "        return Veto('the harvest comes first', 'cleo orchard list')\n"
)


@pytest.mark.parametrize(
    "argv", [("complete", "T001"), ("update", "T001", "--title", "another title")]
)
def test_a_veto_of_the_third_party_refuses_a_change_of_tasks(
    argv: tuple[str, ...], house: Any
) -> None:
    before = house.fork("show", "T001").data
    with altered(house.plugin, more(VETO)):
        refused = house.fork(*argv).error
        assert (refused["code"], refused["exit"]) == ("E_GUARD", 6)
        assert refused["fix"] == f"cleo {NAME} list"
        assert refused["details"]["vetoes"] == [
            {
                "plugin": NAME,
                "message": "the harvest comes first",
                "fix": f"cleo {NAME} list",
            }
        ]
        assert house.fork(NAME, "add", "a pear").code == 0
    assert house.fork("show", "T001").data == before


def test_a_guard_that_fails_refuses_and_says_how_to_do_without_it(house: Any) -> None:
    broken = more("def cleo_guard_change(app, change):\n    raise RuntimeError('out of apples')\n")
    before = house.fork("show", "T001").data
    with altered(house.plugin, broken):
        refused = house.fork("update", "T001", "--title", "another title").error
        assert refused["code"] == "E_GUARD"
        assert f"{NAME}: its guard failed: out of apples" in refused["message"]
        assert f"CLEO_DISABLE_PLUGINS={NAME}" in refused["fix"]
        assert house.fork("show", "T001").data == before
        variable = {"CLEO_DISABLE_PLUGINS": NAME}
        assert house.fork("update", "T001", "--title", "a new title", env=variable).code == 0
    assert house.fork("update", "T001", "--title", before["title"]).code == 0


@pytest.mark.parametrize(
    ("answer", "warnings"),
    [
        ("return None", ["W_REF_UNCHECKED"]),
        ("raise RuntimeError('out of apples')", ["W_OWNER_FAILED", "W_REF_UNCHECKED"]),
        ("return frozenset()", ["W_REF_MISSING"]),
        ("return frozenset(ids)", []),
    ],
    ids=["unknown", "failing", "missing", "there"],
)
def test_an_unknown_answer_about_an_id_is_a_warning_and_never_missing(
    answer: str, warnings: list[str], house: Any
) -> None:
    owner = [
        (f'kinds={{"{NAME}": "items"}}', f'kinds={{"{NAME}": "items", "agent": None}}'),
        (
            "    if kind not in STORE.kinds",
            f"    if kind == 'agent':\n        {answer}\n    if kind not in STORE.kinds",
        ),
    ]
    with altered(house.plugin, *owner):
        claimed = house.fork("claim", "T001", "--agent", "a1")
        assert claimed.data["task"]["assignee"] == "a1"
        assert sorted(claimed.warnings) == warnings
    assert house.fork("unclaim", "T001", "--agent", "a1").code == 0
