"""The write unit that services work in: one transaction and everything that belongs to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from cleo_core import clock
from cleo_core.database import Row, Transaction
from cleo_core.errors import CleoError, UsageError
from cleo_core.references import Checked, check

if TYPE_CHECKING:
    from cleo_core.app import App

T = TypeVar("T")

#: Seconds after which an idempotency key may be used anew.
KEY_LIFETIME = 30 * 24 * 3600.0
_FIRST_RESULT = (
    "SELECT body_hash, result, expires_at FROM idempotency_keys "
    "WHERE actor = :actor AND verb = :verb AND key = :key"
)


class Unit:
    """One unit of work on one store. It may run more than once before it commits.

    :ivar now: the unit's time, the same for all its rows.
    :ivar actor: who is written into audits: the agent, else ``user``.
    :ivar replayed: an idempotency key answered with an earlier result.
    """

    def __init__(self, app: App, store: str, tx: Transaction) -> None:
        self.app = app
        self.store = store
        self.now = clock.now()
        self.agent = app.agent
        self.actor = self.agent or "user"
        self.request_id = app.request_id
        self.source = app.source
        self.replayed = False
        self.warnings: list[tuple[str, str]] = []
        self.collected: dict[tuple[str, str], dict[str, tuple[Any, Any]]] = {}
        self.read = tx.read
        self.one: Callable[..., Row | None] = tx.one
        self.scalar = tx.scalar
        self.execute = tx.execute
        self.executemany = tx.executemany
        self.connection = tx.connection

    def warn(self, code: str, message: str) -> None:
        """A warning for the result, kept only if this run of the unit is the one that commits."""
        if (code, message) not in self.warnings:
            self.warnings.append((code, message))

    def created(self, kind: str, id_: str, after: Mapping[str, Any]) -> None:
        """Say that a row of a kind was made, with all its columns."""
        self.collected.setdefault((kind, "create"), {})[id_] = (None, after)

    def updated(
        self, kind: str, id_: str, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> None:
        """Say that columns of a row changed; several changes of one row become one."""
        created = self.collected.get((kind, "create"), {})
        if id_ in created:
            created[id_] = (None, {**created[id_][1], **after})
            return
        rows = self.collected.setdefault((kind, "update"), {})
        earlier_before, earlier_after = rows.get(id_, ({}, {}))
        rows[id_] = ({**before, **earlier_before}, {**earlier_after, **after})

    def deleted(self, kind: str, id_: str, before: Mapping[str, Any]) -> None:
        """Say that a row is gone, with all its columns."""
        self.collected.setdefault((kind, "delete"), {})[id_] = (before, None)

    def check(self, name: str, ids: Iterable[str]) -> Checked:
        """Ask whether the ids that are about to be stored under a reference exist.

        :param name: the declared reference's name.
        :raises CleoError: ``E_REFERENCE`` or ``E_REFERENCE_UNKNOWN``.
        """
        plugins = self.app.plugins
        reference = plugins.references.get(name)
        if reference is None:
            known = ", ".join(sorted(plugins.references)) or "none"
            raise LookupError(f"there is no reference {name!r}; declared are: {known}")
        return check(
            reference,
            ids,
            existence=self.app.existence,
            owned=reference.target_kind in plugins.kinds,
            strict=bool(self.app.config.get("references.strict")),
            warn=self.warn,
        )

    def idempotent(
        self,
        verb: str,
        key: str | None,
        arguments: Mapping[str, Any],
        compute: Callable[[], T],
        *,
        encode: Callable[[T], Any],
        decode: Callable[[Any], T],
        actor: str = "",
    ) -> T:
        """Run ``compute`` once for a key; the same key and arguments give the first result again.

        :param arguments: the verb's arguments, JSON-ready, without the key.
        :param encode: result to JSON-ready value; ``decode`` the way back.
        :param actor: the acting agent where the verb speaks in its name, else empty.
        :raises CleoError: ``E_IDEMPOTENCY_MISMATCH``, the key was used with other arguments.
        """
        if key is None:
            return compute()
        import hashlib
        import json

        if not (isinstance(key, str) and 1 <= len(key) <= 200 and key.isprintable()):
            raise UsageError("An idempotency key has 1 to 200 printable characters.")
        body = json.dumps(arguments, sort_keys=True, separators=(",", ":"), default=str)
        body_hash = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
        named = {"actor": actor, "verb": verb, "key": key}
        row = self.one(_FIRST_RESULT, **named)
        if (row is None or row["expires_at"] <= self.now) and not self._claimed(named, body_hash):
            # Where units run side by side, another one with this key has been committed meanwhile.
            row = self.one(_FIRST_RESULT, **named)
        if row is not None and row["expires_at"] > self.now:
            if row["body_hash"] != body_hash:
                raise CleoError(
                    "E_IDEMPOTENCY_MISMATCH",
                    f"The idempotency key {key!r} was used for `{verb}` with other arguments.",
                    fix="the same command with a new --idempotency-key",
                )
            self.replayed = True
            return decode(json.loads(row["result"]))
        result = compute()
        encoded = json.dumps(encode(result), ensure_ascii=False)
        self.execute(
            "UPDATE idempotency_keys SET result = :result "
            "WHERE actor = :actor AND verb = :verb AND key = :key",
            result=encoded,
            **named,
        )
        return result

    def _claimed(self, named: Mapping[str, str], body_hash: str) -> bool:
        """Take a key before anything is done for it; False where another unit has it."""
        self.execute(
            "DELETE FROM idempotency_keys WHERE (actor, verb, key) IN (SELECT actor, verb, key "
            "FROM idempotency_keys WHERE expires_at <= :now ORDER BY expires_at LIMIT 100) "
            "OR (actor = :actor AND verb = :verb AND key = :key AND expires_at <= :now)",
            now=self.now,
            **named,
        )
        return (
            self.execute(
                "INSERT INTO idempotency_keys "
                "(actor, verb, key, body_hash, result, created_at, expires_at) "
                "VALUES (:actor, :verb, :key, :body_hash, 'null', :now, :expires_at) "
                "ON CONFLICT DO NOTHING",
                body_hash=body_hash,
                now=self.now,
                expires_at=clock.format_time(clock.seconds() + KEY_LIFETIME),
                **named,
            )
            == 1
        )
