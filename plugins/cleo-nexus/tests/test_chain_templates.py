"""Templates: what is put in for their variables, and what is refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleo_core.errors import ValidationError
from cleo_nexus.definitions import (
    Variable,
    fill,
    parse_definition,
    substitute,
    typed,
    validate,
    variables_of,
)
from cleo_nexus.definitions.packaged import TEMPLATE, packaged
from cleo_nexus.errors import NexusError

from .shapes import gate, good

VARIABLES = {
    "title": {"type": "string", "required": True},
    "count": {"type": "number", "default": 2},
    "fast": {"type": "boolean", "default": False},
    "task": {"type": "taskId"},
    "epic": {"type": "epicId", "default": "T002"},
}


def template(**more: Any) -> dict[str, Any]:
    """A template that has its variables in its metadata."""
    return good(
        variables=copy.deepcopy(VARIABLES),
        metadata={
            "whole": ["{{title}}", "{{count}}", "{{ fast }}", "{{task}}", "{{epic}}"],
            "part": {"deep": [{"text": "{{title}} x{{count}} {{fast}} [{{task}}]"}]},
            "{{title}}": "a name of a field stays",
        },
        **more,
    )


def test_a_placeholder_alone_takes_the_type_of_its_value() -> None:
    made = substitute(template(), {"title": "Tea", "count": 2.5, "fast": True})["metadata"]
    assert made["whole"] == ["Tea", 2.5, True, None, "T002"]
    assert made["part"]["deep"][0]["text"] == "Tea x2.5 true []"
    assert "{{title}}" in made


def test_what_is_put_in_is_not_looked_through_again() -> None:
    made = substitute(template(), {"title": "{{count}} {{nobody}}"})
    assert made["metadata"]["whole"][0] == "{{count}} {{nobody}}"
    parse_definition(made)
    assert (
        fill(template(), {"title": "{{nobody}}"}).definition["metadata"]["whole"][0] == "{{nobody}}"
    )


def test_the_template_stays_as_it_was() -> None:
    one = template()
    before = copy.deepcopy(one)
    made = substitute(one, {"title": "Tea"})
    assert one == before
    assert made["variables"] == VARIABLES
    assert (made["id"], made["version"]) == (one["id"], one["version"])


@pytest.mark.parametrize(
    ("given_", "path"),
    [
        ({}, "$.variables.title"),
        ({"title": None}, "$.variables.title"),
        ({"title": 3}, "$.variables.title"),
        ({"title": "a\0b"}, "$.variables.title"),
        ({"title": "\ud800"}, "$.variables.title"),
        ({"title": "x", "colour": "red"}, "$.variables.colour"),
        ({"title": "x", "count": "2"}, "$.variables.count"),
        ({"title": "x", "count": True}, "$.variables.count"),
        ({"title": "x", "count": float("nan")}, "$.variables.count"),
        ({"title": "x", "count": 10**6000}, "$.variables.count"),
        ({"title": "x", "fast": 1}, "$.variables.fast"),
        ({"title": "x", "fast": "true"}, "$.variables.fast"),
        ({"title": "x", "task": "42"}, "$.variables.task"),
        ({"title": "x", "task": "*:T001"}, "$.variables.task"),
        ({"title": "x", "epic": ["T001"]}, "$.variables.epic"),
        ({"title": "x", "task": {"a": 1}}, "$.variables.task"),
    ],
)
def test_values_that_do_not_fit_are_refused_with_their_path(
    given_: dict[str, Any], path: str
) -> None:
    for put_in in (substitute, fill):
        with pytest.raises(ValidationError) as caught:
            put_in(template(), given_)
        assert caught.value.exit == 6
        assert caught.value.details["path"] == path
        assert caught.value.fix.startswith(f"--var {path.rpartition('.')[2]}=")


def test_an_unknown_placeholder_is_refused_with_its_path() -> None:
    made = template()
    made["shape"]["stages"][1]["description"] = "for {{whom}}"
    with pytest.raises(ValidationError) as caught:
        substitute(made, {"title": "x"})
    assert caught.value.exit == 6
    assert caught.value.details["path"] == "$.shape.stages[1].description"
    assert "whom" in caught.value.message


def test_values_that_make_a_chain_invalid_are_refused() -> None:
    made = template()
    made["gates"][0]["check"] = {
        "type": "artifact_exists",
        "artifactType": "plan",
        "path": "{{title}}",
    }
    assert validate(made).valid
    assert fill(made, {"title": "docs/plan.md"})
    with pytest.raises(NexusError) as caught:
        fill(made, {"title": "/etc/passwd"})
    assert caught.value.exit == 78
    assert [one.code for one in caught.value.details["errors"]] == ["BAD_PATH"]


def test_a_chain_does_not_grow_without_bound() -> None:
    made = template()
    made["metadata"]["many"] = ["{{title}}"] * 2000
    with pytest.raises(ValidationError):
        substitute(made, {"title": "x" * 100_000})
    made["variables"]["title"] = {"type": "string", "default": "x" * 2000}
    assert [one.code for one in validate(made).errors] == ["TOO_LARGE"]


def test_a_template_is_validated_with_its_defaults_and_samples() -> None:
    made = template()
    made["shape"]["stages"][0]["skippable"] = "{{fast}}"
    assert validate(made).valid
    made["shape"]["stages"][0]["skippable"] = "{{title}}"
    assert [one.code for one in validate(made).errors] == ["BAD_TYPE"]
    made["shape"]["stages"][0]["skippable"] = "{{task}}"
    assert validate(made).valid, "a variable without a value is an absent field"


def test_a_default_of_a_wrong_type_is_the_only_fault() -> None:
    made = template()
    made["variables"]["fast"]["default"] = "no"
    made["shape"]["stages"][0]["skippable"] = "{{fast}}"
    found = validate(made).errors
    assert [(one.code, one.path) for one in found] == [("BAD_TYPE", "$.variables.fast.default")]


@pytest.mark.parametrize(
    ("type_", "word", "value"),
    [
        ("string", "12", "12"),
        ("string", "", ""),
        ("number", "12", 12),
        ("number", "-1.5", -1.5),
        ("number", "12x", None),
        ("number", '"12"', None),
        ("number", "true", None),
        ("number", "NaN", None),
        ("number", "1e999", None),
        ("number", "[" * 5000, None),
        ("boolean", "true", True),
        ("boolean", "yes", None),
        ("taskId", "web:T001", "web:T001"),
        ("epicId", "web", None),
    ],
)
def test_words_of_a_command_line_become_values(type_: str, word: str, value: Any) -> None:
    variable = Variable("v", type_)
    if value is None:
        with pytest.raises(ValidationError):
            typed(variable, word)
        return
    found = typed(variable, word)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.guarantee(
    "nexus-22", "Two instances of one template with different values never share a definition."
)
def test_two_fillings_of_one_template_share_nothing() -> None:
    source = packaged(TEMPLATE)
    assert source is not None
    one = fill(source, {"epicId": "T001", "projectName": "web", "skipResearch": True})
    other = fill(source, {"epicId": "api:T009"})
    assert one.values == {"epicId": "T001", "projectName": "web", "skipResearch": True}
    assert other.values == {"epicId": "api:T009", "projectName": "unnamed", "skipResearch": False}
    research = parse_definition(one.definition).stage("research")
    assert (research.skippable, research.skip) == (True, True)
    research = parse_definition(other.definition).stage("research")
    assert (research.skippable, research.skip) == (False, False)
    assert one.definition["description"] == "web: epic T001 from research to release."
    one.definition["shape"]["stages"][0]["name"] = "changed"
    assert other.definition["shape"]["stages"][0]["name"] == "Research"
    assert source == packaged(TEMPLATE)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
).filter(lambda value: "{{" not in json.dumps(value))


@given(
    PLAIN,
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
    st.booleans(),
)
def test_substitution_round_trips(value: Any, title: str, fast: bool) -> None:
    """What is put in comes out again, everything else stays, and once is enough."""
    made = template() | {"description": "<{{title}}>"}
    made["metadata"]["plain"] = value
    found = substitute(made, {"title": title, "fast": fast})
    assert found["metadata"]["plain"] == value
    assert found["metadata"]["whole"][:3] == [title, 2, fast]
    assert found["description"] == f"<{title}>"
    again = copy.deepcopy(found)
    again["metadata"]["whole"] = made["metadata"]["whole"]
    again["metadata"]["part"] = made["metadata"]["part"]
    again["description"] = made["description"]
    assert again == made
    if "{{" not in title:
        assert substitute(found, {"title": title, "fast": fast}) == found


def test_variables_of_a_chain_are_got_by_name() -> None:
    found = variables_of(template())
    assert list(found) == list(VARIABLES)
    assert found["count"] == Variable("count", "number", False, 2, None)
    assert variables_of(good()) == {}
    with pytest.raises(NexusError):
        variables_of(good(variables=[]))


def test_a_placeholder_may_stand_in_ids_and_gates() -> None:
    made = template(description="{{title}}")
    made["gates"].append(gate("{{title}}-gate", "a"))
    found = fill(made, {"title": "tea"})
    assert found.definition["gates"][-1]["id"] == "tea-gate"
    with pytest.raises(NexusError):
        fill(made, {"title": "no id"})
