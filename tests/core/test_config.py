"""Settings: their layers, their types, and files that people and kills damage."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core import clock
from cleo_core.api import ConfigKey
from cleo_core.config import CORE_KEYS, Config, Scope, Value, resolve_agent, resolve_session
from cleo_core.config.values import WrongValueError, from_file, from_text
from cleo_core.errors import CleoError

KEYS = {
    key.name: key
    for key in (
        *CORE_KEYS,
        ConfigKey("x.bool", "bool", True),
        ConfigKey("x.int", "int", 1, presets={"strict": 10, "minimal": 0}),
        ConfigKey("x.float", "float", 0.5),
        ConfigKey("x.str", "str", "text"),
        ConfigKey("x.duration", "duration", "24h"),
        ConfigKey("x.list", "list", ("a",), presets={"strict": ("b", "c")}),
        ConfigKey("x.deep.er.mode", "enum", "off", choices=("off", "warn"), env="X_MODE"),
        ConfigKey("x.secret", "str", None, secret=True),
        ConfigKey("x.global", "bool", False, scope="global", presets={"strict": True}),
        ConfigKey("x.project", "int", 0, scope="project"),
    )
}

DAMAGED = {
    "empty": b"",
    "truncated": b'{"x": {"int": 5}',
    "binary": bytes(range(256)),
    "utf-16": '{"x": {"int": 5}}'.encode("utf-16"),
    "latin-1": '{"x": {"str": "é"}}'.encode("latin-1"),
    "list": b"[]",
    "number": b"5",
    "null": b"null",
    "nan": b'{"x": {"float": NaN}}',
    "infinite": b'{"x": {"float": 1e999}}',
    "huge": b'{"x": "' + b"y" * (2 << 20) + b'"}',
    "deep list": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep object": b'{"x": ' * 500 + b"1" + b"}" * 500,
    "two objects": b"{}{}",
}

damaged = pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)


class Place:
    """A project directory and a home, with a Config on both made anew for each use."""

    def __init__(self, root: Path) -> None:
        self.project_dir = root / "project" / ".cleo"
        self.project_dir.mkdir(parents=True)
        self.home = root / "cleo-home"
        self.warnings: list[tuple[str, str]] = []

    def config(self, env: Mapping[str, str] | None = None, **flags: Any) -> Config:
        return Config(
            KEYS,
            str(self.project_dir),
            {"CLEO_HOME": str(self.home), **(env or {})},
            {name.replace("__", "."): value for name, value in flags.items()},
            lambda *warning: self.warnings.append(warning),
        )

    def file(self, scope: Scope) -> Path:
        return (self.project_dir if scope == "project" else self.home) / "config.json"

    def write(self, scope: Scope, content: object) -> None:
        path = self.file(scope)
        path.parent.mkdir(exist_ok=True)
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        path.write_bytes(data)

    def content(self, scope: Scope) -> Any:
        return json.loads(self.file(scope).read_bytes())

    def codes(self) -> list[str]:
        return [code for code, _ in self.warnings]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name in [*os.environ]:
        if name.startswith(("CLEO_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CLEO_TEST_ROOT", str(tmp_path))
    return Place(tmp_path)


# Layers


def test_each_layer_hides_the_one_below(place: Place) -> None:
    name = "x.deep.er.mode"
    assert place.config().explain(name) == Value(name, "off", "default", None)

    place.write("global", {"x": {"deep": {"er": {"mode": "warn"}}}})
    assert place.config().explain(name) == Value(name, "warn", "global", str(place.file("global")))

    place.write("project", {"x": {"deep": {"er": {"mode": "off"}}}})
    assert place.config().explain(name) == Value(name, "off", "project", str(place.file("project")))

    env = {"X_MODE": "warn"}
    assert place.config(env).explain(name) == Value(name, "warn", "env", "X_MODE")

    flagged = place.config(env, x__deep__er__mode="off")
    assert flagged.explain(name) == Value(name, "off", "flag", None)


def test_objects_merge_and_lists_replace(place: Place) -> None:
    place.write("global", {"x": {"int": 7, "list": ["g", "h"], "deep": {"er": {"mode": "warn"}}}})
    place.write("project", {"x": {"str": "mine", "list": ["p"], "deep": {}}})
    config = place.config()

    assert config.get("x.int") == 7
    assert config.get("x.str") == "mine"
    assert config.get("x.list") == ["p"]
    assert config.get("x.deep.er.mode") == "warn"


def test_global_file_is_not_read_when_the_project_answers(place: Place) -> None:
    place.write("global", b"damaged")
    place.write("project", {"x": {"int": 7}})

    assert place.config().get("x.int") == 7
    assert place.warnings == []


def test_nothing_is_read_before_a_key_is_asked_for(place: Place) -> None:
    config = place.config()
    place.write("project", {"x": {"int": 7}})

    assert config.get("x.int") == 7


def test_blank_variable_and_missing_flag_do_not_count(place: Place) -> None:
    config = place.config({"X_MODE": "  "}, x__deep__er__mode=None)

    assert config.explain("x.deep.er.mode").source == "default"


def test_null_is_a_value_only_where_the_default_is_none(place: Place) -> None:
    place.write("global", {"agent": {"id": "someone"}})
    place.write("project", {"agent": {"id": None}, "x": {"int": None}})
    config = place.config()

    assert config.get("agent.id") is None
    assert config.get("x.int") == 1
    assert place.codes() == ["W_CONFIG_VALUE"]


def test_reading_creates_nothing(place: Place) -> None:
    config = place.config()
    config.items(), config.unknown(), config.validate(), config.presets()

    assert not place.home.exists()
    assert list(place.project_dir.iterdir()) == []


def test_without_a_home_the_global_file_is_passed_over_with_one_warning(place: Place) -> None:
    config = Config(
        KEYS, str(place.project_dir), {}, warn=lambda *warning: place.warnings.append(warning)
    )

    assert config.get("x.int") == 1
    assert config.get("x.str") == "text"
    assert config.validate() == []
    assert place.codes() == ["W_NO_HOME"]
    assert refusal(lambda: config.set("x.int", "2", "global")).code == "E_NO_HOME"
    assert config.set("x.int", "2", "project")


def test_defaults_are_fresh_each_time(place: Place) -> None:
    config = place.config()
    config.get("x.list").append("changed")

    assert config.get("x.list") == ["a"]


def test_core_keys_have_the_documented_defaults() -> None:
    config = Config({key.name: key for key in CORE_KEYS}, None, {"HOME": "/nonexistent"})

    assert {found.key: found.value for found in config.items()} == {
        "agent.id": None,
        "output.format": "auto",
        "backup.keep_last": 10,
        "backup.keep_daily": 7,
        "backup.keep_before": 10,
        "backup.debounce_seconds": 30,
        "logging.level": "warning",
        "logging.max_bytes": 10485760,
        "logging.files": 5,
        "migrate.policy": "auto",
        "database.allow_non_wal": [],
        "references.strict": False,
        "audit.warn_rows": 100000,
    }


# Types


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("x.bool", "true", True),
        ("x.bool", " Off ", False),
        ("x.bool", "1", True),
        ("x.int", "-12", -12),
        ("x.float", "2", 2.0),
        ("x.float", "1e3", 1000.0),
        ("x.str", " as it is ", " as it is "),
        ("x.str", "", ""),
        ("x.duration", "30s", 30),
        ("x.duration", "15m", 900),
        ("x.duration", "24h", 86400),
        ("x.duration", "7d", 604800),
        ("x.duration", "2w", 1209600),
        ("x.duration", "250ms", 0.25),
        ("x.duration", "1.5h", 5400),
        ("x.duration", "45", 45),
        ("x.duration", "0", 0),
        ("x.list", "", []),
        ("x.list", "a, b ,c", ["a", "b", "c"]),
        ("x.list", '["a,b", " c"]', ["a,b", " c"]),
        ("x.deep.er.mode", "warn", "warn"),
        ("x.secret", "sesame", "sesame"),
    ],
)
def test_text_is_parsed_stored_and_read_back(
    name: str, text: str, value: object, place: Place
) -> None:
    assert place.config().set(name, text, "project")

    found = place.config().get(name)
    assert found == value
    assert type(found) is type(value)


WRONG = [
    ("x.bool", "maybe"),
    ("x.bool", ""),
    ("x.int", "1.5"),
    ("x.int", "1_000"),
    ("x.int", "١"),
    ("x.int", "9" * 30),
    ("x.int", "9" * 5000),
    ("x.int", ""),
    ("x.float", "nan"),
    ("x.float", "inf"),
    ("x.float", "1e999"),
    ("x.float", "x"),
    ("x.str", "\udcff"),
    ("x.duration", "-5"),
    ("x.duration", "-5s"),
    ("x.duration", "5y"),
    ("x.duration", "s"),
    ("x.duration", "infs"),
    ("x.duration", ""),
    ("x.list", "[1]"),
    ("x.list", "[unclosed"),
    ("x.list", "[" * 100_000),
    ("x.deep.er.mode", "WARN"),
    ("x.deep.er.mode", ""),
]


@pytest.mark.parametrize(("name", "text"), WRONG)
def test_wrong_text_is_refused_with_what_is_expected(name: str, text: str, place: Place) -> None:
    error = refusal(lambda: place.config().set(name, text, "project"))

    assert (error.code, error.exit) == ("E_CONFIG", 8)
    assert "expected " in error.message
    assert error.fix.startswith(f"cleo config set {name} ")
    assert len(error.message) < 300
    assert list(place.project_dir.iterdir()) == []


@pytest.mark.guarantee(
    "operations-32", "A wrong type in a settings file is a warning and the next layer counts."
)
@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("x.bool", "true"),
        ("x.bool", 1),
        ("x.int", True),
        ("x.int", 1.0),
        ("x.int", "1"),
        ("x.int", 2**63),
        ("x.float", "0.5"),
        ("x.float", False),
        ("x.str", 5),
        ("x.str", {}),
        ("x.duration", "soon"),
        ("x.duration", -1),
        ("x.duration", True),
        ("x.list", "a"),
        ("x.list", ["a", 1]),
        ("x.list", {"a": 1}),
        ("x.deep.er.mode", "other"),
        ("x.deep.er.mode", ["off"]),
    ],
)
def test_wrong_value_in_a_file_is_passed_over_with_one_warning(
    name: str, raw: object, place: Place
) -> None:
    place.write("project", nested(name, raw))
    place.write("global", nested(name, place.config().get(name)))
    place.warnings.clear()
    config = place.config()

    found = [config.explain(name), config.explain(name)][1]

    assert (found.source, found.value) == ("global", KEYS_DEFAULT[name])
    [(code, message)] = place.warnings
    assert code == "W_CONFIG_VALUE"
    assert str(place.file("project")) in message
    assert name in message
    assert "expected " in message
    [problem] = config.validate()
    assert (problem["field"], problem["exit"]) == (name, 8)
    assert problem["origin"] == str(place.file("project"))
    assert problem["fix"] == f"cleo config unset {name}"


KEYS_DEFAULT = {
    "x.bool": True,
    "x.int": 1,
    "x.float": 0.5,
    "x.str": "text",
    "x.duration": 86400,
    "x.list": ["a"],
    "x.deep.er.mode": "off",
}


def test_wrong_variable_is_passed_over_with_a_warning(place: Place) -> None:
    config = place.config({"X_MODE": "loud"})

    assert config.get("x.deep.er.mode") == "off"
    assert place.codes() == ["W_CONFIG_VALUE"]
    [problem] = config.validate()
    assert (problem["origin"], problem["fix"]) == ("X_MODE", "unset X_MODE")


def test_wrong_flag_is_an_error(place: Place) -> None:
    config = place.config(x__int="many")

    assert refusal(lambda: config.get("x.int")).code == "E_CONFIG"
    assert place.config(x__list=("a", "b")).get("x.list") == ["a", "b"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(name=st.sampled_from(sorted(KEYS_DEFAULT)), text=st.text())
def test_any_text_is_a_value_that_a_file_can_hold_or_refused(name: str, text: str) -> None:
    key = KEYS[name]
    try:
        stored = from_text(key, text)
    except WrongValueError:
        return

    again = json.loads(json.dumps(stored))
    assert from_file(key, again) == from_file(key, stored)


@given(name=st.sampled_from(sorted(KEYS_DEFAULT)), value=JSON)
def test_any_json_value_fits_its_type_or_is_refused(name: str, value: object) -> None:
    try:
        found = from_file(KEYS[name], value)
    except WrongValueError:
        return

    kinds = {"bool": bool, "int": int, "str": str, "enum": str, "list": list}
    assert isinstance(found, kinds.get(KEYS[name].type, (int, float)))


@pytest.mark.guarantee(
    "operations-32", "Whatever a settings file holds, reading goes on and leaves it as it is."
)
@given(content=st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_content_can_be_read(content: bytes, place: Place) -> None:
    place.write("project", content)
    config = place.config()

    assert len(config.items()) == len(KEYS)
    config.unknown(), config.validate()
    assert place.file("project").read_bytes() == content


@given(content=st.dictionaries(st.text(), JSON, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_writing_keeps_everything_else(content: dict[str, Any], place: Place) -> None:
    content.pop("x", None)
    place.write("project", content)

    place.config().set("x.int", "5", "project")

    assert place.content("project") == {**content, "x": {"int": 5}}


# Keys and scopes


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("output.fromat", "output.format"),
        ("logging", "logging.files"),
        ("keep_last", "backup.keep_last"),
        ("zzzzzz", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("action", ["get", "explain", "set", "unset"])
def test_unknown_key_names_the_nearest(
    action: str, name: str, nearest: str | None, place: Place
) -> None:
    config = place.config()
    actions: dict[str, Callable[[], object]] = {
        "get": lambda: config.get(name),
        "explain": lambda: config.explain(name),
        "set": lambda: config.set(name, "1", "project"),
        "unset": lambda: config.unset(name, "project"),
    }

    error = refusal(actions[action])

    assert (error.code, error.exit) == ("E_CONFIG", 8)
    if nearest is None:
        assert error.fix == "cleo config list"
    else:
        assert nearest in error.message
        assert error.fix.startswith("cleo config get ")


def test_unknown_keys_in_files_are_kept_and_listed(place: Place) -> None:
    content: dict[str, Any] = {
        "later": {"plugin": {"a": 1, "b": []}},
        "agent.id": "flat",
        "x": {"unheard": "of", "int": {"is": "wrong"}},
    }
    place.write("project", content)
    config = place.config()

    assert [row["key"] for row in config.unknown()] == [
        "later.plugin.a",
        "later.plugin.b",
        '"agent.id"',
        "x.unheard",
    ]
    assert {row["origin"] for row in config.unknown()} == {str(place.file("project"))}
    assert config.get("agent.id") is None
    config.set("x.str", "new", "project")
    assert place.content("project") == {**content, "x": {**content["x"], "str": "new"}}


def test_unknown_keys_can_be_removed(place: Place) -> None:
    place.write("project", {"later": {"a": 1, "b": 2}, "agent.id": "flat"})

    assert place.config().unset("later.a", "project")
    assert place.config().unset('"agent.id"', "project")
    assert place.content("project") == {"later": {"b": 2}}


@pytest.mark.parametrize(
    ("name", "scope", "fix"),
    [
        ("x.global", "project", "cleo config set x.global VALUE --global"),
        ("x.project", "global", "cleo config set x.project VALUE"),
    ],
)
def test_scope_is_enforced_on_writing(name: str, scope: Scope, fix: str, place: Place) -> None:
    error = refusal(lambda: place.config().set(name, "1", scope))

    assert (error.code, error.fix) == ("E_CONFIG", fix)


@pytest.mark.parametrize(
    ("name", "wrong", "right", "value"),
    [("x.global", "project", "global", True), ("x.project", "global", "project", 5)],
)
def test_key_in_the_wrong_file_is_ignored_with_a_warning(
    name: str, wrong: Scope, right: Scope, value: object, place: Place
) -> None:
    place.write(wrong, nested(name, value))
    config = place.config()

    assert config.explain(name).source == "default"
    assert place.codes() == ["W_CONFIG_VALUE"]
    assert len(config.validate()) == 1

    place.write(right, nested(name, value))
    assert place.config().explain(name).source == right


def test_secret_is_given_to_code_and_hidden_from_people(place: Place) -> None:
    place.config().set("x.secret", "sesame", "global")
    config = place.config()

    assert config.get("x.secret") == "sesame"
    assert config.explain("x.secret").value == "***"
    assert "sesame" not in repr(config.items())

    place.write("global", {"x": {"secret": ["sesame"]}})
    again = place.config()
    assert again.get("x.secret") is None
    assert "sesame" not in repr((place.warnings, again.validate()))


def test_unset_secret_shows_that_it_is_unset(place: Place) -> None:
    assert place.config().explain("x.secret").value is None


def test_outside_a_project_only_the_global_file_can_be_written(place: Place) -> None:
    config = Config(KEYS, None, {"CLEO_HOME": str(place.home)})

    assert config.get("x.int") == 1
    assert refusal(lambda: config.set("x.int", "2", "project")).code == "E_NOT_INITIALIZED"
    assert refusal(lambda: config.path("project")).code == "E_NOT_INITIALIZED"
    assert config.set("x.int", "2", "global")
    assert config.get("x.int") == 2
    assert config.path("global") == str(place.file("global"))


def test_only_init_makes_a_project_directory(place: Place) -> None:
    place.project_dir.rmdir()

    error = refusal(lambda: place.config().set("x.int", "2", "project"))

    assert error.code == "E_NOT_INITIALIZED"
    assert not place.project_dir.exists()


# Writing


def test_set_and_unset_answer_whether_something_changed(place: Place) -> None:
    config = place.config()

    assert config.set("x.int", "5", "project")
    assert not config.set("x.int", "5", "project")
    assert config.get("x.int") == 5
    assert config.unset("x.int", "project")
    assert not config.unset("x.int", "project")
    assert config.get("x.int") == 1
    assert place.content("project") == {}


def test_true_is_not_taken_for_one(place: Place) -> None:
    place.write("project", {"x": {"int": True}})

    assert place.config().set("x.int", "1", "project")
    assert place.config().get("x.int") == 1


def test_changing_nothing_writes_nothing(place: Place) -> None:
    assert not place.config().unset("x.int", "global")

    assert not place.home.exists()


def test_previous_content_is_kept_beside(place: Place) -> None:
    place.write("project", b'{"x":{"int":4}}')

    place.config().set("x.int", "5", "project")

    assert place.content("project") == {"x": {"int": 5}}
    backup = place.project_dir / "config.json.bak"
    assert backup.read_bytes() == b'{"x":{"int":4}}'
    assert {path.name for path in place.project_dir.iterdir()} == {
        "config.json",
        "config.json.bak",
        "locks",
    }


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes")
def test_files_are_private(place: Place) -> None:
    config = place.config()
    config.set("x.int", "5", "global")
    config.set("x.int", "6", "global")

    modes = {path.name: path.stat().st_mode & 0o777 for path in place.home.iterdir()}
    assert modes == {"config.json": 0o600, "config.json.bak": 0o600, "locks": 0o700}
    assert place.home.stat().st_mode & 0o777 == 0o700


def test_value_in_the_way_of_a_key_is_not_lost(place: Place) -> None:
    place.write("project", {"x": {"deep": 5}})

    error = refusal(lambda: place.config().set("x.deep.er.mode", "warn", "project"))

    assert (error.code, error.fix) == ("E_CONFIG", "cleo config unset x.deep")
    assert place.content("project") == {"x": {"deep": 5}}
    assert place.config().unset("x.deep", "project")


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_linked_file_is_read_and_never_replaced(place: Place) -> None:
    real = place.project_dir / "real.json"
    real.write_text('{"x": {"int": 9}}')
    place.file("project").symlink_to(real)

    assert place.config().get("x.int") == 9
    assert refusal(lambda: place.config().set("x.int", "5", "project")).code == "E_IO"
    assert place.file("project").is_symlink()
    assert real.read_text() == '{"x": {"int": 9}}'


def test_lone_surrogate_of_an_unknown_key_survives(place: Place) -> None:
    place.write("project", b'{"later": "\\ud800", "x": {"str": "\\u00e9"}}')

    place.config().set("x.int", "5", "project")

    assert place.content("project")["later"] == "\ud800"
    assert place.config().get("x.str") == "é"


def test_writers_in_many_processes_lose_nothing(place: Place) -> None:
    script = """
