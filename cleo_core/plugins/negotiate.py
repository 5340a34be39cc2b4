"""Whether a plugin and this core fit: requirements, plugin API, hook functions."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Mapping
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from cleo_core import PLUGIN_API, __version__
from cleo_core import hookspecs as core_hookspecs
from cleo_core.hookspecs import HOOKS, HookKind
from cleo_core.plugins.record import Function, PluginError, described, interrupts, stdout_kept
from cleo_core.plugins.scan import split_requirement

if TYPE_CHECKING:
    from cleo_core.plugins.record import Plugin

_GENERATOR = 0x20  # inspect.CO_GENERATOR
_ASYNC = 0x80 | 0x200  # inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR

#: Reads the installed version against a wanted one.
_COMPARE = {
    ">=": lambda have, want: have >= want,
    "<=": lambda have, want: have <= want,
    "==": lambda have, want: have == want,
    "!=": lambda have, want: have != want,
    ">": lambda have, want: have > want,
    "<": lambda have, want: have < want,
}


class Spec:
    """A hook: its specification, what core passes to it, and how it is called."""

    __slots__ = ("arguments", "function", "kind")

    def __init__(self, function: Any, kind: HookKind) -> None:
        code = function.__code__
        self.function = function
        self.arguments: tuple[str, ...] = code.co_varnames[: code.co_argcount]
        self.kind = kind


def core_specs() -> dict[str, Spec]:
    """The hooks of core."""
    return {name: Spec(getattr(core_hookspecs, name), kind) for name, kind in HOOKS.items()}


def check_name(plugin: Plugin) -> None:
    """Refuse names and module paths that could not be typed or imported."""
    if not is_word(plugin.name):
        raise PluginError("bad-spec", f"{plugin.name!r} is no plugin name (a-z, 0-9, - and _).")
    module = plugin.value.partition("[")[0].strip()
    if not is_dotted(module):
        raise PluginError("bad-spec", f"its entry point must name a module, not {plugin.value!r}.")


def check_requirements(plugin: Plugin, version: str = __version__) -> None:
    """Compare what the distribution requires of cleo-core with the core that runs."""
    for requirement in plugin.requires_core:
        clauses = _plain_clauses(requirement)
        have = _numbers(version)
        if clauses is None or have is None:
            _check_with_packaging(requirement, version)
            continue
        for operator, want in clauses:
            if not _COMPARE[operator](have, want):
                too_old = operator in (">", ">=") or (operator == "==" and have < want)
                raise _other_core(requirement, version, core_too_old=too_old)


def import_module(plugin: Plugin) -> None:
    """Import the plugin's module and read the API that it was made for."""
    started = time.perf_counter()
    try:
        plugin.module = _import(plugin.value.partition("[")[0].strip())
    finally:
        plugin.ms = (time.perf_counter() - started) * 1000
    api = getattr(plugin.module, "CLEO_API", None)
    if not (
        isinstance(api, (tuple, list))
        and len(api) == 2
        and all(type(number) is int and number >= 0 for number in api)
    ):
        raise PluginError("bad-spec", "its module does not say CLEO_API = (major, minor).")
    major, minor = api
    plugin.api = (major, minor)
    words = (
        f"it is made for plugin API {major}.{minor}; "
        f"cleo-core {__version__} has {PLUGIN_API[0]}.{PLUGIN_API[1]}."
    )
    if (major, minor) > PLUGIN_API:
        raise PluginError("api-too-new", words)
    if major < PLUGIN_API[0]:
        raise PluginError("needs-other-core", words)


