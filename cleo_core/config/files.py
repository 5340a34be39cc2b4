"""One ``config.json``: read as far as it can be, written all or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Literal

from cleo_core.errors import CleoError
from cleo_core.paths import Warn, atomic_write, file_error, read_bounded

_BYTES = 1 << 20
_DEPTH = 64
_ABSENT = object()


class NotAnObjectError(Exception):
    """A dotted key leads through a value that is no object; the text is that value's key."""


class ConfigFile:
    """A configuration file.

    :param path: absolute.
    :param tier: gives the directory whose ``quarantine`` and ``audit`` serve this file.
    :param warn: told once what is wrong with the file.
    """

    def __init__(self, path: str, tier: Callable[[], str], warn: Warn) -> None:
        self.path = path
        self._tier = tier
        self._warn = warn
        self._content: dict[str, Any] | None = None

    def content(self) -> Mapping[str, Any]:
        """The file's object; empty when it is absent, and with a warning when it is unusable."""
        if self._content is None:
            try:
                self._content = _decode(self.read())
            except FileNotFoundError:
                self._content = {}
            except (OSError, ValueError) as error:
                self._warn("W_CONFIG_UNUSABLE", f"{self.path} is not used: {_reason(error)}.")
                self._content = {}
        return self._content

    def problem(self) -> str | None:
        """Why the file cannot be used, in words; None when it can or is absent."""
        try:
            _decode(self.read())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            return _reason(error)
        return None

    def read(self) -> bytes:
        """The bytes; when there are more than is allowed, one more than that.

        :raises OSError: it cannot be read.
        """
        try:
            return read_bounded(self.path, _BYTES)
        except NotADirectoryError:
            raise FileNotFoundError(self.path) from None
        except ValueError as error:
            raise OSError(None, str(error)) from error

    def edit(self, change: Callable[[dict[str, Any]], bool]) -> bool:
        """Change the file under its lock; what it held before is kept as ``config.json.bak``.

        A file that is no JSON object is moved to quarantine first, and ``.bak`` takes its place.

        :param change: changes the object in place and says whether it did; called up to twice.
        :returns: whether the file changed.
        :raises CleoError: ``E_LOCK_TIMEOUT``, ``E_PERMISSION_FS``, ``E_DISK_FULL``, ``E_IO`` or
            ``E_TEST_ROOT``.
        """
        if self._would_stay(change):
            return False
        from cleo_core.locks import locked

        with locked(os.path.dirname(self.path), os.path.basename(self.path)):
            before = self._bytes()
            try:
                content = {} if before is None else _decode(before)
                recovered = False
            except ValueError as error:
                content, recovered = self._quarantine(str(error)), True
            changed = change(content)
            if not (changed or recovered):
                return False
            if before is not None and not recovered:
                atomic_write(f"{self.path}.bak", before)
            atomic_write(self.path, _encode(content))
        self._content = None
        return True

    def _would_stay(self, change: Callable[[dict[str, Any]], bool]) -> bool:
        """Whether a change has nothing to do, and so is not worth even a lock file."""
        before = self._bytes()
        try:
            return not change({} if before is None else _decode(before))
        except ValueError:
            return False

    def _bytes(self) -> bytes | None:
        try:
            return self.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise file_error(error, self.path) from error

    def _quarantine(self, reason: str) -> dict[str, Any]:
        """Keep the damaged file, and give what its backup holds.

        The file stays in place until its successor replaces it: were the process killed in
        between, the next write would not know that there was something to recover.
        """
        from cleo_core.paths import append_override

        if os.path.islink(self.path):
            raise CleoError(
                "E_IO",
                f"{self.path} is a damaged file behind a symbolic link ({reason}).",
                fix="cleo config path",
                details={"path": self.path},
            )
        directory = self._tier_directory()
        kept = _keep(self.path, os.path.join(directory, "quarantine"))
        content, source = self._backup()
        facts = {"file": self.path, "reason": reason, "kept": kept, "restoredFrom": source}
        append_override(directory, "quarantine", facts)
        self._warn(
            "W_CONFIG_QUARANTINED",
            f"{self.path} was damaged ({reason}); it is kept as {kept}, and "
            f"{source or 'an empty configuration'} takes its place.",
        )
        return content

    def _tier_directory(self) -> str:
        try:
            return self._tier()
        except CleoError as error:
            if error.code != "E_NO_HOME":
                raise
            return os.path.dirname(self.path)

    def _backup(self) -> tuple[dict[str, Any], str | None]:
        path = f"{self.path}.bak"
        try:
            return _decode(read_bounded(path, _BYTES)), path
        except (OSError, ValueError):
            return {}, None


