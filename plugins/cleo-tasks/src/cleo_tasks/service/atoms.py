"""What is shown as evidence for a gate: atoms, as words and as what was read of them.

CLEO reads, hashes and asks git; it runs no tool and opens no address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cleo_core import inputs
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import UsageError, ValidationError
from cleo_tasks.errors import TasksError
from cleo_tasks.service import commits, evidence, fields, reports

#: Kind of atom -> how one is written.
EXAMPLES = {
    "commit": "commit:SHA",
    "files": "files:PATH,PATH",
    "test-run": "test-run:PATH",
    "tool": "tool:NAME=EXIT",
    "url": "url:https://HOST/PATH",
    "note": "note:TEXT",
}
#: Gate -> the kinds of which a pass needs one.
NEEDED = {
    "implemented": ("commit", "files"),
    "testsPassed": ("test-run", "tool"),
    "qaPassed": ("tool", "test-run", "note"),
    "documented": ("files", "url"),
    "securityPassed": ("tool", "test-run", "note"),
    "cleanupDone": ("files", "note"),
}
MOST_ATOMS = 100
MOST_CHARACTERS = 4000
MOST_FILES = 1000

_EXIT = re.compile(r"-?[0-9]{1,10}\Z")

Entries = list[dict[str, Any]]


@record
class Atom(Declared):
    """One atom as it was given; ``values``: its paths, its name and exit code, or its text."""

    text: str
    kind: str
    values: tuple[str, ...]


class _NoEvidenceError(Exception):
    """Why an atom shows nothing, as the end of a sentence about it."""


def parse(given: Any) -> list[Atom]:
    """Atoms, each once.

    :raises UsageError: one of them is not written as :data:`EXAMPLES` has them.
    """
    texts = list(dict.fromkeys(inputs.as_filter(_texts, given)))
    if len(texts) > MOST_ATOMS:
        raise UsageError(
            f"{len(texts)} pieces of evidence are too many; {MOST_ATOMS} are allowed.",
            fix="--evidence files:PATH,PATH",
        )
    atoms = [_parsed(text) for text in texts]
    files = sum(len(atom.values) for atom in atoms if atom.kind == "files")
    if files > MOST_FILES:
        raise UsageError(
            f"{files} files are too many as evidence; {MOST_FILES} are allowed.",
            fix="--evidence commit:SHA",
        )
    return atoms


def needed_for(gate: str) -> str:
    """``commit:SHA or files:PATH,PATH``: what a pass of a gate needs."""
    return " or ".join(EXAMPLES[kind] for kind in NEEDED[gate])


def suffice(gate: str, atoms: Iterable[Atom]) -> bool:
    """Whether one of the atoms is of a kind that a pass of the gate needs."""
    return any(atom.kind in NEEDED[gate] for atom in atoms)


def examined(
    root: str, atoms: Sequence[Atom], *, env: Mapping[str, str], passing: bool, fix: str
) -> Entries:
    """What is read of the atoms, for the record.

    :param root: the project's root in the work tree at hand.
    :param env: the environment, for git.
    :param passing: refuse also what shows a failure: an exit code, a failed test.
    :param fix: for the error.
    :returns: an object for each atom (for ``files`` one for each path): ``atom``, its kind, and
        ``sha``; ``path`` and ``sha256``, for a test run with ``format`` and the counts ``tests``,
        ``passed``, ``failed``, ``errors``, ``skipped``; ``name`` and ``exit``; ``url``; ``text``.
    :raises TasksError: ``E_EVIDENCE`` (41), one of them is missing or unreadable, or shows failure.
    """
    hashes = _hashes_of_commits(root, atoms, env)
    entries: Entries = []
    problems: list[tuple[Atom, str]] = []
    for atom in atoms:
        try:
            if atom.kind == "commit":
                entries.append({"atom": "commit", "sha": _commit(atom.values[0], hashes)})
            else:
                entries += _EXAMINE[atom.kind](root, atom, passing)
        except _NoEvidenceError as error:
            problems.append((atom, str(error)))
    if problems:
        raise _no_evidence(problems, fix)
    return entries


def _texts(given: Any) -> list[str]:
    return fields.entries(given, "evidence")


def _parsed(text: str) -> Atom:
    kind, colon, value = text.strip().partition(":")
    value = value.strip()
    if not colon or kind not in EXAMPLES:
        raise _not_written(text, "begins with " + ", ".join(f"{one}:" for one in EXAMPLES))
    if len(value) > MOST_CHARACTERS and kind != "files":
        raise _not_written(text, f"has at most {MOST_CHARACTERS} characters")
    if not value:
        raise _not_written(text, f"is written {EXAMPLES[kind]}", kind)
    values: tuple[str, ...] = (value,)
    if kind == "files":
        values = tuple(dict.fromkeys(path.strip() for path in value.split(",")))
        if not all(values):
            raise _not_written(text, "names a path between any two commas", kind)
    elif kind == "commit" and not commits.NAME.match(value):
        raise _not_written(text, "names a commit by 4 or more digits of its hash", kind)
    elif kind == "tool":
        name, _, code = (part.strip() for part in value.rpartition("="))
        if not name or not _EXIT.match(code):
            raise _not_written(text, "gives a tool's exit code after =", kind)
        values = (name, code)
    elif kind == "url":
        values = (inputs.as_filter(_address, value),)
    return Atom(text.strip(), kind, values)


def _address(value: str) -> str:
    return fields.address(value, "evidence")


def _not_written(text: str, rule: str, kind: str = "note") -> UsageError:
    return UsageError(
        f"The evidence {text[:80]!r} is not valid: it {rule}.", fix=f"--evidence {EXAMPLES[kind]}"
    )


def _hashes_of_commits(
    root: str, atoms: Iterable[Atom], env: Mapping[str, str]
) -> dict[str, str | None] | OSError:
    """The hashes of all commits that are named, or why git does not tell them."""
    names = [atom.values[0] for atom in atoms if atom.kind == "commit"]
    try:
        return commits.full_hashes(root, names, env) if names else {}
    except OSError as error:
        return error


def _commit(name: str, hashes: dict[str, str | None] | OSError) -> str:
    if isinstance(hashes, OSError):
        raise _NoEvidenceError(f"cannot be looked up: {hashes}")
    found = hashes[name]
    if found is None:
        raise _NoEvidenceError("is no commit of this repository")
    return found


def _files(root: str, atom: Atom, passing: bool) -> Entries:
    entries = []
    missing = []
    for path in atom.values:
        try:
            named, digest = evidence.hashed(root, path)
        except ValidationError as error:
            missing.append(error.message)
        else:
            entries.append({"atom": "files", "path": named, "sha256": digest})
    if missing:
        raise _NoEvidenceError("is not there to be read: " + " ".join(missing).rstrip("."))
    return entries


def _test_run(root: str, atom: Atom, passing: bool) -> Entries:
    import hashlib

    from cleo_core.paths.files import read_bounded

    try:
        named, real = evidence.located(root, atom.values[0])
        data = read_bounded(real, reports.MOST_BYTES)
    except ValidationError as error:
        raise _NoEvidenceError("is not there to be read: " + error.message.rstrip(".")) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _NoEvidenceError(f"cannot be read: {reason}") from None
    if len(data) > reports.MOST_BYTES:
        raise _NoEvidenceError(f"is larger than the {reports.MOST_BYTES >> 20} MB that are read")
    try:
        report = reports.parse(data)
    except reports.ReportError as error:
        raise _NoEvidenceError(str(error)) from None
    if passing and (problem := report.problem()):
        raise _NoEvidenceError(f"shows no success: {problem}")
    return [
        {
            "atom": "test-run",
            "path": named,
            "sha256": hashlib.sha256(data).hexdigest(),
            "format": report.format,
            "tests": report.tests,
            "passed": report.passed,
            "failed": report.failed,
            "errors": report.errors,
            "skipped": report.skipped,
        }
    ]


def _tool(root: str, atom: Atom, passing: bool) -> Entries:
    name, code = atom.values[0], int(atom.values[1])
    if passing and code:
        raise _NoEvidenceError(f"shows no success: {name} ended with exit code {code}")
    return [{"atom": "tool", "name": name, "exit": code}]


def _url(root: str, atom: Atom, passing: bool) -> Entries:
    return [{"atom": "url", "url": atom.values[0]}]


def _note(root: str, atom: Atom, passing: bool) -> Entries:
    return [{"atom": "note", "text": atom.values[0]}]


_EXAMINE: dict[str, Callable[[str, Atom, bool], Entries]] = {
    "files": _files,
    "test-run": _test_run,
    "tool": _tool,
    "url": _url,
    "note": _note,
}


def _no_evidence(problems: Sequence[tuple[Atom, str]], fix: str) -> TasksError:
    """One error for all atoms that show nothing."""
    sentences = [f"The evidence {atom.text[:200]!r} {reason}." for atom, reason in problems]
    return TasksError(
        "E_EVIDENCE",
        " ".join(sentences),
        fix=fix,
        details={"evidence": [atom.text for atom, _ in problems]},
    )
