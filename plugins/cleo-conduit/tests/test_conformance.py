"""Everything that CLEO promises for a store, shown for the message store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cleo_core.testing import StoreConformance

_LATER = "no verb of the command line stores it"


class TestStore(StoreConformance):
    plugin = "cleo-conduit"

    setup = (
        ("conduit", "join", "ann", "--role", "lead"),
        ("conduit", "join", "bob"),
        ("conduit", "join", "cem"),
        ("conduit", "leave", "bob"),
    )
    commands: ClassVar[Mapping[str, Any]] = {
        "conduit join": ("conduit", "join", "agent-{n}", "--role", "reviewer"),
        "conduit leave": ("conduit", "leave", "ann"),
    }
    references: ClassVar[Mapping[str, Any]] = {
        "conduit.ref_agent": ("conduit", "join", "{ref}"),
    }
    skip: ClassVar[Mapping[str, Any]] = {
        **{
            f"references: conduit.{name}": _LATER
            for name in (
                *("document_agent", "version_author", "reviewer", "contributor", "pin_agent"),
                *("lease_agent", "lease_task", "conversation_epic", "message_task"),
            )
        },
        "guards: conduit join": "a ref is no entity of its own",
        "guards: conduit leave": "a ref is no entity of its own",
    }
