"""The changelog of a release: the file, and the step that writes its section there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from cleo_core.database import Row
from cleo_core.paths import atomic_write, read_bounded
from cleo_tasks.release_records import Gate
from cleo_tasks.service import changelog, release_gates
from cleo_tasks.service.repository import Repository, shown, words_of

#: Bytes of a changelog that is read.
_MOST = 1 << 24


def path_of(repository: Repository) -> str:
    """Where the changelog is, from the top of the work tree; in whatever case it is written."""
    try:
        names = sorted(os.listdir(repository.tree))
    except OSError:
        names = []
    found = [name for name in names if name.lower() == changelog.NAME.lower()]
    name = changelog.NAME if changelog.NAME in found or not found else found[0]
    return repository.prefix + name


def read(repository: Repository) -> tuple[bytes, str | None]:
    """What the changelog holds, empty where there is none, and why it cannot be used."""
    path = os.path.join(repository.top, path_of(repository))
    if os.path.islink(path):
        return b"", "it is a symbolic link"
    try:
        content = read_bounded(path, _MOST)
    except FileNotFoundError:
        return b"", None
    except (OSError, ValueError) as error:
        return b"", f"it cannot be read: {getattr(error, 'strerror', None) or error}"
    return (b"", "it is too large") if len(content) > _MOST else (content, None)


def text_of(content: bytes) -> str:
    """A changelog as text; bytes that are no UTF-8 come back as they were."""
    return content.decode("utf-8", "surrogateescape")


def begin(
    repository: Repository,
    release: Row,
    step: Row,
    changed: Iterable[str],
    own: Mapping[str, str | None],
) -> dict[str, Any]:
    """What is noted before the section is written.

    :param step: the step as the last attempt left it.
    :param changed: the files that differ from HEAD.
    :param own: the files that the release has written so far, with their fingerprints.
    :returns: ``path``; ``paths``, the release's own files as they will be; ``writes``, the
        fingerprint of what is to be written, unless the file has a section of this version.
    :raises TasksError: ``E_GATE_UNMET`` (80), the file cannot be used.
    """
    path, (content, problem) = path_of(repository), read(repository)
    if problem is None and path in changed:
        now, written = repository.fingerprint(path), step["detail"].get("writes")
        if written is not None and now == written:
            return {"path": path, "paths": {**own, path: written}, "writes": written}
        if path not in own or now != own[path]:
            problem = "somebody has changed it since the release began"
    if problem is not None:
        raise _unusable(path, problem, release["version"])
    if changelog.section_of(text_of(content), release["version"]) is not None:
        return {"path": path, "paths": dict(own)}
    writes = _fingerprint_of(repository, path, changelog.inserted(content, release["changelog"]))
    return {"path": path, "paths": {**own, path: writes}, "writes": writes}


def write(repository: Repository, release: Row, noted: Mapping[str, Any]) -> str:
    """Write the section where it is not there yet.

    :param noted: see :func:`begin`.
    :returns: the section that the file has then: somebody may have written one, and that is what
        is released.
    :raises CleoError: ``E_GATE_UNMET`` (80), the file cannot be used any more; it cannot be
        written.
    """
    path, writes = noted["path"], noted.get("writes")
    given = str(release["changelog"])
    if writes is not None and repository.fingerprint(path) == writes:
        return given
    content, problem = read(repository)
    if problem is not None:
        raise _unusable(path, problem, release["version"])
    if writes is None:
        return changelog.section_of(text_of(content), release["version"]) or given
    real = os.path.join(repository.top, path)
    atomic_write(real, changelog.inserted(content, given), _mode_of(real))
    return given


def _unusable(path: str, problem: str, version: str) -> Exception:
    message, fix = f"{shown([path])}: {problem}.", f"git diff -- {words_of([path])}"
    return release_gates.unmet([Gate("changelog", False, message, fix)], version)


def _fingerprint_of(repository: Repository, path: str, content: bytes) -> str:
    """The fingerprint that a file will have with another content."""
    import hashlib

    executable = _mode_of(os.path.join(repository.top, path)) & 0o100
    return f"{'x' if executable else '-'} {hashlib.sha256(content).hexdigest()}"


def _mode_of(path: str) -> int:
    """The mode of a file, or that of a new one that everybody may read."""
    try:
        return os.stat(path).st_mode & 0o777
    except OSError:
        return 0o644
