"""The log and the record of overrides."""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cleo_core import clock
from cleo_core.errors import CleoError
from cleo_core.journal import LEVELS, log
from cleo_core.paths import append_override
from cleo_core.redaction import redact

FIELDS = [
    "ts",
    "level",
    "event",
    "command",
    "requestId",
    "projectId",
    "durationMs",
    "exit",
    "plugin",
    "message",
]

HEX = "3f9a1c77d0e4b25861fa90cc5b7e2d14"
BASE64 = base64.b64encode(bytes(range(100, 132))).decode()


@pytest.fixture(autouse=True)
def quiet_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLEO_LOG_FILE", raising=False)
    monkeypatch.setenv("CLEO_TEST_ROOT", str(tmp_path))


@pytest.fixture
def noon() -> Iterator[None]:
    clock.set_clock(lambda: 1_700_000_000.0)
    yield
    clock.set_clock(None)


# The record of overrides


@pytest.mark.usefixtures("noon")
def test_override_is_one_line_with_its_facts(tmp_path: Path) -> None:
    append_override(str(tmp_path), "restore", {"stores": ["tasks"], "rows": 7})
    append_override(str(tmp_path), "import", {})

    assert overrides(tmp_path) == [
        {"ts": "2023-11-14T22:13:20.000Z", "event": "restore", "stores": ["tasks"], "rows": 7},
        {"ts": "2023-11-14T22:13:20.000Z", "event": "import"},
    ]


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes")
def test_record_is_private(tmp_path: Path) -> None:
    append_override(str(tmp_path), "restore", {})

    assert (tmp_path / "audit").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "audit" / "overrides.jsonl").stat().st_mode & 0o777 == 0o600


def test_record_is_on_the_disk_before_it_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(descriptor)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)

    append_override(str(tmp_path), "restore", {})
    assert len(synced) == (1 if os.name == "nt" else 2)
    append_override(str(tmp_path), "restore", {})
    assert len(synced) == (2 if os.name == "nt" else 3)


def test_record_hides_secrets_at_any_depth(tmp_path: Path) -> None:
    facts = {"command": f"x --token {HEX}", "deep": {"list": [f"Bearer {BASE64}"]}}
    append_override(str(tmp_path), "forced", facts)

    [record] = overrides(tmp_path)
    assert record["command"] == "x --token ***"
    assert record["deep"] == {"list": ["Bearer ***"]}


def test_record_after_a_torn_line_stands_alone(tmp_path: Path) -> None:
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "overrides.jsonl").write_text('{"ts": "torn')

    append_override(str(tmp_path), "restore", {})

    torn, whole = (tmp_path / "audit" / "overrides.jsonl").read_text().splitlines()
    assert torn == '{"ts": "torn'
    assert json.loads(whole)["event"] == "restore"


@pytest.mark.parametrize("in_the_way", ["file", "link", "directory", "pipe"])
def test_record_that_cannot_be_written_is_an_error(in_the_way: str, tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    if in_the_way == "file":
        audit.write_text("")
    else:
        audit.mkdir()
        target = audit / "overrides.jsonl"
        if in_the_way == "link":
            target.symlink_to(tmp_path / "elsewhere")
        elif in_the_way == "directory":
            target.mkdir()
        else:
            os.mkfifo(target)

    with pytest.raises(CleoError) as caught:
        append_override(str(tmp_path), "restore", {})

    assert (caught.value.code, caught.value.exit) == ("E_IO", 3)
    assert caught.value.fix
    assert not (tmp_path / "elsewhere").exists()


def test_full_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", lambda descriptor, data: len(data) - 1)

    with pytest.raises(CleoError) as caught:
        append_override(str(tmp_path), "restore", {})

    assert caught.value.code == "E_DISK_FULL"


# The log


@pytest.mark.usefixtures("noon")
def test_line_has_every_field(tmp_path: Path) -> None:
    assert log(
        str(tmp_path),
        "error",
        "unexpected",
        command="tasks show",
        request_id="r1",
        project_id="p1",
        duration_ms=1.5,
        exit=1,
        plugin="tasks",
        message="It failed: ü",
    )

    [line] = lines(tmp_path)
    assert list(line) == FIELDS
    assert line == dict(
        zip(
            FIELDS,
            [
                "2023-11-14T22:13:20.000Z",
                "error",
                "unexpected",
                "tasks show",
                "r1",
                "p1",
                1.5,
                1,
                "tasks",
                "It failed: ü",
            ],
            strict=True,
        )
    )


def test_fields_that_are_not_known_are_null(tmp_path: Path) -> None:
    log(str(tmp_path), "error", "unexpected")

    [line] = lines(tmp_path)
    assert list(line) == FIELDS
    assert line["plugin"] is None


@pytest.mark.parametrize("level", [*LEVELS, "nonsense"])
@pytest.mark.parametrize("least", LEVELS)
def test_only_lines_of_the_least_level_are_written(level: str, least: str, tmp_path: Path) -> None:
    wanted = level == "nonsense" or LEVELS.index(level) >= LEVELS.index(least)

    assert log(str(tmp_path), level, "event", config_level=least) == wanted
    assert (tmp_path / "logs").exists() == wanted


def test_default_level_is_warning(tmp_path: Path) -> None:
    assert not log(str(tmp_path), "info", "event")
    assert log(str(tmp_path), "warning", "event")


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes")
def test_log_is_private(tmp_path: Path) -> None:
    log(str(tmp_path), "error", "event")

    assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "logs" / "cleo.log").stat().st_mode & 0o777 == 0o600


