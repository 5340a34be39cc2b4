"""``import github``: issues as the command line prints them and as the REST interface answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

AT = "2026-01-16T07:21:09Z"
#: The same instant as it is stored.
STORED = "2026-01-16T07:21:09.000Z"


def url(number: int, kind: str = "issues") -> str:
    return f"https://github.com/acme/tool/{kind}/{number}"


def issue(number: int = 1, **fields: Any) -> dict[str, Any]:
    """One issue as ``gh issue list --json`` prints it."""
    return {
        "number": number,
        "title": f"Issue {number}",
        "state": "OPEN",
        "url": url(number),
        "createdAt": AT,
        "updatedAt": AT,
        **fields,
    }


def rest(number: int = 1, **fields: Any) -> dict[str, Any]:
    """One issue as the REST interface answers."""
    return {
        "number": number,
        "title": f"Issue {number}",
        "state": "open",
        "url": f"https://api.github.com/repos/acme/tool/issues/{number}",
        "html_url": url(number),
        "created_at": AT,
        "updated_at": AT,
        **fields,
    }


def numbered(row: dict[str, Any], number: int) -> dict[str, Any]:
    """The same issue under another number."""
    text = json.dumps(row).replace('/issues/1"', f'/issues/{number}"')
    found: dict[str, Any] = json.loads(text)
    return {**found, "number": number} if "number" in found else found


@pytest.fixture
def write(cleo_home: Path) -> Callable[..., str]:
    def make(*rows: Any, name: str = "issues.json") -> str:
        path = cleo_home / name
        path.write_text(json.dumps(rows))
        return str(path)

    return make


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    return cleo_app.service("tasks")


def kept(found: Any) -> dict[str, Any]:
    rest: dict[str, Any] = found.metadata.get("import", {}).get("github", {})
    return rest


COMMENT = {"author": {"login": "bob"}, "body": "Hm.\n…", "createdAt": AT}
NOTE = {"at": STORED, "by": "bob", "text": "Hm.\n…"}

# one issue -> columns of its task
MAPPED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (issue(title="Say it", body="Why."), {"title": "Say it", "description": "Why."}),
    (rest(title="Say it", body=None), {"title": "Say it", "description": None}),
    (issue(), {"status": "pending", "role": "work", "priority": "medium", "created_at": STORED}),
    (rest(), {"status": "pending", "created_at": STORED, "updated_at": STORED}),
    (
        issue(state="CLOSED", stateReason="COMPLETED", closedAt="2026-02-01T00:00:00Z"),
        {"status": "done", "completed_at": "2026-02-01T00:00:00.000Z"},
    ),
    (issue(state="CLOSED", stateReason=""), {"status": "done", "completed_at": STORED}),
    (
        issue(state="CLOSED", stateReason="NOT_PLANNED", closedAt="2026-02-01T00:00:00Z"),
        {
            "status": "cancelled",
            "cancelled_at": "2026-02-01T00:00:00.000Z",
            "cancellation_reason": "not planned",
        },
    ),
    (
        rest(state="closed", state_reason="completed", closed_at="2026-02-01T00:00:00Z"),
        {"status": "done", "completed_at": "2026-02-01T00:00:00.000Z"},
    ),
    (rest(state="closed", state_reason=None), {"status": "done"}),
    (
        rest(state="closed", state_reason="not_planned", closed_at="2026-02-01T00:00:00Z"),
        {"status": "cancelled", "cancelled_at": "2026-02-01T00:00:00.000Z"},
    ),
    (
        rest(state="closed", state_reason="duplicate"),
        {"status": "cancelled", "cancellation_reason": "duplicate"},
    ),
    (
        issue(labels=[{"name": "Good First Issue"}, {"name": "bug"}]),
        {"labels": ["bug", "good-first-issue"], "role": "bug"},
    ),
    (rest(labels=["bug", {"name": "ui"}]), {"labels": ["bug", "ui"], "role": "bug"}),
    (issue(labels=[{"name": "priority:critical"}]), {"priority": "critical"}),
    (issue(labels=[{"name": "Priority: High"}]), {"priority": "high"}),
    (issue(labels=[{"name": "priority:medium"}]), {"priority": "medium"}),
    (issue(labels=[{"name": "priority:low"}]), {"priority": "low", "labels": ["priority:low"]}),
    (issue(labels=[{"name": "P0"}]), {"priority": "critical", "labels": ["p0"]}),
    (issue(labels=[{"name": "P1"}]), {"priority": "high"}),
    (issue(labels=[{"name": "P2"}]), {"priority": "medium"}),
    (issue(labels=[{"name": "P3"}]), {"priority": "low"}),
    (issue(labels=[{"name": "priority:soon"}, {"name": "p1"}]), {"priority": "high"}),
    (
        issue(assignees=[{"login": "ada"}, {"login": "bob"}], author={"login": "eve"}),
        {"assignee": "ada", "claimed_at": STORED, "created_by": "eve"},
    ),
    (
        rest(assignees=[{"login": "ada"}], user={"login": "eve"}),
        {"assignee": "ada", "created_by": "eve"},
    ),
    (rest(assignee={"login": "ada"}), {"assignee": "ada"}),
    (issue(assignees=[], author=None), {"assignee": None}),
    (issue(milestone={"title": "Version 1.0"}), {"phase": "version-1-0"}),
    (rest(milestone=None), {"phase": None}),
    (issue(comments=[COMMENT]), {"notes": [NOTE]}),
    (
        rest(comments=[{"user": {"login": "bob"}, "body": "Hm.\n…", "created_at": AT}]),
        {"notes": [NOTE]},
    ),
    (rest(comments=3), {"notes": []}),
]

API = "https://api.github.com/repos/acme/tool/issues/1"

# one issue -> what is kept beside the columns
KEPT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (issue(), {}),
    (
        rest(id=7, node_id="I_1", locked=False),
        {"url": API, "id": 7, "node_id": "I_1", "locked": False},
    ),
    (rest(comments=3), {"url": API, "comments": 3}),
    (issue(state="CLOSED", stateReason="COMPLETED"), {}),
    (issue(stateReason="REOPENED"), {"stateReason": "REOPENED"}),
    (issue(state="CLOSED", stateReason="NEWLY"), {"stateReason": "NEWLY"}),
    (issue(state="TRIAGED"), {"state": "TRIAGED"}),
    (issue(labels=[{"name": "UI"}]), {"labels": ["UI"]}),
    (issue(labels=[{"name": "ui"}]), {}),
    (
        issue(labels=[{"name": "ui", "color": "d73a4a"}]),
        {"labels": [{"name": "ui", "color": "d73a4a"}]},
    ),
    (issue(assignees=[{"login": "ada"}]), {}),
    (
        issue(assignees=[{"login": "ada"}, {"login": "bob"}]),
        {"assignees": [{"login": "ada"}, {"login": "bob"}]},
    ),
    (
        issue(author={"login": "eve", "is_bot": False}),
        {"author": {"login": "eve", "is_bot": False}},
    ),
    (issue(milestone={"title": "v1"}), {}),
    (
        issue(milestone={"title": "v1", "dueOn": None, "number": 2}),
        {"milestone": {"title": "v1", "dueOn": None, "number": 2}},
    ),
    (issue(milestone={"title": "V 1"}), {"milestone": "V 1"}),
    (
        issue(comments=[{**COMMENT, "id": "IC_1", "isMinimized": False}]),
        {"comments": [{"id": "IC_1", "isMinimized": False}]},
    ),
    (issue(comments=["text"]), {"comments": ["text"]}),
    (issue(isPinned=True, reactionGroups=[]), {"isPinned": True, "reactionGroups": []}),
    (issue(parent=9), {"parent": "acme/tool#9"}),
    (issue(parent={"name": "odd"}), {"parent": {"name": "odd"}}),
    (issue(blockedBy=[{"number": 9, "title": "x"}]), {"blockedBy": [{"number": 9, "title": "x"}]}),
    (issue(blockedBy=[None, "?"]), {"blockedBy": [None, "?"]}),
    (issue(blockedBy={"nodes": [], "totalCount": 0}), {}),
    (issue(blockedBy="no list"), {"blockedBy": "no list"}),
]


@pytest.mark.guarantee("tasks-29", "Every value of a GitHub issue has its place in the task.")
def test_each_field_has_its_place(write: Any, tasks: Any) -> None:
    result = tasks.import_github(
        write(*(numbered(fields, number) for number, (fields, _) in enumerate(MAPPED, 1000)))
    )
    assert (result.imported, result.reasons) == (len(MAPPED), {})
    for number, (fields, columns) in enumerate(MAPPED, 1):
        found = tasks.show(f"T{number:03d}")[0]
        assert {name: getattr(found, name) for name in columns} == columns, fields


@pytest.mark.guarantee("tasks-29", "What no column has of a GitHub issue is found in its metadata.")
def test_the_rest_is_kept(write: Any, tasks: Any) -> None:
    tasks.import_github(
        write(*(numbered(fields, number) for number, (fields, _) in enumerate(KEPT, 1000)))
    )
    for number, (fields, rest_) in enumerate(KEPT, 1):
        assert kept(tasks.show(f"T{number:03d}")[0]) == numbered(rest_, number + 999), fields


@pytest.mark.parametrize(
    "row",
    [
        rest(2, pull_request={"url": "x"}),
        issue(2, isPullRequest=True),
        issue(2, url=url(2, "pull")),
    ],
)
def test_pull_requests_are_left_out(row: dict[str, Any], write: Any, tasks: Any) -> None:
    result = tasks.import_github(write(issue(), row))
    assert (result.imported, result.reasons) == (1, {"pull request": 1})


@pytest.mark.parametrize(
    ("row", "id_", "address"),
    [
        (issue(12), "acme/tool#12", url(12)),
        (rest(12), "acme/tool#12", url(12)),
        (
            rest(12, html_url=None),
            "acme/tool#12",
            "https://api.github.com/repos/acme/tool/issues/12",
        ),
        ({**issue(12), "number": None}, "acme/tool#12", url(12)),
        (
            issue(5, url="https://git.acme.org/a-b/c.d/issues/5#x"),
            "a-b/c.d#5",
            "https://git.acme.org/a-b/c.d/issues/5#x",
        ),
    ],
)
def test_the_address_gives_the_id_and_is_kept(
    row: dict[str, Any], id_: str, address: str, write: Any, tasks: Any
) -> None:
    tasks.import_github(write(row))
    [link], _ = tasks.link_list("T001")
    assert (link.provider_id, link.external_id, link.external_url) == ("github", id_, address)
    assert (link.link_type, link.external_title) == ("created", f"Issue {row['number'] or 12}")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (issue(2, url=None), "url or html_url must be an issue's address"),
        (issue(2, url="https://example.org/2"), "url or html_url must be an issue's address"),
        ({**issue(2), "number": 3}, "number 3 is not that of the address"),
        (issue(2, labels=[1]), "labels must be texts or objects with a name"),
        (issue(2, comments=[{"body": 1}]), "a comment's body must be text"),
        (issue(2, body=["x"]), "body must be text, not a list"),
        ("text", "text where an object was expected"),
    ],
)
def test_a_row_that_cannot_be_understood_is_skipped_and_named(
    row: Any, message: str, write: Any, tasks: Any
) -> None:
    result = tasks.import_github(write(issue(), row))
    assert (result.imported, result.skipped) == (1, 1)
    assert result.problems[0]["message"] == message


def test_parents_and_blockers_in_each_of_their_spellings(write: Any, tasks: Any) -> None:
    path = write(
        issue(1),
        issue(2, parent={"number": 1, "title": "Issue 1", "url": url(1)}),
        rest(3, parent_issue_url="https://api.github.com/repos/acme/tool/issues/1"),
        issue(4, parent=1, blockedBy={"nodes": [{"number": 2}, {"url": url(3)}], "totalCount": 2}),
        issue(5, parent="acme/tool#1", blockedBy=["#4", 3, url(2)]),
        issue(6, blockedBy=[{"number": 5, "repository": {"nameWithOwner": "acme/tool"}}]),
        issue(7, blockedBy=[{"number": 5, "repository": {"nameWithOwner": "acme/other"}}]),
    )
    result = tasks.import_github(path)
    assert (result.imported, result.edges["parents"], result.edges["dependencies"]) == (7, 4, 6)
    assert result.edges["skipped"] == {"missing_target": 1}
    by_title = {one.title: one for one in tasks.show(*(f"T00{number}" for number in range(1, 8)))}
    top = by_title["Issue 1"].id
    assert {by_title[f"Issue {number}"].parent_id for number in (2, 3, 4, 5)} == {top}
    waits = [by_title[one].id for one in ("Issue 2", "Issue 3")]
    assert by_title["Issue 4"].depends_on == waits
    assert by_title["Issue 5"].depends_on == [*waits, by_title["Issue 4"].id]


def test_lines_and_the_answer_to_a_search_are_read_too(cleo_home: Path, tasks: Any) -> None:
    path = cleo_home / "issues.json"
    path.write_text(json.dumps(issue(1)) + "\n" + json.dumps(issue(2)) + "\n")
    assert tasks.import_github(str(path)).imported == 2
    for text in (
        {"total_count": 2, "incomplete_results": False, "items": [rest(1), rest(3)]},
        {"items": [rest(1), rest(3)]},
    ):
        path.write_text(json.dumps(text))
        assert tasks.import_github(str(path)).read == 2


def test_nobody_holds_the_tasks_when_that_is_not_wanted(
    write: Any, cleo_cli: Cli, tasks: Any
) -> None:
    path = write(issue(1, assignees=[{"login": "ada"}]))
    assert cleo_cli("import", "github", path, "--no-assignee").data["imported"] == 1
    found = tasks.show("T001")[0]
    assert (found.assignee, kept(found)) == (None, {"assignees": [{"login": "ada"}]})


def test_milestones_become_phases_once(write: Any, tasks: Any, cleo_cli: Cli) -> None:
    path = write(*(issue(number, milestone={"title": "Version 1"}) for number in (1, 2)))
    assert tasks.import_github(path).phases == 1
    assert len(cleo_cli("list", "--phase", "version-1").data) == 2


def test_a_closed_parent_of_open_work_is_opened(write: Any, tasks: Any) -> None:
    path = write(issue(1, state="CLOSED", closedAt=AT), issue(2, parent=1))
    assert tasks.import_github(path).adjusted == {"parent_reopened": 1}
    assert kept(tasks.show("T001")[0]) == {"state": "CLOSED", "closedAt": AT}


class TestCapitals:
    """GitHub takes names of owners and repositories alike in any case of their letters."""

    LOUD = "https://github.com/Acme/TOOL/issues/"

    @staticmethod
    def lines(write: Any, row: dict[str, Any]) -> str:
        """A file in the form of any tracker's records."""
        path = Path(write())
        path.write_text(json.dumps(row) + "\n")
        return str(path)

    @pytest.fixture
    def of_old(self, tasks: Any, cleo_app: App) -> Callable[[int], str]:
        """A link that was stored with capitals; gives its id."""

        def make(number: int) -> str:
            id_: str = tasks.link_add(
                tasks.add(f"Old {number}").task.id, self.LOUD + str(number), type="matched"
            ).link.task_id

            def body(unit: Any) -> None:
                unit.execute(
                    "UPDATE external_task_links SET external_id = :new WHERE task_id = :task",
                    new=f"Acme/TOOL#{number}",
                    task=id_,
                )

            cleo_app.write("tasks", body)
            return id_

        return make

    def test_an_issue_is_the_same_in_capitals(self, tasks: Any, write: Any) -> None:
        loud = issue(1, url=f"{self.LOUD}1"), issue(2, url=f"{self.LOUD}2", parent={"number": 1})
        assert tasks.import_github(write(*loud)).imported == 2
        assert [one.external_id for one in tasks.link_list()[0]] == ["acme/tool#1", "acme/tool#2"]
        assert tasks.show("T002")[0].parent_id == "T001"
        still = issue(1), issue(2, parent={"number": 1})
        assert tasks.import_github(write(*still)).reasons == {"changed": 2}
        assert tasks.import_github(write(issue(1), loud[0])).reasons["duplicate id"] == 1
        again = tasks.link_add("T001", "Acme/Tool#1", "github")
        assert (again.created, again.link.external_id) == (False, "acme/tool#1")
        generic = {"external_id": "ACME/tool#2", "title": "Issue 2", "status": "open"}
        result = tasks.link_reconcile("github", self.lines(write, generic))
        assert (result.counts["create"], result.absent) == (0, 1)

    def test_what_cannot_be_linked_is_kept_as_it_was_written(self, tasks: Any, write: Any) -> None:
        tasks.import_github(write(issue(1, parent={"url": f"{self.LOUD}7"})))
        assert kept(tasks.show("T001")[0]) == {"parent": "Acme/TOOL#7"}

    def test_links_that_were_stored_with_capitals_are_found(
        self, of_old: Any, tasks: Any, write: Any
    ) -> None:
        old = of_old(1)
        file = write(issue(1, title="New"), issue(2, blockedBy=[{"number": 1}]))
        result = tasks.import_github(file, update=True)
        assert (result.imported, result.updated) == (1, 1)
        assert tasks.show(old)[0].title == "New"
        assert tasks.show("T002")[0].depends_on == [old]
        outside = write(issue(3, blockedBy=[{"number": 1}]))
        tasks.import_github(outside)
        assert tasks.show("T003")[0].depends_on == [old]
        generic = {"external_id": "acme/TOOL#1", "title": "Newer", "status": "open"}
        reconciled = tasks.link_reconcile("github", self.lines(write, generic))
        assert (reconciled.counts["create"], reconciled.absent) == (0, 2)
        assert tasks.show(old)[0].title == "Newer"
        assert tasks.link_add(old, "https://github.com/acme/tool/issues/1").created is False
        with pytest.raises(CleoError) as error:
            tasks.link_add("T002", "acme/tool#1", "github")
        assert error.value.details["task"] == old
        [removed] = tasks.link_remove(old, "acme/tool#1").removed
        assert removed.external_id == "Acme/TOOL#1"

    def test_of_two_spellings_that_were_stored_the_small_one_counts(
        self, of_old: Any, tasks: Any, write: Any
    ) -> None:
        loud, small = of_old(1), of_old(2)
        tasks.link_remove(small, "Acme/TOOL#2")
        with pytest.raises(CleoError):
            tasks.link_add(small, "acme/tool#1", "github")
        tasks.link_remove(loud, "acme/tool#1")
        tasks.link_add(small, "acme/tool#1", "github", type="matched")
        assert tasks.import_github(write(issue(1))).reasons == {"changed": 1}
        assert tasks.import_github(write(issue(1, title="New")), update=True).updated == 1
        assert tasks.show(small)[0].title == "New"

    def test_a_link_that_an_export_brings_gives_way_to_one_with_capitals(
        self, of_old: Any, tasks: Any, cleo_cli: Cli, cleo_home: Path
    ) -> None:
        other = cleo_home / "other"
        other.mkdir()
        cleo_cli("init", "other", cwd=other)
        cleo_cli("add", "There", cwd=other)
        cleo_cli("link", "add", "T001", "ACME/tool#1", "--provider", "github", cwd=other)
        cleo_cli("link", "add", "T001", "Acme/tool#5", "--provider", "github", cwd=other)
        file = str(cleo_home / "all.jsonl")
        assert cleo_cli("export", "--output", file, "--include-links", cwd=other).code == 0
        of_old(1)
        tasks.import_jsonl(file, on_conflict="remap")
        found = {(one.task_id, one.external_id) for one in tasks.link_list(provider="github")[0]}
        assert found == {("T001", "Acme/TOOL#1"), ("T002", "acme/tool#5")}

    def test_other_trackers_tell_capitals_apart(self, tasks: Any) -> None:
        tasks.add("One")
        assert tasks.link_add("T001", "A-1", "jira").created
        assert tasks.link_add("T001", "a-1", "jira").created
