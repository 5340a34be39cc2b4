"""Files that are made once and written again wherever they are needed."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class Kept:
    """What lies below a directory, held in memory."""

    def __init__(self, folder: Path) -> None:
        self._folders: list[tuple[str, int]] = []
        self._files: list[tuple[str, int, bytes]] = []
        self._links: list[tuple[str, str]] = []
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            if path.is_symlink():
                self._links.append((name, os.readlink(path)))
            elif path.is_dir():
                self._folders.append((name, stat.S_IMODE(path.stat().st_mode)))
            elif path.is_file():
                self._files.append((name, stat.S_IMODE(path.stat().st_mode), path.read_bytes()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Kept) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(tuple(self._folders))

    def mentions(self, text: str) -> bool:
        """Whether a file holds a text, or a link leads to it."""
        word = os.fsencode(text)
        return any(word in content for _, _, content in self._files) or any(
            text in target for _, target in self._links
        )

    def write(self, folder: Path) -> None:
        """Write everything below a directory; what else is there stays."""
        folder.mkdir(exist_ok=True)
        for name, mode in self._folders:
            (folder / name).mkdir(exist_ok=True)
            (folder / name).chmod(mode)
        for name, mode, content in self._files:
            path = os.path.join(folder, name)
            with open(path, "wb", buffering=0) as file:
                file.write(content)
            os.chmod(path, mode)
        for name, target in self._links:
            if not (folder / name).is_symlink():
                (folder / name).symlink_to(target)
