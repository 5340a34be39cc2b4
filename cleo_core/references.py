"""What holds between stores: who owns an id, guards before a commit, clean-up after one.

There is no foreign key across files. A reference is declared as data, existence is asked of the
owner, and "unknown" is never treated as "missing".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_core.api import Reference
from cleo_core.errors import CleoError

if TYPE_CHECKING:
    from cleo_core.api import Change
    from cleo_core.plugins import Plugins

#: Ids asked for in one call of the owner.
BLOCK = 500

#: The answer when nobody can say whether an id exists.
UNKNOWN = None

Warn = Callable[[str, str], None]


class Sifted(NamedTuple):
    """What the owner says of many ids.

    :ivar missing: do not exist.
    :ivar unknown: nobody can say.
    :ivar witnesses: prefix -> one id that exists, of each prefix that has one.
    """

    missing: set[str]
    unknown: set[str]
    witnesses: dict[str, str]


class Existence:
    """Answers "does this id exist?" and remembers the answers for one command.

    :param app: handed to the owner's hook.
    """

    def __init__(self, app: Any, plugins: Plugins) -> None:
        self._app = app
        self._plugins = plugins
        self._known: dict[str, dict[str, bool | None]] = {}

    def ask(self, kind: str, ids: Iterable[str]) -> dict[str, bool | None]:
        """Each id with True, False or None for unknown."""
        wanted = list(dict.fromkeys(ids))
        known = self._known.setdefault(kind, {})
        for group in _groups([id_ for id_ in wanted if id_ not in known]):
            for start in range(0, len(group), BLOCK):
                block = group[start : start + BLOCK]
                present = self._answer(kind, block)
                for id_ in block:
                    known[id_] = UNKNOWN if present is None else id_ in present
        return {id_: known[id_] for id_ in wanted}

    def sift(self, kind: str, ids: Collection[str]) -> Sifted:
        """Sort the ids of a whole column.

        Nothing is remembered: for so many that would cost more than it saves.
        """
        found = Sifted(set(), set(), {})
        for group in _groups(list(ids)):
            for start in range(0, len(group), BLOCK):
                block = group[start : start + BLOCK]
                present = self._answer(kind, block)
                if present is None:
                    found.unknown.update(block)
                    continue
                found.missing.update(frozenset(block) - present)
                if prefix_of(block[0]) not in found.witnesses:
                    there = next((id_ for id_ in block if id_ in present), None)
                    if there is not None:
                        found.witnesses[prefix_of(there)] = there
        return found

    def forget(self) -> None:
        """Drop what is remembered: something was written."""
        self._known.clear()

    def _answer(self, kind: str, ids: Sequence[str]) -> frozenset[str] | None:
        if not self._plugins.has("cleo_existing_ids"):
            return None
        try:
            answer = self._plugins.first(
                "cleo_existing_ids", app=self._app, kind=kind, ids=tuple(ids)
            )
            if answer is None:
                return None
            if isinstance(answer, (str, bytes)):
                raise TypeError(f"the owner answered {type(answer).__name__}, not a set of ids")
            return frozenset(answer)
        except Exception as error:
            # An owner that fails has not said that the ids are missing.
            words = _words(error)
            self._app.warn("W_OWNER_FAILED", f"Asking whether {kind} ids exist failed: {words}")
            return None


def prefix_of(id_: str) -> str:
    """What stands before the first ``:`` of an id; empty where there is none."""
    before, colon, _ = id_.partition(":")
    return before if colon else ""


def _groups(ids: Sequence[str]) -> list[list[str]]:
    """Ids with a ``:`` one group per prefix, so that an owner can pass on one project only."""
    if ":" not in "".join(ids):
        return [list(ids)]
    groups: dict[str, list[str]] = {}
    for id_ in ids:
        groups.setdefault(prefix_of(id_), []).append(id_)
    return list(groups.values())


class Checked:
    """The outcome of asking for the ids of one reference: what to store null, what to keep."""

    __slots__ = ("kept", "nulled", "unknown")

    def __init__(self, nulled: list[str], kept: list[str], unknown: list[str]) -> None:
        self.nulled = nulled
        self.kept = kept
        self.unknown = unknown


def check(
    reference: Reference,
    ids: Iterable[str],
    *,
    existence: Existence,
    owned: bool,
    strict: bool,
    warn: Warn,
) -> Checked:
    """Ask for the ids that a unit is about to store under a reference.

    :param owned: whether an installed plugin owns the target kind.
    :param strict: configuration ``references.strict``.
    :raises CleoError: ``E_REFERENCE``, ids are missing and the reference rejects;
        ``E_REFERENCE_UNKNOWN``, nobody could say and strictness is asked for.
    """
    answers = existence.ask(
        reference.target_kind, (id_ for id_ in ids if id_ and id_ not in reference.exempt)
    )
    missing = [id_ for id_, there in answers.items() if there is False]
    unknown = [id_ for id_, there in answers.items() if there is UNKNOWN]
    details = {"reference": reference.name, "kind": reference.target_kind}
    if unknown:
        if (strict or reference.strict) and reference.on_missing != "keep":
            raise CleoError(
                "E_REFERENCE_UNKNOWN",
                f"Whether {reference.target_kind} {_list(unknown)} exists could not be found out.",
                details={**details, "ids": unknown},
            )
        if owned or reference.on_missing != "keep":
            warn(
                "W_REF_UNCHECKED",
                f"Whether {reference.target_kind} {_list(unknown)} exists could not be found out; "
                f"stored as given in {reference.name}.",
            )
    if missing and reference.on_missing == "reject":
        raise CleoError(
            "E_REFERENCE",
            f"There is no {reference.target_kind} {_list(missing)} ({reference.name}).",
            details={**details, "ids": missing},
        )
    if missing:
        word = "left empty" if reference.on_missing == "null" else "stored as given"
        warn(
            "W_REF_MISSING",
            f"There is no {reference.target_kind} {_list(missing)}; {word} in {reference.name}.",
        )
    nulled = missing if reference.on_missing == "null" else []
    return Checked(nulled, [id_ for id_ in missing if id_ not in nulled], unknown)


def guard(plugins: Plugins, app: Any, changes: Sequence[Change]) -> None:
    """Ask every guard about every change of a unit, before its commit.

    :raises CleoError: ``E_GUARD`` with every veto; a guard that fails refuses.
    """
    from cleo_core.api import Veto

    vetoes: list[dict[str, Any]] = []
    for change in changes:
        for outcome in plugins.call("cleo_guard_change", app=app, change=change):
            veto = outcome.value
            failed = _words(outcome.error) if outcome.error is not None else ""
            if not failed and veto is not None and not isinstance(veto, Veto):
                failed = f"it answered {type(veto).__name__}, not Veto"
            if failed:
                vetoes.append(
                    {
                        "plugin": outcome.plugin,
                        "message": f"its guard failed: {failed}",
                        "fix": f"CLEO_DISABLE_PLUGINS={outcome.plugin} (and the same command)",
                    }
                )
            elif veto is not None:
                vetoes.append({"plugin": outcome.plugin, "message": veto.message, "fix": veto.fix})
    if vetoes:
        raise CleoError(
            "E_GUARD",
            "; ".join(f"{veto['plugin']}: {veto['message']}" for veto in vetoes),
            fix=vetoes[0]["fix"],
            details={"vetoes": vetoes},
        )


def after_commit(plugins: Plugins, app: Any, changes: Sequence[Change]) -> None:
    """Clean up references to what was deleted, then tell every plugin.

    Both may be lost with the process; reconcile finds by state what is then left.
    """
    for change in changes:
        if change.op == "delete":
            _apply_on_delete(plugins, app, change)
    if not plugins.has("cleo_change_committed"):
        return
    for change in changes:
        for outcome in plugins.call("cleo_change_committed", app=app, change=change):
            if outcome.error is not None:
                app.warn(
                    "W_HOOK_FAILED",
                    f"Plugin {outcome.plugin} failed after the change was stored: "
                    f"{_words(outcome.error)}",
                )


def _apply_on_delete(plugins: Plugins, app: Any, change: Change) -> None:
    by_store: dict[str, list[Reference]] = {}
    for reference in plugins.references.values():
        if reference.target_kind == change.kind and reference.on_delete != "keep":
            by_store.setdefault(reference.source.split(".", 1)[0], []).append(reference)
    for store, references in by_store.items():
        try:
            app.clean_references(store, references, change.ids)
        except Exception as error:
            # The change is stored: whatever goes wrong with what refers to it comes too late to
            # fail the command, and reconcile finds it by state.
            app.warn(
                "W_RECONCILE_LATER",
                f"References from store {store} to the deleted {change.kind} were left "
                f"as they are: {_words(error)}",
            )


def clean(unit: Any, references: Sequence[Reference], ids: Sequence[str]) -> int:
    """Carry out ``on_delete`` inside the owner's unit.

    :returns: rows changed.
    """
    import json

    from cleo_core.plugins import load_target

    changed = 0
    for reference in references:
        if reference.handler is not None:
            changed += int(load_target(reference.handler)(unit, reference, list(ids)) or 0)
            continue
        changed += _clean_columns(unit, reference, json.dumps(list(ids)))
    return changed


def _clean_columns(unit: Any, reference: Reference, ids: str) -> int:
    """``on_delete`` by column: the one, or the two that make up an id with a ``:`` between."""
    _, table, named = reference.source.split(".", 2)
    columns = [f'"{column}"' for column in named.split(":")]
    how, _, text = reference.id_from.partition(":")
    if how == "json":
        # A list inside a document is its owner's to change, by a handler.
        return 0
    held = " || ':' || ".join(columns)
    where = f"WHERE {held} IN (SELECT :prefix || value FROM json_each(:ids))"
    if reference.on_delete == "null":
        sql = f'UPDATE "{table}" SET {", ".join(f"{column} = NULL" for column in columns)} {where}'
    else:
        sql = f'DELETE FROM "{table}" {where}'
    return int(unit.execute(sql, ids=ids, prefix=text if how == "prefix" else ""))


def build_changes(
    collected: Mapping[tuple[str, str], Mapping[str, tuple[Any, Any]]],
    *,
    project: Any,
    store: str,
    actor: str,
    request_id: str,
) -> list[Change]:
    """One Change per kind and op of a unit, from id -> (before, after)."""
    from cleo_core.api import Change

    return [
        Change(
            project=project,
            store=store,
            kind=kind,
            op=op,  # type: ignore[arg-type]  # Unit only files the three words
            ids=tuple(rows),
            before={id_: before for id_, (before, _) in rows.items() if before is not None},
            after={id_: after for id_, (_, after) in rows.items() if after is not None},
            actor=actor,
            request_id=request_id,
        )
        for (kind, op), rows in collected.items()
    ]


def _list(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:5])
    return shown if len(ids) <= 5 else f"{shown} and {len(ids) - 5} more"


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
