"""What ties a store to others: its references, and the guards that may refuse its changes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cleo_core.api import Change, Veto
from cleo_core.errors import CleoError
from cleo_core.reconcile import reconcile
from cleo_core.references import after_commit, guard
from cleo_core.testing.conformance.scene import Scene, changed
from cleo_core.testing.conformance.subject import Author, Sample
from cleo_core.testing.standin import NAME, StandIn, standing_in

if TYPE_CHECKING:
    from cleo_core.api import Reference
    from cleo_core.app import App
    from cleo_core.testing.outcome import Outcome

#: The id that is there, of whatever kind a reference points to.
THERE = "kit-there"
#: Another one of that kind, which no row refers to.
ELSEWHERE = "kit-elsewhere"


def references(scene: Scene, author: Author, folder: Path) -> Iterator[str]:
    """Every reference rejects, nulls or keeps as declared, and UNKNOWN is never missing."""
    declared = {reference.name: reference for reference in scene.subject.plugin.references}
    for name in author.references:
        if name not in declared:
            yield f"references[{name!r}]: the plugin declares no such reference"
    for name, reference in declared.items():
        given = author.references.get(name)
        if author.skipped("references", name):
            continue
        if given is None:
            yield (
                f"reference {name} is never tried: give a call that stores {{ref}} under it, or "
                "an INSERT that stores :ref, in `references`"
            )
            continue
        own = reference.target_kind in scene.subject.plugins.kinds
        kinds = () if own else (reference.target_kind,)
        with standing_in(folder / "standin", kinds) as standin:
            yield from _stored_ids(scene, reference, given, standin, own=own)
            if not own:
                yield from _deleted_ids(scene, reference, given, standin)
                yield from _reconciled_ids(scene, reference, given, standin)


def guards_of_others(scene: Scene, folder: Path) -> Iterator[str]:
    """A guard that refuses, or fails, keeps every change of an entity from being stored.

    Both end in the same refusal of core, so they take turns; the first verb meets both.
    """
    rules = itertools.cycle(
        ((_refuse, "refused by the kit"), (_fail, f"CLEO_DISABLE_PLUGINS={NAME}"))
    )
    guarded = 0
    for sample in scene.tried("guards"):
        if sample.verb.reads:
            continue
        with standing_in(folder / "standin") as standin:
            for rule, words in itertools.islice(rules, 1 if guarded else 2):
                standin.guard = None
                scene.reset(sample)
                standin.start(rule)
                before = scene.all_rows()
                outcome = scene.call(sample)
                stored = scene.all_rows() != before
                if not standin.asked and not standin.committed:
                    if stored:
                        yield f"`cleo {sample.path}` stores rows and reports no change of a kind"
                    continue
                guarded += 1
                yield from _refused(sample, outcome, words, stored=stored)


def own_guard(scene: Scene, author: Author) -> Iterator[str]:
    """The plugin's own guard refuses what it is there for, and only that."""
    if not scene.subject.functions("cleo_guard_change"):
        return
    if not author.guards:
        yield "the plugin has cleo_guard_change and `guards` gives no change that it refuses"
    for label, case in author.guards.items():
        scene.reset()
        for call in case.get("after", ()):
            outcome = scene.run(scene.words(call))
            if outcome.code != 0:
                yield f"guards[{label!r}]: {outcome!r}"
        ids = [scene.words([one])[0] for one in case["ids"]]
        with scene.app() as app:
            try:
                guard(app.plugins, app, [_change(app, case, ids)])
            except CleoError as error:
                vetoes = error.details["vetoes"]
                if not all(veto["message"] and veto["fix"] for veto in vetoes):
                    yield f"guards[{label!r}]: a veto needs a message and a fix: {vetoes}"
            else:
                yield f"guards[{label!r}]: the change is not refused"
            try:
                guard(app.plugins, app, [_change(app, case, [ELSEWHERE])])
            except CleoError as error:
                yield f"guards[{label!r}]: the guard refuses what it knows nothing of: {error}"
        for spec in scene.subject.stores:
            scene.remove(spec)
        before = scene.frozen()
        with scene.app() as app:
            try:
                guard(app.plugins, app, [_change(app, case, ids)])
            except CleoError as error:
                yield f"guards[{label!r}]: without its file the guard refuses: {error}"
        if changed(before, scene.frozen()):
            yield f"guards[{label!r}]: asking without a file changes something"


def _stored_ids(
    scene: Scene,
    reference: Reference,
    given: Sequence[str] | str,
    standin: StandIn,
    *,
    own: bool,
) -> Iterator[str]:
    """What a write does with an id that is there, missing, or unknown."""
    strict = reference.strict and reference.on_missing != "keep"
    cases: list[tuple[str, frozenset[str] | None, int, bool, str]] = [
        ("missing", frozenset(), 6, False, "E_REFERENCE")
        if reference.on_missing == "reject"
        else ("missing", frozenset(), 0, reference.on_missing == "keep", "W_REF_MISSING")
    ]
    if not own:
        cases += [
            ("there", frozenset({THERE}), 0, True, ""),
            ("unknown", None, 5, False, "E_REFERENCE_UNKNOWN")
            if strict
            else ("unknown", None, 0, True, "W_REF_UNCHECKED"),
        ]
    for word, there, exit_code, stored, code in cases:
        standin.there = there
        scene.reset()
        before = scene.all_rows()
        code_seen, codes = _store(scene, reference, given)
        what = f"reference {reference.name}, an id that is {word}"
        if code_seen != exit_code:
            yield f"{what}: exit {code_seen} instead of {exit_code} ({', '.join(codes)})"
            continue
        if code and code not in codes:
            yield f"{what}: {code} is not said; said is {', '.join(codes) or 'nothing'}"
        if bool(_held(scene, reference)) is not stored:
            yield f"{what}: it is {'not ' if stored else ''}stored"
        if exit_code and scene.all_rows() != before:
            yield f"{what}: refused, and rows were stored"


