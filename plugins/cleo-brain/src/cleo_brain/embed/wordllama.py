"""The embedder that comes with the extra ``wordllama``: static token vectors, weighted.

Weights and tokenizer are the files of the installed package ``wordllama``, which is not imported:
its loader would ask the network. A text's vector is the sum of its tokens' vectors, frequent tokens
counting less (smooth inverse frequency, Arora et al. 2017); as the vocabulary is in order of
merging, the rank of a token stands for its frequency.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import struct
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from operator import add
from typing import Any

WEIGHTS = "weights/l2_supercat_256.safetensors"
TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
DIMS = 256
VOCABULARY = 32_000
#: Tokens of a text that count.
LONGEST = 512
#: Texts up to which reading single rows beats loading numpy.
FEW = 32
_A = 0.001
_SPECIAL = 258


def weights() -> list[float]:
    """The weight of each token."""
    shares = [1 / (max(token - _SPECIAL, 1) + 2.7) for token in range(VOCABULARY)]
    total = math.fsum(shares)
    return [_A / (_A + share / total) for share in shares]


class Wordllama:
    """``embed`` for texts; files are opened when the first is embedded.

    :raises FileNotFoundError: the package is not installed, or without its files.
    """

    def __init__(self) -> None:
        spec = find_spec("wordllama")
        places = [] if spec is None else list(spec.submodule_search_locations or ())
        if not places:
            raise FileNotFoundError("the package wordllama is not installed")
        self._weights_file = os.path.join(places[0], WEIGHTS)
        # Its threads would not survive a fork, and a few texts need none.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(os.path.join(places[0], TOKENIZER))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST)
        self._weights = weights()
        self._rows: mmap.mmap | None = None
        self._start = 0
        self._table: Any = None

    def embed(self, texts: Sequence[str], *, query: bool = False) -> list[bytes | None]:
        """A vector for each text; None for one without tokens."""
        tokens = [
            encoded.ids
            for encoded in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        ]
        if len(texts) <= FEW and self._table is None:
            return [self._summed(ids) for ids in tokens]
        return self._summed_together(tokens)

    def _summed(self, ids: Sequence[int]) -> bytes | None:
        """One text, its rows read from the file."""
        if not ids:
            return None
        rows = self._file()
        total = [0.0] * DIMS
        for token, times in Counter(ids).items():
            factor = self._weights[token] * times
            row = struct.unpack_from(f"<{DIMS}e", rows, self._start + token * DIMS * 2)
            total = list(map(add, total, [factor * number for number in row]))
        norm = math.hypot(*total)
        return struct.pack(f"<{DIMS}f", *(number / norm for number in total)) if norm else None

    def _summed_together(self, tokens: list[list[int]]) -> list[bytes | None]:
        """Many texts at once."""
        import numpy

        table = self._all()
        found: list[bytes | None] = [None] * len(tokens)
        filled = [index for index, ids in enumerate(tokens) if ids]
        if not filled:
            return found
        sums = numpy.empty((len(filled), DIMS), dtype=numpy.float32)
        ones = numpy.ones(LONGEST, dtype=numpy.float32)
        for place, index in enumerate(filled):
            ids = tokens[index]
            # A product with ones is eight times as fast as numpy.add.reduceat over all texts.
            numpy.dot(ones[: len(ids)], table.take(ids, axis=0), out=sums[place])
        norms = numpy.linalg.norm(sums, axis=1, keepdims=True)
        norms[norms == 0] = 1
        sums = (sums / norms).astype("<f4")
        for index, row in zip(filled, sums, strict=True):
            found[index] = row.tobytes()
        return found

    def _all(self) -> Any:
        """All rows, weighted, as float32."""
        if self._table is None:
            import numpy
            from safetensors.numpy import load_file

            (table,) = load_file(self._weights_file).values()
            factors = numpy.array(self._weights, dtype=numpy.float32)
            self._table = table.astype(numpy.float32) * factors[:, None]
        return self._table

    def _file(self) -> mmap.mmap:
        """The memory-mapped file; https://github.com/huggingface/safetensors says its format."""
        if self._rows is None:
            with open(self._weights_file, "rb") as file:
                self._rows = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            (length,) = struct.unpack_from("<Q", self._rows)
            header = json.loads(self._rows[8 : 8 + length])
            (entry,) = (value for key, value in header.items() if key != "__metadata__")
            if entry["dtype"] != "F16" or entry["shape"] != [VOCABULARY, DIMS]:
                raise ValueError(f"{self._weights_file} holds {entry['dtype']} {entry['shape']}")
            self._start = 8 + length + entry["data_offsets"][0]
        return self._rows
