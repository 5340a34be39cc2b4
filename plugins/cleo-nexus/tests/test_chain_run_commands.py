"""The commands of instances, as they are typed and as they answer."""

from __future__ import annotations

import json
import runpy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cleo_nexus.service.checking_chains import check_chains

_courses = runpy.run_path(str(Path(__file__).with_name("courses.py")))
Courses, refused, verified = (_courses[name] for name in ("Courses", "refused", "verified"))
stage, link, chain, behind = (_courses[name] for name in ("stage", "link", "chain", "behind"))


@pytest.fixture
def courses(cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    folder = cleo_home / "projects"
    folder.mkdir()
    made = Courses(folder)
    made.once("web", lambda: made.project("web", titles=2))
    monkeypatch.chdir(made.root("web"))
    yield made
    made.close()


def test_an_instance_from_the_first_command_to_the_last(courses: Any, cleo_cli: Any) -> None:
    courses.chains.chain_add(chain("a", "b", gates=[verified("g", "a", canForce=True)]))
    made = cleo_cli("chain", "instantiate", "work", "T001", "--task", "b=web:T2", agent="ada").data
    id_ = made["id"]
    assert made["epic"] == {
        "ref": "web:T001",
        "projectId": courses.id("web"),
        "taskId": "T001",
    }
    assert made["stageToTask"]["b"]["ref"] == "web:T002"
    assert {key: made[key] for key in ("status", "attempt", "activeStages", "createdBy")} == {
        "status": "pending",
        "attempt": 1,
        "activeStages": ["a"],
        "createdBy": "ada",
    }
    checked = cleo_cli("chain", "check", id_)
    assert checked.data["moves"] == []
    assert [one["outcome"] for one in checked.data["gates"]] == ["failed"]
    blocked = cleo_cli("chain", "advance", id_)
    assert blocked.code == 79
    assert blocked.error["details"]["gates"][0]["gateId"] == "g"
    forced = cleo_cli("chain", "advance", id_, "--force", "g", "--reason", "seen by two").data
    assert forced["moves"][0]["forced"] == ["g"]
    assert cleo_cli("chain", "advance", id_, "--dry-run").data["instance"]["status"] == "completed"
    assert cleo_cli("chain", "status", id_).data["status"] == "active"
    assert cleo_cli("chain", "run", id_).data["instance"]["status"] == "completed"
    history = cleo_cli("chain", "history", id_, "--limit", "2")
    assert [one["type"] for one in history.data] == ["created", "entered"]
    assert (history.page["total"], history.page["hasMore"]) == (8, True)
    found = cleo_cli("chain", "status", id_).data
    assert found["gateResults"][0] == {
        "gateId": "g",
        "stageId": "a",
        "outcome": "failed",
        "forced": True,
        "message": "implemented of web:T001 has not passed in round 1.",
        "evaluatedAt": found["gateResults"][0]["evaluatedAt"],
    }
    actions = courses.rows(
        "SELECT action, success, error_code FROM nexus_audit_log WHERE action LIKE '%.chain.%' "
        "AND action NOT LIKE '%add' ORDER BY seq"
    )
    assert actions == [
        ("nexus.chain.instantiate", 1, None),
        ("nexus.chain.advance", 0, "E_GATE_BLOCKED"),
        ("nexus.chain.advance", 1, None),
        ("nexus.chain.run", 1, None),
    ]


def test_instances_are_listed_by_status_and_epic_the_newest_first(
    courses: Any, cleo_cli: Any
) -> None:
    assert cleo_cli("chain", "instances").data == []
    assert "There is no such instance" in cleo_cli("chain", "instances", "--human").out
    first = courses.start(chain("a", "b"))
    second = courses.start("work", "web:T002")
    third = courses.start("work")
    courses.chains.chain_fail(third, reason="because")
    listed = cleo_cli("chain", "instances", "--limit", "2")
    assert [one["id"] for one in listed.data] == [third, second]
    assert listed.page["total"] == 3
    for options, ids in (
        (("--status", "failed"), [third]),
        (("--epic", "T001"), [third, first]),
        (("--epic", "web:t2", "--status", "pending"), [second]),
        (("--epic", "T001", "--offset", "1"), [first]),
    ):
        found = cleo_cli("chain", "instances", *options, "--quiet").out.split()
        assert found == ids, options
    assert cleo_cli("chain", "instances", "--epic", "T099").error["exit"] == 4
    assert refused(courses.chains.chain_instances, status="gone").exit == 2
    for purge in (False, True):
        courses.tasks("web").delete("T002", purge=purge)
    gone = cleo_cli("chain", "instances", "--epic", "T002", "--quiet").out.split()
    assert gone == [second], "an epic that is gone is known by its instances"


def test_a_key_gives_the_same_instance_again(courses: Any, cleo_cli: Any) -> None:
    words = ("chain", "instantiate", "tessera-rcasd", "T001", "--idempotency-key", "k")
    first = cleo_cli(*words, "--var", "projectName=Web")
    assert cleo_cli(*words, "--var", "projectName=Web").data == first.data
    assert cleo_cli(*words, "--var", "projectName=Other").error["exit"] == 6
    assert cleo_cli("chain", "instances").page["total"] == 1


def test_values_of_variables_come_from_a_file_and_from_words(courses: Any, cleo_cli: Any) -> None:
    Path("values.json").write_text('{"projectName": "From a file", "skipResearch": true}')
    found = cleo_cli(
        *("chain", "instantiate", "tessera-rcasd", "T001", "--vars", "values.json"),
        *("--var", "skipResearch=false"),
    ).data
    assert found["variables"]["projectName"] == "From a file"
    assert found["variables"]["skipResearch"] is False
    assert found["variables"]["epicId"] == f"@{courses.id('web')}:T001"
    given = cleo_cli("chain", "instantiate", "tessera-rcasd", "T001", "--var", "epicId=web:T002")
    assert given.data["variables"]["epicId"] == "web:T002"


#: What no instance is made of, and the exit.
REFUSED: tuple[tuple[tuple[str, ...], int], ...] = (
    (("nothing", "T001"), 4),
    (("rcasd-ivtrc", "T099"), 4),
    (("rcasd-ivtrc", "api:T001"), 71),
    (("rcasd-ivtrc", "no reference"), 73),
    (("rcasd-ivtrc", "*:T001"), 77),
    (("rcasd-ivtrc", "T001", "--task", "testing=T099"), 4),
    (("rcasd-ivtrc", "T001", "--task", "nowhere=T002"), 6),
    (("rcasd-ivtrc", "T001", "--task", "testing"), 2),
    (("rcasd-ivtrc", "T001", "--task", "testing=T001", "--task", "testing=T002"), 2),
    (("rcasd-ivtrc", "T001", "--var", "size=1"), 6),
    (("rcasd-ivtrc", "T001", "--var", "=1"), 2),
    (("tessera-rcasd", "T001", "--var", "skipResearch=maybe"), 6),
    (("tessera-rcasd", "T001", "--vars", "missing.json"), 3),
    (("tessera-rcasd", "T001", "--vars", "list.json"), 2),
    (("tessera-rcasd", "T001", "--vars", "broken.json"), 2),
    (("tessera-rcasd", "T001", "--vars", "folder"), 2),
    (("tessera-rcasd", "T001", "--vars", "wrong.json"), 6),
)


def test_what_cannot_begin_is_refused_and_nothing_is_stored(courses: Any, cleo_cli: Any) -> None:
    Path("list.json").write_text("[]")
    Path("broken.json").write_text('{"a": NaN}')
    Path("wrong.json").write_text('{"skipResearch": "yes"}')
    Path("folder").mkdir()
    for words, exit_ in REFUSED:
        error = cleo_cli("chain", "instantiate", *words).error
        assert error["exit"] == exit_, (words, error)
        assert error["fix"]
    for table in ("warp_chains", "warp_chain_instances"):
        assert courses.rows(f"SELECT COUNT(*) FROM {table}") == [(0,)]


def test_before_anything_is_stored_there_is_nothing_to_show(
    cleo_cli: Any, cleo_home: Path, frozen_bytes: Any
) -> None:
    with frozen_bytes(cleo_home):
        assert cleo_cli("chain", "instances").page["total"] == 0
        assert cleo_cli("chain", "run", "--all").data == {"runs": [], "failed": []}
        for verb in ("status", "history", "check", "advance", "run", "resume"):
            assert cleo_cli("chain", verb, "wci-000000000000").error["exit"] == 4


def test_a_project_that_cannot_be_read_is_no_place_for_an_epic(courses: Any) -> None:
    courses.project("api", titles=1)
    courses.close()
    behind(courses.file("api"))
    error = refused(courses.start, chain("a"), "api:T001")
    assert (error.exit, error.code) == (5, "E_REFERENCE_UNKNOWN")


def test_an_instance_that_is_not_there_is_exit_4(courses: Any) -> None:
    chains = courses.chains
    why = {"reason": "because"}
    calls: tuple[Callable[[str], Any], ...] = (
        chains.chain_status,
        chains.chain_history,
        chains.chain_check,
        chains.chain_advance,
        lambda id_: chains.chain_skip(id_, "a", **why),
        chains.chain_run,
        lambda id_: chains.chain_fail(id_, **why),
        chains.chain_resume,
        lambda id_: chains.chain_cancel(id_, **why),
    )
    for id_ in ("wci-000000000000", "", "x" * 9999, "\0", "wci-\ud800", "T001"):
        for call in calls:
            assert refused(call, id_).exit == 4


def test_words_that_make_no_sense_are_usage_errors(courses: Any, cleo_cli: Any) -> None:
    chains = courses.chains
    id_ = courses.start(chain("a", "b"))
    for call in (
        lambda: chains.chain_status(None),
        lambda: chains.chain_advance(7),
        lambda: chains.chain_fail(id_),
        lambda: chains.chain_cancel(id_),
        lambda: chains.chain_history(id_, limit=0),
        lambda: chains.chain_instances(limit=True),
        lambda: chains.chain_instantiate("work", "web:T001", variables=[1]),
        lambda: chains.chain_instantiate("work", "web:T001", tasks={1: "T001"}),
        lambda: chains.chain_instantiate(7, "web:T001"),
        lambda: chains.chain_instantiate("work", "web:T001", words={"size": 1}),
    ):
        assert refused(call).exit == 2
    for words in ((), (id_, "--all")):
        assert cleo_cli("chain", "run", *words).error["exit"] == 2
    assert courses.chains.chain_status(id_).status == "pending"


def test_dry_runs_change_no_byte(
    courses: Any, cleo_cli: Any, cleo_home: Path, frozen_bytes: Any
) -> None:
    skippable = [stage("a", skippable=True), stage("b")]
    id_ = courses.start(chain(*skippable))
    failed = courses.start("work")
    courses.chains.chain_fail(failed, reason="because")
    courses.close()
    with frozen_bytes(cleo_home):
        for words, status in (
            (("instantiate", "rcasd-ivtrc", "T001"), "pending"),
            (("advance", id_), "active"),
            (("skip", id_, "a", "--reason", "because"), "active"),
            (("fail", id_, "--reason", "because"), "failed"),
            (("cancel", id_, "--reason", "because"), "cancelled"),
            (("resume", failed), "active"),
        ):
            found = cleo_cli("chain", *words, "--dry-run").data
            assert found.get("instance", found)["status"] == status, words


def test_people_read_where_an_instance_stands(courses: Any, cleo_cli: Any) -> None:
    links = [*(link("a", one, "fork") for one in "bc"), *(link(one, "d") for one in "bc")]
    gates = [verified("g", "c", canForce=True)]
    courses.chains.chain_add(chain(*"abcd", links=links, gates=gates))
    out = cleo_cli("chain", "instantiate", "work", "T001", "--task", "b=T002", "--human").out
    id_ = out.split(":")[0]
    assert "work 1.0.0 of web:T001" in out
    assert "b: web:T002" in out
    for words in (("run", id_), ("run", "--all"), ("advance", id_)):
        told = cleo_cli("chain", *words, "--dry-run", "--human").out
        assert "left a, entered b, c" in told
        assert "This was a dry run: nothing is stored." in told
    ran = cleo_cli("chain", "run", id_, "--human").out
    for said in (
        "left a, entered b, c",
        "left b, waiting for d",
        "c is held by a gate: g: implemented of web:T001 has not passed in round 1.",
        f"{id_} is active, active: c.",
    ):
        assert said in ran
    assert "g (in the way): implemented" in cleo_cli("chain", "check", id_, "--human").out
    assert "failed  g  implemented" in cleo_cli("chain", "advance", id_, "--human").out
    status = cleo_cli("chain", "status", id_, "--human").out
    assert "waiting  d, until no other path can reach it" in status
    forced = ("--force", "g", "--reason", "[b]seen[/b] by two")
    done = cleo_cli("chain", "advance", id_, *forced, "--human")
    assert "left c, entered d, forced g" in done.out
    assert "[b]seen[/b] by two" in cleo_cli("chain", "history", id_, "--human").out
    assert id_ in cleo_cli("chain", "instances", "--human").out
    assert f"{id_} is completed." in cleo_cli("chain", "run", "--all", "--human").out
    assert "No instance is pending or active." in cleo_cli("chain", "run", "--all", "--human").out


def test_a_health_check_tells_of_instances_that_nobody_sees_to(
    courses: Any, cleo_clock: Any
) -> None:
    app = courses.elsewhere()
    assert check_chains(app).status == "ok"
    courses.project("api", titles=1)
    held = courses.start(chain("a", "b", gates=[verified("g", "a")]))
    free = courses.start(chain("a", "b", id="other"))
    failed = courses.start("other")
    courses.chains.chain_fail(failed, reason="because")
    lost = courses.start("work", "api:T001")
    over = courses.start("work", "api:T001")
    courses.chains.chain_cancel(over, reason="because")
    assert check_chains(app).status == "ok"
    cleo_clock.advance(7 * 24 * 3600 - 1)
    assert check_chains(app).status == "ok"
    cleo_clock.advance(2)
    found = check_chains(app)
    assert (found.status, found.details) == ("warning", {"idle": [free]})
    assert found.fix == f"cleo chain run {free}"
    courses.close()
    app = courses.elsewhere()
    shutil.rmtree(courses.root("api"))
    found = check_chains(app)
    assert found.details == {"gone": [lost], "idle": [free]}
    assert found.fix == f"cleo chain cancel {lost} --reason TEXT"
    courses.rows("DELETE FROM project_registry WHERE slug = 'api'")
    assert check_chains(app).details["gone"] == [lost]
    courses.tasks("web").verify("T001", gate="implemented", result="warn", reason="seen")
    assert check_chains(app).details["idle"] == [held, free]
    courses.chains.chain_run_all()
    assert "idle" not in check_chains(app).details
    courses.close()
    behind(courses.file("web"))
    assert "unknown" in check_chains(courses.elsewhere()).details


def test_doctor_runs_the_check(courses: Any, cleo_cli: Any) -> None:
    checks = json.loads(cleo_cli("doctor").out)["data"]["checks"]
    assert "nexus.chains" in {one["id"] for one in checks}