def _deleted_ids(
    scene: Scene, reference: Reference, given: Sequence[str] | str, standin: StandIn
) -> Iterator[str]:
    """What becomes of a stored id when its target is deleted."""
    scene.reset()
    standin.there = frozenset({THERE, ELSEWHERE})
    if _store(scene, reference, given)[0] != 0 or not _held(scene, reference):
        return
    total = _total(scene, reference)
    for id_ in (ELSEWHERE, THERE):
        with scene.app() as app:
            change = _change(app, {"kind": reference.target_kind, "op": "delete"}, [id_])
            after_commit(app.plugins, app, [change])
            warnings = [warning["message"] for warning in app.warnings]
        if warnings:
            yield f"reference {reference.name}: on deletion {'; '.join(warnings)}"
        held, rows = _held(scene, reference), _total(scene, reference)
        if id_ == ELSEWHERE:
            if not held or rows != total:
                yield f"reference {reference.name}: the deletion of another id touches it"
        elif reference.on_delete == "keep":
            if not held or rows != total:
                yield f"reference {reference.name}: on_delete is keep, and it is not kept"
        elif held:
            yield f"reference {reference.name}: on_delete is {reference.on_delete}, and it stays"
        elif reference.on_delete == "null" and rows != total:
            yield f"reference {reference.name}: on_delete is null, and the row is gone"
        elif reference.on_delete == "delete" and rows == total:
            yield f"reference {reference.name}: on_delete is delete, and the row is there"


def _reconciled_ids(
    scene: Scene, reference: Reference, given: Sequence[str] | str, standin: StandIn
) -> Iterator[str]:
    """What becomes of a stored id when reconcile finds it missing, or cannot find out."""
    for word, there in (("unknown", None), ("missing", frozenset({ELSEWHERE}))):
        scene.reset()
        standin.there = frozenset({THERE, ELSEWHERE})
        if _store(scene, reference, given)[0] != 0 or not _held(scene, reference):
            return
        total = _total(scene, reference)
        standin.there = there
        with scene.app() as app:
            (found,) = reconcile(app, apply=True, names=[reference.name]).references
            warnings = [one["message"] for one in app.warnings if one["code"].endswith("FAILED")]
        held, rows = _held(scene, reference), _total(scene, reference)
        what = f"reference {reference.name}, reconciled while its id is {word}"
        if warnings:
            yield f"{what}: {'; '.join(warnings)}"
        elif there is None or reference.on_delete == "keep":
            if not held or rows != total or found.repaired:
                yield f"{what}: it is not left as it is"
        elif held or (rows == total) is (reference.on_delete == "delete"):
            yield f"{what}: on_delete is {reference.on_delete}, and that is not done"


def _store(scene: Scene, reference: Reference, given: Sequence[str] | str) -> tuple[int, list[str]]:
    """Store the id under a reference; exit code and the codes of error and warnings."""
    if not isinstance(given, str):
        outcome = scene.run(scene.words(given, ref=THERE))
        codes = [warning["code"] for warning in outcome.warnings]
        return outcome.code, codes if outcome.code == 0 else [outcome.error["code"]]
    store = reference.source.partition(".")[0]

    def insert(unit: Any) -> None:
        checked = unit.check(reference.name, [THERE])
        unit.execute(given, ref=None if checked.nulled else THERE)

    with scene.app() as app:
        try:
            app.write(store, insert)
        except CleoError as error:
            return error.exit, [error.code]
        return 0, [warning["code"] for warning in app.warnings]


def _held(scene: Scene, reference: Reference) -> int:
    """How many rows hold the id under a reference."""
    _, table, columns = reference.source.split(".", 2)
    value = " || ':' || ".join(f'"{column}"' for column in columns.split(":"))
    if reference.id_from.startswith("json:"):
        return _count(
            scene,
            reference,
            f'SELECT count(*) FROM "{table}", json_tree({value}) WHERE atom = :id',
            id=THERE,
        )
    wanted = THERE
    if reference.id_from.startswith("prefix:"):
        wanted = reference.id_from[len("prefix:") :] + THERE
    return _count(
        scene, reference, f'SELECT count(*) FROM "{table}" WHERE {value} = :id', id=wanted
    )


def _total(scene: Scene, reference: Reference) -> int:
    return _count(scene, reference, f'SELECT count(*) FROM "{reference.source.split(".")[1]}"')


def _count(scene: Scene, reference: Reference, sql: str, **values: str) -> int:
    with scene.app() as app:
        return int(app.store(reference.source.partition(".")[0]).scalar(sql, **values))


def _refused(sample: Sample, outcome: Outcome, words: str, *, stored: bool) -> Iterator[str]:
    if outcome.code != 6 or outcome.error["code"] != "E_GUARD":
        yield f"`cleo {sample.path}` is not refused by a guard: {outcome!r}"
    elif words not in str(outcome.error):
        yield f"`cleo {sample.path}`: the refusal does not say {words!r}: {outcome.error}"
    if stored:
        yield f"`cleo {sample.path}` is refused by a guard and stores rows"


def _refuse(change: Change) -> Veto:
    return Veto("refused by the kit", "nothing: this is a test")


def _fail(change: Change) -> Veto:
    raise RuntimeError("the kit's guard fails")


def _change(app: App, case: Mapping[str, Any], ids: Sequence[str]) -> Change:
    return Change(
        project=app.project_or_none,
        store="kit_standin",
        kind=case["kind"],
        op=case["op"],
        ids=tuple(ids),
        before={},
        after={},
        actor="user",
        request_id=app.request_id,
    )
