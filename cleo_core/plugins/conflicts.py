"""What two plugins cannot both have, and the order that plugins and stores stand in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from cleo_core.plugins.declarations import files_of
from cleo_core.plugins.scan import normalized

if TYPE_CHECKING:
    from cleo_core.plugins.record import Plugin

#: What is claimed (a word for messages, and the thing) and the names that give a right to it.
Claim = tuple[tuple[str, str], tuple[str, ...]]


def quarantine_same_name(plugins: Iterable[Plugin]) -> None:
    """Let one plugin of a name stand at most; this is known before anything is imported."""
    by_name: dict[str, list[Plugin]] = {}
    for plugin in plugins:
        by_name.setdefault(plugin.prefix, []).append(plugin)
    for same in by_name.values():
        if len(same) > 1:
            keeper = _keeper([(plugin, (plugin.name,)) for plugin in same])
            _quarantine("plugin name", same[0].name, same, keeper)


def quarantine_duplicates(
    plugins: Collection[Plugin],
    reserved_commands: Collection[str],
    reserved_config: Collection[str],
) -> None:
    """Take out plugins that claim what another or core has.

    The distribution ``cleo-<name of the thing>`` keeps it; without one, all that claim it go. Who
    loses to such a keeper goes first, so that no third plugin is drawn into a dispute with it.
    """
    reserved = {("command", name) for name in reserved_commands}
    reserved |= {("config prefix", name) for name in reserved_config}
    disputed = True
    while disputed:
        disputed = False
        for (what, thing), claimants in _disputes(plugins, reserved).items():
            keeper = _keeper(claimants)
            if (what, thing) in reserved:
                disputed = True
                for plugin, _ in claimants:
                    plugin.quarantine("duplicate", f"the {what} {thing!r} is cleo-core's own.")
            elif keeper is not None:
                disputed = True
                _quarantine(what, thing, [plugin for plugin, _ in claimants], keeper)
    for (what, thing), claimants in _disputes(plugins, reserved).items():
        _quarantine(what, thing, [plugin for plugin, _ in claimants], None)


def quarantine_cycles(plugins: Collection[Plugin]) -> None:
    """Take out the plugins whose stores wait for each other."""
    before = _store_graph(plugins)
    for plugin in _loaded(plugins):
        for store in plugin.stores:
            if store.name in _reachable(store.name, before):
                members = sorted(
                    name for name in before if _reach_each_other(name, store.name, before)
                )
                plugin.quarantine(
                    "bad-spec",
                    f"in StoreSpec.after these stores wait for each other: {', '.join(members)}.",
                )
                break


def in_order(plugins: Collection[Plugin]) -> tuple[list[Plugin], list[str]]:
    """The loaded plugins and the names of their stores: by ``StoreSpec.after``, then by name."""
    loaded = {plugin.name: plugin for plugin in _loaded(plugins)}
    before = _store_graph(plugins)
    owner = {store.name: plugin.name for plugin in loaded.values() for store in plugin.stores}
    waits: dict[str, set[str]] = {name: set() for name in loaded}
    for store, earlier in before.items():
        waits[owner[store]] |= {owner[name] for name in earlier} - {owner[store]}
    return [loaded[name] for name in _sorted(waits)], _sorted(before)


def _disputes(
    plugins: Iterable[Plugin], reserved: Collection[tuple[str, str]]
) -> dict[tuple[str, str], list[tuple[Plugin, tuple[str, ...]]]]:
    claimed: dict[tuple[str, str], list[tuple[Plugin, tuple[str, ...]]]] = {}
    for plugin in _loaded(plugins):
        for thing, rights in _claims(plugin):
            claimed.setdefault(thing, []).append((plugin, rights))
    return {
        thing: claimants
        for thing, claimants in claimed.items()
        if len(claimants) > 1 or thing in reserved
    }


def _claims(plugin: Plugin) -> list[Claim]:
    claims: list[Claim] = [(("module", plugin.value.partition("[")[0].strip()), (plugin.name,))]
    claims += [(("command", spec.name), (spec.name,)) for spec in plugin.commands]
    claims += [(("service", spec.name), (spec.name,)) for spec in plugin.services]
    claims += [(("reference", spec.name), ()) for spec in plugin.references]
    if plugin.config_keys:
        claims.append((("config prefix", plugin.prefix), (plugin.name,)))
    for store in plugin.stores:
        right = (store.name,)
        claims.append((("store", store.name), right))
        claims.append((("application id", f"0x{store.application_id & 0xFFFFFFFF:08X}"), right))
        claims += [(("file", path), right) for path in files_of(store)]
        claims += [(("kind", kind), (kind, store.name)) for kind in store.kinds]
    return claims


def _keeper(claimants: Iterable[tuple[Plugin, tuple[str, ...]]]) -> Plugin | None:
    """The one claimant whose distribution is called ``cleo-<name>``, if there is exactly one."""
    entitled = [
        plugin
        for plugin, rights in claimants
        if normalized(plugin.distribution) in {f"cleo-{normalized(right)}" for right in rights}
    ]
    return entitled[0] if len(entitled) == 1 else None


def _quarantine(what: str, thing: str, plugins: list[Plugin], keeper: Plugin | None) -> None:
    names = " and ".join(sorted(plugin.label for plugin in plugins))
    verdict = f"{keeper.distribution} keeps it" if keeper is not None else "none of them is used"
    for plugin in plugins:
        if plugin is not keeper:
            plugin.quarantine(
                "duplicate", f"the {what} {thing!r} is claimed by {names}; {verdict}."
            )


def _loaded(plugins: Iterable[Plugin]) -> list[Plugin]:
    return [plugin for plugin in plugins if plugin.state == "loaded"]


def _store_graph(plugins: Iterable[Plugin]) -> dict[str, set[str]]:
    """Store -> the stores that come before it; names that nobody has are left out."""
    stores = {store.name: store for plugin in _loaded(plugins) for store in plugin.stores}
    return {name: {*spec.after} & {*stores} for name, spec in stores.items()}


def _reachable(start: str, graph: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    open_ends = list(graph[start])
    while open_ends:
        name = open_ends.pop()
        if name not in reached:
            reached.add(name)
            open_ends += graph[name]
    return reached


def _reach_each_other(one: str, other: str, graph: Mapping[str, set[str]]) -> bool:
    return other in _reachable(one, graph) and one in _reachable(other, graph)


def _sorted(before: Mapping[str, set[str]]) -> list[str]:
    """Each name after those it waits for, the smallest name first wherever there is a choice."""
    remaining = set(before)
    ordered: list[str] = []
    while remaining:
        ready = [name for name in remaining if not before[name] & remaining]
        # Two plugins may wait for each other's stores though no store does: then the name decides.
        ordered.append(min(ready or remaining))
        remaining.remove(ordered[-1])
    return ordered
