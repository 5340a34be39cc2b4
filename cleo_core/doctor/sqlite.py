"""The SQLite in use: its version, and what it can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.database import (
    TRUSTED_SCHEMA_SINCE,
    driver,
    driver_name,
    in_memory,
    sqlite_version,
)
from cleo_core.doctor.finding import Finding

if TYPE_CHECKING:
    from cleo_core.doctor.scene import Scene

#: First and last version in which resetting a log while another connection checkpoints can lose
#: what was committed, and the first good one of each line that the repair was ported back to.
BUG_FROM, BUG_TO = (3, 7, 0), (3, 51, 2)
REPAIRED = ((3, 44, 6), (3, 50, 7))

STRICT_SINCE, JSONB_SINCE = (3, 37, 0), (3, 45, 0)


def has_reset_bug(version: tuple[int, ...]) -> bool:
    """Whether a version of SQLite has the WAL-reset bug."""
    if not BUG_FROM <= version <= BUG_TO:
        return False
    return not any(version[:2] == good[:2] and version >= good for good in REPAIRED)


def version(scene: Scene) -> Finding:
    """Which driver runs and why, and whether its SQLite may damage a database."""
    found = sqlite_version()
    words = ".".join(map(str, found))
    details = {"driver": driver_name(), "version": words, "why": _why(scene)}
    if has_reset_bug(found):
        return Finding(
            "warning",
            f"SQLite {words} ({details['driver']}, {details['why']}) has the WAL-reset bug: with "
            "several processes writing, what was committed may be lost.",
            details,
            "unset CLEO_SQLITE" if _is_chosen(scene) else "pip install --upgrade pysqlite3",
        )
    return Finding("ok", f"SQLite {words} of {details['driver']} ({details['why']}).", details)


def _is_chosen(scene: Scene) -> bool:
    """Whether somebody asked for this driver."""
    return scene.env.get("CLEO_SQLITE", "").strip() not in ("", "auto")


def _why(scene: Scene) -> str:
    if _is_chosen(scene):
        return f"as CLEO_SQLITE={scene.env['CLEO_SQLITE'].strip()} asks"
    if driver_name() == "pysqlite3":
        return "preferred where it is installed"
    return "pysqlite3 is not installed"


def features(scene: Scene) -> Finding:
    """What stores may use where the SQLite has it."""
    found = sqlite_version()
    memory = in_memory("doctor", (), {})
    try:
        fts = bool(memory.scalar("SELECT sqlite_compileoption_used('ENABLE_FTS5')"))
        extensions = hasattr(memory.connection, "enable_load_extension")
    finally:
        memory.close()
    there = {
        "extensionLoading": extensions,
        "strict": found >= STRICT_SINCE,
        "jsonb": found >= JSONB_SINCE,
        "fts5": fts,
        "trustedSchemaOff": found >= TRUSTED_SCHEMA_SINCE,
    }
    stores = {spec.name: "off" if there["trustedSchemaOff"] else "on" for spec in scene.stores()}
    details = {**there, "trustedSchema": stores}
    missing = [name for name, present in there.items() if not present]
    if not missing:
        return Finding("ok", "This SQLite has all that stores may ask for.", details)
    return Finding(
        "info",
        f"This SQLite ({driver().sqlite_version}) lacks {', '.join(missing)}"
        + ("; trusted_schema stays on for every store." if "trustedSchemaOff" in missing else "."),
        details,
        "pip install --upgrade pysqlite3",
    )
