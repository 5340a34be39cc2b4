"""Making the registry agree with the directory at hand; a conflict is settled on request only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import CleoError, UsageError
from cleo_nexus.errors import NexusError
from cleo_nexus.ids import is_project_id
from cleo_nexus.records.projects import Project, Reconciled
from cleo_nexus.service import access, identity, naming, places
from cleo_nexus.service.registering import add, bad_id, id_drift, slug_id
from cleo_nexus.service.work import Verbs, Work, mutating
from cleo_nexus.store import dependents, registry

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Backend, Row

#: Case -> the options that settle it.
SETTLED_BY = {
    "drift": ("adopt", "replace"),
    "copy": ("new_id", "claim"),
    "alias": ("adopt", "new_id"),
    "bad_id": ("new_id",),
    "slug_id": ("new_id",),
}


@record
class Case(Declared):
    """How a directory and the registry stand to each other.

    :ivar name: ok, drift, copy, moved, alias or new; bad_id where the id can be no project's, and
        slug_id where it is, or once was, the slug of another one.
    :ivar row: the row that it is about: of the id, or for drift of the path; None for a new one.
    """

    name: str
    row: Row | None = None


class ReconcileVerbs(Verbs):
    """``reconcile``."""

    @mutating("nexus.reconcile")
    def reconcile(
        self,
        *,
        new_id: bool = False,
        claim: bool = False,
        adopt: bool = False,
        replace: bool = False,
        alias: bool = False,
    ) -> Reconciled:
        """Make the registry agree with this project's directory.

        :param new_id: this is a copy: give it an id of its own.
        :param claim: the other one is the copy: the registration moves here.
        :param adopt: write the registered id into this directory.
        :param replace: put this directory's id in the registered one's place.
        :param alias: with ``replace``: edges, open instances and transfers follow, and the old id
            goes on leading here.
        :raises UsageError: several options, or ``alias`` without ``replace``.
        :raises CleoError: 3, there is no project here.
        :raises NexusError: 75, a conflict that none of the options given settles.
        """
        given = {"new_id": new_id, "claim": claim, "adopt": adopt, "replace": replace}
        chosen = [name for name, is_set in given.items() if is_set]
        if len(chosen) > 1 or (alias and not replace):
            raise UsageError(
                "Give one of --new-id, --claim, --adopt and --replace; --alias goes with the last.",
                fix="cleo nexus reconcile --help",
            )
        option = chosen[0] if chosen else None
        root, id_ = places.canonical(self.app.project.root), self.app.project.id
        written = self._settle_marker(option, root, id_)
        found = self.write(
            lambda work: _carry_out(work, root, written or id_, None if written else option, alias)
        )
        if written is not None and option is not None:
            outcome = "adopted" if option == "adopt" else option
            found = Reconciled(outcome, found.project, found.old_path, found.new_path)
        if not self.app.dry_run:
            # Every time: a run that was killed half-way may have left it undone.
            identity.announce(self.app, self.app.project.root)
        return found

    def _settle_marker(self, option: str | None, root: str, id_: str) -> str | None:
        """Write the id that an option asks for; None where the marker stays as it is."""
        if option not in ("new_id", "adopt"):
            return None
        case = case_of(self.app, self.db, root, id_)
        if option not in SETTLED_BY.get(case.name, ()):
            return None
        if option == "adopt":
            assert case.row is not None
            if case.name == "alias" and _lives_elsewhere(self.app, case.row, root):
                raise _conflict(case, root, id_)
            after = str(case.row["project_id"])
        else:
            from cleo_core.ids import new_id

            after = new_id()
        if not self.app.dry_run:
            identity.give(self.app.project.directory, id_, after, copied=option == "new_id")
        return after


def case_of(app: App, db: Backend, root: str, id_: str) -> Case:
    """How a directory that holds an id and the registry stand to each other; the first that fits.

    :param root: its canonical path.
    :raises CleoError: 3, where the project is registered cannot be looked at.
    """
    if not is_project_id(id_):
        return Case("bad_id")
    known, here = registry.by_id(db, id_), registry.by_path(db, root)
    if known is not None and known["project_path"] == root:
        return Case("ok", known)
    if known is not None and places.id_held_at(known["project_path"], app.env) != id_:
        # Into the place of another one, perhaps, which then is not here any more.
        return Case("moved", known)
    if here is not None:
        return Case("drift", here)
    if known is not None:
        same = places.same_place(known["project_path"], root)
        return Case("ok" if same else "copy", known)
    former = registry.alias(db, id_)
    if former is not None and former["kind"] == "id":
        return Case("alias", registry.by_id(db, former["canonical_id"]))
    return Case("slug_id" if naming.owner_of(db, id_) is not None else "new")


def _carry_out(work: Work, root: str, id_: str, option: str | None, alias: bool) -> Reconciled:
    case = case_of(work.app, work, root, id_)
    row = case.row
    settles = SETTLED_BY.get(case.name)
    if settles is not None and (option not in settles or option in ("new_id", "adopt")):
        # The marker is written before the unit; a case that came up since then is told of.
        raise _conflict(case, root, id_)
    if settles is None and option is not None:
        words = option.replace("_", "-")
        work.unit.warn("W_OPTION_UNUSED", f"--{words} settles a conflict, and there is none.")
    if case.name == "new":
        name = naming.title_of(work.app.project.name, os.path.basename(root))
        return _answer(work, "new", add(work, id_, root, name, "read"))
    assert row is not None
    work.about(id_, places.path_hash(root))
    if case.name == "ok":
        registry.seen(work, id_, work.now)
        return _answer(work, "ok", row)
    if case.name == "drift":
        return _replaced(work, row, root, id_, alias)
    displaced = registry.by_path(work, root)
    if displaced is not None:
        _make_room(work, displaced, row["project_path"])
    registry.move(work, id_, root, places.path_hash(root), work.now)
    if displaced is not None:
        _settle(work, displaced, row["project_path"])
    moved = {"project_path": root, "project_hash": places.path_hash(root)}
    work.unit.updated("project", id_, {key: row[key] for key in moved}, moved)
    outcome = "claimed" if case.name == "copy" else "moved"
    return _answer(work, outcome, row, row["project_path"], root)


def _make_room(work: Work, row: Row, path: str) -> None:
    """Let go of the path of a project that left it, for a path that no project can have."""
    nowhere = os.path.join(path, ".cleo")
    registry.move(work, row["project_id"], nowhere, places.path_hash(nowhere), row["last_seen"])


def _settle(work: Work, row: Row, path: str) -> None:
    """Put a project that was displaced where the other one came from: two may have been swapped."""
    registry.move(work, row["project_id"], path, places.path_hash(path), row["last_seen"])
    if places.id_held_at(path, work.app.env) != row["project_id"]:
        work.unit.warn(
            "W_PROJECT_DISPLACED",
            f"Project {row['slug']} was registered here and is here no more; "
            "`cleo nexus reconcile` where it is finds it again.",
        )


def _replaced(work: Work, row: Row, root: str, id_: str, alias: bool) -> Reconciled:
    """Put an id in the place of the one that a path is registered with."""
    old = row["project_id"]
    known = registry.by_id(work, id_)
    if known is not None:
        # One that left its place has moved here, which needs no option.
        raise _conflict(Case("copy", known), root, id_)
    if naming.owner_of(work, id_) not in (None, old):
        # It would be found in place of the project that has it as a slug.
        raise _conflict(Case("drift", row), root, id_)
    registry.delete_alias(work, id_)
    registry.give_id(work, old, id_, work.now)
    work.unit.deleted("project", old, dict(row))
    work.unit.created("project", id_, {**row, "project_id": id_})
    work.about(id_, places.path_hash(root))
    work.note(replaced=old, alias=alias)
    if alias:
        registry.add_alias(work, old, "id", id_, work.now)
        for source, target in dependents.rewrite(work, old, id_, work.now):
            work.unit.warn(
                "W_EDGE_INSIDE",
                f"{source} waited for {target} of what is now the same project; the edge is gone. "
                f"cleo deps add {source} {target} makes it one of this project.",
            )
    return _answer(work, "replaced", row)


def _lives_elsewhere(app: App, row: Row, root: str) -> bool:
    """Whether a registered project is still where it is registered, and not here."""
    path = row["project_path"]
    held = places.id_held_at(path, app.env)
    return held == row["project_id"] and not places.same_place(path, root)


def _conflict(case: Case, root: str, id_: str) -> CleoError:
    if case.name == "bad_id":
        return bad_id(id_)
    if case.name == "slug_id":
        return slug_id(id_, root)
    row = case.row
    assert row is not None
    if case.name == "drift":
        return id_drift(
            f"{root} is registered as {row['slug']} with the id {row['project_id']}, and its "
            f"marker says {id_}. --adopt writes the registered id here; --replace registers this "
            "one.",
            id_,
            row["project_id"],
        )
    if case.name == "alias":
        return id_drift(
            f"The id {id_} in {root} is a former one of project {row['slug']}, which is "
            f"{row['project_id']} at {row['project_path']} now. --adopt writes that id here, if it "
            "is no longer there; --new-id makes this a project of its own.",
            id_,
            row["project_id"],
        )
    return NexusError(
        "E_PROJECT_COPY",
        f"The project {row['slug']} is at {row['project_path']} and at {root}. --new-id makes this "
        "a project of its own; --claim says that this is the project, and the other one the copy.",
        fix="cleo nexus reconcile --new-id",
        details={"projectId": id_, "paths": [row["project_path"], root]},
    )


def _answer(
    work: Work, outcome: str, row: Row, old: str | None = None, new: str | None = None
) -> Reconciled:
    work.note(outcome=outcome)
    current = registry.by_path(work, new or row["project_path"])
    assert current is not None
    marked = access.marked_id(work.app, work)
    # This project is asked from, whatever id it had when the command began.
    own = work.app.project.id
    project = Project.of(current, current["project_id"] if marked == own else marked)
    return Reconciled(outcome, project, old, new)
