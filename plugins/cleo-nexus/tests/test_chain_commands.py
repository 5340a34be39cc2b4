"""The verbs of chains, through the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.database import connect_for_copy
from cleo_core.errors import CleoError
from cleo_nexus.definitions.packaged import IDS, TEMPLATE, packaged
from cleo_nexus.service.chains.shelf import take
from cleo_nexus.service.work import Verbs

from .shapes import add_instance, chain, gate, good, link

Cli = Callable[..., Any]


@pytest.fixture
def cli(cleo_cli: Cli, cleo_project: Path) -> Cli:
    """Run ``cleo chain``."""
    return lambda *words, **more: cleo_cli("chain", *words, **more)


@pytest.fixture
def add(cli: Cli) -> Cli:
    """Add a definition."""
    return lambda definition, *words, **more: cli(
        "add", "-", *words, input=json.dumps(definition), **more
    )


@pytest.fixture
def nexus_db(cleo_app: App) -> Callable[[], Path]:
    """The store's file."""
    return lambda: Path(cleo_app.stores.path(cleo_app.stores.spec("nexus")))


def rows(path: Path, statement: str) -> list[tuple[Any, ...]]:
    """Rows of the file, beside CLEO."""
    connection = connect_for_copy(str(path))
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_packaged_chains_are_there_before_anything_is_stored(
    cli: Cli, nexus_db: Callable[[], Path]
) -> None:
    outcome = cli("list")
    assert [one["id"] for one in outcome.data] == list(IDS)
    assert outcome.page == {"limit": 50, "offset": 0, "total": 2, "hasMore": False}
    shown = cli("show", "rcasd-ivtrc").data
    assert shown["packaged"] is True
    assert (len(shown["stages"]), len(shown["links"]), len(shown["gates"])) == (9, 8, 35)
    assert shown["instances"] == dict.fromkeys(
        ("pending", "active", "failed", "completed", "cancelled"), 0
    )
    assert not nexus_db().exists()


def test_a_chain_is_added_shown_and_deleted(cli: Cli, add: Cli, tmp_path: Path) -> None:
    file = tmp_path / "work" / "chain.json"
    file.write_text(json.dumps(good(description="What is done.")))
    added = cli("add", str(file)).data
    assert added["id"] == "work"
    assert added["validation"] == {
        "wellFormed": True,
        "gateSatisfiable": True,
        "artifactComplete": True,
        "errors": [],
        "warnings": [],
    }
    shown = cli("show", "work").data
    assert shown == added
    assert {key: shown[key] for key in ("entryPoint", "exitPoints", "description")} == {
        "entryPoint": "a",
        "exitPoints": ["b"],
        "description": "What is done.",
    }
    assert shown["stages"] == good()["shape"]["stages"]
    assert shown["tessera"] is None
    assert [one["id"] for one in cli("list").data] == [*IDS, "work"]
    assert cli("delete", "work").data == {"deleted": "work", "instances": 0, "packaged": False}
    assert cli("show", "work").error["exit"] == 4
    assert cli("delete", "work").error["exit"] == 4


def test_lists_are_filtered_and_paged(cli: Cli, add: Cli) -> None:
    add(good())
    add(good(id="sized", variables={"size": {"type": "string"}}))
    add(good(id="empty-variables", variables={}))
    ids = lambda *words: [one["id"] for one in cli("list", *words).data]  # noqa: E731 # one line, used five times
    assert ids("--templates") == ["sized", "tessera-rcasd"]
    assert ids("--category", "research") == list(IDS)
    assert ids("--category", "custom") == ["empty-variables", "sized", "work"]
    assert ids("--templates", "--category", "custom") == ["sized"]
    assert ids("--limit", "2", "--offset", "1") == ["rcasd-ivtrc", "sized"]
    assert cli("list", "--limit", "2").page["hasMore"] is True
    assert cli("list", "--category", "dreams").code == 2
    assert cli("ls", "--quiet").out.split() == [
        "empty-variables",
        *IDS[:1],
        "sized",
        IDS[1],
        "work",
    ]


