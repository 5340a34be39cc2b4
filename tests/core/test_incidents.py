"""For each known incident: doctor names it with a way out, and mends what is safe to mend."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cleo_core.doctor import plugins as plugin_checks
from cleo_core.doctor.catalogue import CHECKS
from cleo_core.testing import Outcome
from cleo_core.testing.fixtures import run_here
from tests.core.conftest import Site
from tests.core.incidents.around import AROUND
from tests.core.incidents.scene import (
    Broken,
    Incident,
    allowed,
    changed,
    copy,
    make_healthy,
    picture,
)
from tests.core.incidents.stores import STORES

INCIDENTS = (*STORES, *AROUND)
PLUGINS = "shelves,boxes,vault"
#: What mending leaves besides: its record.
RECORDED = ("*/audit", "*/audit/overrides.jsonl")


def _at(root: Path, patch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CLEO_") and name != "CLEO_SQLITE"]:
        patch.delenv(name)
    patch.setenv("HOME", str(root / "home"))
    patch.setenv("XDG_DATA_HOME", str(root / "home" / "data"))
    patch.setenv("XDG_CONFIG_HOME", str(root / "home" / "config"))
    patch.setenv("CLEO_TEST_ROOT", str(root))
    patch.setenv("CLEO_PLUGINS", PLUGINS)
    patch.chdir(root / "work")


def _cli(*words: str, env: dict[str, str] | None = None) -> Outcome:
    return run_here(words, env or {}, None, None)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Site]]:
    """The healthy project and the place of its plugins, made once."""
    root = tmp_path_factory.mktemp("healthy")
    for folder in ("home", "work", "site"):
        (root / folder).mkdir()
    site = Site(root / "site")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "site"))
        _at(root, patch)
        make_healthy(root, site, _cli)
        found = _cli("doctor").data["checks"]
        bad = [one for one in found if one["status"] not in ("ok", "info")]
        assert {one["id"] for one in bad} <= {"sqlite.version"}, bad
        yield root, site
    site.forget()


@pytest.fixture
def broken(
    healthy: tuple[Path, Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Broken]:
    """A copy of it, to be broken."""
    root, _ = healthy
    copy(root, tmp_path)
    _at(tmp_path, monkeypatch)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    more = tmp_path / "site"
    more.mkdir()
    monkeypatch.syspath_prepend(str(more))
    # Asking the packaging library takes longer than all other checks.
    monkeypatch.setattr(plugin_checks, "installed", plugin_checks.scan)
    own = Site(more)
    made = Broken(tmp_path, _cli, own, monkeypatch)
    with made.until_the_end:
        yield made
    own.forget()


def _found(outcome: Outcome) -> list[dict[str, Any]]:
    """The checks, the exit being right for them."""
    report = outcome.data if outcome.code == 0 else outcome.error["details"]
    assert outcome.code == (6 if report["status"] == "error" else 0)
    checks: list[dict[str, Any]] = report["checks"]
    return checks


def _bad(checks: list[dict[str, Any]]) -> set[str]:
    return {one["id"] for one in checks if one["status"] not in ("ok", "info")}


@pytest.mark.guarantee(
    "operations-23",
    "Each way in which a store is known to have been damaged is named by doctor, with a command "
    "that helps.",
)
@pytest.mark.guarantee(
    "operations-27",
    "On fifty prepared broken projects doctor changes no byte, and with --fix only what it says.",
)
@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda one: one.name.replace(" ", "-"))
def test_doctor_names_it_and_mends_only_that(incident: Incident, broken: Broken) -> None:
    always = _bad(_found(_cli("doctor")))
    incident.spoil(broken)
    before = picture(broken.home)

    checks = _found(_cli("doctor", env=broken.env))
    assert changed(before, picture(broken.home)) == set()
    named = [
        one
        for one in checks
        if (one["id"] == incident.check or one["id"].startswith(f"{incident.check}."))
        and one["status"] == incident.status
        and incident.words in f"{one['message']} {one['details']}"
    ]
    assert named, [one for one in checks if one["status"] != "ok"]
    assert named[0]["fix"].startswith(incident.fix)
    assert named[0]["fix"] or incident.fix == ""
    assert named[0]["fixable"] is bool(incident.mends)
    assert _bad(checks) <= {incident.check, *incident.beside, *always} or incident.check == "store"

    mended = _found(_cli("doctor", "--fix", env=broken.env))
    touched = changed(before, picture(broken.home))
    if not incident.mends:
        assert touched == set()
        return
    assert {name for name in touched if not allowed(name, (*incident.mends, *RECORDED))} == set()
    assert incident.check not in _bad(mended)
    again = _found(_cli("doctor", env=broken.env))
    assert _bad(again) <= always
    assert [one for one in again if one["id"] == incident.check and one["fixable"]] == []


def test_every_check_of_core_has_its_incident() -> None:
    here = {incident.check for incident in INCIDENTS}
    assert {check.id for check in CHECKS} - here == {"paths.roaming"}, "Windows alone has that"
    assert len({incident.name for incident in INCIDENTS}) == len(INCIDENTS) >= 60
