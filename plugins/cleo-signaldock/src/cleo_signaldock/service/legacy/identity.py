"""Agents of the older file, and what hangs on them, as rows of today's identity store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from cleo_core.inputs import names_user, without_user
from cleo_core.paths.files import quoted
from cleo_signaldock.enums import CLASS, INSTALLED_FROM, PRESENCE, PRIVACY_TIER, TIER, TRANSPORT
from cleo_signaldock.ids import is_reserved
from cleo_signaldock.service.legacy import values
from cleo_signaldock.service.legacy.people import People, State
from cleo_signaldock.service.legacy.source import Row, Source, is_agent_id
from cleo_signaldock.service.legacy.tally import Tally
from cleo_signaldock.vocabulary import CAPABILITY_ALIASES, SKILL_ALIASES

_NAME = 100
_CLEAR = "it would be a secret in clear"
#: Columns of an agent that have a home, or that something else takes care of.
_HOMES = (
    *("id", "agent_id", "name", "description", "class", "privacy_tier", "owner_id", "endpoint"),
    *("organization_id", "capabilities", "skills", "avatar", "messages_sent", "status"),
    *("messages_received", "conversation_count", "last_seen", "api_key_hash", "created_at"),
    *("updated_at", "transport_type", "api_key_encrypted", "api_base_url", "classification"),
    *("transport_config", "is_active", "last_used_at", "requires_reauth", "webhook_secret"),
    *("tier", "can_spawn", "orch_level", "reports_to", "cant_path", "cant_sha256"),
    *("installed_from", "installed_at", "metadata"),
)
#: Tables whose rows are not taken over, and why.
DROPPED = {
    "sessions": "sign-ins were kept in clear",
    "verifications": "their values were kept in clear",
    "claim_codes": "codes were kept in clear",
    "agent_connections": "an open stream ends with its process",
    "connections": "there is no friend graph any more",
}


class Cipher(Protocol):
    """Reads keys of the older file and encrypts them as they are kept today."""

    def read(self, blob: str, agent_id: str) -> str | None:
        """The text of a key that the file keeps for an agent, or None."""

    def seal(self, text: str, column: str, agent_id: str) -> str:
        """A text encrypted for a column of ``agents``."""


class Identity:
    """Rows of the identity store, by table, in the order in which they can be inserted.

    :param state: who and what is there already.
    """

    def __init__(self, source: Source, state: State, cipher: Cipher, now: str) -> None:
        self.source = source
        self.state = state
        self.cipher = cipher
        self.now = now
        self.tally = Tally()
        self.rows: dict[str, list[dict[str, Any]]] = {
            name: []
            for name in (
                *("users", "organization", "agents", "agent_capabilities", "agent_skills"),
                *("accounts", "org_agent_keys"),
            )
        }
        #: Agent -> whom it reports to, set once all are there.
        self.superiors: dict[str, str] = {}
        #: Agents that are there already.
        self.present: list[str] = []
        self._new: dict[str, dict[str, Any]] = {}
        self._hashes = set(state.hashes)

    def plan(self) -> Identity:
        """Convert everything; what stands in the way is in ``tally.problems``."""
        people = People(self.source, self.state, self.tally, self.rows, self.now)
        people.users()
        people.organizations()
        for key, row in self.source.keyed("agents"):
            self._agent(key, row, people)
        self._superiors()
        self._words("capability", "capabilities", "agent_capabilities")
        self._words("skill", "skills", "agent_skills")
        people.accounts()
        people.organization_keys(self._knows)
        for table, reason in DROPPED.items():
            for key, _ in self.source.keyed(table):
                self.tally.drop(table, key, reason)
        for row in self._new.values():
            legacy = row.pop("legacy")
            row["metadata"] = values.with_legacy(row["metadata"], legacy)
        return self

    def _knows(self, agent_id: str | None) -> bool:
        return agent_id is not None and (agent_id in self._new or agent_id in self.state.agents)

    def _agent(self, key: str, row: Row, people: People) -> None:
        raw = self.source.raw_id(row)
        if raw is None:
            self.tally.drop("agents", key, "it has no id")
            return
        agent_id = self.source.renames.get(raw, raw)
        fault = self._fault(agent_id)
        if fault is not None:
            fix = f"cleo agent migrate-legacy --rename {quoted(f'{raw}=ANOTHER-ID')}"
            self.tally.problem("agents", raw, fault, fix)
            self.tally.fate("agents", key, "dropped")
            return
        if raw != agent_id:
            self.tally.renamed[raw] = agent_id
        if agent_id in self.state.agents:
            self.present.append(agent_id)
            self.tally.fate("agents", key, "present")
            return
        self.tally.fate("agents", key, "copied")
        made = self._converted(raw, agent_id, row, people)
        self._new[agent_id] = made
        self.rows["agents"].append(made)

    def _fault(self, agent_id: str) -> str | None:
        """Why an agent cannot have this id, or None."""
        if not is_agent_id(agent_id):
            return "it can be no agent's id today"
        if is_reserved(agent_id):
            return "the id is reserved"
        if agent_id in self._new or agent_id in self.present:
            return f"two agents of the file would be {agent_id}"
        spelling = self.state.spellings.get(agent_id.lower())
        if spelling is None:
            same = (one for one in self._new if one.lower() == agent_id.lower())
            spelling = next(same, None)
        if spelling is not None and spelling != agent_id:
            return f"it differs from {spelling} only in the case of letters"
        return None

    def _converted(self, raw: str, agent_id: str, row: Row, people: People) -> dict[str, Any]:
        legacy, secret = values.rest(row, _HOMES)
        legacy.update(values.unread(row))
        for name in secret:
            self.tally.leave_out(f"agents.{name}", raw, _CLEAR)

        def chosen(column: str, known: tuple[str, ...], default: str | None) -> str | None:
            found = values.one_of(row.get(column), known)
            if found is None and values.word(row.get(column)):
                legacy[column] = values.text(row[column])
            return found or default

        def linked(column: str, ids: Mapping[str, str]) -> str | None:
            given = values.word(row.get(column))
            found = ids.get(given) if given else None
            if given and found is None:
                legacy[column] = given
            return found

        created = values.first_time(row.get("created_at"), row.get("updated_at"), default=self.now)
        name = values.word(row.get("name")) or agent_id
        if len(name) > _NAME:
            legacy["name"], name = name, name[:_NAME]
        if raw != agent_id:
            legacy["agent_id"] = raw
        transport = chosen("transport_type", TRANSPORT, "local")
        config = values.mapping(row.get("transport_config"))
        if config is None and values.word(row.get("transport_config")):
            legacy["transport_config"] = values.text(row["transport_config"])
        config, hidden = values.without_secrets(config or {})
        for name in hidden:
            self.tally.leave_out(f"agents.transport_config.{name}", raw, _CLEAR)
        url = self._address(raw, "api_base_url", row)
        if transport == "local" and url is not None:
            legacy["api_base_url"], url = url, None
        level = values.whole(row.get("orch_level"), 2)
        old_id = values.word(row.get("id"))
        id_ = values.id_of("agents", old_id or agent_id)
        if id_ in self.state.agent_uuids or any(one["id"] == id_ for one in self._new.values()):
            id_ = values.id_of("agents", f"{agent_id} {id_}")
        if old_id is not None and old_id != id_:
            legacy["id"] = old_id
        made = {
            "id": id_,
            "agent_id": agent_id,
            "name": name,
            "description": values.text(row.get("description")) or "",
            "class": chosen("class", CLASS, "custom"),
            "classification": values.word(row.get("classification")),
            "avatar": values.word(row.get("avatar")),
            "metadata": values.mapping(row.get("metadata")),
            "privacy_tier": chosen("privacy_tier", PRIVACY_TIER, "discoverable"),
            "owner_id": linked("owner_id", people.user_ids),
            "organization_id": linked("organization_id", people.organization_ids),
            "is_active": values.yes(row.get("is_active"), default=True),
            "status": chosen("status", PRESENCE, "offline"),
            "last_seen": values.time(row.get("last_seen")),
            "last_used_at": values.time(row.get("last_used_at")),
            "transport_type": transport,
            "transport_config": values.as_json(config),
            "api_base_url": url,
            "api_key_hash": self._hash(row),
            "endpoint": self._address(raw, "endpoint", row),
            "messages_sent": values.whole(row.get("messages_sent")),
            "messages_received": values.whole(row.get("messages_received")),
            "conversation_count": values.whole(row.get("conversation_count")),
            "tier": chosen("tier", TIER, "global"),
            "can_spawn": values.yes(row.get("can_spawn")),
            "orch_level": level if level in (0, 1, 2) else 2,
            "cant_path": values.word(row.get("cant_path")),
            "cant_sha256": values.word(row.get("cant_sha256")),
            "installed_from": chosen("installed_from", INSTALLED_FROM, None),
            "installed_at": values.time(row.get("installed_at")),
            "created_at": created,
            "updated_at": values.first_time(row.get("updated_at"), default=created),
            "legacy": legacy,
        }
        self._secrets(raw, agent_id, row, made)
        return made

    def _address(self, raw: str, column: str, row: Row) -> str | None:
        """An address without the name and the password of who opens it."""
        found = values.word(row.get(column))
        if found is None or not names_user(found):
            return found
        self.tally.leave_out(f"agents.{column}", raw, "its name and password would be in clear")
        return without_user(found)

    def _hash(self, row: Row) -> str | None:
        found = values.word(row.get("api_key_hash"))
        if found is None or found in self._hashes:
            return None
        self._hashes.add(found)
        return found

    def _secrets(self, raw: str, agent_id: str, row: Row, made: dict[str, Any]) -> None:
        made["requires_reauth"], made["reauth_reason"] = 0, None
        made["api_key_encrypted"] = made["webhook_secret_encrypted"] = None
        blob = values.word(row.get("api_key_encrypted"))
        if blob is not None:
            key = self.cipher.read(blob, raw)
            if key is None:
                made["requires_reauth"], made["reauth_reason"] = 1, "migrated"
                self.tally.reauth.append(agent_id)
            else:
                made["api_key_encrypted"] = self.cipher.seal(key, "api_key_encrypted", agent_id)
        webhook = values.word(row.get("webhook_secret"))
        if webhook is not None:
            column = "webhook_secret_encrypted"
            made[column] = self.cipher.seal(webhook, column, agent_id)

    def _superiors(self) -> None:
        for row in self.source.rows("agents"):
            agent_id = self.source.agent(self.source.raw_id(row))
            given = values.word(row.get("reports_to"))
            if given is None or agent_id not in self._new:
                continue
            superior = self.source.agent(given)
            if superior is not None and self._knows(superior):
                self.superiors[agent_id] = superior
            else:
                self._new[agent_id]["legacy"]["reports_to"] = given

    def _words(self, kind: str, registry: str, junction: str) -> None:
        """The capabilities, or the skills: their registry, their junction, and lists in clear."""
        slugs = self.state.words[registry]
        aliases = CAPABILITY_ALIASES if kind == "capability" else SKILL_ALIASES

        def known(value: Any) -> str | None:
            found = (values.word(value) or "").lower()
            for one in (found, aliases.get(found), found.replace("-", "_")):
                if one in slugs:
                    return one
            return None

        by_id: dict[str, str | None] = {}
        for key, row in self.source.keyed(registry):
            slug = known(row.get("slug"))
            by_id[values.word(row.get("id")) or key] = slug or values.word(row.get("slug"))
            if slug is None:
                self.tally.drop(registry, key, f"there is no such {kind} today")
            else:
                same = slug == values.word(row.get("slug"))
                self.tally.fate(registry, key, "present" if same else "merged")
        given: set[tuple[str, str]] = set()
        for number, row in enumerate(self.source.rows(junction), 1):
            word = values.word(row.get(f"{kind}_id"))
            key = f"{values.word(row.get('agent_id'))} {word} ({number})"
            agent_id = self.source.agent(row.get("agent_id"))
            # Without its registry, an id is a prefix of four characters and the slug.
            name = by_id.get(word or "", (word or "")[4:] or None)
            self._junction(junction, kind, key, agent_id, name, known(name), given, row)
        for row in self.source.rows("agents"):
            agent_id = self.source.agent(self.source.raw_id(row))
            if agent_id not in self._new:
                continue
            for listed in values.names(row.get(registry)):
                slug = known(listed)
                if slug is None:
                    self._unknown(agent_id, registry, listed)
                elif (agent_id, slug) not in given:
                    given.add((agent_id, slug))
                    self._give(junction, kind, agent_id, slug, row)

    def _junction(
        self,
        table: str,
        kind: str,
        key: str,
        agent_id: str | None,
        name: str | None,
        slug: str | None,
        given: set[tuple[str, str]],
        row: Row,
    ) -> None:
        registry = "capabilities" if kind == "capability" else "skills"
        if agent_id is None or not self._knows(agent_id):
            self.tally.drop(table, key, "there is no such agent")
        elif agent_id not in self._new:
            if slug is not None and slug in self.state.given[table].get(agent_id, ()):
                self.tally.fate(table, key, "present")
            else:
                self.tally.drop(table, key, "the agent was known already, and stays as it is")
        elif slug is None:
            self._unknown(agent_id, registry, name or key)
            self.tally.drop(table, key, f"there is no such {kind} today; metadata.legacy has it")
        elif (agent_id, slug) in given:
            self.tally.fate(table, key, "merged")
        else:
            given.add((agent_id, slug))
            self._give(table, kind, agent_id, slug, row)
            self.tally.fate(table, key, "copied")

    def _give(self, table: str, kind: str, agent_id: str, slug: str, row: Row) -> None:
        registry = "capabilities" if kind == "capability" else "skills"
        made = {
            "agent_id": agent_id,
            f"{kind}_id": self.state.words[registry][slug],
            "attached_at": values.first_time(
                row.get("attached_at"), row.get("created_at"), default=self.now
            ),
        }
        if kind == "skill":
            made["source"] = values.one_of(row.get("source"), ("cant", "computed")) or "manual"
        self.rows[table].append(made)

    def _unknown(self, agent_id: str, registry: str, name: str) -> None:
        found = self._new[agent_id]["legacy"].setdefault(registry, [])
        if name not in found:
            found.append(name)