def test_an_invalid_chain_is_told_and_refused_with_all_errors(
    cli: Cli, add: Cli, nexus_db: Callable[[], Path]
) -> None:
    bad = chain("a", "b", entryPoint="z", gates=[gate("g", "q")])
    told = cli("validate", "-", input=json.dumps(bad))
    assert told.code == 78
    assert told.envelope["success"] is True
    codes = [one["code"] for one in told.envelope["data"]["errors"]]
    assert codes == ["ENTRY_MISSING", "GATE_STAGE_MISSING"]
    refused = add(bad).error
    assert (refused["exit"], refused["code"]) == (78, "E_CHAIN_INVALID")
    assert refused["details"]["errors"] == told.envelope["data"]["errors"]
    assert not nexus_db().exists()
    add(good())
    add(bad)
    assert cli("show", "work").data["entryPoint"] == "a"
    ((action, success, message),) = rows(
        nexus_db(), "SELECT action, success, error_message FROM nexus_audit_log WHERE success = 0"
    )
    assert (action, success) == ("nexus.chain.add", 0)
    assert "'z'" not in message


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff\xfe\x00", b'{"id": NaN}', b"[" * 200_000, b'"' + b"x" * 1_200_000 + b'"'],
)
def test_what_is_no_json_is_an_invalid_chain(cli: Cli, data: bytes) -> None:
    told = cli("validate", "-", input=data)
    assert told.code == 78
    assert [one["code"] for one in told.envelope["data"]["errors"]] == ["NOT_JSON"]
    assert cli("add", "-", input=data).error["exit"] == 78


def test_files_that_cannot_be_read_are_refused(cli: Cli, tmp_path: Path) -> None:
    assert cli("validate", "missing.json").error["exit"] == 3
    assert cli("add", str(tmp_path)).error["exit"] == 2
    assert cli("add", "a\0b").error["exit"] == 2


def test_validation_stores_nothing(
    cli: Cli, cleo_home: Path, frozen_bytes: Callable[..., AbstractContextManager[Any]]
) -> None:
    with frozen_bytes(cleo_home):
        assert cli("validate", "-", input=json.dumps(good())).data["errors"] == []
        cli("list")
        cli("show", "tessera-rcasd")


def test_dry_runs_change_no_byte(
    cli: Cli, add: Cli, cleo_home: Path, frozen_bytes: Callable[..., AbstractContextManager[Any]]
) -> None:
    with frozen_bytes(cleo_home):
        assert add(good(), "--dry-run").data["id"] == "work"
    add(good())
    with frozen_bytes(cleo_home):
        assert add(good(version="2.0.0"), "--replace", "--dry-run").data["version"] == "2.0.0"
        assert cli("delete", "work", "--dry-run").data["deleted"] == "work"
        made = cli("compose", "sequence", "work", "work", "--id", "twice", "--dry-run")
        assert made.data["id"] == "twice"
        assert add(good(), "--dry-run").error["exit"] == 22
    assert cli("show", "work").data["version"] == "1.0.0"


def test_an_id_is_taken_once(add: Cli) -> None:
    add(good())
    refused = add(good(version="2.0.0")).error
    assert (refused["exit"], refused["code"]) == (22, "E_ID_COLLISION")
    assert add(good(id="rcasd-ivtrc")).error["exit"] == 22


@pytest.mark.guarantee("nexus-22", "A chain is replaced by a higher version only.")
def test_a_replacement_needs_a_higher_version(cli: Cli, add: Cli) -> None:
    add(good(version="1.9.0"))
    assert add(good(version="1.9.0"), "--replace").error["exit"] == 102
    assert add(good(version="1.9.0", name="Other"), "--replace").error["exit"] == 6
    assert add(good(version="1.8.9"), "--replace").error["exit"] == 6
    assert add(good(version="1.10.0", name="Other"), "--replace").data["version"] == "1.10.0"
    assert cli("show", "work").data["name"] == "Other"
    assert add(good(id="fresh"), "--replace").data["id"] == "fresh"


