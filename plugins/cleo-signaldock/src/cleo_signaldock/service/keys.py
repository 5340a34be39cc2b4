"""The keys of agents and of the machine: their state, giving them, renewing them, losing them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import CleoError, ValidationError
from cleo_signaldock.errors import SignaldockError, agent_not_found
from cleo_signaldock.ids import parse_agent_id
from cleo_signaldock.service import cache, fields, holding
from cleo_signaldock.service.credentials import CredentialVerbs
from cleo_signaldock.service.work import Verbs, Work
from cleo_signaldock.store import agents, meta, secrets

#: Characters of a key that are shown where it is not revealed.
_HEAD, _TAIL = 12, 4


@record
class KeyStatus(Declared):
    """The machine's key files and what they encrypt.

    ``check``: ``unset`` before the first key, ``ok``, or why the files cannot be used: ``lost``,
    ``mismatch``, ``unsafe``. ``generations``: earlier files that are kept for older backups.
    """

    generation: int
    fingerprints: dict[str, str | None]
    check: str
    ciphertexts: int
    requires_reauth: list[dict[str, str]]
    generations: list[int]


@record
class KeySet(Declared):
    """An agent that has a key now."""

    agent_id: str
    changed: bool


class ShownKey:
    """A key as it is shown: its ends, or, where that was asked for, all of it.

    No dataclass on purpose: only the command that was asked for the key prints it.
    """

    __slots__ = ("agent_id", "key")

    def __init__(self, agent_id: str, key: str) -> None:
        self.agent_id = agent_id
        self.key = key

    def __repr__(self) -> str:
        return f"<ShownKey of {self.agent_id!r}>"


@record
class Rotated(Declared):
    """New key files: their generation, how many ciphertexts were made anew, who was passed over."""

    generation: int
    ciphertexts: int
    skipped: list[str]


class KeyVerbs(Verbs):
    """``keys_status``, ``keys_set``, ``keys_show``, ``keys_rotate_machine``, ``keys_reset`` …"""

    def keys_status(self) -> KeyStatus:
        """The state of the machine's key files; nothing is flagged, made or mended by asking."""
        check = meta.value(self.db, "key_check")
        held = holding.files(self.app)
        fingerprints: dict[str, str | None] = {
            "machineKey": meta.value(self.db, "machine_fingerprint"),
            "globalSalt": meta.value(self.db, "salt_fingerprint"),
        }
        try:
            found = held.fitting(check)
            state = "unset" if check is None else "ok"
            fingerprints = dict(zip(fingerprints, found.fingerprints, strict=True))
        except SignaldockError as error:
            state = _STATES[error.code]
            if state == "lost" and check is None:
                state = "unset"
        return KeyStatus(
            self._generation(),
            fingerprints,
            state,
            secrets.count(self.db),
            [
                {"agentId": row["agent_id"], "reason": row["reauth_reason"]}
                for row in secrets.flagged(self.db)
            ],
            held.generations(),
        )

    def keys_set(self, agent_id: str, api_key: str) -> KeySet:
        """Give an agent its key, which ends every flag of it.

        :param api_key: in clear.
        :raises CleoError: 4; 6 it is no key; 92.
        """
        id_ = parse_agent_id(agent_id)
        text = fields.api_key(api_key)
        if agents.get(self.db, id_) is None:
            raise agent_not_found(id_)

        def body(work: Work, keys: holding.Keys) -> bool:
            holding.begin(work)
            agents.held(work, id_)
            row = secrets.of_agent(work, id_)
            if row is None:
                raise agent_not_found(id_)
            if not row["requires_reauth"] and holding.is_same(work, keys, id_, text):
                return False
            holding.put(work, keys, id_, text)
            work.note("agent", id_)
            work.unit.updated(
                "agent", id_, {"has_key": bool(row["api_key_encrypted"])}, {"has_key": True}
            )
            return True

        changed = holding.with_keys(
            self.app, lambda keys: self.write("agent.keys_set", lambda work: body(work, keys))
        )
        cache.refresh(self.app, id_)
        return KeySet(id_, changed)

    def keys_show(self, agent_id: str, *, reveal: bool = False) -> ShownKey:
        """An agent's key: its first twelve and last four characters, or all of it.

        :raises CleoError: 4 there is no such agent, or it has no key; 91; 92.
        """
        found = CredentialVerbs(self.app).read(agent_id)
        if found.key is None:
            raise SignaldockError(
                "E_NO_KEY",
                f"The agent {found.agent_id} has no key.",
                fix=f"cleo agent keys set {found.agent_id}",
            )
        if reveal:
            self.write("agent.keys_show", lambda work: work.note("agent", found.agent_id))
            return ShownKey(found.agent_id, found.key)
        return ShownKey(found.agent_id, ends(found.key))

    def keys_rotate_machine(
        self, *, salt_only: bool = False, skip_unreadable: bool = False
    ) -> Rotated:
        """New key files, and everything encrypted anew with them; no agent's key changes.

        :param salt_only: keep the machine's key.
        :param skip_unreadable: flag what cannot be decrypted instead of giving up.
        :raises SignaldockError: 91 something cannot be decrypted; 92 the present files do not fit.
        """
        present = holding.keys(self.app)
        held = holding.files(self.app)
        if self.app.dry_run:
            following = held.rehearsed(keep_machine_key=salt_only)
            return self._rotate(present, following, skip_unreadable)
        with held.locked():
            check = meta.value(self.db, "key_check")
            held.settle(check, self._generation() - 1)
            present = held.fitting(check)
            following = held.write_next(salt_only=salt_only)
            try:
                done = self._rotate(present, following, skip_unreadable)
            except BaseException:
                if meta.value(self.db, "key_check") != following.check:
                    held.drop_next()
                raise
            held.publish_next(done.generation - 1)
        cache.refresh_all(self.app)
        return done

    def keys_reset(self, *, accept_loss: bool = False) -> Rotated:
        """New key files where the right ones are lost for good: every stored key goes with them.

        :param accept_loss: say that you know that.
        :raises CleoError: 6 without it, or where the files fit and nothing is lost; 92 where they
            can be brought back.
        """
        status = self.keys_status()
        if status.check in ("ok", "unset"):
            raise ValidationError(
                "The key files fit; nothing is lost.", fix="cleo agent keys rotate-machine"
            )
        check = meta.value(self.db, "key_check")
        try:
            holding.files(self.app).fitting(check)
        except SignaldockError as error:
            if error.code == "E_SECRET_UNSAFE" or error.details.get("generations"):
                # Nothing is lost, and the error says what brings the files back.
                raise
        if not accept_loss:
            raise ValidationError(
                f"{status.ciphertexts} keys that nothing can read any more would be deleted.",
                fix="cleo agent keys reset --accept-loss",
            )
        held = holding.files(self.app)

        def body(work: Work) -> Rotated:
            generation = int(meta.value(work, "key_generation") or 0) + 1
            secrets.flag_all(work, "key_lost")
            lost = secrets.count(work)
            secrets.forget_all(work, work.now)
            for key in ("key_check", "machine_fingerprint", "salt_fingerprint"):
                meta.drop(work, key)
            meta.put(work, "key_generation", str(generation))
            work.note("machine", "keys", ciphertexts=lost, generation=generation)
            return Rotated(generation, lost, [])

        if self.app.dry_run:
            return self.write("agent.keys_reset", body)
        with held.locked():
            held.write_next(salt_only=False)
            done = self.write("agent.keys_reset", body)
            held.publish_next(done.generation - 1)
        cache.refresh_all(self.app)
        return done

    def keys_prune(self) -> list[int]:
        """Remove earlier key files; backups of the time before their rotation need them.

        :returns: the generations that are gone.
        :raises SignaldockError: 92, the present files do not fit, and an earlier one may.
        """
        held = holding.files(self.app)
        # A dry run removes nothing, and leaves no trace of a lock either.
        with nullcontext() if self.app.dry_run else held.locked():
            check = meta.value(self.db, "key_check")
            if check is not None:
                # Files of which no database is left are removed; those that one needs are not.
                held.fitting(check)
            gone = held.generations() if self.app.dry_run else held.prune()
        if gone and not self.app.dry_run:
            self.write(
                "agent.keys_prune", lambda work: work.note("machine", "keys", generations=gone)
            )
        return gone

    def _paths(self) -> list[str]:
        return holding.project_paths(self.app)

    def _generation(self) -> int:
        return int(meta.value(self.db, "key_generation") or 0)

    def _rotate(self, present: holding.Keys, following: holding.Keys, skip: bool) -> Rotated:
        def body(work: Work) -> Rotated:
            # Who stores a key meanwhile waits, and then finds that the files were renewed.
            holding.begin(work)
            if meta.value(work, "key_check") not in (None, present.check):
                raise holding.mismatch()
            generation = int(meta.value(work, "key_generation") or 0) + 1
            count, skipped = _encrypt_anew(work, present, following, skip, self._paths())
            holding.renew(work, following)
            meta.put(work, "key_generation", str(generation))
            secrets.touch(work, work.now)
            work.note("machine", "keys", ciphertexts=count, generation=generation, skipped=skipped)
            return Rotated(generation, count, skipped)

        return self.write("agent.keys_rotate_machine", body)


