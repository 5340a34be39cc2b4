"""Settings that mean something only within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.errors import CleoError

if TYPE_CHECKING:
    from cleo_core.config import Config


def share(config: Config, name: str) -> float:
    """A setting that is a number from 0 to 1.

    :param name: under ``brain.``.
    :raises CleoError: ``E_CONFIG`` (8), it is out of range.
    """
    value = float(config.get("brain." + name))
    if not 0 <= value <= 1:
        raise _wrong(name, value, "a number from 0 to 1")
    return value


def at_least(config: Config, name: str, least: int) -> int:
    """A setting that is a whole number.

    :raises CleoError: ``E_CONFIG`` (8), it is less.
    """
    value = int(config.get("brain." + name))
    if value < least:
        raise _wrong(name, value, f"at least {least}")
    return value


def _wrong(name: str, value: float, wanted: str) -> CleoError:
    return CleoError(
        "E_CONFIG",
        f"brain.{name} is {value}; it is {wanted}.",
        fix=f"cleo config unset brain.{name}",
    )
