"""Running git: where it is told to, without a prompt, with an end in time."""

from __future__ import annotations

from collections.abc import Mapping

from cleo_core import programs
from cleo_core.programs import Finished

#: What speaks of one repository (git-rev-parse(1), ``--local-env-vars``) and what changes how git
#: reads paths and refs: inside a hook, or by mistake, these would lead a command elsewhere.
ELSEWHERE = frozenset(
    (
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_PREFIX"),
        *("GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
        *("GIT_GRAFT_FILE", "GIT_SHALLOW_FILE", "GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE"),
        *("GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_NAMESPACE"),
        *("GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS"),
        *("GIT_ICASE_PATHSPECS", "GIT_INTERNAL_SUPER_PREFIX", "GIT_QUARANTINE_PATH"),
    )
)


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """An environment in which git works where it is told to, and asks nobody anything."""
    kept = {
        name: value
        for name, value in env.items()
        if name not in ELSEWHERE and not name.startswith(("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"))
    }
    return {**kept, "GIT_TERMINAL_PROMPT": "0"}


def run(
    *words: str,
    cwd: str,
    env: Mapping[str, str],
    timeout: float,
    settings: Mapping[str, str] | None = None,
    users_own: bool = False,
    input: bytes = b"",
    holds: int | None = None,
) -> Finished:
    """Run one command of git.

    :param env: the caller's environment, of which :func:`environment` is kept.
    :param settings: variables that are set for this command.
    :param users_own: it runs hooks, signers and the like, which speak the user's language;
        otherwise what git says is English, for a reader that looks for words.
    :param timeout: seconds; see :func:`programs.run`, also for ``input`` and ``holds``.
    """
    plain = {} if users_own else {"LC_ALL": "C"}
    return programs.run(
        ["git", *words],
        cwd=cwd,
        env={**environment(env), **plain, **(settings or {})},
        timeout=timeout,
        input=input,
        holds=holds,
    )
