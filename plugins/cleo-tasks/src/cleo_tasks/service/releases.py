"""Releases: planning one, shipping it step by step, taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from cleo_core import clock, inputs
from cleo_core.database import Row
from cleo_core.errors import NotFoundError, UsageError
from cleo_core.output import Page
from cleo_tasks.enums import RELEASE_STATUS, RELEASE_STEP
from cleo_tasks.release_records import Changelog, ReleaseLine, ReleaseResult
from cleo_tasks.service import (
    release_ending,
    release_gates,
    release_lookup,
    release_plan,
    release_results,
)
from cleo_tasks.service.evidence import tree_root
from cleo_tasks.service.lifecycle.arguments import needed
from cleo_tasks.service.one_runner import one_runner
from cleo_tasks.service.release_plan import Plan, Request, Seen
from cleo_tasks.service.releasing import Runner
from cleo_tasks.service.repository import Repository
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import releases


class ReleaseVerbs(Verbs):
    """``release_plan``, ``_ship``, ``_list``, ``_show``, ``_changelog``, ``_cancel``, and
    ``release_rollback``.
    """

    def release_plan(
        self,
        version: str,
        *,
        epic: str | None = None,
        tasks: Sequence[str] = (),
        all_done: bool = False,
        note: str | None = None,
        dist_tag: str | None = None,
        push: bool = False,
        force: bool = False,
        reason: str | None = None,
    ) -> ReleaseResult:
        """What :meth:`release_ship` would do with the same arguments; writes nothing.

        Gates that are not met are told, not raised.

        :raises CleoError: 2, 4, 6; ``E_GIT`` (3), the project is in no git work tree;
            ``E_GATE_UNMET`` (80), the version is none; ``E_REASON_REQUIRED`` (84).
        """
        given = dict(locals())
        del given["self"]
        request = release_plan.settled(given)
        with self.db.snapshot() as db:
            live = releases.live(db, request.version)
            if live is not None and live["status"] != "draft":
                return release_results.current(db, live)
        return self._planned(request)

    def release_ship(
        self,
        version: str,
        *,
        epic: str | None = None,
        tasks: Sequence[str] = (),
        all_done: bool = False,
        note: str | None = None,
        dist_tag: str | None = None,
        push: bool = False,
        force: bool = False,
        reason: str | None = None,
        if_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> ReleaseResult:
        """Make a release, from the first step that is not done.

        :param version: ``v1.2.0``; the ``v`` may be left out.
        :param epic: its done descendants are released; ``tasks``: these are; ``all_done``: every
            done task that no release has. By default those that were completed since the last
            release; the first one has to be told.
        :param note: stands in the changelog. ``dist_tag``: ``latest``, ``beta`` and so on.
        :param push: push commit and tag too, now or after an earlier call has made them.
        :param force: pass the gates that can be passed, for a reason.
        :param if_version: the ``row_version`` of the release that is resumed.
        :raises CleoError: 2, 4; ``E_GIT`` (3); ``E_RELEASE_STEP`` (6), a step failed, and the same
            call goes on from there; ``E_CONCURRENT_MODIFICATION`` (21), somebody else works on it;
            ``E_GATE_UNMET`` (80) with every gate that is not met; ``E_REASON_REQUIRED`` (84);
            ``E_NO_CHANGE`` (102), nothing is left to do.
        """
        given = dict(locals())
        for name in ("self", "if_version", "idempotency_key"):
            del given[name]
        request = release_plan.settled(given)
        with self._alone(request.version) as holds:
            release = releases.live(self.db, request.version)
            release_lookup.require_version(release, request.version, if_version)
            if self.app.dry_run:
                return self._rehearsed(release, request)
            seen = repository = None
            known = self._knows(idempotency_key)
            if release is not None and not known:
                # Before the key is kept: a refusal leaves nothing behind.
                self._require_unfinished(release, request)
            if release is None and not known:
                repository = self._repository(holds)
                seen = self._look(repository, request)
                with self.db.snapshot() as db:
                    plan = release_plan.made(db, seen, request, clock.now()[:10])
                release_gates.require(plan.gates, request.version, force=request.force)
                self._mention_left_out(plan)
            if release is None or idempotency_key is not None:
                release = self._begun(request, given, idempotency_key)
            if (
                self.app.replayed
                and release_lookup.left_to_do(self._steps(release), request) is None
            ):
                return self._result(release)
            self._require_unfinished(release, request)
            if release["status"] != "draft":
                self._mention_settled(release, request)
            repository = repository or self._repository(holds)
            runner = Runner(self, repository, request, release, seen)
            runner.run()
            return self._result(runner.release)

    def release_list(
        self, *, status: str | None = None, limit: int | None = None, offset: int = 0
    ) -> tuple[list[ReleaseLine], Page]:
        """A page of the releases, newest first.

        :raises UsageError: there is no such status, or a number is out of range.
        """
        limit, offset = self.page(limit, offset)
        if status is not None:
            status = inputs.as_filter(inputs.word_of(RELEASE_STATUS, "status"), status)
        with self.db.snapshot() as db:
            rows, total = releases.listing(db, status, limit=limit, offset=offset)
        found = [
            ReleaseLine(
                id=row["id"],
                version=row["version"],
                status=row["status"],
                dist_tag=row["dist_tag"],
                tasks=row["task_count"],
                commit_sha=row["commit_sha"],
                created_at=row["created_at"],
                row_version=row["row_version"],
            )
            for row in rows
        ]
        return found, Page(limit, offset, total)

    def release_show(self, release: str) -> ReleaseResult:
        """A release with its steps and tasks.

        :param release: its version, the latest of that version counts; or its id.
        :raises CleoError: ``E_NOT_FOUND`` (4); ``E_GATE_UNMET`` (80), it is no version.
        """
        with self.db.snapshot() as db:
            return release_results.current(db, release_lookup.named(db, release))

    def release_changelog(self, release: str) -> Changelog:
        """The section of the changelog that a release has.

        :raises CleoError: as :meth:`release_show`; ``E_NOT_FOUND``, it is not prepared.
        """
        with self.db.snapshot() as db:
            row = release_lookup.named(db, release)
        if row["changelog"] is None:
            raise NotFoundError(
                f"{row['id']} is not prepared, so it has no changelog yet.",
                fix=f"cleo release plan {row['version']}",
            )
        return Changelog(row["version"], row["changelog"])

    def release_cancel(
        self, release: str, *, reason: str | None = None, if_version: int | None = None
    ) -> ReleaseResult:
        """End a release that has made no commit; its version and tasks are free again.

        :param reason: what is recorded; ``cancelled`` by default.
        :returns: with ``revert``, the commands that take back what its steps have written.
        :raises CleoError: 4, 21; ``E_INVALID_TRANSITION`` (6), it is committed; ``E_NO_CHANGE``
            (102), it has ended.
        """
        why = "cancelled" if reason is None else needed(reason, "The reason is blank.")
        return self._end(release, why, if_version, release_ending.CANCEL)

    def release_rollback(
        self, release: str, *, reason: str | None = None, if_version: int | None = None
    ) -> ReleaseResult:
        """Record that a release is taken back; git is not touched.

        The version can then be shipped again, under another id.

        :returns: with ``revert``, the commands that take back its commit and tag.
        :raises CleoError: 4, 21; ``E_INVALID_TRANSITION`` (6), nothing is committed yet;
            ``E_REASON_REQUIRED`` (84); ``E_NO_CHANGE`` (102), it has been taken back.
        """
        why = needed(reason, "A rollback needs a reason.")
        return self._end(release, why, if_version, release_ending.ROLLBACK)

    def _end(
        self, named: str, reason: str, if_version: int | None, way: release_ending.Way
    ) -> ReleaseResult:
        with self._alone(str(named)):
            release = release_lookup.named(self.db, named)
            release_lookup.require_version(release, release["version"], if_version)
            if release["status"] == "rolled_back":
                raise release_lookup.no_change(release, f"cleo release ship {release['version']}")
            release_ending.require(release, way)
            steps = {row["step"]: row for row in self._steps(release)}
            revert = release_ending.revert(self.app, self._repository, release, steps)
            ended = self.write(
                f"release.{way.verb}", lambda work: release_ending.end(work, release, reason)
            )
            return self._result(ended, revert=revert)

    def _alone(self, version: str) -> AbstractContextManager[int | None]:
        """Nobody else works on releases meanwhile; a dry run disturbs nobody."""
        if self.app.dry_run:
            return nullcontext(None)
        return one_runner(self.app.project.directory, version)

    # Shipping

    def _look(self, repository: Repository, request: Request) -> Seen:
        """What git says of a release now; asked outside of any transaction."""
        return release_plan.look(self.app, repository, request, releases.previous(self.db))

    def _planned(self, request: Request, *, require: bool = False) -> ReleaseResult:
        """A release that is not prepared, as it would be.

        :param require: refuse what may not be prepared.
        """
        seen = self._look(self._repository(), request)
        with self.db.snapshot() as db:
            plan = release_plan.made(db, seen, request, clock.now()[:10])
            if require:
                release_gates.require(plan.gates, request.version, force=request.force)
            self._mention_left_out(plan)
            begun = releases.live(db, request.version)
            return release_results.draft(self.app, db, begun, request, plan)

    def _repository(self, holds: int | None = None) -> Repository:
        project = self.app.project
        return Repository(
            tree_root(project.root),
            self.app.env,
            own=_inside(project.directory, project.root),
            holds=holds,
        )

    def _knows(self, key: str | None) -> bool:
        """Whether a key has been used: its release is found again, and no gate asked anew.

        :raises UsageError: it is no text.
        """
        if key is None:
            return False
        if not isinstance(key, str):
            raise UsageError("An idempotency key is a text.", fix="--idempotency-key KEY")
        return key.isprintable() and bool(
            self.db.scalar(releases.KEY, verb="release_ship", key=key)
        )

    def _begun(self, request: Request, given: dict[str, Any], key: str | None) -> Row:
        """The release, begun in this unit where there is none."""

        def begin(work: Work) -> str:
            live = releases.live(work, request.version)
            if live is not None:
                return str(live["id"])
            id_ = release_lookup.free_id(work, request.version)
            releases.begin(work, id_, request.version, RELEASE_STEP, work.now)
            row = releases.get(work, id_)
            assert row is not None
            work.note("release", id_, None, {k: v for k, v in row.items() if k != "seq"})
            return id_

        def body(work: Work) -> Row:
            id_ = work.unit.idempotent(
                "release_ship", key, given, lambda: begin(work), encode=str, decode=str
            )
            row = releases.get(work, id_)
            assert row is not None
            return row

        return self.write("release.begin", body)

    def _rehearsed(self, release: Row | None, request: Request) -> ReleaseResult:
        """What a dry run gives: the plan, or the refusal."""
        if release is not None and release["status"] != "draft":
            self._require_unfinished(release, request)
            self._mention_settled(release, request)
            self._repository()
            return self._result(release)
        return self._planned(request, require=True)

    def _require_unfinished(self, release: Row, request: Request) -> None:
        if release["status"] == "rolled_back":
            raise release_lookup.no_change(release, "cleo release ship " + release["version"])
        if release_lookup.left_to_do(self._steps(release), request) is None:
            raise release_lookup.no_change(
                release, f"cleo release ship {release['version']} --push"
            )

    def _mention_left_out(self, plan: Plan) -> None:
        """Say what is done and in no release, and is not taken now either."""
        if not plan.left_out:
            return
        shown = ", ".join(plan.left_out[:5]) + (" …" if len(plan.left_out) > 5 else "")
        self.app.warn(
            "W_TASKS_LEFT_OUT",
            f"Done before the release before this one, and in no release: {shown} "
            f"({len(plan.left_out)}). --all-done or --task takes them.",
        )

    def _mention_settled(self, release: Row, request: Request) -> None:
        """Say which options come too late."""
        late = []
        if request.epic is not None and request.epic != release["epic_id"]:
            late.append("--epic")
        if request.tasks and set(request.tasks) != set(releases.tasks_of(self.db, release["id"])):
            late.append("--task")
        if request.note is not None and request.note != release["notes"]:
            late.append("--note")
        if request.dist_tag is not None and request.dist_tag != release["dist_tag"]:
            late.append("--dist-tag")
        if late:
            self.app.warn(
                "W_RELEASE_SETTLED",
                f"{release['version']} was settled when it was prepared; {', '.join(late)} "
                "changes nothing.",
            )

    def _steps(self, release: Row) -> list[Row]:
        return releases.steps_of(self.db, release["id"])

    def _result(self, release: Row, *, revert: list[str] | None = None) -> ReleaseResult:
        with self.db.snapshot() as db:
            return release_results.current(db, release, revert=revert)


def _inside(directory: str, root: str) -> str:
    """The name of CLEO's directory in the project."""
    import os

    return os.path.relpath(directory, root).replace(os.sep, "/")
