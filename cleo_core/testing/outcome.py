"""A run of ``cleo`` and what came of it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class Outcome:
    """One run of ``cleo``: exit code, output and, where it is JSON, the envelope."""

    def __init__(self, argv: Sequence[str], code: int, out: str, err: str) -> None:
        self.argv = list(argv)
        self.code = code
        self.out = out
        self.err = err

    @property
    def envelope(self) -> dict[str, Any]:
        """The JSON envelope; of a command that prints one on each line, the last."""
        return self.envelopes[-1]

    @property
    def envelopes(self) -> list[dict[str, Any]]:
        """Every JSON envelope, one for each line."""
        # Not splitlines(): a text in an envelope may hold what that takes for the end of a line.
        lines = [line for line in self.out.split("\n") if line]
        return [json.loads(line) for line in lines] or [json.loads(self.out)]

    @property
    def data(self) -> Any:
        """The data of a success; a failure fails the test with its message."""
        assert self.code == 0, f"{self!r}"
        return self.envelope["data"]

    @property
    def error(self) -> dict[str, Any]:
        """The error of a failure; its exit is the process's."""
        envelope = self.envelope
        assert envelope["success"] is False, f"{self!r}"
        error: dict[str, Any] = envelope["error"]
        assert error["exit"] == self.code, f"{self!r}"
        return error

    @property
    def page(self) -> dict[str, Any]:
        """The page of a list."""
        page: dict[str, Any] = self.envelope["page"]
        return page

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """The warnings in ``meta``."""
        found: list[dict[str, Any]] = self.envelope["meta"].get("warnings", [])
        return found

    def __repr__(self) -> str:
        return (
            f"cleo {' '.join(self.argv)}\nexit {self.code}\n{self.out[-3000:]}\n{self.err[-2000:]}"
        )


def run_here(
    words: Sequence[str],
    variables: Mapping[str, str],
    data: bytes | None,
    cwd: str | os.PathLike[str] | None,
) -> Outcome:
    """Run ``cleo`` in this process.

    :param variables: added to the environment.
    :param data: stdin.
    """
    from cleo_core.cli import main

    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="replace", write_through=True)
    before_in, before_directory = sys.stdin, Path.cwd()
    saved = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    sys.stdin = io.TextIOWrapper(io.BytesIO(data or b""), encoding="utf-8")
    try:
        if cwd is not None:
            os.chdir(cwd)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(words)
    finally:
        sys.stdin = before_in
        os.chdir(before_directory)
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    texts = []
    for stream in (out, err):
        stream.flush()
        buffer = stream.buffer
        assert isinstance(buffer, io.BytesIO)
        texts.append(buffer.getvalue().decode("utf-8", "replace"))
    return Outcome(words, code, *texts)
