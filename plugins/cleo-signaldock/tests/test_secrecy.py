"""Where no key in clear may stand, and where the files are that keep it so."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.testing import Processes

KEY = "sk_live_" + "c0ffee" * 10 + "0123"
#: Every verb that meets a key, as a user would run it.
VERBS = (
    ("agent", "register", "a", "--api-key-stdin", "--url", "http://127.0.0.1:9"),
    ("agent", "register", "a", "--api-key-stdin", "--name", "other"),
    ("agent", "keys", "set", "a", "--api-key-stdin"),
    ("agent", "keys", "set", "nobody", "--api-key-stdin"),
    ("agent", "keys", "show", "a"),
    ("agent", "keys", "rotate", "a"),
    ("agent", "keys", "rotate-machine"),
    ("agent", "keys", "status"),
    ("agent", "signin", "a"),
    ("agent", "get", "a"),
    ("agent", "list", "--global"),
    ("agent", "update", "a", "--description", "x"),
    ("agent", "retire", "a"),
    ("agent", "keys", "show", "a", "--debug"),
    ("agent", "revive", "a"),
    ("doctor",),
    ("reconcile",),
    ("export",),
)


def forms(key: str) -> list[bytes]:
    """How a key could stand somewhere: itself, its hex, its base64 at each offset."""
    raw = key.encode()
    encoded = [base64.b64encode(b"x" * offset + raw)[4:-4] for offset in range(3)]
    return [raw, raw.hex().encode(), *encoded]


def holds(content: bytes) -> bool:
    return any(form in content for form in forms(KEY))


@pytest.mark.one_database("files and outputs, which are the same for both")
def test_no_output_and_no_file_holds_a_key_in_clear(
    cleo_project: Path, cleo_cli: Callable[..., Any], cleo_home: Path, cleo_app: Any
) -> None:
    pytest.importorskip("httpx", reason="needs the extra client")
    (cleo_project / ".cleo" / "config.json").write_text('{"logging": {"level": "debug"}}')
    for argv in VERBS:
        for how in ("--json", "--human"):
            done = cleo_cli(*argv, how, input=KEY)
            assert not holds((done.out + done.err).encode()), argv

    for path in cleo_home.rglob("*"):
        if path.is_file():
            assert not holds(path.read_bytes()), path
    app = cleo_app
    held = app.service("agents").credential("a")
    shown = app.service("agents").keys_show("a", reveal=True)
    assert held.key == KEY
    for value in (held, shown, app.service("agents").get("a"), app.service("agents")):
        assert not holds(f"{value!r} {value}".encode())


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads /proc")
def test_a_key_on_standard_input_stands_in_no_list_of_processes(
    cleo_processes: Processes, cleo_project: Path, cleo_cli: Callable[..., Any]
) -> None:
    cleo_cli("agent", "register", "a")
    code = (
        "import os, sys; from cleo_core.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "own = open('/proc/self/cmdline', 'rb').read() + open('/proc/self/environ', 'rb').read()\n"
        f"print('HELD' if {KEY[:20]!r}.encode() in own else 'CLEAN', file=sys.stderr)"
    )
    file = cleo_project / "code.py"
    # The search's own text must not be what is found.
    file.write_text(code.replace(repr(KEY[:20]), repr(KEY[:20][::-1]) + "[::-1]"))
    done = subprocess.run(
        [sys.executable, str(file), "agent", "keys", "set", "a", "--api-key-stdin"],
        input=KEY.encode(),
        capture_output=True,
        cwd=cleo_project,
        check=True,
    )

    assert done.stderr.splitlines()[-1] == b"CLEAN"


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_a_process_that_holds_keys_leaves_no_image_of_its_memory(
    cleo_project: Path, cleo_cli: Callable[..., Any]
) -> None:
    cleo_cli("agent", "register", "a", "--api-key-stdin", input=KEY)
    code = (
        "import os, resource\n"
        "hard = resource.getrlimit(resource.RLIMIT_CORE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))\n"
        "import cleo_core\n"
        "with cleo_core.open_app() as app:\n"
        "    held = app.service('agents').credential('a')\n"
        "    assert held.key\n"
        "    assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0\n"
        "    os.abort()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cleo_project, capture_output=True, check=False
    )

    assert done.returncode == -6, done.stderr
    assert not [path for path in cleo_project.iterdir() if path.name.startswith("core")]


@pytest.mark.guarantee(
    "signaldock-05",
    "CLEO_HOME, the default directory and a missing home lead to one place for the store and its "
    "secret files, or to exit 8; never to a path relative to where the command ran.",
)
def test_store_and_secret_files_lie_in_one_place(
    cleo_project: Path, cleo_cli: Callable[..., Any], cleo_home: Path, tmp_path: Path
) -> None:
    argv = ("agent", "register", "a", "--no-attach", "--api-key-stdin")
    elsewhere = tmp_path / "elsewhere"
    for env, folder in (
        ({"CLEO_HOME": str(elsewhere)}, elsewhere),
        ({}, None),
    ):
        assert cleo_cli(*argv, input=KEY, env=env, process=True).code == 0
        if folder is None:
            (folder,) = {path.parent for path in (cleo_home / "home").rglob("signaldock.db")}
        names = {path.name for path in folder.iterdir()}
        assert {"signaldock.db", "machine-key", "global-salt"} <= names
        assert folder.stat().st_mode & 0o077 == 0
    before = set(cleo_project.rglob("*"))
    for env in ({"CLEO_HOME": "relative"}, {"HOME": "", "XDG_DATA_HOME": ""}):
        refused = cleo_cli(*argv, input=KEY, env=env, process=True)
        assert refused.code == 8, refused
    assert set(cleo_project.rglob("*")) == before


def test_lists_import_neither_cryptography_nor_tables(
    cleo_project: Path, cleo_cli: Callable[..., Any]
) -> None:
    cleo_cli("agent", "register", "a", "--api-key-stdin", input=KEY)
    code = (
        "import sys; from cleo_core.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'cryptography', 'sqlalchemy', 'alembic', 'psycopg', 'httpx', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    for argv in (
        ("list",),
        ("list", "--global"),
        ("get", "a"),
        ("whoami", "--agent", "a"),
        ("heartbeat", "a"),
        ("capabilities",),
        ("attach", "a"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, "agent", *argv, "--json"],
            cwd=cleo_project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr.splitlines()[-1] == "[]", (argv, done.stderr, done.stdout)
