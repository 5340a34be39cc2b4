"""What stages deliver: artifacts, evidence, entries of the manifest, links to decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_core import inputs
from cleo_core.errors import CleoError, NotFoundError, ValidationError
from cleo_tasks.adr_ids import parse_adr_ids
from cleo_tasks.service import adr_linking, fields
from cleo_tasks.service import evidence as files
from cleo_tasks.service.lifecycle.editing import Edit
from cleo_tasks.store import adrs as adr_rows
from cleo_tasks.store import lifecycle as records
from cleo_tasks.store import manifest_entries, manifests

if TYPE_CHECKING:
    from cleo_core.app import App

#: Characters of the digest in the id of a manifest entry.
_DIGEST = 16


class Piece(NamedTuple):
    """A file (its path in the project and the SHA-256 of its content), an address or an entry."""

    uri: str
    type: str
    sha256: str | None = None


class Output(NamedTuple):
    """What a manifest entry says of an output beside its file."""

    topics: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    agent_type: str | None = None


def artifacts(app: App, given: Any) -> list[Piece]:
    """Files of the project, read and hashed; each once.

    :raises ValidationError: one of them is none.
    """
    root = files.tree_root(app.project.root)
    return list(dict.fromkeys(_file(root, one) for one in fields.entries(given, "artifacts")))


def evidence(app: App, given: Any) -> list[Piece]:
    """Evidence as callers write it: ``file:PATH`` or a path, ``url:URL`` or an http address,
    ``manifest:ID``; each once.

    :raises ValidationError: a file cannot be read, an address is none.
    """
    root = files.tree_root(app.project.root)
    return list(dict.fromkeys(_piece(root, one) for one in fields.entries(given, "evidence")))


def decisions(given: Any) -> list[str]:
    """Ids of decisions as :func:`~cleo_tasks.adr_ids.parse_adr_id` takes them; each once.

    :raises CleoError: it is no list of texts (6), one of them can be no id of a decision (2).
    """
    return parse_adr_ids(inputs.texts(given, "adrs"))


def store(
    edit: Edit,
    name: str,
    *,
    artifacts: Sequence[Piece],
    evidence: Sequence[Piece],
    output: Output,
    adrs: Sequence[str],
    note: str | None,
) -> None:
    """Write what a stage delivered beside its own row.

    :raises NotFoundError: a decision or a manifest entry does not exist.
    """
    add_evidence(edit, name, artifacts, description="artifact")
    add_evidence(edit, name, evidence, description=note)
    for piece in artifacts:
        _entry(edit, name, piece, output)
    if output != Output() and not artifacts:
        _entry(edit, name, None, output)
    _link(edit, adrs)


def add_evidence(
    edit: Edit,
    name: str,
    pieces: Sequence[Piece],
    *,
    description: str | None,
    gate_result: int | None = None,
) -> None:
    """Record evidence of a stage, or of one result of its gates.

    :raises NotFoundError: a manifest entry does not exist.
    """
    if not pieces:
        return
    named = [piece.uri for piece in pieces if piece.type == "manifest"]
    there = manifests.existing(edit.work, named) | manifest_entries.existing(edit.work, named)
    missing = [id_ for id_ in named if id_ not in there]
    if missing:
        raise NotFoundError(
            f"There is no manifest entry {', '.join(missing)}.",
            fix="cleo manifest list",
            ids=missing,
        )
    for piece in pieces:
        records.add_evidence(
            edit.work,
            {
                "stage_id": edit.stages[name]["id"],
                "gate_result_id": gate_result,
                **piece._asdict(),
                "description": description,
                "recorded_by": edit.work.actor,
                "recorded_at": edit.work.now,
            },
        )
    edit.details.setdefault("evidence", []).extend(piece.uri for piece in pieces)
    edit.touch()


def _entry(edit: Edit, name: str, piece: Piece | None, output: Output) -> None:
    """One entry of the manifest; its id is made of its content, so that it is there once."""
    import hashlib

    work, stage = edit.work, edit.stages[name]["id"]
    content = [stage]
    if piece is None:
        content += ["", *output.topics, "", *output.findings, "", output.agent_type or ""]
    else:
        content += [piece.uri, piece.sha256 or ""]
    digest = hashlib.sha256("\0".join(content).encode()).hexdigest()[:_DIGEST]
    values = {
        "id": f"me_{digest}",
        "pipeline_id": edit.pipeline["id"],
        "stage_id": stage,
        "title": f"{name} of {edit.id}" if piece is None else f"{name} of {edit.id}: {piece.uri}",
        "date": work.now[:10],
        "status": "completed",
        "agent_type": output.agent_type,
        "output_file": None if piece is None else piece.uri,
        "created_by": work.actor,
        "topics": list(output.topics),
        "findings": list(output.findings),
        "created_at": work.now,
    }
    if manifest_entries.insert(work, values, [edit.id]):
        work.note(
            "manifest",
            values["id"],
            None,
            values,
            task_id=edit.id,
            action="manifest.add",
            emit=False,
        )
    elif output != Output():
        there = manifest_entries.get(work, values["id"])
        same = there is not None and all(
            there[field] == values[field] for field in ("topics", "findings", "agent_type")
        )
        if not same:
            work.warn(
                "W_ENTRY_KEPT",
                f"{values['id']} is in the manifest already, from an earlier attempt, and keeps "
                "its topics and findings.",
            )
    edit.details.setdefault("manifest", []).append(values["id"])


def _link(edit: Edit, adrs: Sequence[str]) -> None:
    """Link decisions that are not linked yet; each is audited as a change of the decision."""
    there = adr_rows.existing(edit.work, adrs)
    missing = [id_ for id_ in adrs if id_ not in there]
    if missing:
        raise NotFoundError(
            f"There is no decision {', '.join(missing)}.", fix="cleo adr list", ids=missing
        )
    for adr in adrs:
        try:
            adr_linking.link(edit.work, adr, edit.id, "governed_by")
        except CleoError as error:
            if error.code != "E_NO_CHANGE":
                raise
            continue
        edit.details.setdefault("adrs", []).append(adr)
        edit.touch()


def _piece(root: str, text: str) -> Piece:
    word = text.strip()
    kind, found, rest = word.partition(":")
    if found and kind == "manifest":
        if not rest.strip():
            raise ValidationError(
                "manifest: names no entry.", fix="--evidence manifest:ID", field="evidence"
            )
        return Piece(rest.strip(), "manifest")
    if found and kind == "url":
        return Piece(_address(rest.strip()), "url")
    if word.lower().startswith(("http://", "https://")):
        return Piece(_address(word), "url")
    return _file(root, rest if found and kind == "file" else text)


def _file(root: str, path: str) -> Piece:
    named, digest = files.hashed(root, path)
    return Piece(named, "file", digest)


def _address(text: str) -> str:
    found = fields.address(text, "evidence")
    if not found.lower().startswith(("http://", "https://")):
        raise ValidationError(
            f"{found[:80]!r} is no address of a page.", fix="--evidence url:https://example.org/x"
        )
    return found
