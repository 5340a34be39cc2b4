"""Recall of ``cleo memory find`` against plain full-text search, on real texts.

Conversations: every turn is observed, every question with known evidence is asked. Known items:
descriptions of packages, paragraphs of documents and docstrings, each to be found by some of its
words. A source that is not on this machine is skipped by name.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cleo_core
from benchmarks import brain_arms as arms
from benchmarks import brain_corpora as corpora
from benchmarks.brain_corpora import Corpus
from benchmarks.measure import table
from cleo_core.app import create_app
from cleo_core.initialize import initialize

AT = (1, 5, 10, 20)
#: Arm -> least recall@10 on conversations that nobody has looked at.
GOALS = {"find, default install": 0.75, "find with wordllama": 0.78}
PLAIN = "BM25 with porter, OR of all words"
LEXICAL = "lexical arm"
DEFAULT = "find, default install"
EXTRA = "find with wordllama"
#: recall@10 under the term budget against the exhaustive OR.
BUDGET_RATIO = 0.9
SIZE = 100_000
#: Entries and questions of the known-item corpora.
PACKAGES = 20_000
QUESTIONS = 400

Sums = dict[str, list[float]]


def main() -> None:
    """Print recall@1, 5, 10 and 20 of every arm on every corpus that is here."""
    talks = corpora.conversations()
    if talks:
        report(f"{len(talks)} conversations", talks, GOALS)
    else:
        skipped("conversations", corpora.SHARED / "locomo")
    for name, items, source in (
        ("package descriptions", corpora.packages(PACKAGES), "apt-cache dumpavail"),
        ("paragraphs", corpora.paragraphs(), "a Markdown file"),
        ("docstrings", corpora.docstrings(), "the standard library's source"),
    ):
        if items:
            report(name, [corpora.known_items(name, items, QUESTIONS)], {})
        else:
            skipped(name, source)
    everything = corpora.packages()
    if everything:
        budget(corpora.known_items("package descriptions", everything, QUESTIONS), SIZE)
    else:
        skipped("the term budget", "apt-cache dumpavail")


def report(title: str, found: Sequence[Corpus], goals: Mapping[str, float]) -> Sums:
    """Print and return recall of every arm over some corpora, a fresh store for each."""
    sums: Sums = {}
    notes: dict[str, str] = {}
    for corpus in found:
        for name, values in measure(corpus, notes).items():
            total = sums.setdefault(name, [0.0] * len(AT))
            sums[name] = [one + more for one, more in zip(total, values, strict=True)]
    questions = sum(len(corpus.questions) for corpus in found)
    shares = {name: [one / max(1, questions) for one in values] for name, values in sums.items()}
    table(
        f"Recall on {title}: {sum(len(one.items) for one in found)} entries, {questions} questions",
        ("arm", *(f"@{k}" for k in AT), "goal @10", "note"),
        [
            (
                name,
                *(f"{value:.3f}" for value in values),
                goals.get(name, "-"),
                notes.get(name) or _verdict(name, shares),
            )
            for name, values in shares.items()
        ],
    )
    return shares


def measure(corpus: Corpus, notes: dict[str, str]) -> Sums:
    """Recall sums of every arm on one corpus.

    :param notes: what is to be said about an arm, by its name.
    """
    with tempfile.TemporaryDirectory(prefix="cleo-bench-") as folder:
        app = new_project(Path(folder))
        with app:
            ids = corpora.stored(corpus, app, one_by_one=len(corpus.items) < 5_000)
            keys = {id_: key for key, id_ in ids.items()}
            brain = app.service("brain")
            ways: dict[str, arms.Arm] = {
                "prefixes of all words, AND, else OR": arms.prefixes(corpus),
                PLAIN: arms.plain_bm25(corpus),
                LEXICAL: arms.finding(brain, keys, arm="lexical"),
            }
            sums = {name: arms.recall(arm, corpus, AT) for name, arm in ways.items()}
            probe = brain.find("anything at all")[0].arms.vector
            if probe.used:
                # Vectors of everything, as a reembed leaves them.
                brain.reembed()
                sums["vectors alone"] = arms.recall(
                    arms.finding(brain, keys, arm="vector"), corpus, AT
                )
                sums[EXTRA] = arms.recall(arms.finding(brain, keys), corpus, AT)
            else:
                notes[EXTRA] = f"skipped: {probe.reason}"
            # As an install without the extra finds.
            app.config.set("brain.search.vectors", "off", "project")
            sums[DEFAULT] = arms.recall(arms.finding(brain, keys), corpus, AT)
    order = (*ways, "vectors alone", DEFAULT, EXTRA)
    for name in notes:
        print(f"{name}: {notes[name]}", file=sys.stderr)
    return {name: sums[name] for name in order if name in sums}


def budget(corpus: Corpus, size: int) -> float:
    """Print and return recall@10 under the term budget against the exhaustive OR.

    It also says for how many queries not everything was looked at, which ``find`` reports.
    """
    from cleo_brain.search import lexical

    corpus = corpus._replace(items=corpora.mixed(corpus.items, size))
    kept = {item.key for item in corpus.items}
    corpus = corpus._replace(questions=[one for one in corpus.questions if one.keys[0] in kept])
    with (
        tempfile.TemporaryDirectory(prefix="cleo-bench-") as folder,
        new_project(Path(folder)) as app,
    ):
        ids = corpora.stored(corpus, app, one_by_one=False)
        brain = app.service("brain")
        arm = arms.finding(brain, {id_: key for key, id_ in ids.items()}, arm="lexical")
        limited = arms.recall(arm, corpus, AT)
        partial = sum(
            not brain.find(one.query, arm="lexical")[0].arms.lexical.exhaustive
            for one in corpus.questions
        )
        before = lexical.BUDGET
        lexical.BUDGET = sys.maxsize
        try:
            whole = arms.recall(arm, corpus, AT)
        finally:
            lexical.BUDGET = before
    ratio = limited[2] / whole[2] if whole[2] else 1.0
    questions = max(1, len(corpus.questions))
    table(
        f"The term budget on {len(corpus.items)} entries, {questions} questions",
        ("recall@10 within", "recall@10 without", "ratio", "limit", "queries not exhaustive"),
        [(limited[2] / questions, whole[2] / questions, ratio, BUDGET_RATIO, partial)],
    )
    return ratio


def new_project(folder: Path) -> Any:
    """An App on a fresh project."""
    environment = environment_of(folder)
    root = folder / "project"
    root.mkdir()
    with create_app(env=environment) as app:
        initialize(str(root), plugins=app.plugins, env=environment)
    return cleo_core.open_app(str(root), env=environment)


def environment_of(folder: Path) -> dict[str, str]:
    """The environment without CLEO's variables and with a private home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLEO_")}
    return {**kept, "CLEO_HOME": str(folder / "home")}


def skipped(name: str, source: object) -> None:
    """Say that a corpus is not here."""
    print(f"\nskipped: {name} ({source} is not there)")


def _verdict(name: str, shares: Mapping[str, Sequence[float]]) -> str:
    """Whether an arm of ours is nowhere below what it must not lose to."""
    against = {LEXICAL: PLAIN, DEFAULT: PLAIN, EXTRA: LEXICAL}.get(name)
    if against is None or against not in shares:
        return ""
    pairs = zip(AT, shares[name], shares[against], strict=True)
    lost = [f"@{k}" for k, own, other in pairs if own < other - 1e-9]
    return f"below {against} {' '.join(lost)}" if lost else f"≥ {against} everywhere"
