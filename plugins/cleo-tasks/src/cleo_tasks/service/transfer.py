"""Tasks to files and from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING

from cleo_core import inputs
from cleo_core.errors import UsageError
from cleo_tasks.enums import TASK_STATUS
from cleo_tasks.errors import task_not_found
from cleo_tasks.ids import parse_id
from cleo_tasks.service import fields
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.store import tasks

if TYPE_CHECKING:
    from cleo_tasks.exporter import ExportResult
    from cleo_tasks.importers.result import ImportResult, Options

#: Told how far a long verb is: what is counted, how much of it is done, and of how much.
Progress = Callable[[str, int, int | None], None]

ON_CONFLICT = ("fail", "skip", "remap")
ON_MISSING = ("strip", "fail")


class TransferVerbs(Verbs):
    """``export`` and the ``import`` verbs."""

    def export(
        self,
        *,
        output: str | None = None,
        force: bool = False,
        stream: IO[bytes] | None = None,
        within: str | None = None,
        status: Sequence[str] = (),
        include_links: bool = False,
        progress: Progress | None = None,
    ) -> ExportResult:
        """Write tasks as JSON lines that :meth:`import_jsonl` reads back, archived ones included.

        :param output: path of the file, by default ``tasks-<time>.jsonl`` in the working
            directory; never one of CLEO's own files.
        :param force: replace a file that is there, in one step.
        :param stream: where to write instead of to a file.
        :param within: only this task and what is below it.
        :param status: only tasks of these statuses.
        :param include_links: with the links to other trackers.
        :raises CleoError: 3, the file cannot be written; 4, ``within`` does not exist; 2, no such
            status.
        """
        from cleo_tasks.exporter import default_name, export

        if stream is None:
            output = default_name() if output is None else output
            self._check_output(output, force)
        selection: dict[str, str | list[str]] = {}
        if within is not None:
            selection["within"] = parse_id(within)
            if not tasks.existing(self.db, [parse_id(within)]):
                raise task_not_found(parse_id(within))
        if status:
            known = inputs.word_of(TASK_STATUS, "status")
            selection["status"] = [inputs.as_filter(known, word) for word in status]
        return export(
            self.app,
            selection,
            output=output,
            stream=stream,
            links=include_links,
            progress=progress,
        )

    def import_jsonl(
        self,
        file: str,
        *,
        on_conflict: str = "fail",
        on_missing: str = "strip",
        update: bool = False,
        revive: bool = False,
        assignees: bool = True,
        report: str | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> ImportResult:
        """Import what :meth:`export` wrote; tasks keep their ids, times and versions.

        :param file: path; ``-`` is stdin.
        :param on_conflict: what to do with a task whose id is taken here: ``fail``, ``skip`` it, or
            ``remap`` it to a new id.
        :param on_missing: what to do with edges to tasks that are neither in the file nor here:
            ``strip`` or ``fail``.
        :param update: apply rows that changed since they were imported.
        :param revive: take tasks that were deleted here out of the archive.
        :param assignees: False leaves the tasks unclaimed.
        :param report: path of a file that gets one JSON line per row.
        :param force: replace the report's file if it is there.
        :raises CleoError: 3, a file cannot be read or written; 6, it is not such a file, or an edge
            leads nowhere; 21, others interfered; 22, an id is taken.
        """
        if on_conflict not in ON_CONFLICT or on_missing not in ON_MISSING:
            raise UsageError(
                f"on_conflict is one of {', '.join(ON_CONFLICT)}, on_missing one of "
                f"{', '.join(ON_MISSING)}.",
                fix="cleo import jsonl --help",
            )
        return self._import(
            "jsonl",
            file,
            progress,
            update=update,
            revive=revive,
            assignees=assignees,
            on_conflict=on_conflict,
            on_missing=on_missing,
            report=report,
            force=force,
        )

    def import_beads(
        self,
        file: str,
        *,
        update: bool = False,
        revive: bool = False,
        assignees: bool = True,
        report: str | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> ImportResult:
        """Import issues of the ``bd`` tracker; a repeat imports only what is new.

        The parameters and errors are those of :meth:`import_jsonl`.
        """
        return self._import(
            "beads",
            file,
            progress,
            update=update,
            revive=revive,
            assignees=assignees,
            report=report,
            force=force,
        )

    def import_cleo(
        self,
        file: str,
        *,
        update: bool = False,
        revive: bool = False,
        assignees: bool = True,
        report: str | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> ImportResult:
        """Import a task list of the TypeScript CLEO; a repeat imports only what is new.

        The parameters and errors are those of :meth:`import_jsonl`.
        """
        return self._import(
            "cleo",
            file,
            progress,
            update=update,
            revive=revive,
            assignees=assignees,
            report=report,
            force=force,
        )

    def import_taskwarrior(
        self,
        file: str,
        *,
        update: bool = False,
        revive: bool = False,
        assignees: bool = True,
        report: str | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> ImportResult:
        """Import what ``task export`` printed; a repeat imports only what is new.

        The parameters and errors are those of :meth:`import_jsonl`.
        """
        return self._import(
            "taskwarrior",
            file,
            progress,
            update=update,
            revive=revive,
            assignees=assignees,
            report=report,
            force=force,
        )

    def import_task_master(
        self,
        file: str,
        *,
        tags: Sequence[str] = (),
        update: bool = False,
        revive: bool = False,
        assignees: bool = True,
        report: str | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> ImportResult:
        """Import the ``tasks.json`` of Task Master; a repeat imports only what is new.

        :param tags: import only the tasks under these tags.
        The other parameters and errors are those of :meth:`import_jsonl`.
        """
        return self._import(
            "task-master",
            file,
            progress,
            tags=chosen_tags(tags),
            update=update,
            revive=revive,
            assignees=assignees,
            report=report,
            force=force,
        )

    def import_github(
        self,
        file: str,
        *,
        update: bool = False,
        revive: bool = False,
        assignees: bool = True,
        report: str | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> ImportResult:
        """Import a list of GitHub issues; a repeat imports only what is new.

        The parameters and errors are those of :meth:`import_jsonl`.
        """
        return self._import(
            "github",
            file,
            progress,
            update=update,
            revive=revive,
            assignees=assignees,
            report=report,
            force=force,
        )

    def _import(
        self,
        provider: str,
        file: str,
        progress: Progress | None,
        *,
        force: bool,
        **options: object,
    ) -> ImportResult:
        from cleo_tasks.importers.engine import Import
        from cleo_tasks.importers.result import Options

        chosen: Options = Options(**options)  # type: ignore[arg-type]
        if chosen.report is not None:
            self._check_output(chosen.report, force, file)
        return Import(self.app, provider, file, chosen, progress).run()

    def _check_output(self, path: str, force: bool, *inputs: str) -> None:
        from cleo_core.paths import check_output

        check_output(
            path,
            project_directory=self.app.project.directory,
            env=self.app.env,
            inputs=inputs,
            force=force,
        )


def chosen_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Names of tags that an import is limited to.

    :raises UsageError: they are no list of names.
    """
    return tuple(fields.name_filter(tag, "tag") for tag in inputs.as_filter(_texts, tags))


def _texts(value: object) -> list[str]:
    return inputs.texts(value, "tag")
