"""The machine's keys in use: giving, loss, rotation, and a fresh start."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.errors import CleoError
from cleo_core.testing import Clock
from cleo_signaldock.secrets import blobs
from cleo_signaldock.service import holding
from cleo_signaldock.service.keys import KeyVerbs

KEY = "sk_live_" + "5a" * 32
LOSS = pytest.mark.guarantee(
    "signaldock-03",
    "With stored keys a missing, replaced or short key file ends with exit 92, makes no file and "
    "flags the agents; with the right file back the flags are gone.",
)


@pytest.fixture
def agents(cleo_app: Any) -> Any:
    return cleo_app.service("agents")


@pytest.fixture
def data(cleo_app: Any) -> Path:
    """The directory with the store and the secret files."""
    return Path(holding.files(cleo_app).directory)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*") if path.is_file())


def flags(agents: Any, *ids: str) -> list[str | None]:
    return [agents.get(id_, everywhere=True).reauth_reason for id_ in ids]


def test_a_key_can_be_given_and_shown_by_its_ends(agents: Any) -> None:
    agents.register("a")
    with pytest.raises(CleoError) as error:
        agents.keys_show("a")
    assert (error.value.code, error.value.exit) == ("E_NO_KEY", 4)

    assert agents.keys_set("a", KEY).changed is True
    assert agents.keys_set("a", KEY).changed is False
    assert agents.keys_show("a").key == "sk_live_5a5a…5a5a"
    assert agents.keys_show("a", reveal=True).key == KEY
    assert KEY not in repr(agents.keys_show("a", reveal=True))
    assert agents.get("a").has_key is True
    assert agents.keys_set("a", "short-key").changed is True
    assert agents.keys_show("a").key == "sh…"


@pytest.mark.parametrize("text", ["", "short", "two words here", "ä" * 20, "x" * 2000, "a\nb" * 9])
def test_what_is_no_key_is_refused_and_not_repeated(agents: Any, text: str) -> None:
    agents.register("a")
    with pytest.raises(CleoError) as error:
        agents.keys_set("a", text)
    assert error.value.exit == 6
    assert not text or text not in str(error.value)


@LOSS
@pytest.mark.parametrize(
    ("name", "reason", "code"),
    [
        ("global-salt", "salt_lost", "E_SALT_LOST"),
        ("machine-key", "key_lost", "E_MACHINE_KEY_LOST"),
    ],
)
@pytest.mark.parametrize("how", ["deleted", "replaced", "short"])
def test_a_lost_file_is_told_and_nothing_is_made(
    agents: Any, data: Path, name: str, reason: str, code: str, how: str
) -> None:
    agents.register("a", api_key=KEY)
    agents.register("b", api_key=KEY)
    agents.register("keyless")
    path = data / name
    right = path.read_bytes()
    if how == "deleted":
        path.unlink()
    else:
        path.write_bytes(bytes(32) if how == "replaced" else right[:16])
    before = names(data)

    for _ in range(2):
        for act in (
            lambda: agents.credential("a"),
            lambda: agents.keys_set("keyless", KEY),
            lambda: agents.register("c", api_key=KEY),
            agents.keys_rotate_machine,
        ):
            with pytest.raises(CleoError) as error:
                act()
            expected = "E_SECRET_MISMATCH" if how == "replaced" else code
            assert (error.value.code, error.value.exit) == (expected, 92)
    assert flags(agents, "a", "b", "keyless") == [reason, reason, None]
    assert names(data) == before
    assert agents.update("a", name="still there").changed is True
    status = agents.keys_status()
    assert status.check == ("mismatch" if how == "replaced" else "lost")
    assert [row["agentId"] for row in status.requires_reauth] == ["a", "b"]

    path.write_bytes(right)
    path.chmod(0o600)
    assert agents.credential("a").key == KEY
    assert flags(agents, "a", "b") == [None, None]


@LOSS
def test_the_right_file_takes_away_no_other_flag(agents: Any, data: Path) -> None:
    agents.register("a", api_key=KEY)
    agents.register("b", api_key=KEY)
    agents.flag_reauth("b", "rejected")
    salt = (data / "global-salt").read_bytes()
    (data / "global-salt").unlink()
    with pytest.raises(CleoError):
        agents.credential("a")
    assert flags(agents, "a", "b") == ["salt_lost", "rejected"]

    (data / "global-salt").write_bytes(salt)
    (data / "global-salt").chmod(0o600)
    assert agents.credential("a").key == KEY
    assert flags(agents, "a", "b") == [None, "rejected"]
    with pytest.raises(CleoError) as error:
        agents.credential("b")
    assert (error.value.exit, error.value.fix) == (91, "cleo agent keys set b")
    agents.keys_set("b", KEY)
    assert agents.credential("b").key == KEY


def test_before_the_first_key_there_are_no_files(agents: Any, data: Path) -> None:
    agents.register("a")
    agents.keys_status()

    assert "machine-key" not in names(data)
    assert agents.keys_status().check == "unset"
    assert agents.credential("a").key is None


def test_unreadable_and_derived_values_ask_for_the_key_anew(agents: Any, cleo_app: Any) -> None:
    agents.register("a", api_key=KEY)
    agents.register("b", api_key=KEY)

    def damage(agent_id: str, blob: str) -> None:
        cleo_app.write(
            "signaldock",
            lambda unit: unit.execute(
                "UPDATE agents SET api_key_encrypted = :blob WHERE agent_id = :id",
                blob=blob,
                id=agent_id,
            ),
        )

    damage("a", base64.b64encode(b"\x02" + bytes(40)).decode())
    damage("b", "5a" * 32)

    for id_ in ("a", "b"):
        with pytest.raises(CleoError) as error:
            agents.credential(id_)
        assert error.value.exit == 91
        assert flags(agents, id_) == ["decrypt_failed"]
    assert agents.get("b").has_key is False


@pytest.mark.guarantee(
    "signaldock-06", "A blob of the older form is read, and its next write is of the newer form."
)
def test_an_older_blob_is_read_and_made_new_by_the_next_write(agents: Any, cleo_app: Any) -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    agents.register("a", api_key=KEY)
    keys = holding.keys(cleo_app)
    nonce = os.urandom(12)
    sealed = AESGCM(keys.derive("a")).encrypt(nonce, b"older-key", None)
    blob = base64.b64encode(b"\x01" + nonce + sealed).decode()
    cleo_app.write(
        "signaldock",
        lambda unit: unit.execute("UPDATE agents SET api_key_encrypted = :blob", blob=blob),
    )

    assert agents.credential("a").key == "older-key"
    assert agents.keys_rotate_machine().ciphertexts == 1
    stored = cleo_app.store("signaldock").scalar("SELECT api_key_encrypted FROM agents")
    assert blobs.version(stored) == 2
    assert agents.credential("a").key == "older-key"


@pytest.mark.parametrize("salt_only", [False, True])
def test_a_rotation_of_the_machine_changes_no_agents_key(
    agents: Any, cleo_app: Any, data: Path, salt_only: bool
) -> None:
    agents.register("a", api_key=KEY)
    agents.register("b", api_key=KEY[::-1])
    before = agents.keys_status().fingerprints
    stamps = [agents.get(id_).updated_at for id_ in ("a", "b")]

    with cleo_app.dry_running():
        rehearsed = agents.keys_rotate_machine(salt_only=salt_only)
    assert (rehearsed.generation, agents.keys_status().generation) == (1, 0)

    done = agents.keys_rotate_machine(salt_only=salt_only)
    after = agents.keys_status()
    assert (done.generation, done.ciphertexts, done.skipped) == (1, 2, [])
    assert (after.check, after.generation, after.generations) == ("ok", 1, [0])
    assert (before["machineKey"] == after.fingerprints["machineKey"]) is salt_only
    assert before["globalSalt"] != after.fingerprints["globalSalt"]
    assert [agents.credential(id_).key for id_ in ("a", "b")] == [KEY, KEY[::-1]]
    assert [agents.get(id_).updated_at for id_ in ("a", "b")] != stamps
    with cleo_app.dry_running():
        assert agents.keys_prune() == [0]
    assert agents.keys_prune() == [0]
    assert names(data) == ["global-salt", "machine-key", *names(data)[2:]]


def test_what_cannot_be_decrypted_stops_a_rotation_or_is_passed_over(
    agents: Any, cleo_app: Any, data: Path
) -> None:
    agents.register("a", api_key=KEY)
    agents.register("b", api_key=KEY)
    cleo_app.write(
        "signaldock",
        lambda unit: unit.execute(
            "UPDATE agents SET api_key_encrypted = 'rubbish' WHERE agent_id = 'b'"
        ),
    )
    before = {name: (data / name).read_bytes() for name in ("machine-key", "global-salt")}

    with pytest.raises(CleoError) as error:
        agents.keys_rotate_machine()
    assert error.value.exit == 91
    assert {name: (data / name).read_bytes() for name in before} == before
    assert not holding.files(cleo_app).is_unsettled()
    assert agents.credential("a").key == KEY

    done = agents.keys_rotate_machine(skip_unreadable=True)
    assert done.skipped == ["b"]
    assert flags(agents, "a", "b") == [None, "decrypt_failed"]
    assert agents.credential("a").key == KEY


#: Flags of files that are opened for more than being read.
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@pytest.mark.guarantee(
    "signaldock-07",
    "A rotation of the machine's key that is killed after any step is finished or undone by the "
    "next use, and every stored key reads.",
)
@pytest.mark.one_database("the files are killed between, and they are the same for both")
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_rotation_killed_between_any_two_calls_loses_no_key(
    cleo_open: Callable[..., Any],
) -> None:
    with cleo_open() as app:
        for number in range(3):
            app.service("agents").register(f"a{number}", api_key=f"{KEY}{number}")
    killed = True
    number = 0
    calls = ("open", "write", "fsync", "link", "replace", "unlink")
    while killed:
        number += 1
        child = os.fork()
        if child == 0:
            count = 0

            def counted(real: Any, number: int = number) -> Any:
                def call(*arguments: Any, **options: Any) -> Any:
                    nonlocal count
                    # Before a file is read, the files are what they are before the next call.
                    count += real.__name__ != "open" or bool(arguments[1] & WRITING)
                    if count == number:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return real(*arguments, **options)

                return call

            try:
                with cleo_open() as app:
                    agents = app.service("agents")
                    agents.keys_status()
                    for name in calls:
                        setattr(os, name, counted(getattr(os, name)))
                    agents.keys_rotate_machine()
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status)
        with cleo_open() as app:
            agents = app.service("agents")
            assert agents.keys_status().check == "ok"
            found = [agents.credential(f"a{number}").key for number in range(3)]
            assert found == [f"{KEY}{number}" for number in range(3)]
            assert not holding.files(app).is_unsettled()
            assert flags(agents, "a0", "a1", "a2") == [None] * 3

    assert number > 12


def test_a_fresh_start_needs_a_loss_and_a_word(agents: Any, cleo_app: Any, data: Path) -> None:
    agents.register("a", api_key=KEY)
    with pytest.raises(CleoError, match="nothing is lost"):
        agents.keys_reset(accept_loss=True)
    (data / "machine-key").unlink()
    with pytest.raises(CleoError) as error:
        agents.keys_reset()
    assert (error.value.exit, error.value.fix) == (6, "cleo agent keys reset --accept-loss")
    with cleo_app.dry_running():
        assert agents.keys_reset(accept_loss=True).ciphertexts == 1
    assert agents.get("a").has_key is True

    done = agents.keys_reset(accept_loss=True)

    assert (done.ciphertexts, agents.get("a").has_key) == (1, False)
    assert flags(agents, "a") == ["key_lost"]
    agents.keys_set("a", KEY)
    assert agents.credential("a").key == KEY
    assert flags(agents, "a") == [None]
    assert agents.keys_status().check == "ok"


def test_no_key_file_leaves_the_machine_with_other_files(agents: Any, cleo_app: Any) -> None:
    agents.register("a", api_key=KEY)

    files = {file.name: file for file in cleo_app.stores.spec("signaldock").files}

    assert (files["machine-key"].backup, files["machine-key"].bundle) == ("never", "never")
    assert (files["global-salt"].backup, files["global-salt"].bundle) == ("include", "same_machine")
    assert all(file.secret and file.size == 32 for file in files.values())


def test_who_reads_while_another_rotates_flags_nobody(cleo_open: Callable[..., Any]) -> None:
    with cleo_open() as one, cleo_open() as other:
        one.service("agents").register("a", api_key=KEY)
        stale = one.store("signaldock").scalar(
            "SELECT value FROM signaldock_meta WHERE key = 'key_check'"
        )
        other.service("agents").keys_rotate_machine()

        assert holding._fitting(one, stale).check != stale
        assert flags(one.service("agents"), "a") == [None]
        assert one.service("agents").credential("a").key == KEY


def test_a_key_that_is_given_during_a_rotation_is_kept(
    cleo_open: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_signaldock.service import keys as module

    with cleo_open() as app:
        for name in ("a", "b"):
            app.service("agents").register(name, api_key=KEY)
    inside, go = threading.Event(), threading.Event()
    plain = module._encrypt_anew

    def slow(*arguments: Any) -> Any:
        done = plain(*arguments)
        inside.set()
        assert go.wait(10)
        return done

    monkeypatch.setattr(module, "_encrypt_anew", slow)
    failures: list[BaseException] = []

    def run(act: Callable[[Any], Any]) -> None:
        try:
            with cleo_open() as app:
                act(app.service("agents"))
        except BaseException as error:
            failures.append(error)

    rotation = threading.Thread(target=run, args=(lambda agents: agents.keys_rotate_machine(),))
    rotation.start()
    assert inside.wait(10)
    giving = threading.Thread(target=run, args=(lambda agents: agents.keys_set("b", KEY[::-1]),))
    giving.start()
    giving.join(0.3)
    go.set()
    rotation.join()
    giving.join()

    assert failures == []
    with cleo_open() as app:
        agents = app.service("agents")
        assert [agents.credential(name).key for name in ("a", "b")] == [KEY, KEY[::-1]]
        assert flags(agents, "a", "b") == [None, None]


def test_a_key_given_while_the_first_files_are_renewed_can_be_read(
    agents: Any, cleo_open: Callable[..., Any]
) -> None:
    agents.register("a")
    with cleo_open() as other:
        made = holding.keys(other)
        agents.keys_rotate_machine()

        def put(work: Any) -> None:
            holding.put(work, made, "a", KEY)

        with pytest.raises(CleoError) as error:
            KeyVerbs(other).write("agent.keys_set", put)
        assert error.value.code == "E_SECRET_MISMATCH"
        other.service("agents").keys_set("a", KEY)
    assert agents.credential("a").key == KEY


@LOSS
def test_files_that_alone_fit_a_database_are_not_removed(
    agents: Any, data: Path, cleo_app: Any
) -> None:
    agents.register("a", api_key=KEY)
    before = {
        row["key"]: row["value"]
        for row in cleo_app.store("signaldock").read("SELECT key, value FROM signaldock_meta")
    }
    blob = cleo_app.store("signaldock").scalar("SELECT api_key_encrypted FROM agents")
    agents.keys_rotate_machine()

    def restore(unit: Any) -> None:
        # What a copy of the database from before the rotation holds.
        for key in ("key_check", "key_generation"):
            unit.execute(
                "UPDATE signaldock_meta SET value = :value WHERE key = :key",
                key=key,
                value=before[key],
            )
        unit.execute("UPDATE agents SET api_key_encrypted = :blob", blob=blob)

    cleo_app.write("signaldock", restore)
    with pytest.raises(CleoError) as error:
        agents.keys_prune()
    assert error.value.code == "E_SECRET_MISMATCH"
    assert {"machine-key.gen0", "global-salt.gen0"} <= set(names(data))
    subprocess.run(error.value.fix, shell=True, check=True)
    assert agents.credential("a").key == KEY


def test_after_a_fresh_start_every_agent_keeps_its_flag_until_its_key_is_given(
    agents: Any, data: Path
) -> None:
    for name in ("a", "b"):
        agents.register(name, api_key=KEY)
    (data / "global-salt").unlink()
    with pytest.raises(CleoError):
        agents.credential("a")
    agents.keys_reset(accept_loss=True)

    agents.keys_set("a", KEY)
    assert agents.credential("a").key == KEY
    assert flags(agents, "a", "b") == [None, "salt_lost"]
    with pytest.raises(CleoError) as error:
        agents.credential("b")
    assert error.value.exit == 91


@pytest.mark.guarantee(
    "signaldock-06", "A blob of this project's legacy key is read, and rotation makes it new."
)
def test_a_blob_of_the_projects_legacy_key_is_read_and_made_new(agents: Any, cleo_app: Any) -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    agents.register("a", api_key=KEY)
    keys = holding.keys(cleo_app)
    nonce = os.urandom(12)

    def store(text: bytes) -> None:
        sealed = AESGCM(keys.legacy(cleo_app.project.root)).encrypt(nonce, text, None)
        blob = base64.b64encode(b"\x01" + nonce + sealed).decode()
        cleo_app.write(
            "signaldock",
            lambda unit: unit.execute("UPDATE agents SET api_key_encrypted = :blob", blob=blob),
        )

    store(b"older-key")
    assert agents.credential("a").key == "older-key"
    agents.keys_rotate_machine()
    assert agents.credential("a").key == "older-key"

    keys = holding.keys(cleo_app)
    store(b"5a" * 32)
    with pytest.raises(CleoError) as error:
        agents.credential("a")
    assert error.value.exit == 91
    assert agents.get("a").has_key is False


def test_lists_tell_of_a_lost_file_and_flags_are_audited(
    agents: Any, data: Path, cleo_app: Any
) -> None:
    agents.register("a", api_key=KEY)
    (data / "machine-key").unlink()
    agents.list()
    assert [warning["code"] for warning in cleo_app.warnings] == ["W_SECRET_FILE_LOST"]
    with pytest.raises(CleoError):
        agents.credential("a")
    actions = cleo_app.store("signaldock").read("SELECT action FROM signaldock_audit")
    assert {"action": "agent.flag_reauth"} in actions


def test_a_use_is_noted_at_most_once_a_minute(agents: Any, cleo_clock: Clock) -> None:
    agents.register("a", api_key=KEY)
    stamp = agents.get("a").updated_at

    agents.credential("a")
    first = _used(agents)
    cleo_clock.advance(30)
    agents.credential("a")
    assert _used(agents) == first
    cleo_clock.advance(31)
    agents.credential("a")
    assert _used(agents) > first
    assert agents.get("a").updated_at == stamp


def _used(agents: Any) -> str:
    return str(
        agents.app.store("signaldock").scalar(
            "SELECT last_used_at FROM agents WHERE agent_id = 'a'"
        )
    )


@pytest.mark.guarantee(
    "signaldock-07",
    "After an older database is put back with its key files, rotations go on and no key is lost.",
)
def test_rotations_go_on_from_an_older_database(agents: Any, cleo_app: Any, data: Path) -> None:
    agents.register("a", api_key=KEY)

    def kept() -> dict[str, Any]:
        db = cleo_app.store("signaldock")
        rows = db.read("SELECT key, value FROM signaldock_meta")
        return {
            "meta": {row["key"]: row["value"] for row in rows},
            "blob": db.scalar("SELECT api_key_encrypted FROM agents"),
        }

    first = kept()
    agents.keys_rotate_machine()
    agents.keys_rotate_machine()

    def restore(unit: Any) -> None:
        for key in ("key_check", "key_generation", "machine_fingerprint", "salt_fingerprint"):
            unit.execute(
                "UPDATE signaldock_meta SET value = :value WHERE key = :key",
                key=key,
                value=first["meta"][key],
            )
        unit.execute("UPDATE agents SET api_key_encrypted = :blob", blob=first["blob"])

    cleo_app.write("signaldock", restore)
    with pytest.raises(CleoError) as error:
        agents.keys_reset(accept_loss=True)
    assert error.value.code == "E_SECRET_MISMATCH"
    assert agents.get("a").has_key
    subprocess.run(error.value.fix, shell=True, check=True)

    for _ in range(3):
        agents.keys_rotate_machine()
        assert agents.credential("a").key == KEY
    assert agents.keys_status().check == "ok"
    assert not holding.files(cleo_app).is_unsettled()
    assert flags(agents, "a") == [None]


@pytest.mark.one_database("a file that is gone")
def test_a_new_registry_in_the_place_of_one_that_is_gone_is_told(
    cleo_project: Path, cleo_cli: Callable[..., Any], cleo_home: Path
) -> None:
    def checked() -> str:
        (found,) = cleo_cli("doctor", "--only", "signaldock.keys").data["checks"]
        return str(found["status"])

    cleo_cli("agent", "register", "a")
    assert checked() == "ok"
    cleo_cli("agent", "keys", "set", "a", "--api-key-stdin", input=KEY)
    assert checked() == "ok"
    for path in cleo_home.rglob("signaldock.db*"):
        path.unlink()
    cleo_cli("agent", "register", "b")
    assert checked() == "warning"


@pytest.mark.one_database("files, which are the same for both")
def test_a_dry_run_leaves_no_trace_of_a_lock(
    cleo_project: Path, cleo_cli: Callable[..., Any], cleo_home: Path, frozen_bytes: Any
) -> None:
    cleo_cli("agent", "register", "a", "--api-key-stdin", input=KEY)
    cleo_cli("agent", "keys", "rotate-machine")
    home = cleo_home / "home"
    with frozen_bytes(home):
        assert cleo_cli("agent", "keys", "prune", "--dry-run").data["generations"] == [0]
    (salt,) = home.rglob("global-salt")
    salt.unlink()
    with frozen_bytes(home):
        assert cleo_cli("agent", "keys", "rotate-machine", "--dry-run").code == 92
        assert cleo_cli("agent", "keys", "set", "a", "--dry-run", "--api-key-stdin", input=KEY).code


def test_a_file_that_others_can_read_is_no_loss(agents: Any, data: Path) -> None:
    agents.register("a", api_key=KEY)
    (data / "machine-key").chmod(0o644)
    with pytest.raises(CleoError) as error:
        agents.keys_reset(accept_loss=True)

    assert (error.value.exit, error.value.code) == (92, "E_SECRET_UNSAFE")
    subprocess.run(error.value.fix, shell=True, check=True)
    assert agents.credential("a").key == KEY
