"""What every verb keeps: help, JSON, dry runs, lightness, and calm with hostile words."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest

from cleo_core.testing.conformance.scene import Scene, changed, rows_but, schema_of, stopped_clock
from cleo_core.testing.conformance.subject import Sample, is_text, words_of
from cleo_core.testing.outcome import Outcome
from cleo_core.testing.runner import Run, each_run, job, light_modules, watch
from cleo_core.units import Unit

#: Modules that cost more than a whole daily command may.
HEAVY = frozenset({"sqlalchemy", "alembic"})

#: Words that break programs: empty, quoting, control, half characters, size, paths, options.
HOSTILE = (
    "",
    "'; DROP TABLE items; --",
    '"double" `ticks` $(id) ${HOME} %s {0} :name ?1',
    "two\nlines\r\nand\ta tab \x1b[31mred\x07",
    "\udcff\udcfe",
    "x" * 100_000,
    "../outside/file",
    "--help=no",
    "-1",
    "9" * 40,
    "\u202eright to left\u2066 \u200d\U0001f3f4\u0301",
    '{"a": [1, 2',
)
#: Runs with hostile words for one plugin; beyond, each parameter gets only some of the words.
MOST_HOSTILE = 300

#: Seconds after which a verb without a terminal counts as waiting.
PATIENCE = 20

_READING = frozenset({"SELECT", "WITH", "VALUES", "PRAGMA", "EXPLAIN", "ROLLBACK", "COMMIT", "END"})


class Observed(NamedTuple):
    """What was seen of one plain run of a sample.

    :ivar created: the kinds that it says it created.
    :ivar statements: of a verb that only reads, those that it ran on files.
    :ivar changes: of a verb that only reads, the files that it changed.
    """

    outcome: Outcome
    created: set[str]
    statements: list[str]
    changes: list[str]


def observed(scene: Scene, sample: Sample) -> Observed:
    """A plain run of a sample, made once for all checks that look at it."""
    key = (sample.argv, sample.before, sample.stdin)
    if key not in scene.shared.observed:
        scene.shared.observed[key] = _observe(scene, sample)
    found: Observed = scene.shared.observed[key]
    return found


def _observe(scene: Scene, sample: Sample) -> Observed:
    scene.reset(sample)
    kinds: set[str] = set()
    statements: list[str] = []
    plain = Unit.created

    def created(unit: Unit, kind: str, id_: str, after: Any) -> None:
        kinds.add(kind)
        plain(unit, kind, id_, after)

    with contextlib.ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setattr(Unit, "created", created)
        before: dict[str, str] = {}
        if sample.verb.reads:
            before = scene.frozen()
            stack.callback(watch(statements.append))
        outcome = scene.call(sample)
    changes = changed(before, scene.frozen()) if sample.verb.reads else []
    return Observed(outcome, kinds, statements, changes)


def help_pages(scene: Scene) -> Iterator[str]:
    """Every verb has help, and every declared reading verb exists."""
    verbs = scene.subject.verbs()
    paths = {verb.path for verb in verbs}
    for name, why in scene.subject.broken.items():
        yield f"`cleo {name}` cannot be loaded: {why}"
    for spec in scene.subject.plugin.commands:
        for rest in spec.reads:
            path = f"{spec.name} {rest}".strip()
            if path not in paths and spec.name not in scene.subject.broken:
                yield f"CommandSpec {spec.name} declares the reading verb {rest!r}; there is none"
    for verb in verbs:
        outcome = scene.run([*verb.path.split(), "--help"])
        if outcome.code != 0 or "Usage: cleo" not in outcome.out:
            yield f"`cleo {verb.path} --help` gives no help: {outcome!r}"
        elif not (verb.command.help or "").strip():
            yield f"`cleo {verb.path}` has no help: its callback has no docstring"
        wrong = scene.run([*verb.path.split(), "--no-such-option"])
        if wrong.code != 2 or _error(wrong) != "E_USAGE":
            yield f"an unknown option must be exit 2: {wrong!r}"


def envelopes(scene: Scene) -> Iterator[str]:
    """Every verb answers a pipe with one valid envelope, and people with text."""
    for sample in scene.tried("json"):
        yield from _bad_envelope(sample, observed(scene, sample).outcome)
        scene.reset(sample)
        human = scene.call(sample, "--human")
        if human.code != sample.exit or "Traceback" in human.err:
            yield f"`cleo {sample.path} --human` fails: {human!r}"


def subdirectory(scene: Scene) -> Iterator[str]:
    """Every verb does the same from a directory below the project's root."""
    for sample in scene.tried("subdirectory"):
        scene.reset(sample)
        below = scene.work / "below" / "deeper"
        below.mkdir(parents=True)
        if scene.author.files and not sample.verb.reads:
            for path in scene.author.files:
                (below / path).parent.mkdir(parents=True, exist_ok=True)
                (below / path).write_bytes((scene.work / path).read_bytes())
        words = scene.words(sample.argv)
        with stopped_clock():
            there = scene.run(words, stdin=sample.stdin, cwd=below)
            here = scene.run(words, stdin=sample.stdin) if sample.verb.reads else there
        if there.code != sample.exit:
            yield f"`cleo {sample.path}` fails below the project's root: {there!r}"
        elif sample.exit == 0 and there.data != here.data:
            yield f"`cleo {sample.path}` answers otherwise below the project's root"


