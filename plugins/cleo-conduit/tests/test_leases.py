"""Leases: granted, renewed, released, broken, over, and the commands."""

from __future__ import annotations

import json
import math
import runpy
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_conduit.service import notices
from cleo_conduit.service.leases.ending import prune_leases
from cleo_conduit.service.work import Verbs
from cleo_core.api import ServiceSpec
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
conduit, execute, value = _post["conduit"], _post["execute"], _post["value"]
audits, lease, uuid, AT = _post["audits"], _post["lease"], _post["uuid"], _post["AT"]
insert, disagreements = _post["insert"], _post["disagreements"]

Cli = Callable[..., Outcome]
Open = Callable[..., Any]


@pytest.fixture
def of(cleo_open: Open) -> Callable[[str], Any]:
    """The service ``leases`` as an agent has it."""
    return lambda agent: cleo_open(agent=agent).service("leases")


def refused(call: Callable[[], Any]) -> CleoError:
    """The error that a call ends with."""
    with pytest.raises(CleoError) as caught:
        call()
    return caught.value


def rows() -> list[tuple[Any, ...]]:
    return execute("SELECT * FROM leases ORDER BY fence")


def kinds() -> list[tuple[Any, ...]]:
    return execute("SELECT agent_id, pattern, release_kind, broken_by FROM leases ORDER BY fence")


def test_a_lease_is_granted_for_an_hour_with_a_fence(of: Any, cleo_clock: Any) -> None:
    done = of("ann").acquire("src/**", "docs/*.md", reason="renaming", task="T1")
    first, second = done.granted
    assert done.conflicts == []
    assert (first.agent_id, first.pattern, first.namespace) == ("ann", "src/**", "file")
    assert (first.mode, first.reason, first.task_id) == ("exclusive", "renaming", "T1")
    assert (first.fence, second.fence) == (1, 2)
    assert first.acquired_at == first.renewed_at == "2026-03-25T14:30:15.000Z"
    assert first.expires_at == "2026-03-25T15:30:15.000Z"
    assert (first.released_at, first.release_kind, first.broken_by) == (None, None, None)
    assert audits() == [
        ("ann", "lease.acquire", "lease", first.id),
        ("ann", "lease.acquire", "lease", second.id),
    ]
    assert value("SELECT value FROM conduit_meta WHERE key = 'lease_fence'") == "2"


@pytest.mark.guarantee(
    "conduit-24", "All patterns of one call are granted or none, and each conflict is told."
)
def test_all_patterns_are_granted_or_none_and_every_conflict_is_told(of: Any) -> None:
    of("ann").acquire("src/**", reason="renaming")
    of("cem").acquire("docs/*.md", "tests/**")
    before = rows()
    error = refused(lambda: of("bob").acquire("lib/x", "src/a.py", "d*/*.md"))
    assert (error.exit, error.code) == (97, "E_LEASE_HELD")
    assert rows() == before
    told = [
        (one["pattern"], one["with"]["agentId"], one["with"]["pattern"], one["with"]["reason"])
        for one in error.details["conflicts"]
    ]
    assert told == [
        ("src/a.py", "ann", "src/**", "renaming"),
        ("d*/*.md", "cem", "docs/*.md", None),
    ]
    assert all(one["with"]["expiresAt"] for one in error.details["conflicts"])
    assert len(audits()) == 3


def test_partial_grants_what_is_free_and_tells_the_rest(of: Any) -> None:
    of("ann").acquire("src/**")
    bob = of("bob")
    done = bob.acquire("lib/x", "src/a.py", partial=True)
    assert [one.pattern for one in done.granted] == ["lib/x"]
    assert [(one.pattern, one.with_.agent_id) for one in done.conflicts] == [("src/a.py", "ann")]
    error = refused(lambda: bob.acquire("src/b.py", partial=True))
    assert (error.exit, error.details["granted"]) == (97, [])


