"""The migration files of a store: their order, their checksums, and what they must not say."""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Iterator
from importlib.util import find_spec

from alembic.script import Script, ScriptDirectory

from cleo_core.api import Plan, StoreSpec
from cleo_core.errors import CleoError, StoreError
from cleo_core.migrate.sql import Token, tokens, words_at

_ENVIRONMENT = os.path.join(os.path.dirname(os.path.dirname(__file__)), "_alembic")

_FORBIDDEN = (
    (("or", "ignore"), "OR IGNORE loses rows unseen; move_rows counts them"),
    (("do", "nothing"), "DO NOTHING loses rows unseen; move_rows counts them"),
    (("if", "exists"), "IF EXISTS hides that a file is not what it should be"),
    (("if", "not", "exists"), "IF NOT EXISTS hides that a file is not what it should be"),
)


def plan(spec: StoreSpec, revision: str | None) -> Plan:
    """The revisions between one and the head, oldest first.

    :param revision: where to start; None for an empty file.
    :raises StoreError: ``E_STORE_FOREIGN``, the store's migrations have no such revision.
    :raises CleoError: ``E_MIGRATION_FAILED``, they are no single line that ends at the head.
    """
    steps = lineage(spec)
    if revision is not None:
        if revision not in steps:
            raise StoreError(
                "E_STORE_FOREIGN",
                f"Revision {revision} is not one of the migrations of store {spec.name}.",
                fix=f"cleo stores {spec.name}",
                details={"store": spec.name, "revision": revision, "head": spec.head},
            )
        steps = steps[steps.index(revision) + 1 :]
    return Plan(spec.name, revision, spec.head, tuple(steps))


def lineage(spec: StoreSpec) -> list[str]:
    """Every revision of a store, oldest first.

    :raises CleoError: ``E_MIGRATION_FAILED``, they are no single line that ends at the head.
    """
    return [script.revision for script in _scripts(spec)]


def script_directory(spec: StoreSpec) -> ScriptDirectory:
    """alembic's view of a store's migrations, with the one environment of all stores."""
    return ScriptDirectory(
        _ENVIRONMENT, version_locations=[_versions(spec)], messaging_opts={"quiet": True}
    )


def checksums(spec: StoreSpec) -> dict[str, str]:
    """Revision -> SHA-256 of its file, oldest first; line ends do not count."""
    found = {}
    for script in _scripts(spec):
        with open(script.path, "rb") as file:
            content = file.read().replace(b"\r\n", b"\n")
        found[script.revision] = hashlib.sha256(content).hexdigest()
    return found


def offences(spec: StoreSpec) -> list[str]:
    """What a store's migrations say and must not, one sentence each.

    Looked for in every string but docstrings: ``OR IGNORE`` and ``DO NOTHING``, which lose rows
    without a word; ``IF EXISTS`` and ``IF NOT EXISTS``, which hide that a file is not what it
    should be; a RAISE whose message is an expression, which some SQLite builds call malformed.
    """
    found = []
    for script in _scripts(spec):
        with open(script.path, encoding="utf-8") as file:
            tree = ast.parse(file.read())
        name = os.path.basename(script.path)
        found += [
            f"{name}, line {line}: {offence}."
            for line, text in _strings(tree)
            for offence in _offences(tokens(text))
        ]
    return found


def new_migration(spec: StoreSpec, message: str) -> str:
    """Write an empty migration that follows the newest one.

    :param message: a few words, which become part of the file's name.
    :returns: the path of the new file.
    """
    directory = script_directory(spec)
    number = max((int(name.rpartition("_")[2]) for name in directory.get_heads()), default=0) + 1
    revision = f"{spec.name}_{number:04d}"
    made = directory.generate_revision(revision, message)
    assert made is not None
    return str(made.path)


def _scripts(spec: StoreSpec) -> list[Script]:
    directory = script_directory(spec)
    try:
        found = list(directory.walk_revisions())[::-1]
    except Exception as error:
        # alembic imports the plugin's files here, and they may raise anything.
        raise _no_line(spec, str(error) or type(error).__name__) from error
    previous = None
    for script in found:
        if script.down_revision != previous:
            raise _no_line(spec, f"{script.revision} follows {script.down_revision}")
        previous = script.revision
    if previous != spec.head:
        raise _no_line(spec, f"they end at {previous}")
    return found


def _no_line(spec: StoreSpec, fact: str) -> CleoError:
    return CleoError(
        "E_MIGRATION_FAILED",
        f"The migrations of store {spec.name} are no single line that ends at {spec.head}: {fact}.",
        fix="cleo plugins",
        details={"store": spec.name, "head": spec.head, "migrations": spec.migrations},
    )


def _versions(spec: StoreSpec) -> str:
    """The folder of a store's migration files.

    :raises CleoError: ``E_MIGRATION_FAILED``, the package is not there.
    """
    package = find_spec(spec.migrations)
    for location in (package and package.submodule_search_locations) or ():
        folder = os.path.join(location, "versions")
        if os.path.isdir(folder):
            return folder
    raise CleoError(
        "E_MIGRATION_FAILED",
        f"The migrations of store {spec.name} are not installed: {spec.migrations} has no folder "
        "named versions.",
        fix="cleo plugins",
        details={"store": spec.name, "migrations": spec.migrations},
    )


def _strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of every string of a module; what an f-string fills in reads as a word."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
            yield (
                node.lineno,
                "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "filled"
                    for part in node.values
                ),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def _offences(found: list[Token]) -> Iterator[str]:
    for index in range(len(found)):
        for words, offence in _FORBIDDEN:
            if words_at(found, index, *words):
                yield offence
        if words_at(found, index, "raise") and not _is_literal_raise(found[index + 1 : index + 6]):
            yield "the message of RAISE must be one literal"


def _is_literal_raise(found: list[Token]) -> bool:
    """Whether tokens read ``(ABORT, 'message')`` or ``(IGNORE)``, or begin no call at all."""
    values = [token.value for token in found]
    if values[:1] != ["("] or values[:2] == ["(", "ignore"]:
        return True
    return len(found) == 5 and found[3].kind == "text" and values[4] == ")"
