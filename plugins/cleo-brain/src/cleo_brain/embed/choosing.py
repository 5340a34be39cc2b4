"""Which embedder runs: what plugins offer, what is installed, what the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_brain.api import EmbedderSpec
from cleo_core.errors import CleoError, UsageError, shortened

if TYPE_CHECKING:
    from cleo_core.app import App

HOOK = "cleo_brain_embedders"
EXTRA = "pip install 'cleo-brain[wordllama]'"


def offered(app: App) -> list[EmbedderSpec]:
    """The embedders of all plugins, the one to prefer first.

    What a plugin gets wrong costs its own embedders only, and a warning says so.
    """
    found: dict[str, EmbedderSpec] = {}
    for outcome in app.plugins.call(HOOK):
        if outcome.error is not None:
            _passed_over(app, outcome.plugin, str(outcome.error) or type(outcome.error).__name__)
            continue
        try:
            specs = tuple(outcome.value or ())
        except TypeError:
            _passed_over(app, outcome.plugin, f"{HOOK} gave no list of EmbedderSpec")
            continue
        for spec in specs:
            fault = _fault(spec)
            if fault is None and spec.model_id in found:
                fault = f"{spec.model_id} is another plugin's as well"
            if fault is not None:
                _passed_over(app, outcome.plugin, fault)
                continue
            found[spec.model_id] = spec
    return sorted(found.values(), key=lambda spec: (spec.order, spec.model_id))


def can_run(spec: EmbedderSpec) -> bool:
    """Whether all that an embedder requires is installed; nothing is imported to find out."""
    return not missing(spec)


def missing(spec: EmbedderSpec) -> list[str]:
    """The modules that an embedder requires and that are not installed."""
    return [name for name in spec.requires if not _is_there(name)]


def chosen(app: App) -> EmbedderSpec | None:
    """The embedder in use: what ``brain.embedder`` names, or the first that can run.

    :returns: None where there is none: ``none`` is set, or nothing that runs is installed.
    """
    word = str(app.config.get("brain.embedder"))
    if word == "none":
        return None
    specs = offered(app)
    if word == "auto":
        return next((spec for spec in specs if can_run(spec)), None)
    spec = next((spec for spec in specs if spec.model_id == word), None)
    if spec is None:
        app.warn(
            "W_EMBEDDER_UNKNOWN",
            f"brain.embedder is {shortened(word)!r}, which no installed plugin offers.",
        )
        return None
    return spec if can_run(spec) else None


def required(app: App, model_id: str | None = None) -> EmbedderSpec:
    """The embedder to fill the store with.

    :param model_id: another one than the settings say.
    :raises UsageError: there is none of that name.
    :raises CleoError: ``E_EXTRA_MISSING`` (5), what it needs is not installed; ``E_CONFIG`` (8),
        the settings say ``none``.
    """
    specs = offered(app)
    word = str(app.config.get("brain.embedder")) if model_id is None else model_id
    if word == "none" and model_id is None:
        raise CleoError(
            "E_CONFIG",
            "brain.embedder is none, so that nothing is embedded.",
            fix="cleo config set brain.embedder auto",
        )
    if word != "auto":
        named = [spec for spec in specs if spec.model_id == word]
        if not named:
            known = ", ".join(spec.model_id for spec in specs) or "none"
            raise UsageError(
                f"There is no embedder {shortened(word)!r}; there are: {known}.",
                fix=f"--model {specs[0].model_id}" if specs else "cleo plugins",
            )
        specs = named
    for spec in specs:
        if can_run(spec):
            return spec
    lacking = ", ".join(missing(specs[0])) if specs else "any embedder"
    raise CleoError(
        "E_EXTRA_MISSING", f"Nothing can be embedded: {lacking} is not installed.", fix=EXTRA
    )


def _fault(spec: object) -> str | None:
    """What is wrong with what a plugin calls an embedder; None if nothing is."""
    if not isinstance(spec, EmbedderSpec):
        return f"{HOOK} gave {type(spec).__name__} instead of EmbedderSpec"
    texts = (spec.model_id, spec.target, *spec.requires)
    if not all(isinstance(text, str) and text.isprintable() and text for text in texts):
        return "an embedder's model_id, target and requires are words"
    if ":" not in spec.target:
        return f"the target of {spec.model_id} is not module:attr"
    if not isinstance(spec.dims, int) or not 64 <= spec.dims <= 4096 or spec.dims % 64:
        return f"{spec.model_id} has {spec.dims!r} dimensions, not a multiple of 64 up to 4096"
    return None


def _is_there(module: str) -> bool:
    import sys
    from importlib.util import find_spec

    if module in sys.modules:
        return sys.modules[module] is not None
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def _passed_over(app: App, plugin: str, why: str) -> None:
    app.warn(
        "W_EMBEDDER_FAILED", f"Embedders of plugin {plugin} are passed over: {shortened(why)}."
    )
