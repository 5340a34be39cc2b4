"""What recall is measured on: conversations with questions, and texts with known-item queries."""

from __future__ import annotations

import ast
import json
import random
import re
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cleo_brain.words import STOP_WORDS

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
SEED = 20_260_325
#: Words of a known-item query, and what is put before them.
QUERY_WORDS = 4
ASKED = "what do we know about"


class Item(NamedTuple):
    """One entry to be stored; ``key`` names it in the questions."""

    key: str
    text: str
    title: str | None = None
    thread: str | None = None
    at: str | None = None


class Question(NamedTuple):
    """A query and the keys of what answers it."""

    query: str
    keys: tuple[str, ...]


class Corpus(NamedTuple):
    """Entries in the order in which they are stored, and questions about them."""

    name: str
    items: list[Item]
    questions: list[Question]


def conversations(folder: Path = SHARED / "locomo") -> list[Corpus]:
    """The conversations in a folder of LoCoMo files: one entry per turn, thread = session.

    Questions of category 5 have no answer; of the others those count whose evidence exists.
    """
    return [_conversation(path) for path in sorted(folder.glob("*.json"))]


def _conversation(path: Path) -> Corpus:
    whole = json.loads(path.read_text("utf-8"))
    items = []
    for number in range(1, 1 + sum(bool(re.fullmatch(r"session_\d+", key)) for key in whole)):
        at = _session_time(whole.get(f"session_{number}_date_time", ""))
        for turn in whole.get(f"session_{number}") or []:
            words = [f"{turn['speaker']}: {turn['text']}", turn.get("blip_caption") or ""]
            text = " ".join(word for word in words if word)
            items.append(Item(turn["dia_id"], text, None, f"session {number}", at))
    known = {item.key for item in items}
    questions = [
        Question(asked["question"], tuple(asked["evidence"]))
        for asked in whole["qa"]
        if asked["category"] in (1, 2, 3, 4)
        and asked["evidence"]
        and known.issuperset(asked["evidence"])
    ]
    return Corpus(path.stem, items, questions)


def _session_time(text: str) -> str | None:
    """``1:56 pm on 8 May, 2023`` as a stored time."""
    try:
        found = time.strptime(text, "%I:%M %p on %d %B, %Y")
    except ValueError:
        return None
    return time.strftime("%Y-%m-%dT%H:%M:00Z", found)


def packages(most: int | None = None) -> list[Item]:
    """The packages that apt knows: name, what it is, its tags; [] where there is no apt."""
    program = shutil.which("apt-cache")
    if program is None:
        return []
    done = subprocess.run([program, "dumpavail"], capture_output=True, check=False, timeout=120)
    items: list[Item] = []
    for block in done.stdout.decode("utf-8", "replace").split("\n\n"):
        columns = dict(re.findall(r"^(Package|Description|Section): (.*)$", block, re.MULTILINE))
        if "Package" in columns and "Description" in columns:
            text = f"{columns['Description']}\nSection: {columns.get('Section', 'none')}"
            items.append(Item(columns["Package"], text, title=columns["Package"]))
    unique = list({item.key: item for item in items}.values())
    if most is not None and len(unique) > most:
        unique = random.Random(SEED).sample(unique, most)
    return unique


def paragraphs(folders: Sequence[Path] = (SHARED / "cleo-ts" / "adrs", ROOT)) -> list[Item]:
    """The paragraphs of Markdown files, each file a thread."""
    items = []
    for path in sorted(path for folder in folders for path in folder.glob("*.md")):
        for number, text in enumerate(_paragraphs_of(path.read_text("utf-8", "replace"))):
            items.append(Item(f"{path.name}#{number}", text, thread=path.name))
    return items


def _paragraphs_of(text: str) -> Iterator[str]:
    for part in re.split(r"\n\s*\n", text):
        if len(_content(part)) >= 2 * QUERY_WORDS and not part.startswith("```"):
            yield part[:4000]


def docstrings() -> list[Item]:
    """Docstrings in the top modules of the standard library, each file a thread."""
    items = []
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                text = ast.get_docstring(node) or ""
                if len(_content(text)) >= 2 * QUERY_WORDS:
                    items.append(Item(f"{path.name}#{node.lineno}", text[:4000], thread=path.name))
    return items


def known_items(name: str, items: list[Item], questions: int) -> Corpus:
    """A corpus whose queries are some words of one entry each, in the order they stand there.

    Only such words are taken as no other entry has all of: else it could not be told which one is
    meant.
    """
    chance = random.Random(SEED)
    content = {item.key: _content(item.text.partition("\nSection:")[0]) for item in items}
    having: dict[str, set[str]] = {}
    for key, words in content.items():
        for word in words:
            having.setdefault(word, set()).add(key)
    asked = []
    for item in chance.sample(items, len(items)):
        words = content[item.key]
        if len(asked) == questions or len(words) < QUERY_WORDS:
            continue
        chosen = [words[number] for number in sorted(chance.sample(range(len(words)), QUERY_WORDS))]
        if set.intersection(*(having[word] for word in chosen)) == {item.key}:
            asked.append(Question(" ".join([ASKED, *chosen]), (item.key,)))
    return Corpus(name, items, asked)


def mixed(items: list[Item], size: int) -> list[Item]:
    """So many entries: those given, and further ones put together of the words of two of them."""
    chance = random.Random(SEED)
    made = items[:size]
    while items and len(made) < size:
        words = [word for one in chance.sample(items, 2) for word in one.text.split()]
        chance.shuffle(words)
        made.append(Item(f"mixed {len(made)}", " ".join(words[:16])))
    return made


def _content(text: str) -> list[str]:
    found = re.findall(r"[^\W\d_]{3,}", text.casefold())
    return [word for word in dict.fromkeys(found) if word not in STOP_WORDS]


def stored(corpus: Corpus, app: Any, *, one_by_one: bool) -> dict[str, str]:
    """Store a corpus; returns the id of each key.

    :param one_by_one: by ``observe``; else by the same code with five hundred entries in a unit.
    """
    ids: dict[str, str] = {}
    if one_by_one:
        observe = app.service("brain").observe
        for item in corpus.items:
            made = observe(item.text, title=item.title, thread=item.thread, at=item.at)
            ids[item.key] = made.id
        return ids
    for begin in range(0, len(corpus.items), 500):
        ids.update(_stored_together(app, corpus.items[begin : begin + 500]))
    return ids


def _stored_together(app: Any, items: Sequence[Item]) -> dict[str, str]:
    from cleo_brain.service.observing import ObserveVerbs, observation
    from cleo_brain.service.work import Caller, Work
    from cleo_brain.service.writing import store

    nobody = Caller(None, None, None)
    lists = ("facts", "concepts", "files_read", "files_modified", "attachments", "tags", "tasks")
    given: dict[str, Any] = dict.fromkeys((*lists, "supersedes"), ())
    given.update(dict.fromkeys(("subtitle", "type", "source_type", "source_confidence", "project")))
    given.update({"discovery_tokens": None, "link_current": False, "force": True})

    def body(work: Work) -> dict[str, str]:
        return {
            item.key: store(
                work,
                observation(
                    {
                        **given,
                        "text": item.text,
                        "title": item.title and item.title[:200],
                        "thread": item.thread,
                        "at": item.at,
                    },
                    nobody,
                    0,
                ),
            ).id
            for item in items
        }

    return ObserveVerbs(app).write("memory.observe", body, nobody)
