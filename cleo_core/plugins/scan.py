"""Finding plugins: the entry points of installed distributions, read without importing anything.

``importlib.metadata`` costs more than half of a bare command, so the few bytes that matter are read
here; :func:`cleo_core.plugins.installed` asks the library instead.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

GROUP = "cleo.plugins"

#: No honest metadata file is larger; what lies beyond is not read.
MAX_BYTES = 1 << 20

# Without O_NONBLOCK a named pipe in place of a file would wait for a writer for ever.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class EntryPoint:
    """One plugin as its distribution declares it.

    :param name: the plugin's name.
    :param value: the module that holds its hooks.
    :param distribution: name of the distribution, as it writes it.
    :param version: version of the distribution.
    :param requires_core: its requirements on cleo-core, as in ``Requires-Dist``.
    :param location: the metadata directory it was read from.
    """

    __slots__ = ("distribution", "location", "name", "requires_core", "value", "version")

    def __init__(
        self,
        name: str,
        value: str,
        distribution: str,
        version: str = "",
        requires_core: tuple[str, ...] = (),
        location: str = "",
    ) -> None:
        self.name = name
        self.value = value
        self.distribution = distribution
        self.version = version
        self.requires_core = requires_core
        self.location = location

    def __repr__(self) -> str:
        return f"EntryPoint({self.name!r}, {self.value!r}, {self.distribution!r}, {self.version!r})"


def scan(path: Iterable[str] | None = None) -> list[EntryPoint]:
    """Every ``cleo.plugins`` entry point of the distributions in directories of a search path.

    Where two directories hold distributions of one name, the first is the installed one. Files
    that cannot be read or understood count as empty.

    :param path: directories in order; ``sys.path`` by default.
    """
    found: list[EntryPoint] = []
    for directory, name in _distributions(sys.path if path is None else path):
        found += _declared(os.path.join(directory, name))
    return found


def distribution_headers(name: str, path: Iterable[str] | None = None) -> list[tuple[str, str]]:
    """The metadata headers of an installed distribution, keys in lower case; empty without one."""
    wanted = normalized(name)
    for directory, entry in _distributions(sys.path if path is None else path):
        if _stem(entry) == wanted:
            return _headers(os.path.join(directory, entry))
    return []


def normalized(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    name = name.lower().replace("_", "-").replace(".", "-")
    while "--" in name:
        name = name.replace("--", "-")
    return name


def read_bytes(path: str) -> bytes:
    """A small file's content, at most :data:`MAX_BYTES` of it; empty if it cannot be read."""
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError):
        return b""
    try:
        data = b""
        while len(data) < MAX_BYTES and (block := os.read(descriptor, 1 << 16)):
            data += block
        return data
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def split_requirement(requirement: str) -> tuple[str, str]:
    """The normalised name that a ``Requires-Dist`` line begins with, and the rest of it."""
    end = 0
    while end < len(requirement) and (requirement[end].isalnum() or requirement[end] in "-_."):
        end += 1
    return normalized(requirement[:end]), requirement[end:].strip()


def _distributions(path: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Directory and entry of each metadata directory; the first distribution of a name wins."""
    seen: set[str] = set()
    for directory in path:
        if not isinstance(directory, str):
            continue
        for stem, name in _metadata(directory or "."):
            if stem not in seen:
                seen.add(stem)
                yield directory or ".", name


def _metadata(directory: str) -> list[tuple[str, str]]:
    """Normalised distribution name and entry of each metadata directory in a directory."""
    try:
        names = os.listdir(directory)
    except (OSError, ValueError):
        return []
    found = []
    for name in names:
        # A leading "~" is what pip leaves of an uninstallation that was interrupted.
        if name.endswith(("-info", "-INFO")) and not name.startswith("~"):
            stem = _stem(name)
            if stem:
                found.append((stem, name))
    return found


def _declared(location: str) -> list[EntryPoint]:
    """The entry points of the distribution with a metadata directory."""
    data = read_bytes(os.path.join(location, "entry_points.txt"))
    if GROUP.encode() not in data:
        return []
    pairs = _entries(data.decode("utf-8", "replace"))
    return _entry_points(pairs, location) if pairs else []


def _stem(entry: str) -> str:
    """The normalised distribution name in the name of a metadata directory, else empty."""
    base, dot, kind = entry.rpartition(".")
    if not dot or kind.lower() not in ("dist-info", "egg-info"):
        return ""
    return normalized(base.partition("-")[0])


def _entries(text: str) -> list[tuple[str, str]]:
    """The ``name = module`` pairs of our group; broken lines and repetitions are left out."""
    pairs: dict[tuple[str, str], None] = {}
    inside = False
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            inside = line.strip("[]") == GROUP
        elif inside and line and not line.startswith("#"):
            name, equals, value = line.partition("=")
            if equals and name.strip() and value.strip():
                pairs[name.strip(), value.strip()] = None
    return list(pairs)


def _entry_points(pairs: list[tuple[str, str]], location: str) -> list[EntryPoint]:
    base = os.path.basename(location).rpartition(".")[0]
    distribution, _, version = base.partition("-")
    requires: list[str] = []
    declared = False
    for key, value in _headers(location):
        if key == "name" and _is_distribution_name(value):
            distribution = value
        elif key == "version" and value.isprintable():
            version = value[:64]
        elif key == "requires-dist":
            declared = True
            if split_requirement(value)[0] == "cleo-core":
                requires.append(value)
    if not declared:
        requires = _egg_requirements(location)
    return [
        EntryPoint(name, value, distribution, version, tuple(requires), location)
        for name, value in pairs
    ]


def _headers(location: str) -> list[tuple[str, str]]:
    data = read_bytes(os.path.join(location, "METADATA"))
    if not data:
        data = read_bytes(os.path.join(location, "PKG-INFO"))
    headers: list[tuple[str, str]] = []
    for line in data.decode("utf-8", "replace").splitlines():
        if not line:
            break
        # A line of blanks goes on with the value above it, as in a licence that has paragraphs.
        if line[0] in " \t":
            continue
        key, colon, value = line.partition(":")
        if colon:
            headers.append((key.strip().lower(), value.strip()))
    return headers


def _egg_requirements(location: str) -> list[str]:
    """Unconditional requirements on core in ``requires.txt``, where old setuptools keeps them."""
    requires: list[str] = []
    data = read_bytes(os.path.join(location, "requires.txt"))
    for line in data.decode("utf-8", "replace").splitlines():
        if line.startswith("["):
            break
        if split_requirement(line.strip())[0] == "cleo-core":
            requires.append(line.strip())
    return requires


def _is_distribution_name(text: str) -> bool:
    """Whether a name may stand in a command that people are told to run."""
    plain = text.replace("-", "").replace("_", "").replace(".", "")
    return text.isascii() and plain.isalnum() and text[0].isalnum() and text[-1].isalnum()
