"""The conformance kit: what CLEO promises for every store, shown for one.

.. code-block:: python

    from cleo_core.testing import StoreConformance


    class TestStore(StoreConformance):
        plugin = "notes"

That is all for a store like the one that ``cleo plugins new`` writes. For others, :class:`Author`
lists what may be said: calls for verbs that made-up words do not fit, a call for every declared
reference, a case for a guard. ``tests/golden`` beside the class holds a database of every released
revision and the checksums of its migrations; ``python -m cleo_core.testing golden notes`` makes
them.

A check that does not apply is left out with a reason, which every run prints::

    skip = {"guards": "nothing here is of interest to other stores"}
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cleo_core.testing.conformance import (
    alone,
    bonds,
    copies,
    files,
    migrations,
    schema,
    verbs,
    writers,
)
from cleo_core.testing.conformance.scene import KEPT, Scene
from cleo_core.testing.conformance.subject import Author, Sample, Subject
from cleo_core.testing.runner import Run

__all__ = ["CHECKS", "Author", "Scene", "StoreConformance", "Subject"]

#: Under this name a report carries what was not checked, and why.
LEFT_OUT = "conformance"
#: Problems that one failing check shows.
MOST_SHOWN = 25


class StoreConformance(Author):
    """Every check of the kit; see the module and :class:`Author`."""

    @pytest.fixture(autouse=True)
    def _left_out(self, request: pytest.FixtureRequest) -> None:
        """Leave out what the author says, and have all of it printed."""
        unknown = {key.partition(":")[0] for key in self.skip} - CHECKS
        assert not unknown, f"skip names no checks: {sorted(unknown)}; there are {sorted(CHECKS)}"
        check = request.node.name.partition("[")[0].removeprefix("test_")
        for key, reason in self.skip.items():
            if key.partition(":")[0] == check:
                request.node.user_properties.append((LEFT_OUT, f"{self.plugin}: {key}: {reason}"))
        if check in self.skip:
            pytest.skip(self.skip[check])

    @pytest.fixture
    def tmp_path(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """One directory for all checks, so that what they share may say where it lies."""
        cls = type(self)
        if "_root" not in vars(cls):
            setattr(cls, "_root", tmp_path_factory.mktemp(cls.__name__))  # noqa: B010
        root: Path = vars(cls)["_root"]
        for path in root.iterdir():
            if path.is_dir() and path.name != KEPT:
                shutil.rmtree(path)
            elif not path.is_dir():
                path.unlink()
        return root

    @pytest.fixture
    def subject(self, cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Subject:
        """The plugin, alone with core and those whose services it cannot do without."""
        found = Subject(self.plugin)
        monkeypatch.setenv("CLEO_PLUGINS", ",".join((found.plugin.name, *self.companions)))
        return found

    @pytest.fixture
    def scene(self, subject: Subject, cleo_home: Path) -> Scene:
        """A project in which the plugin's verbs are tried."""
        made = Scene(cleo_home, self, subject)
        made.prepare(once=type(self))
        return made

    # The schema

    def test_one_head(self, subject: Subject) -> None:
        """The migrations are one line that ends at the declared head."""
        _none(schema.one_head(subject))

    def test_head(self, subject: Subject, tmp_path: Path) -> None:
        """A new file is at the head, and every constant says so."""
        _none(schema.head_is_true(subject, tmp_path))

    def test_same_schema(self, scene: Scene, tmp_path: Path) -> None:
        """Snapshot, migrations and declaration are the same, rows of a fresh file included."""
        _none(schema.same_schema(scene, tmp_path))

    def test_strict(self, subject: Subject, tmp_path: Path) -> None:
        """Tables are STRICT; enums, booleans and JSON are under CHECK."""
        _none(schema.strict_and_checked(subject, tmp_path))

    def test_migration_text(self, subject: Subject) -> None:
        """Migrations lose no row silently, and RAISE only literal messages."""
        _none(schema.migrations_are_plain(subject))

    def test_checksums(self, subject: Subject) -> None:
        """No shipped migration was edited."""
        _none(schema.checksums_hold(subject, self.golden))

    def test_statements(self, scene: Scene, tmp_path: Path) -> None:
        """Every statement of the store modules prepares."""
        _none(schema.statements_prepare(scene, tmp_path))

    def test_sql(self, scene: Scene) -> None:
        """``--sql`` renders a script that makes the schema."""
        _none(schema.sql_renders(scene))

    # Files

    def test_golden(self, scene: Scene) -> None:
        """Every golden database upgrades with its rows, and can be read."""
        _none(migrations.golden_upgrade(scene, self))

    def test_second_upgrade(self, scene: Scene) -> None:
        """A second migration does nothing."""
        _none(migrations.second_upgrade(scene, self))

    @pytest.mark.slow
    def test_crash_create(self, scene: Scene) -> None:
        """A kill at any statement of creating leaves nothing or a whole file."""
        _none(migrations.crash_while_creating(scene))

    @pytest.mark.slow
    def test_crash_migrate(self, scene: Scene, request: pytest.FixtureRequest) -> None:
        """A kill at any statement of a migration leaves the old file or the new one."""
        heads = {spec.head for spec in scene.subject.stores}
        if not [path for _, path in migrations.golden_files(scene, self) if path.stem not in heads]:
            self._lacks(request, "there is no golden database of an earlier revision")
        _none(migrations.crash_while_migrating(scene, self))

    def test_refused_files(self, scene: Scene) -> None:
        """Files ahead, foreign, swapped, cut or damaged are refused by name and untouched."""
        _none(files.refused_files(scene))

    def test_existence(self, scene: Scene) -> None:
        """An id is there, missing or unknown; unknown wherever the file cannot say."""
        _none(files.existence(scene))

    def test_backup(self, scene: Scene) -> None:
        """A backup set holds what is declared, and a restore of it gives every row back."""
        _none(copies.backup_and_restore(scene))

    def test_bundle(self, scene: Scene, request: pytest.FixtureRequest) -> None:
        """A bundle that is exported is accepted, and gives every row back."""
        if all(spec.backup == "exclude" for spec in scene.subject.stores):
            self._lacks(request, "no backup holds a store of the plugin")
        _none(copies.export_and_import(scene))

    # Verbs

    def test_help(self, scene: Scene) -> None:
        """Every verb has help, and refuses options that it does not have."""
        _none(verbs.help_pages(scene))

    def test_json(self, scene: Scene) -> None:
        """Every verb answers with a valid envelope, and people with text."""
        _none(verbs.envelopes(scene))

    def test_subdirectory(self, scene: Scene) -> None:
        """Every verb works from below the project's root."""
        _none(verbs.subdirectory(scene))

    def test_never_waits(self, scene: Scene) -> None:
        """Without a terminal no verb waits."""
        _none(verbs.never_waits(self._alone(scene)))

    def test_imports(self, scene: Scene) -> None:
        """At head no verb imports SQLAlchemy or alembic."""
        _none(verbs.stays_light(self._alone(scene)))

    def test_reads(self, scene: Scene) -> None:
        """Reading verbs open no write transaction and change no byte."""
        _none(verbs.reads(scene))

    def test_dry_run(self, scene: Scene) -> None:
        """``--dry-run`` changes no byte."""
        _none(verbs.dry_runs(scene))

    def test_idempotency(self, scene: Scene) -> None:
        """Verbs that create honour the idempotency key."""
        _none(verbs.idempotency(scene))

    @pytest.mark.slow
    def test_hostile_text(self, scene: Scene) -> None:
        """Hostile text in any argument is stored as it is or refused in one sentence."""
        _none(verbs.hostile_words(scene))

    # Others

    def test_references(self, scene: Scene, tmp_path: Path, request: pytest.FixtureRequest) -> None:
        """References reject, null, keep, and stay untouched where nobody can say."""
        if not scene.subject.plugin.references:
            self._lacks(request, "the plugin declares no reference")
        _none(bonds.references(scene, self, tmp_path))

    def test_guards(self, scene: Scene, tmp_path: Path) -> None:
        """Guards, others' and the plugin's own, refuse, and a guard that fails refuses too."""
        _none(bonds.guards_of_others(scene, tmp_path))
        _none(bonds.own_guard(scene, self))

    @pytest.mark.slow
    def test_contention(self, scene: Scene) -> None:
        """Many processes that write at once lose nothing."""
        if scene.writer is None:
            pytest.skip("no verb creates anything")
        _none(writers.contention(scene, self))

    @pytest.mark.slow
    def test_wheels(self, scene: Scene, tmp_path: Path, request: pytest.FixtureRequest) -> None:
        """The plugin works alone with core, both from wheels."""
        reason = alone.cannot_build(self.golden)
        if reason is not None:
            self._lacks(request, reason)
        _none(alone.from_wheels(scene, self.golden, tmp_path / "alone"))

    def _alone(self, scene: Scene) -> list[tuple[Sample, Run]]:
        """Every verb as a process of its own, run once for all checks that look at them."""
        cls = type(self)
        if "_runs" not in vars(cls):
            setattr(cls, "_runs", verbs.processes_of_their_own(scene))  # noqa: B010
        found: list[tuple[Sample, Run]] = vars(cls)["_runs"]
        return found

    def _lacks(self, request: pytest.FixtureRequest, reason: str) -> None:
        """Leave a check out because it has no subject; printed like any other."""
        check = request.node.name.removeprefix("test_")
        request.node.user_properties.append((LEFT_OUT, f"{self.plugin}: {check}: {reason}"))
        pytest.skip(reason)


#: The names that ``skip`` may use.
CHECKS = frozenset(
    name.removeprefix("test_") for name in vars(StoreConformance) if name.startswith("test_")
)


def left_out(reports: Iterable[Any]) -> Iterator[str]:
    """What tests of the kit left out, from their reports; each once."""
    seen = set()
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == LEFT_OUT and value not in seen:
                seen.add(value)
                yield value


def _none(problems: Iterable[str]) -> None:
    """Fail with every problem, one per line; beyond the first ones with their number."""
    found = list(dict.fromkeys(problems))
    if len(found) > MOST_SHOWN:
        found[MOST_SHOWN:] = [f"… and {len(found) - MOST_SHOWN} more"]
    if found:
        pytest.fail("\n".join(found), pytrace=False)