@given(message=st.text(max_size=6000), event=st.text(max_size=5000), level=st.sampled_from(LEVELS))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_is_one_line_of_four_kilobytes(
    message: str, event: str, level: str, tmp_path: Path
) -> None:
    (tmp_path / "logs").mkdir(exist_ok=True)
    (tmp_path / "logs" / "cleo.log").write_bytes(b"")

    assert log(str(tmp_path), level, event, config_level="debug", message=message)

    data = (tmp_path / "logs" / "cleo.log").read_bytes()
    assert data.count(b"\n") == 1
    assert len(data) <= 4096
    assert json.loads(data)["level"] == level


def test_long_message_is_cut_and_says_so(tmp_path: Path) -> None:
    log(str(tmp_path), "error", "event", message="words " * 2000)

    assert lines(tmp_path)[0]["message"].endswith("…")
    assert len(lines(tmp_path)[0]["message"]) > 3000


def test_controls_and_lone_surrogates_do_not_stop_the_log(tmp_path: Path) -> None:
    assert log(str(tmp_path), "error", "\x00" * 5000, message="\ud800" * 5000, plugin="\x01" * 9000)

    assert len(lines(tmp_path)) == 1


def test_each_line_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    write = os.write

    def noted(descriptor: int, data: bytes) -> int:
        written.append(data)
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", noted)

    log(str(tmp_path), "error", "event")

    assert len(written) == 1


def test_variable_names_another_file(tmp_path: Path) -> None:
    env = {"CLEO_LOG_FILE": str(tmp_path / "mine.log")}

    assert log(str(tmp_path / "missing"), "error", "event", env=env)
    assert json.loads((tmp_path / "mine.log").read_text())["event"] == "event"


@pytest.mark.parametrize("env", [{"CLEO_LOG_FILE": "relative"}, {"CLEO_LOG_FILE": "/nowhere/x/y"}])
def test_unusable_variable_costs_the_line_and_nothing_else(
    env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert not log(str(tmp_path), "error", "event", env=env)
    assert list(tmp_path.iterdir()) == []


def test_directory_is_never_made(tmp_path: Path) -> None:
    assert not log(str(tmp_path / "missing"), "error", "event")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["mkdir", "open", "write"])
@pytest.mark.parametrize("error", [OSError(28, "full"), PermissionError(13, "no")])
def test_failing_to_log_is_no_error(
    step: str, error: OSError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **more: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        written = log(str(tmp_path), "error", "event")

    assert not written


@pytest.mark.parametrize("in_the_way", ["link", "pipe", "directory"])
def test_log_goes_to_a_regular_file_only(in_the_way: str, tmp_path: Path) -> None:
    path = tmp_path / "logs" / "cleo.log"
    path.parent.mkdir()
    if in_the_way == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif in_the_way == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()

    assert not log(str(tmp_path), "error", "event")
    assert not (tmp_path / "elsewhere").exists()


# Rotation


def test_full_log_is_rotated_and_the_oldest_goes(tmp_path: Path) -> None:
    for number in range(20):
        assert log(str(tmp_path), "error", f"event-{number}", max_bytes=200, files=3)

    folder = tmp_path / "logs"
    names = sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))
    assert names == ["cleo.log", "cleo.log.1", "cleo.log.2"]
    kept = [json.loads((folder / name).read_text())["event"] for name in names]
    assert kept == ["event-19", "event-18", "event-17"]


