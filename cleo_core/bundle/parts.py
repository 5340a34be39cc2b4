"""What an import takes of a bundle, by the declarations of this machine alone."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cleo_core.backup.inventory import LARGEST_FILE, machine_fingerprint
from cleo_core.bundle.manifest import Manifest, Member
from cleo_core.bundle.problems import invalid
from cleo_core.bundle.reading import Bundle
from cleo_core.errors import NotFoundError, echoed
from cleo_core.hashing import sha256
from cleo_core.paths import MARKER, SETTINGS, read_bounded, tier_directory
from cleo_core.paths.files import quoted
from cleo_core.pending_restore import folder_of

if TYPE_CHECKING:
    from cleo_core.api import FileSpec
    from cleo_core.api.specs import Tier
    from cleo_core.app import App

#: Where the settings of a bundle are put beside those that are here.
IMPORTED = "config.json.imported"


@dataclass
class Part:
    """What an import takes of one tier.

    :ivar files: member -> the name that its file has here, by this machine's declarations alone.
    :ivar left: ``{name, kind, tier, reason}`` of what is not taken.
    :ivar facts: member -> what its file was found to hold, as a manifest says it.
    :ivar folder: where the plain text is.
    :ivar differing: names of the settings that are otherwise here.
    """

    tier: Tier
    directory: str
    files: dict[Member, str] = field(default_factory=dict)
    left: list[dict[str, str]] = field(default_factory=list)
    facts: dict[Member, dict[str, Any]] = field(default_factory=dict)
    folder: str = ""
    differing: list[str] = field(default_factory=list)

    def path(self, member: Member) -> str:
        """Where the plain text of a member is."""
        return os.path.join(self.folder, self.files[member])

    def of(self, kind: str) -> list[Member]:
        """The members of a kind."""
        return [member for member in self.files if member.kind == kind]

    def stores(self) -> list[str]:
        """Names of the stores that are taken."""
        return [member.name for member in self.of("store")]


def parts_of(
    app: App,
    bundle: Bundle,
    manifest: Manifest,
    *,
    names: Collection[str] = (),
    with_config: bool = False,
) -> list[Part]:
    """What is taken of each tier, in lock order.

    :param names: of the stores that are taken, by default all.
    :raises CleoError: ``E_NOT_FOUND``, the bundle has no such store; ``E_NOT_INITIALIZED``, it is a
        project's and there is none here; ``E_BUNDLE_INVALID``, it holds what none may hold.
    """
    there = sorted(member.name for member in manifest.members if member.kind == "store")
    for name in names:
        if name not in there:
            raise NotFoundError(
                f"The bundle holds no store {echoed(name)}; it holds {', '.join(there) or 'none'}.",
                fix=f"cleo backup inspect {quoted(bundle.path)}",
            )
    found = []
    for tier in manifest.tiers:
        members = [member for member in manifest.members if member.tier == tier]
        if names and not any(one.kind == "store" and one.name in names for one in members):
            continue
        project = app.project if tier == "project" else app.project_or_none
        part = Part(tier, tier_directory(tier, project, app.env))
        for member in members:
            file, reason = place(app, bundle, manifest, member)
            if not file:
                part.left.append(
                    {"name": member.name, "kind": member.kind, "tier": tier, "reason": reason}
                )
            elif not names or _is_asked_for(app, member, names, with_config):
                part.files[member] = file
        if tier == "project" and not part.of("marker"):
            raise invalid(f"it is a project's and has no {MARKER}")
        found.append(part)
    return found


def _is_asked_for(app: App, member: Member, names: Collection[str], with_config: bool) -> bool:
    """Whether a member goes with some stores."""
    if member.kind == "file":
        found = app.plugins.declared_file(member.name, member.tier)
        return found is not None and found[0].name in names
    if member.kind == "config":
        return with_config
    return member.kind == "marker" or member.name in names


def place(app: App, bundle: Bundle, manifest: Manifest, member: Member) -> tuple[str, str]:
    """The name of the file that a member becomes here, or none and why it becomes nothing.

    :raises CleoError: ``E_BUNDLE_INVALID``, no bundle may hold it.
    """
    if member.kind == "store":
        spec = app.plugins.stores.get(member.name)
        if spec is None:
            return "", "no installed plugin has this store"
        if spec.tier != member.tier:
            raise invalid(f"its store {spec.name} lies in the wrong tier")
        if spec.backup == "exclude":
            raise invalid(f"its store {spec.name} is one that no bundle holds")
        if app.stores.elsewhere(spec) is not None:
            return "", "a plugin keeps it elsewhere than in its file"
        return spec.file, ""
    if member.kind == "database":
        return "", "no installed plugin owns it, so nobody can say whether it is harmless"
    if member.bytes > LARGEST_FILE:
        raise invalid(f"its member {member.file} is larger than such a file may be")
    if member.kind == "marker":
        if (member.tier, member.name) != ("project", MARKER):
            raise invalid(f"its member {member.file} is no marker")
        return MARKER, ""
    if member.kind == "config":
        if member.name != SETTINGS:
            raise invalid(f"its member {member.file} is no file of settings")
        return SETTINGS, ""
    return _file_place(app, bundle, manifest, member)


def _file_place(app: App, bundle: Bundle, manifest: Manifest, member: Member) -> tuple[str, str]:
    found = app.plugins.declared_file(member.name, member.tier)
    if found is None:
        return "", "no installed plugin declares it"
    _, declared = found
    if declared.bundle != "same_machine" or not bundle.encrypted:
        raise invalid(f"it holds {declared.name}, which never leaves the machine")
    if declared.size is not None and member.bytes != declared.size:
        raise invalid(f"its {declared.name} has {member.bytes} bytes instead of {declared.size}")
    if machine_of(app, manifest) != "this":
        return "", "it is of use on the machine of the bundle only, and this is not that one"
    if _is_here(app, declared):
        return "", "it is here already, and never replaced"
    return declared.name, ""


def _is_here(app: App, declared: FileSpec) -> bool:
    if declared.tier == "project" and app.project_or_none is None:
        return False
    directory = tier_directory(declared.tier, app.project_or_none, app.env)
    return os.path.lexists(os.path.join(directory, declared.name))


def _is_another(app: App, declared: FileSpec, manifest: Manifest) -> bool:
    """Whether the file that is here is none that a bundle's stores can be read with."""
    directory = tier_directory(declared.tier, app.project_or_none, app.env)
    path = os.path.join(directory, declared.name)
    then = [
        member.sha256
        for member in manifest.members
        if (member.tier, member.kind, member.name) == (declared.tier, "file", declared.name)
    ]
    try:
        return bool(then) and sha256(read_bounded(path, LARGEST_FILE, follow=False)) not in then
    except (OSError, ValueError):
        return True


def machine_of(app: App, manifest: Manifest) -> str:
    """Whether a bundle was made on this machine: this, another or unknown."""
    if manifest.fingerprint is None:
        return "unknown"
    return "this" if manifest.fingerprint == machine_fingerprint(app.stores) else "another"


def needs_sign_in(app: App, manifest: Manifest, parts: Sequence[Part]) -> bool:
    """Whether what the imported stores keep encrypted cannot be read here any more."""
    for part in parts:
        for name in part.stores():
            spec = app.plugins.stores[name]
            for declared in spec.files:
                if declared.bundle != "same_machine":
                    continue
                here = _is_here(app, declared) and not _is_another(app, declared, manifest)
                comes = any(
                    (member.kind, member.name) == ("file", declared.name)
                    for one in parts
                    for member in one.files
                )
                if machine_of(app, manifest) != "this" or not (here or comes):
                    return True
    return False


def settings_path(app: App, part: Part) -> str:
    """Where the settings of a tier are here."""
    return os.path.join(folder_of(part.directory, part.tier, "config", app.env), SETTINGS)
