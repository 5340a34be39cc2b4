"""Everything that CLEO promises for a store, shown for the identity store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cleo_core.testing import StoreConformance


class TestStore(StoreConformance):
    plugin = "cleo-signaldock"
    writes = 6

    setup = (
        ("agent", "register", "ann", "--capability", "chat", "--skill", "go"),
        ("agent", "register", "bob", "--class", "research"),
        ("agent", "register", "cem", "--no-attach"),
        ("agent", "register", "old"),
        ("agent", "retire", "old"),
        ("agent", "keys", "set", "cem", "--api-key", "sk_live_sample"),
    )
    commands: ClassVar[Mapping[str, Any]] = {
        "agent register": ("agent", "register", "agent-{n}", "--name", "Agent {n}"),
        "agent update": ("agent", "update", "ann", "--name", "Ann {n}"),
        "agent remove": ("agent", "remove", "bob", "--global"),
        "agent list": ("agent", "list", "--global"),
        "agent get": ("agent", "get", "ann", "--global"),
        "agent status": ("agent", "status", "ann", "--all"),
        "agent whoami": ("agent", "whoami", "--agent", "ann"),
        "agent start": {"argv": ("agent", "start", "ann", "--once"), "exit": 5},
        "agent stop": ("agent", "stop", "ann"),
        "agent keys status": ("agent", "keys", "status"),
        "agent retire": ("agent", "retire", "ann"),
        "agent revive": ("agent", "revive", "old"),
        "agent heartbeat": ("agent", "heartbeat", "ann"),
        "agent keys set": ("agent", "keys", "set", "ann", "--api-key", "sk_live_sample_{n}"),
        # Refs are kept by cleo-conduit, and this runs without it.
        "agent attach": {"argv": ("agent", "attach", "ann"), "exit": 5},
        "agent detach": {"argv": ("agent", "detach", "ann"), "exit": 5},
        # Nothing is lost, and neither agent is at a server.
        "agent keys reset": {"argv": ("agent", "keys", "reset"), "exit": 6},
        "agent keys rotate": {"argv": ("agent", "keys", "rotate", "cem"), "exit": 6},
        "agent signin": {"argv": ("agent", "signin", "cem"), "exit": 6},
        "agent migrate-legacy": {"argv": ("agent", "migrate-legacy"), "exit": 5},
        "agent keys show": ("agent", "keys", "show", "cem"),
        "agent keys rotate-machine": ("agent", "keys", "rotate-machine"),
    }
    skip: ClassVar[Mapping[str, Any]] = {
        "guards: agent keys rotate-machine": "no agent changes, only what its key is kept in",
    }
