"""The text of an entry: what ``fetch`` prints and a token price is counted of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cleo_brain.service.deriving import tokens_of
from cleo_brain.store.entries import TYPED
from cleo_core.output import visible

if TYPE_CHECKING:
    from cleo_brain.entry_records import Entry
    from cleo_brain.records import Line

#: Kind -> (column of its table, label) of what stands below the text.
_DETAILS = {
    "decision": (
        *(("alternatives_json", "Alternatives"), ("outcome", "Outcome")),
        *(("confidence", "Confidence"), ("confirmation_state", "State")),
        *(("decided_by", "Decided by"), ("context_epic_id", "Epic"), ("context_task_id", "Task")),
        *(("context_phase", "Phase"), ("adr_id", "ADR"), ("adr_path", "ADR file")),
    ),
    "pattern": (
        *(("anti_pattern", "Instead of"), ("mitigation", "Mitigation"), ("impact", "Impact")),
        *(("success_rate", "Success rate"), ("examples_json", "Examples")),
    ),
    "learning": (
        *(("application", "Application"), ("applicable_types_json", "Applies to")),
        *(("source", "Source"), ("confidence", "Confidence")),
    ),
    "observation": (
        *(("facts_json", "Facts"), ("concepts_json", "Concepts")),
        *(("files_read_json", "Files read"), ("files_modified_json", "Files modified")),
        *(("attachments_json", "Attachments"),),
    ),
    "sticky": (("color", "Colour"), ("priority", "Priority"), ("converted_to", "Became")),
}


def shown_title(kind: str, typed: Mapping[str, Any]) -> str:
    """The title that a list shows; where there is none, the first 80 characters of the text."""
    if kind == "decision":
        text = typed["decision"]
    elif kind == "pattern":
        text = typed["pattern"]
    elif kind == "observation" and not typed["title_derived"]:
        text = typed["title"]
    else:
        text = {"learning": "insight", "observation": "narrative", "sticky": "content"}[kind]
        text = typed[text]
    return " ".join(text.split())[:80]


def entry_text(row: Mapping[str, Any], typed: Mapping[str, Any], tags: Sequence[str]) -> str:
    """An entry in plain text: a heading, its text, and what else its columns say.

    It depends on nothing that a use, a link or a verification changes.
    """
    kind = row["kind"]
    type_ = typed.get("type")
    head = f"{row['id']} {kind}{'/' + type_ if type_ else ''} {row['valid_at'][:10]}"
    lines = [head]
    if kind == "decision":
        lines += [typed["decision"], f"Because: {typed['rationale']}"]
    elif kind == "pattern":
        lines += [typed["pattern"], f"Context: {typed['context']}"]
    elif kind == "observation":
        lines += [] if typed["title_derived"] else [typed["title"]]
        lines += [typed["subtitle"]] if typed["subtitle"] else []
        lines.append(typed["narrative"])
    else:
        lines.append(typed["insight" if kind == "learning" else "content"])
    for name, label in _DETAILS[kind]:
        value = typed[name]
        if value not in (None, "", []):
            lines.append(f"{label}: {'; '.join(value) if isinstance(value, list) else value}")
    if tags:
        lines.append(f"Tags: {', '.join(tags)}")
    # Priced as it is printed: control characters as escapes.
    return visible("\n".join(lines))


def record_text(entry: Entry) -> str:
    """:func:`entry_text` of an entry that was read."""
    typed = {
        name: getattr(entry, name.removesuffix("_json"), None)
        for name in ("type", *TYPED[entry.kind])
    }
    return entry_text({**vars(entry), "valid_at": entry.date}, typed, entry.tags)


def index_line(line: Line) -> str:
    """An entry in a list, for people and in a context; it ends with its price and title."""
    type_ = f"/{line.type}" if line.type else ""
    reason = f" {line.invalid_reason}" if line.invalid_reason else ""
    against = f" contradicts {', '.join(line.contradicts)}" if line.contradicts else ""
    return (
        f"{line.id} {line.kind}{type_} {line.date[:10]}{reason}{against} "
        f"({line.tokens} tokens) {line.title}"
    )


def index_text(lines: Sequence[Line]) -> str:
    """A list of entries, for people."""
    return "\n".join(map(index_line, lines)) or "Nothing found."


def price(row: Mapping[str, Any], typed: Mapping[str, Any], tags: Sequence[str]) -> int:
    """Tokens of :func:`entry_text`."""
    return tokens_of(entry_text(row, typed, tags))
