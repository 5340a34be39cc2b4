"""What stands in the machine's two secret files, shown by nothing."""

from __future__ import annotations

from typing import Any

from cleo_signaldock.secrets import derive


class Keys:
    """The machine's key and the global salt.

    Nothing prints, formats, copies or pickles the bytes; what shows them at all shows fingerprints.
    """

    __slots__ = ("_global_salt", "_machine_key")

    def __init__(self, machine_key: bytes, global_salt: bytes) -> None:
        """:raises ValueError: a file has another length than 32 bytes."""
        derive.key_check(machine_key, global_salt)
        self._machine_key = machine_key
        self._global_salt = global_salt

    def derive(self, owner: str) -> bytes:
        """The key of an owner; see :func:`cleo_signaldock.secrets.derive.derive_key`."""
        return derive.derive_key(self._machine_key, self._global_salt, owner)

    def legacy(self, project_path: str) -> bytes:
        """The key of a project's directory, for what the TypeScript CLEO encrypted."""
        return derive.legacy_key(self._machine_key, project_path)

    @property
    def check(self) -> str:
        """Whether these are the files of a store is told by comparing this."""
        return derive.key_check(self._machine_key, self._global_salt)

    @property
    def fingerprints(self) -> tuple[str, str]:
        """Of the machine's key and of the salt, 16 hex digits each."""
        return derive.fingerprint(self._machine_key), derive.fingerprint(self._global_salt)

    def __repr__(self) -> str:
        return "<Keys {} {}>".format(*self.fingerprints)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("the machine's keys are not copied anywhere")
