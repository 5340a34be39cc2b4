"""``export``: a version as a file, at the path that is given and nowhere else."""

from __future__ import annotations

import os
from typing import Any

from cleo_conduit.records.documents import DocumentExport
from cleo_conduit.service.documents import access, contents
from cleo_conduit.service.documents.reading import ReadVerbs, version_of
from cleo_core import inputs
from cleo_core.errors import UsageError, shortened
from cleo_core.paths import atomic_write, file_error
from cleo_core.paths.files import give_name
from cleo_core.paths.outputs import check_output


class ExportVerbs(ReadVerbs):
    """The verb that writes a file."""

    def export(
        self, slug: str, path: str, *, version: int | None = None, force: bool = False
    ) -> DocumentExport:
        """Write the content of a version, by default the current one, to a file.

        The document's name has no part in that of the file.

        :param path: never a link, a directory, or one of CLEO's own files.
        :param force: replace a file that is there, in one step.
        :raises CleoError: 2, nobody acts, a value can be none, or the file is there; 3, it cannot
            be written, or not there; 4, there is no such version; 53 ``E_CORRUPT_BLOB``, the
            stored content is damaged; 99, there is no such document that the agent may read.
        """
        target = self._checked(path, force)
        with self.db.snapshot() as db:
            row = self.readable(db, slug)
            found = version_of(db, row, access.version_number(version, "version"))
            data = contents.load(db, found["content_hash"])
        if not self.app.dry_run:
            _write(target, data, force=force)
        return DocumentExport(
            slug=row["slug"],
            version_number=found["version_number"],
            path=target,
            bytes=len(data),
            content_hash=found["content_hash"],
        )

    def _checked(self, path: Any, force: Any) -> str:
        def text(given: Any) -> str:
            return inputs.plain_text(os.fspath(given), "path")

        if not isinstance(path, (str, os.PathLike)) or not isinstance(force, bool):
            raise UsageError("A path is text, and force is true or false.", field="path")
        wanted = inputs.as_filter(text, path)
        check_output(
            wanted,
            project_directory=self.app.project.directory,
            env=self.app.env,
            force=force,
        )
        return os.path.abspath(wanted)


def _write(path: str, data: bytes, *, force: bool) -> None:
    directory, name = os.path.split(path)
    try:
        os.stat(directory)
        if force:
            atomic_write(path, data)
            return
        # Somebody may put a file there meanwhile: only a link cannot replace one.
        temporary = os.path.join(directory, f".{name[:100]}.{os.urandom(6).hex()}.tmp")
        try:
            atomic_write(temporary, data)
            given = give_name(temporary, path)
        finally:
            if os.path.lexists(temporary):
                os.unlink(temporary)
    except OSError as error:
        raise file_error(error, path) from error
    if not given:
        raise UsageError(
            f"{shortened(path, 400)} is there already.",
            fix="the same command with --force, or another path",
        )
