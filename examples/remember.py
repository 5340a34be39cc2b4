"""What agents know: taken in from a real document, added to, found, priced, converted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demo import Demo

HERE = Path(__file__).resolve().parent
RECORDS = HERE.parent.parent / "shared" / "data" / "cleo-ts" / "adrs"
SAMPLE = HERE / "notes-sample.md"


def remember(demo: Demo) -> None:
    """Tell the story in a project that has a session of Ada."""
    real = sorted(RECORDS.glob("*.md"))
    for source in real[:3] or [SAMPLE]:
        demo.show("memory", "import", str(source))
    ada = "ada"
    demo.show("session", "start", "--scope", "global", "--name", "memory", agent=ada)
    demo.show("observe", "The parser drops comments after a comma", "--tag", "parser", agent=ada)
    demo.show("observe", "parse_line() keeps them when the comma ends the line", agent=ada)
    demo.show("observe", "parse_line() keeps them when the comma ends the line", agent=ada)
    demo.show(
        *("memory", "decide", "--decision", "Read it with a PEG"),
        *("--rationale", "the grammar fits on one page", "--tag", "parser"),
        agent=ada,
    )

    print("\nAn index with prices first; then what stood around a hit; then the text.")
    demo.show("memory", "find", "comma comments", "--limit", "3")
    found = demo.ask("memory", "find", "comma comments", "--limit", "1", "--quiet")
    demo.show("memory", "timeline", found)
    demo.show("memory", "fetch", found)
    demo.show("memory", "context", "--query", "parser", "--budget", "300")

    print("\nA correction takes the place of what it corrects; nothing withdrawn comes back.")
    demo.show(
        "observe", "The parser keeps comments since it reads with a PEG", "--supersedes", found
    )
    demo.show("memory", "find", "parser comments", "--limit", "3")

    print("\nA note that becomes a task.")
    demo.show("sticky", "add", "Tell the users about the comments", "--color", "blue")
    demo.show("sticky", "convert", "SN-001", "--to", "task")
    demo.show("memory", "stats")
