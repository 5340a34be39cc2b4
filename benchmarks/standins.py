"""Stand-ins for further plugins: real distributions with stores, commands and hooks."""

from __future__ import annotations

from pathlib import Path

_PLUGIN = """\
from cleo_core import hookimpl
from cleo_core.api import CommandSpec, ServiceSpec, StoreSpec

CLEO_API = (1, 0)

@hookimpl
def cleo_register_stores():
    return {stores}

@hookimpl
def cleo_register_commands():
    return tuple(
        CommandSpec(f"{name}-{{verb}}", "{module}:nothing", "A command.", "{name}")
        for verb in ("add", "list", "show")
    )

@hookimpl
def cleo_register_services():
    return (ServiceSpec("{name}", "{module}:nothing"),)

@hookimpl
def cleo_change_committed(app, change):
    return None
"""

_STORE = """(
        StoreSpec(
            name="{name}",
            tier="{tier}",
            file="{name}.db",
            application_id=0x58580000 + {number},
            head="{name}_0001",
            schema="{module}_store:metadata",
            migrations="{module}_migrations",
            snapshot="{module}_store:STATEMENTS",
            kinds={{"{name}": "entries"}},
        ),
    )"""

_SNAPSHOT = """\
STATEMENTS = (
    "CREATE TABLE entries (id TEXT PRIMARY KEY, title TEXT NOT NULL) STRICT",
    "CREATE TABLE alembic_version_{name} (version_num VARCHAR(32) NOT NULL)",
    "INSERT INTO alembic_version_{name} VALUES ('{name}_0001')",
)
"""


def make_plugins(folder: Path, *, stores: int, plain: int = 0) -> Path:
    """Write distributions into a folder for ``PYTHONPATH``.

    :param stores: how many with a store of their own; every second one is global.
    :param plain: how many without.
    """
    folder.mkdir(parents=True)
    for number in range(stores + plain):
        name = f"standin{number}"
        module = f"cleo_{name}"
        tier = "global" if number % 2 else "project"
        store = (
            _STORE.format(name=name, tier=tier, number=number, module=module)
            if number < stores
            else "()"
        )
        (folder / f"{module}.py").write_text(
            _PLUGIN.format(name=name, module=module, stores=store), "utf-8"
        )
        (folder / f"{module}_store.py").write_text(_SNAPSHOT.format(name=name), "utf-8")
        info = folder / f"cleo_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: cleo-{name}\nVersion: 1.0\n"
            "Requires-Dist: cleo-core>=0.1,<1\n",
            "utf-8",
        )
        (info / "entry_points.txt").write_text(f"[cleo.plugins]\n{name} = {module}\n", "utf-8")
    return folder
