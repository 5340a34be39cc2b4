"""The git repository around a project, and the few things that a release asks of it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cleo_core import git
from cleo_core.errors import CleoError
from cleo_core.programs import Finished
from cleo_tasks.errors import TasksError
from cleo_tasks.service.evidence import sha256

#: Seconds for a command of git that only looks, for one that runs hooks, for one over the network.
LOOK, HOOKS, NETWORK = 60.0, 1800.0, 600.0

#: Files of a repository that are there while git is in the middle of something.
_UNFINISHED = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}


class Commit(NamedTuple):
    """A commit: its abbreviated name, its subject, and its whole message."""

    short: str
    subject: str
    message: str


class State(NamedTuple):
    """What is checked out, and what differs from it.

    :ivar head: the commit, or None before the first one.
    :ivar branch: None where HEAD is detached.
    :ivar changed: path from the top -> ``tracked``, ``added`` (to the index), ``untracked`` or
        ``submodule``.
    """

    head: str | None
    branch: str | None
    changed: dict[str, str]


class Repository:
    """One work tree of a repository.

    :ivar tree: the project's root in this work tree.
    :ivar top: the work tree's root.
    :ivar prefix: the way from top to tree, empty or ending with ``/``.
    """

    def __init__(
        self, tree: str, env: Mapping[str, str], *, own: str, holds: int | None = None
    ) -> None:
        """
        :param own: name of the directory in ``tree`` that holds CLEO's own files.
        :param holds: see :func:`cleo_core.programs.run`.
        :raises TasksError: ``E_GIT`` (3), there is no git, or no work tree around ``tree``.
        """
        self.tree = tree
        self.env = git.environment(env)
        self.holds = holds
        self.top = tree
        found = self._run("rev-parse", "--show-toplevel", "--absolute-git-dir", "--show-prefix")
        if found.code is None:
            raise TasksError(
                "E_GIT",
                f"git could not be run in {tree}: {found.words}",
                fix="git --version",
            )
        lines = found.out.decode("utf-8", "surrogateescape").split("\n")
        if found.code != 0 or not lines[0]:
            raise TasksError(
                "E_GIT",
                f"{tree} is in no git work tree: {found.words or 'the repository is bare'}",
                fix=_first_steps(tree, found.words),
            )
        self.top = lines[0]
        self._directory, self.prefix = lines[1], lines[2]
        self._own = f"{self.prefix}{own}/"

    # What is there

    def state(self) -> State:
        """What is checked out, and what differs from it.

        Ignored files do not count, nor do CLEO's own ones.

        :raises TasksError: ``E_GIT``, git cannot say.
        """
        done = self._run(
            *("--no-optional-locks", "status", "--porcelain=v2", "--branch", "-z", "--no-renames"),
            *("--untracked-files=all", "--ignore-submodules=untracked"),
        )
        if done.code != 0:
            raise TasksError("E_GIT", f"git status failed: {done.words}", fix="git status")
        about: dict[str, str] = {}
        changed: dict[str, str] = {}
        for entry in done.out.decode("utf-8", "surrogateescape").split("\0"):
            kind, _, rest = entry.partition(" ")
            if kind == "#":
                name, _, about[name] = rest.partition(" ")
                continue
            if kind == "?":
                path, what = rest, "untracked"
            elif kind in ("1", "u"):
                parts = rest.split(" ", 7 if kind == "1" else 9)
                what = "added" if "A" in parts[0] else "tracked"
                path, what = parts[-1], "submodule" if parts[1].startswith("S") else what
            else:
                continue
            if not self._is_own(path):
                changed[path] = what
        head, branch = about["branch.oid"], about["branch.head"]
        return State(
            None if head == "(initial)" else head,
            None if branch == "(detached)" else branch,
            changed,
        )

    def unfinished(self) -> str | None:
        """What git is in the middle of: a merge, a rebase and so on."""
        for name, what in _UNFINISHED.items():
            if os.path.lexists(os.path.join(self._directory, name)):
                return what
        return None

    def fingerprint(self, path: str) -> str | None:
        """What a file holds, as a short text; None where nothing is there.

        :param path: from the top.
        """
        real = os.path.join(self.top, path)
        try:
            mode = os.lstat(real).st_mode
            if stat.S_ISLNK(mode):
                return f"link {os.readlink(real)}"
            if stat.S_ISREG(mode):
                return f"{'x' if mode & stat.S_IXUSR else '-'} {sha256(real)}"
        except OSError:
            return None
        return "no file"

    def signature(self, path: str) -> str:
        """What changes whenever a file is written, even with what it held."""
        try:
            found = os.lstat(os.path.join(self.top, path))
        except OSError:
            return ""
        return f"{found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino} {found.st_size}"

    def is_ignored(self, path: str) -> bool:
        """Whether git would not take a new file of this path."""
        return self._run("check-ignore", "--quiet", "--", path).code == 0

    def identity_problem(self) -> str | None:
        """Why git would not know whose commit it is, or None."""
        done = self._run("var", "GIT_COMMITTER_IDENT")
        return None if done.code == 0 else done.words

    def tag_target(self, name: str) -> str | None:
        """What a tag leads to, or None where there is no such tag."""
        ref = f"refs/tags/{name}"
        text = self._text(
            "for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", "--", ref
        )
        for line in text.split("\n"):
            parts = line.split()
            if parts and parts[0] == ref:
                return parts[-1]
        return None

    def last_tag(self) -> str | None:
        """The nearest tag behind HEAD that looks like a version, or None."""
        return self._one(
            "describe", "--tags", "--abbrev=0", "--match=v[0-9]*", "--match=[0-9]*", "HEAD"
        )

    def commits_since(self, tag: str) -> list[Commit]:
        """The commits of the project since a tag, newest first, without merges."""
        where = ["--", f":(top,literal){self.prefix}"] if self.prefix else []
        text = self._text(
            *("log", "--no-merges", "--no-show-signature", "-z", "--format=%h%n%B"),
            *(f"refs/tags/{tag}..HEAD", *where),
        )
        found = []
        for entry in text.split("\0"):
            short, _, message = entry.strip("\n").partition("\n")
            if short:
                found.append(Commit(short, message.partition("\n")[0], message))
        return found

    def marked(self, trailer: str, base: str, *refs: str | None) -> str | None:
        """The oldest commit after ``base`` whose message has a line that is the trailer.

        :param refs: where to look beside HEAD: branches, if they are there.
        :raises TasksError: ``E_GIT``, git cannot say.
        """
        known = [f"refs/heads/{name}" for name in refs if name]
        done = self._run(
            *("log", "--no-show-signature", "-z", "--reverse", "--fixed-strings"),
            *(f"--grep={trailer}", "--format=%H%n%B", "--ignore-missing"),
            *("HEAD", *known, f"^{base}"),
        )
        if done.code != 0:
            raise TasksError("E_GIT", f"git log failed: {done.words}", fix="git log -1")
        for entry in done.out.decode("utf-8", "replace").split("\0"):
            sha, _, message = entry.strip("\n").partition("\n")
            if trailer in (line.strip() for line in message.split("\n")):
                return sha
        return None

    def has_remote(self, name: str) -> bool:
        """Whether a remote of this name is configured, or the text may be an address itself."""
        return "/" in name or ":" in name or self._run("remote", "get-url", "--", name).code == 0

    def merge_ref(self, branch: str, remote: str) -> str:
        """The branch of a remote that a branch is pushed to, as a whole ref."""
        if self._one("config", "--get", f"branch.{branch}.remote") == remote:
            upstream = self._one("config", "--get", f"branch.{branch}.merge")
            if upstream and upstream.startswith("refs/heads/"):
                return upstream
        return f"refs/heads/{branch}"

    def remote_tag(self, remote: str, name: str) -> tuple[str | None, Finished]:
        """What a remote's tag is there, or None, and how asking it went."""
        ref = f"refs/tags/{name}"
        done = self._run("ls-remote", "--", remote, ref, timeout=NETWORK)
        for line in done.out.decode("utf-8", "replace").split("\n"):
            sha, _, found = line.partition("\t")
            if found == ref:
                return sha, done
        return None, done

    def tag_object(self, name: str) -> str | None:
        """A tag's own object, as a remote would name it."""
        return self._one("rev-parse", "--verify", "--quiet", f"refs/tags/{name}")

    # What is done

    def commit(self, message: str, paths: Sequence[str]) -> Finished:
        """Commit these paths as they are in the work tree and nothing else, whatever is staged.

        No paths make a commit that changes nothing. Hooks run, and it is signed as configured.
        """
        specs = "\0".join(map(_literal, paths)).encode("utf-8", "surrogateescape")
        listed = ("--pathspec-from-file=-", "--pathspec-file-nul")
        if paths:
            # A file that git does not know yet cannot be named; only its name is added.
            added = self._run("add", "--intent-to-add", *listed, input=specs)
            if added.code != 0:
                return added
        return self._run(
            *("commit", "--only", "--cleanup=whitespace", "-m", message),
            *(listed if paths else ("--allow-empty",)),
            input=specs,
            timeout=HOOKS,
            users_own=True,
        )

    def tag(self, name: str, commit: str, message: str) -> Finished:
        """Make an annotated tag, signed as configured."""
        return self._run(
            *("tag", "--annotate", "--cleanup=whitespace", "--file=-", "--", name, commit),
            input=message.encode("utf-8", "replace"),
            timeout=HOOKS,
            users_own=True,
        )

    def push(self, remote: str, refspecs: Sequence[str]) -> Finished:
        """Push all of these or none."""
        return self._run(
            *("push", "--atomic", "--", remote, *refspecs), timeout=NETWORK, users_own=True
        )

    def _is_own(self, path: str) -> bool:
        """Whether CLEO itself keeps this file: all that it has beside decisions."""
        return path.startswith(self._own) and not path.startswith(f"{self._own}adrs/")

    def _one(self, *words: str) -> str | None:
        done = self._run(*words)
        text = done.out.decode("utf-8", "surrogateescape").strip("\n")
        return text if done.code == 0 and text else None

    def _text(self, *words: str) -> str:
        """What a command that looks says; nothing where it fails."""
        done = self._run(*words)
        return done.out.decode("utf-8", "replace") if done.code == 0 else ""

    def _run(
        self, *words: str, input: bytes = b"", timeout: float = LOOK, users_own: bool = False
    ) -> Finished:
        return git.run(
            *words,
            cwd=self.top,
            env=self.env,
            input=input,
            timeout=timeout,
            users_own=users_own,
            holds=self.holds,
        )


def shown(paths: Iterable[str], most: int = 5) -> str:
    """File names as text, the first few of them."""
    names = [os.fsencode(path).decode("utf-8", "backslashreplace") for path in sorted(paths)]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def words_of(paths: Iterable[str]) -> str:
    """File names as words of a command."""
    from shlex import quote

    return " ".join(quote(shown([path])) for path in sorted(paths))


def failed(step: str, what: str, done: Finished, fix: str) -> CleoError:
    """A step's error with what the program said."""
    return TasksError(
        "E_RELEASE_STEP",
        f"{what} {done.end}: {done.words or 'it said nothing'}",
        fix=fix,
        details={"step": step, "exit": done.code, "output": done.words},
    )


def step_error(step: str, message: str, fix: str) -> CleoError:
    """A step's error that is found out by looking."""
    return TasksError("E_RELEASE_STEP", message, fix=fix, details={"step": step})


def _literal(path: str) -> str:
    return f":(top,literal){path}"


def _first_steps(tree: str, words: str) -> str:
    from shlex import quote

    if re.search("dubious ownership", words):
        return f"git config --global --add safe.directory {quote(tree)}"
    return f"git -C {quote(tree)} init"
