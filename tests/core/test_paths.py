"""Where CLEO's files live, and the ways small files are written."""

from __future__ import annotations

import errno
import itertools
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import platformdirs.macos
import platformdirs.unix
import platformdirs.windows
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleo_core.config import CORE_KEYS, Config
from cleo_core.errors import CleoError
from cleo_core.journal import log
from cleo_core.paths import (
    append_override,
    atomic_file,
    atomic_write,
    check_test_root,
    config_dir,
    data_dir,
    ensure_directory,
    path_from,
    read_bounded,
    tier_directory,
)

VARIABLES = ("HOME", "CLEO_HOME", "CLEO_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")
COMBINATIONS = [
    *itertools.chain.from_iterable(itertools.combinations(VARIABLES, count) for count in range(6))
]
KEYS = {key.name: key for key in CORE_KEYS}

posix_only = pytest.mark.skipif(os.name != "posix", reason="POSIX modes and links")


@pytest.fixture(autouse=True)
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A private home, no variable of CLEO's set, nothing reachable outside."""
    for name in [*os.environ]:
        if name.startswith(("CLEO_", "XDG_")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CLEO_TEST_ROOT", str(tmp_path))


@pytest.mark.parametrize(
    ("platform", "env", "data", "config"),
    [
        ("linux", {"HOME": "/h"}, "/h/.local/share/cleo", "/h/.config/cleo"),
        ("freebsd14", {"HOME": "/h/"}, "/h/.local/share/cleo", "/h/.config/cleo"),
        (
            "darwin",
            {"HOME": "/h"},
            "/h/Library/Application Support/cleo",
            "/h/Library/Application Support/cleo",
        ),
        ("linux", {"HOME": "/"}, "/.local/share/cleo", "/.config/cleo"),
        ("linux", {"HOME": "/h", "XDG_DATA_HOME": "/d"}, "/d/cleo", "/h/.config/cleo"),
        (
            "darwin",
            {"HOME": "/h", "XDG_CONFIG_HOME": "/c"},
            "/h/Library/Application Support/cleo",
            "/c/cleo",
        ),
        ("linux", {"XDG_DATA_HOME": "/d", "XDG_CONFIG_HOME": "/c"}, "/d/cleo", "/c/cleo"),
        ("linux", {"CLEO_HOME": "/x"}, "/x", "/x"),
        ("linux", {"CLEO_HOME": "/x/"}, "/x", "/x"),
        ("linux", {"CLEO_HOME": "/x", "XDG_CONFIG_HOME": "/c"}, "/x", "/x"),
        ("linux", {"CLEO_HOME": "/x", "CLEO_CONFIG_HOME": "/y"}, "/x", "/y"),
        ("linux", {"HOME": "/h", "CLEO_CONFIG_HOME": "/y"}, "/h/.local/share/cleo", "/y"),
        ("linux", {"HOME": "/h", "CLEO_HOME": "  "}, "/h/.local/share/cleo", "/h/.config/cleo"),
        ("linux", {"HOME": "/h", "CLEO_HOME": "~"}, "/h", "/h"),
        ("darwin", {"HOME": "/h", "CLEO_HOME": "~/of cleo"}, "/h/of cleo", "/h/of cleo"),
        ("win32", {"CLEO_HOME": r"D:\cleo"}, r"D:\cleo", r"D:\cleo"),
        ("win32", {"CLEO_HOME": "D:\\"}, "D:\\", "D:\\"),
        ("win32", {"CLEO_HOME": r"\\host\share\x"}, r"\\host\share\x", r"\\host\share\x"),
        ("win32", {"USERPROFILE": r"C:\u", "CLEO_HOME": r"~\x"}, r"C:\u\x", r"C:\u\x"),
    ],
)
def test_directories_follow_the_table(
    platform: str, env: dict[str, str], data: str, config: str
) -> None:
    assert data_dir(env, platform=platform) == data
    assert config_dir(env, platform=platform) == config


@pytest.mark.parametrize(
    ("platform", "library"),
    [("linux", platformdirs.unix.Unix), ("darwin", platformdirs.macos.MacOS)],
)
@pytest.mark.parametrize(
    ("home", "data", "config"),
    [
        *itertools.product(
            ["/somewhere", "/some where/é", "/slash/"],
            [None, "", "  ", "/data", "/da ta", "relative", "~/x"],
            [None, "", "/config", "relative"],
        )
    ],
)
def test_posix_columns_are_what_platformdirs_answers(
    platform: str,
    library: type[platformdirs.unix.Unix],
    home: str,
    data: str | None,
    config: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_variables(monkeypatch, HOME=home, XDG_DATA_HOME=data, XDG_CONFIG_HOME=config)

    folders = library("cleo", appauthor=False, roaming=True)

    assert data_dir(platform=platform) == folders.user_data_dir
    assert config_dir(platform=platform) == folders.user_config_dir


def test_windows_column_is_the_roaming_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        platformdirs.windows, "get_win_folder", {"CSIDL_APPDATA": "/Users/u/Roaming"}.__getitem__
    )
    env = {"XDG_DATA_HOME": "/ignored", "XDG_CONFIG_HOME": "/ignored"}

    assert data_dir(env, platform="win32") == "/Users/u/Roaming/cleo"
    assert config_dir(env, platform="win32") == "/Users/u/Roaming/cleo"


def test_windows_without_a_profile_says_which_variable_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_folder(name: str) -> str:
        raise ValueError(f"Unset environment variable: {name}")

    monkeypatch.setattr(platformdirs.windows, "get_win_folder", no_folder)

    with pytest.raises(CleoError) as caught:
        data_dir({}, platform="win32")

    assert (caught.value.code, caught.value.exit) == ("E_NO_HOME", 8)
    assert "CLEO_HOME" in caught.value.fix


@pytest.mark.parametrize(
    ("platform", "env", "code"),
    [
        ("linux", {}, "E_NO_HOME"),
        ("linux", {"HOME": ""}, "E_NO_HOME"),
        ("linux", {"HOME": "  "}, "E_NO_HOME"),
        ("linux", {"HOME": "relative"}, "E_NO_HOME"),
        ("darwin", {}, "E_NO_HOME"),
        ("linux", {"XDG_DATA_HOME": "relative"}, "E_NO_HOME"),
        ("linux", {"CLEO_HOME": "~"}, "E_NO_HOME"),
        ("linux", {"HOME": "/h", "CLEO_HOME": "relative"}, "E_PATH_OVERRIDE"),
        ("linux", {"HOME": "/h", "CLEO_HOME": "./x"}, "E_PATH_OVERRIDE"),
        ("linux", {"HOME": "/h", "CLEO_HOME": "~other/x"}, "E_PATH_OVERRIDE"),
        ("linux", {"HOME": "/h", "CLEO_HOME": "C:\\x"}, "E_PATH_OVERRIDE"),
        ("linux", {"HOME": "/h", "CLEO_HOME": "/x\0y"}, "E_PATH_OVERRIDE"),
        ("win32", {"CLEO_HOME": "\\rooted"}, "E_PATH_OVERRIDE"),
        ("win32", {"CLEO_HOME": "C:relative"}, "E_PATH_OVERRIDE"),
        ("win32", {"CLEO_HOME": "~\\x"}, "E_NO_HOME"),
    ],
)
def test_unusable_homes_are_configuration_errors(
    platform: str, env: dict[str, str], code: str
) -> None:
    with pytest.raises(CleoError) as caught:
        data_dir(env, platform=platform)

    assert (caught.value.code, caught.value.exit) == (code, 8)
    assert caught.value.fix


def test_relative_xdg_value_is_ignored_with_a_warning() -> None:
    told: list[tuple[str, str]] = []

    answer = data_dir(
        {"HOME": "/h", "XDG_DATA_HOME": "relative"}, lambda *warning: told.append(warning)
    )

    assert answer == "/h/.local/share/cleo"
    [(code, message)] = told
    assert code == "W_PATH_RELATIVE"
    assert "XDG_DATA_HOME" in message


def test_blank_xdg_value_is_ignored_silently() -> None:
    told: list[tuple[str, str]] = []

    data_dir({"HOME": "/h", "XDG_DATA_HOME": " "}, lambda *warning: told.append(warning))

    assert told == []


def test_each_call_asks_the_environment_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEO_HOME", "/first")
    assert data_dir() == "/first"

    monkeypatch.setenv("CLEO_HOME", "/second")
    assert data_dir() == "/second"


@pytest.mark.guarantee(
    "operations-01",
    "For every combination of the path variables, on every system, one rule says where data and "
    "settings live, and without a home directory that is exit 8.",
)
@pytest.mark.parametrize("present", COMBINATIONS)
@pytest.mark.parametrize("platform", ["linux", "freebsd14", "darwin"])
def test_variables_decide_in_one_order(platform: str, present: tuple[str, ...]) -> None:
    env = {name: f"/{name}" for name in present}

    data = answer_of(lambda: data_dir(env, platform=platform))
    config = answer_of(lambda: config_dir(env, platform=platform))

    below = "/HOME/Library/Application Support/cleo" if platform == "darwin" else None
    assert data == first_of(
        (env.get("CLEO_HOME"), "/CLEO_HOME"),
        (env.get("XDG_DATA_HOME"), "/XDG_DATA_HOME/cleo"),
        (env.get("HOME"), below or "/HOME/.local/share/cleo"),
    )
    assert config == first_of(
        (env.get("CLEO_CONFIG_HOME"), "/CLEO_CONFIG_HOME"),
        (env.get("CLEO_HOME"), "/CLEO_HOME"),
        (env.get("XDG_CONFIG_HOME"), "/XDG_CONFIG_HOME/cleo"),
        (env.get("HOME"), below or "/HOME/.config/cleo"),
    )


@pytest.mark.guarantee(
    "operations-01",
    "All of CLEO's own files lie in the two configured directories and never in the working one.",
)
@posix_only
@pytest.mark.parametrize("present", COMBINATIONS)
def test_written_files_lie_in_the_configured_directories(
    present: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    env = {name: str(tmp_path / name) for name in present}
    data, settings = answer_of(lambda: data_dir(env)), answer_of(lambda: config_dir(env))

    if settings == "E_NO_HOME":
        assert answer_of(lambda: Config(KEYS, None, env).set("agent.id", "x", "global")) == settings
    else:
        Config(KEYS, None, env).set("agent.id", "x", "global")
    if data == "E_NO_HOME":
        assert answer_of(lambda: tier_directory("global", None, env)) == data
    else:
        assert tier_directory("global", None, env) == data
        append_override(data, "restore", {})
        assert log(data, "error", "something", env=env)

    roots = {data, settings} - {"E_NO_HOME"}
    assert {root_of(file, roots) for file in files_in(tmp_path)} == roots
    assert list(working.iterdir()) == []


@pytest.mark.guarantee(
    "operations-01",
    "A home that cannot be written is an error that names it, and no file appears elsewhere.",
)
@posix_only
@pytest.mark.skipif(not os.path.isdir("/sys/kernel"), reason="needs Linux's read-only /sys")
def test_read_only_home_is_an_error_that_names_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLEO_TEST_ROOT")
    monkeypatch.chdir(tmp_path)
    config = Config(KEYS, None, {"HOME": "/sys/kernel"})

    with pytest.raises(CleoError) as caught:
        config.set("agent.id", "someone", "global")

    assert (caught.value.code, caught.value.exit) == ("E_PERMISSION_FS", 3)
    assert "/sys/kernel/.config" in caught.value.message
    assert files_in(tmp_path) == []


@posix_only
@pytest.mark.parametrize("outside", ["/etc/cleo", "{root}/../else", "{root}-next", "{root}/link/x"])
def test_paths_outside_the_test_root_are_refused(
    outside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    monkeypatch.setenv("CLEO_TEST_ROOT", str(root))
    path = outside.format(root=root)

    for action in (
        lambda: check_test_root(path),
        lambda: ensure_directory(path),
        lambda: atomic_write(path, b""),
        lambda: read_bounded(path, 1),
        lambda: append_override(path, "restore", {}),
    ):
        with pytest.raises(CleoError) as caught:
            action()
        assert (caught.value.code, caught.value.exit) == ("E_TEST_ROOT", 3)
    assert not log(path, "error", "something")
    assert files_in(tmp_path) == []


def test_test_root_itself_and_what_is_in_it_are_allowed(tmp_path: Path) -> None:
    check_test_root(str(tmp_path))
    check_test_root(str(tmp_path / "missing" / "deep"))


@pytest.mark.parametrize("value", [None, "", "  "])
def test_without_a_test_root_every_path_is_allowed(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_variables(monkeypatch, CLEO_TEST_ROOT=value)

    check_test_root("/etc/passwd")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_variable_gives_an_absolute_path_none_or_an_error(value: str) -> None:
    def ask() -> str | None:
        return path_from({"HOME": "/h", "X": value}, "X", platform="linux")

    if not value.strip():
        assert ask() is None
    elif value.startswith("/") and "\0" not in value:
        assert (ask() or "").startswith("/")
    elif not value.startswith("~"):
        assert answer_of(ask) == "E_PATH_OVERRIDE"


@posix_only
def test_made_directories_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ensure_directory(str(tmp_path / "a" / "b"))
    finally:
        os.umask(before)

    assert mode_of(tmp_path / "a") == mode_of(tmp_path / "a" / "b") == 0o700


@posix_only
def test_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o755)
    (tmp_path / "a").chmod(0o755)

    ensure_directory(str(tmp_path / "a"))

    assert mode_of(tmp_path / "a") == 0o755


@pytest.mark.parametrize("below", ["", "/deeper"])
def test_file_in_the_place_of_a_directory_is_an_error(below: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")

    with pytest.raises(CleoError) as caught:
        ensure_directory(f"{tmp_path}/a{below}")

    assert caught.value.code == "E_IO"
    assert caught.value.fix.startswith("ls -ld ")


@posix_only
@pytest.mark.parametrize("umask", [0, 0o077, 0o777])
def test_written_file_is_private_and_complete(umask: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    before = os.umask(umask)
    try:
        atomic_write(str(path), b"first")
        atomic_write(str(path), b"second" * 100_000)
    finally:
        os.umask(before)

    assert path.read_bytes() == b"second" * 100_000
    assert mode_of(path) == 0o600
    assert os.listdir(tmp_path) == ["file", "home"] or os.listdir(tmp_path) == ["home", "file"]


@posix_only
def test_link_is_neither_followed_nor_replaced(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("old")
    link = tmp_path / "link"
    link.symlink_to(target)

    with pytest.raises(CleoError) as caught:
        atomic_write(str(link), b"new")

    assert caught.value.code == "E_IO"
    assert caught.value.fix == f"ls -l {link}"
    assert link.is_symlink()
    assert target.read_text() == "old"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "E_DISK_FULL"),
        (errno.EDQUOT, "E_DISK_FULL"),
        (errno.EACCES, "E_PERMISSION_FS"),
        (errno.EROFS, "E_PERMISSION_FS"),
        (errno.EIO, "E_IO"),
    ],
)
@pytest.mark.parametrize("step", ["open", "write", "fsync", "replace"])
def test_failed_write_leaves_the_old_content_and_no_temporary(
    step: str, number: int, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail(*args: object, **more: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(CleoError) as caught:
            atomic_write(str(path), b"new")

    assert (caught.value.code, caught.value.exit) == (code, 3)
    assert str(path) in caught.value.message
    assert caught.value.fix.split()[0] in ("df", "ls")
    assert path.read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["file", "home"]


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))

    atomic_write(str(tmp_path / "file"), b"0123456789")

    assert (tmp_path / "file").read_bytes() == b"0123456789"


@posix_only
def test_kill_at_any_step_of_a_write_leaves_the_old_or_the_new_content(tmp_path: Path) -> None:
    script = """
import json, os, signal, sys
from cleo_core.paths import atomic_write
path, seen = sys.argv[1], []
for step in range(1, 50):
    atomic_write(path, b"old")
    child = os.fork()
    if child == 0:
        count = 0
        def counted(function):
            def call(*args, **more):
                global count
                count += 1
                if count == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*args, **more)
            return call
        for name in ("open", "fchmod", "write", "fsync", "close", "replace"):
            setattr(os, name, counted(getattr(os, name)))
        atomic_write(path, b"new")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    seen.append(open(path).read())
    if status == 0:
        break
print(json.dumps(seen))
"""
    seen = run_python(script, str(tmp_path / "file"))

    assert seen[0] == "old"
    assert seen[-1] == "new"
    assert seen == sorted(seen, key=["old", "new"].index)
    assert seen.count("old") >= 5


@posix_only
def test_named_pipe_does_not_hang_a_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ValueError, match="not a regular file"):
        read_bounded(str(tmp_path / "pipe"), 10)


@pytest.mark.parametrize(("size", "read"), [(0, 0), (9, 9), (10, 10), (11, 11), (1000, 11)])
def test_reading_stops_one_byte_past_the_limit(size: int, read: int, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * size)

    assert len(read_bounded(str(tmp_path / "file"), 10)) == read


def test_import_brings_nothing_that_a_short_command_cannot_pay() -> None:
    script = """
import json, sys
import click, pluggy, sqlite3
before = set(sys.modules)
import cleo_core.paths, cleo_core.config, cleo_core.journal
from cleo_core.errors import CleoError
try:
    cleo_core.paths.find_project()
except CleoError:
    pass
config = cleo_core.config.Config({key.name: key for key in cleo_core.config.CORE_KEYS}, None)
config.items()
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    loaded = run_python(script)

    heavy = "pathlib hashlib tempfile shutil subprocess difflib random platformdirs filelock shlex"
    assert not set(heavy.split()) & set(loaded)


def set_variables(monkeypatch: pytest.MonkeyPatch, **values: str | None) -> None:
    for name, value in values.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)


def answer_of(ask: Callable[[], object]) -> str:
    """What a function answers, or the code of its error."""
    try:
        return str(ask())
    except CleoError as error:
        return error.code


def first_of(*rows: tuple[str | None, str]) -> str:
    return next((answer for present, answer in rows if present), "E_NO_HOME")


def files_in(directory: Path) -> list[str]:
    return [os.path.join(folder, name) for folder, _, names in os.walk(directory) for name in names]


def root_of(file: str, roots: set[str]) -> str:
    return next((root for root in sorted(roots) if file.startswith(f"{root}/")), file)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def run_python(script: str, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    answer: list[str] = json.loads(done.stdout)
    return answer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty directory."""
    made = tmp_path / "folder"
    made.mkdir()
    return made


def test_parts_that_a_kill_left_are_removed_and_those_of_living_writers_are_not(
    folder: Path,
) -> None:
    path = folder / "report.jsonl"
    left = folder / ".report.jsonl.part.0123456789ab.tmp"
    others = [
        folder / ".report.jsonl.0123456789ab.tmp",
        folder / ".other.jsonl.part.0123456789ab.tmp",
        folder / ".report.jsonl.part.0123456789abc.tmp",
    ]
    for one in (left, *others):
        one.write_bytes(b"half")
    link = folder / ".report.jsonl.part.aaaaaaaaaaaa.tmp"
    link.symlink_to(others[0])
    with atomic_file(str(path)) as first:
        assert not left.exists()
        with atomic_file(str(path)) as second:
            second.write(b"second")
        assert path.read_bytes() == b"second"
        first.write(b"first")
    assert path.read_bytes() == b"first"
    assert sorted(folder.iterdir()) == sorted([path, link, *others])


def test_a_part_that_was_taken_for_left_behind_is_made_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_core.paths import files

    real, taken = files._lock, []

    def late(descriptor: int, *, wait: bool = True) -> bool:
        if not taken:
            [found] = folder.glob(".report.part.*")
            found.unlink()
            taken.append(found)
        return real(descriptor, wait=wait)

    monkeypatch.setattr(files, "_lock", late)
    with atomic_file(str(folder / "report")) as file:
        file.write(b"whole")
    assert [one.name for one in folder.iterdir()] == ["report"]


def test_many_processes_that_write_one_file_piece_by_piece_take_nothing_from_each_other(
    folder: Path,
) -> None:
    path = folder / "report"
    code = (
        "import sys\n"
        "from cleo_core.paths import atomic_file\n"
        "for number in range(200):\n"
        "    with atomic_file(sys.argv[1]) as file:\n"
        "        file.write(sys.argv[2].encode() * 1000)\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(path), word], stderr=subprocess.PIPE)
        for word in "abcd"
    ]
    for one in running:
        _, err = one.communicate(timeout=60)
        assert one.returncode == 0, err.decode()
    assert path.read_bytes() in [word.encode() * 1000 for word in "abcd"]
    assert [one.name for one in folder.iterdir()] == ["report"]


def test_a_part_that_was_made_again_is_not_taken_for_the_one_before_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_core.paths import files

    left = folder / ".report.part.0123456789ab.tmp"
    left.write_bytes(b"the first")
    real = files._lock

    def late(descriptor: int, *, wait: bool = True) -> bool:
        if not wait:
            left.unlink()
            left.write_bytes(b"the second")
        return real(descriptor, wait=wait)

    monkeypatch.setattr(files, "_lock", late)
    with atomic_file(str(folder / "report")) as file:
        file.write(b"whole")
    assert left.read_bytes() == b"the second"
