"""Adding many tasks at once, which may refer to each other."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import CleoError, NotFoundError
from cleo_core.output import camel, to_json
from cleo_tasks.errors import TasksError
from cleo_tasks.ids import task_id
from cleo_tasks.records import Line
from cleo_tasks.service import fields, hierarchy
from cleo_tasks.service.adding import UNGIVEN, add_task
from cleo_tasks.service.batch_lines import Failure, Item, parsed
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import tasks


@record
class CreatedLine(Line):
    """A task that was added: its line in the batch, counted from 1, and its ``ref`` there."""

    line: int
    ref: str | None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("ref",)


@record
class FailedLine(Declared):
    """A line that was not added, and why: ``problems`` as in ``error.details.problems``."""

    line: int
    problems: list[dict[str, Any]]


@record
class BatchResult(Declared):
    """What became of a batch, both lists in the order of its lines."""

    created: list[CreatedLine]
    failed: list[FailedLine]


class BatchVerbs(Verbs):
    """``add_batch``."""

    def add_batch(
        self,
        rows: Iterable[str | Mapping[str, Any]],
        *,
        keep_going: bool = False,
        idempotency_key: str | None = None,
    ) -> BatchResult:
        """Add the tasks that JSON lines describe, all of them or none.

        A line is a JSON object with the arguments of ``add`` and perhaps a ``ref``; ``parent`` and
        ``depends`` may name another line's as ``@ref``, before it or after it. Numbers are given
        in the order of the lines.

        :param rows: JSON texts, blank ones are passed over, or the objects themselves.
        :param keep_going: add what can be added. A line that refers to one that failed fails too.
        :raises CleoError: what ``add`` raises: the code of the only problem, of several 6;
            ``details.failed`` lists them by line. With ``keep_going`` only where no line could be
            added.
        """
        given = list(rows)
        items, failed = parsed(given)
        refs = {item.ref: item.line for item in items if item.ref is not None}
        while True:
            outcome = self._attempt(items, failed, refs, given, keep_going, idempotency_key)
            if isinstance(outcome, BatchResult):
                return outcome
            failed |= outcome
            items = [item for item in items if item.line not in failed]

    def _attempt(
        self,
        items: Sequence[Item],
        failed: Mapping[int, Failure],
        refs: Mapping[str, int],
        given: Sequence[str | Mapping[str, Any]],
        keep_going: bool,
        key: str | None,
    ) -> BatchResult | dict[int, Failure]:
        """One unit over the lines that are left; where some of them fail, what they fail of."""

        def compute(work: Work) -> BatchResult:
            added = _Batch(work, items, refs).add()
            every = {**failed, **added.failed}
            if every and (not keep_going or len(every) == len(items) + len(failed)):
                raise _refusal(every)
            if added.failed:
                raise _AgainError(added.failed)
            return BatchResult(
                added.created(), [FailedLine(line, every[line].problems) for line in sorted(every)]
            )

        def body(work: Work) -> BatchResult:
            result: BatchResult = work.unit.idempotent(
                "add-batch",
                key,
                {"rows": list(given), "keepGoing": keep_going},
                lambda: compute(work),
                encode=to_json,
                decode=_from_json,
            )
            return result

        try:
            result = self.write("task.add", body)
        except _AgainError as again:
            return again.failed
        if result.failed:
            self.app.warn(
                "W_NOT_ADDED",
                f"{len(result.failed)} of {len(result.failed) + len(result.created)} lines "
                "were not added.",
            )
        return result


class _AgainError(Exception):
    """Rolls a unit back, so that it can be run again without the lines that failed."""

    def __init__(self, failed: dict[int, Failure]) -> None:
        super().__init__(failed)
        self.failed = failed


class _RefError(Exception):
    """A line refers to one that is not there."""

    def __init__(self, field: str, error: CleoError, *, derived: bool = False) -> None:
        super().__init__(field)
        self.field = field
        self.error = error
        self.derived = derived


class _Batch:
    """The lines of one attempt inside one unit.

    Parents are inserted before their children. A dependency on a line that comes later in that
    order is added when all tasks are there: no order could serve a parent that waits for what
    waits for its child.

    :param refs: of every line of the batch, those that failed before included.
    """

    def __init__(self, work: Work, items: Sequence[Item], refs: Mapping[str, int]) -> None:
        self.work = work
        self.items = items
        self.refs = refs
        self.failed: dict[int, Failure] = {}
        self.inserted: set[int] = set()
        self.by_line = {item.line: item for item in items}
        first = work.take_numbers(len(items)) if items else 0
        self.ids = {item.line: task_id(first + number) for number, item in enumerate(items)}
        self.seqs = {item.line: first + number for number, item in enumerate(items)}
        self.names = {self.ids[item.line]: item.name for item in items}

    def add(self) -> _Batch:
        """Add every line that can be added; the others are in ``failed``."""
        late: list[tuple[Item, list[Item]]] = []
        for item in self._parents_first():
            later: list[Item] = []
            problems = list(item.problems)
            try:
                parent = self._parent(item)
                depends, later = self._depends(item)
                given = {**item.fields, "parent": parent, "depends": depends}
                given |= {"allow_duplicate": True, "origin": "native"}
                add_task(self.work, given, seq=self.seqs[item.line])
                self.inserted.add(item.line)
            except _RefError as missing:
                problems.append((missing.field, missing.error))
                if missing.derived and len(problems) == 1:
                    self._fail(item, problems, derived=True)
                    continue
            except CleoError as error:
                problems.append((None, error))
            if problems:
                self._fail(item, problems)
            elif later:
                late.append((item, later))
        for item, targets in late:
            self._wait(item, targets)
        self._spread()
        return self

    def created(self) -> list[CreatedLine]:
        """The tasks as they are now, in the order of the lines."""
        items = [item for item in self.items if item.line in self.inserted]
        lines = tasks.lines(self.work, [self.ids[item.line] for item in items])
        return [
            CreatedLine(
                **{
                    **vars(line),
                    **self._as_given(item, line),
                },
                line=item.line,
                ref=item.ref,
            )
            for item, line in zip(items, lines, strict=True)
        ]

    def _as_given(self, item: Item, line: Line) -> dict[str, Any]:
        """A dry run gives no numbers away, so it shows none."""
        if not self.work.app.dry_run:
            return {}
        parent = item.fields["parent"] if line.parent_id in self.names else line.parent_id
        return {"id": UNGIVEN, "parent_id": parent}

    def _parents_first(self) -> Iterator[Item]:
        """Lines in order, but each after its parent's; a loop of parents fails."""
        done: set[int] = set()
        for item in self.items:
            chain = {item.line: item}
            last = item
            while (above := self._line_above(last)) is not None and above.line not in done:
                if above.line in chain:
                    lines = list(chain)
                    self._fail_loop([chain[line] for line in lines[lines.index(above.line) :]])
                    done.update(self.failed)
                    break
                chain[above.line] = last = above
            for one in reversed(chain.values()):
                if one.line not in done:
                    done.add(one.line)
                    yield one

    def _line_above(self, item: Item) -> Item | None:
        parent = item.fields["parent"]
        if not _is_ref(parent):
            return None
        return self.by_line.get(self.refs.get(parent[1:], 0))

    def _parent(self, item: Item) -> Any:
        parent = item.fields["parent"]
        if not _is_ref(parent):
            return parent
        missing = TasksError("E_PARENT_NOT_FOUND", f"No line has the ref {parent[1:][:80]!r}.")
        return self.ids[self._named(parent, "parent", missing).line]

    def _depends(self, item: Item) -> tuple[Any, list[Item]]:
        """What a line waits for: ids that are there, and the lines that come later."""
        given = item.fields["depends"]
        if not isinstance(given, (list, tuple)):
            return given, []
        now: list[Any] = []
        later: list[Item] = []
        for one in given:
            if not _is_ref(one):
                now.append(one)
                continue
            missing = NotFoundError(f"No line has the ref {one[1:][:80]!r}.", fix='{"ref": …}')
            target = self._named(one, "depends", missing)
            if target.line in self.inserted:
                now.append(self.ids[target.line])
            else:
                later.append(target)
        return now, later

    def _named(self, ref: str, field: str, missing: CleoError) -> Item:
        line = self.refs.get(ref[1:])
        if line is None:
            raise _RefError(field, missing)
        if line not in self.by_line or (line in self.failed and line not in self.inserted):
            raise _RefError(field, _left_out(ref), derived=True)
        return self.by_line[line]

    def _wait(self, item: Item, targets: Sequence[Item]) -> None:
        """Add the edges of a line to those that came after it."""
        if any(target.line not in self.inserted for target in targets):
            return
        id_, later = self.ids[item.line], [self.ids[target.line] for target in targets]
        try:
            hierarchy.check_cycle(self.work, id_, depends_on=later)
        except CleoError as error:
            self._fail(item, [("depends", error)])
            return
        self.work.change_edges(self.work.task(id_), add=later)

    def _spread(self) -> None:
        """Let every line fail that refers to one that failed, however many are between them."""
        referring: dict[int, list[tuple[str, Item]]] = {}
        for item in self.items:
            for field in ("parent", "depends"):
                given = item.fields[field]
                for one in given if isinstance(given, (list, tuple)) else (given,):
                    if _is_ref(one) and one[1:] in self.refs:
                        referring.setdefault(self.refs[one[1:]], []).append((field, item))
        spreading = list(self.failed)
        for line in spreading:
            for field, item in referring.get(line, ()):
                if item.line not in self.failed:
                    self._fail(item, [(field, _left_out(self.by_line[line].name))], derived=True)
                    spreading.append(item.line)

    def _fail_loop(self, loop: Sequence[Item]) -> None:
        path = [item.name for item in (*loop, loop[0])]
        error = TasksError(
            "E_CYCLE",
            f"These would stand under each other: {' → '.join(path)}.",
            details={"path": path},
        )
        for item in loop:
            # One loop is one problem, told with its first line.
            self._fail(item, [*item.problems, ("parent", error)], derived=item is not loop[0])

    def _fail(self, item: Item, problems: fields.Problems, *, derived: bool = False) -> None:
        names = ChainMap({"(new)": item.name}, self.names)
        self.failed[item.line] = Failure(problems, names, derived=derived)


