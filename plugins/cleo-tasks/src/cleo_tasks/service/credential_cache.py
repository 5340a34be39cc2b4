"""The service ``credential_cache``: copies of agents' credentials, kept for their owner.

The identity of an agent lives elsewhere; its owner puts a copy here after its own commit, so that
the agent can go on where the identity's store cannot be opened. Nothing else writes the copies.
Key material is ciphertext of the owner's: it is stored and given back as it is, and stands in no
message, no log, no audit row, no export and no ``repr``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from cleo_core import clock, inputs
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import CleoError, ValidationError
from cleo_tasks.enums import PRIVACY_TIER
from cleo_tasks.errors import several
from cleo_tasks.service import fields
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import credentials

if TYPE_CHECKING:
    from cleo_core.api import Reference
    from cleo_core.units import Unit

#: Fields whose values the audit never holds: of a change in them it says that there was one.
_SECRET = ("api_key_encrypted", "api_base_url", "transport_config")
_TEXT_LENGTH = 64 * 1024
_FIX = "cleo instance list --cached"


class CredentialRow(TypedDict):
    """What the owner of an agent's identity puts into the cache."""

    agent_id: str
    display_name: str
    #: Ciphertext, opaque here.
    api_key_encrypted: str
    #: ``updated_at`` of the identity that this is a copy of.
    source_updated_at: str
    #: None for an agent that works on this machine.
    api_base_url: NotRequired[str | None]
    classification: NotRequired[str | None]
    #: public, discoverable (by default) or private.
    privacy_tier: NotRequired[str]
    capabilities: NotRequired[Sequence[str]]
    skills: NotRequired[Sequence[str]]
    #: Its kind under ``type``.
    transport_config: NotRequired[Mapping[str, Any]]
    is_active: NotRequired[bool]
    last_used_at: NotRequired[str | None]


class CachedCredential:
    """A copy as it is stored; the fields of :class:`CredentialRow`.

    No dataclass on purpose: output turns those into JSON, and this one is for its owner alone.
    """

    __slots__ = credentials.COLUMNS

    agent_id: str
    display_name: str
    api_key_encrypted: str
    api_base_url: str | None
    classification: str | None
    privacy_tier: str
    capabilities: list[str]
    skills: list[str]
    transport_config: dict[str, Any]
    is_active: bool
    last_used_at: str | None
    source_updated_at: str

    def __init__(self, row: Mapping[str, Any]) -> None:
        for name in credentials.COLUMNS:
            setattr(self, name, row[name])

    def __repr__(self) -> str:
        return f"<CachedCredential of {self.agent_id!r}>"


@record
class Put(Declared):
    """What became of a ``put``.

    ``stored``: False for a copy older than the one that is there. ``changed``: whether anything is
    different now. ``source_updated_at``: the stamp that the cache has.
    """

    agent_id: str
    stored: bool
    changed: bool
    source_updated_at: str


class CredentialCache(Verbs):
    """``put``, ``drop``, ``list``: for the owner of agents' identities, and for nobody else."""

    def put(self, row: CredentialRow, rebuild: bool = False) -> Put:
        """Keep a copy of an agent's credential.

        :param rebuild: store it although the copy that is there is younger.
        :raises CleoError: ``E_REFERENCE`` (6), the agent is known not to exist; 6 the row is not
            acceptable, in words that repeat none of its values.
        """
        values = _settled(row)
        agent, stamp = values["agent_id"], values["source_updated_at"]

        def body(work: Work) -> Put:
            work.outside_sessions()
            work.unit.check("agent_credentials.agent_id", [agent])
            stored = credentials.get(work.unit, agent)
            if stored is None:
                credentials.insert(work, values, work.now)
                _note(work, agent, None, values)
                return Put(agent, stored=True, changed=True, source_updated_at=stamp)
            if stamp < stored["source_updated_at"] and not rebuild:
                there = stored["source_updated_at"]
                return Put(agent, stored=False, changed=False, source_updated_at=there)
            changed = {name: value for name, value in values.items() if stored[name] != value}
            if changed:
                credentials.update(work, agent, changed, work.now)
                _note(work, agent, {name: stored[name] for name in changed}, changed)
            return Put(agent, stored=True, changed=bool(changed), source_updated_at=stamp)

        return self.write("credential.put", body)

    def drop(self, agent_id: str) -> bool:
        """Remove the copy of an agent's credential.

        :returns: whether there was one.
        :raises ValidationError: the id is no text.
        """
        agent = inputs.plain_text(agent_id, "agent_id")
        return self.write("credential.drop", lambda work: _drop(work, [agent]) > 0)

    def list(self) -> list[CachedCredential]:
        """All copies, by agent, with their ciphertexts."""
        return [CachedCredential(row) for row in credentials.everything(self.db)]


