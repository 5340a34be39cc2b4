"""Rows of the older file become today's rows, each by its rule; no file is needed for that."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cleo_core.errors import CleoError
from cleo_signaldock.service.legacy import planning, values
from cleo_signaldock.service.legacy.identity import Identity
from cleo_signaldock.service.legacy.mail import Mail
from cleo_signaldock.service.legacy.people import State
from cleo_signaldock.service.legacy.source import Source

from . import older
from .older import AT, SECONDS, agent, conversation, message, uuid

NOW = "2026-06-01T00:00:00.000Z"
TIMES = pytest.mark.guarantee(
    "signaldock-25",
    "Times of an older file land on the right date, whether they are seconds or milliseconds.",
)


class Glass:
    """A cipher through which everything can be seen."""

    def read(self, blob: str, agent_id: str) -> str | None:
        return None if blob == "bad" else f"{blob} of {agent_id}"

    def seal(self, text: str, column: str, agent_id: str) -> str:
        return f"{column} of {agent_id}: {text}"


def state(**more: Any) -> State:
    words = {
        "capabilities": {"chat": "cap_chat", "tools": "cap_tools", "code_generation": "cap_cg"},
        "skills": {"typescript": "skl_typescript", "bash": "skl_bash"},
    }
    given: dict[str, dict[str, set[str]]] = {"agent_capabilities": {}, "agent_skills": {}}
    return State(**{"words": words, "given": given, **more})


def known(*ids: str) -> State:
    return state(agents=set(ids), spellings={one.lower(): one for one in ids})


def identity(
    tables: dict[str, list[dict[str, Any]]],
    there: State | None = None,
    renames: dict[str, str] | None = None,
) -> Identity:
    return Identity(Source(tables, renames or {}), there or state(), Glass(), NOW).plan()


def mail(tables: dict[str, list[dict[str, Any]]], renames: dict[str, str] | None = None) -> Mail:
    found = Mail(Source(tables, renames or {}), ("ann",), NOW).plan()
    planning.refuse(found.tally.problems)
    return found


@TIMES
@pytest.mark.parametrize(
    ("given", "time"),
    [
        (SECONDS, AT),
        (SECONDS * 1000, AT),
        (SECONDS * 1000 + 7, "2026-01-02T03:04:05.007Z"),
        (str(SECONDS), AT),
        (f"{SECONDS}000", AT),
        ("2026-01-02T03:04:05Z", AT),
        ("2026-01-02 03:04:05", AT),
        (10**11 - 1, "5138-11-16T09:46:39.000Z"),
        (10**11, "1973-03-03T09:46:40.000Z"),
        (0, None),
        (-5, None),
        (None, None),
        ("soon", None),
        (float("nan"), None),
        (10**20, None),
        (b"\xff", None),
    ],
)
def test_a_time_is_seconds_milliseconds_or_iso_text(given: Any, time: str | None) -> None:
    assert values.time(given) == time


def test_names_come_in_either_encoding() -> None:
    assert values.names('["ann", "bob", "ann"]') == ["ann", "bob"]
    assert values.names("ann, bob,,") == ["ann", "bob"]
    assert values.names(None) == []


def test_an_agent_keeps_what_has_a_home_and_the_rest_goes_to_its_metadata() -> None:
    row = agent(
        1,
        "ann",
        friend_count=3,
        payment_config='{"a": 1}',
        **{"class": "wizard"},
        name="x" * 120,
        created_at=SECONDS * 1000,
        last_seen=SECONDS,
        is_active=0,
        oauth_token="planted",
    )
    found = identity({"agents": [row]})
    (made,) = found.rows["agents"]
    assert (made["id"], made["agent_id"]) == (uuid(1), "ann")
    assert (made["created_at"], made["last_seen"], made["is_active"]) == (AT, AT, 0)
    assert (made["class"], made["name"]) == ("custom", "x" * 100)
    legacy = json.loads(made["metadata"])["legacy"]
    assert legacy["friend_count"] == 3
    assert legacy["payment_config"] == {"a": 1}
    assert legacy["class"] == "wizard"
    assert legacy["name"] == "x" * 120
    assert "planted" not in json.dumps(made)
    assert [one["table"] for one in found.tally.dropped()] == ["agents.oauth_token"]


def test_what_cannot_be_read_is_kept_as_it_was() -> None:
    row = agent(
        1,
        "ann",
        name=b"\xff\xfe",
        is_active="maybe",
        created_at="yesterday",
        messages_sent="many",
        can_spawn="on",
    )
    (made,) = identity({"agents": [row]}).rows["agents"]
    assert (made["is_active"], made["can_spawn"], made["messages_sent"]) == (1, 1, 0)
    legacy = json.loads(made["metadata"])["legacy"]
    assert legacy == {
        "name": "fffe",
        "is_active": "maybe",
        "created_at": "yesterday",
        "messages_sent": "many",
    }


def test_an_agent_that_is_known_wins_untouched() -> None:
    tables = {
        "agents": [agent(1, "ann", api_key_encrypted="bad", capabilities='["chat"]')],
        "capabilities": [{"id": "c1", "slug": "chat"}],
        "agent_capabilities": [{"agent_id": uuid(1), "capability_id": "c1"}],
    }
    found = identity(tables, known("ann"))
    assert not any(found.rows.values())
    assert found.present == ["ann"]
    assert found.tally.counts()["agents"]["present"] == 1
    assert found.tally.reauth == []


def test_only_a_key_that_cannot_be_read_flags_its_agent() -> None:
    rows = [
        agent(1, "good", api_key_encrypted="blob", requires_reauth=1),
        agent(2, "bad", api_key_encrypted="bad"),
        agent(3, "none", webhook_secret="s"),
    ]
    made = {row["agent_id"]: row for row in identity({"agents": rows}).rows["agents"]}
    assert made["good"]["api_key_encrypted"] == "api_key_encrypted of good: blob of good"
    assert (made["good"]["requires_reauth"], made["good"]["reauth_reason"]) == (0, None)
    assert (made["bad"]["requires_reauth"], made["bad"]["reauth_reason"]) == (1, "migrated")
    assert made["bad"]["api_key_encrypted"] is None
    assert made["none"]["requires_reauth"] == 0
    assert made["none"]["webhook_secret_encrypted"] == "webhook_secret_encrypted of none: s"


@pytest.mark.parametrize("bad", ["two words", "me", "CLEO-System", "-dash", "Ann", "ö"])
def test_an_id_that_cannot_stay_is_named_and_a_rename_helps(bad: str) -> None:
    tables = {"agents": [agent(1, bad)], "messages": [message(1, 1, bad, "bob")]}
    found = identity(tables, known("ann"))
    assert [one["key"] for one in found.tally.problems] == [bad]
    with pytest.raises(CleoError) as error:
        planning.refuse(found.tally.problems)
    assert error.value.exit == 6
    assert "--rename" in error.value.fix

    renamed = identity(tables, known("ann"), {bad: "good"})
    assert renamed.tally.problems == []
    assert renamed.tally.renamed == {bad: "good"}
    assert [row["from_agent_id"] for row in mail(tables, {bad: "good"}).rows["messages"]] == [
        "good"
    ]


def test_words_go_through_their_aliases_and_unknown_ones_are_kept() -> None:
    tables = {
        "agents": [agent(1, "ann", capabilities='["tool-use","magic"]', skills="coding,shell")],
        "capabilities": [
            {"id": "x", "slug": "conversation"},
            {"id": "y", "slug": "sorcery"},
            {"id": "z", "slug": "chat"},
        ],
        "agent_capabilities": [
            {"agent_id": uuid(1), "capability_id": "x"},
            {"agent_id": uuid(1), "capability_id": "y"},
            {"agent_id": uuid(1), "capability_id": "z"},
            {"agent_id": "nobody", "capability_id": "z"},
        ],
        "agent_skills": [{"agent_id": "ann", "skill_id": "skl_typescript"}],
    }
    found = identity(tables)
    assert sorted(row["capability_id"] for row in found.rows["agent_capabilities"]) == [
        "cap_chat",
        "cap_tools",
    ]
    assert sorted(row["skill_id"] for row in found.rows["agent_skills"]) == [
        "skl_bash",
        "skl_typescript",
    ]
    legacy = json.loads(found.rows["agents"][0]["metadata"])["legacy"]
    assert legacy["capabilities"] == ["sorcery", "magic"]
    counts = found.tally.counts()["agent_capabilities"]
    assert (counts["copied"], counts["merged"], counts["dropped"]) == (1, 1, 2)


def test_people_are_copied_without_what_was_in_clear() -> None:
    tables = {
        "users": [
            {"id": uuid(1, "u"), "email": "A@x.org", "password_hash": "h1", "created_at": SECONDS},
            {"id": uuid(2, "u"), "email": "b@x.org", "password_hash": "h2", "slug": "taken"},
            {"id": "u3", "email": "known@x.org"},
        ],
        "accounts": [
            {
                "id": uuid(1, "k"),
                "user_id": uuid(1, "u"),
                "account_id": "7",
                "provider_id": "github",
                "access_token": "planted",
            },
            {
                "id": uuid(2, "k"),
                "user_id": uuid(2, "u"),
                "account_id": uuid(2, "u"),
                "provider_id": "credential",
                "password": "h2",
            },
            {"id": "k3", "user_id": "u3", "account_id": "u3", "provider_id": "credential"},
        ],
        "organization": [{"id": uuid(1, "o"), "name": "O", "owner_id": "u3"}],
        "agents": [agent(1, "ann", owner_id="u3", organization_id=uuid(1, "o"))],
        "org_agent_keys": [
            {"id": "l", "organization_id": uuid(1, "o"), "agent_id": uuid(1), "created_by": "u3"}
        ],
        "sessions": [{"id": "s", "token": "planted"}],
        "claim_codes": [{"id": "c", "code": "planted"}],
    }
    there = state(users={"u9"}, emails={"known@x.org": "u9"}, slugs={"taken"})
    found = identity(tables, there)
    assert "planted" not in json.dumps(found.rows)
    passwords = {row["user_id"]: row["password_hash"] for row in found.rows["accounts"]}
    assert passwords == {uuid(1, "u"): "h1", uuid(2, "u"): "h2"} or passwords == {
        uuid(1, "u"): None,
        uuid(2, "u"): "h2",
    }
    assert {row["provider_id"] for row in found.rows["accounts"]} == {"github", "credential"}
    assert found.rows["users"][1]["slug"] is None
    assert found.rows["organization"][0]["owner_id"] == "u9"
    assert found.rows["agents"][0]["owner_id"] == "u9"
    (link,) = found.rows["org_agent_keys"]
    assert (link["agent_id"], link["created_by"]) == ("ann", "u9")
    dropped = {one["table"]: one["reason"] for one in found.tally.dropped()}
    assert dropped["accounts"] == "the user was known already"
    assert {"sessions", "claim_codes", "accounts.access_token"} <= dropped.keys()


def test_direct_conversations_of_a_pair_become_one() -> None:
    tables = {
        "conversations": [
            conversation(1, "ann", "bob"),
            conversation(2, participants="bob,ann"),
            conversation(3, "ann", "bob", "cyd"),
            conversation(4),
        ],
        "messages": [message(1, 1, "ann", "bob"), message(2, 2, "bob", "ann")],
    }
    found = mail(tables)
    assert [(row["id"], row["kind"]) for row in found.rows["conversations"]] == [
        (uuid(1, "c"), "dm"),
        (uuid(3, "c"), "group"),
    ]
    assert found.rows["conversations"][0]["dm_key"] == "ann bob"
    assert {row["conversation_id"] for row in found.rows["messages"]} == {uuid(1, "c")}
    assert len(found.rows["participants"]) == 5
    (dropped,) = found.tally.dropped()
    assert (dropped["table"], dropped["count"]) == ("conversations", 1)


def test_rows_of_a_group_become_one_message_with_a_receipt_each() -> None:
    tables = {
        "conversations": [conversation(1, "ann", "bob", "cyd")],
        "messages": [
            message(2, 1, "ann", "cyd", group_id="g", content="x", status="read"),
            message(1, 1, "ann", "bob", group_id="g", content="x"),
            message(3, 1, "bob", "ann", reply_to=uuid(1, "m")),
        ],
    }
    found = mail(tables)
    first, second = found.rows["messages"]
    assert first["id"] == uuid(2, "m")
    legacy = json.loads(first["metadata"])["legacy"]
    assert legacy == {"groupId": "g", "ids": [uuid(2, "m"), uuid(1, "m")]}
    assert (second["reply_to"], second["thread_id"]) == (first["id"], first["id"])
    states = {
        row["agent_id"]: row["state"]
        for row in found.rows["receipts"]
        if row["message_id"] == first["id"]
    }
    assert states == {"cyd": "read", "bob": "pending"}


def test_copies_of_a_group_message_that_lay_in_several_conversations_share_a_new_one() -> None:
    tables = {
        "conversations": [conversation(1, "ann", "bob"), conversation(2, "ann", "cyd")],
        "messages": [
            message(1, 1, "ann", "bob", group_id="g", content="x"),
            message(2, 2, "ann", "cyd", group_id="g", content="x"),
        ],
    }
    found = mail(tables)
    (one,) = found.rows["messages"]
    place = {row["id"]: row for row in found.rows["conversations"]}[one["conversation_id"]]
    assert place["kind"] == "group"
    taking = [
        row["agent_id"]
        for row in found.rows["participants"]
        if row["conversation_id"] == place["id"]
    ]
    assert taking == ["ann", "bob", "cyd"]


def test_a_recipient_that_is_a_conversation_becomes_its_other_participants() -> None:
    tables = {
        "conversations": [conversation(1, "ann", "bob", "cyd")],
        "messages": [message(1, 1, "ann", uuid(1, "c"), status="delivered")],
    }
    receipts = mail(tables).rows["receipts"]
    assert [row["agent_id"] for row in receipts] == ["bob", "cyd"]
    assert receipts[0]["delivered_at"] == "2026-01-02T03:04:06.000Z"


def test_states_carry_the_times_that_they_passed() -> None:
    tables = {
        "conversations": [conversation(1, "ann", "bob")],
        "messages": [
            message(1, 1, "ann", "bob", status="read", read_at=SECONDS * 1000),
            message(2, 1, "ann", "bob", status="pending", delivered_at=SECONDS),
            message(3, 1, "ann", "bob", status="failed"),
            message(4, 1, "ann", "bob", status="odd"),
        ],
    }
    first, second, third, fourth = mail(tables).rows["receipts"]
    assert (first["state"], first["delivered_at"], first["read_at"]) == ("read", AT, AT)
    assert (second["state"], second["delivered_at"]) == ("delivered", AT)
    assert (third["state"], third["closed_at"]) == ("dead", "2026-01-02T03:04:08.000Z")
    assert fourth["state"] == "pending"


def test_messages_come_in_the_order_in_which_they_were_sent() -> None:
    tables = {
        "conversations": [conversation(1, "ann", "bob")],
        "messages": [
            message(1, 1, "ann", "bob", created_at=(SECONDS + 9) * 1000),
            message(2, 1, "ann", "bob", created_at=SECONDS + 8),
        ],
    }
    assert [row["content"] for row in mail(tables).rows["messages"]] == ["message 2", "message 1"]


def test_unusual_contents_are_kept_whole() -> None:
    long = "é" * 40_000
    tables = {
        "messages": [
            message(1, 1, "ann", "bob", content=long, attachments="[1", metadata="no"),
            message(2, 9, "ann", "ann", content="a\0b", reply_to="gone", content_type="html"),
            {"id": "odd id", "from_agent_id": "ann", "to_agent_id": "bob", "content": b"\xff"},
            {"id": "silent", "content": "x"},
        ],
    }
    found = mail(tables)
    by_text = {row["content"][:3]: row for row in found.rows["messages"]}
    assert len(by_text["ééé"]["content"].encode()) <= 65_536
    assert json.loads(by_text["ééé"]["metadata"])["legacy"]["content"] == long
    assert json.loads(by_text["a\ufffdb"]["metadata"])["legacy"]["reply_to"] == "gone"
    assert json.loads(by_text["\ufffd"]["metadata"])["legacy"]["ids"] == ["odd id"]
    assert [one["reason"] for one in found.tally.dropped()] == ["it has no sender"]
    assert all(row["agent_id"] != "ann" for row in found.rows["receipts"])


def test_pins_follow_their_message_and_letters_lose_their_payload() -> None:
    tables = {
        "conversations": [conversation(1, "ann", "bob")],
        "messages": [message(1, 1, "ann", "bob"), message(2, 1, "bob", "ann")],
        "message_pins": [
            {"id": uuid(1, "p"), "message_id": uuid(1, "m"), "pinned_by": "ann", "note": "n"},
            {"id": uuid(2, "p"), "message_id": uuid(1, "m"), "pinned_by": "ann"},
            {"id": uuid(3, "p"), "message_id": "gone", "pinned_by": "ann"},
            {"id": uuid(4, "p"), "message_id": uuid(2, "m"), "pinned_by": "stranger"},
        ],
        "dead_letters": [
            {
                "id": uuid(1, "d"),
                "message_id": uuid(1, "m"),
                "job_id": "j",
                "reason": "HTTP 500",
                "attempts": 6,
                "payload": "planted",
            }
        ],
        "delivery_jobs": [{"id": "j", "payload": "planted"}],
        "attachments": [{"slug": "s", "content": b"x"}],
    }
    found = mail(tables)
    assert [row["id"] for row in found.rows["message_pins"]] == [uuid(1, "p")]
    (letter,) = found.rows["dead_letters"]
    assert (letter["recipient"], letter["payload"], letter["last_error"]) == (
        "bob",
        "{}",
        "HTTP 500",
    )
    assert "planted" not in json.dumps(found.rows)
    assert {one["table"]: one["count"] for one in found.tally.dropped()} == {
        "message_pins": 1,
        "delivery_jobs": 1,
        "attachments": 1,
    } or sum(one["count"] for one in found.tally.dropped()) == 4


def test_replies_in_a_circle_have_a_thread_all_the_same() -> None:
    tables = {
        "conversations": [conversation(1, "ann", "bob")],
        "messages": [
            message(1, 1, "ann", "bob", reply_to=uuid(2, "m")),
            message(2, 1, "bob", "ann", reply_to=uuid(1, "m")),
        ],
    }
    threads = {row["thread_id"] for row in mail(tables).rows["messages"]}
    assert threads <= {uuid(1, "m"), uuid(2, "m")}


def test_an_unknown_table_is_dropped_by_name() -> None:
    class Empty:
        def read(self, sql: str, /, **params: Any) -> list[dict[str, Any]]:
            return []

        one = scalar = read

    tables = {"agents": [agent(1, "ann")], "wallets": [{"id": 1}, {"id": 2}]}
    source = Source(tables, {})
    found = planning.identity(source, Empty(), Glass(), NOW)
    (dropped,) = found.tally.dropped()
    assert (dropped["table"], dropped["count"]) == ("wallets", 2)


def test_the_oldest_layout_has_only_one_id_and_few_columns() -> None:
    found = identity({"agents": [{"id": "ann"}, {"id": None}]})
    (made,) = found.rows["agents"]
    assert (made["agent_id"], made["name"], made["created_at"]) == ("ann", "ann", NOW)
    assert found.tally.counts()["agents"] == {
        "source": 2,
        "copied": 1,
        "merged": 0,
        "present": 0,
        "dropped": 1,
    }
    assert older.uuid(1) != made["id"]