def test_one_file_means_one_file(tmp_path: Path) -> None:
    for number in range(5):
        assert log(str(tmp_path), "error", f"event-{number}", max_bytes=200, files=1)

    assert [line["event"] for line in lines(tmp_path)] == ["event-4"]
    assert not (tmp_path / "logs" / "cleo.log.1").exists()


def test_small_log_needs_no_lock(tmp_path: Path) -> None:
    log(str(tmp_path), "error", "event")

    assert os.listdir(tmp_path / "logs") == ["cleo.log"]


def test_rotation_that_another_process_holds_up_loses_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from filelock import FileLock

    monkeypatch.setattr("cleo_core.journal._ROTATION_WAIT", 0.01)
    log(str(tmp_path), "error", "first")
    with FileLock(str(tmp_path / "logs" / "cleo.log.lock")):
        assert log(str(tmp_path), "error", "second", max_bytes=10)

    assert [line["event"] for line in lines(tmp_path)] == ["first", "second"]


def test_processes_that_rotate_at_once_lose_no_line(tmp_path: Path) -> None:
    script = """
import sys
from cleo_core.journal import log
for number in range(50):
    assert log(sys.argv[1], "error", f"{sys.argv[2]}-{number}", max_bytes=4000, files=100)
"""
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(number)])
        for number in range(6)
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 6

    events = [
        json.loads(line)["event"]
        for path in (tmp_path / "logs").glob("cleo.log*")
        if not path.name.endswith(".lock")
        for line in path.read_text().splitlines()
    ]
    assert sorted(events) == sorted(f"{one}-{two}" for one in range(6) for two in range(50))
    assert len(list((tmp_path / "logs").glob("cleo.log.*"))) > 3


