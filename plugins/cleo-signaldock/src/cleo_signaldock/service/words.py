"""What agents can be said to be able to do."""

from __future__ import annotations

from cleo_core.errors import UsageError, echoed
from cleo_signaldock.records import Word
from cleo_signaldock.service.work import Verbs
from cleo_signaldock.store import vocabulary


class WordVerbs(Verbs):
    """``capabilities`` and ``skills``."""

    def capabilities(self, category: str | None = None) -> list[Word]:
        """The capabilities that the registry knows, by category and slug."""
        return self._known("capability", category)

    def skills(self, category: str | None = None) -> list[Word]:
        """The skills that the registry knows, by category and slug."""
        return self._known("skill", category)

    def _known(self, kind: str, category: str | None) -> list[Word]:
        rows = vocabulary.known(self.db, kind)
        categories = sorted({row["category"] for row in rows})
        if category is not None and category not in categories:
            raise UsageError(
                f"There is no category {echoed(category)}; there are {', '.join(categories)}.",
                fix=f"--category {categories[0]}" if categories else None,
            )
        return [
            Word(row["slug"], row["name"], row["category"], row["description"])
            for row in rows
            if category in (None, row["category"])
        ]