import sys
from cleo_core.api import ConfigKey
from cleo_core.config import Config
keys = {f"x.k{n}": ConfigKey(f"x.k{n}", "int", 0) for n in range(8)}
config = Config(keys, sys.argv[1])
for value in range(1, 21):
    config.set(f"x.k{sys.argv[2]}", str(value), "project")
"""
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(place.project_dir), str(number)])
        for number in range(8)
    ]

    assert [writer.wait(timeout=120) for writer in writers] == [0] * 8
    assert place.content("project") == {"x": {f"k{number}": 20 for number in range(8)}}


# Damage


@pytest.mark.guarantee(
    "operations-32", "A damaged settings file does not stop reading, which leaves it untouched."
)
@damaged
def test_damaged_file_is_absent_for_readers(content: bytes, place: Place) -> None:
    place.write("project", content)
    place.write("global", {"x": {"int": 7}})
    config = place.config()

    assert config.explain("x.int") == Value("x.int", 7, "global", str(place.file("global")))
    assert config.get("x.str") == "text"
    assert place.codes() == ["W_CONFIG_UNUSABLE"]
    assert str(place.file("project")) in place.warnings[0][1]
    assert config.unknown() == []
    [problem] = config.validate()
    assert (problem["origin"], problem["fix"]) == (
        str(place.file("project")),
        "cleo doctor --only config.valid --fix",
    )
    assert place.file("project").read_bytes() == content
    assert not (place.project_dir / "quarantine").exists()


@pytest.mark.guarantee(
    "operations-32",
    "A write keeps a damaged settings file in quarantine and goes on from the last good one.",
)
@damaged
@pytest.mark.parametrize("scope", ["project", "global"])
@pytest.mark.parametrize("backup", [b'{"x": {"str": "saved"}}', b"{damaged", None])
def test_write_moves_a_damaged_file_to_quarantine(
    backup: bytes | None, scope: Scope, content: bytes, place: Place
) -> None:
    place.write(scope, content)
    directory = place.file(scope).parent
    if backup is not None:
        (directory / "config.json.bak").write_bytes(backup)
    saved = {"str": "saved"} if backup == b'{"x": {"str": "saved"}}' else {}

    assert place.config().set("x.int", "5", scope)

    assert place.content(scope) == {"x": {**saved, "int": 5}}
    [kept] = (directory / "quarantine").iterdir()
    assert kept.read_bytes() == content
    assert kept.name.startswith("config.json.2")
    assert place.codes() == ["W_CONFIG_QUARANTINED"]
    assert str(kept) in place.warnings[0][1]
    [line] = (directory / "audit" / "overrides.jsonl").read_text().splitlines()
    record = json.loads(line)
    assert (record["event"], record["file"], record["kept"]) == (
        "quarantine",
        str(place.file(scope)),
        str(kept),
    )
    assert record["restoredFrom"] == (str(directory / "config.json.bak") if saved else None)
    assert place.config().validate() == []


def test_two_quarantines_in_one_second_are_both_kept(place: Place) -> None:
    clock.set_clock(lambda: 1_700_000_000.0)
    try:
        for content in (b"one", b"two", b"three"):
            place.write("project", content)
            assert place.config().repair("project")
    finally:
        clock.set_clock(None)

    kept = {path.name: path.read_bytes() for path in (place.project_dir / "quarantine").iterdir()}
    assert kept == {
        "config.json.20231114T221320Z": b"one",
        "config.json.20231114T221320Z-2": b"two",
        "config.json.20231114T221320Z-3": b"three",
    }


def test_repair_mends_only_what_is_damaged(place: Place) -> None:
    place.write("project", {"x": {"int": "wrong"}})
    assert not place.config().repair("project")
    assert not place.config().repair("global")
    assert place.content("project") == {"x": {"int": "wrong"}}

    place.write("project", b"damaged")
    assert place.config().repair("project")
    assert place.content("project") == {}


def test_quarantine_works_without_hard_links(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **more: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    place.write("project", b"damaged")

    place.config().set("x.int", "5", "project")

    [kept] = (place.project_dir / "quarantine").iterdir()
    assert kept.read_bytes() == b"damaged"


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_damaged_linked_file_is_left_alone(place: Place) -> None:
    real = place.project_dir / "real.json"
    real.write_text("damaged")
    place.file("project").symlink_to(real)

    assert refusal(lambda: place.config().set("x.int", "5", "project")).code == "E_IO"
    assert real.read_text() == "damaged"
    assert not (place.project_dir / "quarantine").exists()


@pytest.mark.parametrize("kind", ["directory", "pipe"])
def test_something_that_is_no_file_is_passed_over_and_not_replaced(kind: str, place: Place) -> None:
    if kind == "directory":
        place.file("project").mkdir()
    else:
        os.mkfifo(place.file("project"))

    assert place.config().get("x.int") == 1
    assert place.codes() == ["W_CONFIG_UNUSABLE"]
    assert refusal(lambda: place.config().set("x.int", "5", "project")).code == "E_IO"
    assert os.listdir(place.project_dir) == ["config.json"]


def test_unreadable_file_is_passed_over_and_never_replaced(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("global", {"x": {"int": 7}})
    real_open = os.open

    def guarded(path: str, *args: Any, **more: Any) -> int:
        if str(path) == str(place.file("global")):
            raise PermissionError(13, "Permission denied")
        return real_open(path, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", guarded)
        assert place.config().get("x.int") == 1
        error = refusal(lambda: place.config().set("x.int", "5", "global"))

    assert error.code == "E_PERMISSION_FS"
    assert place.content("global") == {"x": {"int": 7}}


@pytest.mark.guarantee(
    "operations-32", "A full disk in the middle of a settings write loses nothing."
)
@pytest.mark.parametrize("before", [b'{"x": {"int": 4}}', b"damaged"])
def test_full_disk_leaves_the_file_as_it_was(
    before: bytes, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("project", before)
    real_write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if b'"int"' in bytes(data):
            raise OSError(28, "No space left on device")
        return real_write(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        error = refusal(lambda: place.config().set("x.int", "5", "project"))

    assert (error.code, error.exit) == ("E_DISK_FULL", 3)
    assert place.file("project").read_bytes() == before
    assert place.config().set("x.int", "5", "project")


KILLED_AT_EACH_STEP = """
import json, os, signal, sys
from cleo_core.api import ConfigKey
from cleo_core.config import Config

