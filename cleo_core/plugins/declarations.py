"""What plugins declare: asked for once, and checked before anything relies on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cleo_core.api import CommandSpec, ConfigKey, FileSpec, Reference, ServiceSpec, StoreSpec
from cleo_core.plugins.negotiate import is_dotted, is_word
from cleo_core.plugins.record import PluginError, described, run

if TYPE_CHECKING:
    from cleo_core.plugins.record import Plugin, Trace

#: Names in the tier directories that are core's own.
CORE_FILES = frozenset(
    (
        *("project-info.json", "config.json", "config.json.bak", "config.json.imported"),
        *("locks", "backups", "quarantine", "logs", "audit", "run"),
    )
)

#: Names of core's own locks.
_LOCKS = frozenset({"init", "backups", "restore", "bundle", "config"})
_TIERS = ("project", "global")
_TYPES = ("bool", "int", "float", "str", "enum", "duration", "list")


def declare(plugin: Plugin, trace: Trace | None) -> None:
    """Ask a plugin for its commands, stores, references, services and configuration keys.

    :raises PluginError: ``hook-failed`` or ``bad-spec``.
    """
    # Commands first: whatever else is wrong, their names then lead to the plugin.
    commands = _ask(plugin, "cleo_register_commands", CommandSpec, trace)
    plugin.commands = tuple(spec for spec in commands if is_word(spec.name))
    plugin.stores = _ask(plugin, "cleo_register_stores", StoreSpec, trace)
    plugin.references = _ask(plugin, "cleo_register_references", Reference, trace)
    plugin.services = _ask(plugin, "cleo_register_services", ServiceSpec, trace)
    plugin.config_keys = _typed("CLEO_CONFIG", getattr(plugin.module, "CLEO_CONFIG", ()), ConfigKey)
    for command in commands:
        _check_command(command)
    for store in plugin.stores:
        _check_store(store)
    for reference in plugin.references:
        _check_reference(reference, {store.name for store in plugin.stores})
    for service in plugin.services:
        _expect("service", service, name=is_snake(service.name), target=is_target(service.target))
    for key in plugin.config_keys:
        _check_key(key, plugin.prefix)
    _refuse_repetition(plugin)


def is_snake(value: object) -> bool:
    """A lower-case ASCII identifier of at most 64 characters that begins with a letter."""
    return (
        isinstance(value, str)
        and len(value) <= 64
        and value.isidentifier()
        and value.isascii()
        and value.islower()
        and value[0] != "_"
    )


def is_target(value: object) -> bool:
    """``module:attr``, dotted on both sides."""
    if not isinstance(value, str):
        return False
    module, colon, attribute = value.partition(":")
    return bool(colon) and is_dotted(module) and is_dotted(attribute)


def files_of(spec: StoreSpec) -> list[str]:
    """The files that a store claims, ``tier/name``, as file systems that fold case see them."""
    named = [(spec.tier, spec.file), *((file.tier, file.name) for file in spec.files)]
    return [f"{tier}/{name.lower()}" for tier, name in named]


def _ask(plugin: Plugin, hook: str, kind: type[Any], trace: Trace | None) -> tuple[Any, ...]:
    found: list[Any] = []
    for function in plugin.functions:
        if function.hook != hook:
            continue
        outcome = run(plugin, function, {}, trace)
        if outcome.error is not None:
            raise PluginError("hook-failed", f"{hook} failed: {described(outcome.error)}.")
        if outcome.value is not None:
            found += _typed(hook, outcome.value, kind)
    return tuple(found)


def _typed(where: str, values: object, kind: type[Any]) -> tuple[Any, ...]:
    if isinstance(values, (str, Mapping)) or not isinstance(values, Iterable):
        raise PluginError(
            "bad-spec", f"{where} gives {type(values).__name__}, not a sequence of {kind.__name__}."
        )
    try:
        items = tuple(values)
    except Exception as error:
        # An iterable of the plugin's own may fail in any way.
        raise PluginError("hook-failed", f"{where} failed: {described(error)}.") from error
    for item in items:
        if not isinstance(item, kind):
            raise PluginError(
                "bad-spec", f"{where} gives a {type(item).__name__}, not a {kind.__name__}."
            )
    return items


def _check_command(spec: CommandSpec) -> None:
    _expect(
        "command",
        spec,
        name=is_word(spec.name),
        target=is_target(spec.target),
        help=_is_text(spec.help),
        section=_is_text(spec.section),
        reads=_are(_is_string, spec.reads),
    )


def _check_store(spec: StoreSpec) -> None:
    number = spec.application_id
    lineage, underscore, revision = str(spec.head).rpartition("_")
    _expect(
        "store",
        spec,
        # A store's lock is called after it.
        name=is_snake(spec.name) and spec.name not in _LOCKS,
        tier=spec.tier in _TIERS,
        file=_is_file(spec.file),
        # SQLite keeps a signed 32-bit number, and 0 is what a file without one has.
        application_id=type(number) is int and number != 0 and -(2**31) <= number < 2**31,
        head=lineage == spec.name
        and underscore == "_"
        and len(revision) == 4
        and revision.isascii()
        and revision.isdigit(),
        schema=is_target(spec.schema),
        migrations=is_dotted(spec.migrations),
        snapshot=is_target(spec.snapshot),
        backup=spec.backup in ("include", "rebuildable", "exclude"),
        create=spec.create in ("init", "on_demand", "explicit"),
        kinds=isinstance(spec.kinds, Mapping)
        and _are(is_snake, tuple(spec.kinds))
        and all(table is None or is_snake(table) for table in spec.kinds.values()),
        files=_are(lambda file: isinstance(file, FileSpec), spec.files),
        after=_are(is_snake, spec.after),
        derived=_are(_is_text, spec.derived),
        any_revision=_are(_is_string, spec.any_revision),
        backends=bool(spec.backends) and _are(is_snake, spec.backends),
    )
    for file in spec.files:
        _expect(
            "file",
            file,
            name=_is_file(file.name),
            tier=file.tier in _TIERS,
            size=file.size is None or (type(file.size) is int and file.size >= 0),
            backup=file.backup in ("include", "never"),
            # A bundle is made of what a backup holds.
            bundle=file.bundle == "never"
            or (file.bundle == "same_machine" and file.backup == "include"),
        )


def _check_reference(spec: Reference, own: set[str]) -> None:
    parts = spec.source.split(".") if isinstance(spec.source, str) else []
    columns = parts[2].split(":") if len(parts) == 3 else []
    id_from = spec.id_from if isinstance(spec.id_from, str) else ""
    several = id_from.startswith("json:$")
    _expect(
        "reference",
        spec,
        name=_is_text(spec.name),
        source=len(columns) in (1, 2)
        and all(map(is_snake, (*parts[:2], *columns)))
        and parts[0] in own,
        target_kind=is_snake(spec.target_kind),
        id_from=several
        or id_from == "column"
        or (id_from.startswith("prefix:") and id_from != "prefix:"),
        # One of several ids in a value can neither be nulled nor deleted alone.
        on_missing=spec.on_missing in ("reject", "keep")
        or (spec.on_missing == "null" and not several),
        on_delete=spec.on_delete == "keep"
        or (spec.on_delete in ("null", "delete") and not (several and spec.handler is None)),
        handler=spec.handler is None or is_target(spec.handler),
        exempt=_are(_is_string, spec.exempt),
    )


def _check_key(spec: ConfigKey, prefix: str) -> None:
    parts = spec.name.split(".") if isinstance(spec.name, str) else []
    choices = spec.choices
    _expect(
        "configuration key",
        spec,
        name=len(parts) > 1 and parts[0] == prefix and all(map(is_snake, parts)),
        type=spec.type in _TYPES,
        scope=spec.scope in ("both", "global", "project"),
        env=spec.env is None or _is_text(spec.env),
        choices=(choices is None and spec.type != "enum")
        or (bool(choices) and _are(_is_text, choices)),
        default=spec.type != "enum" or spec.default is None or spec.default in (choices or ()),
        presets=isinstance(spec.presets, Mapping),
    )


def _refuse_repetition(plugin: Plugin) -> None:
    names: dict[str, list[Any]] = {
        "command": [spec.name for spec in plugin.commands],
        "store": [spec.name for spec in plugin.stores],
        "application id": [spec.application_id for spec in plugin.stores],
        "kind": [kind for spec in plugin.stores for kind in spec.kinds],
        "service": [spec.name for spec in plugin.services],
        "reference": [spec.name for spec in plugin.references],
        "configuration key": [spec.name for spec in plugin.config_keys],
        "file": [path for spec in plugin.stores for path in files_of(spec)],
    }
    for what, found in names.items():
        if len(set(found)) != len(found):
            twice = next(name for name in found if found.count(name) > 1)
            raise PluginError("bad-spec", f"it declares the {what} {twice!r} twice.")


def _expect(what: str, spec: Any, **fields: bool) -> None:
    """Refuse a declaration for the first of its fields that is not good."""
    for field, good in fields.items():
        if not good:
            value = "" if field == "name" else f" {getattr(spec, field)!r}"[:80]
            raise PluginError("bad-spec", f"{what} {spec.name!r}: the {field}{value} is not valid.")


def _are(good: Callable[[Any], bool], values: object) -> bool:
    """Whether a value is a sequence of good ones; a bare string is the usual slip."""
    return isinstance(values, (tuple, list, frozenset)) and all(map(good, values))


def _is_string(value: object) -> bool:
    return isinstance(value, str)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def _is_file(value: object) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= 100
        and value.isascii()
        and value[0].isalnum()
        and value[-1].isalnum()
        and value.replace(".", "").replace("-", "").replace("_", "").isalnum()
        and value.lower() not in CORE_FILES
        and not value.lower().endswith(("-wal", "-shm", "-journal"))
    )
