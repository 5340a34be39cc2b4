"""``import``: what other programs remember, written in units of 500."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cleo_brain.service import fields
from cleo_brain.service.import_run import Progress, Run
from cleo_brain.service.incoming import Incoming, incoming
from cleo_brain.service.private import Stripper
from cleo_brain.service.tally import Imported, Tally
from cleo_brain.service.work import Verbs, Work
from cleo_core import inputs
from cleo_core.errors import UsageError, ValidationError

if TYPE_CHECKING:
    from cleo_brain.importers.item import Item

SOURCES = ("auto", "claude-mem", "cleo", "markdown", "jsonl")
#: Reads files; it is imported when there is one to read.
_IMPORTERS = "cleo_brain.importers"


class ImportVerbs(Verbs):
    """``import`` and ``import_records``."""

    def import_(
        self,
        path: str,
        *,
        format: str = "auto",
        source_project: str | None = None,
        thread: str | None = None,
        tags: Sequence[str] = (),
        embed: bool = True,
        progress: Progress | None = None,
    ) -> Imported:
        """Store what another program remembers; the same source again stores nothing twice.

        :param format: one of ``SOURCES``.
        :param source_project: only what the source keeps of this project.
        :param thread: the conversation that all observations belong to, instead of the source's.
        :param tags: given to every entry.
        :param embed: make vectors with the entries, where an embedder is installed.
        :raises CleoError: 3, the file cannot be read; 6, nobody can make anything of it, or every
            item was rejected; 2, a value is not valid.
        """
        word = fields.word(format, SOURCES, "from")
        if not isinstance(path, str):
            raise UsageError("The path must be text.", fix="cleo memory import PATH")
        project = _named(source_project, "source-project")
        where = _named(thread, "thread")
        more = fields.tags(tags)
        detecting = import_module(f"{_IMPORTERS}.detecting")
        source = detecting.source(path, word)
        if embed:
            embed = self._load_embedder()
        tally = Tally()
        run = Run(self, tally, embed=embed)
        found = detecting.items(path, source, project)
        try:
            run.take(found, where, more, progress)
        finally:
            found.close()
        if tally.read and tally.refused == tally.read:
            raise ValidationError(
                f"None of {tally.read} items could be taken; the first: "
                f"{tally.rejected[0]['where']}, {tally.rejected[0]['reason']}",
                fix="the same command with another --from",
                source=source,
                read=tally.read,
                rejected=tally.rejected[:20],
            )
        return tally.result(source)

    def import_records(
        self,
        records: Sequence[Mapping[str, Any]],
        task_map: Mapping[str, str],
        idempotency_key: str | None = None,
    ) -> Imported:
        """Copy entries of another project, with new ids, in one unit.

        :param records: what ``export_records`` of that project gave.
        :param task_map: its task ids -> ours; links to others are left out.
        :raises CleoError: a record cannot be stored (6).
        """
        listed = isinstance(records, Sequence) and not isinstance(records, (str, bytes))
        if not listed or not isinstance(task_map, Mapping):
            raise UsageError(
                "Records are a list, and tasks a mapping.", fix="cleo memory export memory.jsonl"
            )
        made = [self._record(number, one, task_map) for number, one in enumerate(records, 1)]
        tally = Tally()
        run = Run(self, tally, embed=True)

        def body(work: Work) -> Imported:
            def compute() -> Imported:
                fresh = Tally(read=len(made))
                run.tally = fresh
                run.store(work, made)
                run.connect(work, made)
                return fresh.result("records")

            return work.unit.idempotent(
                "memory import-records",
                idempotency_key,
                {"records": Stripper()([dict(one) for one in records]), "tasks": dict(task_map)},
                compute,
                encode=lambda result: vars(result),
                decode=lambda value: Imported(**value),
            )

        return self.write("memory.import", body, drafts=[one.draft for one in made])

    def _record(
        self, number: int, record: Mapping[str, Any], task_map: Mapping[str, str]
    ) -> Incoming:
        reader = import_module(f"{_IMPORTERS}.jsonl")
        if not isinstance(record, Mapping):
            raise ValidationError(f"Record {number} is no object.", fix="cleo memory import --help")
        item: Item = reader.entry_item(f"record {number}", dict(record))
        if item.error is not None:
            raise ValidationError(
                f"Record {number}: {item.error}.", fix="cleo memory import --help"
            )
        item.links = [
            {**link, "taskId": task_map[link["taskId"]]}
            for link in item.links
            if isinstance(link, dict) and link.get("taskId") in task_map
        ]
        for name in ("context_task_id", "context_epic_id"):
            item.values[name] = task_map.get(item.values.get(name) or "")
        made = incoming(item, None, ())
        made.draft.columns.pop("id", None)
        return made

    def _load_embedder(self) -> bool:
        """Load the embedder, so that vectors are made with the entries; False where none is."""
        if self.app.dry_run or self.app.config.get("brain.embed") == "never":
            return False
        from cleo_brain.embed import choosing, model

        spec = choosing.chosen(self.app)
        if spec is None:
            return False
        try:
            model.embed(spec, ["import"])
        except model.EmbedderError as error:
            self.app.warn("W_EMBEDDER_FAILED", f"Imported without vectors: {error}.")
            return False
        return True


def _named(value: Any, option: str) -> str | None:
    if value is None:
        return None
    return inputs.as_filter(
        lambda text: inputs.line(text, option, 200, fix=f"--{option} NAME"), value
    )
