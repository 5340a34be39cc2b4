"""The plugins of one process: what they declare, and isolated, ordered calls of their hooks."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from cleo_core.plugins.record import Outcome, Plugin, interrupts, outcome_word, run

if TYPE_CHECKING:
    from cleo_core.api import CommandSpec, ConfigKey, FileSpec, Reference, ServiceSpec, StoreSpec
    from cleo_core.errors import CleoError
    from cleo_core.plugins.negotiate import Spec
    from cleo_core.plugins.record import Function, Trace, Warn

#: So many times its limit may a hook take that did nothing but wait.
_HELD_UP = 10


class Plugins:
    """What is installed, made by :func:`cleo_core.plugins.load_plugins`.

    :ivar loaded: the plugins in use, in dependency order and then by name.
    :ivar quarantined: those that could not be used, each with reason, message, fix and ``line``.
    :ivar disabled: those that an environment variable leaves out; they were not imported.
    :ivar stores: name -> StoreSpec, each after the stores in its ``after``.
    :ivar commands: name -> (CommandSpec, plugin name).
    :ivar services: name -> ServiceSpec.
    :ivar references: name -> Reference.
    :ivar config_keys: name -> ConfigKey.
    :ivar kinds: entity kind -> name of the store that declares it.
    """

    def __init__(
        self,
        loaded: Iterable[Plugin],
        unused: Iterable[Plugin] = (),
        *,
        specs: Mapping[str, Spec],
        store_order: Iterable[str],
        warn: Warn,
        trace: Trace | None = None,
        reserved_commands: Collection[str] = frozenset(),
    ) -> None:
        self.loaded: tuple[Plugin, ...] = tuple(loaded)
        unused = tuple(unused)
        self.quarantined = tuple(plugin for plugin in unused if plugin.state == "quarantined")
        self.disabled = tuple(plugin for plugin in unused if plugin.state == "disabled")
        self.commands: dict[str, tuple[CommandSpec, str]] = {}
        self.services: dict[str, ServiceSpec] = {}
        self.references: dict[str, Reference] = {}
        self.config_keys: dict[str, ConfigKey] = {}
        self.kinds: dict[str, str] = {}
        self._specs = specs
        self._warn = warn
        self._trace = trace
        self._reserved_commands = reserved_commands
        self._functions: dict[str, list[tuple[Plugin, Function]]] = {}
        self._core: dict[str, Callable[..., Any]] = {}
        self._managers: dict[str, pluggy.PluginManager] = {}
        self._slow: set[tuple[str, str]] = set()
        owners: dict[str, Plugin] = {}
        stores: dict[str, StoreSpec] = {}
        for plugin in self.loaded:
            for function in plugin.functions:
                self._functions.setdefault(function.hook, []).append((plugin, function))
            for store in plugin.stores:
                stores[store.name] = store
                owners[store.name] = plugin
                self.kinds.update(dict.fromkeys(store.kinds, store.name))
            self.commands.update((spec.name, (spec, plugin.name)) for spec in plugin.commands)
            self.services.update((service.name, service) for service in plugin.services)
            self.references.update((spec.name, spec) for spec in plugin.references)
            self.config_keys.update((key.name, key) for key in plugin.config_keys)
        self._owners = owners
        self.stores: dict[str, StoreSpec] = {name: stores[name] for name in store_order}

    def all(self) -> list[Plugin]:
        """Every installed plugin, in use or not, by name."""
        return sorted(
            (*self.loaded, *self.quarantined, *self.disabled),
            key=lambda plugin: (plugin.name, plugin.distribution),
        )

    def owner_of_store(self, name: str) -> str | None:
        """Name of the plugin that declares a store."""
        plugin = self._owners.get(name)
        return None if plugin is None else plugin.name

    def distribution_of_store(self, name: str) -> str:
        """Name of the distribution that brings a store.

        :raises KeyError: no plugin in use declares it.
        """
        return self._owners[name].distribution

    def versions(self) -> dict[str, str]:
        """Plugin in use -> version of its distribution."""
        return {plugin.name: plugin.version for plugin in self.loaded}

    def declared_file(self, name: str, tier: str) -> tuple[StoreSpec, FileSpec] | None:
        """The further file of that name in a tier, and the store whose plugin owns it."""
        for spec in self.stores.values():
            for declared in spec.files:
                if (declared.name, declared.tier) == (name, tier):
                    return spec, declared
        return None

    def has(self, hook: str) -> bool:
        """Whether any plugin implements a hook, so that its arguments need not be made in vain.

        :raises LookupError: there is no such hook.
        """
        self._spec(hook)
        return hook in self._functions

    def call(
        self, hook: str, only: Collection[str] | None = None, /, **arguments: Any
    ) -> list[Outcome]:
        """Call every plugin's function for a hook, each alone; whatever one raises stays its own.

        :param only: names of the plugins to call.
        :returns: one outcome per function, in dependency order and then by plugin name.
        :raises LookupError: there is no such hook.
        """
        limit = self._spec(hook).kind.limit_ms
        outcomes: list[Outcome] = []
        for plugin, function in self._functions.get(hook, ()):
            if only is not None and plugin.name not in only:
                continue
            worked = time.thread_time()
            outcome = run(plugin, function, arguments, self._trace)
            outcomes.append(outcome)
            if limit is None or outcome.ms <= limit or (plugin.name, hook) in self._slow:
                continue
            # A busy machine holds up anybody for a while; that alone is no fault of the plugin's.
            worked = (time.thread_time() - worked) * 1000
            if worked > limit or outcome.ms >= limit * _HELD_UP:
                self._slow.add((plugin.name, hook))
                self._warn(
                    "W_HOOK_SLOW",
                    f"Plugin {plugin.name} took {outcome.ms:.0f} ms in {hook}, "
                    f"which should end within {limit} ms.",
                )
        return outcomes

    def first(self, hook: str, /, **arguments: Any) -> Any:
        """The first result that is not None, through pluggy, so that wrappers take part.

        Where the answer is the owner's to give (``cleo_existing_ids``), only the plugin whose
        store declares the ``kind`` is called.

        :raises LookupError: there is no such hook.
        :raises Exception: what the function raises.
        """
        if self._spec(hook).kind.on_error == "unknown":
            return self._ask_owner(hook, arguments)
        if hook not in self._functions and hook not in self._core:
            return None
        value: Any = None
        failure: BaseException | None = None
        started = time.perf_counter()
        try:
            value = getattr(self._manager(hook).hook, hook)(**arguments)
        except SystemExit as error:
            # A plugin does not end the program; whoever called gets an error like any other.
            failure = RuntimeError(f"a plugin called sys.exit() in {hook}")
            failure.__cause__ = error
        except BaseException as error:
            # Kept only for the trace, then raised.
            failure = error
        if self._trace is not None:
            names = "+".join(plugin.name for plugin, _ in self._functions.get(hook, ()))
            ms = (time.perf_counter() - started) * 1000
            self._trace(names or "cleo-core", hook, ms, outcome_word(value, failure))
        if failure is not None:
            raise failure
        return value

    def provide(self, hook: str, function: Callable[..., Any]) -> None:
        """Set core's own answer to a first-result hook: asked last, inside all wrappers.

        :param function: a plain function with the hook's arguments.
        """
        self._spec(hook)
        self._core[hook] = function
        self._managers.pop(hook, None)

    def explain_missing(self, command: str, *, known: Iterable[str] = ()) -> CleoError:
        """The error for a command that is not there, and what to do about it.

        :param known: further commands to look for a similar name in.
        """
        from cleo_core.plugins.explain import explain_missing

        return explain_missing(
            command,
            known={*known, *self.commands, *self._reserved_commands},
            loaded={plugin.name for plugin in self.loaded},
            quarantined=self.quarantined,
            disabled=self.disabled,
        )

    def _spec(self, hook: str) -> Spec:
        spec = self._specs.get(hook)
        if spec is None:
            # A misspelt guard would otherwise guard nothing, for ever and in silence.
            raise LookupError(f"there is no hook {hook!r}")
        return spec

    def _ask_owner(self, hook: str, arguments: Mapping[str, Any]) -> Any:
        owner = self._owners.get(self.kinds.get(arguments["kind"], ""))
        for plugin, function in self._functions.get(hook, ()):
            if plugin is not owner:
                continue
            outcome = run(plugin, function, arguments, self._trace)
            if outcome.error is not None:
                if isinstance(outcome.error, Exception) or interrupts(outcome.error):
                    raise outcome.error
                raise RuntimeError(f"plugin {plugin.name} failed in {hook}") from outcome.error
            return outcome.value
        return None

    def _manager(self, hook: str) -> pluggy.PluginManager:
        """The plugins as a pluggy manager of one hook, made when the hook is first asked.

        pluggy looks at every name that it is given, which for all hooks takes as long as the rest
        of opening a store.
        """
        if hook not in self._managers:
            self._managers[hook] = self._make_manager(hook)
        return self._managers[hook]

    def _make_manager(self, hook: str) -> pluggy.PluginManager:
        from cleo_core import hookimpl

        manager = pluggy.PluginManager("cleo")
        manager.add_hookspecs(_module("hooks", hook, self._specs[hook].function))
        # Only what was found good is registered, so that no plugin can spoil the manager for the
        # others. pluggy calls the last one registered first.
        for plugin, function in reversed(self._functions.get(hook, [])):
            manager.register(_module(plugin.name, hook, function.function), name=plugin.name)
        if hook in self._core:
            own = hookimpl(self._core[hook], trylast=True)
            manager.register(_module("cleo-core", hook, own), name="cleo-core")
        return manager


def _module(name: str, hook: str, function: Callable[..., Any]) -> ModuleType:
    module = ModuleType(name)
    setattr(module, hook, function)
    return module
