"""What a bundle says it holds, believed only as far as it can be checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cleo_core import clock
from cleo_core.api.specs import Tier
from cleo_core.backup_sets import FORMAT, MANIFEST, manifest_hash
from cleo_core.bundle.problems import invalid

TIERS: tuple[Tier, ...] = ("global", "project")
SCOPES: Mapping[str, tuple[Tier, ...]] = {
    "project": ("project",),
    "global": ("global",),
    "all": TIERS,
}
#: Bytes of all members together.
LARGEST = 64 << 30
#: Members at most; a tier with a thousand databases is none of CLEO's.
MOST_ITEMS = 1000
#: Characters of a name, a note or another text of a manifest.
LONGEST_TEXT = 1000

_KINDS = ("store", "database", "file", "marker", "config")
#: What a member may be called, below its tier; it is compared, and never used as a path.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Member:
    """One item of a manifest.

    :ivar name: of the store, else of the file.
    :ivar file: the member's name, ``<tier>/<plain name>``.
    """

    tier: str
    kind: str
    name: str
    file: str
    bytes: int
    sha256: str
    store: str | None
    revision: str | None
    rows: int | None


@dataclass(frozen=True)
class Manifest:
    """A manifest of the right shape and with the right hash.

    :ivar data: all of it, as JSON gave it.
    """

    data: Mapping[str, Any]
    scope: str
    members: tuple[Member, ...]

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The tiers in scope, in the order in which they are imported."""
        return SCOPES[self.scope]

    @property
    def fingerprint(self) -> str | None:
        """Of the machine that the bundle was made on."""
        found: str | None = self.data["machineFingerprint"]
        return found

    @property
    def project(self) -> Mapping[str, str] | None:
        """Id and name of the project that the bundle was made in."""
        found: Mapping[str, str] | None = self.data["project"]
        return found


def member_name(tier: str, file: str, number: int) -> str:
    """What the member of a file is called; what is no plain name is numbered."""
    plain = file if _PLAIN.fullmatch(file) and file != MANIFEST else f"item-{number}"
    return f"{tier}/{plain}"


def parsed(raw: bytes) -> Manifest:
    """Read a manifest.

    :raises CleoError: ``E_BUNDLE_INVALID``.
    """
    try:
        data = json.loads(raw.decode(), parse_constant=_refuse_constant)
        # Half a surrogate pair is no text that could be shown or stored.
        json.dumps(data, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise invalid("its manifest is no JSON") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT or data["format"] is True:
        raise invalid(f"its manifest is not of format {FORMAT}")
    if data.get("manifestSha256") != manifest_hash(data):
        raise invalid("its manifest was changed")
    scope = data.get("scope")
    if not isinstance(scope, str) or scope not in SCOPES:
        raise invalid("its manifest names no scope")
    _check_head(data, scope)
    items = data.get("items")
    if not isinstance(items, list) or len(items) > MOST_ITEMS:
        raise invalid("its manifest lists no members, or too many")
    members = tuple(_member(item, SCOPES[scope]) for item in items)
    _check_together(members)
    return Manifest(data, scope, members)


def _check_head(data: Mapping[str, Any], scope: str) -> None:
    for name in ("setId", "reason", "note", "createdAt", "core"):
        if not _is_text(data.get(name)):
            raise invalid(f"its manifest has no {name}")
    try:
        clock.parse_time(data["createdAt"])
    except ValueError:
        raise invalid("its manifest has no createdAt") from None
    project = data.get("project")
    if "project" in SCOPES[scope] and project is None:
        raise invalid("its manifest names no project")
    if project is not None and not (
        isinstance(project, dict)
        and all(_is_text(project.get(key)) and project[key].strip() for key in ("id", "name"))
    ):
        raise invalid("its manifest names no project")
    mark = data.get("machineFingerprint")
    if mark is not None and not (isinstance(mark, str) and _FINGERPRINT.fullmatch(mark)):
        raise invalid("its manifest has a machine's fingerprint that is none")
    if type(data.get("complete")) is not bool or not _are_failures(data.get("failed")):
        raise invalid("its manifest does not say what failed")
    plugins = data.get("plugins")
    if not isinstance(plugins, dict) or not all(map(_is_text, plugins.values())):
        raise invalid("its manifest names no plugins")


def _member(item: object, tiers: Sequence[str]) -> Member:
    if not isinstance(item, dict) or not all(
        _is_text(item.get(key)) for key in ("name", "kind", "tier", "file", "sha256")
    ):
        raise invalid("its manifest lists a member that is none")
    tier, file = item["tier"], item["file"]
    folder, _, plain = file.partition("/")
    if tier not in tiers or folder != tier or not _PLAIN.fullmatch(plain):
        raise invalid("its manifest lists a member that lies nowhere in its scope")
    size = item.get("bytes")
    if type(size) is not int or not 0 <= size <= LARGEST:
        raise invalid(f"its manifest gives {file} a size that no member may have")
    counts, revision, store = item.get("rowCounts"), item.get("revision"), item.get("store")
    known = (
        item["kind"] in _KINDS
        and _SHA256.fullmatch(item["sha256"])
        and all(one is None or _is_text(one) for one in (revision, store))
        and (item["kind"] != "store" or store == item["name"])
    )
    if not known or not (counts is None or _are_counts(counts)):
        raise invalid(f"its manifest describes {file} in a way that is not known")
    rows = None if counts is None else sum(counts.values())
    return Member(
        tier, item["kind"], item["name"], file, size, item["sha256"], store, revision, rows
    )


def _check_together(members: Sequence[Member]) -> None:
    files = {member.file.casefold() for member in members}
    keys = {(member.tier, member.kind, member.name) for member in members}
    if len(files) < len(members) or len(keys) < len(members):
        raise invalid("its manifest lists a member twice")
    if sum(member.bytes for member in members) > LARGEST:
        raise invalid(f"its members have more than {LARGEST >> 30} GiB together")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def _are_counts(value: object) -> bool:
    return isinstance(value, dict) and all(
        type(count) is int and 0 <= count < 1 << 63 for count in value.values()
    )


def _are_failures(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_ITEMS
        and all(isinstance(one, dict) and _is_text(one.get("name")) for one in value)
    )


def _refuse_constant(word: str) -> None:
    raise ValueError(word)
