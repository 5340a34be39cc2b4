"""Stale references found by state and mended: what no event has to have told anybody.

Every declared reference is read once, existence is asked of the owners in blocks, and an id that is
missing is treated like one that was deleted. What nobody can say is never taken for missing, and
neither is anything while the owner shows not a single id of the kind: a fresh store beside a full
one must not empty it. Another project's ids are answered from its store: one of them must be there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from cleo_core.api import Repair
from cleo_core.errors import CleoError, NotFoundError
from cleo_core.held import held_ids
from cleo_core.references import clean, prefix_of
from cleo_core.states import ABSENT, HEAD

if TYPE_CHECKING:
    from cleo_core.api import Reference
    from cleo_core.app import App
    from cleo_core.units import Unit

#: The kind of what stands before the ``:`` of an id; the service of its owner registers projects.
PROJECT = "project"
#: Rows mended in one unit, but for an id that more rows than that hold.
UNIT = 500


@dataclass(frozen=True)
class Scan:
    """One reference against what exists; all counts in rows.

    :ivar missing: id that does not exist -> rows that hold it.
    :ivar unknown: id of which nobody can say whether it exists -> rows that hold it.
    :ivar witnesses: prefix of ids -> one id that exists.
    :ivar barren: prefixes of ids of which not a single one is known to exist.
    :ivar refused: why nothing is mended, in one sentence; None where it may be.
    :ivar unread: the store that holds the reference could not be read.
    """

    reference: Reference
    scanned: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    witnesses: dict[str, str] = field(default_factory=dict)
    barren: frozenset[str] = frozenset()
    refused: str | None = None
    unread: bool = False

    @property
    def planned(self) -> dict[str, int]:
        """The missing ids whose rows ``--apply`` mends."""
        if self.refused is not None or not mendable(self.reference):
            return {}
        unclear = {prefix_of(id_) for id_ in self.unknown} | self.barren
        return {id_: n for id_, n in self.missing.items() if prefix_of(id_) not in unclear}

    def as_repair(self, repaired: int = 0) -> Repair:
        """The counts."""
        return Repair(
            self.reference.name,
            self.scanned,
            sum(self.missing.values()),
            sum(self.unknown.values()),
            sum(self.planned.values()),
            repaired,
            self.refused,
        )


@dataclass(frozen=True)
class Reconciled:
    """What reconcile found, and with ``apply`` mended.

    :ivar references: one per declared reference.
    :ivar plugins: plugin -> what its own ``cleo_reconcile`` says.
    :ivar snapshot: path of the set that was made before anything was mended.
    :ivar unread: stores that hold references and could not be read, so that nothing is known.
    """

    references: list[Repair]
    plugins: dict[str, list[Repair]]
    snapshot: str | None = None
    unread: tuple[str, ...] = ()

    def stale_references(self) -> int:
        """Rows that refer to what does not exist, and still do."""
        return _left(self.references)

    def stale_rows(self) -> int:
        """Rows that plugins found stale in their own stores, and still are."""
        return _left(one for repairs in self.plugins.values() for one in repairs)

    def as_json(self) -> dict[str, Any]:
        """The envelope's data."""
        return {
            "references": [_row(one) for one in self.references],
            "repairs": [
                {"plugin": plugin, **_row(one)}
                for plugin, repairs in self.plugins.items()
                for one in repairs
            ],
            "snapshot": self.snapshot,
            "unread": list(self.unread),
        }


def reconcile(app: App, *, apply: bool = False, names: Sequence[str] = ()) -> Reconciled:
    """Hold every declared reference against what exists, then let the plugins do the same.

    :param apply: mend; otherwise no byte changes.
    :param names: of the references to look at, by default all; the plugins are then left out,
        because what they find has no such name.
    :raises NotFoundError: a name is no reference's.
    :raises CleoError: ``E_BACKUP_FAILED`` or ``E_NO_SPACE``, no copy could be made first; nothing
        is mended then.
    """
    references = _named(app, names)
    with looking(app):
        scans = [scan(app, reference) for reference in references]
    with app.dry_running():
        plugins = {} if names else _ask_plugins(app, apply=False)
    unread = tuple(dict.fromkeys(store_of(one.reference) for one in scans if one.unread))
    if not apply:
        return Reconciled([one.as_repair() for one in scans], plugins, unread=unread)
    snapshot = _back_up(app, sorted(_concerned(app, scans, plugins)))
    mended = [_mend(app, one) for one in scans]
    stale = {name for name, repairs in plugins.items() if any(one.planned for one in repairs)}
    if stale:
        plugins.update(_ask_plugins(app, apply=True, only=stale))
    return Reconciled(mended, plugins, snapshot, unread)