def _refusal(failed: Mapping[int, Failure]) -> CleoError:
    """One error for a batch that adds nothing: the only problem as itself, several as exit 6."""
    roots = {line: one for line, one in sorted(failed.items()) if not one.derived}
    problems = [(line, problem) for line, one in roots.items() for problem in one.problems]
    details = {
        "created": [],
        "failed": [{"line": line, "problems": one.problems} for line, one in roots.items()],
    }
    line, problem = problems[0]
    if len(problems) == 1:
        return TasksError(
            problem["code"],
            f"Line {line}: {problem['message']}",
            fix=problem["fix"],
            details={**roots[line].details, **details},
        )
    message = f"{len(problems)} problems: " + " ".join(
        f"Line {line}: {problem['message']}" for line, problem in problems[:5]
    )
    return CleoError(
        "E_VALIDATION",
        message + (" …" if len(problems) > 5 else ""),
        fix="the same command with these lines corrected",
        details=details,
    )


def _left_out(name: str) -> NotFoundError:
    return NotFoundError(f"{name} could not be added.", fix="that line corrected")


def _is_ref(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("@")


def _from_json(data: Mapping[str, Any]) -> BatchResult:
    return BatchResult(
        [
            CreatedLine(
                **{
                    name: one.get(camel(name))
                    for name in CreatedLine.__dataclass_fields__
                    if name != "OPTIONAL"
                }
            )
            for one in data["created"]
        ],
        [FailedLine(one["line"], one["problems"]) for one in data["failed"]],
    )
