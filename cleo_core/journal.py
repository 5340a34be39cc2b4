"""What CLEO notes about itself: the log."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from cleo_core.errors import CleoError
from cleo_core.paths import check_test_root, path_from
from cleo_core.redaction import redacted

LEVELS = ("debug", "info", "warning", "error")

#: 4 KiB, less the newline that may have to close a line cut short before.
_LINE_BYTES = 4095
#: Longest text of a line's fields, tried in turn until the line fits.
_LENGTHS = (3500, 2000, 1000, 500, 200, 80, 20)
_ROTATION_WAIT = 1.0


def log(
    directory: str,
    level: str,
    event: str,
    *,
    config_level: str = "warning",
    max_bytes: int = 10485760,
    files: int = 5,
    env: Mapping[str, str] = os.environ,
    command: str | None = None,
    request_id: str | None = None,
    project_id: str | None = None,
    duration_ms: float | None = None,
    exit: int | None = None,
    plugin: str | None = None,
    message: str | None = None,
) -> bool:
    """Add one JSON line to ``logs/cleo.log``, or to ``CLEO_LOG_FILE``.

    Failing to log is never an error, and the directory itself is never made.

    :param directory: the project directory, or the data directory outside a project.
    :param level: one of :data:`LEVELS`.
    :param config_level: the least level that is written.
    :param max_bytes: size at which the file becomes ``cleo.log.1``.
    :param files: how many are kept, the newest included.
    :param message: never option values or anyone's text; redacted all the same.
    :returns: whether a line was written.
    """
    if _rank(level) < _rank(config_level):
        return False
    record = {
        "level": level,
        "event": event,
        "command": command,
        "requestId": request_id,
        "projectId": project_id,
        "durationMs": duration_ms,
        "exit": exit,
        "plugin": plugin,
        "message": message,
    }
    try:
        path = log_path(directory, env)
        if path is None:
            return False
        if path_from(env, "CLEO_LOG_FILE") is None:
            _make_folder(os.path.dirname(path))
        line = _line(record)
        _rotate(path, len(line), max_bytes, files)
        _append(path, line)
    except (OSError, ValueError, TypeError, ImportError, CleoError):
        # A command that worked must not fail because its log could not be written.
        return False
    return True


def log_path(directory: str, env: Mapping[str, str] = os.environ) -> str | None:
    """Where the log is, or would be; None where a log would have to make the directory itself.

    :param directory: as for :func:`log`.
    :raises CleoError: ``E_PATH_OVERRIDE``, ``CLEO_LOG_FILE`` is not absolute.
    """
    path = path_from(env, "CLEO_LOG_FILE")
    if path is not None:
        return path
    return os.path.join(directory, "logs", "cleo.log") if os.path.isdir(directory) else None


def _rank(level: str) -> int:
    # A word that is no level is taken for the highest, so that nothing goes missing.
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)


def _make_folder(folder: str) -> None:
    if not os.path.isdir(folder):
        check_test_root(folder)
        os.mkdir(folder, 0o700)


def _line(record: Mapping[str, Any]) -> bytes:
    import json

    from cleo_core import clock

    stamped = {"ts": clock.now(), **redacted(record)}
    line = b""
    for length in _LENGTHS:
        clipped = {name: _clip(value, length) for name, value in stamped.items()}
        line = json.dumps(clipped, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        if len(line) <= _LINE_BYTES:
            break
    return line


def _clip(value: Any, length: int) -> Any:
    return value[:length] + "…" if isinstance(value, str) and len(value) > length else value


def _rotate(path: str, coming: int, max_bytes: int, files: int) -> None:
    """Make room by renaming, oldest first, unless another process already does."""
    if not _is_full(path, coming, max_bytes):
        return
    from filelock import FileLock, Timeout

    check_test_root(path)
    try:
        with FileLock(f"{path}.lock", timeout=_ROTATION_WAIT, mode=0o600):
            # The one who held the lock before may have rotated.
            if _is_full(path, coming, max_bytes):
                for number in range(files - 1, 0, -1):
                    _rename(f"{path}.{number - 1}" if number > 1 else path, f"{path}.{number}")
                if files <= 1:
                    os.unlink(path)
    except Timeout:
        # A line too many in a full file is better than a line lost.
        return


def _is_full(path: str, coming: int, max_bytes: int) -> bool:
    try:
        size = os.lstat(path).st_size
    except FileNotFoundError:
        return False
    return size > 0 and size + coming > max_bytes


def _rename(source: str, target: str) -> None:
    try:
        os.replace(source, target)
    except FileNotFoundError:
        # There are fewer files than may be kept.
        return


def _append(path: str, line: bytes) -> None:
    from cleo_core.paths.files import append_line

    append_line(path, line, sync=False)
