"""Issues of GitHub: lists as its command line prints them, or as its REST interface answers.

The fields: https://cli.github.com/manual/gh_issue_list and
https://docs.github.com/en/rest/issues/issues.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cleo_tasks.importers import mapping
from cleo_tasks.importers.row import DEPENDENCY, PARENT, Edge, Row, SkippedError
from cleo_tasks.importers.source import Document, Item, MalformedError, Source

FORMAT = "a list of GitHub issues"
FIX = (
    "gh issue list --state all --limit 1000 --json number,title,body,state,stateReason,labels,"
    "assignees,author,createdAt,updatedAt,closedAt,milestone,comments,url > issues.json"
)
STRIPS = False
DERIVED = ()
SAYS = ("pending", "done", "cancelled")

#: A list of issues, or the answer to a search.
LISTS: list[tuple[str, ...]] = [(), ("items",)]

#: reason why an issue is closed -> status.
REASONS = {
    "": "done",
    "completed": "done",
    "not_planned": "cancelled",
    "duplicate": "cancelled",
}
#: What ``P0`` and ``priority:high`` mean.
PRIORITY = {
    **{word: word for word in ("critical", "high", "medium", "low")},
    **dict(zip(("p0", "p1", "p2", "p3"), ("critical", "high", "medium", "low"), strict=True)),
}
_PRIORITY = re.compile(r"priority\s*:\s*(\w+)\Z|(p[0-3])\Z")
_URL = re.compile(
    r"https?://[^/\s]+/(?:api/v3/)?(?:repos/)?([^/\s]+/[^/\s]+)/(issues|pulls?)/(\d+)(?:[/?#]|\Z)"
)
_SHORT = re.compile(r"([\w.-]+/[\w.-]+)?#?(\d+)\Z")
#: Fields in both spellings, by that of the REST interface.
_CAMEL = {
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "closedAt": "closed_at",
    "stateReason": "state_reason",
    "author": "user",
}


def items(source: Source) -> Iterator[Item]:
    """The entries of a list, or lines."""
    if source.peek() == b"[" or source.begins_with(b'"items"', b'"total_count"'):
        return Document(source, LISTS, FIX).items()
    return source.objects()


def external_id(url: str) -> str | None:
    """``owner/repo#number`` of an issue's address; None if it is none."""
    found = _URL.match(url)
    return f"{found[1]}#{found[3]}" if found and found[2] == "issues" else None


def settle(raw: dict[str, Any], row: Row) -> None:
    """Map one issue."""
    repository, number = _identity(raw, row)
    row.key = f"{repository}#{number}"
    mapping.name(row, row.rest.pop("title", None), (None, row.take_text("body")))
    columns = row.columns
    columns["created_at"] = mapping.time(row, _spelled(row, "createdAt"))
    columns["updated_at"] = mapping.time(row, _spelled(row, "updatedAt"))
    columns["created_by"] = _author(row)
    _status(raw, row)
    _labels(row)
    _assignee(row)
    _milestone(row)
    _comments(row)
    _edges(row, repository)


def _spelled(row: Row, camel: str) -> str:
    """A field's name as this row spells it."""
    return camel if camel in row.rest else _CAMEL[camel]


def _identity(raw: dict[str, Any], row: Row) -> tuple[str, str]:
    """Repository and number; what is no issue is left out.

    :raises MalformedError: the row does not say where it is from.
    """
    name = "html_url" if row.rest.get("html_url") is not None else "url"
    url = raw.get(name)
    found = _URL.match(url) if isinstance(url, str) else None
    if raw.get("pull_request") is not None or raw.get("isPullRequest") is True:
        raise SkippedError("pull request")
    if found is None:
        raise MalformedError("no id", "url or html_url must be an issue's address")
    if found[2] != "issues":
        raise SkippedError("pull request")
    row.url = row.take_text(name)
    if raw.get("number") is None:
        return found[1], found[3]
    number = row.take_id("number")
    if number != found[3]:
        raise MalformedError("no id", f"number {number[:20]} is not that of the address")
    return found[1], number


def _author(row: Row) -> str | None:
    field = _spelled(row, "author")
    original = row.rest.pop(field, None)
    login, more = _login(original)
    if more or (original is not None and login is None):
        row.keep(field, original)
    return login


def _login(value: Any) -> tuple[str | None, bool]:
    """The login of a person, and whether more is said of it."""
    if isinstance(value, str):
        return value.strip() or None, False
    if not isinstance(value, Mapping):
        return None, value is not None
    login = value.get("login")
    return (login if isinstance(login, str) and login else None), len(value) > 1