def processes_of_their_own(scene: Scene) -> list[tuple[Sample, Run]]:
    """Every verb at head, run as a process whose stdin stays silent."""
    # The others are forked from a process that holds what the first one imported of CLEO and the
    # plugin, unless that brought along what no verb may import.
    first, *others = scene.samples
    (run,) = each_run([scene.job(first, silent=True, limit=PATIENCE)])
    warm = [] if HEAVY & run.modules else _warm(scene, run)
    jobs = (scene.job(sample, silent=True, limit=PATIENCE) for sample in others)
    return [(first, run), *zip(others, each_run(jobs, warm=warm), strict=True)]


def _warm(scene: Scene, run: Run) -> list[str]:
    """What the processes of verbs have in common: services and commands too, if they are light."""
    light = light_modules(run, scene.subject.package)
    every = sorted({*light, *scene.subject.names("cli"), *scene.subject.names("service")})
    try:
        (tried,) = each_run([job(["version"], scene.work)], warm=every)
    except RuntimeError:
        # One of them cannot be imported; whichever verb needs it says so.
        return light
    return light if HEAVY & tried.modules else every


def never_waits(runs: Sequence[tuple[Sample, Run]]) -> Iterator[str]:
    """Without a terminal no verb waits for input."""
    for sample, one in runs:
        if one.code == -14:
            yield f"`cleo {sample.path}` waits for input without a terminal"
        elif one.code != sample.exit:
            yield f"as a process of its own {one!r}"


def stays_light(runs: Sequence[tuple[Sample, Run]]) -> Iterator[str]:
    """No verb at head imports SQLAlchemy or alembic."""
    for sample, one in runs:
        heavy = sorted(HEAVY & one.modules)
        if heavy:
            yield f"`cleo {sample.path}` imports {', '.join(heavy)}"


def reads(scene: Scene) -> Iterator[str]:
    """A reading verb opens no write transaction, changes no byte and creates no file."""
    for sample in scene.tried("reads"):
        if not sample.verb.reads:
            continue
        seen = observed(scene, sample)
        for sql in seen.statements:
            if _writes(sql):
                yield f"`cleo {sample.path}` only reads, and runs {sql[:80]!r}"
        if seen.changes:
            yield f"`cleo {sample.path}` only reads, and changes {seen.changes}"
        scene.reset(sample)
        for spec in scene.subject.stores:
            scene.remove(spec)
        before = scene.frozen()
        outcome = scene.call(sample)
        if outcome.code == 1:
            yield f"without a file {outcome!r}"
        if changed(before, scene.frozen()):
            yield f"`cleo {sample.path}` creates {changed(before, scene.frozen())}"


