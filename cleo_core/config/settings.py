"""The layers of configuration as one face."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from cleo_core.api.specs import ConfigKey
from cleo_core.config import values
from cleo_core.config.files import ConfigFile, NotAnObjectError, leaves, lookup, remove, store
from cleo_core.config.values import WrongValueError
from cleo_core.errors import CleoError, UsageError
from cleo_core.paths import SETTINGS, Warn, config_dir, data_dir

Scope = Literal["project", "global"]

_PRESETS = ("strict", "standard", "minimal")
#: Characters of an agent's or a session's id at most.
_LONGEST_ID = 200


class Value(NamedTuple):
    """A setting and where it comes from.

    ``origin`` is the file or the environment variable; None for a default or a flag. A duration is
    in seconds.
    """

    key: str
    value: Any
    source: Literal["default", "global", "project", "env", "flag"]
    origin: str | None


class Config:
    """The settings of one command.

    A file is read when a key first needs it: the project's before the global one, which therefore
    may be out of reach.

    :param keys: name -> declared key, of core and of the plugins.
    :param project_dir: the ``.cleo`` directory; None outside a project.
    :param flags: name -> value given on the command line; None counts as not given.
    :param warn: told of every setting that is passed over, once each.
    """

    def __init__(
        self,
        keys: Mapping[str, ConfigKey],
        project_dir: str | None,
        env: Mapping[str, str] = os.environ,
        flags: Mapping[str, Any] | None = None,
        warn: Warn | None = None,
    ) -> None:
        self._keys = keys
        self._project_dir = project_dir
        self._env = env
        self._flags = flags or {}
        self._tell = warn
        self._told: set[tuple[str, str]] = set()
        self._files: dict[Scope, ConfigFile | None] = {}

    def get(self, name: str) -> Any:
        """A setting's value, a secret one included.

        :raises CleoError: ``E_CONFIG`` for a key that nobody declares, or a flag of a wrong type.
        """
        return self._resolve(self._key(name)).value

    def explain(self, name: str) -> Value:
        """A setting with its source, for people: a secret value is ``***``.

        :raises CleoError: as :meth:`get`.
        """
        key = self._key(name)
        found = self._resolve(key)
        return found._replace(value="***") if key.secret and found.value is not None else found

    def items(self) -> list[Value]:
        """:meth:`explain` of every declared key, by name."""
        return [self.explain(name) for name in sorted(self._keys)]

    def unknown(self) -> list[dict[str, str]]:
        """The keys in the files that nobody declares: ``{key, scope, origin}``, without values."""
        return [
            {"key": _shown(path), "scope": scope, "origin": file.path}
            for scope, file in self._present()
            for path in self._unknown_in(file.content())
        ]

    def validate(self) -> list[dict[str, Any]]:
        """What is wrong with the files and variables.

        :returns: the shape of :meth:`CleoError.as_problem`, with the file or variable as
            ``origin``.
        """
        problems: list[dict[str, Any]] = []
        for scope, file in self._present():
            reason = file.problem()
            if reason is not None:
                way_out = "cleo doctor --only config.valid --fix"
                error = CleoError("E_CONFIG", f"{file.path}: {reason}.", fix=way_out)
                problems.append({**error.as_problem(), "origin": file.path})
                continue
            for key in self._keys.values():
                problem = self._file_problem(key, scope, file)
                if problem is not None:
                    fix = f"cleo config unset {key.name}{_option(scope)}"
                    error = CleoError("E_CONFIG", problem, fix=fix)
                    problems.append({**error.as_problem(key.name), "origin": file.path})
        for key in self._keys.values():
            text = self._variable(key)
            if text is not None and key.env is not None:
                try:
                    values.from_text(key, text)
                except WrongValueError as wrong:
                    message = f"{key.env} is passed over: expected {wrong}."
                    error = CleoError("E_CONFIG", message, fix=f"unset {key.env}")
                    problems.append({**error.as_problem(key.name), "origin": key.env})
        return problems

    def set(self, name: str, raw_text: str, scope: Scope) -> bool:
        """Set a key in a file; whether the file changed.

        :raises CleoError: ``E_CONFIG`` for a key, value or scope that is not possible;
            ``E_NOT_INITIALIZED`` for the project scope outside a project; what
            :meth:`ConfigFile.edit` raises.
        """
        return self._store(scope, {name: self.checked(name, raw_text, scope)})

    def checked(self, name: str, raw_text: str, scope: Scope) -> Any:
        """The value that :meth:`set` would put into a file.

        :raises CleoError: as there, for what is not possible.
        """
        key = self._key(name)
        self._check_scope(key, scope)
        self._writable(scope)
        try:
            return values.from_text(key, raw_text)
        except WrongValueError as wrong:
            raise _wrong(key, f"expected {wrong}{_instead(key, raw_text)}", scope) from None

    def unset(self, name: str, scope: Scope) -> bool:
        """Remove a key from a file, be it declared or one of :meth:`unknown`.

        :returns: whether it was there.
        :raises CleoError: ``E_CONFIG`` for a key that is neither; otherwise as :meth:`set`.
        """
        path = self.removable(name, scope)
        return self._writable(scope).edit(lambda content: remove(content, path))

    def removable(self, name: str, scope: Scope) -> tuple[str, ...]:
        """The way to what :meth:`unset` would remove from a file.

        :raises CleoError: as there, for what is not possible.
        """
        file = self._writable(scope)
        if name in self._keys:
            return tuple(name.split("."))
        unknown = {_shown(path): path for path in self._unknown_in(file.content())}
        if name not in unknown:
            raise self._unknown_key(name)
        return unknown[name]

    def repair(self, scope: Scope) -> bool:
        """Move a damaged file to quarantine and put its backup, or ``{}``, in its place.

        :returns: whether it was damaged.
        :raises CleoError: as :meth:`set`.
        """
        return self._writable(scope).edit(lambda content: False)

    def path(self, scope: Scope) -> str:
        """The path of a file, which need not exist.

        :raises CleoError: ``E_NOT_INITIALIZED`` for the project scope outside a project,
            ``E_NO_HOME`` or ``E_PATH_OVERRIDE`` for the global one.
        """
        if scope == "global":
            return os.path.join(config_dir(self._env, self._warn), SETTINGS)
        if self._project_dir is None:
            raise CleoError(
                "E_NOT_INITIALIZED", "There is no project here whose configuration this could be."
            )
        return os.path.join(self._project_dir, SETTINGS)

    def presets(self) -> list[dict[str, Any]]:
        """The presets, ``{name, keys}``, with the keys that each sets."""
        declared = {preset for key in self._keys.values() for preset in key.presets}
        names = [*_PRESETS, *sorted(declared.difference(_PRESETS))]
        return [{"name": name, "keys": sorted(self._preset(name))} for name in names]

    def preset_show(self, name: str) -> dict[str, Any]:
        """What a preset sets: key -> value, by name.

        :raises CleoError: ``E_CONFIG`` for a preset that nobody declares.
        """
        known = [preset["name"] for preset in self.presets()]
        if name not in known:
            raise CleoError(
                "E_CONFIG",
                f"There is no preset {name!r}, only {', '.join(known)}.",
                fix="cleo config preset list",
                details={"presets": known},
            )
        return self._preset(name)

    def apply_preset(self, name: str, scope: Scope | None = None) -> dict[str, Any]:
        """Set what a preset declares and nothing else.

        :param scope: the file, by default the project's, outside a project the global one; a key
            that may only stand in the other goes there.
        :returns: ``{preset, changed, values}``.
        :raises CleoError: ``E_CONFIG`` for a preset that nobody declares or a declared value that
            its own key does not take; otherwise as :meth:`set`.
        """
        preset = self.preset_show(name)
        usual: Scope = scope or ("global" if self._project_dir is None else "project")
        by_scope: dict[Scope, dict[str, Any]] = {}
        for key_name, value in preset.items():
            key = self._keys[key_name]
            try:
                values.from_file(key, value)
            except WrongValueError as wrong:
                raise _wrong(key, f"preset {name} expected {wrong}", usual) from None
            target: Scope = usual if key.scope == "both" else key.scope
            by_scope.setdefault(target, {})[key_name] = value
        for target in by_scope:
            self._writable(target)
        changed = [self._store(target, by_scope[target]) for target in by_scope]
        return {"preset": name, "changed": any(changed), "values": preset}

    def _key(self, name: str) -> ConfigKey:
        key = self._keys.get(name)
        if key is None:
            raise self._unknown_key(name)
        return key

    def _unknown_key(self, name: str) -> CleoError:
        from difflib import get_close_matches

        below = [key for key in sorted(self._keys) if key.startswith(f"{name}.")]
        close = get_close_matches(name, self._keys, 3, 0.5)
        nearest = list(dict.fromkeys([*below, *close]))[:3]
        hint = f" Nearest: {', '.join(nearest)}." if nearest else ""
        return CleoError(
            "E_CONFIG",
            f"There is no configuration key {name!r}.{hint}",
            fix=f"cleo config get {nearest[0]}" if nearest else "cleo config list",
            details={"key": name, "nearest": nearest},
        )

    def _resolve(self, key: ConfigKey) -> Value:
        flag = self._flags.get(key.name)
        if flag is not None:
            return Value(key.name, _flag_value(key, flag), "flag", None)
        text = self._variable(key)
        if text is not None:
            try:
                value = values.from_file(key, values.from_text(key, text))
                return Value(key.name, value, "env", key.env)
            except WrongValueError as wrong:
                self._warn("W_CONFIG_VALUE", f"{key.env} is passed over: expected {wrong}.")
        for scope in ("project", "global"):
            file = self._file(scope)
            found, raw = lookup(file.content(), key.name) if file else (False, None)
            if not found or file is None:
                continue
            problem = self._file_problem(key, scope, file)
            if problem is None:
                return Value(key.name, values.from_file(key, raw), scope, file.path)
            self._warn("W_CONFIG_VALUE", problem)
        return Value(key.name, values.default(key), "default", None)

    def _variable(self, key: ConfigKey) -> str | None:
        text = self._env.get(key.env, "") if key.env else ""
        return text if text.strip() else None

    def _file_problem(self, key: ConfigKey, scope: Scope, file: ConfigFile) -> str | None:
        """Why what a file says of a key is passed over; None when it counts or says nothing."""
        found, raw = lookup(file.content(), key.name)
        if not found:
            return None
        if key.scope not in ("both", scope):
            return f"{file.path}: {key.name} is passed over here, it is a {key.scope} setting."
        try:
            values.from_file(key, raw)
        except WrongValueError as wrong:
            return f"{file.path}: {key.name} is passed over: expected {wrong}{_instead(key, raw)}."
        return None

    def _file(self, scope: Scope) -> ConfigFile | None:
        """A configuration file, or None where there can be none."""
        if scope not in self._files:
            self._files[scope] = self._locate(scope)
        return self._files[scope]

    def _locate(self, scope: Scope) -> ConfigFile | None:
        if scope == "project" and self._project_dir is None:
            return None
        try:
            return ConfigFile(self.path(scope), self._tier(scope), self._warn)
        except CleoError as error:
            if error.code != "E_NO_HOME":
                raise
            self._warn("W_NO_HOME", f"The global configuration is passed over: {error.message}")
            return None

    def _tier(self, scope: Scope) -> Callable[[], str]:
        project_dir = self._project_dir
        if scope == "project" and project_dir is not None:
            return lambda: project_dir
        return lambda: data_dir(self._env)

    def _present(self) -> list[tuple[Scope, ConfigFile]]:
        found: list[tuple[Scope, ConfigFile]] = []
        for scope in ("project", "global"):
            file = self._file(scope)
            if file is not None:
                found.append((scope, file))
        return found

    def _writable(self, scope: Scope) -> ConfigFile:
        path = self.path(scope)
        if scope == "project" and not os.path.isdir(os.path.dirname(path)):
            raise CleoError(
                "E_NOT_INITIALIZED",
                f"{os.path.dirname(path)} does not exist; only init makes a project directory.",
            )
        file = self._file(scope) or ConfigFile(path, self._tier(scope), self._warn)
        self._files[scope] = file
        return file

    def _store(self, scope: Scope, new: Mapping[str, Any]) -> bool:
        def change(content: dict[str, Any]) -> bool:
            changed = [store(content, name, value) for name, value in new.items()]
            return any(changed)

        file = self._writable(scope)
        try:
            return file.edit(change)
        except NotAnObjectError as error:
            raise CleoError(
                "E_CONFIG",
                f"{file.path}: {error} holds a value of its own, so no key can stand below it.",
                fix=f"cleo config unset {error}{_option(scope)}",
            ) from None

    def _check_scope(self, key: ConfigKey, scope: Scope) -> None:
        if key.scope not in ("both", scope):
            option = _option("global" if scope == "project" else "project")
            raise CleoError(
                "E_CONFIG",
                f"{key.name} is a {key.scope} setting; it has no effect in the {scope} file.",
                fix=f"cleo config set {key.name} VALUE{option}",
                details={"key": key.name, "scope": key.scope},
            )

    def _unknown_in(self, content: Mapping[str, Any]) -> list[tuple[str, ...]]:
        declared = {tuple(name.split(".")) for name in self._keys}
        return [
            path
            for path, _ in leaves(content)
            if not any(path[:length] in declared for length in range(1, len(path) + 1))
        ]

    def _preset(self, name: str) -> dict[str, Any]:
        return {
            key_name: _plain(self._keys[key_name].presets[name])
            for key_name in sorted(self._keys)
            if name in self._keys[key_name].presets
        }

    def _warn(self, code: str, message: str) -> None:
        if self._tell is not None and (code, message) not in self._told:
            self._told.add((code, message))
            self._tell(code, message)


def resolve_agent(config: Config, flag: str | None) -> str | None:
    """Who acts: the flag, else ``CLEO_AGENT_ID``, else ``agent.id``, else nobody."""
    return _named(flag) or _named(config.get("agent.id"))


def resolve_session(env: Mapping[str, str], flag: str | None) -> str | None:
    """In which session: the flag, else ``CLEO_SESSION_ID``, else none."""
    return _named(flag) or _named(env.get("CLEO_SESSION_ID"))


def _named(text: str | None) -> str | None:
    name = (text or "").strip() or None
    if name is not None and not (name.isprintable() and len(name) <= _LONGEST_ID):
        raise UsageError(
            f"{name[:80]!r} cannot be the id of an agent or a session: ids are at most "
            f"{_LONGEST_ID} printable characters.",
            fix="the same command with --agent ID or --session ID",
        )
    return name


def _flag_value(key: ConfigKey, flag: Any) -> Any:
    try:
        raw = values.from_text(key, flag) if isinstance(flag, str) else flag
        return values.from_file(key, _plain(raw))
    except WrongValueError as wrong:
        raise _wrong(key, f"expected {wrong}{_instead(key, flag)}", None) from None


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _wrong(key: ConfigKey, problem: str, scope: Scope | None) -> CleoError:
    if key.type == "enum" and key.choices:
        example = key.choices[0]
    else:
        example = {"bool": "true", "int": "1", "float": "0.5", "duration": "30s"}.get(
            key.type, "VALUE"
        )
    return CleoError(
        "E_CONFIG",
        f"{key.name}: {problem}.",
        fix=f"cleo config set {key.name} {example}{_option(scope)}",
        details={"key": key.name, "type": key.type, "choices": list(key.choices or ())},
    )


def _instead(key: ConfigKey, value: Any) -> str:
    """What stands there instead; nothing for a secret, and no more than fits a line."""
    if key.secret:
        return ""
    text = repr(value)
    return f", not {text if len(text) <= 60 else text[:57] + '...'}"


def _option(scope: Scope | None) -> str:
    return " --global" if scope == "global" else ""


def _shown(path: tuple[str, ...]) -> str:
    """A path as a key; a name that has a dot of its own is quoted, for it is not a dotted key."""
    return ".".join(f'"{name}"' if "." in name else name for name in path)