# Redaction


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ("bearer xyz", "bearer ***"),
        ("used sk_live_abcd1234 there", "used sk_*** there"),
        ("sk-proj-abcdef", "sk_***"),
        (f"key={HEX}", "key=***"),
        (f"the token is {HEX}.", "the token is ***."),
        (f'"secret": "{BASE64}"', '"secret": "***"'),
        (f"{HEX} is the machine key", "*** is the machine key"),
        (f"passphrase {BASE64}", "passphrase ***"),
        (
            "HTTP 401 for https://u:pw9@h password: hunter2",
            "HTTP 401 for https://***@h password: ***",
        ),
        ("postgresql+psycopg://me:a@b:c@db:5432/x", "postgresql+psycopg://***@db:5432/x"),
        ("git+ssh://ghp_abc@github.com/a/b.git failed", "git+ssh://***@github.com/a/b.git failed"),
        ("https://u:p/q@h/x", "https://***@h/x"),
        ("//u:pw9@h/x", "//***@h/x"),
        ("DB_PASSWORD=hunter2 ./run", "DB_PASSWORD=*** ./run"),
        ("passwd : hunter2, next", "passwd : *** next"),
        ("Pwd=a;Server=x", "Pwd=***"),
        ('{"apiKey": "a b\\"c", "n": 1}', '{"apiKey": "***", "n": 1}'),
        ("{'client_secret': 'it', 'n': 1}", "{'client_secret': '***', 'n': 1}"),
        (r"{\"password\": \"hunter2\", \"n\": 1}", r"{\"password\": \"***\", \"n\": 1}"),
        ('password: "hunter2 and no end', 'password: "***'),
        ("X-Api-Key: abc", "X-Api-Key: ***"),
        ("api key = abc", "api key = ***"),
        ("AWS_SECRET_ACCESS_KEY=abc", "AWS_SECRET_ACCESS_KEY=***"),
        ("token: password: hunter2", "token: password: ***"),
        ("Authorization: Basic dTpw", "Authorization: Basic ***"),
        ("-H 'Authorization: token abc, def' -v", "-H 'Authorization: token ***' -v"),
        ("passphrase: correct horse battery", "passphrase: ***"),
        ("secret: none of these", "secret: *** of these"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The key is missing.",
        "E_IDEMPOTENCY_MISMATCH: the idempotency key was used before",
        "secret/files/are/declared/somewhere",
        "no such table: credential_cache_entries_by_agent",
        f"commit {HEX}",
        "tasks_0007 is the head",
        "the token counter",
        "input tokens: 77",
        "the password was refused by the server",
        'password="" is empty',
        "https://example.org:8080/npm/left@1.2 and me@example.org",
        "https://[::1]:80/a:b@c",
        "/home/me/projects2/token-service/.cleo/quarantine",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


@given(
    seed=st.integers(min_value=0, max_value=2**32),
    word=st.sampled_from(["key", "Token", "SECRET", "passphrase"]),
    encode=st.sampled_from([bytes.hex, lambda raw: base64.b64encode(raw).decode()]),
    before=st.text(max_size=50),
)
def test_no_key_beside_its_name_survives(
    seed: int, word: str, encode: Callable[[bytes], str], before: str
) -> None:
    secret = encode(random.Random(seed).randbytes(32))
    assume(any(letter.isdigit() for letter in secret))

    assert secret not in redact(f"{before} {word}: {secret}")


SECRET_NAMES = ["password", "PASSWD", "pwd", "Secret", "token", "api key", "db_password", "api-key"]
TAIL = st.text(max_size=30).map(lambda text: "" if not text else f"\n{text}")


@given(
    name=st.sampled_from([*SECRET_NAMES, "authorization", "passphrase"]),
    sign=st.sampled_from([":", "=", ": ", " = ", ":= ", "=> "]),
    before=st.text(max_size=50),
    after=TAIL,
    quote=st.sampled_from(["", '"', "'"]),
    data=st.data(),
)
def test_no_value_of_a_secret_name_survives(
    name: str, sign: str, before: str, after: str, quote: str, data: st.DataObject
) -> None:
    ends = quote or "\"'`\\"
    letters = st.characters(exclude_categories=["Z", "C"], exclude_characters=ends)
    value = "Zq9" + data.draw(st.text(letters, max_size=20)).replace("\\", "")

    assert value not in redact(f"{before}{name}{sign}{quote}{value}{quote}{after}")


@given(
    scheme=st.sampled_from(["https", "ftp", "git+ssh", "postgresql+psycopg2", "s3"]),
    user=st.text("abcXYZ019._~%-!$&'()*+,;=", max_size=10),
    password=st.text("abcXYZ019._~%-!$&'()*+,;=:@", min_size=1, max_size=20),
    before=st.text(max_size=50),
    after=st.text(max_size=50),
)
def test_no_password_in_an_address_survives(
    scheme: str, user: str, password: str, before: str, after: str
) -> None:
    planted = f"Zq9{password}"

    assert planted not in redact(f"{before} {scheme}://{user}:{planted}@example.org/x {after}")


SHAPED = st.sampled_from(
    [
        *SECRET_NAMES,
        *("Authorization", "Bearer", "basic", "sk_abcdef", "://", "@", ":", "=", "'", '"'),
        *("\\", " ", "\n", "***", "*", HEX, BASE64, "x"),
    ]
)


@given(st.one_of(st.text(max_size=2000), st.lists(SHAPED, max_size=30).map("".join)))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)

    assert redact(once) == once


def test_log_hides_secrets(tmp_path: Path) -> None:
    log(str(tmp_path), "error", "event", message=f"refused token {HEX}", command="Bearer abc")

    text = (tmp_path / "logs" / "cleo.log").read_text()
    assert HEX not in text
    assert "abc" not in text


def lines(directory: Path) -> list[dict[str, Any]]:
    text = (directory / "logs" / "cleo.log").read_text()
    return [json.loads(line) for line in text.splitlines()]


def overrides(directory: Path) -> list[dict[str, Any]]:
    text = (directory / "audit" / "overrides.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]
