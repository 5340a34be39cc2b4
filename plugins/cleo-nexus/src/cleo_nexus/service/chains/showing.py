"""Which chains there are."""

from __future__ import annotations

from collections.abc import Sequence

from cleo_core.inputs import as_filter, word_of
from cleo_core.output import Page
from cleo_nexus.enums import STAGE_CATEGORY
from cleo_nexus.records.chains import Chain
from cleo_nexus.service.chains import shelf
from cleo_nexus.service.work import Verbs


class ChainListVerbs(Verbs):
    """``chain_list`` and ``chain_show``."""

    def chain_list(
        self,
        *,
        templates: bool = False,
        category: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[Sequence[Chain], Page]:
        """The chains, by id: those that are stored, and those that come with the plugin.

        :param templates: only those that have variables.
        :param category: only those that have a stage of it.
        :returns: chains and the page that they are.
        :raises UsageError: no such category, or a number that is out of range.
        """
        chosen, start = self.page(limit, offset)
        if category is not None:
            category = as_filter(word_of(STAGE_CATEGORY, "category"), category)
        ids = shelf.every(self.db, templates=bool(templates), category=category)
        return shelf.shown(self.db, ids[start : start + chosen]), Page(chosen, start, len(ids))

    def chain_show(self, chain_id: str) -> Chain:
        """A chain by its id.

        :raises NotFoundError: 4, there is none.
        """
        one = shelf.look(self.db, chain_id)
        (found,) = shelf.shown(self.db, (one.id,))
        return found
