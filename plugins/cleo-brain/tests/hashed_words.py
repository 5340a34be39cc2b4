"""A plugin that brings an embedder: each word falls into one of 128 places, by its hash."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

MODEL = "test/hashed-words/128"
DIMS = 128
#: What the module reads to misbehave: raise, nan, short, zero, scaled, empty.
VARIABLE = "HASHED_WORDS"

_MODULE = """
import hashlib, math, os, struct
from cleo_brain.api import EmbedderSpec
from cleo_core import hookimpl

CLEO_API = (1, 0)


@hookimpl
def cleo_brain_embedders():
    if os.environ.get("HASHED_WORDS") == "hook":
        raise RuntimeError("no embedders today")
    if os.environ.get("HASHED_WORDS") == "dims":
        return [EmbedderSpec("test/odd", 100, "hashed_words_plugin:Words")]
    return [EmbedderSpec("test/hashed-words/128", 128, "hashed_words_plugin:Words", order=ORDER)]


class Words:
    def embed(self, texts, *, query=False):
        return [self._one(text) for text in texts]

    def _one(self, text):
        mode = os.environ.get("HASHED_WORDS", "")
        bad = "spoilt" in text
        if mode == "raise" and bad:
            raise RuntimeError("spoilt text")
        if mode == "empty" and bad:
            return None
        numbers = [0.0] * 128
        for word in text.lower().split():
            digest = hashlib.sha256(word.encode()).digest()
            numbers[digest[0] % 128] += 1.0 if digest[1] & 1 else -1.0
        norm = math.hypot(*numbers) or 1.0
        if mode == "nan" and bad:
            numbers[3] = math.nan
        if mode == "short" and bad:
            numbers = numbers[:64]
        if mode == "zero" and bad:
            numbers = [0.0] * 128
        if mode == "scaled":
            norm /= 7.5
        return struct.pack("<%df" % len(numbers), *(number / norm for number in numbers))
"""


def install(folder: Path, monkeypatch: Any, order: int = 50) -> None:
    """Install it for this process and for those that it starts.

    :param order: below 100 it is preferred to the one of the extra.
    """
    info = folder / "hashed_words-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hashed-words\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[cleo.plugins]\nhashed-words = hashed_words_plugin\n")
    text = _MODULE.replace("ORDER", str(order))
    (folder / "hashed_words_plugin.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    earlier = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{earlier}" if earlier else str(folder))
    import sys

    sys.modules.pop("hashed_words_plugin", None)
    from cleo_brain.embed import model

    model._loaded.pop("hashed_words_plugin:Words", None)
