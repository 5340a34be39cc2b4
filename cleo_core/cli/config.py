"""``cleo config``: read and change settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli.command import command, group
from cleo_core.errors import CleoError
from cleo_core.output import Printer, Result

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.config import Scope, Value

_GLOBAL = click.option("--global", "everywhere", is_flag=True, help="In the global file.")


@command("get", project="optional")
@click.argument("key")
def get(app: App, key: str) -> Result:
    """Show a setting and where its value comes from.

    Example: cleo config get output.format
    """
    found = app.config.explain(key)
    return Result(found._asdict(), human=lambda out: _values(out, [found]))


@command("list", project="optional")
@click.option("--unknown", is_flag=True, help="The keys in the files that nobody declares.")
def list_(app: App, unknown: bool) -> Result:
    """List every setting with its value and source.

    Example: cleo config list --human
    """
    if unknown:
        rows = app.config.unknown()
        return Result(
            rows,
            human=lambda out: out.table(
                ("key", "scope", "file"), [(r["key"], r["scope"], r["origin"]) for r in rows]
            ),
        )
    values = app.config.items()
    return Result([one._asdict() for one in values], human=lambda out: _values(out, values))


@command("set", project="optional", writes=True)
@click.argument("key")
@click.argument("value")
@_GLOBAL
def set_(app: App, key: str, value: str, everywhere: bool) -> Result:
    """Set a key in the project's file, or with --global in yours.

    Example: cleo config set output.format human
    """
    scope = _scope(app, everywhere)
    if app.dry_run:
        app.config.checked(key, value, scope)
        return Result({"key": key, "value": value, "scope": scope, "changed": None})
    changed = app.config.set(key, value, scope)
    return _changed(app, key, scope, changed)


@command("unset", project="optional", writes=True)
@click.argument("key")
@_GLOBAL
def unset(app: App, key: str, everywhere: bool) -> Result:
    """Remove a key from the project's file, or with --global from yours.

    Example: cleo config unset output.format
    """
    scope = _scope(app, everywhere)
    if app.dry_run:
        app.config.removable(key, scope)
        return Result({"key": key, "scope": scope, "changed": None})
    changed = app.config.unset(key, scope)
    return _changed(app, key, scope, changed)


@command("path", project="optional")
@_GLOBAL
def path(app: App, everywhere: bool) -> Result:
    """Show where the settings are kept.

    Example: cleo config path --global
    """
    scope = _scope(app, everywhere)
    found = app.config.path(scope)
    return Result({"scope": scope, "path": found}, human=lambda out: out.line(found))


@command("validate", project="optional")
def validate(app: App) -> Result:
    """Say what is wrong with the settings; exit 8 if anything is.

    Example: cleo config validate
    """
    problems = app.config.validate()
    if problems:
        raise CleoError(
            "E_CONFIG",
            f"{len(problems)} settings are not valid. {problems[0]['message']}",
            fix=problems[0]["fix"],
            details={"problems": problems},
        )
    return Result({"valid": True}, human=lambda out: out.line("All settings are valid."))


@command("list", project="optional")
def preset_list(app: App) -> Result:
    """List the presets and the keys that each sets.

    Example: cleo config preset list
    """
    rows = app.config.presets()
    return Result(
        rows,
        human=lambda out: out.table(
            ("preset", "keys"), [(row["name"], " ".join(row["keys"])) for row in rows]
        ),
    )


@command("show", project="optional")
@click.argument("name")
def preset_show(app: App, name: str) -> Result:
    """Show what a preset sets.

    Example: cleo config preset show strict
    """
    values = app.config.preset_show(name)
    return Result(values, human=lambda out: _pairs(out, values))


@command("apply", project="optional", writes=True)
@click.argument("name")
@_GLOBAL
def preset_apply(app: App, name: str, everywhere: bool) -> Result:
    """Set what a preset declares and nothing else.

    Example: cleo config preset apply standard
    """
    if app.dry_run:
        values = app.config.preset_show(name)
        return Result({"preset": name, "changed": None, "values": values})
    applied = app.config.apply_preset(name, "global" if everywhere else None)
    return Result(applied, human=lambda out: _pairs(out, applied["values"]))


config = group(
    "config",
    "Read and change settings.",
    get,
    list_,
    set_,
    unset,
    path,
    validate,
    group(
        "preset", "Sets of settings that belong together.", preset_list, preset_show, preset_apply
    ),
)


def _scope(app: App, everywhere: bool) -> Scope:
    return "global" if everywhere or app.project_or_none is None else "project"


def _changed(app: App, key: str, scope: Scope, changed: bool) -> Result:
    known = key in app.plugins.config_keys
    value: Any = app.config.explain(key).value if known else None
    data = {"key": key, "value": value, "scope": scope, "changed": changed}
    words = f"{key} is {value}" + ("" if changed else " already")
    return Result(data, human=lambda out: out.line(words))


def _values(out: Printer, values: list[Value]) -> None:
    out.table(
        ("key", "value", "source", "origin"),
        [(one.key, one.value, one.source, one.origin) for one in values],
    )


def _pairs(out: Printer, values: dict[str, Any]) -> None:
    out.table(("key", "value"), list(values.items()))
