"""Links between tasks and the records of other trackers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cleo_core import inputs
from cleo_core.database import Row
from cleo_core.errors import NotFoundError, UsageError, ValidationError
from cleo_core.output import Page, to_json
from cleo_tasks.enums import LINK_TYPE, SYNC_DIRECTION
from cleo_tasks.errors import task_not_found
from cleo_tasks.ids import parse_id
from cleo_tasks.link_records import ExternalLink, LinkAdded, LinksRemoved
from cleo_tasks.service import fields
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import links as store
from cleo_tasks.store import tasks

if TYPE_CHECKING:
    from cleo_tasks.link_records import ReconcileResult
    from cleo_tasks.service.transfer import Progress

_PROVIDER = re.compile(r"[a-z][a-z0-9-]*\Z")
_LONGEST = 1000


class LinkVerbs(Verbs):
    """``link …``."""

    def link_add(
        self,
        id: str,
        external_id: str,
        provider: str | None = None,
        type: str | None = None,
        direction: str | None = None,
        *,
        url: str | None = None,
        idempotency_key: str | None = None,
    ) -> LinkAdded:
        """Link a task to a record of another tracker; a repeat writes no row.

        :param external_id: the record's id there, or the address of a GitHub issue.
        :param provider: what the tracker is called here, a slug; may be left out with such an
            address.
        :param type: created, matched, manual (by default) or transferred.
        :param direction: inbound (by default), outbound or bidirectional: which way
            :meth:`link_reconcile` carries changes. Like type and url, what is given for a link
            that is there already is changed.
        :param url: where people find the record.
        :raises CleoError: 2; 4; 6, the record belongs to another task, which is named, or a word
            is unknown.
        """
        id_ = parse_id(id)
        provider_, external, found_url = _record(external_id, provider, f"cleo link add {id_}")
        external = store.folded(provider_, external)
        given = {
            "link_type": None if type is None else inputs.word_of(LINK_TYPE, "type")(type),
            "sync_direction": None
            if direction is None
            else inputs.word_of(SYNC_DIRECTION, "direction")(direction),
            "external_url": found_url if url is None else fields.address(url, "url"),
        }
        arguments = {"id": id_, "provider": provider_, "external_id": external, **given}

        def body(work: Work) -> LinkAdded:
            result: LinkAdded = work.unit.idempotent(
                "link_add",
                idempotency_key,
                arguments,
                lambda: _add(work, id_, provider_, external, given),
                encode=to_json,
                decode=_from_json,
            )
            return result

        return self.write("link.add", body)

    def link_list(
        self,
        id: str | None = None,
        *,
        provider: str | None = None,
        type: str | None = None,
        direction: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[ExternalLink], Page]:
        """A page of the links, in the order in which they were made.

        :param id: those of this task.
        :raises CleoError: 2; 4, there is no such task.
        """
        limit, offset = self.page(limit, offset)
        filters: dict[str, str] = {}
        if id is not None:
            filters["task"] = parse_id(id)
        if provider is not None:
            filters["provider"] = inputs.as_filter(provider_id, provider)
        if type is not None:
            filters["type"] = inputs.as_filter(inputs.word_of(LINK_TYPE, "type"), type)
        if direction is not None:
            check = inputs.word_of(SYNC_DIRECTION, "direction")
            filters["direction"] = inputs.as_filter(check, direction)
        with self.db.snapshot() as db:
            if "task" in filters and not tasks.existing(db, [filters["task"]]):
                raise task_not_found(filters["task"])
            rows, total = store.page(db, filters, limit=limit, offset=offset)
        return [record(row) for row in rows], Page(limit, offset, total)

    def link_reconcile(
        self,
        provider: str,
        file: str,
        *,
        policy: str = "cleo-wins",
        assignees: bool = True,
        tags: Sequence[str] = (),
        report: str | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> ReconcileResult:
        """Bring tasks and their records at a tracker together again.

        New records become tasks. What only one side changed since the two were last seen together
        goes to the other side, as far as the link's direction allows; what should change there is
        reported as outbound, nothing is sent. A status changes by the rules of the verb that makes
        the change, and a refusal is a conflict. Nothing is deleted because its record is absent.

        :param file: what the provider's importer reads, or records of the generic form
            ``{external_id, title, status, url, updated_at}``, one per line; ``-`` is stdin.
        :param policy: who wins where both sides changed, or nothing is known of before:
            ``cleo-wins``, except that a record may be further along; ``provider-wins``;
            ``latest-wins``, by the time of the change; ``report-only`` changes nothing.
        :param assignees: False leaves the tasks unclaimed.
        :param tags: as for :meth:`import_task_master`.
        :param report: path of a file that gets one JSON line per record.
        :param force: replace the report's file if it is there.
        :raises CleoError: 2; 3, a file cannot be read or written; 6, it is of no such form, or the
            provider is no slug; 21, others interfered.
        """
        from cleo_core.paths import check_output
        from cleo_tasks.importers.agreement import POLICIES
        from cleo_tasks.importers.reconciling import Reconcile
        from cleo_tasks.importers.result import Options
        from cleo_tasks.service.transfer import chosen_tags

        provider_ = provider_id(provider)
        if provider_ == "jsonl":
            raise UsageError(
                "jsonl is the form of exports, no tracker.", fix="cleo import jsonl FILE --update"
            )
        policy_ = inputs.as_filter(inputs.word_of(POLICIES, "policy"), policy)
        if report is not None:
            check_output(
                report,
                project_directory=self.app.project.directory,
                env=self.app.env,
                inputs=[file],
                force=force,
            )
        options = Options(
            update=True,
            assignees=assignees,
            report=report,
            tags=chosen_tags(tags),
        )
        return Reconcile(self.app, provider_, file, policy_, options, progress).reconcile()

    def link_remove(
        self, id: str, external_id: str, *, provider: str | None = None
    ) -> LinksRemoved:
        """Remove a task's link to a record of another tracker; neither of the two is touched.

        :param provider: needed where several trackers call a record so.
        :raises CleoError: 2; 4, there is no such task or link; 6, several links match.
        """
        id_ = parse_id(id)
        again = f"cleo link remove {id_}"
        provider_: str | None = None
        if provider is None and _github(external_id) is None:
            external = _external(external_id)
        else:
            provider_, external, _ = _record(external_id, provider, again)

        def body(work: Work) -> LinksRemoved:
            work.task(id_)
            found = store.of_task(work, id_, external, provider_)
            if not found:
                where = f" at {provider_}" if provider_ else ""
                raise NotFoundError(
                    f"{id_} is not linked to {external}{where}.", fix=f"cleo link list {id_}"
                )
            if len(found) > 1:
                names = [row["provider_id"] for row in found]
                raise ValidationError(
                    f"{id_} is linked to {external} at {', '.join(names)}.",
                    fix=f"{again} {external} --provider {names[0]}",
                    providers=names,
                )
            [row] = found
            store.delete(work, row["id"])
            _note(work, row, _columns(row), None)
            if row["link_type"] == "created":
                work.warn(
                    "W_LINK_CREATED",
                    f"{id_} was imported by this link; the next import makes another task of "
                    f"{external}.",
                )
            return LinksRemoved([record(row)])

        return self.write("link.remove", body)


def provider_id(value: Any) -> str:
    """What a tracker is called here.

    :raises ValidationError: it is no slug of at most 64 characters.
    """
    text = inputs.plain_text(value, "provider")
    if not _PROVIDER.match(text) or len(text) > fields.LABEL_LENGTH:
        near = re.sub(r"[^a-z0-9]+", "-", text.lower())[: fields.LABEL_LENGTH]
        raise ValidationError(
            f"The provider {text[:80]!r} is not valid: a lower-case letter, then letters, digits "
            f"and hyphens, at most {fields.LABEL_LENGTH}.",
            fix=f"--provider {near.strip('-0123456789') or 'x'}",
        )
    return text


def record(row: Row) -> ExternalLink:
    """A link as services return it."""
    return ExternalLink(**row)


def _add(
    work: Work, id_: str, provider: str, external: str, given: dict[str, str | None]
) -> LinkAdded:
    work.task(id_)
    wanted = {name: value for name, value in given.items() if value is not None}
    there = next(iter(store.of_task(work, id_, external, provider)), None)
    if there is not None:
        changed = {name: value for name, value in wanted.items() if there[name] != value}
        if "link_type" in changed:
            _require_free(work, id_, provider, external, changed["link_type"])
        if changed:
            change(work, there, changed)
        return LinkAdded(record(there), created=False, changed=bool(changed))
    type_ = wanted.get("link_type", "manual")
    _require_free(work, id_, provider, external, type_)
    row = store.insert(
        work,
        {
            "id": id_,
            "provider": provider,
            "external_id": external,
            "url": wanted.get("external_url"),
            "title": None,
            "type": type_,
            "direction": wanted.get("sync_direction", "inbound"),
            "updated_at": None,
            "content_hash": None,
            "metadata": {},
            "linked_at": work.now,
            # An import would take a created link without this time for one of its own to finish.
            "last_sync_at": work.now if type_ == "created" else None,
        },
    )
    _note(work, row, None, _columns(row))
    if work.app.dry_run:
        row["id"] = None
    return LinkAdded(record(row), created=True, changed=True)


def change(work: Work, row: Row, values: dict[str, Any]) -> None:
    """Change columns of a link and note it; ``row`` is updated in place."""
    store.update(work, row["id"], values)
    before = {name: row[name] for name in values}
    _note(work, row, before, values)
    row.update(values)


def _note(
    work: Work, row: Row, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    """Note what was done to a link; other stores hear of it as a change of its task."""
    id_ = row["task_id"]
    work.note("link", str(row["id"]), before, after, task_id=id_, emit=False)
    name = {"provider_id": row["provider_id"], "external_id": row["external_id"]}
    was, is_ = ([] if one is None else [{**name, **one}] for one in (before, after))
    work.unit.updated("task", id_, {"links": was}, {"links": is_})


def _require_free(work: Work, id_: str, provider: str, external: str, type_: str) -> None:
    """Whether a foreign record belongs to no other task.

    :raises ValidationError: it does; the task is named.
    """
    if type_ == "transferred":
        return
    owner = store.owner(work, provider, external)
    if owner is not None and owner["task_id"] != id_:
        raise ValidationError(
            f"{external} at {provider} is linked to {owner['task_id']} already.",
            fix=f"cleo link remove {owner['task_id']} {external} --provider {provider}",
            task=owner["task_id"],
        )


def _record(external: Any, provider: str | None, verb: str) -> tuple[str, str, str | None]:
    """Provider, id and, where the id was given as one, the address."""
    found = _github(external)
    if found is not None and provider in (None, "github"):
        return "github", found, fields.address(external, "url")
    text = _external(external)
    if provider is None:
        raise UsageError(
            f"Which tracker calls a record {text[:80]!r} has to be said.",
            fix=f"{verb} {text[:80]} --provider NAME",
        )
    return provider_id(provider), text, None


def _github(external: Any) -> str | None:
    if not isinstance(external, str) or "://" not in external:
        return None
    from cleo_tasks.importers import github

    return github.external_id(external.strip())


def _external(value: Any) -> str:
    text = inputs.line(value, "external_id", _LONGEST, fix="cleo link list", printable=True)
    if inputs.names_user(text):
        raise ValidationError(
            "An external id that is an address with a user's name or password is not recorded.",
            fix="cleo link list",
        )
    return text


def _columns(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id"}


def _from_json(data: dict[str, Any]) -> LinkAdded:
    from cleo_core.output import camel

    link = {name: data["link"][camel(name)] for name in ExternalLink.__dataclass_fields__}
    return LinkAdded(ExternalLink(**link), data["created"], data["changed"])