def add_hookspecs(plugin: Plugin, specs: dict[str, Spec]) -> None:
    """Add the hooks that the plugin itself brings."""
    declared = getattr(plugin.module, "CLEO_HOOKSPECS", None)
    if declared is None:
        return
    if isinstance(declared, str):
        if not is_dotted(declared):
            raise PluginError("bad-spec", f"CLEO_HOOKSPECS names no module: {declared!r}.")
        declared = _import(declared)
    if not isinstance(declared, ModuleType):
        raise PluginError("bad-spec", "CLEO_HOOKSPECS must be a module or the name of one.")
    added = {}
    for name, function in vars(declared).items():
        options = _options(function, "cleo_spec")
        if options is None:
            continue
        if not name.startswith(f"cleo_{plugin.prefix}_"):
            raise PluginError("bad-spec", f"its hook {name} must begin with cleo_{plugin.prefix}_.")
        if name in specs:
            raise PluginError("bad-spec", f"its hook {name} exists already.")
        if options.get("historic"):
            raise PluginError("bad-spec", f"its hook {name} must not be historic.")
        kind = HookKind("first" if options.get("firstresult") else "all", "isolated")
        added[name] = Spec(function, kind)
    if not added:
        raise PluginError("bad-spec", f"CLEO_HOOKSPECS: {declared.__name__} declares no hook.")
    specs.update(added)


def find_functions(plugin: Plugin, specs: Mapping[str, Spec], absent: Collection[str]) -> None:
    """Find the module's hook functions and hold each against its hook.

    :param absent: prefixes of installed plugins that are not in use; a function for a hook of one
        of them is left alone, because that plugin's trouble is not this one's.
    """
    module = plugin.module
    assert module is not None
    for name, value in list(vars(module).items()):
        options = _options(value, "cleo_impl")
        if options is None:
            if name.startswith("cleo_"):
                _check_unmarked(module, name, value, specs)
            continue
        hook = options.get("specname") or name
        spec = specs.get(hook)
        if spec is not None:
            if any(function.hook == hook for function in plugin.functions):
                raise PluginError("bad-hook", f"two functions are meant for {hook}.")
            arguments = _arguments(hook, spec, value, options)
            plugin.functions.append(Function(hook, value, arguments))
        elif not options.get("optionalhook") and not any(
            hook.startswith(f"cleo_{other}_") for other in absent
        ):
            raise PluginError(
                "bad-hook",
                f"{hook} is no hook of cleo-core {__version__} or of an installed plugin; "
                "a hook of a plugin that may be absent is marked hookimpl(optionalhook=True).",
            )


def is_word(value: object) -> bool:
    """Lower-case letters, digits, ``-`` and ``_``, a letter first, at most 64 characters."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= 64
        and value.isascii()
        and value[0].isalpha()
        and value.islower()
        and value.replace("_", "").replace("-", "").isalnum()
    )


def is_dotted(value: object) -> bool:
    """Identifiers joined by dots."""
    return isinstance(value, str) and all(part.isidentifier() for part in value.split("."))


def _import(name: str) -> ModuleType:
    try:
        with stdout_kept():
            __import__(name)
        return sys.modules[name]
    except BaseException as error:
        # Anything may happen at import, sys.exit() included, and must stay the plugin's trouble.
        if interrupts(error):
            raise
        raise PluginError(
            "not-importable", f"importing {name} failed: {described(error)}."
        ) from error


def _options(value: object, marker: str) -> dict[str, Any] | None:
    """What pluggy's marker left on a function."""
    if type(value) is not FunctionType:
        return None
    options = value.__dict__.get(marker)
    return options if isinstance(options, dict) else None


def _check_unmarked(
    module: ModuleType, name: str, value: object, specs: Mapping[str, Spec]
) -> None:
    if not callable(value) or _options(value, "cleo_spec") is not None:
        return
    if getattr(value, "__module__", None) != module.__name__ and name not in specs:
        return
    if not isinstance(value, FunctionType):
        raise PluginError("bad-hook", f"{name} is not a plain function.")
    if name in specs:
        raise PluginError(
            "bad-hook", f"{name} is not marked with @hookimpl and would not be called."
        )
    raise PluginError("bad-hook", f"{name} is no hook of cleo-core {__version__}.")


