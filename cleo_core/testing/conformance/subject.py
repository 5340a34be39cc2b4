"""The plugin under test: its stores, its verbs, and what its author gave to try them with."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import click

from cleo_core.cli.command import COMMON_OPTIONS
from cleo_core.installed import load_all
from cleo_core.plugins import load_target
from cleo_core.plugins.scan import normalized

if TYPE_CHECKING:
    from cleo_core.api import CommandSpec, StoreSpec
    from cleo_core.plugins import Plugin, Plugins

_COMMON = frozenset(option.name for option in COMMON_OPTIONS)


class Verb:
    """One command that does something: ``notes add`` of ``cleo notes add``.

    :ivar reads: whether the plugin declares that it only reads.
    """

    def __init__(self, path: str, command: click.Command, *, reads: bool) -> None:
        self.path = path
        self.command = command
        self.reads = reads

    @property
    def own(self) -> list[click.Parameter]:
        """Its parameters without those that every command has."""
        return [param for param in self.command.params if param.name not in _COMMON]

    def has(self, name: str) -> bool:
        """Whether it has a parameter."""
        return any(param.name == name for param in self.own)

    @property
    def dry(self) -> bool:
        """Whether it offers ``--dry-run``."""
        return bool(getattr(self.command, "dry", False))

    @property
    def streams(self) -> bool:
        """Whether it prints an envelope on each line, as long as it runs."""
        return bool(getattr(self.command, "streams", False))

    @property
    def creates(self) -> bool:
        """Whether it takes an idempotency key."""
        return self.has("idempotency_key")


class Sample:
    """A call of a verb that does what the verb is for.

    :ivar argv: the words after ``cleo``; ``{id}``, ``{last}`` and ``{n}`` are filled in when it
        runs.
    :ivar before: calls that come first, on the same project.
    :ivar stdin: what it reads from standard input; None if it reads nothing.
    :ivar exit: its exit code.
    """

    def __init__(
        self,
        verb: Verb,
        argv: Sequence[str],
        before: Sequence[Sequence[str]] = (),
        stdin: str | None = None,
        exit: int = 0,
    ) -> None:
        self.verb = verb
        self.argv = tuple(argv)
        self.before = tuple(map(tuple, before))
        self.stdin = stdin
        self.exit = exit

    @property
    def path(self) -> str:
        """The verb's path."""
        return self.verb.path


class Subject:
    """A plugin as core loads it when no other is in use.

    :param name: its entry point or its distribution; ``-`` and ``_`` are the same.
    :ivar broken: command -> why it cannot be loaded, once :meth:`verbs` was called.
    """

    def __init__(self, name: str) -> None:
        self.plugins, self.plugin = _load(name)
        self.stores: list[StoreSpec] = [
            spec
            for spec in self.plugins.stores.values()
            if self.plugins.owner_of_store(spec.name) == self.plugin.name
        ]
        self.broken: dict[str, str] = {}

    @property
    def package(self) -> str:
        """The plugin's top-level package."""
        return self.plugin.value.partition(".")[0]

    def verbs(self) -> list[Verb]:
        """Every command of the plugin that does something, by path."""
        found: list[Verb] = []
        for spec in self.plugin.commands:
            try:
                command: click.Command = load_target(spec.target)
            except Exception as error:
                # One command that cannot be loaded must not hide what the others do wrong.
                self.broken[spec.name] = f"{type(error).__name__}: {error}"
                continue
            found += _verbs(spec, command, spec.name)
        return sorted(found, key=lambda verb: verb.path)

    def modules(self, name: str) -> list[ModuleType]:
        """``<package>.<name>`` and, where that is a package, everything below it."""
        root = importlib.import_module(f"{self.package}.{name}")
        found = [root]
        for one in pkgutil.walk_packages(getattr(root, "__path__", ()), f"{root.__name__}."):
            found.append(importlib.import_module(one.name))
        return found

    def names(self, name: str) -> list[str]:
        """The names of ``<package>.<name>``, where there is one, and of all modules below it."""
        found = find_spec(f"{self.package}.{name}")
        if found is None:
            return []
        below = pkgutil.walk_packages(found.submodule_search_locations or (), f"{found.name}.")
        return [found.name, *(one.name for one in below)]

    def functions(self, hook: str) -> list[Callable[..., Any]]:
        """The plugin's functions for a hook."""
        return [one.function for one in self.plugin.functions if one.hook == hook]


