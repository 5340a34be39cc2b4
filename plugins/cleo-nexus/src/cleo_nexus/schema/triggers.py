"""What SQLAlchemy cannot declare: the triggers that keep history as it was written."""

from __future__ import annotations

from cleo_core.columns import quoted
from cleo_nexus.enums import INSTANCE_FINAL

extra_ddl: tuple[str, ...] = (
    f"""\
CREATE TRIGGER warp_chain_instances_final BEFORE UPDATE ON warp_chain_instances
WHEN old.status IN ({quoted(INSTANCE_FINAL)})
BEGIN
    SELECT RAISE(ABORT, 'a finished instance does not change');
END""",
    """\
CREATE TRIGGER warp_instance_events_unchanged BEFORE UPDATE ON warp_instance_events
BEGIN
    SELECT RAISE(ABORT, 'the history of an instance is only added to');
END""",
    """\
CREATE TRIGGER warp_instance_events_kept BEFORE DELETE ON warp_instance_events
WHEN EXISTS (SELECT 1 FROM warp_chain_instances WHERE id = old.instance_id)
BEGIN
    SELECT RAISE(ABORT, 'the history of an instance goes only with it');
END""",
    """\
CREATE TRIGGER nexus_audit_log_unchanged BEFORE UPDATE ON nexus_audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit is only added to');
END""",
    """\
CREATE TRIGGER nexus_audit_log_kept BEFORE DELETE ON nexus_audit_log
WHEN NOT EXISTS (
    SELECT 1 FROM nexus_schema_meta WHERE "key" = 'audit_prune' AND value = '1'
)
BEGIN
    SELECT RAISE(ABORT, 'the audit is deleted only when it is pruned');
END""",
)
