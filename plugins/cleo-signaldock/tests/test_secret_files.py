"""The machine's two secret files: made once, read with care, renewed without a gap."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.errors import CleoError
from cleo_signaldock.errors import SignaldockError
from cleo_signaldock.secrets import files as module
from cleo_signaldock.secrets.files import SecretFiles

pytestmark = pytest.mark.skipif(os.name != "posix", reason="file modes and SIGKILL")

CREATE = (
    "import sys; from pathlib import Path; from cleo_signaldock.secrets.files import SecretFiles;"
    "sys.stdin.read(1); print(*SecretFiles(Path(sys.argv[1])).create().fingerprints)"
)
UNSAFE = pytest.mark.guarantee(
    "signaldock-02",
    "First runs at the same time leave one key and one salt; a kill leaves no short file; a link, "
    "a wrong mode, size or owner is refused with exit 92.",
)
ROTATION = pytest.mark.guarantee(
    "signaldock-07",
    "A rotation of the machine's key that is killed anywhere is finished or undone by the next "
    "use, and every stored key can be read.",
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


def code_of(act: Callable[[], Any]) -> tuple[str, int]:
    with pytest.raises(SignaldockError) as error:
        act()
    return error.value.code, error.value.exit


@UNSAFE
def test_sixteen_first_runs_at_once_leave_one_pair(home: Path) -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", CREATE, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(16)
    ]
    for run in runs:
        assert run.stdin is not None
        run.stdin.write("x")
        run.stdin.flush()
    found = {run.communicate()[0] for run in runs}

    assert {run.returncode for run in runs} == {0}
    assert found == {"{} {}\n".format(*SecretFiles(home).read().fingerprints)}
    left = sorted(path.name for path in home.iterdir() if path.is_file())
    assert left == ["global-salt", "machine-key"]
    assert {oct(path.stat().st_mode & 0o777) for path in home.iterdir() if path.is_file()} == {
        "0o600"
    }


CALLS = ("open", "write", "fsync", "link", "unlink", "close", "replace")


def killed_at(number: int, act: Callable[[], Any]) -> bool:
    """Run an act in a forked child that is killed before its nth call of the system's functions.

    :returns: False, it made fewer calls and ended by itself.
    """
    child = os.fork()
    if child == 0:
        calls = 0

        def counted(real: Any) -> Any:
            def call(*arguments: Any, **options: Any) -> Any:
                nonlocal calls
                calls += 1
                if calls == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **options)

            return call

        for name in CALLS:
            setattr(os, name, counted(getattr(os, name)))
        try:
            act()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@UNSAFE
def test_a_kill_at_any_call_leaves_whole_files_or_none(tmp_path: Path) -> None:
    number = 0
    killed = True
    while killed:
        number += 1
        home = tmp_path / str(number)
        home.mkdir(mode=0o700)
        killed = killed_at(number, SecretFiles(home).create)
        for name in ("machine-key", "global-salt"):
            path = home / name
            assert not path.exists() or path.stat().st_size == 32
        first = {
            path.name: path.read_bytes() for path in home.iterdir() if path.name in module._NAMES
        }
        SecretFiles(home).create()
        for name, content in first.items():
            assert (home / name).read_bytes() == content
        assert sorted(path.name for path in home.iterdir() if path.is_file()) == [
            "global-salt",
            "machine-key",
        ]

    assert number > 12


@UNSAFE
def test_a_disk_that_cannot_be_read_is_no_lost_key(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = SecretFiles(home)
    made = files.create()

    def failing(descriptor: int, size: int) -> bytes:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "read", failing)
        with pytest.raises(CleoError) as caught:
            files.create()
    assert (caught.value.code, caught.value.exit) == ("E_IO", 3)
    assert files.create().check == made.check


@UNSAFE
def test_without_hard_links_the_files_are_made_all_the_same(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    made = SecretFiles(home).create()

    assert SecretFiles(home).create().check == made.check


@UNSAFE
@pytest.mark.parametrize("name", ["machine-key", "global-salt"])
def test_what_others_could_read_or_replace_is_refused(
    home: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = SecretFiles(home)
    held.create()
    path = home / name
    content = path.read_bytes()

    for mode in (0o640, 0o604, 0o620, 0o400, 0o700):
        path.chmod(mode)
        with pytest.raises(SignaldockError) as error:
            held.read()
        assert (error.value.code, error.value.exit) == ("E_SECRET_UNSAFE", 92)
        assert error.value.fix == f"chmod 600 {path}"
    path.chmod(0o600)

    home.chmod(0o770)
    assert code_of(held.read) == ("E_SECRET_UNSAFE", 92)
    home.chmod(0o700)

    elsewhere = home / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert code_of(held.read) == ("E_SECRET_UNSAFE", 92)
    assert code_of(held.create) == ("E_SECRET_UNSAFE", 92)
    path.unlink()
    os.mkfifo(path, 0o600)
    assert code_of(held.read) == ("E_SECRET_UNSAFE", 92)
    path.unlink()

    lost = "E_MACHINE_KEY_LOST" if name == "machine-key" else "E_SALT_LOST"
    assert code_of(held.read) == (lost, 92)
    for short in (b"", content[:-1], content + b"x"):
        path.write_bytes(short)
        path.chmod(0o600)
        assert code_of(held.read) == (lost, 92)

    path.write_bytes(content)
    held.read()
    monkeypatch.setattr(os, "geteuid", lambda: os.stat(path).st_uid + 1)
    assert code_of(held.read) == ("E_SECRET_UNSAFE", 92)


@ROTATION
@pytest.mark.parametrize("salt_only", [False, True])
@pytest.mark.parametrize("committed", [False, True])
def test_a_rotation_killed_anywhere_settles_on_the_pair_that_is_stored(
    tmp_path: Path, salt_only: bool, committed: bool
) -> None:
    number = 0
    killed = True
    while killed:
        number += 1
        home = tmp_path / str(number)
        home.mkdir(mode=0o700)
        held = SecretFiles(home)
        before = held.create()
        if committed:
            following = held.write_next(salt_only=salt_only)
            check = following.check
            killed = killed_at(number, lambda held=held: held.publish_next(0))  # type: ignore[misc]
        else:
            check = before.check
            killed = killed_at(number, lambda held=held: held.write_next(salt_only=salt_only))  # type: ignore[misc]

        assert held.fitting(check).check == check
        with held.locked():
            held.settle(check, 0)
        assert held.read().check == check
        assert not held.is_unsettled()
        if committed:
            assert held._generation_fits(0, before.check)
            assert held.generations() == [0]
            kept = {path.name for path in home.iterdir() if path.is_file()}
            assert ("machine-key.gen0" in kept) != salt_only

    assert number > 2


def test_files_that_fit_nothing_name_the_generation_that_does(home: Path) -> None:
    held = SecretFiles(home)
    before = held.create()
    held.write_next()
    held.publish_next(0)

    with pytest.raises(SignaldockError) as error:
        held.fitting(before.check)

    assert (error.value.code, error.value.exit) == ("E_SECRET_MISMATCH", 92)
    assert error.value.details == {"generations": [0]}
    assert held.prune() == [0]
    assert held.generations() == []