directory, before, backup = sys.argv[1], sys.argv[2].encode(), sys.argv[3].encode()
keys = {"x.int": ConfigKey("x.int", "int", 0)}
path = os.path.join(directory, "config.json")
seen = []
for step in range(1, 400):
    open(path, "wb").write(before)
    open(path + ".bak", "wb").write(backup)
    child = os.fork()
    if child == 0:
        import filelock
        count = 0
        def counted(function):
            def call(*args, **more):
                global count
                count += 1
                if count == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*args, **more)
            return call
        for name in ("open", "write", "fsync", "close", "replace", "link", "mkdir", "chmod"):
            setattr(os, name, counted(getattr(os, name)))
        Config(keys, directory).set("x.int", "5", "project")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    content = open(path, "rb").read()
    kept = os.path.join(directory, "quarantine")
    quarantined = [open(os.path.join(kept, name), "rb").read() for name in os.listdir(kept)] \
        if os.path.isdir(kept) else []
    after = Config(keys, directory)
    after.set("x.int", "7", "project")
    seen.append({
        "content": content.decode(),
        "backup_parses": isinstance(json.load(open(path + ".bak")), dict),
        "kept": content == before or before in quarantined or b"damaged" not in before,
        "next": json.load(open(path)),
    })
    if status == 0:
        break