def _arguments(hook: str, spec: Spec, function: Any, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The arguments to pass, once the function is one that can be called with them."""
    plain = _unwrapped(hook, function)
    code = plain.__code__
    if code.co_flags & _ASYNC:
        raise PluginError("bad-hook", f"{hook} is asynchronous; hooks are plain functions.")
    if options.get("wrapper") or options.get("hookwrapper"):
        if not spec.kind.wrappers:
            raise PluginError("bad-hook", f"{hook} must not be wrapped.")
        if not code.co_flags & _GENERATOR:
            raise PluginError("bad-hook", f"{hook} is a wrapper and has no yield.")
        if options.get("wrapper") and options.get("hookwrapper"):
            raise PluginError("bad-hook", f"{hook} is a wrapper of two kinds at once.")
    positional = code.co_varnames[: code.co_argcount]
    required = len(positional) - len(plain.__defaults__ or ())
    keyword_only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    unknown = [name for name in positional[:required] if name not in spec.arguments]
    unknown += [name for name in keyword_only if name not in (plain.__kwdefaults__ or {})]
    if unknown:
        known = ", ".join(spec.arguments) or "nothing"
        raise PluginError(
            "bad-hook", f"{hook} wants {', '.join(unknown)}; what core passes to it is {known}."
        )
    never = [name for name in keyword_only if name in spec.arguments]
    if spec.kind.kind == "first":
        never += [name for name in positional[required:] if name in spec.arguments]
    if never:
        raise PluginError(
            "bad-hook",
            f"{hook} would never be given {', '.join(never)}: take it by position and "
            "without a default.",
        )
    end = required
    while end < len(positional) and positional[end] in spec.arguments:
        end += 1
    return tuple(positional[:end])


def _unwrapped(hook: str, function: Any) -> Any:
    """As pluggy does it: a decorated function has the signature of what it wraps."""
    for _ in range(32):
        inner = function.__dict__.get("__wrapped__")
        if inner is None:
            return function
        function = inner
        if type(function) is not FunctionType:
            break
    raise PluginError("bad-hook", f"{hook} is wrapped around something that is no function.")


def _plain_clauses(requirement: str) -> list[tuple[str, tuple[int, ...]]] | None:
    """``cleo-core>=1.2,<2`` as operators and numbers; None for anything less plain."""
    rest = _specifiers(requirement)
    clauses = []
    for clause in rest.split(","):
        clause = clause.strip()
        if not clause:
            continue
        operator = clause[:2] if clause[:2] in _COMPARE else clause[:1]
        numbers = _numbers(clause[len(operator) :].strip())
        if operator not in _COMPARE or numbers is None:
            return None
        clauses.append((operator, numbers))
    return clauses


def _specifiers(requirement: str) -> str:
    _, rest = split_requirement(requirement)
    return rest[1:-1].strip() if rest.startswith("(") and rest.endswith(")") else rest


def _numbers(version: str) -> tuple[int, ...] | None:
    """A release such as ``1.20.0`` as numbers, trailing zeros dropped; None for anything else."""
    parts = version.split(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 18 for part in parts):
        return None
    numbers = [int(part) for part in parts]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _check_with_packaging(requirement: str, version: str) -> None:
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        raise PluginError(
            "needs-other-core",
            f"whether cleo-core {version} meets {requirement!r} takes packaging to tell.",
            "pip install packaging",
        ) from None
    try:
        wanted = Requirement(requirement)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            return
        met = wanted.url is not None or wanted.specifier.contains(version, prereleases=True)
    except (InvalidRequirement, ValueError) as error:
        raise PluginError(
            "bad-spec", f"its requirement {requirement!r} is broken: {error}"
        ) from error
    if not met:
        raise _other_core(f"cleo-core{wanted.specifier}", version, core_too_old=True)


def _other_core(requirement: str, version: str, *, core_too_old: bool) -> PluginError:
    wanted = _specifiers(requirement).replace(" ", "")
    fix = ""
    # The fix is run as it stands: only characters of version specifiers may get into it.
    if core_too_old and all(char.isalnum() or char in ".,<>=!~*+-_" for char in wanted):
        fix = f'pip install "cleo-core{wanted}"'
    return PluginError(
        "needs-other-core", f"it needs cleo-core {wanted}; {version} is installed.", fix
    )
