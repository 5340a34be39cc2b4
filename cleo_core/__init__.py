"""CLEO: what people and coding agents must not forget, in small local databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pluggy

    from cleo_core.app import create_app, open_app

    #: Marks a function of a plugin module as a hook: ``@hookimpl``.
    hookimpl: pluggy.HookimplMarker

__all__ = ["PLUGIN_API", "__version__", "create_app", "hookimpl", "open_app"]

__version__ = "0.1.0"

#: The contract that this core keeps, ``(major, minor)``; a plugin names its own in ``CLEO_API``.
PLUGIN_API = (1, 0)


def __getattr__(name: str) -> Any:
    # Plugin modules import the marker from here in every command: the App must not come along.
    if name in ("create_app", "open_app"):
        from cleo_core import app

        return getattr(app, name)
    if name == "hookimpl":
        # Nothing is imported by this package itself, so that an interrupt in the first moments of
        # a command meets no half-made module.
        import pluggy

        globals()["hookimpl"] = pluggy.HookimplMarker("cleo")
        return globals()["hookimpl"]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
