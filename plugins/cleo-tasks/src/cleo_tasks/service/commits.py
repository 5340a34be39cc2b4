"""Commits of the project, asked of git."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cleo_core import git

#: What a commit is named by: digits of its hash, or the one that is checked out.
NAME = re.compile(r"[0-9a-fA-F]{4,64}\Z|HEAD\Z")
TIMEOUT = 10.0

#: No replaced objects, and no fetching of objects that a partial clone lacks.
_SETTINGS = {
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
}


def full_hashes(root: str, names: Sequence[str], env: Mapping[str, str]) -> dict[str, str | None]:
    """The whole hash of each named commit, or None where there is no such commit.

    :param root: a directory in the work tree.
    :param names: as :data:`NAME` has them.
    :param env: the environment.
    :raises OSError: git cannot be run, or says why it cannot answer.
    """
    asked = list(dict.fromkeys(names))
    done = git.run(
        *("cat-file", "--batch-check"),
        cwd=root,
        env=env,
        settings=_SETTINGS,
        timeout=TIMEOUT,
        input="".join(f"{name}^{{commit}}\n" for name in asked).encode("ascii"),
    )
    if not done.started:
        raise OSError(f"git cannot be run: {done.words}")
    if done.code is None:
        raise OSError(f"git did not answer within {TIMEOUT:g} seconds")
    answers = done.out.decode("ascii", "replace").splitlines()
    if done.code != 0 or len(answers) != len(asked):
        words = done.err.decode("utf-8", "replace").strip().splitlines()
        raise OSError(words[0] if words else f"git {done.end}")
    return {name: _hash(name, answer) for name, answer in zip(asked, answers, strict=True)}


def _hash(name: str, answer: str) -> str | None:
    """The hash in ``<hash> commit <size>``, if it is the one that was named."""
    found, _, rest = answer.partition(" ")
    if not rest.startswith("commit "):
        return None
    # A branch or tag whose name looks like a hash leads elsewhere.
    return found if name == "HEAD" or found.startswith(name.lower()) else None