@contextmanager
def looking(app: App, time_is_up: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """An App that opens stores untouched, migrates nothing and rolls every write back.

    :param time_is_up: asked while a statement runs; True interrupts it.
    """
    from cleo_core.database.examining import Examination

    app.close()
    examination = Examination(time_is_up)
    before, app.dry_run, app.stores.examining = app.dry_run, True, examination
    try:
        yield
    finally:
        app.close()
        app.dry_run, app.stores.examining = before, None
        examination.close()
        app.existence.forget()


def store_of(reference: Reference) -> str:
    """The name of the store that holds a reference."""
    return reference.source.partition(".")[0]


def mendable(reference: Reference) -> bool:
    """Whether a missing id of a reference is mended, not only reported."""
    several = reference.id_from.startswith("json:")
    return reference.on_delete != "keep" and not (several and reference.handler is None)


def scan(app: App, reference: Reference) -> Scan:
    """Read one reference whole and ask for the ids that it holds.

    :raises Exception: what the driver or a plugin raises beside what is expected of a file.
    """
    name = store_of(reference)
    spec = app.stores.spec(name)
    if spec.tier == "project" and app.project_or_none is None:
        return Scan(reference, refused="there is no project here")
    try:
        state = app.stores.state(spec)
        if state.state == ABSENT:
            return Scan(reference)
        if state.state != HEAD:
            return Scan(reference, refused=f"store {name} is {state.state}", unread=True)
        held = held_ids(app, reference)
    except CleoError as error:
        return Scan(reference, refused=error.message.rstrip("."), unread=True)
    missing, unknown, witnesses = app.existence.sift(reference.target_kind, dict.fromkeys(held))
    return _judged(
        app,
        Scan(reference, len(held), _rows(held, missing), _rows(held, unknown), witnesses),
    )


def _rows(held: Sequence[str], chosen: Collection[str]) -> dict[str, int]:
    """Some of the ids, and how many rows hold each."""
    return dict(Counter(id_ for id_ in held if id_ in chosen)) if chosen else {}


def _judged(app: App, found: Scan) -> Scan:
    """A scan with what of it may not be mended, and why nothing of it may."""
    kind = found.reference.target_kind
    missing = dict.fromkeys(prefix_of(id_) for id_ in found.missing)
    unclear = {prefix_of(id_) for id_ in found.unknown}
    # That one project is out of reach says nothing about the ids of another.
    if unclear and all(prefix in unclear for prefix in missing):
        return replace(found, refused=f"whether {kind} ids exist could not be found out")
    doubts = {
        prefix: doubt
        for prefix in missing
        if prefix not in unclear and prefix not in found.witnesses
        for doubt in [_doubt(app, kind, prefix)]
        if doubt is not None
    }
    nothing = doubts and all(prefix in doubts or prefix in unclear for prefix in missing)
    return replace(
        found,
        barren=frozenset(doubts),
        refused=next(iter(doubts.values())) if nothing else None,
    )


def _doubt(app: App, kind: str, prefix: str) -> str | None:
    """Why an owner that finds none of the ids of a prefix is not believed; None where it is."""
    owner = app.plugins.kinds.get(kind)
    spec = app.plugins.stores.get(owner or "")
    table = spec.kinds.get(kind) if spec is not None else None
    own = app.project_or_none.id if app.project_or_none is not None else ""
    if spec is None or table is None or (spec.tier == "project" and prefix not in ("", own)):
        # Another file has answered; what is in the owner's own says nothing about it.
        if prefix and owner is not None and _is_gone(app, owner, prefix):
            return None
        return f"not a single {kind}{f' of {prefix}' if prefix else ''} is known to exist"
    try:
        if app.store(spec.name).one(f'SELECT 1 AS one FROM "{table}" LIMIT 1') is None:
            return f"store {spec.name} has not a single {kind}"
    except CleoError as error:
        return error.message.rstrip(".")
    return None


def _is_gone(app: App, owner: str, project: str) -> bool:
    """Whether the owner of an id, which registers the projects too, knows no such project."""
    if app.plugins.kinds.get(PROJECT) != owner:
        return False
    return app.exists(PROJECT, [project])[project] is False and _doubt(app, PROJECT, "") is None


def _concerned(
    app: App, scans: Sequence[Scan], plugins: dict[str, list[Repair]]
) -> Collection[str]:
    """The stores that will be written."""
    names = {store_of(one.reference) for one in scans if one.planned}
    stale = {plugin for plugin, repairs in plugins.items() if any(one.planned for one in repairs)}
    for plugin in app.plugins.loaded:
        if plugin.name in stale:
            names.update(spec.name for spec in plugin.stores)
    return names


def _back_up(app: App, stores: Sequence[str]) -> str | None:
    try:
        return app.backup_before("before-reconcile", stores)
    except CleoError as error:
        error.message = f"Nothing was mended: {error.message}"
        raise


def _mend(app: App, found: Scan) -> Repair:
    """Treat the missing ids as deleted ones, one unit after the other."""
    reference, repaired = found.reference, 0
    store = store_of(reference)
    try:
        for ids in _units(found.planned):
            repaired += app.write(store, partial(_treat_as_deleted, found, ids))
    except Exception as error:
        # A handler of the owner's may fail in any way; the other references get their turn.
        words = error.message if isinstance(error, CleoError) else str(error)
        words = words.rstrip(".") or type(error).__name__
        app.warn("W_RECONCILE_FAILED", f"{reference.name} was not mended whole: {words}.")
        return replace(found.as_repair(repaired), refused=words)
    return found.as_repair(repaired)


def _units(planned: dict[str, int]) -> Iterator[list[str]]:
    ids: list[str] = []
    rows = 0
    for id_, count in planned.items():
        if ids and rows + count > UNIT:
            yield ids
            ids, rows = [], 0
        ids.append(id_)
        rows += count
    if ids:
        yield ids


def _treat_as_deleted(found: Scan, ids: Sequence[str], unit: Unit) -> int:
    """Asked again inside the unit: what was made meanwhile is not taken for deleted.

    :raises CleoError: the owner has lost every id since, as when its file was replaced.
    """
    kind, app = found.reference.target_kind, unit.app
    witnesses = {
        prefix: found.witnesses[prefix]
        for prefix in map(prefix_of, ids)
        if prefix in found.witnesses
    }
    answers = app.exists(kind, [*ids, *witnesses.values()])
    missing = [id_ for id_ in ids if answers[id_] is False]
    for prefix in dict.fromkeys(map(prefix_of, missing)):
        seen = prefix in witnesses and answers[witnesses[prefix]]
        doubt = None if seen else _doubt(app, kind, prefix)
        if doubt is not None:
            raise CleoError("E_REFERENCE_UNKNOWN", f"{doubt}.", details={"kind": kind})
    return clean(unit, [found.reference], missing)


def _ask_plugins(
    app: App, *, apply: bool, only: Collection[str] | None = None
) -> dict[str, list[Repair]]:
    """What the plugins find, and with ``apply`` mend, on their own."""
    found: dict[str, list[Repair]] = {}
    if not app.plugins.has("cleo_reconcile"):
        return found
    for outcome in app.plugins.call("cleo_reconcile", only, app=app, apply=apply):
        problem = str(outcome.error or "") or (
            type(outcome.error).__name__ if outcome.error else ""
        )
        repairs: list[Repair] = []
        if outcome.error is None:
            try:
                repairs = list(outcome.value or ())
            except TypeError:
                problem = f"it answered {type(outcome.value).__name__}, not Repairs"
            if not all(isinstance(one, Repair) for one in repairs):
                problem, repairs = "it answered something else than Repairs", []
        if problem:
            app.warn("W_HOOK_FAILED", f"Plugin {outcome.plugin} failed to reconcile: {problem}")
        else:
            found[outcome.plugin] = repairs
    return found


def _named(app: App, names: Sequence[str]) -> list[Reference]:
    known = app.plugins.references
    for name in names:
        if name not in known:
            import difflib

            near = difflib.get_close_matches(name, known, 3, 0.5)
            hint = f" Nearest: {', '.join(near)}." if near else ""
            raise NotFoundError(
                f"No installed plugin declares a reference {name[:80]!r}.{hint}",
                fix=f"cleo reconcile --reference {near[0]}" if near else "cleo reconcile",
                references=sorted(known),
            )
    return [one for one in known.values() if not names or one.name in names]


def _left(repairs: Iterable[Repair]) -> int:
    return sum(max(0, max(one.missing, one.planned) - one.repaired) for one in repairs)


def _row(one: Repair) -> dict[str, Any]:
    row = {
        "reference": one.name,
        "scanned": one.scanned,
        "missing": one.missing,
        "unknown": one.unknown,
        "planned": one.planned,
        "repaired": one.repaired,
    }
    return row if one.refused is None else {**row, "refused": one.refused}