#: Code -> the word of ``KeyStatus.check``.
_STATES = {
    "E_SALT_LOST": "lost",
    "E_MACHINE_KEY_LOST": "lost",
    "E_SECRET_MISMATCH": "mismatch",
    "E_SECRET_UNSAFE": "unsafe",
}


def ends(key: str) -> str:
    """The first twelve and the last four characters of a key that is long enough for both."""
    if len(key) < 2 * (_HEAD + _TAIL):
        return f"{key[:2]}…"
    return f"{key[:_HEAD]}…{key[-_TAIL:]}"


def _encrypt_anew(
    work: Work,
    present: holding.Keys,
    following: holding.Keys,
    skip: bool,
    project_paths: Sequence[str],
) -> tuple[int, list[str]]:
    from cleo_signaldock.secrets import blobs

    count = 0
    skipped: list[str] = []
    for table, key, column, owner in secrets.CIPHERTEXTS:
        name = f"{table}.{column}"
        for row in secrets.ciphertexts(work, table, key, column, owner):
            try:
                text = blobs.decrypt(
                    row["blob"],
                    present,
                    column=name,
                    id=row["id"],
                    owner=row["owner"],
                    project_paths=project_paths,
                ).text
            except CleoError as error:
                if not skip:
                    raise _unreadable(row, name, error) from None
                skipped.append(row["id"])
                if table == "agents":
                    secrets.flag(work, row["id"], "decrypt_failed")
                continue
            blob = blobs.encrypt(following.derive(row["owner"]), text, column=name, id=row["id"])
            secrets.replace(work, table, key, column, row["id"], blob)
            count += 1
    return count, sorted(set(skipped))


def _unreadable(row: agents.Row, name: str, error: CleoError) -> SignaldockError:
    return SignaldockError(
        "E_REAUTH_REQUIRED",
        f"{name} of {row['id']} cannot be decrypted, and nothing was changed.",
        fix="cleo agent keys rotate-machine --skip-unreadable",
        details={"id": row["id"], "column": name},
    )
