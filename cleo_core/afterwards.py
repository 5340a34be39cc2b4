"""What nobody waits for: done once the answer is out."""

from __future__ import annotations

from collections.abc import Callable

Work = Callable[[], object]


class Afterwards:
    """Work that is left for when an App has answered.

    A command does it when its output is written, everybody else when the App is closed. Nothing of
    it shows: neither an error nor a warning, and no exit code.
    """

    def __init__(self) -> None:
        self._left: dict[str, Work] = {}

    def add(self, name: str, work: Work) -> None:
        """Leave something for later; work of a name is done once, however often it is left."""
        self._left[name] = work

    def take(self) -> Callable[[], None]:
        """What was left, as a function that does it and lets no error out."""
        left, self._left = self._left, {}

        def run() -> None:
            for work in left.values():
                try:
                    work()
                except Exception:  # noqa: S112 # what was answered must not change by it
                    continue

        return run
