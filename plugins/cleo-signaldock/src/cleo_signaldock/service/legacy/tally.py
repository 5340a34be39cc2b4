"""What becomes of each row of the older file, counted, with the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Keys that a reason names; ``count`` is their true number.
_NAMED = 20
FATES = ("copied", "merged", "present", "dropped")


class Tally:
    """Fates of rows.

    :ivar problems: what makes the file impossible to take over as it is.
    :ivar reauth: agents whose key could not be read, and must be given anew.
    :ivar renamed: id in the file -> id of the agent.
    """

    def __init__(self) -> None:
        self.fates: dict[str, dict[str, str]] = {}
        self.problems: list[dict[str, str]] = []
        self.reauth: list[str] = []
        self.renamed: dict[str, str] = {}
        self._dropped: dict[tuple[str, str], list[str]] = {}

    def fate(self, table: str, key: object, word: str) -> None:
        """Say what becomes of a row: copied, merged or present."""
        self.fates.setdefault(table, {})[str(key)] = word

    def drop(self, table: str, key: object, reason: str) -> None:
        """Say that a row is not taken over, and why."""
        self.fate(table, key, "dropped")
        self.leave_out(table, key, reason)

    def leave_out(self, table: str, key: object, reason: str) -> None:
        """Say that a part of a row is not taken over, and why."""
        self._dropped.setdefault((table, reason), []).append(str(key))

    def problem(self, table: str, key: object, message: str, fix: str) -> None:
        """Say what stops the whole."""
        found = {"table": table, "key": str(key), "message": message, "fix": fix}
        if found not in self.problems:
            self.problems.append(found)

    def and_of(self, other: Tally) -> Tally:
        """Everything of both, which speak of different tables."""
        made = Tally.of(self.told())
        made.fates |= {table: dict(fates) for table, fates in other.fates.items()}
        made._dropped |= other._dropped
        return made

    def counts(self) -> dict[str, dict[str, int]]:
        """Table -> source, copied, merged, present, dropped."""
        found = {}
        for table, fates in sorted(self.fates.items()):
            words = list(fates.values())
            found[table] = {
                "source": len(words),
                **{word: words.count(word) for word in FATES},
            }
        return found

    def dropped(self) -> list[dict[str, Any]]:
        """``table``, ``reason``, ``count`` and the first keys of what is not taken over."""
        return [
            {"table": table, "reason": reason, "count": len(keys), "keys": keys[:_NAMED]}
            for (table, reason), keys in sorted(self._dropped.items())
        ]

    def told(self) -> dict[str, Any]:
        """Everything as JSON-ready values."""
        return {
            "fates": self.fates,
            "reauth": self.reauth,
            "renamed": self.renamed,
            "dropped": [[*names, keys] for names, keys in self._dropped.items()],
        }

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Tally:
        """What was told."""
        made = cls()
        made.fates = {table: dict(fates) for table, fates in told["fates"].items()}
        made.reauth = list(told["reauth"])
        made.renamed = dict(told["renamed"])
        made._dropped = {(table, reason): keys for table, reason, keys in told["dropped"]}
        return made