def drop_deleted(unit: Unit, reference: Reference, ids: Sequence[str]) -> int:
    """``on_delete`` of ``agent_credentials.agent_id``: the copies of deleted agents go.

    :returns: how many went.
    """
    work = Work(unit, unit.app, "credential.drop")
    gone = _drop(work, ids)
    work.finish()
    return gone


def _drop(work: Work, agents: Sequence[str]) -> int:
    work.outside_sessions()
    gone = 0
    for agent in agents:
        stored = credentials.get(work.unit, agent)
        if stored is not None:
            credentials.delete(work, agent)
            _note(work, agent, stored, None)
            gone += 1
    return gone


def _note(
    work: Work, agent: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> None:
    """The audit row, without key material: of that only the names of what changed."""
    entry = work.note("credential", agent, _shown(before), _shown(after), emit=False)
    hidden = [name for name in _SECRET if name in (after or before or {})]
    if hidden:
        entry.details["notShown"] = hidden


def _shown(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    return {name: value for name, value in values.items() if name not in _SECRET}


def _settled(row: Any) -> dict[str, Any]:
    """The row's fields, checked, with their defaults.

    :raises CleoError: 6; a single problem as itself, several together. No value is repeated.
    """
    if not isinstance(row, Mapping):
        raise ValidationError("A credential is given as a mapping of its fields.", fix=_FIX)
    unknown = sum(1 for name in row if name not in _CHECKS)
    problems: fields.Problems = []
    if unknown:
        # Their names are not repeated: a value in the place of a name would be.
        known = ", ".join(_CHECKS)
        problems.append(
            (None, ValidationError(f"{unknown} fields are unknown; known: {known}.", fix=_FIX))
        )
    values: dict[str, Any] = {}
    for name, (check, expected, default) in _CHECKS.items():
        value = row.get(name, default)
        if value is None and default is None:
            values[name] = None
            continue
        try:
            values[name] = check(value)
        except (CleoError, TypeError, ValueError, OverflowError, AttributeError):
            problems.append((name, ValidationError(f"{name} must be {expected}.", fix=_FIX)))
    if problems:
        raise several(problems)
    return values


def _text(value: Any) -> str:
    text = inputs.plain_text(value, "text")
    if not text.strip() or len(text) > _TEXT_LENGTH:
        raise ValueError
    return text


def _stamp(value: Any) -> str:
    text = clock.format_time(clock.parse_time(value))
    if len(text) != len("2026-03-25T14:30:15.000Z"):
        raise ValueError
    return text


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


#: Field -> (its check, what it must be, what it is where it is not given).
_MISSING = object()
_CHECKS: dict[str, tuple[Callable[[Any], Any], str, Any]] = {
    "agent_id": (_text, "the agent's id", _MISSING),
    "display_name": (_text, "a name", _MISSING),
    "api_key_encrypted": (_text, "a ciphertext", _MISSING),
    "api_base_url": (_text, "a URL or None", None),
    "classification": (_text, "a word or None", None),
    "privacy_tier": (
        inputs.word_of(PRIVACY_TIER, "privacy_tier"),
        f"one of {', '.join(PRIVACY_TIER)}",
        "discoverable",
    ),
    "capabilities": (lambda value: inputs.texts(value, "capabilities"), "a list of texts", ()),
    "skills": (lambda value: inputs.texts(value, "skills"), "a list of texts", ()),
    "transport_config": (fields.metadata, "a JSON object", {}),
    "is_active": (_flag, "true or false", True),
    "last_used_at": (_stamp, "a time or None", None),
    "source_updated_at": (_stamp, "the updated_at of the identity, a time", _MISSING),
}