def _status(raw: dict[str, Any], row: Row) -> None:
    columns = row.columns
    state = row.take_text("state") or "open"
    field = _spelled(row, "stateReason")
    reason = row.take_text(field) or ""
    closed = _spelled(row, "closedAt")
    columns["status"] = "pending"
    if state.lower() == "closed":
        columns["status"] = status = REASONS.get(reason.lower(), "done")
        columns["completed_at" if status == "done" else "cancelled_at"] = mapping.time(row, closed)
        if status == "cancelled":
            columns["cancellation_reason"] = reason.lower().replace("_", " ")
        row.reopened = {name: raw.get(name) for name in ("state", field, closed)}
    elif state.lower() != "open":
        row.keep("state", state)
    if reason and (state.lower() != "closed" or reason.lower() not in REASONS):
        row.keep(field, reason)


def _labels(row: Row) -> None:
    """Labels; those that name a kind or a priority also say it."""
    given = row.take_list("labels")
    names = []
    for one in given:
        name = one.get("name") if isinstance(one, dict) else one
        if not isinstance(name, str):
            raise MalformedError("wrong type", "labels must be texts or objects with a name")
        names.append(name)
    mapping.labels(row, "labels", names)
    if any(isinstance(one, dict) and len(one) > 1 for one in given):
        row.keep("labels", given)
    if "bug" in row.labels:
        row.columns["role"] = "bug"
    said = (_PRIORITY.match(name.strip().lower()) for name in names)
    words = [PRIORITY.get(found[1] or found[2]) for found in said if found]
    row.columns["priority"] = next((word for word in words if word), None)


def _assignee(row: Row) -> None:
    """The first of those who are assigned."""
    given = row.take_list("assignees")
    people = [_login(one) for one in given]
    if not people and row.rest.get("assignee") is not None:
        given = [row.rest.pop("assignee")]
        people = [_login(given[0])]
    logins = [login for login, _ in people if login]
    if logins and row.assignees:
        row.columns["assignee"] = logins[0]
    if given and (not row.assignees or len(given) > 1 or not logins or people[0][1]):
        row.keep("assignees", given)


def _milestone(row: Row) -> None:
    original = row.rest.get("milestone")
    if not isinstance(original, dict):
        mapping.phase(row, "milestone")
        return
    title = original.get("title")
    if not isinstance(title, str):
        return
    row.rest["milestone"] = title
    mapping.phase(row, "milestone")
    if len(original) > 1:
        row.keep("milestone", original)


def _comments(row: Row) -> None:
    """Comments become notes; where they are only counted, the number is kept."""
    given = row.rest.get("comments")
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        return
    left = []
    for comment in row.take_list("comments"):
        body = comment.get("body")
        if not isinstance(body, str | None):
            raise MalformedError("wrong type", "a comment's body must be text")
        by, at = ("author", "createdAt") if "createdAt" in comment else ("user", "created_at")
        author, more = _login(comment.get(by))
        mapping.note(row, body, at=mapping.settled_time(comment.get(at)), by=author)
        rest = {
            name: one
            for name, one in comment.items()
            if name not in ("body", at) and (name != by or more)
        }
        if rest:
            left.append(rest)
    if left:
        row.keep("comments", left)


def _edges(row: Row, repository: str) -> None:
    field = "parent" if row.rest.get("parent") is not None else "parent_issue_url"
    parent = _target(row.rest.get(field), repository)
    if parent is not None:
        del row.rest[field]
        row.edges.append(Edge(PARENT, row.key, parent, field="parent"))
    blockers = row.rest.pop("blockedBy", None)
    listed = blockers.get("nodes") if isinstance(blockers, dict) else blockers
    if not isinstance(listed, list):
        row.keep("blockedBy", blockers)
        return
    left = []
    for one in listed:
        target = _target(one, repository)
        if target is None:
            left.append(one)
        else:
            row.edges.append(Edge(DEPENDENCY, row.key, target, field="blockedBy", original=one))
    if left:
        row.keep("blockedBy", left)


def _target(value: Any, repository: str) -> str | None:
    """The id of an issue that another one names: by address, ``owner/repo#1``, or number."""
    if isinstance(value, dict):
        for name in ("html_url", "url"):
            if isinstance(value.get(name), str) and (found := external_id(value[name])):
                return found
        where = value.get("repository")
        full = where.get("nameWithOwner") if isinstance(where, dict) else None
        return _target(value.get("number"), full if isinstance(full, str) else repository)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    short = _SHORT.match(value.strip())
    return f"{short[1] or repository}#{short[2]}" if short else external_id(value)