@pytest.mark.parametrize(
    ("held", "asked", "granted"),
    [
        ("shared", "shared", True),
        ("shared", "exclusive", False),
        ("exclusive", "shared", False),
        ("exclusive", "exclusive", False),
    ],
)
def test_only_shared_leases_have_room_beside_each_other(
    of: Any, held: str, asked: str, granted: bool
) -> None:
    of("ann").acquire("src/**", **{held: True})
    bob = of("bob")
    if granted:
        assert bob.acquire("src/a.py", **{asked: True}).granted[0].mode == asked
    else:
        assert refused(lambda: bob.acquire("src/a.py", **{asked: True})).exit == 97


def test_ones_own_leases_are_in_nobodys_way_but_the_others(of: Any) -> None:
    ann = of("ann")
    ann.acquire("src/**", shared=True)
    assert ann.acquire("src/a.py").granted[0].mode == "exclusive"
    of("bob").acquire("src/b.py", shared=True)
    assert refused(lambda: ann.acquire("src/**")).exit == 97


@pytest.mark.parametrize("scheme", ["tool", "resource"])
def test_names_are_leased_like_files_and_apart_from_them(of: Any, scheme: str) -> None:
    ann, bob = of("ann"), of("bob")
    (granted,) = ann.acquire(f"{scheme}://deploy").granted
    assert (granted.namespace, granted.pattern) == (scheme, f"{scheme}://deploy")
    assert refused(lambda: bob.acquire(f"{scheme}://deploy")).exit == 97
    assert refused(lambda: bob.check(f"{scheme}://deploy")).exit == 97
    other = "resource" if scheme == "tool" else "tool"
    assert len(bob.acquire("deploy", "**", f"{other}://deploy", f"{scheme}://x").granted) == 4


def test_the_same_pattern_and_mode_is_a_renewal(of: Any, cleo_clock: Any) -> None:
    ann = of("ann")
    (first,) = ann.acquire("src/**", reason="one", ttl="2h").granted
    cleo_clock.advance(600)
    (again,) = ann.acquire("src//**", "src/").granted
    assert (again.id, again.fence, again.reason) == (first.id, 1, "one")
    assert again.acquired_at == first.acquired_at
    assert (again.renewed_at, again.expires_at) == (
        "2026-03-25T14:40:15.000Z",
        "2026-03-25T16:40:15.000Z",
    )
    (third,) = ann.acquire("src/**", reason="two", ttl=60).granted
    assert (third.reason, third.expires_at) == ("two", "2026-03-25T14:41:15.000Z")
    assert ann.acquire("src/**", shared=True).granted[0].fence == 2
    assert len(rows()) == 2


@pytest.mark.guarantee("conduit-24", "A lease whose time is over is in nobody's way.")
def test_a_lease_that_is_over_is_in_nobodys_way_and_is_closed(of: Any, cleo_clock: Any) -> None:
    ann, bob = of("ann"), of("bob")
    (old,) = ann.acquire("src/**", ttl=60).granted
    cleo_clock.advance(59.999)
    assert refused(lambda: bob.acquire("src/a.py")).exit == 97
    assert refused(lambda: bob.check("src/a.py")).exit == 97
    cleo_clock.advance(0.001)
    assert bob.check("src/a.py").conflicts == []
    assert bob.list()[0] == []
    (new,) = bob.acquire("src/a.py").granted
    assert new.fence == 2
    assert kinds() == [("ann", "src/**", "expired", None), ("bob", "src/a.py", None, None)]
    error = refused(lambda: ann.renew(old.id))
    assert (error.exit, error.fix) == (6, "cleo lease acquire 'src/**'")
    assert refused(lambda: ann.renew("src/**")).exit == 6
    cleo_clock.advance(-3600)
    assert refused(lambda: ann.acquire("src/**")).exit == 97, "it does not come back"
    assert refused(lambda: ann.acquire("src/a.py")).exit == 97


def test_fences_rise_whatever_the_clock_does_and_though_rows_are_gone(
    of: Any, cleo_clock: Any
) -> None:
    ann = of("ann")
    seen = []
    for step in (10, -5000, 3):
        seen += [one.fence for one in ann.acquire("a", "b").granted]
        ann.release(all=True)
        execute("DELETE FROM leases")
        cleo_clock.advance(step)
    assert seen == [1, 2, 3, 4, 5, 6]


