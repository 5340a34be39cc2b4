"""Every way a command can end: exit codes, symbolic codes, the one exception that has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar


class ExitCode:
    """The exit codes that core itself gives. Stable: a number never changes its meaning."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    NOT_INITIALIZED = 3
    NOT_FOUND = 4
    DEPENDENCY = 5
    VALIDATION = 6
    CONTENTION = 7
    CONFIGURATION = 8
    CONCURRENT_MODIFICATION = 21
    STORE_BEHIND = 50
    STORE_AHEAD = 51
    STORE_FOREIGN = 52
    STORE_CORRUPT = 53
    MIGRATION_FAILED = 54
    BACKUP_FAILED = 60
    NO_BACKUP = 61
    BACKUP_CORRUPT = 62
    RESTORE_REFUSED = 63
    RESTORE_PENDING = 64
    BUNDLE_DECRYPT = 65
    STORE_IN_USE = 66
    BUNDLE_INVALID = 67
    DATA_EXISTS = 68
    NO_SPACE = 69
    NOTHING = 100
    NO_CHANGE = 102
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143


#: The fix of a value that no other helps with; a run of the command line names its own command.
GENERAL_HELP = "cleo --help"

#: code -> (exit, cause, the fix that is offered when the raiser knows no better one).
#: The page docs/errors.md is made from this table.
CODES: Mapping[str, tuple[int, str, str]] = {
    "E_UNEXPECTED": (
        1,
        "Something failed that CLEO did not foresee.",
        "cleo doctor",
    ),
    "E_USAGE": (2, "The command line could not be understood.", GENERAL_HELP),
    "E_CONFIRMATION_NEEDED": (2, "The command destroys or sends something.", "--yes"),
    "E_AGENT_REQUIRED": (2, "The command acts for an agent and none was named.", "--agent ID"),
    "E_NOT_INITIALIZED": (3, "No CLEO project was found here.", "cleo init"),
    "E_INVALID_PROJECT_ROOT": (
        3,
        "Only directories without a valid project marker were found.",
        "cleo init",
    ),
    "E_WORKTREE": (
        3,
        "A project directory inside a git worktree would split the data.",
        "the same command with --project MAIN_ROOT",
    ),
    "E_LOCATION_REFUSED": (3, "A project cannot live in this directory.", "cleo init --path DIR"),
    "E_WAL_REFUSED": (
        3,
        "The file system did not accept write-ahead logging.",
        "cleo doctor --only store.pragmas",
    ),
    "E_DISK_FULL": (
        3,
        "No space was left for the write; nothing was changed.",
        "cleo doctor --only paths.space",
    ),
    "E_IO": (3, "The operating system refused to read or write a file.", "cleo doctor"),
    "E_PERMISSION_FS": (
        3,
        "A file or directory may not be read or written.",
        "cleo doctor --only paths.mode",
    ),
    "E_TEST_ROOT": (3, "A path outside CLEO_TEST_ROOT was asked for.", "unset CLEO_TEST_ROOT"),
    "E_NOT_FOUND": (4, "What was named does not exist.", "the list verb of that noun"),
    "E_PLUGIN_MISSING": (5, "The command belongs to a plugin that is not installed.", "pip"),
    "E_PLUGIN_QUARANTINED": (5, "The plugin could not be used.", "cleo plugins"),
    "E_EXTRA_MISSING": (5, "An optional dependency is not installed.", "pip"),
    "E_REFERENCE_UNKNOWN": (
        5,
        "Whether a referenced id exists could not be found out, and strictness was asked for.",
        "cleo config set references.strict false",
    ),
    "E_VALIDATION": (6, "A value is not acceptable.", GENERAL_HELP),
    "E_REFERENCE": (6, "A referenced id does not exist.", "the list verb of that noun"),
    "E_GUARD": (6, "A plugin refused the change.", "cleo plugins"),
    "E_IDEMPOTENCY_MISMATCH": (
        6,
        "The idempotency key was used before with other arguments.",
        "a new --idempotency-key",
    ),
    "E_CHECKS_FAILED": (6, "A check found something.", "cleo doctor"),
    "E_WRITE_CONTENTION": (7, "Other writers held the file for too long.", "the same command"),
    "E_LOCK_TIMEOUT": (
        7,
        "Another process held the lock for too long.",
        "cleo doctor --only locks.held",
    ),
    "E_CONFIG": (8, "A configuration key or value is not valid.", "cleo config validate"),
    "E_NO_HOME": (8, "No home directory is set.", "export HOME=…"),
    "E_PATH_OVERRIDE": (8, "An environment variable holds an unusable path.", "cleo config path"),
    "E_CONCURRENT_MODIFICATION": (
        21,
        "The row changed since it was read.",
        "the show verb, then the command again",
    ),
    "E_STORE_BEHIND": (50, "The store's schema is older than the program.", "cleo migrate"),
    "E_STORE_AHEAD": (51, "The store's schema is newer than the program.", "pip install -U"),
    "E_STORE_FOREIGN": (52, "The file belongs to something else.", "cleo stores"),
    "E_STORE_CORRUPT": (53, "The file is damaged.", "cleo restore latest --store NAME"),
    "E_MIGRATION_FAILED": (
        54,
        "A migration failed; file and version are as before.",
        "cleo migrate --dry-run",
    ),
    "E_BACKUP_FAILED": (60, "The verified copy could not be made.", "cleo doctor"),
    "E_ARCHIVE_FAILED": (
        60,
        "The archive could not be written, or its rows not deleted; they are kept.",
        "df -h .",
    ),
    "E_NO_BACKUP": (61, "There is no backup set that holds what is wanted.", "cleo backup create"),
    "E_BACKUP_CORRUPT": (
        62,
        "A backup set is damaged, or lacks what there is to keep.",
        "cleo backup verify --all",
    ),
    "E_RESTORE_REFUSED": (63, "Nothing can be restored there; nothing was changed.", "cleo doctor"),
    "E_RESTORE_PENDING": (
        64,
        "A restore was interrupted after it had begun to replace files.",
        "cleo doctor --fix",
    ),
    "E_BUNDLE_DECRYPT": (
        65,
        "The passphrase of the bundle is wrong, or its bytes were changed, cut or reordered.",
        "the same command with the passphrase that the bundle was made with",
    ),
    "E_STORE_IN_USE": (
        66,
        "Another process uses the file; nothing was changed.",
        "the same command once the other process has ended",
    ),
    "E_BUNDLE_INVALID": (
        67,
        "The file is no bundle, or holds what no bundle may hold; nothing was written.",
        "cleo backup export FILE",
    ),
    "E_DATA_EXISTS": (
        68,
        "There is data here that an import would replace; nothing was changed.",
        "the same command with --force (what is here is kept in a backup set)",
    ),
    "E_NO_SPACE": (69, "Less space is free than the operation needs.", "cleo backup prune"),
    "E_NOTHING": (100, "There is nothing to show.", GENERAL_HELP),
    "E_NO_CHANGE": (102, "The state asked for already holds.", "the show verb of that noun"),
}


