"""Tools for people who write stores: ``python -m cleo_core.testing``.

``migration`` writes an empty migration, ``snapshot`` makes the packaged snapshot anew, ``golden``
makes the golden database of the head and pins the checksums of the migrations.
"""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cleo_core.testing.conformance.subject import Subject

if TYPE_CHECKING:
    from cleo_core.api import StoreSpec


@click.group(help=__doc__)
def tools() -> None:
    """See the module."""


@tools.command()
@click.argument("plugin")
@click.argument("message")
@click.option("--store", metavar="NAME", help="Of several stores, this one.")
def migration(plugin: str, message: str, store: str | None) -> None:
    """Write an empty migration after the newest one."""
    from cleo_core.migrate import new_migration

    (spec,) = _stores(plugin, store)[:1]
    click.echo(new_migration(spec, message))


@tools.command()
@click.argument("plugin")
@click.option("--store", metavar="NAME", help="Of several stores, this one.")
def snapshot(plugin: str, store: str | None) -> None:
    """Make the packaged snapshot anew from the declared schema."""
    from cleo_core.migrate import snapshot_source

    for spec in _stores(plugin, store):
        module = import_module(spec.snapshot.partition(":")[0])
        assert module.__file__ is not None
        text = snapshot_source(spec.schema, f"python -m cleo_core.testing snapshot {plugin}")
        Path(module.__file__).write_text(text, "utf-8")
        click.echo(module.__file__)


@tools.command()
@click.argument("plugin")
@click.option("--tests", default="tests", show_default=True, help="The folder of the tests.")
@click.option("--store", metavar="NAME", help="Of several stores, this one.")
@click.option("--replace", is_flag=True, help="Make a file again that was not released yet.")
def golden(plugin: str, tests: str, store: str | None, replace: bool) -> None:
    """Make the golden database of the head from ``golden/<revision>.sql``, and pin checksums."""
    from cleo_core.golden import make_golden
    from cleo_core.migrate import checksums
    from cleo_core.plugins import load_target

    folder = Path(tests) / "golden"
    pins = folder / "checksums.json"
    pinned = json.loads(pins.read_text("utf-8")) if pins.exists() else {}
    for spec in _stores(plugin, store):
        path = folder / f"{spec.head}.db"
        rows = path.with_suffix(".sql")
        if not rows.exists():
            raise click.ClickException(f"{rows} is not there: INSERT statements that fill the file")
        if path.exists() and not replace:
            raise click.ClickException(
                f"{path} is there; a released one stays as it is (another: --replace)"
            )
        made = path.with_suffix(".new")
        try:
            make_golden(
                str(made),
                load_target(spec.snapshot),
                rows.read_text("utf-8"),
                spec.application_id,
            )
        except ValueError as error:
            raise click.ClickException(f"{rows}: {error}") from error
        os.replace(made, path)
        click.echo(path)
        for revision, checksum in checksums(spec).items():
            if revision == spec.head and replace:
                pinned[revision] = checksum
            pinned.setdefault(revision, checksum)
    pins.write_text(json.dumps(dict(sorted(pinned.items())), indent=2) + "\n", "utf-8")
    click.echo(pins)


def _stores(plugin: str, store: str | None) -> list[StoreSpec]:
    try:
        found = [spec for spec in Subject(plugin).stores if store in (None, spec.name)]
    except AssertionError as error:
        raise click.ClickException(str(error)) from error
    if not found:
        raise click.ClickException(f"plugin {plugin} has no such store")
    return found


if __name__ == "__main__":
    tools(prog_name="python -m cleo_core.testing")
