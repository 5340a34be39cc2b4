"""Projects, and tasks in them, as the service answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


@record
class Health(Declared):
    """What the last sync or health check found.

    :ivar status: unknown, healthy, degraded or unreachable.
    :ivar checked_at: when, or None for never.
    """

    status: str
    checked_at: str | None


@record
class Project(Declared):
    """A registered project.

    :ivar path: its canonical root.
    :ivar hash: the first 12 hexadecimal digits of SHA-256 over that path.
    :ivar permissions: what it lets other projects do: read, write or execute.
    :ivar task_count: as of the last sync, like ``labels``.
    :ivar current: whether it is the project that this was asked from.
    """

    id: str
    slug: str
    name: str
    path: str
    hash: str
    permissions: str
    health: Health
    task_count: int
    labels: tuple[str, ...]
    registered_at: str
    last_seen: str
    last_sync: str | None
    current: bool

    @classmethod
    def of(cls, row: Row | Mapping[str, Any], current_id: str | None) -> Project:
        """A row of the registry."""
        return cls(
            id=row["project_id"],
            slug=row["slug"],
            name=row["name"],
            path=row["project_path"],
            hash=row["project_hash"],
            permissions=row["permissions"],
            health=Health(row["health_status"], row["health_last_check"]),
            task_count=row["task_count"],
            labels=tuple(json.loads(row["labels_json"])),
            registered_at=row["registered_at"],
            last_seen=row["last_seen"],
            last_sync=row["last_sync"],
            current=row["project_id"] == current_id,
        )

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Project:
        """One as the envelope shows it, back."""
        return cls(
            id=data["id"],
            slug=data["slug"],
            name=data["name"],
            path=data["path"],
            hash=data["hash"],
            permissions=data["permissions"],
            health=Health(data["health"]["status"], data["health"]["checkedAt"]),
            task_count=data["taskCount"],
            labels=tuple(data["labels"]),
            registered_at=data["registeredAt"],
            last_seen=data["lastSeen"],
            last_sync=data["lastSync"],
            current=data["current"],
        )


@record
class Unregistered(Declared):
    """A project that was taken out of the registry.

    :ivar edges: how many edges begin or end in it.
    :ivar instances: how many instances have their epic in it; they stay.
    """

    removed: Project
    edges: int
    instances: int


@record
class Permission(Declared):
    """What a project lets others do.

    :ivar project: its slug.
    :ivar previous: what it was, where it was set.
    """

    project: str
    permissions: str
    previous: str | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("previous",)


@record
class Ref(Declared):
    """A task of a registered project.

    :ivar ref: ``slug:T001``.
    """

    ref: str
    project_id: str
    task_id: str

    @classmethod
    def of(cls, slug: str, project_id: str, task_id: str) -> Ref:
        """The reference of a task in a project."""
        return cls(f"{slug}:{task_id}", project_id, task_id)


@record
class Reconciled(Declared):
    """What was made of a directory and its row.

    :ivar outcome: ok, moved or new; claimed, new_id, adopted or replaced where an option settled a
        conflict.
    :ivar old_path: where the project was registered before, where that changed.
    """

    outcome: str
    project: Project
    old_path: str | None = None
    new_path: str | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("old_path", "new_path")


@record
class Failure(Declared):
    """A project that could not be counted.

    :ivar project: its slug.
    :ivar code: of the error that says why.
    """

    project: str
    code: str
    message: str

    def as_json(self) -> dict[str, str]:
        """The same as an object."""
        return {"project": self.project, "code": self.code, "message": self.message}


@record
class Synced(Declared):
    """The projects that were counted, and those that could not be."""

    synced: list[Project]
    failed: list[Failure]


@record
class Found(Declared):
    """A project that a scan came upon and that the registry does not know as it is.

    :ivar state: unregistered, moved, copied, or drift where the place is registered with another
        id, or the id is a former one.
    :ivar slug: what references use, where it was registered just now.
    """

    path: str
    id: str
    state: str
    slug: str | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("slug",)


@record
class Scanned(Declared):
    """What a scan found, and how many of it were registered."""

    found: list[Found]
    registered: int


@record
class Kept(Declared):
    """A project that is left in the registry, and why."""

    project: str
    reason: str


@record
class Cleaned(Declared):
    """Projects that meet the criteria, those of them that stay, and how many were removed."""

    matched: list[Project]
    removed: int
    skipped: list[Kept]


@record
class Status(Declared):
    """How much there is in the registry.

    :ivar by_health: health -> projects.
    """

    projects: int
    by_health: dict[str, int]
    edges: int
    open_instances: int
    open_transfers: int


@record
class Pruned(Declared):
    """Audit rows that were archived and deleted; ``path`` of the archive, None in a dry run."""

    archived: int
    deleted: int
    path: str | None