def test_a_packaged_chain_can_be_replaced_and_comes_back(cli: Cli, add: Cli) -> None:
    assert add(good(id="rcasd-ivtrc"), "--replace").error["exit"] == 6
    assert add(packaged("rcasd-ivtrc"), "--replace").error["exit"] == 102
    assert add(good(id="rcasd-ivtrc", version="1.0.1"), "--replace").data["packaged"] is False
    assert len(cli("show", "rcasd-ivtrc").data["stages"]) == 2
    assert cli("delete", "rcasd-ivtrc").data["packaged"] is True
    assert len(cli("show", "rcasd-ivtrc").data["stages"]) == 9
    assert cli("delete", "rcasd-ivtrc").error["exit"] == 6


def test_a_key_gives_the_first_result_again(cli: Cli, add: Cli) -> None:
    first = add(good(variables={"v": {"type": "string"}}), "--idempotency-key", "k1")
    cli("delete", "work")
    again = add(good(variables={"v": {"type": "string"}}), "--idempotency-key", "k1")
    assert again.data == first.data
    assert again.envelope["meta"]["replayed"] is True
    assert cli("show", "work").error["exit"] == 4
    assert (
        add(good(name="Other"), "--idempotency-key", "k1").error["code"] == "E_IDEMPOTENCY_MISMATCH"
    )
    words = ("compose", "sequence", *IDS, "--id", "both", "--idempotency-key", "k2")
    made = cli(*words)
    assert cli(*words).data == made.data
    assert cli(*words[:-2]).error["exit"] == 22


def test_chains_are_composed_of_chains(cli: Cli, add: Cli) -> None:
    add(good())
    made = cli("compose", "parallel", "work", "rcasd-ivtrc", "--id", "both").data
    assert made["entryPoint"] == "fork"
    assert len(made["stages"]) == 2 + 9 + 2
    assert cli("show", "both").data == made
    assert cli("compose", "sequence", "both", "tessera-rcasd", "--id", "more").data["variables"]
    assert cli("compose", "sequence", "work", "--id", "one").error["exit"] == 2
    assert cli("compose", "circle", "work", "work", "--id", "one").code == 2
    assert cli("compose", "sequence", "work", "nothing", "--id", "one").error["exit"] == 4
    assert cli("compose", "sequence", "work", "work", "--id", "One").error["exit"] == 78
    assert cli("compose", "sequence", "work", "work", "--id", "work").error["exit"] == 22
    add(good(id="other", variables={"epicId": {"type": "string"}}))
    assert cli("compose", "sequence", "other", "tessera-rcasd", "--id", "x").error["exit"] == 6
    too_many = cli("compose", "sequence", *["rcasd-ivtrc"] * 60, "--id", "x").error
    assert too_many["exit"] == 78
    assert {one["code"] for one in too_many["details"]["errors"]} == {"TOO_LARGE"}


def test_a_chain_with_instances_is_kept(cli: Cli, add: Cli, nexus_db: Callable[[], Path]) -> None:
    add(good())
    add(good(id="other"))
    add_instance(str(nexus_db()), 1, "work", "active")
    add_instance(str(nexus_db()), 2, "work", "completed")
    add_instance(str(nexus_db()), 3, "other", "completed")
    counts = cli("show", "work").data["instances"]
    assert counts == {"pending": 0, "active": 1, "failed": 0, "completed": 1, "cancelled": 0}
    for words in ((), ("--purge",), ("--purge", "--dry-run")):
        refused = cli("delete", "work", *words).error
        assert (refused["exit"], refused["code"]) == (19, "E_HAS_DEPENDENTS")
    connection = connect_for_copy(str(nexus_db()))
    connection.execute(
        "UPDATE warp_chain_instances SET status = 'cancelled' WHERE status = 'active'"
    )
    connection.commit()
    connection.close()
    refused = cli("delete", "work").error
    assert (refused["exit"], refused["fix"]) == (19, "cleo chain delete work --purge")
    assert cli("delete", "work", "--purge", "--dry-run").data["instances"] == 2
    assert cli("delete", "work", "--purge").data["instances"] == 2
    left = "SELECT chain_id FROM warp_chain_instances"
    assert rows(nexus_db(), left) == [("other",)]
    events = "SELECT count(*) FROM warp_instance_events"
    assert rows(nexus_db(), events) == [(1,)]


