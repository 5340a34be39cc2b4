"""What a request to a model has cost, as services return it."""

from __future__ import annotations

from typing import Any, ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class TokenUsage(Declared):
    """The tokens of one request, and how they are known.

    ``id`` is None for what a dry run would add. ``created``: this very command added it;
    ``changed``: it wrote it, anew or from a better source.
    """

    id: int | None
    created_at: str
    provider: str
    model: str | None
    transport: str
    operation: str | None
    session_id: str | None
    task_id: str | None
    agent_id: str | None
    request_id: str | None
    input_chars: int
    output_chars: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    method: str
    confidence: str
    request_hash: str | None
    response_hash: str | None
    metadata: dict[str, Any]
    created: bool | None = None
    changed: bool | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("created", "changed")


@record
class Measured(Declared):
    """Tokens in and out, the source that they were taken from, and what is kept of the texts."""

    input_chars: int
    output_chars: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    method: str
    confidence: str
    request_hash: str | None
    response_hash: str | None


@record
class Total(Declared):
    """Tokens of many requests.

    ``name``: what these have in common, None where they name none. ``confidence``: how much of it
    is known how well, word -> ``{records, totalTokens}``.
    """

    name: str | None
    records: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    confidence: dict[str, dict[str, int]]


@record
class Summary(Declared):
    """All tokens that match, and the same by method, transport, operation and model."""

    records: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    confidence: dict[str, dict[str, int]]
    by_method: list[Total]
    by_transport: list[Total]
    by_operation: list[Total]
    by_model: list[Total]