class Author:
    """What the author of a store may say; every attribute has a default that fits a small store.

    :cvar plugin: the plugin's entry point or distribution: ``notes``, ``cleo-notes`` and
        ``cleo_notes`` are the same.
    :cvar companions: plugins that are there too, because verbs need a service of theirs. Without
        them the plugin is still tried from its wheel.
    :cvar commands: label -> a call of a verb, as words after ``cleo``, or ``{"argv": words,
        "before": calls that come first, "stdin": text, "exit": code}``. ``{id}`` is an id that the
        store gave in the set-up, ``{last}`` one that the last call before gave, ``{n}`` a number
        that is another one each time. A verb that is not named is called with made-up words, which
        fits where texts are free and ids are parameters named ``id``.
    :cvar setup: calls made once before all others; by default one of the first verb that creates.
    :cvar files: name -> text of files in the directory that the verbs run in.
    :cvar references: name of a declared reference -> a call that stores ``{ref}`` under it, or an
        INSERT that stores ``:ref``.
    :cvar guards: label -> ``{"after": calls, "kind": …, "op": …, "ids": […]}``: a change that the
        plugin's own guard refuses once the calls are made.
    :cvar moved: revision -> {table before: table after, or None}, where a migration renamed or
        dropped a table whose rows would else count as lost.
    :cvar refusals: tables in which the store keeps that it refused something, as an audit may; rows
        there are no effect of a refused call.
    :cvar processes: how many write at once, each ``writes`` times.
    :cvar skip: check, or ``check: item`` -> why it does not apply; printed at the end of every run.
    """

    plugin: ClassVar[str] = ""
    companions: ClassVar[Sequence[str]] = ()
    commands: ClassVar[Mapping[str, Sequence[str] | Mapping[str, Any]]] = {}
    setup: ClassVar[Sequence[Sequence[str]]] = ()
    files: ClassVar[Mapping[str, str]] = {}
    references: ClassVar[Mapping[str, Sequence[str] | str]] = {}
    guards: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    moved: ClassVar[Mapping[str, Mapping[str, str | None]]] = {}
    refusals: ClassVar[Sequence[str]] = ()
    processes: ClassVar[int] = 20
    writes: ClassVar[int] = 50
    skip: ClassVar[Mapping[str, str]] = {}

    @property
    def golden(self) -> Path:
        """The folder of golden databases: ``golden`` beside the file of the class."""
        return Path(inspect.getfile(type(self))).resolve().parent / "golden"

    def skipped(self, check: str, item: str) -> bool:
        """Whether the author leaves one item of a check out."""
        return f"{check}: {item}" in self.skip


def samples(subject: Subject, author: Author) -> list[Sample]:
    """A call of every verb: the author's, and made-up ones for the verbs that have none."""
    verbs = {verb.path: verb for verb in subject.verbs()}
    found = []
    for label, given in author.commands.items():
        call: Mapping[str, Any] = given if isinstance(given, Mapping) else {"argv": given}
        verb = _verb_of(call["argv"], verbs)
        if verb is None and call["argv"][0] in subject.broken:
            continue
        if verb is None:
            raise AssertionError(f"commands[{label!r}]: {call['argv']} names no verb of the plugin")
        more = {key: value for key, value in call.items() if key != "argv"}
        found.append(Sample(verb, call["argv"], **more))
    named = {sample.path for sample in found}
    found += [Sample(verb, _made_up(verb)) for path, verb in verbs.items() if path not in named]
    return sorted(found, key=lambda sample: sample.path)


def words_of(sample: Sample) -> Iterator[tuple[int, click.Parameter]]:
    """The places in a call that hold a value, each with its parameter.

    The words of the verb's path are no values, nor are options and flags.
    """
    options = {
        name: param
        for param in sample.verb.command.params
        if isinstance(param, click.Option)
        for name in (*param.opts, *param.secondary_opts)
    }
    arguments = [param for param in sample.verb.own if isinstance(param, click.Argument)]
    place = len(sample.path.split())
    taken = 0
    while place < len(sample.argv):
        word = sample.argv[place]
        option = options.get(word.partition("=")[0]) if word.startswith("-") else None
        if option is not None:
            if not option.is_flag and not option.count and "=" not in word:
                place += 1
                yield place, option
        elif arguments:
            yield place, arguments[min(taken, len(arguments) - 1)]
            if arguments[min(taken, len(arguments) - 1)].nargs != -1:
                taken += 1
        place += 1


def is_text(param: click.Parameter) -> bool:
    """Whether a parameter takes any text."""
    return isinstance(param.type, click.types.StringParamType)


def _load(name: str) -> tuple[Plugins, Plugin]:
    every = load_all({**os.environ}, [])
    wanted = normalized(name)
    for plugin in every.all():
        if wanted not in (normalized(plugin.name), normalized(plugin.distribution)):
            continue
        alone = load_all({**os.environ, "CLEO_PLUGINS": plugin.name}, [])
        if alone.quarantined:
            raise AssertionError(alone.quarantined[0].line)
        return alone, alone.loaded[0]
    names = ", ".join(plugin.name for plugin in every.all()) or "none"
    raise AssertionError(f"plugin = {name!r}: no such plugin is installed; there is {names}")


def _verbs(spec: CommandSpec, command: click.Command, path: str) -> Iterator[Verb]:
    if isinstance(command, click.Group):
        # A group may import its verbs one by one, when they are asked for.
        with click.Context(command, info_name=path) as ctx:
            for name in command.list_commands(ctx):
                below = command.get_command(ctx, name)
                if below is not None:
                    yield from _verbs(spec, below, f"{path} {name}")
    else:
        yield Verb(path, command, reads=path.partition(" ")[2] in spec.reads)


def _verb_of(argv: Sequence[str], verbs: Mapping[str, Verb]) -> Verb | None:
    """The verb with the longest path that a call begins with."""
    for end in range(len(argv), 0, -1):
        verb = verbs.get(" ".join(argv[:end]))
        if verb is not None:
            return verb
    return None


def _made_up(verb: Verb) -> list[str]:
    argv = verb.path.split()
    for param in verb.own:
        if not param.required:
            continue
        value = _value(param)
        if isinstance(param, click.Argument):
            argv += [value] * max(1, param.nargs)
        elif isinstance(param, click.Option) and not param.is_flag:
            argv += [max(param.opts, key=len), value]
    return argv


def _value(param: click.Parameter) -> str:
    kind = param.type
    if isinstance(kind, click.Choice):
        return str(kind.choices[0])
    if isinstance(kind, (click.types.IntParamType, click.types.FloatParamType)):
        return str(getattr(kind, "min", None) or 1)
    if isinstance(kind, click.types.BoolParamType):
        return "true"
    name = param.name or ""
    if name in ("id", "ids") or name.endswith("_id"):
        return "{id}"
    return f"sample {name} {{n}}"