def test_every_change_is_put_on_record(cli: Cli, add: Cli, nexus_db: Callable[[], Path]) -> None:
    add(good(), agent="ann")
    add(good(version="1.1.0"), "--replace")
    cli("compose", "sequence", "work", "work", "--id", "twice")
    cli("delete", "twice")
    found = rows(nexus_db(), "SELECT action, success, operation FROM nexus_audit_log ORDER BY seq")
    assert found == [
        ("nexus.chain.add", 1, "chain add"),
        ("nexus.chain.add", 1, "chain add"),
        ("nexus.chain.compose", 1, "chain compose"),
        ("nexus.chain.delete", 1, "chain delete"),
    ]
    ((by, validated, size),) = rows(
        nexus_db(), "SELECT created_by, validated, length(definition_sha256) FROM warp_chains"
    )
    assert (by, validated, size) == ("ann", 1, 64)


def test_people_read_chains(cli: Cli, add: Cli) -> None:
    assert "packaged template" in cli("list", "--human").out
    shown = cli("show", "tessera-rcasd", "--human").out
    assert "research (entry, skippable by {{skipResearch}}, skip by {{skipResearch}})" in shown
    assert "can be forced" in shown
    assert "epicId: epicId, required" in shown
    branch = [
        link("a", "b", "branch", condition="v == 1"),
        link("a", "c", "branch"),
        link("b", "d"),
        link("c", "d"),
    ]
    made = chain(
        *"abcd", links=branch, variables={"v": {"type": "number"}}, description="[red]plain[/red]"
    )
    out = add(made, "--human").out
    assert "→ branch b if v == 1" in out
    assert "[red]plain[/red]" in out
    assert "warning  OPEN_EXITS" in out
    refused = add(chain("a", "a"), "--human")
    assert "DUPLICATE_ID" in refused.out
    assert "E_CHAIN_INVALID" in refused.err
    assert "invalid" in cli("validate", "-", "--human", input="{}").out
    assert cli("delete", "work", "--human").out == "work deleted.\n"
    assert "No chain" in cli("list", "--category", "contribution", "--human").out


@pytest.mark.parametrize("value", [None, 3, b"x", ["a"], "A", "a\0", "\ud800", "x" * 5000, ""])
def test_python_callers_get_errors_for_ids_that_are_none(cleo_app: App, value: Any) -> None:
    service = cleo_app.service("nexus")
    for verb in (service.chain_show, service.chain_delete):
        with pytest.raises(CleoError) as caught:
            verb(value)
        assert caught.value.exit in (2, 4)
    with pytest.raises(CleoError) as caught:
        service.chain_compose("sequence", IDS, chain_id=value)
    assert caught.value.exit == 78
    with pytest.raises(CleoError) as caught:
        service.chain_compose("sequence", [value, value], chain_id="x")
    assert caught.value.exit in (2, 4)


