"""``verify``: say that an entry holds, or that nobody vouches for it any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cleo_brain.errors import BrainError, entry_not_found
from cleo_brain.ids import parse_id
from cleo_brain.records import Line
from cleo_brain.service import fields, reading, rewriting
from cleo_brain.service.private import Stripper
from cleo_brain.service.work import Verbs, Work
from cleo_brain.store import entries, verifying
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import UsageError
from cleo_core.output import Page

#: Reasons of a withdrawal that a verification takes back.
REVIVABLE = ("evicted", "decayed")


@record
class Verified(Declared):
    """The entries whose verification changed, and those that it brought back."""

    verified: list[str]
    revived: list[str]


class VerifyVerbs(Verbs):
    """``verify``, ``verify_list``."""

    def verify(self, *ids: str, by: str | None = None, undo: bool = False) -> Verified:
        """Verify entries, or take that back; an evicted or decayed one comes back to life.

        :param by: who vouches; the acting agent by default, else ``owner``.
        :raises NotFoundError: one of them does not exist; nothing is changed then.
        :raises BrainError: ``E_NO_CHANGE`` (102), all are so already.
        """
        if not ids:
            raise UsageError("Name the entries.", fix="cleo memory verify --list")
        wanted = list(dict.fromkeys(parse_id(id_) for id_ in ids))
        named = fields.optional(Stripper()(by), "by", fields.TITLE_LENGTH)
        back = fields.flag(undo, "undo")

        def body(work: Work) -> Verified:
            rows = entries.by_ids(work, wanted)
            missing = [id_ for id_ in wanted if id_ not in rows]
            if missing:
                raise entry_not_found(*missing)
            changed, revived = [], []
            for id_ in wanted:
                row = rows[id_]
                if _revived(work, row, undo=back):
                    revived.append(id_)
                if bool(row["verified"]) == (not back) and id_ not in revived:
                    continue
                _mark(work, row, None if back else named or work.caller.agent or "owner")
                changed.append(id_)
            if not changed:
                word = "unverified" if back else "verified"
                raise BrainError(
                    "E_NO_CHANGE",
                    f"{', '.join(wanted[:5])}: {word} already.",
                    fix=f"cleo memory fetch {wanted[0]}",
                )
            return Verified(changed, revived)

        return self.write("memory.verify", body)

    def verify_list(
        self, *, min_uses: int = 5, limit: int | None = None, offset: int = 0
    ) -> tuple[list[Line], Page]:
        """Live entries that nobody has verified and that were used often, most used first.

        :raises UsageError: a number out of range.
        """
        limit, offset = self.page(limit, offset)
        least = fields.count(min_uses, "min-uses")
        with self.db.snapshot() as db:
            ids, total = verifying.waiting(db, min_uses=least, limit=limit, offset=offset)
            return reading.lines(db, ids), Page(limit, offset, total)


def _mark(work: Work, row: Mapping[str, Any], by: str | None) -> None:
    at = None if by is None else work.now
    values = {"verified": by is not None, "verified_by": by, "verified_at": at}
    entries.update(work, row["id"], values)
    work.note(row["kind"], row["id"], verified=by is not None)
    work.unit.updated(row["kind"], row["id"], {"verified": bool(row["verified"])}, values)


def _revived(work: Work, row: Mapping[str, Any], *, undo: bool) -> bool:
    """Bring an entry back that nobody wanted to withdraw; False where there is nothing to do."""
    if undo or row["invalid_reason"] not in REVIVABLE:
        return False
    twin = entries.live_twin(work, row["kind"], row["content_hash"])
    if twin is not None:
        raise BrainError(
            "E_ALREADY_DONE",
            f"{row['id']} was told again since; {twin['id']} says the same.",
            fix=f"cleo memory verify {twin['id']}",
        )
    entries.update(work, row["id"], {"invalid_at": None, "invalid_reason": None})
    rewriting.stand(work, row, None)
    work.note(row["kind"], row["id"], revived=True)
    before = {"invalid_at": row["invalid_at"], "invalid_reason": row["invalid_reason"]}
    work.unit.updated(row["kind"], row["id"], before, dict.fromkeys(before))
    return True
