"""Making chains of chains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cleo_core.errors import UsageError
from cleo_core.inputs import as_filter, texts, word_of
from cleo_nexus.definitions import invalid, validate
from cleo_nexus.definitions.composing import MODES, compose
from cleo_nexus.definitions.parsing import MOST_STAGES
from cleo_nexus.records.chains import Chain
from cleo_nexus.service.chains import shelf
from cleo_nexus.service.chains.storing import put
from cleo_nexus.service.work import Verbs, Work, mutating


class ChainComposeVerbs(Verbs):
    """``chain_compose``."""

    @mutating("nexus.chain.compose")
    def chain_compose(
        self,
        mode: str,
        chains: Sequence[str],
        *,
        chain_id: str,
        idempotency_key: str | None = None,
    ) -> Chain:
        """Store a chain whose parts are other chains, as they are now.

        :param mode: sequence, one after the other, or parallel, side by side.
        :param chains: the ids of two or more chains; one may be there twice.
        :param chain_id: the id of the chain that is made.
        :raises UsageError: no such mode, or fewer than two chains.
        :raises NotFoundError: 4, there is no such chain.
        :raises ValidationError: 6, two of them declare a variable of one name differently.
        :raises NexusError: 22, there is a chain of this id; 78, what comes out is invalid.
        """
        mode = as_filter(word_of(MODES, "mode"), mode)
        ids = as_filter(lambda value: texts(value, "chains"), chains)
        if len(ids) < 2:
            raise UsageError(
                "A chain is composed of two chains or more.", fix="cleo chain compose --help"
            )
        if len(ids) > MOST_STAGES:
            raise UsageError(f"A chain is composed of at most {MOST_STAGES} chains.")
        return put(
            self,
            lambda work: _composed(work, mode, ids, chain_id),
            verb="chain.compose",
            arguments={"mode": mode, "chains": ids, "id": chain_id},
            key=idempotency_key,
        )


def _composed(work: Work, mode: str, ids: Sequence[str], chain_id: str) -> shelf.Shelved:
    parts = {id_: _part(work, id_) for id_ in dict.fromkeys(ids)}
    made = compose(mode, [parts[id_] for id_ in ids], chain_id)
    validation = validate(made)
    if not validation.valid:
        raise invalid(validation.errors, fix="cleo chain compose --help")
    return shelf.shelved(made)


def _part(work: Work, id_: str) -> dict[str, Any]:
    one = shelf.look(work, id_)
    validation = validate(one.definition)
    if not validation.valid:
        raise invalid(validation.errors, fix=f"cleo chain show {one.id}")
    return one.definition