def test_python_callers_give_objects_or_text(cleo_app: App) -> None:
    service = cleo_app.service("nexus")
    assert service.chain_validate(good()) == service.chain_validate(json.dumps(good()))
    assert not service.chain_validate({1: 2}).valid
    assert service.chain_add(good()).id == "work"
    assert service.chain_add(json.dumps(good(id="two")).encode()).id == "two"
    with pytest.raises(CleoError) as caught:
        service.chain_compose("sequence", "work", chain_id="x")
    assert caught.value.exit == 2
    with pytest.raises(CleoError) as caught:
        service.chain_list(category=["custom"])
    assert caught.value.exit == 2


def test_a_packaged_chain_is_stored_when_it_is_first_used(
    cleo_app: App, nexus_db: Callable[[], Path]
) -> None:
    verbs = Verbs(cleo_app)
    with cleo_app.dry_running():
        assert not verbs.write(lambda work: take(work, TEMPLATE), audited=False).stored
    assert not nexus_db().exists()
    for _ in range(2):
        assert verbs.write(lambda work: take(work, TEMPLATE), audited=False).definition == packaged(
            TEMPLATE
        )
    assert rows(nexus_db(), "SELECT id, version, validated FROM warp_chains") == [
        (TEMPLATE, "1.0.0", 1)
    ]
    shown = cleo_app.service("nexus").chain_show(TEMPLATE)
    assert shown.packaged
    assert shown.stages == packaged(TEMPLATE)["shape"]["stages"]  # type: ignore[index] # it is there
    assert [one.id for one in cleo_app.service("nexus").chain_list()[0]] == list(IDS)
    with pytest.raises(CleoError) as caught:
        verbs.write(lambda work: take(work, "nothing"), audited=False)
    assert caught.value.exit == 4


def test_a_row_that_something_else_wrote_is_shown_with_its_faults(
    cli: Cli, add: Cli, nexus_db: Callable[[], Path]
) -> None:
    add(good())
    connection = connect_for_copy(str(nexus_db()))
    connection.execute("UPDATE warp_chains SET definition = '{}'")
    connection.commit()
    connection.close()
    shown = cli("show", "work").data
    assert shown["stages"] == []
    assert shown["validation"]["wellFormed"] is False
    assert "invalid" in cli("show", "work", "--human").out
    assert cli("compose", "sequence", "work", "work", "--id", "two").error["exit"] == 78
    assert add(good(version="1.0.1"), "--replace").data["version"] == "1.0.1"


def test_the_chain_of_the_readme_is_valid(cli: Cli) -> None:
    text = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    example = text.partition("```json\n")[2].partition("```")[0]
    told = cli("validate", "-", input=example).data
    assert (told["errors"], told["warnings"], told["artifactComplete"]) == ([], [], True)


def test_what_is_shown_of_a_chain_can_be_added_again(cli: Cli, add: Cli, tmp_path: Path) -> None:
    assert add(good(id="first", description="Two steps", metadata={"archetypes": ["a"]})).code == 0
    for name in ("first", "rcasd-ivtrc", "tessera-rcasd"):
        shown = cli("show", name)
        file = tmp_path / "shown.json"
        file.write_text(shown.out)
        again = cli("add", str(file), "--replace")
        assert (again.code, again.error["code"]) == (102, "E_NO_CHANGE"), name
        file.write_text(json.dumps({**shown.data, "id": "other", "extra": 1}))
        wrong = cli("validate", str(file)).envelope["data"]["errors"]
        assert [(one["code"], one["path"]) for one in wrong] == [("UNKNOWN_FIELD", "$.extra")]
        file.write_text(json.dumps({**shown.data, "id": f"other.{name}"}))
        made = cli("add", str(file)).data
        for field in ("stages", "links", "gates", "variables", "description", "metadata"):
            assert made[field] == shown.data[field]


def test_a_noun_alone_shows_its_verbs_to_people(cleo_cli: Any) -> None:
    for words in (("nexus",), ("nexus", "deps"), ("chain",)):
        alone, human = cleo_cli(*words), cleo_cli(*words, "--human")
        assert (human.code, human.out) == (alone.code, "")
        assert alone.error["message"] in human.err
        assert "Commands:" in human.err
