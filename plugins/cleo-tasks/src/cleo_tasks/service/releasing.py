"""The steps of a release, each with what it looks for before it acts.

A step is set ``running`` in one unit, acts outside of any, and is set ``done`` or ``failed`` in
another. Whatever ends the process between, the next run asks git and the files what is there, and
does only what is not.

What is committed is what the release wrote itself, file by file: every one of them is known by
what it held when the step that wrote it ended, so that an edit by somebody else is never taken
along unnoticed, and neither is anything else that is changed or staged in the work tree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from cleo_core.database import Row
from cleo_core.errors import CleoError
from cleo_core.programs import without_passwords
from cleo_core.redaction import redact
from cleo_tasks.enums import RELEASE_STEP
from cleo_tasks.release_records import Gate
from cleo_tasks.service import (
    changelog,
    release_bump,
    release_changelog,
    release_commit,
    release_gates,
    release_plan,
)
from cleo_tasks.service.release_lookup import moved_on
from cleo_tasks.service.release_plan import Request, Seen
from cleo_tasks.service.repository import Repository, State, failed, step_error, words_of
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import releases

#: What a unit refuses that a step has failed for; after other errors it is found running.
_FAILING = ("E_GATE_UNMET", "E_NOT_FOUND", "E_VALIDATION")


@dataclass
class Outcome:
    """What a step did: its detail and the release's columns.

    :ivar stamp: the column that says when.
    :ivar forced: the reason for which a gate was passed by force.
    """

    detail: dict[str, Any]
    columns: dict[str, Any] = field(default_factory=dict)
    stamp: str | None = None
    forced: str | None = None


#: An outcome that is found out in the unit that records it.
Settling = Callable[[Work], Outcome]


class FailedStepError(Exception):
    """A step that failed and knows something for its next attempt."""

    def __init__(self, error: CleoError, detail: Mapping[str, Any]) -> None:
        super().__init__(error.message)
        self.error = error
        self.detail = dict(detail)


def own_files(steps: Mapping[str, Row]) -> dict[str, str | None]:
    """What the release itself has written: path from the top -> fingerprint."""
    for step in ("commit", "changelog", "bump"):
        if "paths" in steps[step]["detail"]:
            found: dict[str, str | None] = steps[step]["detail"]["paths"]
            return found
    return {}


class Runner:
    """Runs the steps of one release from the first one that is not done.

    :param release: its row as last read.
    :param seen: what git says of it, if it was just asked.
    """

    def __init__(
        self,
        verbs: Verbs,
        repository: Repository,
        request: Request,
        release: Row,
        seen: Seen | None = None,
    ) -> None:
        self.verbs = verbs
        self.app = verbs.app
        self.repository = repository
        self.request = request
        self.release = release
        self.seen = seen
        self.steps = {row["step"]: row for row in releases.steps_of(verbs.db, release["id"])}

    def run(self) -> None:
        """Run them.

        :raises CleoError: ``E_GATE_UNMET`` (80), ``E_RELEASE_STEP`` (6), ``E_GIT`` (3);
            ``E_CONCURRENT_MODIFICATION`` (21), somebody else has changed the release meanwhile.
        """
        for name in RELEASE_STEP:
            step = self.steps[name]
            wanted = name == "push" and self.request.push
            if step["status"] == "done" or (step["status"] == "skipped" and not wanted):
                continue
            if (name == "bump" and not release_bump.command(self.app)) or (
                name == "push" and not wanted
            ):
                # What an earlier attempt has written is the release's all the same.
                self._write(name, "skipped", Outcome(step["detail"]))
                continue
            begin: Callable[[Row], dict[str, Any]] = getattr(self, f"_begin_{name}", _nothing)
            act: Callable[[dict[str, Any], bool], Outcome | Settling] = getattr(self, f"_{name}")
            again = step["status"] in ("running", "failed")
            detail = begin(step)
            self._write(name, "running", Outcome(detail))
            try:
                outcome = act(detail, again)
            except FailedStepError as failure:
                self._fail(name, failure.error, failure.detail)
            except CleoError as error:
                self._fail(name, error, detail)
            try:
                self._write(name, "done", outcome)
            except CleoError as error:
                if error.code not in _FAILING:
                    raise
                self._fail(name, error, detail)

    # prepare

    def _prepare(self, detail: dict[str, Any], again: bool) -> Settling:
        request = self.request
        seen = self.seen or release_plan.look(
            self.app, self.repository, request, releases.previous(self.verbs.db)
        )

        def settled(work: Work) -> Outcome:
            # Read where it is stamped: no task is done between the two, and then in no release.
            plan = release_plan.made(work, seen, request, work.now[:10])
            release_gates.require(plan.gates, request.version, force=request.force)
            releases.add_tasks(work, self.release["id"], plan.task_ids)
            found: dict[str, Any] = {"base": seen.base, "branch": seen.branch}
            if plan.forced:
                found["forced"] = [gate.message for gate in plan.forced]
                found["reason"] = request.reason
            return Outcome(
                found,
                {
                    "status": "prepared",
                    "changelog": plan.section,
                    "notes": request.note,
                    "dist_tag": request.dist_tag,
                    "epic_id": plan.epic,
                    "pipeline_id": plan.pipeline,
                    "previous_version": plan.previous["version"] if plan.previous else None,
                },
                "prepared_at",
                request.reason if plan.forced else None,
            )

        return settled

    # bump

    def _begin_bump(self, step: Row) -> dict[str, Any]:
        return release_bump.begin(self.repository, self._require_place().changed, step)

    def _bump(self, detail: dict[str, Any], again: bool) -> Outcome:
        found, error = release_bump.run(
            self.repository, release_bump.command(self.app), self.release, detail
        )
        if error is not None:
            raise FailedStepError(error, found)
        return Outcome(found)

    # changelog

    def _begin_changelog(self, step: Row) -> dict[str, Any]:
        changed = self._require_place().changed
        own = self.steps["bump"]["detail"].get("paths", {})
        return release_changelog.begin(self.repository, self.release, step, changed, own)

    def _changelog(self, detail: dict[str, Any], again: bool) -> Outcome:
        section = release_changelog.write(self.repository, self.release, detail)
        return Outcome(
            detail, {} if section == self.release["changelog"] else {"changelog": section}
        )

    # commit

    def _begin_commit(self, step: Row) -> dict[str, Any]:
        return {"paths": own_files(self.steps)}

    def _commit(self, detail: dict[str, Any], again: bool) -> Outcome:
        prepared, own = self.steps["prepare"]["detail"], detail["paths"]
        forced = None
        sha = release_commit.made(self.repository, self.release["id"], prepared)
        if sha is None:
            self._require_place()
            if release_commit.edited(self.repository, own):
                forced = self.request.reason
            sha, error, own = release_commit.make(
                self.app, self.repository, self.release, prepared, own, force=self.request.force
            )
            if error is not None:
                raise FailedStepError(error, {"paths": own})
        columns = {"status": "committed", "commit_sha": sha}
        return Outcome({"commit": sha, "paths": own}, columns, "committed_at", forced=forced)

    # tag

    def _tag(self, detail: dict[str, Any], again: bool) -> Outcome:
        version, commit = self.release["version"], self.release["commit_sha"]
        target = self.repository.tag_target(version)
        if target is None:
            body = changelog.body_of(self.release["changelog"])
            message = f"{version}\n\n{body}\n" if body else f"{version}\n"
            done = self.repository.tag(version, commit, message)
            target = self.repository.tag_target(version)
            if target is None:
                raise failed("tag", "git tag", done, f"cleo release ship {version}")
        if target != commit:
            raise step_error(
                "tag",
                f"The tag {version} leads to {target[:12]} and not to the release's commit "
                f"{commit[:12]}.",
                f"git tag -d {version}",
            )
        return Outcome({"target": target}, {"status": "tagged", "git_tag": version}, "tagged_at")

    # push

    def _push(self, detail: dict[str, Any], again: bool) -> Outcome:
        repository, version = self.repository, self.release["version"]
        remote = release_gates.remote_of(self.app)
        branch = self.steps["prepare"]["detail"]["branch"]
        pushed = {"remote": without_passwords(remote), "branch": branch}
        done = Outcome(pushed, {"status": "pushed"}, "pushed_at")
        if again:
            there, asked = repository.remote_tag(remote, version)
            if asked.code != 0:
                raise failed("push", "git ls-remote", asked, f"cleo release ship {version} --push")
            if there is not None and there == repository.tag_object(version):
                return done
        specs = [f"refs/tags/{version}:refs/tags/{version}"]
        if branch is not None:
            target = repository.merge_ref(branch, remote)
            specs.insert(0, f"{self.release['commit_sha']}:{target}")
        result = repository.push(remote, specs)
        if result.code != 0:
            raise failed("push", "git push", result, f"cleo release ship {version} --push")
        return done

    # What steps share

    def _require_place(self) -> State:
        """Whether what was prepared is what is checked out; the state of the work tree.

        :raises TasksError: ``E_GATE_UNMET`` (80).
        """
        prepared = self.steps["prepare"]["detail"]["branch"]
        state = self.repository.state()
        branch = state.branch
        if branch != prepared:
            gate = Gate(
                "branch",
                False,
                f"The release was prepared on {prepared or 'no branch'}, and "
                f"{branch or 'none'} is checked out.",
                f"git switch {words_of([prepared])}" if prepared else "git switch --detach COMMIT",
            )
            raise release_gates.unmet([gate], self.release["version"])
        return state

    # Units

    def _fail(self, name: str, error: CleoError, detail: Mapping[str, Any]) -> NoReturn:
        """Note a step's failure, and raise it."""
        self._write(name, "failed", Outcome({**detail, "error": redact(error.message)}))
        raise error

    def _write(self, name: str, status: str, given: Outcome | Settling) -> None:
        """Set a step's status and the release's columns in one unit."""
        release, step = self.release, self.steps[name]

        def body(work: Work) -> tuple[Row, Row]:
            outcome = given if isinstance(given, Outcome) else given(work)
            starts = status == "running"
            new_step = {
                "step": name,
                "status": status,
                "attempt": step["attempt"] + (1 if starts else 0),
                "started_at": work.now if starts else step["started_at"],
                "finished_at": None if starts else work.now,
                "detail": outcome.detail,
            }
            columns = dict(outcome.columns)
            if outcome.stamp is not None:
                columns[outcome.stamp] = work.now
            if not releases.update(work, release["id"], release["row_version"], columns):
                raise moved_on(releases.get(work, release["id"]), release)
            releases.set_step(work, release["id"], new_step)
            entry = work.note(
                "release",
                release["id"],
                {**{one: release[one] for one in columns}, "steps": {name: step["status"]}},
                {**columns, "steps": {name: status}},
            )
            entry.forced, entry.reason = outcome.forced is not None, outcome.forced
            row = releases.get(work, release["id"])
            assert row is not None
            return row, new_step

        self.release, self.steps[name] = self.verbs.write(f"release.{name}", body)


def _nothing(step: Row) -> dict[str, Any]:
    return {}
