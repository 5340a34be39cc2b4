"""Token accounting: what requests to models have cost, and how well that is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypedDict, Unpack

from cleo_core import inputs
from cleo_core.database import Backend, Row
from cleo_core.durations import moment
from cleo_core.errors import NotFoundError, UsageError
from cleo_core.output import Page, to_json
from cleo_tasks.enums import TOKEN_CONFIDENCE, TOKEN_METHOD, TOKEN_TRANSPORT
from cleo_tasks.errors import task_not_found
from cleo_tasks.ids import parse_id
from cleo_tasks.service import counting, fields, token_recording
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import tasks, token_usage
from cleo_tasks.token_records import Measured, Summary, TokenUsage, Total

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
#: A longer number is no row's: SQLite's integers end at nineteen digits.
_DIGITS = 18


class TokenFilters(TypedDict, total=False):
    """What records are narrowed to; None is no filter.

    ``since`` and ``until`` are included, a day as a whole; ``before`` is not.
    """

    provider: str | None
    model: str | None
    transport: str | None
    operation: str | None
    in_session: str | None
    task: str | None
    method: str | None
    since: str | None
    until: str | None
    before: str | None


class TokenVerbs(Verbs):
    """``token_record``, ``_summary``, ``_list``, ``_show``, ``_estimate``, ``_delete``."""

    def token_record(
        self,
        *,
        request_id: str | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        method: str | None = None,
        input_content: str | bytes | None = None,
        output_content: str | bytes | None = None,
        provider: str | None = None,
        model: str | None = None,
        transport: str | None = None,
        operation: str | None = None,
        task: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> TokenUsage:
        """Record what a request has cost; a request that is recorded already counts once.

        Of two records of one request the one of better confidence stays, of two equal ones the
        first.

        :param method: where the numbers come from: otel, provider_api, tokenizer or heuristic.
        :param input_content: what was sent, ``output_content`` what came back: counted and hashed,
            and not kept.
        :raises CleoError: 2 there is nothing to count; 4 no such task; 6 a value is not
            acceptable; 31.
        """
        given = dict(locals())
        del given["self"], given["idempotency_key"]
        values = token_recording.settled(given)

        def body(work: Work) -> TokenUsage:
            found: TokenUsage = work.unit.idempotent(
                "token record",
                idempotency_key,
                token_recording.body(values),
                lambda: token_recording.record(work, values),
                encode=to_json,
                decode=token_recording.from_json,
            )
            return found

        return self.write("token.record", body)

    def token_estimate(
        self,
        *,
        input_content: str | bytes | None = None,
        output_content: str | bytes | None = None,
    ) -> Measured:
        """What texts would cost by their characters; nothing is stored.

        :raises CleoError: 2 there is nothing to count; 6 it is too long.
        """
        return counting.measure(
            input_content=None if input_content is None else counting.count(input_content),
            output_content=None if output_content is None else counting.count(output_content),
        )

    def token_summary(self, **filters: Unpack[TokenFilters]) -> Summary:
        """Totals of what matches, by method, transport, operation and model.

        :param filters: see :class:`TokenFilters`.
        :raises CleoError: as :meth:`token_list`.
        """
        with self.db.snapshot() as db:
            wanted = _filters(db, filters)
            groups = {by: token_usage.sums(db, wanted, by) for by in token_usage.GROUPS}
        whole = _total(None, groups["method"])
        by = {f"by_{name}": _totals(rows) for name, rows in groups.items()}
        return Summary(
            records=whole.records,
            input_tokens=whole.input_tokens,
            output_tokens=whole.output_tokens,
            total_tokens=whole.total_tokens,
            confidence=whole.confidence,
            **by,
        )

    def token_list(
        self, *, limit: int | None = None, offset: int = 0, **filters: Unpack[TokenFilters]
    ) -> tuple[list[TokenUsage], Page]:
        """A page of records, newest first.

        :param filters: see :class:`TokenFilters`.
        :raises CleoError: 2 a filter's value can be no such thing; 4 no such task.
        """
        limit, offset = self.page(limit, offset)
        with self.db.snapshot() as db:
            rows, total = token_usage.listing(db, _filters(db, filters), limit=limit, offset=offset)
        return rows, Page(limit, offset, total)

    def token_show(self, *ids: str | int) -> list[TokenUsage]:
        """Records by their number or the id of their request.

        :raises NotFoundError: one of them does not exist.
        """
        with self.db.snapshot() as db:
            rows = _found(db, ids)
        return [token_usage.record(row) for row in rows]

    def token_delete(self, *ids: str | int, **filters: Unpack[TokenFilters]) -> int:
        """Delete records, by number or request id, or all that match.

        :param filters: see :class:`TokenFilters`.
        :returns: how many are gone.
        :raises CleoError: 2 nothing was named; 4 one of the ids does not exist.
        """
        given = {name: value for name, value in filters.items() if value is not None}
        if bool(ids) == bool(given):
            raise UsageError(
                "Give the records by id, or filters: one of the two.",
                fix="cleo token delete --before 2026-01-01 --dry-run",
            )

        def body(work: Work) -> int:
            if ids:
                rows = _found(work.unit, ids)
                gone = token_usage.delete_ids(work, [row["id"] for row in rows])
            else:
                gone = token_usage.delete_matching(work, _filters(work.unit, given))
            if gone:
                work.bookkeeping()
            return gone

        return self.write("token.delete", body)


def _filters(db: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Checked filters under the names of the store.

    :raises CleoError: 2; 4 no such task.
    """
    found = {
        _COLUMNS.get(name, name): inputs.as_filter(_CHECKS[name], value)
        for name, value in given.items()
        if value is not None
    }
    if "task" in found and not tasks.existing(db, [found["task"]]):
        raise task_not_found(found["task"])
    return found


