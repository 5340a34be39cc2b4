"""A new store's distribution: ``cleo plugins new``."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cleo_core.errors import CleoError, UsageError
from cleo_core.paths import check_test_root
from cleo_core.paths.files import file_error, sync_directory

if TYPE_CHECKING:
    from cleo_core.plugins import Plugins

#: alembic keeps a revision in 32 characters, five of which are the number.
MOST_CHARACTERS = 27
#: The first two bytes of the application ids of CLEO's own stores: ``CL``.
OWN_IDS = 0x434C

_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*\Z")
#: What the template calls the store, and its application id; they are valid names, so that the
#: template is linted and formatted as the code that it will be.
_PLACEHOLDER = re.compile(r"template_name|template-name|0x7E3A7E3A")
_CORE = os.path.dirname(os.path.abspath(__file__))


@dataclass(frozen=True, eq=False)
class Scaffold:
    """A distribution that was written, or would be.

    :ivar path: its directory.
    :ivar files: relative paths, with ``/``.
    :ivar next: commands to go on with.
    """

    path: str
    distribution: str
    package: str
    store: str
    command: str
    application_id: str
    files: list[str]
    next: list[str]


def write_scaffold(
    name: str, directory: str, plugins: Plugins, reserved: Collection[str], *, dry_run: bool = False
) -> Scaffold:
    """Write a distribution with one store: it installs, passes its tests, has a command.

    :param name: lower-case words joined by ``-`` or ``_``; a leading ``cleo-`` counts as absent.
    :param directory: where its directory ``cleo-<name>`` is made.
    :param plugins: what is installed: a name that one of them has is refused.
    :param reserved: names of the built-in commands.
    :raises UsageError: the name cannot be used, or there is such a directory already.
    :raises CleoError: the directory cannot be written.
    """
    word = name.removeprefix("cleo-").removeprefix("cleo_").replace("_", "-")
    problem = _problem(word, plugins, reserved)
    if problem is not None:
        raise UsageError(f"A store cannot be called {name!r}: {problem}.", fix=_FIX)
    target = os.path.join(os.path.abspath(directory), f"cleo-{word}")
    if os.path.lexists(target):
        raise UsageError(f"{target} is there already.", fix=f"{_FIX} --dir ANOTHER")
    check_test_root(target)
    names = _names(word)
    files = {_rendered(path, names): path for path in _template_files()}
    golden = f"tests/golden/{names['template_name']}_0001.db"
    made = Scaffold(
        path=target,
        distribution=f"cleo-{word}",
        package=f"cleo_{names['template_name']}",
        store=names["template_name"],
        command=f"cleo {word}",
        application_id=names["0x7E3A7E3A"],
        files=sorted((*files, golden, "tests/golden/checksums.json")),
        next=[
            f'pip install -e "{target}[test]"',
            f'cleo {word} add "a title"',
            f'pytest "{target}"',
        ],
    )
    if not dry_run:
        _write(target, files, golden, names)
    return made


def application_id(store: str) -> int:
    """A number from a store's name, the same on every machine and none of CLEO's own."""
    import hashlib

    for salt in range(1 << 16):
        digest = hashlib.sha256(f"cleo store {store} {salt}".encode()).digest()
        number = int.from_bytes(digest[:4], "big") & 0x7FFFFFFF
        if number >> 16 not in (0, OWN_IDS):
            return number
    raise AssertionError("SHA-256 gives other numbers")


_FIX = "cleo plugins new my-notes"


def _problem(word: str, plugins: Plugins, reserved: Collection[str]) -> str | None:
    from keyword import iskeyword

    from cleo_core.plugins.explain import core_extras

    if not _NAME.match(word):
        return "a name is lower-case letters, digits and single hyphens, a letter first"
    if len(word) > MOST_CHARACTERS:
        return f"a name has at most {MOST_CHARACTERS} characters"
    if iskeyword(word):
        return "it is a word of Python"
    if word in ("core", "new") or word in core_extras():
        return "it belongs to CLEO"
    if word in reserved:
        return f"`cleo {word}` is a built-in command"
    store = word.replace("-", "_")
    for plugin in plugins.all():
        taken = {plugin.prefix, *(spec.name for spec in plugin.commands)}
        taken |= {spec.name for spec in plugin.stores} | {spec.name for spec in plugin.services}
        taken |= {kind for spec in plugin.stores for kind in spec.kinds}
        if word in taken or store in taken:
            return f"the installed {plugin.distribution} uses that name"
    return None


def _names(word: str) -> dict[str, str]:
    """What stands for each word of the template."""
    store = word.replace("-", "_")
    return {
        "template-name": word,
        "template_name": store,
        "0x7E3A7E3A": f"0x{application_id(store):08X}",
    }


def _rendered(text: str, names: dict[str, str]) -> str:
    """A text of the template for a store; each word is replaced once, whatever comes in."""
    return _PLACEHOLDER.sub(lambda found: names[found.group()], text)


def _template() -> str:
    """The template's directory: packaged in a wheel, beside the package in a source tree."""
    packaged = os.path.join(_CORE, "_templates", "cleo-store")
    if os.path.isdir(packaged):
        return packaged
    return os.path.join(os.path.dirname(_CORE), "templates", "cleo-store")


def _template_files() -> Iterator[str]:
    root = _template()
    if not os.path.isfile(os.path.join(root, "pyproject.toml")):
        raise CleoError(
            "E_IO",
            "This cleo-core was installed without its template.",
            fix="pip install --force-reinstall cleo-core",
            details={"path": root},
        )
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(one for one in folders if not one.startswith((".", "__")))
        for one in sorted(names):
            if not one.endswith((".pyc", ".db")):
                yield os.path.relpath(os.path.join(folder, one), root).replace(os.sep, "/")


def _write(target: str, files: dict[str, str], golden: str, names: dict[str, str]) -> None:
    """Write everything beside its place and then give it its name, so that no half remains."""
    temporary = os.path.join(
        os.path.dirname(target), f".{os.path.basename(target)}.{os.urandom(4).hex()}"
    )
    root = _template()
    try:
        for path, source in files.items():
            with open(os.path.join(root, source), encoding="utf-8") as file:
                text = _rendered(file.read(), names)
            place = os.path.join(temporary, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        _write_golden(temporary, golden, names)
        os.rename(temporary, target)
        sync_directory(os.path.dirname(target))
    except OSError as error:
        raise file_error(error, target) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_golden(root: str, golden: str, names: dict[str, str]) -> None:
    """The golden database of the first revision and the checksum of its migration."""
    import hashlib
    import json
    import runpy

    from cleo_core.golden import make_golden

    package = os.path.join(root, "src", f"cleo_{names['template_name']}")
    snapshot: dict[str, Any] = runpy.run_path(os.path.join(package, "snapshot.py"))
    path = os.path.join(root, golden)
    with open(f"{path[:-3]}.sql", encoding="utf-8") as file:
        rows = file.read()
    make_golden(path, snapshot["STATEMENTS"], rows, int(names["0x7E3A7E3A"], 16))
    revision = snapshot["HEAD"]
    migration = os.path.join(package, "migrations", "versions", f"{revision}_initial.py")
    with open(migration, "rb") as source:
        checksum = hashlib.sha256(source.read()).hexdigest()
    folder = os.path.dirname(path)
    with open(os.path.join(folder, "checksums.json"), "x", encoding="utf-8") as file:
        file.write(json.dumps({revision: checksum}, indent=2) + "\n")