def dry_runs(scene: Scene) -> Iterator[str]:
    """``--dry-run`` does everything but change a byte."""
    for sample in scene.tried("dry_run"):
        if not sample.verb.dry:
            continue
        scene.reset(sample)
        before = scene.frozen()
        outcome = scene.call(sample, "--dry-run")
        if outcome.code != sample.exit or outcome.envelope["meta"].get("dryRun") is not True:
            yield f"a dry run must end like the run and say dryRun: {outcome!r}"
        if changed(before, scene.frozen()):
            files = changed(before, scene.frozen())
            yield f"`cleo {sample.path} --dry-run` changes {files}"
        for spec in scene.subject.stores:
            scene.remove(spec)
        before = scene.frozen()
        scene.call(sample, "--dry-run")
        if changed(before, scene.frozen()):
            files = changed(before, scene.frozen())
            yield f"`cleo {sample.path} --dry-run` creates {files}"


def idempotency(scene: Scene) -> Iterator[str]:
    """The same key gives the first result again; with another body it is refused."""
    for sample in scene.tried("idempotency"):
        if not sample.verb.creates:
            kinds = ", ".join(sorted(observed(scene, sample).created))
            if kinds:
                yield f"`cleo {sample.path}` creates {kinds} and takes no --idempotency-key"
            continue
        scene.reset(sample)
        words = scene.words(sample.argv)
        key = ["--idempotency-key", "kit"]
        first = scene.run([*words, *key], stdin=sample.stdin)
        stored = scene.all_rows()
        second = scene.run([*words, *key], stdin=sample.stdin)
        if first.code != 0 or second.code != 0:
            yield f"with a key {first!r}\n{second!r}"
            continue
        if second.data != first.data or second.envelope["meta"].get("replayed") is not True:
            yield f"`cleo {sample.path}` does not give the first result again for the same key"
        if scene.all_rows() != stored:
            yield f"`cleo {sample.path}` stores again for the same key"
        yield from _another_body(scene, sample, words, key)


