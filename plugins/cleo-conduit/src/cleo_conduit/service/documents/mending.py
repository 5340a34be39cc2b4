"""What is computed of documents, made anew where it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_conduit.store import versions

if TYPE_CHECKING:
    from cleo_conduit.service.work import Work


def mend_contributors(work: Work) -> list[str]:
    """Make the contributors anew of every document whose versions add up to other sums.

    :returns: the documents.
    """
    wrong = versions.miscounted(work)
    for slug in wrong:
        versions.recount(work, slug)
        work.note("document", slug, contributors=True)
    return wrong
