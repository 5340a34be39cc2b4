"""Declarations: what a plugin has, as data.

Targets (``schema``, ``migrations``, ``snapshot``, ``target``, ``handler``) are ``module:attr``
strings, imported at first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from cleo_core.api.declared import Declared
from cleo_core.api.records import record

Tier = Literal["project", "global"]


@record
class FileSpec(Declared):
    """A further file that a store's plugin owns: a key, a salt.

    :param name: file name inside the tier directory.
    :param secret: mode 0600 is checked and the content never shown.
    :param size: exact length in bytes, if it has one.
    :param backup: ``include``: in every backup set of its tier, and restored where the file is
        absent; ``never``: in none.
    :param bundle: ``same_machine``: of what backup includes, in encrypted bundles too, and written
        back only on the machine that it came from, where the file is absent.
    :param fingerprint: this file's content identifies the machine.
    """

    name: str
    tier: Tier
    secret: bool = False
    size: int | None = None
    backup: Literal["include", "never"] = "never"
    bundle: Literal["never", "same_machine"] = "never"
    fingerprint: bool = False


@record
class StoreSpec(Declared):
    """One database file.

    :param name: the store's name, unique over all plugins.
    :param tier: ``project`` lives in ``.cleo``, ``global`` in the data directory.
    :param file: file name inside the tier directory.
    :param application_id: SQLite ``application_id``, unique over all plugins.
    :param head: the revision this plugin's code works with, ``<name>_<4 digits>``.
    :param schema: ``module:attr`` of the SQLAlchemy MetaData; the module may also have
        ``extra_ddl`` (what MetaData cannot say: triggers, virtual tables) and ``seed``.
    :param migrations: importable package whose ``versions`` folder holds the alembic revisions.
    :param snapshot: ``module:attr`` of the statements that make an empty store at head.
    :param backup: ``include``: in every backup set and bundle; ``rebuildable``: in those sets alone
        that are made before something risky; ``exclude``: in none.
    :param create: ``init``, ``on_demand`` (first write) or ``explicit`` (the plugin's own verbs).
    :param kinds: entity kind -> table that holds it; None where other files answer.
    :param files: further files of the plugin.
    :param after: stores that come first in lock order.
    :param derived: tables that can be made again from the others: not compared when a schema is,
        and not counted in copies.
    :param any_revision: paths of verbs that may read a store that is ahead.
    :param backends: databases the same SQL runs on.
    """

    name: str
    tier: Tier
    file: str
    application_id: int
    head: str
    schema: str
    migrations: str
    snapshot: str
    backup: Literal["include", "rebuildable", "exclude"] = "include"
    create: Literal["init", "on_demand", "explicit"] = "init"
    kinds: Mapping[str, str | None] = field(default_factory=dict)
    files: tuple[FileSpec, ...] = ()
    after: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()
    any_revision: tuple[str, ...] = ()
    backends: tuple[str, ...] = ("sqlite",)


@record
class CommandSpec(Declared):
    """One command under ``cleo``.

    :param name: the word after ``cleo``.
    :param target: ``module:attr`` of the click command, imported when it runs.
    :param help: one line for ``cleo --help``.
    :param section: heading it stands under.
    :param reads: paths of its verbs that only read (``""`` is the command itself).
    """

    name: str
    target: str
    help: str
    section: str
    reads: tuple[str, ...] = ()


@record
class ServiceSpec(Declared):
    """A service by name; ``target`` is called with the App and gives the service."""

    name: str
    target: str


@record
class Reference(Declared):
    """A soft foreign key from one store's column to a kind that another store owns.

    :param source: ``store.table.column``; two columns are joined by ``:``.
    :param target_kind: the entity kind the ids are of.
    :param on_missing: what a write of a missing id does.
    :param on_delete: what happens here when the target is deleted.
    :param name: unique name, by default the source.
    :param id_from: ``column``, ``json:<path>`` or ``prefix:<text>``.
    :param handler: ``module:attr`` of the owner's function that carries out ``on_delete``.
    :param exempt: values that are never asked for.
    :param strict: an unknown answer refuses the write.
    """

    source: str
    target_kind: str
    on_missing: Literal["reject", "null", "keep"]
    on_delete: Literal["null", "delete", "keep"]
    name: str = ""
    id_from: str = "column"
    handler: str | None = None
    exempt: tuple[str, ...] = ()
    strict: bool = False

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.source)


@record
class ConfigKey(Declared):
    """A declared configuration key.

    :param name: dotted, snake_case; a plugin's keys start with its name.
    :param type: one of bool, int, float, str, enum, duration, list (of str).
    :param default: value when no layer sets one.
    :param scope: which files may set it.
    :param env: environment variable that sets it.
    :param choices: the words of an enum.
    :param secret: printed as ``***``.
    :param help: one sentence.
    :param presets: preset name -> value.
    """

    name: str
    type: Literal["bool", "int", "float", "str", "enum", "duration", "list"]
    default: Any
    scope: Literal["both", "global", "project"] = "both"
    env: str | None = None
    choices: tuple[str, ...] | None = None
    secret: bool = False
    help: str = ""
    presets: Mapping[str, Any] = field(default_factory=dict)


@record
class Project(Declared):
    """A project: its id and name, its root and its ``.cleo`` directory.

    :param root: absolute path.
    :param directory: absolute path of the ``.cleo`` directory.
    :param register: False after ``cleo init --no-register``.
    """

    id: str
    name: str
    root: str
    directory: str
    register: bool = True
