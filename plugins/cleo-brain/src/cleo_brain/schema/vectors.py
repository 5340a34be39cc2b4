"""Vectors: whose they are, their sign bits, their values, and what vec0 tables are to forget."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary

from cleo_brain.schema.tables import table
from cleo_core.columns import at, boolean, index, integer, refers, required, serial


def _of(target: str) -> Column[int]:
    """A primary key that is another table's rowid."""
    return Column(
        "seq",
        Integer(),
        ForeignKey(target, ondelete="CASCADE"),
        primary_key=True,
        nullable=False,
        info={"kind": "integer", "words": ()},
    )


def _blob(name: str) -> Column[bytes]:
    return Column(name, LargeBinary(), nullable=False, info={"kind": "blob", "words": ()})


brain_models = table(
    "brain_models",
    serial("slot"),
    required("model_id", unique=True),
    integer("dims", "dims BETWEEN 64 AND 4096 AND dims % 64 = 0"),
    at("created_at", nullable=False),
)

brain_vectors = table(
    "brain_vectors",
    _of("brain_entries.seq"),
    refers("slot", "brain_models.slot", None, nullable=False, to_integer=True),
    required("text_hash"),
    _blob("code"),
    boolean("indexed"),
    at("created_at", nullable=False),
    index("seq", name="ix_brain_vectors_not_indexed", where="indexed = 0"),
    index("slot", "seq"),
)

brain_vector_values = table("brain_vector_values", _of("brain_vectors.seq"), _blob("embedding"))

brain_vec_stale = table("brain_vec_stale", serial("seq"))
