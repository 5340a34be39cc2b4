"""The ``agents`` service: every verb of the store, each group loaded when one of it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.grouped import GroupedService

#: Module -> (its class, its verbs).
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "registering": ("RegisterVerbs", ("register", "update")),
    "visibility": ("VisibilityVerbs", ("attach", "detach", "get", "list", "known")),
    "removing": ("RemoveVerbs", ("remove", "remove_everywhere")),
    "words": ("WordVerbs", ("capabilities", "skills")),
    "presence": (
        "PresenceVerbs",
        ("heartbeat", "stop", "status", "whoami", "retire", "revive", "prune"),
    ),
    "addresses": ("AddressVerbs", ("address",)),
    "starting": ("StartVerbs", ("start",)),
    "credentials": ("CredentialVerbs", ("credential", "flag_reauth")),
    "migrating": (
        "MigrateVerbs",
        ("migrate_legacy", "legacy_rollback", "legacy_status", "warn_of_legacy"),
    ),
    "rotating": ("RotateVerbs", ("keys_rotate", "signin", "register_remotely")),
    "keys": (
        "KeyVerbs",
        (
            "keys_status",
            "keys_set",
            "keys_show",
            "keys_rotate_machine",
            "keys_reset",
            "keys_prune",
        ),
    ),
}

if TYPE_CHECKING:
    from cleo_signaldock.service.addresses import AddressVerbs
    from cleo_signaldock.service.credentials import CredentialVerbs
    from cleo_signaldock.service.keys import KeyVerbs
    from cleo_signaldock.service.migrating import MigrateVerbs
    from cleo_signaldock.service.registering import RegisterVerbs
    from cleo_signaldock.service.removing import RemoveVerbs
    from cleo_signaldock.service.rotating import RotateVerbs
    from cleo_signaldock.service.starting import StartVerbs
    from cleo_signaldock.service.visibility import VisibilityVerbs
    from cleo_signaldock.service.words import WordVerbs

    class AgentsService(
        RegisterVerbs,
        VisibilityVerbs,
        RemoveVerbs,
        WordVerbs,
        StartVerbs,
        AddressVerbs,
        CredentialVerbs,
        KeyVerbs,
        RotateVerbs,
        MigrateVerbs,
    ):
        """All verbs."""

else:

    class AgentsService(GroupedService):
        """All verbs; a group's module is imported when one of its verbs is first asked for."""

        PACKAGE = __name__
        GROUPS = GROUPS
