"""Hook implementations of the template-name store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cleo_core import hookimpl
from cleo_core.api import CommandSpec, ServiceSpec, StoreSpec

if TYPE_CHECKING:
    from cleo_core.app import App

CLEO_API = (1, 0)

STORE = StoreSpec(
    name="template_name",
    tier="project",
    file="template_name.db",
    application_id=0x7E3A7E3A,
    head="template_name_0001",
    schema="cleo_template_name.schema:metadata",
    migrations="cleo_template_name.migrations",
    snapshot="cleo_template_name.snapshot:STATEMENTS",
    kinds={"template_name": "items"},
)


@hookimpl
def cleo_register_stores() -> Iterable[StoreSpec]:
    """``template_name.db``."""
    return (STORE,)


@hookimpl
def cleo_register_commands() -> Iterable[CommandSpec]:
    """``cleo template-name``."""
    return (
        CommandSpec(
            "template-name",
            "cleo_template_name.cli:root",
            "Keep items in template-name.",
            "Stores",
            reads=("list", "show"),
        ),
    )


@hookimpl
def cleo_register_services() -> Iterable[ServiceSpec]:
    """The service ``template_name``."""
    return (
        ServiceSpec(
            "template_name",
            "cleo_template_name.service:Service",
        ),
    )


@hookimpl
def cleo_existing_ids(app: App, kind: str, ids: tuple[str, ...]) -> frozenset[str] | None:
    """Which items exist; no answer where the file cannot say."""
    if kind not in STORE.kinds or app.project_or_none is None:
        return None
    if app.stores.state(STORE).state != "head":
        return None
    from cleo_template_name.store import existing

    return existing(app.store("template_name"), ids)