def test_one_unit_closes_at_most_two_hundred(of: Any) -> None:
    execute(*(lease(n, "cem", pattern=f"x{n}", expires_at=AT) for n in range(1, 206)))
    of("ann").acquire("src/**")
    left = "SELECT count(*) FROM leases WHERE released_at IS NULL AND agent_id = 'cem'"
    assert value(left) == 5
    assert of("bob").check("x204").conflicts == []
    of("ann").release("src/**")
    assert value(left) == 0


def test_what_is_over_and_not_closed_yet_is_neither_renewed_nor_broken(of: Any) -> None:
    execute(*(lease(n, "cem", pattern=f"x{n}", expires_at=AT) for n in range(1, 206)))
    assert refused(lambda: of("cem").renew(uuid(205))).exit == 6
    done = of("bob").break_(uuid(205))
    assert (done.changed, done.leases[0].release_kind, done.leases[0].broken_by) == (
        False,
        "expired",
        None,
    )


def test_renewing_counts_from_now(of: Any, cleo_clock: Any) -> None:
    ann = of("ann")
    (first, _) = ann.acquire("a", "b", ttl="2h").granted
    cleo_clock.advance(60)
    done = ann.renew("a")
    assert (done.changed, [one.id for one in done.leases]) == (True, [first.id])
    assert done.leases[0].expires_at == "2026-03-25T16:31:15.000Z"
    both = ann.renew(all=True, ttl="30m")
    assert [one.expires_at for one in both.leases] == ["2026-03-25T15:01:15.000Z"] * 2
    assert (of("bob").renew(all=True).changed, len(ann.renew(first.id, "a").leases)) == (
        False,
        1,
    )


