"""One row for every memory, and one typed row beside it."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Text

from cleo_brain.enums import (
    CONFIDENCE,
    CONFIRMATION_STATE,
    DECIDED_BY,
    DECISION_TYPE,
    IMPACT,
    INVALID_REASON,
    KIND,
    OBSERVATION_TYPE,
    OUTCOME,
    PATTERN_TYPE,
    SOURCE_CONFIDENCE,
    SOURCE_TYPE,
    STICKY_COLOR,
    STICKY_PRIORITY,
    STICKY_REASON,
    STICKY_STATUS,
    TIER,
)
from cleo_brain.schema.tables import table
from cleo_core.columns import (
    at,
    boolean,
    check,
    identifier,
    index,
    integer,
    json_list,
    json_object,
    one_of,
    quoted,
    real,
    refers,
    required,
    serial,
    text,
    unique_where,
)

_HEX = "[0-9a-f]" * 8
_DIGITS = "[0-9][0-9][0-9]*"


def _numbered(prefix: str) -> str:
    """The CHECK of a prefix and three digits or more."""
    after = len(prefix) + 1
    return f"(id GLOB '{prefix}{_DIGITS}' AND substr(id, {after}) NOT GLOB '*[^0-9]*')"


#: Kind -> the SQL condition that its ids meet.
ID_OF_KIND = {
    "decision": f"{_numbered('D')} OR id GLOB 'AGT-?*'",
    "pattern": f"id GLOB 'P-{_HEX}' OR {_numbered('P')}",
    "learning": f"id GLOB 'L-{_HEX}' OR {_numbered('L')}",
    "observation": "id GLOB 'O-?*' OR id GLOB 'CM-?*'",
    "sticky": _numbered("SN-"),
}
_ID_FITS_KIND = " OR ".join(
    f"(kind = '{kind}' AND ({condition}))" for kind, condition in ID_OF_KIND.items()
)

brain_entries = table(
    "brain_entries",
    serial("seq"),
    identifier(),
    one_of("kind", KIND),
    required("title", default=""),
    required("body"),
    required("extra", default=""),
    required("context", default=""),
    required("dates"),
    text("thread"),
    text("origin"),
    one_of("tier", TIER),
    at("tier_changed_at"),
    text("tier_reason"),
    boolean("verified"),
    text("verified_by"),
    at("verified_at"),
    one_of("source_confidence", SOURCE_CONFIDENCE),
    real("quality", "quality BETWEEN 0 AND 1"),
    integer("uses", "uses >= 0", default=0),
    at("last_used_at"),
    integer("seen", "seen >= 1", default=1),
    at("last_seen_at", nullable=False),
    required("content_hash"),
    required("text_hash"),
    integer("tokens", "tokens > 0"),
    text("agent"),
    refers("summary_id", "brain_entries.id", "SET NULL"),
    json_object("metadata_json"),
    at("valid_at", nullable=False),
    at("invalid_at"),
    one_of("invalid_reason", INVALID_REASON, nullable=True),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    check("id_fits_kind", _ID_FITS_KIND),
    check("invalid", "(invalid_at IS NULL) = (invalid_reason IS NULL)"),
    check("verified_once", "verified = (verified_at IS NOT NULL)"),
    check(
        "reason_fits_kind",
        f"invalid_reason IS NULL OR (kind = 'sticky') = "
        f"(invalid_reason IN ({quoted(STICKY_REASON)}))",
    ),
    unique_where(
        "uq_brain_entries_content",
        ["kind", "content_hash"],
        "invalid_at IS NULL AND kind <> 'sticky'",
    ),
    unique_where("uq_brain_entries_origin", ["origin"], "origin IS NOT NULL"),
    index("kind", "seq"),
    index("thread", "seq", where="thread IS NOT NULL"),
    index("agent", "seq", where="agent IS NOT NULL"),
    index("summary_id", where="summary_id IS NOT NULL"),
    index("invalid_at", where="invalid_at IS NOT NULL"),
    index("valid_at"),
    index("tier", "created_at", where="invalid_at IS NULL"),
    sqlite_autoincrement=True,
)


def _id(kind: str) -> Column[str]:
    """The id of the entry that a typed row belongs to; no other kind's id fits."""
    return Column(
        "id",
        Text(),
        ForeignKey("brain_entries.id", ondelete="CASCADE"),
        check("id", ID_OF_KIND[kind]),
        primary_key=True,
        nullable=False,
        info={"kind": "text", "words": ()},
    )


brain_decisions = table(
    "brain_decisions",
    _id("decision"),
    one_of("type", DECISION_TYPE, "technical"),
    required("decision"),
    required("rationale"),
    one_of("confidence", CONFIDENCE, "medium"),
    one_of("outcome", OUTCOME, nullable=True),
    json_list("alternatives_json"),
    text("context_epic_id"),
    text("context_task_id"),
    text("context_phase"),
    text("adr_id"),
    text("adr_path"),
    one_of("confirmation_state", CONFIRMATION_STATE, "accepted"),
    one_of("decided_by", DECIDED_BY, "agent"),
    index("type"),
    index("outcome"),
    index("context_epic_id"),
    index("context_task_id"),
    index("adr_id"),
)

brain_patterns = table(
    "brain_patterns",
    _id("pattern"),
    one_of("type", PATTERN_TYPE, "recurring"),
    required("pattern"),
    required("context"),
    integer("frequency", "frequency >= 1", default=1),
    real("success_rate", "success_rate BETWEEN 0 AND 1", nullable=True),
    one_of("impact", IMPACT, nullable=True),
    text("anti_pattern"),
    text("mitigation"),
    json_list("examples_json"),
    index("type"),
    index("impact"),
    index("frequency"),
)

brain_learnings = table(
    "brain_learnings",
    _id("learning"),
    required("insight"),
    required("source"),
    real("confidence", "confidence BETWEEN 0 AND 1", default=0.5),
    boolean("actionable"),
    text("application"),
    json_list("applicable_types_json"),
    at("confirmed_at", nullable=False),
    index("confidence"),
    index("actionable"),
)

brain_observations = table(
    "brain_observations",
    _id("observation"),
    one_of("type", OBSERVATION_TYPE),
    text("subtitle"),
    boolean("title_derived"),
    required("title"),
    required("narrative"),
    json_list("facts_json"),
    json_list("concepts_json"),
    json_list("files_read_json"),
    json_list("files_modified_json"),
    text("project"),
    text("source_session_id"),
    one_of("source_type", SOURCE_TYPE, "agent"),
    integer("discovery_tokens", "discovery_tokens >= 0", nullable=True),
    json_list("attachments_json"),
    index("type"),
    index("project"),
    index("source_type"),
    index("source_session_id"),
)

brain_sticky_notes = table(
    "brain_sticky_notes",
    _id("sticky"),
    required("content"),
    one_of("status", STICKY_STATUS, "active"),
    one_of("color", STICKY_COLOR, "yellow"),
    one_of("priority", STICKY_PRIORITY, "medium"),
    text("converted_to"),
    at("expires_at"),
    check("converted_once", "(status = 'converted') = (converted_to IS NOT NULL)"),
    index("status"),
    index("expires_at", where="expires_at IS NOT NULL"),
)
