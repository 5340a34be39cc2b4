"""What an embedder is, as data, and the one that comes with this plugin."""

from __future__ import annotations

from cleo_core.api import Declared
from cleo_core.api.records import record

#: The embedder that comes with the extra ``wordllama``.
WORDLLAMA = "wordllama/l2_supercat_256/sif1"


@record
class EmbedderSpec(Declared):
    """One embedder, as data.

    ``target`` is called without arguments and gives an object with
    ``embed(texts, *, query=False) -> list[bytes | None]``: for each text a vector of ``dims``
    little-endian float32 of unit length, or None where it has nothing to embed.

    :param model_id: names the model and whatever else decides what the vectors are.
    :param dims: length of the vectors, a multiple of 64 from 64 to 4096.
    :param target: ``module:attr``, imported when the first text is embedded.
    :param weight: of the vector arm beside the lexical one.
    :param floor: least cosine at which a hit by vector alone counts.
    :param order: the lowest one that can run is taken.
    :param requires: modules that must be found for it to run; they are not imported to find out.
    """

    model_id: str
    dims: int
    target: str
    weight: float = 0.7
    floor: float = 0.3
    order: int = 100
    requires: tuple[str, ...] = ()


OURS = EmbedderSpec(
    WORDLLAMA,
    256,
    "cleo_brain.embed.wordllama:Wordllama",
    requires=("wordllama", "tokenizers", "safetensors", "numpy"),
)