def test_releasing_lets_others_in_and_may_be_repeated(of: Any) -> None:
    ann, bob = of("ann"), of("bob")
    (first, second) = ann.acquire("src/**", "lib/x").granted
    done = ann.release("src")
    assert (done.changed, done.leases[0].id, done.leases[0].release_kind) == (
        True,
        first.id,
        "released",
    )
    assert bob.acquire("src/a.py").granted
    for name in ("src/**", first.id):
        again = ann.release(name)
        assert (again.changed, again.leases[0].release_kind) == (False, "released")
    error = refused(lambda: bob.release(second.id))
    assert (error.exit, error.fix) == (99, f"cleo lease break {second.id}")
    assert refused(lambda: bob.release("lib/x")).exit == 4
    assert refused(lambda: ann.release("lib/x", uuid(7))).exit == 4
    assert refused(lambda: ann.release()).exit == 2
    assert refused(lambda: ann.release("lib/x", all=True)).exit == 2
    assert refused(lambda: ann.release("")).exit == 2
    assert ann.release(all=True).leases[0].id == second.id
    assert not ann.release(all=True).changed
    assert [action for _, action, _, _ in audits()] == [
        *["lease.acquire"] * 2,
        "lease.release",
        "lease.acquire",
        "lease.release",
    ]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The notices that were given."""
    found: list[dict[str, Any]] = []

    def notify(work: Any, content: str, **more: Any) -> int:
        found.append({"content": content, **more})
        return 1

    monkeypatch.setattr(notices, "notify", notify)
    return found


@pytest.mark.guarantee(
    "conduit-24", "A lease may be broken 45 minutes after its holder was last active; it is told."
)
def test_a_lease_is_broken_when_its_holder_is_silent_for_45_minutes(
    of: Any, cleo_clock: Any, told: list[dict[str, Any]]
) -> None:
    bob = of("bob")
    (held, other) = of("ann").acquire("src/**", "lib/x", ttl="24h").granted
    cleo_clock.advance(45 * 60 - 0.001)
    error = refused(lambda: bob.break_(held.id))
    assert (error.exit, error.fix) == (97, f"cleo lease break {held.id} --force --as-human")
    assert error.details["lastActivityAt"] == held.renewed_at
    assert error.details["breakableAt"] == "2026-03-25T15:15:15.000Z"
    cleo_clock.advance(0.001)
    done = bob.break_(held.id)
    assert (done.changed, done.leases[0].broken_by) == (True, "bob")
    assert kinds()[0] == ("ann", "src/**", "broken", "bob")
    (notice,) = told
    assert notice["to"] == ["ann"]
    assert notice["payload"]["leaseId"] == held.id
    assert "src/**" in notice["content"]
    assert not bob.break_(held.id).changed
    assert len(told) == 1
    assert bob.acquire("src/a").granted
    assert refused(lambda: bob.break_(other.id, uuid(7))).exit == 4
    assert refused(lambda: of("ann").break_(other.id)).exit == 6
    assert refused(lambda: bob.break_("src/**")).exit == 2
    assert kinds()[1] == ("ann", "lib/x", None, None)
    assert ("bob", "lease.break", "lease", held.id) in audits()


def test_the_use_of_its_agent_keeps_a_lease_from_being_broken(
    cleo_open: Open, of: Any, cleo_clock: Any
) -> None:
    app = cleo_open(agent="ann")
    conduit(app).attach("ann")
    (held,) = app.service("leases").acquire("src/**", ttl="24h").granted
    assert conduit(app).ref("ann").last_used_at == held.acquired_at
    cleo_clock.advance(40 * 60)
    conduit(app).touch("ann")
    cleo_clock.advance(40 * 60)
    assert refused(lambda: of("bob").break_(held.id)).exit == 97
    cleo_clock.advance(5 * 60)
    assert of("bob").break_(held.id).changed


def test_a_renewed_lease_is_not_broken(of: Any, cleo_clock: Any) -> None:
    (held,) = of("ann").acquire("src/**", ttl="24h").granted
    cleo_clock.advance(40 * 60)
    of("ann").renew(held.id)
    cleo_clock.advance(40 * 60)
    assert refused(lambda: of("bob").break_(held.id)).exit == 97


def test_only_the_person_breaks_by_force(
    cleo_open: Open, monkeypatch: pytest.MonkeyPatch, told: list[dict[str, Any]]
) -> None:
    import hashlib

    (held,) = cleo_open(agent="ann").service("leases").acquire("src/**").granted
    bob = cleo_open(agent="bob").service("leases")
    assert refused(lambda: bob.break_(held.id, force=True)).exit == 2
    assert refused(lambda: bob.break_(held.id, force=True, as_human=True)).exit == 99
    hash_ = hashlib.sha256(b"secret").hexdigest()
    execute(insert("conduit_meta", key="human_token_hash", value=hash_))
    monkeypatch.setenv("CLEO_HUMAN_TOKEN", "secret")
    assert refused(lambda: bob.break_(held.id, as_human=True)).exit == 97
    done = bob.break_(held.id, force=True, as_human=True)
    assert (done.changed, done.leases[0].broken_by) == (True, "HumanOverseer")
    assert [one["to"] for one in told] == [["ann"]]


def test_an_agent_that_the_project_does_not_see_gets_nothing(
    cleo_open: Open, of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (held,) = of("ann").acquire("src/**").granted
    app = cleo_open(agent="bob")
    monkeypatch.setitem(app.plugins.services, "agents", ServiceSpec("agents", "builtins:object"))
    bob = app.service("leases")
    calls: list[Callable[[], Any]] = [
        lambda: bob.acquire("x"),
        lambda: bob.renew("x"),
        lambda: bob.release("x"),
        lambda: bob.break_(held.id),
        lambda: bob.check("x"),
        lambda: bob.list(),
    ]
    for call in calls:
        error = refused(call)
        assert (error.exit, error.fix) == (99, "cleo agent attach bob")
    nobody = cleo_open().service("leases")
    for call in (lambda: nobody.acquire("x"), lambda: nobody.release("x")):
        assert refused(call).code == "E_AGENT_REQUIRED"
    assert refused(lambda: nobody.check("src/a")).exit == 97, "every lease is another's"
    assert [one.id for one in nobody.list()[0]] == [held.id]


def test_an_agent_that_does_not_exist_gets_no_lease(cleo_open: Open) -> None:
    app = cleo_open(agent="ann")

    class Owner:
        def ask(self, kind: str, ids: Any) -> dict[str, bool]:
            return dict.fromkeys(ids, False)

        def forget(self) -> None:
            pass

    app.existence = Owner()
    error = refused(lambda: app.service("leases").acquire("src/**"))
    assert (error.exit, error.code) == (6, "E_REFERENCE")
    assert rows() == []


def test_waiting_ends_when_another_lets_go(of: Any) -> None:
    (held,) = of("ann").acquire("src/**").granted
    bob = of("bob")
    end = threading.Timer(
        0.2,
        execute,
        [
            f"UPDATE leases SET released_at = '{AT}', release_kind = 'released' "
            f"WHERE id = '{held.id}'"
        ],
        {"path": str(Path(".cleo/conduit.db").resolve())},
    )
    end.start()
    started = time.monotonic()
    assert bob.acquire("src/a.py", wait=20).granted[0].fence == 2
    assert time.monotonic() - started < 5
    end.join()


def test_waiting_holds_no_transaction_and_ends_with_the_time(
    of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = of("ann"), of("bob")
    ann.acquire("src/**")
    looks = []

    def wait(self: Any, until: float) -> bool:
        assert not bob.app.store("conduit").connection.in_transaction
        looks.append(len(ann.acquire("other").granted))
        return False

    monkeypatch.setattr("cleo_conduit.wake.Waiter.wait", wait)
    error = refused(lambda: bob.acquire("src/a.py", "lib/x", wait=0.2))
    assert error.exit == 97
    assert looks
    done = bob.acquire("src/a.py", "lib/x", wait=0.05, partial=True)
    assert [one.pattern for one in done.granted] == ["lib/x"]


def test_waiting_ends_when_a_lease_is_over(
    of: Any, cleo_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    of("ann").acquire("src/**", ttl=60)
    cleo_clock.advance(58)
    spans = []

    def wait(self: Any, until: float) -> bool:
        spans.append(until - time.monotonic())
        cleo_clock.advance(2)
        return True

    monkeypatch.setattr("cleo_conduit.wake.Waiter.wait", wait)
    assert of("bob").acquire("src/a.py", wait=3600).granted
    assert [round(span) for span in spans] == [2]


def test_a_dry_run_waits_for_nothing_and_changes_no_byte(
    cleo_open: Open, frozen_bytes: Any
) -> None:
    holder = cleo_open(agent="ann")
    (held,) = holder.service("leases").acquire("src/**").granted
    holder.close()
    app = cleo_open(agent="bob")
    mine = app.service("leases")
    mine.acquire("lib/x")
    app.close()
    with frozen_bytes("."):
        with app.dry_running():
            started = time.monotonic()
            assert refused(lambda: mine.acquire("src/a", wait=60)).exit == 97
            assert time.monotonic() - started < 10
            assert mine.acquire("docs/x").granted
            assert mine.renew("lib/x").changed
            assert mine.release("lib/x").changed
            assert refused(lambda: mine.break_(held.id)).exit == 97
        assert mine.list()[1].total == 2
        app.close()


def test_ended_leases_are_kept_for_thirty_days(cleo_open: Open, of: Any, cleo_clock: Any) -> None:
    ann = of("ann")
    ann.acquire("a", "b", "c", ttl="24h")
    ann.release("a")
    cleo_clock.advance(3600)
    ann.release("b")
    prune = lambda: Verbs(cleo_open()).write("prune", prune_leases)  # noqa: E731
    cleo_clock.advance(30 * 24 * 3600 - 3600)
    assert prune() == 1
    assert [(row[1], row[2]) for row in kinds()] == [("b", "released"), ("c", "expired")]
    cleo_clock.advance(3600)
    assert prune() == 1
    cleo_clock.advance(23 * 3600)
    assert prune() == 1, "one that was closed late had ended when its time was over"
    assert rows() == []
    assert [action for _, action, _, _ in audits()].count("prune") == 4


def test_the_same_key_gives_the_first_grant_again(cleo_open: Open) -> None:
    app = cleo_open(agent="ann")
    mine = app.service("leases")
    (first,) = mine.acquire("src/**", idempotency_key="k").granted
    before = rows()
    (again,) = mine.acquire("src/**", idempotency_key="k").granted
    assert again == first or vars(again) == vars(first)
    assert (app.replayed, rows()) == (True, before)
    error = refused(lambda: mine.acquire("lib/**", idempotency_key="k"))
    assert error.code == "E_IDEMPOTENCY_MISMATCH"


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.acquire(),
        lambda s: s.acquire(None),
        lambda s: s.acquire(7),
        lambda s: s.acquire(b"x"),
        lambda s: s.acquire(""),
        lambda s: s.acquire("  "),
        lambda s: s.acquire("a\0b"),
        lambda s: s.acquire("a\udcff"),
        lambda s: s.acquire("../x"),
        lambda s: s.acquire("a/../../x"),
        lambda s: s.acquire("/etc/passwd"),
        lambda s: s.acquire("/"),
        lambda s: s.acquire("x" * 1025),
        lambda s: s.acquire(*map(str, range(501))),
        lambda s: s.acquire("tool://"),
        lambda s: s.acquire("tool://a*"),
        lambda s: s.acquire("tool://a\n"),
        lambda s: s.acquire("file://a"),
        lambda s: s.acquire("[z-a]"),
        lambda s: s.acquire("x", exclusive=True, shared=True),
        lambda s: s.acquire("x", shared=None),
        lambda s: s.acquire("x", exclusive="yes"),
        lambda s: s.acquire("x", ttl=59),
        lambda s: s.acquire("x", ttl="25h"),
        lambda s: s.acquire("x", ttl="soon"),
        lambda s: s.acquire("x", ttl=math.nan),
        lambda s: s.acquire("x", ttl=True),
        lambda s: s.acquire("x", ttl=[]),
        lambda s: s.acquire("x", ttl=10**400),
        lambda s: s.acquire("x", wait=-1),
        lambda s: s.acquire("x", wait=math.nan),
        lambda s: s.acquire("x", wait=math.inf),
        lambda s: s.acquire("x", wait="1"),
        lambda s: s.acquire("x", wait=10**400),
        lambda s: s.acquire("x", partial=1),
        lambda s: s.acquire("x", idempotency_key=""),
        lambda s: s.acquire("x", idempotency_key=7),
        lambda s: s.renew(),
        lambda s: s.renew(7),
        lambda s: s.renew("x", all="yes"),
        lambda s: s.release(None),
        lambda s: s.break_(),
        lambda s: s.break_(None),
        lambda s: s.break_(uuid(1), force="yes"),
        lambda s: s.break_(uuid(1), as_human=1),
        lambda s: s.check(),
        lambda s: s.check(None),
        lambda s: s.check("../x"),
        lambda s: s.check("/etc/passwd"),
        lambda s: s.check(""),
        lambda s: s.check("x", staged=1),
        lambda s: s.list(limit=0),
        lambda s: s.list(limit="1"),
    ],
)
def test_a_wrong_value_is_a_usage_error(of: Any, call: Callable[[Any], Any]) -> None:
    error = refused(lambda: call(of("ann")))
    assert (error.exit, bool(error.fix)) == (2, True)
    assert rows() == []


@pytest.mark.parametrize("given", [{"reason": "x" * 501}, {"reason": "a\nb"}, {"task": 7}])
def test_a_text_that_cannot_be_stored_is_refused(of: Any, given: dict[str, Any]) -> None:
    assert refused(lambda: of("ann").acquire("x", **given)).exit == 6
    assert rows() == []


def test_reading_an_absent_file_makes_none(cleo_open: Open) -> None:
    Path(".cleo/conduit.db").unlink()
    mine = cleo_open(agent="ann").service("leases")
    assert mine.list()[0] == []
    assert mine.check("src/a.py").checked == ["src/a.py"]
    assert not Path(".cleo/conduit.db").exists()


def test_the_commands_take_show_and_end_leases(cleo_project: Path, cleo_cli: Cli) -> None:
    taken = cleo_cli("lease", "acquire", "src/**", "--reason", "why", "--ttl", "90m", agent="ann")
    (one,) = taken.data["granted"]
    assert set(taken.data) == {"granted", "conflicts"}
    assert (one["agentId"], one["mode"], one["taskId"]) == ("ann", "exclusive", None)
    failed = cleo_cli("lease", "acquire", "src/a", "--shared", "--wait", "0", agent="bob")
    assert failed.code == 97
    assert failed.error["details"]["conflicts"][0]["with"]["id"] == one["id"]
    both = ("lease", "acquire", "x", "--shared", "--exclusive")
    assert cleo_cli(*both, agent="bob").code == 2
    part = cleo_cli("lease", "acquire", "src/a", "b", "--partial", "--task", "T1", agent="bob")
    assert part.data["conflicts"][0]["pattern"] == "src/a"
    listed = cleo_cli("lease", "list")
    assert [lease["pattern"] for lease in listed.data["leases"]] == ["src/**", "b"]
    assert listed.page == {"limit": 20, "offset": 0, "total": 2, "hasMore": False}
    assert "src/**" in cleo_cli("lease", "list", "--human").out
    assert cleo_cli("lease", "list", "--quiet").out.split()[0] == one["id"]
    assert cleo_cli("lease", "check", "src/a", "--human", agent="bob").code == 97
    assert cleo_cli("lease", "check", "src/a", agent="ann").data["checked"] == ["src/a"]
    assert cleo_cli("lease", "check", "src/a", "--human", agent="ann").out == (
        "1 path looked at: free.\n"
    )
    assert cleo_cli("lease", "renew", "--all", "--ttl", "2h", agent="ann").data["changed"]
    assert cleo_cli("lease", "break", one["id"], agent="bob").code == 97
    assert cleo_cli("lease", "break", one["id"], "--force", agent="bob").code == 2
    forced = ("lease", "break", one["id"], "--force", "--as-human")
    assert cleo_cli(*forced, agent="bob").code == 99
    out = cleo_cli("lease", "release", "src/", "--human", agent="ann")
    assert out.out == "src/** (exclusive, ann): released.\n"
    again = cleo_cli("lease", "release", "src/", "--human", agent="ann")
    assert again.out == "src/** (exclusive, ann): released before.\n"
    assert "No lease" in cleo_cli("lease", "renew", "--all", "--human", agent="ann").out
    cleo_cli("lease", "release", "--all", agent="bob")
    assert cleo_cli("lease", "list", "--human").out == "No lease is held.\n"
    assert disagreements() == []


def test_markup_in_a_pattern_is_shown_as_it_is(cleo_project: Path, cleo_cli: Cli) -> None:
    pattern = "[red]x[/red]"
    cleo_cli("lease", "acquire", "[[]bold]", "--reason", "[link=x]y", agent="ann")
    shown = cleo_cli("lease", "list", "--human").out
    assert "[[]bold]" in shown
    assert "[link=x]y" in shown
    assert json.loads(cleo_cli("lease", "acquire", pattern, agent="ann").out)["success"]


def test_the_verbs_of_leases_import_nothing_heavy(cleo_project: Path) -> None:
    import subprocess
    import sys

    program = (
        "import sys\n"
        "from cleo_core import open_app\n"
        "with open_app(agent='ann') as app:\n"
        "    leases = app.service('leases')\n"
        "    leases.acquire('src/**')\n"
        "    leases.check('src/a')\n"
        "    leases.release('src/**')\n"
        "print(sorted({'sqlalchemy', 'alembic', 'httpx', 'rich'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
