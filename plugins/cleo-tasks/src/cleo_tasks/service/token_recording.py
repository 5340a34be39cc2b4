"""The rules of recording tokens, for ``token record`` and beside the work of other verbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from cleo_core import inputs
from cleo_core.errors import CleoError
from cleo_core.output import to_json
from cleo_tasks.enums import TOKEN_METHOD, TOKEN_TRANSPORT
from cleo_tasks.errors import several, task_not_found
from cleo_tasks.ids import parse_id
from cleo_tasks.service import counting, fields
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import tasks, token_usage
from cleo_tasks.token_records import TokenUsage

if TYPE_CHECKING:
    from cleo_core.app import App

#: Arguments that are counted and never shown or kept.
TEXTS = ("input_content", "output_content")
#: All arguments of ``token_record``.
ARGUMENTS = (
    *("request_id", "input_tokens", "output_tokens", "method", *TEXTS),
    *("provider", "model", "transport", "operation", "task", "metadata"),
)

_NAME_LENGTH = 200
#: Columns that a row keeps when a better source says nothing about them.
_KEPT = (
    *("model", "operation", "session_id", "task_id", "agent_id", "request_hash"),
    *("response_hash", "metadata", "input_chars", "output_chars"),
)


def settled(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of ``token record``, checked and counted; nothing is read from the store.

    :param given: the arguments of :meth:`~cleo_tasks.service.tokens.TokenVerbs.token_record`.
    :raises CleoError: 2, 6; one of them is not acceptable.
    """
    problems: fields.Problems = []

    def checked(field: str, check: Callable[[Any], Any]) -> Any:
        if given[field] is None:
            return None
        try:
            return check(given[field])
        except CleoError as error:
            problems.append((field, error))
            return None

    found = {
        name: checked(name, partial(name_of, field=name))
        for name in ("provider", "model", "operation", "request_id")
    }
    found["transport"] = checked("transport", inputs.word_of(TOKEN_TRANSPORT, "transport"))
    found["task_id"] = checked("task", parse_id)
    found["metadata"] = checked("metadata", fields.metadata) or {}
    counted = {
        "method": checked("method", inputs.word_of(TOKEN_METHOD, "method")),
        "input_tokens": checked("input_tokens", counting.number("input-tokens")),
        "output_tokens": checked("output_tokens", counting.number("output-tokens")),
        "input_content": checked("input_content", counting.count),
        "output_content": checked("output_content", counting.count),
    }
    if problems:
        # The texts themselves are repeated nowhere.
        raise several(problems, {name: to_json(given[name]) for name in given if name not in TEXTS})
    measured = counting.measure(**counted)
    return {**found, **{name: getattr(measured, name) for name in measured.__dataclass_fields__}}


def record(work: Work, values: Mapping[str, Any]) -> TokenUsage:
    """Add a row, or give the row of the same request what a better source says.

    :param values: as :func:`settled` gives them.
    :raises CleoError: 4 there is no such task; 31.
    """
    task = values["task_id"]
    if task is not None and not tasks.existing(work, [task]):
        raise task_not_found(task)
    session = work.active_session(task)
    row: dict[str, Any] = {
        **values,
        "created_at": work.now,
        "provider": values["provider"] or "unknown",
        "transport": values["transport"] or "unknown",
        "session_id": session["id"] if session else None,
        "agent_id": values.get("agent_id", work.agent),
    }
    request = values["request_id"]
    stored = None if request is None else token_usage.of_request(work, request)
    if stored is None:
        id_ = token_usage.insert(work, row)
        work.bookkeeping()
        shown = None if work.app.dry_run else id_
        return token_usage.record({**row, "id": shown}, created=True, changed=True)
    if counting.rank(row["confidence"]) >= counting.rank(stored["confidence"]):
        return token_usage.record(stored, created=False, changed=False)
    better = {**stored, **row, "created_at": stored["created_at"]}
    better |= {name: stored[name] for name in _KEPT if not row[name]}
    better |= {name: stored[name] for name in ("provider", "transport") if row[name] == "unknown"}
    token_usage.improve(work, stored["id"], {name: better[name] for name in token_usage.COLUMNS})
    work.bookkeeping()
    return token_usage.record(better, created=False, changed=True)


def record_beside(app: App, given: Mapping[str, Any], *, agent: str | None) -> bool:
    """Record what another verb was told about tokens, once that verb has done its work.

    Whatever goes wrong becomes a warning: the verb's result and exit stay as they are.

    :param given: arguments of ``token_record``; those that are missing were not given.
    :param agent: who has spent them.
    :returns: whether they are recorded.
    """
    try:
        values = {**settled({**dict.fromkeys(ARGUMENTS), **given}), "agent_id": agent}
        Verbs(app).write("token.record", lambda work: record(work, values))
    except Exception as error:
        # The verb's work is stored: nothing that counting its tokens meets may fail it now.
        app.warn(
            "W_TOKENS_NOT_RECORDED",
            f"The tokens were not recorded: {str(error) or repr(error)}",
        )
        return False
    return True


def from_json(data: Mapping[str, Any]) -> TokenUsage:
    """A TokenUsage as an idempotency key kept it."""
    from cleo_core.output import camel

    names = TokenUsage.__dataclass_fields__
    values: dict[str, Any] = {name: data.get(camel(name)) for name in names}
    values.pop("OPTIONAL", None)
    return TokenUsage(**values)


def body(values: Mapping[str, Any]) -> Any:
    """What an idempotency key stands for: the settled values, so that no text is kept."""
    return to_json(values)


def name_of(value: Any, field: str) -> str:
    """The name of a provider, a model, an operation or a request: a line of text.

    :raises ValidationError: it is none.
    """
    fix = f"--{field.replace('_', '-')} NAME"
    return inputs.line(value, field, _NAME_LENGTH, fix=fix, printable=True)
