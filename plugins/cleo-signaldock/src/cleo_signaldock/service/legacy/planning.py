"""Step 3: the older file's rows as today's, with everything that stands in the way."""

from __future__ import annotations

from typing import Any

from cleo_core.errors import ValidationError
from cleo_signaldock.service.legacy import values
from cleo_signaldock.service.legacy.identity import Cipher, Identity
from cleo_signaldock.service.legacy.mail import Mail
from cleo_signaldock.service.legacy.people import State
from cleo_signaldock.service.legacy.source import Source, check_renames
from cleo_signaldock.store import legacy
from cleo_signaldock.store.agents import Reader

#: Problems that a message names; ``details.problems`` has all.
_NAMED = 10
#: Tables that have a rule of their own; all others are dropped, and named.
_KNOWN = frozenset(
    (
        *("agents", "capabilities", "skills", "agent_capabilities", "agent_skills", "users"),
        *("agent_connections", "connections", "accounts", "sessions", "verifications"),
        *("organization", "claim_codes", "org_agent_keys", "conversations", "messages"),
        *("delivery_jobs", "dead_letters", "message_pins", "attachments"),
        *("attachment_versions", "attachment_approvals", "attachment_contributors"),
    )
)


def has_keys(source: Source) -> bool:
    """Whether the file holds anything that is to be encrypted."""
    return any(
        values.word(row.get(column))
        for row in source.rows("agents")
        for column in ("api_key_encrypted", "webhook_secret")
    )


def state(db: Reader) -> State:
    """What the identity store knows already."""
    found = State()
    for row in db.read(legacy.AGENTS):
        found.agents.add(row["agent_id"])
        found.spellings[row["agent_id"].lower()] = row["agent_id"]
        found.agent_uuids.add(row["id"])
        hashes = (row["api_key_hash"], row["api_key_hash_prev"])
        found.hashes.update(one for one in hashes if one is not None)
    for row in db.read(legacy.USERS):
        found.users.add(row["id"])
        found.emails[row["email"].lower()] = row["id"]
        if row["slug"] is not None:
            found.slugs.add(row["slug"])
        if row["username"] is not None:
            found.usernames.add(row["username"].lower())
    found.organizations = {row["id"]: row["slug"] for row in db.read(legacy.ORGANIZATIONS)}
    for row in db.read(legacy.ACCOUNTS):
        found.accounts.add((row["provider_id"], row["account_id"]))
        found.account_ids.add(row["id"])
    found.organization_keys = {row["id"] for row in db.read(legacy.ORGANIZATION_KEYS)}
    for registry, junction, words, given in (
        ("capabilities", "agent_capabilities", legacy.CAPABILITIES, legacy.GIVEN_CAPABILITIES),
        ("skills", "agent_skills", legacy.SKILLS, legacy.GIVEN_SKILLS),
    ):
        found.words[registry] = {row["slug"]: row["id"] for row in db.read(words)}
        slugs: dict[str, set[str]] = {}
        for row in db.read(given):
            slugs.setdefault(row["agent_id"], set()).add(row["slug"])
        found.given[junction] = slugs
    return found


def identity(source: Source, db: Reader, cipher: Cipher, now: str) -> Identity:
    """The rows of the identity store.

    :raises ValidationError: 6, with everything that stands in the way.
    """
    check_renames(source)
    planned = Identity(source, state(db), cipher, now).plan()
    tally = planned.tally
    for table in source.tables:
        if table not in _KNOWN:
            for key, _ in source.keyed(table):
                tally.drop(table, key, "the table has no home today")
    return planned


def mail(source: Source, planned: Identity, now: str) -> Mail:
    """The rows of the message store.

    :raises ValidationError: 6, with everything that stands in the way.
    """
    found = Mail(source, pinners(planned), now).plan()
    refuse([*planned.tally.problems, *found.tally.problems])
    return found


def pinners(planned: Identity) -> set[str]:
    """Who of those who pinned messages is an agent of the registry, once the new ones are there."""
    known = planned.state.agents | {row["agent_id"] for row in planned.rows["agents"]}
    source = planned.source
    named = {source.agent(row.get("pinned_by")) for row in source.rows("message_pins")}
    return {one for one in named if one in known and one is not None}


def refuse(problems: list[dict[str, str]]) -> None:
    """Stop where something is unusable.

    :raises ValidationError: 6.
    """
    if not problems:
        return
    named = "; ".join(f"{one['table']} {one['key']}: {one['message']}" for one in problems[:_NAMED])
    more = f"; and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
    error = ValidationError(
        f"The older file cannot be taken over as it is: {named}{more}.", fix=problems[0]["fix"]
    )
    error.details["problems"] = [
        {
            "field": f"{one['table']} {one['key']}",
            "code": "E_VALIDATION",
            "exit": 6,
            "message": one["message"],
            "fix": one["fix"],
        }
        for one in problems
    ]
    raise error


def conduit_keys(rows: dict[str, list[dict[str, Any]]], done: Any) -> list[tuple[str, str]]:
    """``conduit.<table>`` and key of the rows that the message store would add."""
    return [(f"conduit.{table}", key) for table in rows for key in done.inserted.get(table, ())]