#: Characters of a message or a fix; several problems in one message come near to it.
_LONGEST = 4000


def shortened(text: str, most: int = 80) -> str:
    """A text as a message repeats it, which must not be as long as what was given."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def echoed(value: object) -> str:
    """A caller's value, quoted, as a message repeats it."""
    if isinstance(value, str):
        return repr(shortened(value))
    try:
        return shortened(repr(value))
    except ValueError:
        # Python writes out no integer of more than some thousand digits.
        return type(value).__name__


class CleoError(Exception):
    """An error that a user meets: one symbolic code, one exit, one sentence, one way out.

    :param code: a key of :data:`CODES` or of the subclass's own :attr:`codes`.
    :param message: one clear sentence.
    :param fix: a command to run.
    :param details: JSON-ready facts, shown in the envelope.

    A plugin subclasses this with its own ``codes`` (code -> (exit, cause, fix)).
    """

    codes: ClassVar[Mapping[str, tuple[int, str, str]]] = {}

    def __init__(
        self,
        code: str,
        message: str,
        *,
        fix: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        exit_code, _, usual_fix = self.codes.get(code) or CODES[code]
        self.code = code
        self.exit = exit_code
        self.message = message
        self.fix = usual_fix if fix is None else fix
        self.details = dict(details) if details else {}
        #: Prints for people what was found, before the error itself; given an output.Printer.
        self.human: Callable[[Any], None] | None = None

    def settle(self, help_: str) -> None:
        """Make the error fit to be printed.

        The command's own help takes the place of the general one, in the problems too; what would
        repeat a value of any length is cut, here for those who raised it without a thought of that.

        :param help_: the help of the command that failed.
        """
        self.message = shortened(self.message, _LONGEST)
        self.details = {
            name: shortened(value, _LONGEST) if isinstance(value, str) else value
            for name, value in self.details.items()
        }
        if len(self.fix) > _LONGEST:
            self.fix = help_
        problems = self.details.get("problems")
        if isinstance(problems, list):
            for problem in problems:
                if isinstance(problem, dict) and problem.get("fix") == GENERAL_HELP:
                    problem["fix"] = help_
        if self.fix == GENERAL_HELP:
            self.fix = help_

    def as_problem(self, field: str | None = None) -> dict[str, Any]:
        """The shape that ``details.problems`` lists: field, code, exit, message, fix."""
        return {
            "field": field,
            "code": self.code,
            "exit": self.exit,
            "message": self.message,
            "fix": self.fix,
        }


class UsageError(CleoError):
    """Exit 2: the caller's words are wrong."""

    def __init__(self, message: str, *, fix: str | None = None, **details: Any) -> None:
        super().__init__("E_USAGE", message, fix=fix, details=details)


class NotFoundError(CleoError):
    """Exit 4: what was named does not exist."""

    def __init__(self, message: str, *, fix: str | None = None, **details: Any) -> None:
        super().__init__("E_NOT_FOUND", message, fix=fix, details=details)


class ValidationError(CleoError):
    """Exit 6: a value is not acceptable."""

    def __init__(self, message: str, *, fix: str | None = None, **details: Any) -> None:
        super().__init__("E_VALIDATION", message, fix=fix, details=details)


class StoreError(CleoError):
    """A store file is behind, ahead, foreign, damaged or out of reach; ``code`` says which."""
