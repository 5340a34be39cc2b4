"""Users, how they sign in, and organisations of the older file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cleo_signaldock.enums import USER_ROLE
from cleo_signaldock.service.legacy import values
from cleo_signaldock.service.legacy.source import Row, Source
from cleo_signaldock.service.legacy.tally import Tally

_USER = (
    *("id", "email", "password_hash", "name", "slug", "default_agent_id", "username", "image"),
    *("display_username", "email_verified", "role", "banned", "ban_reason", "ban_expires"),
    *("metadata", "created_at", "updated_at"),
)
_ORGANIZATION = ("id", "name", "slug", "logo", "metadata", "owner_id", "created_at", "updated_at")
_TOKENS = ("access_token", "refresh_token", "id_token")
_CREDENTIAL = "credential"


@dataclass
class State:
    """What the identity store knows already.

    :ivar agents: ids. ``spellings``: id in small letters -> id. ``agent_uuids``: of all of them.
    :ivar words: ``capabilities`` and ``skills``: slug -> id of its row.
    :ivar given: junction -> agent -> slugs.
    :ivar emails: in small letters -> id. ``slugs``, ``usernames``: taken by users.
    :ivar organizations: id -> slug.
    :ivar accounts: provider and account. ``hashes``: of agents' keys.
    """

    agents: set[str] = field(default_factory=set)
    spellings: dict[str, str] = field(default_factory=dict)
    agent_uuids: set[str] = field(default_factory=set)
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    given: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    emails: dict[str, str] = field(default_factory=dict)
    slugs: set[str] = field(default_factory=set)
    usernames: set[str] = field(default_factory=set)
    organizations: dict[str, str | None] = field(default_factory=dict)
    accounts: set[tuple[str, str]] = field(default_factory=set)
    account_ids: set[str] = field(default_factory=set)
    organization_keys: set[str] = field(default_factory=set)
    hashes: set[str] = field(default_factory=set)


class People:
    """Fills rows of ``users``, ``accounts``, ``organization`` and ``org_agent_keys``.

    :ivar user_ids: id in the file -> id of the user.
    :ivar organization_ids: id in the file -> id of the organisation.
    """

    def __init__(
        self,
        source: Source,
        state: State,
        tally: Tally,
        rows: Mapping[str, list[dict[str, Any]]],
        now: str,
    ) -> None:
        self.source = source
        self.state = state
        self.tally = tally
        self.rows = rows
        self.now = now
        self.user_ids: dict[str, str] = {}
        self.organization_ids: dict[str, str] = {}
        self._new: set[str] = set()

    def users(self) -> None:
        """Users that are not there; who has an e-mail address that is known stays as it is."""
        emails, slugs = dict(self.state.emails), set(self.state.slugs)
        usernames = set(self.state.usernames)
        for key, row in self.source.keyed("users"):
            email = values.word(row.get("email"))
            if email is None:
                self.tally.drop("users", key, "the user has no e-mail address")
                continue
            id_ = values.id_of("users", key)
            known = emails.get(email.lower()) or (id_ if id_ in self.state.users else None)
            if known is not None:
                self.user_ids[key] = known
                self.tally.fate("users", key, "merged" if known in self._new else "present")
                continue
            emails[email.lower()] = id_
            self.user_ids[key] = id_
            self._new.add(id_)
            self.tally.fate("users", key, "copied")
            self.rows["users"].append(self._user(key, id_, email, row, slugs, usernames))

    def _user(
        self, key: str, id_: str, email: str, row: Row, slugs: set[str], usernames: set[str]
    ) -> dict[str, Any]:
        legacy = self._rest("users", key, row, _USER)
        if key != id_:
            legacy["id"] = key
        slug = self._free("slug", values.word(row.get("slug")), slugs, legacy)
        username = self._free("username", values.word(row.get("username")), usernames, legacy)
        metadata = self._metadata(row, legacy)
        times = self._times(row)
        role = values.one_of(row.get("role"), USER_ROLE)
        if role is None and values.word(row.get("role")):
            legacy["role"] = values.text(row["role"])
        return {
            "id": id_,
            "email": email,
            "name": values.word(row.get("name")) or email,
            "slug": slug,
            "username": username,
            "display_username": values.word(row.get("display_username")),
            "image": values.word(row.get("image")),
            "email_verified": values.yes(row.get("email_verified")),
            "role": role or "user",
            "default_agent_id": self.source.agent(row.get("default_agent_id")),
            "banned": values.yes(row.get("banned")),
            "ban_reason": values.text(row.get("ban_reason")),
            "ban_expires": values.time(row.get("ban_expires")),
            "metadata": values.with_legacy(metadata, legacy),
            **times,
        }

    def organizations(self) -> None:
        """Organisations that are not there."""
        taken = dict(self.state.organizations)
        slugs = {slug: id_ for id_, slug in taken.items() if slug is not None}
        for key, row in self.source.keyed("organization"):
            id_ = values.id_of("organization", key)
            slug = values.word(row.get("slug"))
            known = id_ if id_ in taken else slugs.get(slug) if slug else None
            if known is not None:
                self.organization_ids[key] = known
                new = known not in self.state.organizations
                self.tally.fate("organization", key, "merged" if new else "present")
                continue
            taken[id_] = slug
            if slug is not None:
                slugs[slug] = id_
            self.organization_ids[key] = id_
            self.tally.fate("organization", key, "copied")
            legacy = self._rest("organization", key, row, _ORGANIZATION)
            owner = values.word(row.get("owner_id"))
            if owner is not None and owner not in self.user_ids:
                legacy["owner_id"] = owner
            if key != id_:
                legacy["id"] = key
            metadata = self._metadata(row, legacy)
            self.rows["organization"].append(
                {
                    "id": id_,
                    "name": values.word(row.get("name")) or slug or id_,
                    "slug": slug,
                    "logo": values.word(row.get("logo")),
                    "metadata": values.with_legacy(metadata, legacy),
                    "owner_id": self.user_ids.get(owner or ""),
                    **self._times(row),
                }
            )

    def accounts(self) -> None:
        """How the new users sign in; tokens of other providers stay behind."""
        taken = set(self.state.accounts)
        for key, row in self.source.keyed("accounts"):
            user = self.user_ids.get(values.word(row.get("user_id")) or "")
            provider = values.word(row.get("provider_id")) or _CREDENTIAL
            account = values.word(row.get("account_id")) or user or key
            if provider == _CREDENTIAL and values.word(row.get("user_id")) == account and user:
                account = user
            for name in _TOKENS:
                if values.word(row.get(name)):
                    self.tally.leave_out(f"accounts.{name}", key, "tokens were kept in clear")
            if (provider, account) in taken:
                new = (provider, account) not in self.state.accounts
                self.tally.fate("accounts", key, "merged" if new else "present")
                continue
            if user is None or user not in self._new:
                reason = "there is no such user" if user is None else "the user was known already"
                self.tally.drop("accounts", key, reason)
                continue
            taken.add((provider, account))
            self.tally.fate("accounts", key, "copied")
            for name in self._rest("accounts", key, row, (*_ACCOUNT, *_TOKENS, "password")):
                self.tally.leave_out(f"accounts.{name}", key, "there is no such column today")
            password = values.word(row.get("password")) or values.word(row.get("password_hash"))
            self._account(key, user, provider, account, password, row)
        for key, row in self.source.keyed("users"):
            user, password = self.user_ids.get(key), values.word(row.get("password_hash"))
            own = {
                one["user_id"] for one in self.rows["accounts"] if one["provider_id"] == _CREDENTIAL
            }
            if user in self._new and user not in own and password:
                self._account(f"users {key}", str(user), _CREDENTIAL, str(user), password, row)

    def _account(
        self, key: str, user: str, provider: str, account: str, password: str | None, row: Row
    ) -> None:
        id_ = values.id_of("accounts", key)
        if id_ in self.state.account_ids:
            id_ = values.id_of("accounts", f"{user} {id_}")
        self.rows["accounts"].append(
            {
                "id": id_,
                "user_id": user,
                "provider_id": provider,
                "account_id": account,
                "password_hash": password if provider == _CREDENTIAL else None,
                "scope": values.word(row.get("scope")),
                **self._times(row),
            }
        )

    def organization_keys(self, knows: Callable[[str | None], bool]) -> None:
        """Which agents belong to organisations; the links never held a key."""
        for key, row in self.source.keyed("org_agent_keys"):
            organization = self.organization_ids.get(values.word(row.get("organization_id")) or "")
            agent_id = self.source.agent(row.get("agent_id"))
            id_ = values.id_of("org_agent_keys", key)
            if organization is None or not knows(agent_id):
                what = "organisation" if organization is None else "agent"
                self.tally.drop("org_agent_keys", key, f"there is no such {what}")
                continue
            if id_ in self.state.organization_keys:
                self.tally.fate("org_agent_keys", key, "present")
                continue
            creator = values.word(row.get("created_by")) or "unknown"
            self.tally.fate("org_agent_keys", key, "copied")
            self.rows["org_agent_keys"].append(
                {
                    "id": id_,
                    "organization_id": organization,
                    "agent_id": agent_id,
                    "label": values.word(row.get("label")) or "",
                    "created_by": self.user_ids.get(creator, creator),
                    "created_at": values.first_time(row.get("created_at"), default=self.now),
                }
            )

    def _rest(self, table: str, key: str, row: Row, used: tuple[str, ...]) -> dict[str, Any]:
        """What has no home; what would be a secret in clear is left out."""
        legacy, secret = values.rest(row, used)
        for name in secret:
            self.tally.leave_out(f"{table}.{name}", key, "it would be a secret in clear")
        return legacy

    def _metadata(self, row: Row, legacy: dict[str, Any]) -> dict[str, Any] | None:
        found = values.mapping(row.get("metadata"))
        if found is None and values.word(row.get("metadata")):
            legacy["metadata"] = values.text(row["metadata"])
        return found

    def _times(self, row: Row) -> dict[str, str]:
        created = values.first_time(row.get("created_at"), row.get("updated_at"), default=self.now)
        return {
            "created_at": created,
            "updated_at": values.first_time(row.get("updated_at"), default=created),
        }

    @staticmethod
    def _free(
        column: str, value: str | None, taken: set[str], legacy: dict[str, Any]
    ) -> str | None:
        if value is None:
            return None
        known = value.lower() if column == "username" else value
        if known in taken:
            legacy[column] = value
            return None
        taken.add(known)
        return value


_ACCOUNT = (
    *("id", "user_id", "account_id", "provider_id", "scope", "password_hash", "created_at"),
    *("updated_at", "access_token_expires_at", "refresh_token_expires_at"),
)