def lookup(content: Mapping[str, Any], name: str) -> tuple[bool, Any]:
    """Whether an object holds a dotted key, and its value."""
    value: Any = content
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return False, None
        value = value[part]
    return True, value


def store(content: dict[str, Any], name: str, value: Any) -> bool:
    """Set a dotted key in an object, and say whether that changed it.

    :raises NotAnObjectError: something on the way is none.
    """
    found, present = lookup(content, name)
    if found and type(present) is type(value) and present == value:
        return False
    *parents, last = name.split(".")
    for number, part in enumerate(parents, 1):
        inner = content.setdefault(part, {})
        if not isinstance(inner, dict):
            raise NotAnObjectError(".".join(parents[:number]))
        content = inner
    content[last] = value
    return True


def remove(content: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Remove what a path leads to and the objects that this leaves empty; whether it was there."""
    inner = content.get(path[0])
    if len(path) > 1:
        if not isinstance(inner, dict) or not remove(inner, path[1:]):
            return False
        if inner:
            return True
    return content.pop(path[0], _ABSENT) is not _ABSENT


def leaves(content: Mapping[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    """Every value that is no object, with its path."""
    found: list[tuple[tuple[str, ...], Any]] = []
    waiting: list[tuple[tuple[str, ...], Any]] = [((), content)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting.extend(((*path, name), value[name]) for name in reversed(list(value)))
        else:
            found.append((path, value))
    return found


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _decode(data: bytes) -> dict[str, Any]:
    """The JSON object that bytes hold.

    :raises ValueError: they hold none; the text says why.
    """
    import json

    if len(data) > _BYTES:
        raise ValueError(f"larger than {_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("no UTF-8") from None
    try:
        content = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        raise ValueError("no JSON") from None
    if not isinstance(content, dict):
        raise ValueError("no JSON object")
    if _is_deep(content):
        raise ValueError(f"nested deeper than {_DEPTH}")
    return content


def _encode(content: dict[str, Any]) -> bytes:
    import json

    try:
        text = json.dumps(content, indent=2, ensure_ascii=False)
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        # A lone surrogate in a key that nobody declares is kept as the escape it came as.
        return json.dumps(content, indent=2).encode() + b"\n"


def _refuse(constant: str) -> Literal[0]:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is out of range")
    return number


def _is_deep(content: dict[str, Any]) -> bool:
    level: list[Any] = [content]
    for _ in range(_DEPTH):
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, dict) else value)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def _keep(path: str, folder: str) -> str:
    """Give a file a second name in a folder, or copy it where names cannot be shared."""
    import time

    from cleo_core import clock
    from cleo_core.paths.files import ensure_directory, sync_directory

    ensure_directory(folder)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(clock.seconds()))
    target = os.path.join(folder, f"{os.path.basename(path)}.{stamp}")
    number = 1
    while os.path.lexists(target):
        number += 1
        target = os.path.join(folder, f"{os.path.basename(path)}.{stamp}-{number}")
    try:
        try:
            os.link(path, target)
        except OSError:
            # Another file system, or one without hard links.
            _copy(path, target)
        os.chmod(target, 0o600)
        sync_directory(folder)
    except OSError as error:
        raise file_error(error, target) from error
    return target


def _copy(path: str, target: str) -> None:
    with open(path, "rb") as source, open(target, "xb") as copy:
        while part := source.read(1 << 20):
            copy.write(part)
        copy.flush()
        os.fsync(copy.fileno())
