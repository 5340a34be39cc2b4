"""References, and finding tasks in many projects."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleo_core.app import create_app
from cleo_core.database import Database, driver
from cleo_core.errors import CleoError
from cleo_core.ids import new_id
from cleo_core.initialize import initialize
from cleo_nexus.errors import NexusError
from cleo_nexus.ids import parse_reference
from cleo_nexus.service import fanning, places, searching


@pytest.fixture
def project(cleo_home: Path, tmp_path: Path) -> Callable[..., Path]:
    """Make and register a project with tasks: ``project("web", "Fix the parser")``."""

    def make(name: str, *titles: str, **more: Any) -> Path:
        root = tmp_path / "projects" / name
        root.mkdir(parents=True)
        initialize(str(root), plugins=create_app(env=os.environ).plugins, env=os.environ)
        with _app(root) as app:
            app.service("nexus").register(slug=name)
            for title in titles:
                app.service("tasks").add(title, **more)
        return root

    return make


def _app(root: Path) -> Any:
    import cleo_core

    return cleo_core.open_app(str(root))


def _parsed(text: str) -> Any:
    """The reference that a text is; None where it is refused as it should be."""
    found = None
    with contextlib.suppress(NexusError):
        found = parse_reference(text, wildcard=True)
    if found is None:
        with pytest.raises(NexusError, match="slug:T001") as refused:
            parse_reference(text, wildcard=True)
        assert refused.value.exit == 73
    return found


def _crowd(like: Path, count: int) -> dict[str, Path]:
    """More projects with the tasks of one, each with a marker of its own; they share its file."""
    marker = json.loads((like / ".cleo" / "project-info.json").read_text())
    made = {f"crowd-{number:03d}": like.with_name(f"crowd-{number:03d}") for number in range(count)}
    rows = []
    for name, root in made.items():
        (root / ".cleo").mkdir(parents=True)
        os.link(like / ".cleo" / "tasks.db", root / ".cleo" / "tasks.db")
        id_ = new_id()
        (root / ".cleo" / "project-info.json").write_text(json.dumps({**marker, "projectId": id_}))
        at = "2026-01-01T00:00:00.000Z"
        rows.append((id_, name, name, str(root), places.path_hash(str(root)), at, at))
    registry = Path(os.environ["XDG_DATA_HOME"]) / "cleo" / "nexus.db"
    with contextlib.closing(driver().connect(registry)) as connection, connection:
        connection.executemany(
            "INSERT INTO project_registry (project_id, slug, name, project_path, project_hash, "
            "registered_at, last_seen) VALUES (?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
    return made


def _search(root: Path, *arguments: Any, **options: Any) -> Any:
    with _app(root) as app:
        return app.service("nexus").search(*arguments, **options)


@pytest.mark.guarantee(
    "nexus-06",
    "Every text is either exactly one reference, which prints back as it was written, or is "
    "refused with exit 73.",
)
@given(
    st.one_of(
        st.text(max_size=80),
        st.from_regex(r"\A(?:[.*]|@?[a-z0-9_-]{0,70})?:?[Tt][0-9]{0,20}\n?\Z"),
    )
)
def test_a_text_is_one_reference_or_none(text: str) -> None:
    found = _parsed(text)
    if found is None:
        return
    before, colon, task = text.rpartition(":")
    assert str(found) == f"{before}{colon}T{task[1:]}"
    assert parse_reference(str(found), wildcard=True) == found


@pytest.mark.parametrize(
    ("text", "project", "task"),
    [
        ("T1", None, "T1"),
        ("t001", None, "T001"),
        (".:T1", ".", "T1"),
        ("web-2:T12", "web-2", "T12"),
        ("@0000-aaaa:T1", "@0000-aaaa", "T1"),
        ("*:T1", "*", "T1"),
    ],
)
def test_the_forms_of_a_reference(text: str, project: str | None, task: str) -> None:
    found = parse_reference(text, wildcard=True)
    assert (found.project, found.task) == (project, task)


@pytest.mark.parametrize(
    "text",
    [
        *("", "T", "1", "web", "web:", ":T1", "Web:T1", "-web:T1", "@short:T1", "web:T1 "),
        *("a:b:T1", 7, None, "T1\n", "T" + "9" * 19, "T\u0661"),
    ],
)
def test_what_is_no_reference(text: Any) -> None:
    with pytest.raises(NexusError) as refused:
        parse_reference(text)
    assert refused.value.exit == 73


def test_every_project_is_no_answer_where_one_is_needed() -> None:
    with pytest.raises(NexusError) as refused:
        parse_reference("*:T001")
    assert refused.value.exit == 77


def test_a_reference_leads_to_the_task_of_its_project(project: Callable[..., Path]) -> None:
    web = project("web", "Fix the parser")
    project("api", "Serve it")
    with _app(web) as app:
        nexus = app.service("nexus")
        assert [one.title for one in nexus.resolve("api:t1").matches] == ["Serve it"]
        assert [one.ref for one in nexus.resolve("T001").matches] == ["web:T001"]
        id_ = nexus.show("api").id
        assert [one.ref for one in nexus.resolve(f"@{id_}:T001").matches] == ["api:T001"]
        everywhere = nexus.resolve("*:T001")
        assert [one.ref for one in everywhere.matches] == ["api:T001", "web:T001"]
        assert (everywhere.searched, everywhere.complete) == (2, True)
        for reference, exit_ in {"api:T9": 4, "*:T9": 4, "none:T1": 71, "T": 73}.items():
            with pytest.raises(CleoError) as refused:
                nexus.resolve(reference)
            assert refused.value.exit == exit_


def test_a_variable_names_the_current_project(
    project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    web = project("web", "Fix the parser")
    project("api", "Serve it")
    monkeypatch.setenv("NEXUS_CURRENT_PROJECT", "api")
    with _app(web) as app:
        assert [one.ref for one in app.service("nexus").resolve("T1").matches] == ["api:T001"]
    monkeypatch.setenv("NEXUS_CURRENT_PROJECT", "gone")
    with _app(web) as app, pytest.raises(NexusError) as refused:
        app.service("nexus").resolve("T1")
    assert refused.value.exit == 71


def test_what_is_found_is_merged_by_how_well_it_was_found(project: Callable[..., Path]) -> None:
    web = project("web", "parser", "the parser of the editor", "nothing")
    project("api", "an editor and its parser", "parser")
    found, page = _search(web, "parser")
    assert [one.ref for one in found.matches[:2]] == ["api:T002", "web:T001"]
    assert {one.arm for one in found.matches[:2]} == {"title"}
    assert {one.ref for one in found.matches[2:]} == {"web:T002", "api:T001"}
    assert (page.total, found.searched, found.complete) == (4, 2, True)
    again, page = _search(web, "parser", limit=2, offset=1)
    assert [one.ref for one in again.matches] == [one.ref for one in found.matches[1:3]]
    assert page.total == 4
    assert [one.ref for one in _search(web, "parser", projects=["api"])[0].matches] == [
        "api:T002",
        "api:T001",
    ]
    assert _search(web, "parser", status=["done"])[0].matches == []
    assert [one.ref for one in _search(web, "*:T002")[0].matches] == ["api:T002", "web:T002"]


def test_a_wrong_status_is_the_callers_mistake(project: Callable[..., Path]) -> None:
    web = project("web", "parser")
    with pytest.raises(CleoError) as refused:
        _search(web, "parser", status=["nope"])
    assert refused.value.exit == 2
    assert _search(web, "*:T001", status=["done"])[0].matches == []


def test_some_of_the_words_count_only_where_no_project_has_all(
    project: Callable[..., Path],
) -> None:
    web = project("web", "the parser of the editor")
    project("api", "a parser alone")
    found, page = _search(web, "parser editor")
    assert [one.ref for one in found.matches] == ["web:T001"]
    assert page.total == 1
    found, page = _search(web, "parser nonsense")
    assert {one.ref for one in found.matches} == {"web:T001", "api:T001"}
    assert {one.arm for one in found.matches} == {"any"}
    assert page.total == 2


def test_what_tasks_have_in_common(project: Callable[..., Path]) -> None:
    web = project("web")
    api = project("api")
    with _app(web) as app:
        tasks = app.service("tasks")
        tasks.add("One", labels=["parser", "speed"], description="Make the parser quick")
        tasks.add("Two", labels=["parser"])
    with _app(api) as app:
        tasks = app.service("tasks")
        tasks.add("Near", labels=["parser", "speed", "lexer", "tests"])
        tasks.add("Said", description="The PARSER was quick, and we make it slow!")
        tasks.add("Far", labels=["docs"], description="Write")
    with _app(web) as app:
        nexus = app.service("nexus")
        found, page = nexus.discover("T001")
        assert [(one.ref, one.score) for one in found.matches] == [
            ("api:T002", 0.75),
            ("api:T001", 0.5),
        ]
        assert (page.total, found.complete) == (2, True)
        assert [one.score for one in nexus.discover("T001", method="labels")[0].matches] == [0.5]
        assert nexus.discover("T001", method="files")[0].matches == []
        assert [one.ref for one in nexus.discover("api:T1")[0].matches] == ["web:T001", "web:T002"]
        for reference, exit_ in {"T9": 4, "*:T1": 77, "no:T1": 71}.items():
            with pytest.raises(CleoError) as refused:
                nexus.discover(reference)
            assert refused.value.exit == exit_


@pytest.mark.guarantee(
    "nexus-14",
    "A search in every project returns what can be found, names the projects that cannot be "
    "asked, never has more than four files open, and leaves nothing beside any of them.",
)
def test_projects_that_cannot_be_asked_are_named_and_hold_nobody_up(
    project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = {
        name: project(name, f"parser of {name}")
        for name in ("ahead", "behind", "broken", "busy", "fine", "foreign", "gone", "other", "zoo")
    }
    files = {name: root / ".cleo" / "tasks.db" for name, root in roots.items()}
    for name in ("ahead", "behind"):
        number = "9999" if name == "ahead" else "0000"
        with contextlib.closing(driver().connect(files[name])) as connection, connection:
            connection.execute(f"UPDATE alembic_version_tasks SET version_num = 'tasks_{number}'")
    files["broken"].write_bytes(b"these bytes are no database\n" * 200)
    shutil.copy(roots["fine"] / ".cleo" / "brain.db", files["foreign"])
    shutil.rmtree(roots["gone"])
    (roots["other"] / ".cleo" / "project-info.json").write_text(
        (roots["zoo"] / ".cleo" / "project-info.json").read_text()
    )
    roots |= _crowd(roots["fine"], 200 - len(roots))
    open_now: list[str] = []
    most = 0
    real_init, real_close = Database.__init__, Database.close

    def init(self: Any, path: str, *arguments: Any, **options: Any) -> None:
        nonlocal most
        real_init(self, path, *arguments, **options)
        if path.endswith("tasks.db"):
            open_now.append(path)
            most = max(most, len(open_now))

    def close(self: Any) -> None:
        real_close(self)
        if self.path in open_now:
            open_now.remove(self.path)

    monkeypatch.setattr(Database, "__init__", init)
    monkeypatch.setattr(Database, "close", close)
    before = {
        name: sorted(os.listdir(root / ".cleo")) for name, root in roots.items() if root.exists()
    }
    with contextlib.closing(driver().connect(files["busy"], isolation_level=None)) as holder:
        holder.execute("PRAGMA journal_mode=DELETE")
        holder.execute("BEGIN EXCLUSIVE")
        found, page = _search(roots["fine"], "parser", limit=200, timeout=120)
        holder.execute("ROLLBACK")
        holder.execute("PRAGMA journal_mode=WAL")
    answered = [name for name in sorted(roots) if name.startswith(("crowd", "fine", "zoo"))]
    assert [one.ref for one in found.matches] == [f"{name}:T001" for name in answered]
    assert {one.project: one.reason for one in found.skipped} == {
        "ahead": "ahead",
        "behind": "behind",
        "broken": "broken",
        "busy": "busy",
        "foreign": "foreign",
        "gone": "unreachable",
        "other": "unreachable",
    }
    assert (page.total, found.searched, found.complete) == (193, 193, False)
    assert 1 <= most <= 4
    assert open_now == []
    for name, listed in before.items():
        if name != "busy":
            assert sorted(os.listdir(roots[name] / ".cleo")) == listed, name


def test_what_was_not_asked_is_told_and_is_no_failure(
    project: Callable[..., Path], cleo_cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    web = project("web", "parser")
    shutil.rmtree(project("gone"))
    monkeypatch.chdir(web)
    found = cleo_cli("nexus", "search", "parser")
    assert (found.code, found.data["complete"]) == (0, False)
    assert found.data["skipped"] == [{"project": "gone", "reason": "unreachable"}]
    assert [one["code"] for one in found.envelope["meta"]["warnings"]] == ["W_NEXUS_INCOMPLETE"]
    assert cleo_cli("nexus", "resolve", "*:T9").code == 0


def test_a_project_that_takes_too_long_is_left(
    project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    web = project("web", "parser")
    project("slow", "parser")
    monkeypatch.setattr(fanning, "LEAST_SHARE", 0.05)

    def endless(self: Any, query: str, **options: Any) -> Any:
        if "slow" not in self.app.project.root:
            return [], searching.Page(20, 0, 0)
        return self.db.scalar(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        )

    from cleo_tasks.service.search import SearchVerbs

    monkeypatch.setattr(SearchVerbs, "find", endless)
    found, _ = _search(web, "parser", timeout=0.2)
    assert [(one.project, one.reason) for one in found.skipped] == [("slow", "slow")]
    assert found.searched == 1


def test_what_comes_after_the_time_is_over_is_named(
    project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    web = project("web", "parser")
    project("zoo", "parser")
    now = [0.0]
    monkeypatch.setattr(fanning.time, "monotonic", lambda: now.__setitem__(0, now[0] + 3) or now[0])
    found, _ = _search(web, "parser", timeout=5)
    assert {one.reason for one in found.skipped} <= {"timeout", "slow"}
    assert found.skipped
    assert not found.complete


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), True, "10"])
def test_a_time_that_is_none(project: Callable[..., Path], timeout: Any) -> None:
    web = project("web")
    with pytest.raises(CleoError) as refused:
        _search(web, "parser", timeout=timeout)
    assert refused.value.exit == 2


@pytest.mark.guarantee(
    "nexus-15", "Looking into other projects changes no byte of them, and migrates nothing."
)
def test_looking_into_projects_leaves_them_as_they_are(project: Callable[..., Path]) -> None:
    web = project("web", "parser")
    api = project("api", "parser")
    behind = project("behind", "parser")
    with contextlib.closing(driver().connect(behind / ".cleo" / "tasks.db")) as old, old:
        old.execute("UPDATE alembic_version_tasks SET version_num = 'tasks_0000'")

    def everything() -> dict[Path, bytes]:
        return {
            path: path.read_bytes()
            for root in (web, api, behind)
            for path in sorted(root.rglob("*"))
            if path.is_file() and path.parent.name != "locks"
        }

    before = everything()
    with _app(web) as app:
        nexus = app.service("nexus")
        assert nexus.search("parser")[0].searched == 2
        nexus.resolve("*:T001")
        nexus.resolve("api:T001")
        nexus.discover("T001")
    assert everything() == before


def test_without_tasks_there_is_nothing_to_look_into(
    project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    web = project("web")
    monkeypatch.setenv("CLEO_DISABLE_PLUGINS", "tasks")
    for verb in ("search", "resolve"):
        with _app(web) as app, pytest.raises(CleoError) as refused:
            getattr(app.service("nexus"), verb)("T001")
        assert refused.value.exit == 5


def test_a_registered_project_without_tasks_has_none(project: Callable[..., Path]) -> None:
    web = project("web", "parser")
    (project("bare") / ".cleo" / "tasks.db").unlink()
    found, page = _search(web, "parser")
    assert ([one.ref for one in found.matches], page.total) == (["web:T001"], 1)
    assert (found.searched, found.complete) == (2, True)
    with _app(web) as app, pytest.raises(CleoError) as refused:
        app.service("nexus").resolve("bare:T001")
    assert refused.value.exit == 4


def test_the_way_out_of_a_file_elsewhere_leads_there(
    project: Callable[..., Path], cleo_cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    web, api = project("web", "parser"), project("api", "parser")
    monkeypatch.chdir(web)
    missing = cleo_cli("nexus", "resolve", "api:T009").error
    assert (missing["exit"], missing["fix"]) == (4, f"cleo list --project {api}")
    with contextlib.closing(driver().connect(api / ".cleo" / "tasks.db")) as connection:
        connection.execute("UPDATE alembic_version_tasks SET version_num = 'tasks_0000'")
        connection.commit()
    for words in (("resolve", "api:T001"), ("deps", "show", "api:T001")):
        error = cleo_cli("nexus", *words).error
        assert (error["exit"], error["fix"].endswith(f" --project {api}")) == (50, True)
    shutil.rmtree(api)
    error = cleo_cli("nexus", "resolve", "api:T001").error
    assert (error["exit"], error["fix"]) == (3, "cleo nexus scan")
    assert cleo_cli(*error["fix"].split()[1:], str(web.parent)).code == 0
