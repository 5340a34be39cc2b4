"""Taking over the file in which a project kept agents and messages before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cleo_signaldock.records import LegacyMigration, LegacyStatus
from cleo_signaldock.service.legacy import detecting
from cleo_signaldock.service.work import Verbs


class MigrateVerbs(Verbs):
    """``migrate_legacy``, its rollback and its status."""

    def migrate_legacy(
        self, *, renames: Mapping[str, str] | None = None, old_paths: Sequence[str] = ()
    ) -> LegacyMigration:
        """Split ``.cleo/signaldock.db`` into agents of this machine and messages of the project.

        What was begun before is finished. In a dry run nothing is written, nor any file made.

        :param renames: id in the file -> id that the agent gets, where its own cannot stay.
        :param old_paths: directories where the project lay when keys were encrypted.
        :raises CleoError: 2 a rename; 5 without the plugin of the messages; 6 something in the file
            is unusable, and everything of that kind is listed; 7 another process is at it; 53 the
            file is damaged; 54 what was written does not agree with the file, which keeps its name;
            92 the machine's key files do not fit.
        """
        from cleo_signaldock.service.legacy import source
        from cleo_signaldock.service.legacy.running import Migration

        run = Migration(self.app, source.renames(renames), old_paths)
        return run.rehearse() if self.app.dry_run else run.run()

    def legacy_rollback(self) -> LegacyMigration:
        """Take the latest migration back: its rows go, and the file gets its name again.

        :raises CleoError: 4 there is none; 6 rows changed or gained others since, or another file
            has the name; nothing is deleted then.
        """
        from cleo_signaldock.service.legacy.rollback import Rollback

        return Rollback(self.app).run()

    def legacy_status(self) -> LegacyStatus:
        """Whether the older file is there, and the journal of the latest migration.

        :raises StoreError: 53, the journal is damaged.
        """
        from cleo_signaldock.service.legacy import journal

        project = self.app.project
        entry = journal.read(project.directory)
        path = detecting.path_of(project)
        return LegacyStatus(detecting.is_legacy(path), path, None if entry is None else entry.data)

    def warn_of_legacy(self) -> None:
        """Warn where this project still has the older file, and nothing took it over."""
        detecting.warn(self.app)
