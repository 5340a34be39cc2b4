"""``cleo plugins new``: the names it takes, what it writes, what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleo_core.database import header
from cleo_core.installed import BUILT_IN_COMMANDS
from cleo_core.scaffold import MOST_CHARACTERS, application_id, write_scaffold
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]
Frozen = Callable[..., object]

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,7}(-[a-z0-9]{1,8}){0,2}", fullmatch=True)


def test_a_distribution_is_written_whole(cleo_cli: Cli, cleo_home: Path) -> None:
    made = cleo_cli("plugins", "new", "team-notes").data
    root = cleo_home / "work" / "cleo-team-notes"
    assert made["path"] == str(root)
    assert made["distribution"] == "cleo-team-notes"
    assert made["package"] == "cleo_team_notes"
    assert made["command"] == "cleo team-notes"
    files = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    assert files == made["files"]
    assert os.listdir(cleo_home / "work") == ["cleo-team-notes"]
    for path in root.rglob("*"):
        assert "template" not in str(path)
        if path.is_file() and path.suffix != ".db":
            text = path.read_text("utf-8")
            assert "template_name" not in text, path
            assert "template-name" not in text, path
    number = int(made["applicationId"], 16)
    assert header(str(root / "tests/golden/team_notes_0001.db"))[1] == number
    assert f"application_id=0x{number:08X}" in (root / "src/cleo_team_notes/plugin.py").read_text()


def test_a_leading_cleo_and_underscores_are_understood(cleo_cli: Cli, cleo_home: Path) -> None:
    made = cleo_cli("plugins", "new", "cleo_team_notes", "--dir", str(cleo_home / "there")).data
    assert made["path"] == str(cleo_home / "there" / "cleo-team-notes")
    assert made["store"] == "team_notes"


def test_a_dry_run_says_what_it_would_write_and_writes_nothing(
    cleo_cli: Cli, cleo_home: Path, frozen_bytes: Frozen
) -> None:
    with frozen_bytes(cleo_home):  # type: ignore[attr-defined]
        made = cleo_cli("plugins", "new", "notes", "--dry-run").data
    assert not (cleo_home / "work" / "cleo-notes").exists()
    assert made["files"] == cleo_cli("plugins", "new", "notes").data["files"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "lower-case letters"),
        ("Notes", "lower-case letters"),
        ("1notes", "lower-case letters"),
        ("-notes", "lower-case letters"),
        ("notes-", "lower-case letters"),
        ("my--notes", "lower-case letters"),
        ("my notes", "lower-case letters"),
        ("nötes", "lower-case letters"),
        ("../notes", "lower-case letters"),
        ("notes/../../x", "lower-case letters"),
        ("notes'; DROP TABLE items", "lower-case letters"),
        ("notes\n", "lower-case letters"),
        ("x" * (MOST_CHARACTERS + 1), "at most"),
        ("class", "word of Python"),
        ("import", "word of Python"),
        ("core", "belongs to CLEO"),
        ("cleo-core", "belongs to CLEO"),
        ("new", "belongs to CLEO"),
        ("testing", "belongs to CLEO"),
        *((name, "built-in command") for name in sorted(BUILT_IN_COMMANDS)),
    ],
)
def test_a_bad_name_is_one_clear_error(
    name: str, words: str, cleo_cli: Cli, cleo_home: Path, frozen_bytes: Frozen
) -> None:
    with frozen_bytes(cleo_home):  # type: ignore[attr-defined]
        # A name may begin like an option.
        error = cleo_cli("plugins", "new", "--", name).error
    assert (error["code"], error["exit"]) == ("E_USAGE", 2)
    assert words in error["message"]
    assert error["fix"].startswith("cleo plugins new ")


def test_a_name_of_an_installed_plugin_is_refused(cleo_cli: Cli, site: object) -> None:
    site.store("orchard", kind="apple")  # type: ignore[attr-defined]
    for name in ("orchard", "apple"):
        assert "cleo-orchard uses that name" in cleo_cli("plugins", "new", name).error["message"]


@pytest.mark.parametrize("is_file", [True, False])
def test_what_is_there_is_never_touched(
    is_file: bool, cleo_cli: Cli, cleo_home: Path, frozen_bytes: Frozen
) -> None:
    there = cleo_home / "work" / "cleo-notes"
    there.write_text("mine") if is_file else there.mkdir()
    with frozen_bytes(cleo_home):  # type: ignore[attr-defined]
        assert "is there already" in cleo_cli("plugins", "new", "notes").error["message"]


def test_a_directory_that_cannot_be_written_leaves_nothing(cleo_cli: Cli, cleo_home: Path) -> None:
    (cleo_home / "work" / "file").write_text("")
    outcome = cleo_cli("plugins", "new", "notes", "--dir", "file/below")
    assert outcome.error["exit"] == 3
    assert os.listdir(cleo_home / "work") == ["file"]


def test_listing_plugins_is_as_it_was(cleo_cli: Cli, cleo_home: Path) -> None:
    listed = cleo_cli("plugins")
    assert listed.envelope["meta"]["operation"] == "plugins"
    assert isinstance(listed.data, list)
    rows, again = listed.data, cleo_cli("plugins", "--json").data
    for row in (*rows, *again):
        del row["ms"]  # how long its import took this time
    assert again == rows
    assert cleo_cli("plugins", "no-such-plugin").error["exit"] == 4
    assert cleo_cli("plugins", "new").error["exit"] == 2
    page = cleo_cli("plugins", "--help").out
    assert "[NAME]" in page
    assert "new " in page


@given(NAMES)
def test_application_ids_are_stable_and_never_cleos_own(name: str) -> None:
    number = application_id(name)
    assert number == application_id(name)
    assert 0xFFFF < number < 2**31
    assert number >> 16 != 0x434C


def test_application_ids_of_different_names_differ() -> None:
    names = [f"store-{number}" for number in range(2000)]
    assert len({application_id(name) for name in names}) == len(names)


@pytest.mark.parametrize("name", ["a", "x" * MOST_CHARACTERS, "list", "one-2-three"])
def test_the_code_is_formatted_and_typed_whatever_the_name(
    name: str, cleo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_core.installed import load_all

    ruff = Path(sys.executable).with_name("ruff")
    if not ruff.exists():
        pytest.skip("ruff is not installed")
    monkeypatch.setenv("CLEO_PLUGINS", "")
    made = write_scaffold(name, str(cleo_home), load_all({"CLEO_PLUGINS": ""}, []), frozenset())
    for words in (("format", "--check"), ("check",)):
        done = subprocess.run(
            [str(ruff), *words, "--no-cache", made.path],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
