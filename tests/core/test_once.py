"""What tests remember of one run of ``cleo`` for the next is never out of date."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from cleo_core.installed import load_all
from cleo_core.plugins import Plugins

REGISTERS = """
@hookimpl
def cleo_register_services():
    return [ServiceSpec(name, "thing:Thing") for name in NAMES]
"""


@pytest.fixture
def module(site: Any) -> Any:
    site.plugin("apples", "from cleo_core.api import ServiceSpec\nNAMES = ['apples']\n" + REGISTERS)
    load_all(os.environ, [])
    return sys.modules[f"{site.package['apples']}.plugin"]


def loaded() -> Plugins:
    return load_all(os.environ, [])


def test_plugins_stay_loaded_and_each_set_of_them_stands_alone(module: Any) -> None:
    one, other = loaded(), loaded()
    assert one is not other
    assert one.loaded == other.loaded
    one.config_keys.clear()
    one.services.clear()
    assert other.config_keys
    assert "apples" in other.services
    assert "apples" in loaded().services


def test_a_plugin_that_declares_something_else_is_loaded_anew(module: Any) -> None:
    assert "pears" not in loaded().services
    module.NAMES.append("pears")
    assert "pears" in loaded().services


def test_a_plugin_whose_module_was_changed_is_loaded_anew(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "apples" in loaded().services
    with monkeypatch.context() as changed:
        changed.setattr(module, "CLEO_API", (1, 99))
        assert [plugin.reason for plugin in loaded().quarantined] == ["api-too-new"]
    assert "apples" in loaded().services


def test_a_plugin_that_begins_to_fail_is_put_aside_and_comes_back(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as changed:
        changed.setattr(module, "NAMES", None)
        assert [plugin.reason for plugin in loaded().quarantined] == ["hook-failed"]
    assert "apples" in loaded().services


def test_plugins_that_are_left_out_or_gone_are_not_remembered(
    module: Any, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEO_DISABLE_PLUGINS", "apples")
    assert "apples" not in loaded().services
    monkeypatch.delenv("CLEO_DISABLE_PLUGINS")
    assert "apples" in loaded().services
    (site.root / "cleo_apples-1.0.dist-info" / "entry_points.txt").unlink()
    assert "apples" not in loaded().services
