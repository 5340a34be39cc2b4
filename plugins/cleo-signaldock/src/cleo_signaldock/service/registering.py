"""Registering an agent and changing it: identity first, then project ref, then cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cleo_core.errors import CleoError, ValidationError
from cleo_core.ids import ordered_id
from cleo_signaldock.errors import SignaldockError, agent_not_found
from cleo_signaldock.ids import new_agent_id, parse_agent_id
from cleo_signaldock.records import Agent, Registered, Step, Updated
from cleo_signaldock.service import cache, fields, given, holding, reading, refs
from cleo_signaldock.service.given import Given
from cleo_signaldock.service.work import Verbs, Work
from cleo_signaldock.store import agents, vocabulary

#: What a new agent is where nothing else is said.
_DEFAULTS: Mapping[str, Any] = {
    "description": "",
    "class": "custom",
    "classification": None,
    "privacy_tier": "discoverable",
    "transport_type": "local",
    "transport_config": "{}",
    "api_base_url": None,
    "reports_to": None,
    "orch_level": 2,
    "can_spawn": 0,
}
#: Columns that other machines may share; only a change of one of them raises the version.
SHARED = frozenset(
    (
        *("name", "description", "class", "classification", "privacy_tier", "avatar"),
        *("can_spawn", "orch_level", "reports_to"),
    )
)


class RegisterVerbs(Verbs):
    """``register`` and ``update``."""

    def register(
        self,
        agent_id: str,
        *,
        name: str | None = None,
        class_: str | None = None,
        classification: str | None = None,
        description: str | None = None,
        privacy: str | None = None,
        capabilities: Sequence[str] | None = None,
        skills: Sequence[str] | None = None,
        transport: str | None = None,
        transport_config: Mapping[str, Any] | None = None,
        url: str | None = None,
        reports_to: str | None = None,
        orch_level: int | None = None,
        can_spawn: bool | None = None,
        api_key: str | None = None,
        role: str | None = None,
        attach: bool = True,
        remote: bool = False,
        update: bool = False,
        strict: bool = False,
        idempotency_key: str | None = None,
    ) -> Registered:
        """Make an agent known on this machine and, inside a project, visible there.

        :param api_key: its key in clear, stored encrypted and never given back by a record.
        :param remote: make its key here and register it at its server, by default the configured.
        :param update: change the given fields of an agent that exists.
        :param strict: refuse unknown capabilities and skills.
        :returns: the agent and what became of each store's part.
        :raises CleoError: ``E_AGENT_EXISTS`` (90); 2 the id cannot be one; 6 a value; 92 the
            machine's key is lost; what the project's store raises, once the identity is written.
        """
        id_ = new_agent_id(agent_id)
        arguments = {
            "name": name,
            "class_": class_,
            "description": description,
            "classification": classification,
            "privacy": privacy,
            "transport": transport,
            "transport_config": transport_config,
            "url": url,
            "reports_to": reports_to,
            "orch_level": orch_level,
            "can_spawn": can_spawn,
            "capabilities": capabilities,
            "skills": skills,
            "api_key": api_key,
        }
        if remote and api_key is not None:
            raise ValidationError("With remote the key is made here.", fix="--remote")
        found = self._given(arguments, strict)
        wanted_role = None if role is None else fields.role(role)
        attaches = attach and refs.are_kept(self.app)
        project = self.app.project.id if attaches else None

        def settle(found: Given, row: agents.Row | None) -> Given:
            return given.settled(found, row, default_url=self._default_url, remote=remote)

        def body(work: Work, keys: holding.Keys | None) -> tuple[bool, Agent]:
            if keys is not None:
                holding.begin(work)
            changed = work.unit.idempotent(
                "agent register",
                idempotency_key,
                {
                    **_body(found),
                    "id": id_,
                    "role": wanted_role,
                    "attach": attach,
                    "update": update,
                    "remote": remote,
                    "strict": strict,
                    "project": project,
                },
                lambda: _register(work, id_, found, keys, update, project, settle),
                encode=bool,
                decode=bool,
                actor=work.unit.actor,
            )
            row = agents.held(work, id_)
            if row is None:
                raise agent_not_found(id_)
            return changed, reading.records(work, [row], refs.seen(self.app))[0]

        changed, agent = (
            self.write("agent.register", lambda work: body(work, None))
            if found.key is None
            else holding.with_keys(
                self.app,
                lambda keys: self.write("agent.register", lambda work: body(work, keys)),
            )
        )
        steps = [Step("signaldock", "written" if changed else "unchanged")]
        if remote:
            steps.append(self._register_remotely(agent, steps))
            agent = agent if self.app.dry_run else self._read(id_)
        if attaches and self._was_attached(id_):
            steps.append(Step("conduit", "unchanged"))
        else:
            steps.append(self._attach(id_, wanted_role, steps) if attaches else _skipped("conduit"))
        steps.append(cache.refresh(self.app, id_))
        if attaches and not self.app.dry_run:
            agent = self._read(id_)
        return Registered(agent, changed, steps, found.warnings)

    def update(
        self,
        agent_id: str,
        *,
        if_version: int | None = None,
        strict: bool = False,
        **values: Any,
    ) -> Updated:
        """Change fields of an agent; those not given stay.

        :param values: the fields of :meth:`register`, without the key.
        :raises CleoError: 4, 6; 21 the agent is at another version.
        """
        id_ = parse_agent_id(agent_id)
        if values.get("api_key") is not None:
            raise ValidationError(
                "A key is given by another verb.", fix=f"cleo agent keys set {id_}"
            )
        found = self._given(values, strict)

        def body(work: Work) -> tuple[bool, Agent]:
            row = agents.held(work, id_)
            if row is None:
                raise agent_not_found(id_)
            if if_version is not None and row["version"] != if_version:
                raise CleoError(
                    "E_CONCURRENT_MODIFICATION",
                    f"The agent {id_} is at version {row['version']}, not {if_version}.",
                    fix=f"cleo agent get {id_} --global",
                )
            settled = given.settled(found, row, default_url=self._default_url)
            changed = _change(work, row, settled, None)
            row = agents.held(work, id_) or row
            return changed, reading.records(work, [row], refs.seen(self.app))[0]

        changed, agent = self.write("agent.update", body)
        cache.refresh(self.app, id_)
        for warning in found.warnings:
            self.app.warn("W_UNKNOWN_WORD", warning)
        return Updated(agent, changed)

    def _given(self, arguments: Mapping[str, Any], strict: bool) -> Given:
        return given.checked(arguments, strict=strict)

    @property
    def _default_url(self) -> str:
        return str(self.app.config.get("signaldock.url"))

    def _register_remotely(self, agent: Agent, steps: list[Step]) -> Step:
        from cleo_signaldock.service.rotating import RotateVerbs

        if agent.has_key:
            return Step("server", "unchanged")
        if not self.app.dry_run:
            try:
                RotateVerbs(self.app).register_remotely(agent.agent_id, _document(agent))
            except CleoError as error:
                failed = Step("server", "failed", {"code": error.code, "message": error.message})
                error.details["steps"] = [
                    {"store": step.store, "state": step.state} for step in (*steps, failed)
                ]
                raise
        return Step("server", "written")

    def _was_attached(self, agent_id: str) -> bool:
        """Whether an idempotency key was used again, and what became of the ref since is kept."""
        return self.app.replayed and self.app.service("conduit").ref(agent_id) is not None

    def _attach(self, agent_id: str, role: str | None, steps: list[Step]) -> Step:
        if self.app.dry_run:
            # The identity is rolled back by now, and the project's store would ask for it.
            known = refs.of_project(self.app)
            same = agent_id in known and role in (None, known[agent_id]["role"])
            return Step("conduit", "unchanged" if same else "written")
        try:
            done = self.app.service("conduit").attach(
                agent_id, **({} if role is None else {"role": role})
            )
        except CleoError as error:
            failed = Step("conduit", "failed", {"code": error.code, "message": error.message})
            error.fix = f"cleo agent attach {agent_id}"
            error.details["steps"] = [
                {"store": step.store, "state": step.state} for step in (*steps, failed)
            ]
            raise
        return Step("conduit", "written" if done.changed else "unchanged")

    def _read(self, agent_id: str) -> Agent:
        row = agents.get(self.db, agent_id)
        if row is None:
            raise agent_not_found(agent_id)
        return reading.records(self.db, [row], refs.of_project(self.app))[0]


def _document(agent: Agent) -> dict[str, object]:
    """What a server is told of an agent: the fields that machines share."""
    return {
        "agentId": agent.agent_id,
        "name": agent.name,
        "description": agent.description,
        "class": agent.class_,
        "classification": agent.classification,
        "privacyTier": agent.privacy_tier,
        "capabilities": agent.capabilities,
        "skills": agent.skills,
        "canSpawn": agent.can_spawn,
        "orchLevel": agent.orch_level,
        "reportsTo": agent.reports_to,
    }


def _skipped(store: str) -> Step:
    return Step(store, "skipped")


def _body(found: Given) -> dict[str, Any]:
    """What an idempotency key is compared by; of an API key only its digest."""
    key = None if found.key is None else holding.digest(found.key)
    return {"columns": found.columns, "words": found.words, "key": key}


def _register(
    work: Work,
    agent_id: str,
    found: Given,
    keys: holding.Keys | None,
    update: bool,
    project: str | None,
    settle: Callable[[Given, agents.Row | None], Given],
) -> bool:
    # The project is what a registration that was cut short is found and mended by.
    intended: dict[str, Any] = {} if project is None else {"project": project, "attach": True}
    row = agents.held(work, agent_id)
    if row is None and _insert(work, agent_id, settle(found, None), keys):
        work.note(
            "agent", agent_id, fields=sorted({*found.columns, *_plural(found.words)}), **intended
        )
        return True
    row = row or agents.held(work, agent_id)
    if row is None:
        other = agents.spelling(work, agent_id)
        raise SignaldockError(
            "E_AGENT_EXISTS",
            f"The agent {other} is spelt like {agent_id} but for the case of letters.",
            fix=f"cleo agent get {other} --global",
        )
    found = settle(found, row)
    differing = _differing(work, row, found, keys)
    if differing and not update:
        raise SignaldockError(
            "E_AGENT_EXISTS",
            f"The agent {agent_id} is there with other values: {', '.join(differing)}.",
            fix=(
                f"cleo agent keys set {agent_id} --api-key-stdin"
                if differing == ["api_key"]
                else f"cleo agent get {agent_id} --global"
            ),
            details={"fields": differing},
        )
    changed = _change(work, row, found, keys)
    if intended:
        work.note("agent", agent_id, **intended)
    return changed


def _insert(work: Work, agent_id: str, found: Given, keys: holding.Keys | None) -> bool:
    _check_superior(work, agent_id, found)
    values = {
        "name": agent_id[:100],
        **_DEFAULTS,
        **found.columns,
        "id": ordered_id(),
        "agent_id": agent_id,
        "installed_from": "user",
        "now": work.now,
    }
    if not agents.insert(work, values):
        return False
    for kind, slugs in found.words.items():
        vocabulary.replace(work, kind, agent_id, slugs, work.now)
    if found.key is not None and keys is not None:
        holding.put(work, keys, agent_id, found.key)
    made = agents.get(work, agent_id) or {}
    work.unit.created("agent", agent_id, {name: made[name] for name in agents.SHOWN})
    return True


def _differing(work: Work, row: agents.Row, found: Given, keys: holding.Keys | None) -> list[str]:
    agent_id = row["agent_id"]
    capabilities, skills = agents.words(work, [agent_id])[agent_id]
    own = {"capability": capabilities, "skill": skills}
    differing = [
        *(name for name, value in found.columns.items() if row[name] != value),
        *_plural({kind: slugs for kind, slugs in found.words.items() if own[kind] != slugs}),
    ]
    if (
        found.key is not None
        and keys is not None
        and not holding.is_same(work, keys, agent_id, found.key)
    ):
        differing.append("api_key")
    return differing


def _change(work: Work, row: agents.Row, found: Given, keys: holding.Keys | None) -> bool:
    differing = _differing(work, row, found, keys)
    if not differing:
        return False
    agent_id = row["agent_id"]
    _check_superior(work, agent_id, found)
    changes = {name: value for name, value in found.columns.items() if row[name] != value}
    words = {kind: slugs for kind, slugs in found.words.items() if _plural([kind])[0] in differing}
    for kind, slugs in words.items():
        vocabulary.replace(work, kind, agent_id, slugs, work.now)
    if "api_key" in differing and found.key is not None and keys is not None:
        holding.put(work, keys, agent_id, found.key)
    shared = words or changes.keys() & SHARED
    moved = {**changes, "version": row["version"] + bool(shared), "updated_at": work.now}
    agents.update(work, agent_id, moved)
    work.unit.updated("agent", agent_id, {name: row[name] for name in moved}, moved)
    work.note("agent", agent_id, fields=differing)
    return True


def _check_superior(work: Work, agent_id: str, found: Given) -> None:
    superior = found.columns.get("reports_to")
    above, passed = superior, {agent_id}
    while above is not None:
        row = agents.get(work, above)
        if row is None:
            raise agent_not_found(above)
        if above in passed:
            raise ValidationError(
                f"{agent_id} would report to itself, by {superior}.", fix=f"cleo agent get {above}"
            )
        passed.add(above)
        above = row["reports_to"]


def _plural(words: Iterable[str]) -> list[str]:
    return ["capabilities" if kind == "capability" else "skills" for kind in words]
