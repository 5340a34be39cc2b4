"""What callers may give for an agent's fields."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from cleo_core import inputs
from cleo_core.errors import ValidationError, echoed
from cleo_signaldock.enums import CLASS, PRIVACY_TIER, TRANSPORT
from cleo_signaldock.errors import SignaldockError
from cleo_signaldock.ids import parse_agent_id
from cleo_signaldock.vocabulary import CAPABILITIES, CAPABILITY_ALIASES, SKILL_ALIASES, SKILLS

_DESCRIPTION = 10_000
_CONFIG = 65_536
_KEY = 1_000
_KNOWN = {
    "capability": (
        frozenset(slug for slugs in CAPABILITIES.values() for slug in slugs),
        CAPABILITY_ALIASES,
    ),
    "skill": (frozenset(slug for slugs in SKILLS.values() for slug in slugs), SKILL_ALIASES),
}


def name(value: Any) -> str:
    """A name of 1 to 100 characters."""
    return inputs.line(value, "name", 100, fix="--name NAME", printable=True)


def description(value: Any) -> str:
    """Text of at most 10 000 characters; it may be empty."""
    text = inputs.plain_text(value, "description").strip()
    if len(text) > _DESCRIPTION:
        raise ValidationError(
            f"The description has at most {_DESCRIPTION} characters.", fix="--description TEXT"
        )
    return text


def searched(value: Any) -> str:
    """A part of a text that is looked for."""
    return inputs.line(value, "search", 200, fix="--search WORD")


def classification(value: Any) -> str:
    """A free word, the default of the role in a project."""
    return inputs.line(value, "classification", 100, fix="--classification WORD", printable=True)


def role(value: Any) -> str:
    """The role in a project."""
    return inputs.line(value, "role", 100, fix="--role WORD", printable=True)


def reports_to(value: Any) -> str | None:
    """The id of the agent that this one reports to; an empty text for none."""
    return None if value == "" else parse_agent_id(value)


def orch_level(value: Any) -> int:
    """0 an orchestrator, 1 a lead, 2 a worker."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 2:
        raise ValidationError("The level is 0, 1 or 2.", fix="--orch-level 2", field="orch_level")
    return value


def flag(value: Any) -> int:
    """A truth value as it is stored."""
    if not isinstance(value, bool):
        raise ValidationError("can_spawn is true or false.", field="can_spawn")
    return int(value)


def api_key(value: Any) -> str:
    """A key in clear, as it is encrypted; no message repeats it.

    :raises ValidationError: it is no line of printable ASCII, or it has the form of a derived key.
    """
    text = value.strip() if isinstance(value, str) else ""
    if not 8 <= len(text) <= _KEY or not text.isascii() or not text.isprintable() or " " in text:
        raise ValidationError(
            f"A key is one word of 8 to {_KEY} printable ASCII characters.",
            fix="cleo agent keys set ID --api-key-stdin",
            field="api_key",
        )
    if len(text) == 64 and not set(text.casefold()) - set("0123456789abcdef"):
        # What the TypeScript CLEO stored in a key's place.
        raise ValidationError(
            "64 hexadecimal digits are a derived key, which no server accepts.",
            fix="cleo agent keys set ID --api-key-stdin",
            field="api_key",
        )
    return text


def url(value: Any) -> str:
    """An address of a server, without a user in it.

    :raises CleoError: 6 it is none, or it names a user, who would stand in lists and logs;
        ``E_INSECURE_URL`` (94) for plain http beyond this machine.
    """
    text = inputs.line(value, "url", 2000, fix="--url https://HOST", printable=True)
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    odd = "\\" in text or inputs.names_user(text)
    if parts.scheme not in ("https", "http") or not host or odd:
        raise ValidationError(
            "A server's URL begins with https://, has a host and names no user.",
            fix="--url https://HOST",
            field="url",
        )
    if parts.scheme == "http" and not _is_loopback(host):
        raise SignaldockError(
            "E_INSECURE_URL", f"{host} is not this machine, and http:// would show the key."
        )
    if parts.query or parts.fragment:
        raise ValidationError("A server's URL has neither query nor fragment.", field="url")
    return text.rstrip("/")


def _endpoint(*schemes: str) -> Callable[[Any], bool]:
    """A check of a path below the server, or of an address that hides the key."""

    def check(value: Any) -> bool:
        if not isinstance(value, str) or not 1 <= len(value) <= 2000 or not value.isprintable():
            return False
        if value.startswith("/") and not value.startswith("//"):
            return "\\" not in value
        try:
            parts = urlsplit(value)
            host = parts.hostname
        except ValueError:
            return False
        if not host or "\\" in value or inputs.names_user(value):
            return False
        return parts.scheme == schemes[0] or (parts.scheme == schemes[1] and _is_loopback(host))

    return check


def _interval(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 86_400_000


#: Field of a transport's configuration -> whether a value is acceptable.
_CONFIG_FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "pollIntervalMs": _interval,
    "sseEndpoint": _endpoint("https", "http"),
    "pollEndpoint": _endpoint("https", "http"),
    "wsUrl": _endpoint("wss", "ws"),
    "webhookSignature": lambda value: value in ("v1", "v2"),
}


def _is_loopback(host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def transport_config(value: Any) -> str:
    """A JSON object as text."""
    if not isinstance(value, Mapping) or inputs.too_deep(value):
        raise ValidationError("The transport's configuration is a JSON object.")
    for key, one in value.items():
        check = _CONFIG_FIELDS.get(key)
        if check is None or not check(one):
            # Its value is not repeated: it may be a secret that has no place here.
            raise ValidationError(
                f"{echoed(key)} is no field of a transport's configuration, or not of its form; "
                f"there are {', '.join(_CONFIG_FIELDS)}.",
                fix="--transport-config '{\"pollIntervalMs\": 1000}'",
            )
    try:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError):
        raise ValidationError("The transport's configuration is a JSON object.") from None
    if len(text) > _CONFIG:
        raise ValidationError(f"The transport's configuration has at most {_CONFIG} characters.")
    return inputs.plain_text(text, "transport_config")


def words(kind: str, value: Any) -> tuple[list[str], list[str]]:
    """Known slugs of capabilities or skills, and a warning for each that is unknown.

    :param kind: ``capability`` or ``skill``.
    """
    known, aliases = _KNOWN[kind]
    found: dict[str, None] = {}
    warnings = []
    for text in inputs.texts(value, kind):
        word = text.strip().casefold()
        slug = aliases.get(word, word)
        if slug not in known:
            slug = aliases.get(slug.replace("-", "_"), slug.replace("-", "_").replace(" ", "_"))
        if slug in known:
            found[slug] = None
            continue
        near = difflib.get_close_matches(slug, sorted({*known, *aliases}), 1, 0.5)
        hint = f" The nearest is {aliases.get(near[0], near[0])}." if near else ""
        warnings.append(f"The {kind} {echoed(text)} is unknown.{hint}")
    return sorted(found), warnings


one_of_classes = inputs.word_of(CLASS, "class")
one_of_privacy_tiers = inputs.word_of(PRIVACY_TIER, "privacy")
one_of_transports = inputs.word_of(TRANSPORT[:3], "transport")
