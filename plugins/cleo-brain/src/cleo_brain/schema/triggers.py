"""What SQLAlchemy cannot declare: the full-text table and the triggers, in order of creation."""

from __future__ import annotations

#: The searched columns and the weight that a match in each has.
SEARCHED = {"title": 2.0, "body": 1.0, "extra": 0.7, "context": 0.5, "dates": 1.0}

_COLUMNS = ", ".join(SEARCHED)
_NEW = ", ".join(f"new.{name}" for name in SEARCHED)
_OLD = ", ".join(f"old.{name}" for name in SEARCHED)
_FORGET = f"""\
    INSERT INTO brain_fts (brain_fts, rowid, {_COLUMNS})
    VALUES ('delete', old.seq, {_OLD});"""
_LEARN = f"""\
    INSERT INTO brain_fts (rowid, {_COLUMNS})
    VALUES (new.seq, {_NEW});"""

extra_ddl: tuple[str, ...] = (
    f"""\
CREATE VIRTUAL TABLE brain_fts USING fts5(
    {_COLUMNS},
    content = 'brain_entries',
    content_rowid = 'seq',
    tokenize = 'porter unicode61 remove_diacritics 2'
)""",
    f"""\
INSERT INTO brain_fts (brain_fts, rank)
VALUES ('rank', 'bm25({", ".join(map(str, SEARCHED.values()))})')""",
    f"""\
CREATE TRIGGER brain_fts_insert AFTER INSERT ON brain_entries
BEGIN
{_LEARN}
END""",
    f"""\
CREATE TRIGGER brain_fts_update AFTER UPDATE OF {_COLUMNS} ON brain_entries
BEGIN
{_FORGET}
{_LEARN}
END""",
    f"""\
CREATE TRIGGER brain_fts_delete AFTER DELETE ON brain_entries
BEGIN
{_FORGET}
END""",
    """\
CREATE TRIGGER brain_audit_no_update BEFORE UPDATE ON brain_audit
BEGIN
    SELECT RAISE(ABORT, 'brain_audit is append-only');
END""",
)
