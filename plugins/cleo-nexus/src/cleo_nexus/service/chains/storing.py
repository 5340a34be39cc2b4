"""Validating chains, putting them on the shelf and taking them off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cleo_core.errors import CleoError, ValidationError
from cleo_core.output import to_json
from cleo_nexus.definitions import (
    NotJsonError,
    Problem,
    Validation,
    canonical,
    invalid,
    loads,
    validate,
)
from cleo_nexus.definitions.packaged import IDS
from cleo_nexus.enums import INSTANCE_FINAL, INSTANCE_OPEN
from cleo_nexus.errors import NexusError
from cleo_nexus.records.chains import Chain, DeletedChain
from cleo_nexus.service.chains import shelf
from cleo_nexus.service.work import Verbs, Work, mutating
from cleo_nexus.store import chains


class ChainStoreVerbs(Verbs):
    """``chain_validate``, ``chain_add`` and ``chain_delete``."""

    def chain_validate(self, definition: Any) -> Validation:
        """Everything that is wrong with a definition; nothing is stored.

        :param definition: of any JSON, or a text or bytes of JSON; what :meth:`chain_show` gives is
            taken for the definition that it shows.
        """
        return _judged(definition)[0]

    @mutating("nexus.chain.add")
    def chain_add(
        self, definition: Any, *, replace: bool = False, idempotency_key: str | None = None
    ) -> Chain:
        """Store a chain; instances that run keep the definition they began with.

        :param definition: the chain, or its JSON text, also as ``chain_show`` gives it.
        :param replace: take the place of the chain of this id, with a higher version.
        :raises ValidationError: 6, the version is not higher than that of the chain it replaces.
        :raises NexusError: 22, there is a chain of this id; 78, it is invalid, with all errors.
        :raises CleoError: 102, the chain is there just so.
        """
        validation, value = _judged(definition)
        if not validation.valid:
            raise invalid(validation.errors)
        one = shelf.shelved(value)
        return put(
            self,
            lambda work: one,
            verb="chain.add",
            arguments={"definition": one.sha256, "replace": bool(replace)},
            key=idempotency_key,
            replace=bool(replace),
        )

    @mutating("nexus.chain.delete")
    def chain_delete(self, chain_id: str, *, purge: bool = False) -> DeletedChain:
        """Remove a chain that nothing goes through.

        :param purge: remove its finished instances and their history with it.
        :raises NotFoundError: 4, there is none.
        :raises ValidationError: 6, it comes with the plugin and nothing of it is stored.
        :raises NexusError: 19, there are instances of it.
        """

        def body(work: Work) -> DeletedChain:
            one = shelf.look(work, chain_id)
            if not one.stored:
                raise ValidationError(
                    f"{one.id} comes with the plugin; there is nothing of it to delete.",
                    fix="cleo chain list",
                )
            counts = chains.instances(work, (one.id,)).get(one.id, {})
            _refuse_dependents(one.id, counts, purge=bool(purge))
            gone = chains.delete_final(work, one.id) if purge else 0
            chains.delete(work, one.id)
            work.note(chain=one.id, instances=gone)
            return DeletedChain(one.id, gone, one.id in IDS)

        return self.write(body)


def put(
    verbs: Verbs,
    make: Callable[[Work], shelf.Shelved],
    *,
    verb: str,
    arguments: dict[str, Any],
    key: str | None,
    replace: bool = False,
) -> Chain:
    """Store a valid chain in a unit of a verb.

    :param make: gives the chain; it is called in the unit.
    :param arguments: what the idempotency key stands for.
    :raises CleoError: as :meth:`ChainStoreVerbs.chain_add`.
    """

    def stored(work: Work) -> Chain:
        one = make(work)
        known = shelf.find(work, one.id)
        if known is not None:
            _refuse_replacing(one, known, replace=replace)
        row = one.row(work.actor, work.now)
        (chains.replace if known is not None and known.stored else chains.add)(work, row)
        work.note(chain=one.id, version=one.version, replaced=known.version if known else None)
        (found,) = shelf.shown(work, (one.id,))
        return found

    def body(work: Work) -> Chain:
        found: Chain = work.unit.idempotent(
            verb, key, arguments, lambda: stored(work), encode=to_json, decode=Chain.from_json
        )
        return found

    return verbs.write(body)


def _judged(definition: Any) -> tuple[Validation, Any]:
    """A definition's validation, and the definition itself."""
    if isinstance(definition, (str, bytes)):
        try:
            definition = loads(definition)
        except NotJsonError as error:
            fault = Problem("NOT_JSON", "$", f"It is no JSON: {error}.")
            return Validation(False, False, False, (fault,), ()), None
    definition = shelf.as_definition(definition)
    return validate(definition), definition


def _refuse_replacing(one: shelf.Shelved, known: shelf.Shelved, *, replace: bool) -> None:
    if not replace:
        raise NexusError(
            "E_ID_COLLISION",
            f"There is a chain {one.id} already, of version {known.version}.",
            fix=f"cleo chain show {one.id}",
            details={"chain": one.id, "version": known.version},
        )
    if canonical(one.definition) == canonical(known.definition):
        raise CleoError(
            "E_NO_CHANGE", f"The chain {one.id} is just so.", fix=f"cleo chain show {one.id}"
        )
    if _numbers(one.version) <= _numbers(known.version):
        raise ValidationError(
            f"Version {one.version} is not higher than {known.version}, which {one.id} has.",
            fix=f"cleo chain show {one.id} --field version",
            path="$.version",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _refuse_dependents(chain_id: str, counts: dict[str, int], *, purge: bool) -> None:
    opened = sum(counts.get(status, 0) for status in INSTANCE_OPEN)
    final = sum(counts.get(status, 0) for status in INSTANCE_FINAL)
    if opened:
        message = f"{opened} open instances go through {chain_id}."
        fix = "cleo chain instances"
    elif final and not purge:
        message = f"{final} finished instances of {chain_id} are kept."
        fix = f"cleo chain delete {chain_id} --purge"
    else:
        return
    raise NexusError(
        "E_HAS_DEPENDENTS", message, fix=fix, details={"chain": chain_id, "instances": counts}
    )