def hostile_words(scene: Scene) -> Iterator[str]:
    """No text in any argument breaks a verb: one clear error or a good result, never a trace.

    Of the options that every verb has, which core reads, each verb gets another one in turn.
    """
    turn = itertools.count()
    places: list[tuple[Sample, int | str]] = []
    for sample in scene.tried("hostile_text"):
        everywhere, own = _places(sample)
        if everywhere:
            own.append(everywhere[next(turn) % len(everywhere)])
        places += [(sample, place) for place in own]
    each = max(1, min(len(HOSTILE), MOST_HOSTILE // max(1, len(places))))
    words_used = itertools.cycle(HOSTILE)
    for sample, found in itertools.groupby(places, lambda one: one[0]):
        scene.reset(sample)
        schemas = _schemas(scene)
        words = scene.words(sample.argv)
        stored = _stored(scene)
        for _, place in found:
            for text in itertools.islice(words_used, each):
                argv = [*words]
                if isinstance(place, int):
                    argv[place] = text
                else:
                    argv.append(f"{place}={text}")
                outcome = scene.run(argv, stdin=sample.stdin)
                before, stored = stored, _stored(scene)
                yield from _calm(outcome, before == stored)
        if _schemas(scene) != schemas:
            yield f"hostile words in `cleo {sample.path}` changed the schema"


def _bad_envelope(sample: Sample, outcome: Outcome) -> Iterator[str]:
    if outcome.code != sample.exit:
        yield (
            f"the call of `cleo {sample.path}` fails; give one that succeeds in `commands`: "
            f"{outcome!r}"
        )
        return
    try:
        envelope = outcome.envelope
    except ValueError:
        yield f"`cleo {sample.path}` prints no JSON envelope: {outcome!r}"
        return
    if len(outcome.envelopes) > 1 and not sample.verb.streams:
        yield f"`cleo {sample.path}` prints more than one envelope: {outcome!r}"
    meta = envelope.get("meta", {})
    if sample.exit == 0 and (envelope.get("success") is not True or "data" not in envelope):
        yield f"`cleo {sample.path}` prints no envelope of a success: {outcome!r}"
    if meta.get("operation") != sample.path.replace(" ", "."):
        yield f"`cleo {sample.path}` calls itself {meta.get('operation')!r}"
    if not {"requestId", "durationMs", "timestamp"} <= meta.keys():
        yield f"`cleo {sample.path}` has an incomplete meta: {meta}"
    if sample.exit == 0 and sample.verb.has("limit") and sample.verb.has("offset"):
        page = envelope.get("page", {})
        if set(page) != {"limit", "offset", "total", "hasMore"}:
            yield f"`cleo {sample.path}` is a list without a page: {page}"


def _error(outcome: Outcome) -> str | None:
    try:
        found = outcome.envelope.get("error") or {}
    except ValueError:
        return None
    return str(found.get("code")) if found.get("fix") else None


def _writes(sql: str) -> bool:
    words = sql.split(None, 2)
    first = words[0].upper() if words else ""
    if first == "BEGIN":
        return len(words) > 1 and words[1].upper() in ("IMMEDIATE", "EXCLUSIVE")
    return first not in _READING


def _another_body(
    scene: Scene, sample: Sample, words: Sequence[str], key: Sequence[str]
) -> Iterator[str]:
    stored = scene.all_rows()
    others: list[tuple[Sequence[str], str | None]] = []
    for place, param in words_of(sample):
        if is_text(param) and sample.argv[place] != "{id}":
            others.append(([*words[:place], f"{words[place]} other", *words[place + 1 :]], None))
    if sample.stdin:
        others.append((words, sample.stdin.replace("a", "b")))
    tried = None
    for argv, stdin in others:
        tried = scene.run([*argv, *key], stdin=sample.stdin if stdin is None else stdin)
        if _error(tried) == "E_IDEMPOTENCY_MISMATCH":
            break
    else:
        if tried is not None:
            yield f"the key of another call is accepted, or refused in other words: {tried!r}"
    if scene.all_rows() != stored:
        yield f"`cleo {sample.path}` stores another body under a used key"


def _places(sample: Sample) -> tuple[list[str], list[int | str]]:
    """Where hostile words go: options that every verb has; arguments in the call, other options."""
    everywhere: list[str] = []
    own: list[int | str] = [
        place for place, param in words_of(sample) if isinstance(param, click.Argument)
    ]
    for param in sample.verb.command.params:
        if not isinstance(param, click.Option) or param.is_flag or param.hidden:
            continue
        name = max(param.opts, key=len)
        if param in sample.verb.own:
            own.append(name)
        elif param.name not in ("project", "field"):
            everywhere.append(name)
    return everywhere, own


def _calm(outcome: Outcome, same: bool) -> Iterator[str]:
    shown = [word if len(word) < 200 else f"{word[:20]}… ({len(word)})" for word in outcome.argv]
    if "Traceback" in outcome.err or outcome.code == 1:
        yield f"{shown}: exit {outcome.code}: {outcome.out[:500]}{outcome.err[:500]}"
        return
    try:
        envelope = outcome.envelope
    except ValueError:
        yield f"{shown}: no JSON but {outcome.out[:200]!r}"
        return
    if outcome.code != 0 and not envelope["error"]["fix"]:
        yield f"{shown}: the error has no fix: {envelope['error']}"
    if outcome.code != 0 and not same:
        yield f"{shown}: refused with exit {outcome.code}, and something was stored"


def _schemas(scene: Scene) -> list[Sequence[Any]]:
    found: list[Sequence[Any]] = []
    for spec in scene.subject.stores:
        path = scene.path(spec)
        if path.exists():
            # Derived tables, and what their modules keep beside them, come and go.
            identity, schema, *rest = schema_of(path)
            kept = [row for row in schema if not row[1].startswith(spec.derived)]
            found.append([identity, kept, *rest])
    return found


def _stored(scene: Scene) -> str:
    digest = hashlib.sha256()
    for spec in scene.subject.stores:
        if scene.author.refusals:
            if scene.path(spec).exists():
                rows = rows_but(spec, scene.path(spec), scene.author.refusals)
                digest.update(repr(rows).encode("utf-8", "surrogatepass"))
            continue
        for suffix in ("", "-wal"):
            path = Path(f"{scene.path(spec)}{suffix}")
            if path.exists():
                digest.update(path.read_bytes())
    return digest.hexdigest()
