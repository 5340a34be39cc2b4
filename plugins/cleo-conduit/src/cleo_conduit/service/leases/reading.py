"""``list`` and ``check``: who keeps others off what."""

from __future__ import annotations

import os
from typing import TypeAlias

from cleo_conduit import globs
from cleo_conduit.records.leases import Lease, LeaseCheck
from cleo_conduit.service import fields
from cleo_conduit.service.acting import acting
from cleo_conduit.service.leases.judging import as_lease, judge, refusal
from cleo_conduit.service.leases.places import Place, Tree, several
from cleo_conduit.service.work import Verbs
from cleo_conduit.store import leases
from cleo_core import clock, git
from cleo_core.errors import CleoError, UsageError, ValidationError
from cleo_core.output import Page
from cleo_core.programs import Finished

#: Seconds for a command of git that looks.
LOOK = 60.0
Leases: TypeAlias = list[Lease]
Texts: TypeAlias = list[str]


class ReadVerbs(Verbs):
    """Leases as they are; nothing is written."""

    def check(self, *paths: str, staged: bool = False) -> LeaseCheck:
        """Whether no other agent holds an exclusive lease over paths.

        Where nobody is named who acts, every lease is another's.

        :param paths: below the project's root; a directory stands for all that is in it.
        :param staged: what is staged for git's next commit, too.
        :raises ConduitError: 97, with every conflict in ``details``; 99, see :func:`acting`.
        :raises UsageError: 2, a path leads out of the project, or nothing is to be looked at.
        :raises ValidationError: 6, the project is in no git work tree.
        """
        tree = Tree.of(self.app.project.root)
        wanted: list[Place] = []
        if fields.flag(staged, "staged"):
            wanted += [Place("file", globs.literal(path), path) for path in _staged(self, tree)]
        elif not paths:
            raise UsageError("Paths are needed, or --staged.", fix="cleo lease check --staged")
        if paths:
            wanted += [place for path in several(paths, "A path") for place in tree.path(path)]
        me = self._reader()
        conflicts = judge(self.db, me, wanted, "shared", clock.now())
        if conflicts:
            raise refusal(conflicts, "cleo lease list")
        return LeaseCheck(list(dict.fromkeys(_shown(place.given) for place in wanted)), [])

    def list(self, *, limit: int | None = None, offset: int = 0) -> tuple[Leases, Page]:
        """The leases that hold others off, by fence, and where they stand in the whole.

        :raises UsageError: limit or offset are out of range.
        """
        most, start = self.page(limit, offset)
        self._reader()
        now = clock.now()
        found = leases.page(self.db, now, limit=most, offset=start)
        return [as_lease(row) for row in found], Page(most, start, leases.count(self.db, now))

    def _reader(self) -> str | None:
        return None if self.app.agent is None else acting(self.app, self.db).agent_id


def _staged(verbs: Verbs, tree: Tree) -> Texts:
    """Paths below the project's root that the next commit changes."""
    env = verbs.app.env
    found = git.run("rev-parse", "--absolute-git-dir", cwd=tree.top, env=env, timeout=LOOK)
    if found.code != 0:
        raise _failed(tree, found)
    directory = os.fsdecode(found.out).rstrip("\n")
    # While `git commit -a` or `git commit FILE` runs a hook, the index is another file of the
    # repository; anything else that the variable may name is not what will be committed.
    index = os.path.abspath(env.get("GIT_INDEX_FILE") or os.path.join(directory, "index"))
    own = os.path.realpath(os.path.dirname(index)) == os.path.realpath(directory)
    done = git.run(
        *("--no-optional-locks", "diff", "--cached", "--name-only", "-z", "--no-renames"),
        *("--ignore-submodules=none", "--relative", "--"),
        cwd=tree.top,
        env=env,
        timeout=LOOK,
        settings={"GIT_INDEX_FILE": index} if own else None,
    )
    if done.code != 0:
        raise _failed(tree, done)
    return [os.fsdecode(path) for path in dict.fromkeys(done.out.split(b"\0")) if path]


def _failed(tree: Tree, done: Finished) -> CleoError:
    message = f"git cannot say what is staged in {tree.top}: {done.words or done.end}"
    if done.code is None:
        return CleoError("E_IO", message, fix="git --version")
    return ValidationError(message, fix="cleo lease check PATH")


def _shown(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