print(json.dumps(seen))
"""


@pytest.mark.guarantee(
    "operations-32",
    "Killed at any step of a settings write, the file holds the old or the new settings and the "
    "next write works.",
)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(
    ("before", "saved"), [('{"x": {"int": 4}}', {}), ("damaged", {"later": {"a": 1}})]
)
def test_kill_at_each_step_leaves_the_old_or_the_new_file(
    before: str, saved: dict[str, Any], place: Place
) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            KILLED_AT_EACH_STEP,
            str(place.project_dir),
            before,
            json.dumps(saved),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)

    new = {**saved, "x": {"int": 5}}
    assert len(seen) > 10
    assert json.loads(seen[-1]["content"]) == new
    for state in seen:
        assert state["content"] == before or json.loads(state["content"]) == new
        assert state["backup_parses"]
        assert state["kept"]
        assert state["next"] == {**saved, "x": {"int": 7}}


WRITES_FOR_EVER = """
import os, sys
from cleo_core.api import ConfigKey
from cleo_core.config import Config
config = Config({"x.int": ConfigKey("x.int", "int", 0)}, sys.argv[1])
for value in range(config.get("x.int") + 1, 10**9):
    config.set("x.int", str(value), "project")
    os.write(1, b"%d\\n" % value)
"""


@pytest.mark.guarantee(
    "operations-32", "Killed at random while writing, every acknowledged setting is there."
)
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_kill_at_random_loses_no_acknowledged_value(place: Place) -> None:
    chance = random.Random(7)
    for _ in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITES_FOR_EVER, str(place.project_dir)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        # There is a backup from the second write on.
        first = writer.stdout.readline() + writer.stdout.readline()
        time.sleep(chance.uniform(0, 0.03))
        writer.send_signal(signal.SIGKILL)
        acknowledged = int((first + writer.stdout.read()).split()[-1])
        writer.wait()
        writer.stdout.close()

        assert place.content("project")["x"]["int"] in (acknowledged, acknowledged + 1)
        backup = json.loads((place.project_dir / "config.json.bak").read_bytes())
        assert backup["x"]["int"] <= acknowledged + 1
        assert place.config().validate() == []


# Presets


def test_presets_are_what_the_keys_declare(place: Place) -> None:
    config = place.config()

    assert config.presets() == [
        {"name": "strict", "keys": ["x.global", "x.int", "x.list"]},
        {"name": "standard", "keys": []},
        {"name": "minimal", "keys": ["x.int"]},
    ]
    assert config.preset_show("strict") == {"x.global": True, "x.int": 10, "x.list": ["b", "c"]}


def test_applying_a_preset_touches_its_keys_only_and_once(place: Place) -> None:
    place.write("project", {"x": {"str": "mine", "int": 3}, "later": 1})

    first = place.config().apply_preset("strict")
    before = [place.file("project").read_bytes(), place.file("global").read_bytes()]
    second = place.config().apply_preset("strict")

    assert (first["changed"], second["changed"]) == (True, False)
    assert place.content("project") == {
        "x": {"str": "mine", "int": 10, "list": ["b", "c"]},
        "later": 1,
    }
    assert place.content("global") == {"x": {"global": True}}
    assert [place.file("project").read_bytes(), place.file("global").read_bytes()] == before
    assert place.config().get("x.list") == ["b", "c"]


def test_presets_apply_globally_outside_a_project(place: Place) -> None:
    config = Config(KEYS, None, {"CLEO_HOME": str(place.home)})

    assert config.apply_preset("minimal") == {
        "preset": "minimal",
        "changed": True,
        "values": {"x.int": 0},
    }
    assert place.content("global") == {"x": {"int": 0}}


def test_preset_that_sets_nothing_changes_nothing(place: Place) -> None:
    assert not place.config().apply_preset("standard")["changed"]
    assert list(place.project_dir.iterdir()) == []


def test_unknown_preset_lists_the_known(place: Place) -> None:
    error = refusal(lambda: place.config().apply_preset("loose"))

    assert (error.code, error.exit, error.fix) == ("E_CONFIG", 8, "cleo config preset list")
    assert "strict, standard, minimal" in error.message


def test_preset_with_a_value_its_key_refuses_writes_nothing(place: Place) -> None:
    keys = {"y.a": ConfigKey("y.a", "int", 0, presets={"strict": "ten"})}
    config = Config(keys, str(place.project_dir))

    assert refusal(lambda: config.apply_preset("strict")).code == "E_CONFIG"
    assert list(place.project_dir.iterdir()) == []


# Who acts


@pytest.mark.parametrize(
    ("flag", "variable", "project", "global_", "agent"),
    [
        ("a", "b", "c", "d", "a"),
        (None, "b", "c", "d", "b"),
        (None, None, "c", "d", "c"),
        (None, None, None, "d", "d"),
        (None, None, None, None, None),
        ("", " ", "c", None, "c"),
        (" a ", None, None, None, "a"),
        (None, None, "", None, None),
    ],
)
def test_agent_is_the_first_that_is_named(
    flag: str | None,
    variable: str | None,
    project: str | None,
    global_: str | None,
    agent: str | None,
    place: Place,
) -> None:
    if project is not None:
        place.write("project", {"agent": {"id": project}})
    if global_ is not None:
        place.write("global", {"agent": {"id": global_}})
    config = place.config({"CLEO_AGENT_ID": variable} if variable is not None else None)

    assert resolve_agent(config, flag) == agent


@pytest.mark.parametrize(
    ("flag", "variable", "session"),
    [("a", "b", "a"), (None, "b", "b"), ("", " b ", "b"), (None, None, None), (" ", "", None)],
)
def test_session_is_the_first_that_is_named(
    flag: str | None, variable: str | None, session: str | None
) -> None:
    env = {"CLEO_SESSION_ID": variable} if variable is not None else {}

    assert resolve_session(env, flag) == session


def nested(name: str, value: object) -> dict[str, Any]:
    content: Any = value
    for part in reversed(name.split(".")):
        content = {part: content}
    result: dict[str, Any] = content
    return result


def refusal(action: Callable[[], object]) -> CleoError:
    with pytest.raises(CleoError) as caught:
        action()
    assert caught.value.fix
    return caught.value
