"""The files of architecture decisions: ``adrs/ADR-NNN-slug.md`` in the project directory.

A linked git work tree has the directory of its main one, as it has its stores. Nothing that leads
out of the project is read, and no file that is there is ever replaced.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import CleoError, ValidationError
from cleo_core.paths import atomic_write, check_test_root, ensure_directory, read_bounded
from cleo_core.paths.files import file_error, give_name, quoted, sync_directory
from cleo_tasks.adr_ids import MAX_DIGITS, adr_id
from cleo_tasks.service.adr_text import Finding, Header, read_header
from cleo_tasks.service.slugs import slug_of

if TYPE_CHECKING:
    from cleo_core.api import Project

FOLDER = "adrs"
#: Bytes of a file that is read: a decision is a text to be read by people.
MOST_BYTES = 4 * 1024 * 1024

_NAME = re.compile(rf"ADR-(\d{{1,{MAX_DIGITS}}})(?:-.*)?\.md\Z", re.IGNORECASE | re.DOTALL)
#: Files that may lie beside the decisions.
_OTHERS = frozenset({"readme.md", "index.md", "template.md"})


@record
class Document(Declared):
    """One file that was read whole.

    ``path``: relative to the project's root, with ``/``. ``sha256``: of its bytes.
    """

    number: int
    path: str
    content: str
    sha256: str
    header: Header

    @property
    def id(self) -> str:
        """The decision's id, which the file's name gives."""
        return adr_id(self.number)


@record
class Tree(Declared):
    """What the directory holds.

    ``unread``: numbers whose file is there and could not be read, so that nothing is known of it.
    ``findings``: (path, finding) of whole files. ``taken``: every number that a name has.
    """

    documents: list[Document]
    unread: set[int]
    findings: list[tuple[str, Finding]]
    taken: set[int]


def read_tree(project: Project) -> Tree:
    """Read every decision of a project.

    :raises CleoError: two files have one number, or a file has no title: 6, all of them named with
        file and line; the directory is out of reach (3) or leads out of the project (6).
    """
    from cleo_tasks.errors import several

    folder = _folder(project)
    tree = Tree([], set(), [], set())
    named: dict[int, list[str]] = {}
    problems: list[tuple[str | None, CleoError]] = []
    for name in _names(folder):
        path = _shown(project, name)
        found = _NAME.match(name)
        if found is None:
            tree.findings.append((path, _misnamed()))
            continue
        number = int(found[1])
        tree.taken.add(number)
        named.setdefault(number, []).append(path)
        document = _read(project, folder, name, number)
        if isinstance(document, Finding):
            tree.unread.add(number)
            tree.findings.append((path, document))
        elif document.header.title is None:
            problems.append(_untitled(document))
        else:
            tree.documents.append(document)
    highest = max(tree.taken, default=0)
    problems += [_twice(number, paths, highest) for number, paths in named.items() if paths[1:]]
    if problems:
        error = several(problems)
        if problems[1:]:
            error.fix = "cleo adr sync, once these files are corrected"
        raise error
    return tree


def document(project: Project, number: int, name: str, content: str) -> Document:
    """A text as :func:`read_tree` would give it if it stood in a file of that name."""
    import hashlib

    digest = hashlib.sha256(content.encode()).hexdigest()
    return Document(number, _shown(project, name), content, digest, read_header(content))


def write_new(project: Project, name: str, content: str) -> str | None:
    """Put a new decision into its file, whole or not at all.

    :returns: the file's absolute path; None where something has that name.
    :raises CleoError: the directory leads out of the project (6); the system refuses (3).
    """
    ensure_directory(os.path.join(project.directory, FOLDER))
    folder = _folder(project)
    path = os.path.join(folder, name)
    temporary = os.path.join(folder, f".{name}.{os.urandom(6).hex()}.new")
    check_test_root(path)
    try:
        try:
            atomic_write(temporary, content.encode())
            # A link that is there counts as a name that is taken, wherever it leads.
            if os.path.lexists(path) or not give_name(temporary, path):
                return None
        finally:
            if os.path.lexists(temporary):
                os.unlink(temporary)
        sync_directory(folder)
    except OSError as error:
        raise file_error(error, path) from error
    return path


def file_name(number: int, title: str) -> str:
    """``ADR-012-what-was-decided.md``."""
    return f"{adr_id(number)}-{slug_of(title) or 'decision'}.md"


def _folder(project: Project) -> str:
    """The real path of the directory.

    :raises CleoError: it is a link that leads out of the project.
    """
    own = os.path.realpath(project.directory)
    folder = os.path.realpath(os.path.join(own, FOLDER))
    check_test_root(folder)
    if not _inside(folder, own) and not _inside(folder, os.path.realpath(project.root)):
        raise ValidationError(
            f"{os.path.join(project.directory, FOLDER)} leads out of the project, to {folder}.",
            fix=f"ls -l {quoted(project.directory)}",
        )
    return folder


def _inside(path: str, directory: str) -> bool:
    return path == directory or path.startswith(os.path.join(directory, ""))


def _names(folder: str) -> Iterator[str]:
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return
    except OSError as error:
        raise file_error(error, folder) from error
    for name in names:
        text = name.lower()
        if text.endswith(".md") and not text.startswith(".") and text not in _OTHERS:
            yield name


def _shown(project: Project, name: str) -> str:
    path = os.path.relpath(os.path.join(project.directory, FOLDER, name), project.root)
    return path.replace(os.sep, "/")


def _read(project: Project, folder: str, name: str, number: int) -> Document | Finding:
    """A file's text and header, or why it could not be read."""
    real = os.path.realpath(os.path.join(folder, name))
    if not _inside(real, folder) and not _inside(real, os.path.realpath(project.root)):
        return _unread("it is a link that leads out of the project")
    try:
        name.encode()
        data = read_bounded(real, MOST_BYTES, follow=False)
    except UnicodeEncodeError:
        return _unread("its name is not UTF-8")
    except ValueError:
        return _unread("it is no regular file")
    except OSError as error:
        return _unread((error.strerror or "the system refuses").lower())
    if len(data) > MOST_BYTES:
        return _unread(f"it has more than {MOST_BYTES} bytes")
    try:
        content = data.decode()
    except UnicodeDecodeError as error:
        return _unread("it is not UTF-8", data.count(b"\n", 0, error.start) + 1)
    if "\0" in content:
        return _unread(
            "it contains a NUL character", content.count("\n", 0, content.index("\0")) + 1
        )
    found = document(project, number, name, content)
    own = found.header.number
    if own is not None and own != number:
        found.header.find(
            found.header.title_line,
            "W_ADR_NAME",
            f"the title says ADR-{own:03d}" if own >= 0 else "the title has another number",
        )
    return found


def _unread(reason: str, line: int = 1) -> Finding:
    return Finding(line, "W_ADR_UNREAD", f"the file was not read: {reason}")


def _misnamed() -> Finding:
    return Finding(1, "W_ADR_NAME", "the file was not read: its name is not ADR-NNN-slug.md")


def _untitled(found: Document) -> tuple[str, CleoError]:
    line = found.header.title_line
    where = f"{found.path}:{line}"
    return found.path, ValidationError(
        f"{where}: there is no title; the first heading of level 1 is it.",
        fix=f"the line `# {found.id}: TITLE` at the top of {found.path}, then cleo adr sync",
        file=found.path,
        line=line,
    )


def _twice(number: int, paths: list[str], highest: int) -> tuple[str, CleoError]:
    where = f"{paths[1]}:1"
    free = os.path.basename(paths[1])[4:].lstrip("0123456789")
    to = f"{os.path.dirname(paths[1])}/{adr_id(highest + 1)}{free}"
    return paths[1], ValidationError(
        f"{where}: {adr_id(number)} is the number of {' and '.join(paths)}.",
        fix=f"mv {quoted(paths[1])} {quoted(to)}",
        file=paths[1],
        line=1,
        files=paths,
    )
