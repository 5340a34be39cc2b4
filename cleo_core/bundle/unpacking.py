"""The plain text of what an import takes, and whether it is what it should be."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from cleo_core.bundle.checking import check_store
from cleo_core.bundle.content import differing_keys, json_object
from cleo_core.bundle.manifest import Manifest, Member
from cleo_core.bundle.parts import Part, settings_path
from cleo_core.bundle.problems import invalid
from cleo_core.bundle.reading import Bundle
from cleo_core.paths import MARKER, file_error
from cleo_core.progress import Progress
from cleo_core.space import require_free

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.bundle.members import Sink


def require_room(part: Part) -> None:
    """Refuse to unpack where there is no room.

    :raises CleoError: ``E_NO_SPACE``.
    """
    # Once here, and once more beside what it replaces.
    needed = sum(member.bytes for member in part.files) * 22 // 10
    require_free(os.path.dirname(part.folder), needed, purpose="The import")


def unpack(
    bundle: Bundle, manifest: Manifest, parts: Sequence[Part], progress: Progress | None
) -> None:
    """Read the bundle once more, each member that is taken into a file of the parts' folders."""
    homes = {member: part for part in parts for member in part.files}
    files: list[BinaryIO] = []

    def choose(member: Member) -> Sink | None:
        while files:
            files.pop().close()
        part = homes.get(member)
        if part is None:
            return None
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(part.path(member), flags, 0o600)
        files.append(open(descriptor, "wb"))  # noqa: SIM115 - closed when the next one is chosen
        return files[-1]

    try:
        if bundle.read(choose, "unpacking", progress).data != manifest.data:
            raise invalid("it changed while it was read")
        while files:
            files.pop().close()
    except OSError as error:
        raise file_error(error, parts[0].directory if parts else ".") from error
    finally:
        for file in files:
            with suppress(OSError):
                file.close()


def check(app: App, part: Part, manifest: Manifest) -> None:
    """Look into every file; what it holds is learnt from it alone."""
    for member in part.files:
        facts: dict[str, Any] = {}
        path = part.path(member)
        if member.kind == "store":
            facts = check_store(app.stores, app.plugins.stores[member.name], path)
            facts["store"] = member.name
        elif member.kind in ("marker", "config"):
            content = json_object(path, member.file)
            if member.kind == "marker":
                _check_marker(content, manifest)
            else:
                part.differing = differing_keys(content, settings_path(app, part))
        part.facts[member] = facts


def _check_marker(content: Mapping[str, Any], manifest: Manifest) -> None:
    project = manifest.project
    if project is None or content.get("projectId") != project["id"]:
        raise invalid(f"its {MARKER} is another project's than its manifest says")
    name = content.get("name")
    if not (name is None or (isinstance(name, str) and name.isprintable())):
        raise invalid(f"its {MARKER} gives the project a name that is none")