def _since(value: Any) -> str:
    return moment(inputs.plain_text(value, "since"))


def _until(value: Any) -> str:
    """A time that is included; a day up to its last millisecond."""
    text = inputs.plain_text(value, "until").strip()
    return moment(f"{text}T23:59:59.999Z" if _DAY.match(text) else text, "--until")


def _before(value: Any) -> str:
    return moment(inputs.plain_text(value, "before"), "--before")


_COLUMNS = {"in_session": "session"}
_CHECKS: dict[str, Callable[[Any], str]] = {
    **{
        name: partial(token_recording.name_of, field=name)
        for name in ("provider", "model", "operation")
    },
    "in_session": partial(fields.name_filter, option="in-session"),
    "transport": inputs.word_of(TOKEN_TRANSPORT, "transport"),
    "method": inputs.word_of(TOKEN_METHOD, "method"),
    "task": parse_id,
    "since": _since,
    "until": _until,
    "before": _before,
}


def _found(db: Any, ids: Iterable[str | int]) -> list[Row]:
    rows: dict[int, Row] = {}
    for id_ in ids:
        row = _named(db, str(id_).strip())
        if row is None:
            raise NotFoundError(
                f"There is no token record or request {str(id_)[:80]!r}.", fix="cleo token list"
            )
        rows[row["id"]] = row
    return list(rows.values())


def _named(db: Backend, text: str) -> Row | None:
    if not text.isprintable():
        return None
    row = None
    if text.isascii() and text.isdigit() and len(text) <= _DIGITS:
        row = token_usage.get(db, int(text))
    return row or token_usage.of_request(db, text)


def _totals(rows: Iterable[Row]) -> list[Total]:
    """Sums by name, the largest first."""
    named: dict[str | None, list[Row]] = {}
    for row in rows:
        named.setdefault(row["name"], []).append(row)
    totals = [_total(name, group) for name, group in named.items()]
    return sorted(totals, key=lambda one: (-one.total_tokens, one.name or ""))


def _total(name: str | None, rows: Iterable[Row]) -> Total:
    numbers = dict.fromkeys(("records", "input_tokens", "output_tokens", "total_tokens"), 0)
    mix = {word: {"records": 0, "totalTokens": 0} for word in TOKEN_CONFIDENCE}
    for row in rows:
        for key in numbers:
            numbers[key] += row[key]
        mix[row["confidence"]]["records"] += row["records"]
        mix[row["confidence"]]["totalTokens"] += row["total_tokens"]
    return Total(name=name, **numbers, confidence=mix)
