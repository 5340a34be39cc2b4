"""The contract itself: every hook is specified, described and treated as the table says."""

from __future__ import annotations

import inspect
import typing

import pluggy
import pytest

from cleo_core import PLUGIN_API, hookspecs
from cleo_core.hookspecs import HOOKS
from cleo_core.plugins import load_plugins

#: hook -> arguments, kind, what an error does.
CONTRACT = {
    "cleo_register_stores": ("", "all", "quarantine"),
    "cleo_open_store": ("spec path", "first", "abort"),
    "cleo_store_opened": ("spec connection", "all", "isolated"),
    "cleo_migrate_store": ("spec connection plan", "first", "abort"),
    "cleo_store_migrated": ("app spec report", "all", "isolated"),
    "cleo_register_commands": ("", "all", "quarantine"),
    "cleo_register_references": ("", "all", "quarantine"),
    "cleo_existing_ids": ("app kind ids", "first", "unknown"),
    "cleo_guard_change": ("app change", "all", "refuse"),
    "cleo_change_committed": ("app change", "all", "isolated"),
    "cleo_reconcile": ("app apply", "all", "isolated"),
    "cleo_doctor_checks": ("", "all", "isolated"),
    "cleo_project_created": ("app project", "all", "isolated"),
    "cleo_command_finished": ("app event", "all", "isolated"),
    "cleo_register_services": ("", "all", "quarantine"),
}


def test_the_hooks_are_those_of_the_contract() -> None:
    specified = [name for name in vars(hookspecs) if name.startswith("cleo_")]
    assert specified == list(HOOKS) == list(CONTRACT)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_what_the_contract_says(name: str) -> None:
    arguments, kind, on_error = CONTRACT[name]
    function = getattr(hookspecs, name)
    assert list(inspect.signature(function).parameters) == arguments.split()
    assert (HOOKS[name].kind, HOOKS[name].on_error) == (kind, on_error)
    assert function.cleo_spec["firstresult"] == (kind == "first")


def test_exceptions_to_the_usual_treatment_are_few() -> None:
    assert [name for name, kind in HOOKS.items() if kind.wrappers] == ["cleo_migrate_store"]
    assert [name for name, kind in HOOKS.items() if kind.owner_strict] == ["cleo_store_opened"]
    limits = {name: kind.limit_ms for name, kind in HOOKS.items() if kind.limit_ms is not None}
    assert limits == {"cleo_command_finished": 5}


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_described(name: str) -> None:
    function = getattr(hookspecs, name)
    text = inspect.getdoc(function) or ""
    fields = [line.split(":")[1] for line in text.splitlines() if line.startswith(":")]
    parameters = [f"param {argument}" for argument in inspect.signature(function).parameters]
    assert fields[:4] == ["fires", "writes", "on error", "since"]
    assert fields[4 : 4 + len(parameters)] == parameters
    major, minor = PLUGIN_API
    assert f":since: {major}.{minor}" in text
    assert text.splitlines()[0].endswith(".")
    if HOOKS[name].kind == "first":
        assert fields[-1] == "returns"


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_has_a_type_for_every_argument_and_result(name: str) -> None:
    function = getattr(hookspecs, name)
    assert set(function.__annotations__) == {*inspect.signature(function).parameters, "return"}
    assert typing.Any not in function.__annotations__.values()


def test_pluggy_accepts_every_specification() -> None:
    manager = pluggy.PluginManager("cleo")
    manager.add_hookspecs(hookspecs)
    for name in HOOKS:
        assert getattr(manager.hook, name).has_spec()


def test_nothing_is_registered_when_plugins_are_left_out() -> None:
    plugins = load_plugins({"CLEO_PLUGINS": ""})
    assert plugins.loaded == ()
    assert not any(plugins.has(hook) for hook in HOOKS)
    assert plugins.first("cleo_open_store", spec=None, path="p") is None
