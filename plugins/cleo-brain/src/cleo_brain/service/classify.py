"""What type an observation is of, where nobody says."""

from __future__ import annotations

import re

#: In order: the first type one of whose words stands in the text as a whole word.
_WORDS = {
    "bugfix": "bug bugs fix fixes fixed error errors crash crashed",
    "refactor": "refactor refactored rename renamed extract extracted move moved",
    "feature": "add adds added create created implement implemented new",
    "decision": "decide decided chose chosen picked instead",
    "change": "update updated change changed modify modified upgrade upgraded",
}
_TYPE = {word: type_ for type_, words in _WORDS.items() for word in words.split()}
_WORD = r"\w+"


def observation_type(*texts: str) -> str:
    """The type that the words of title and text speak of, else ``discovery``."""
    words = set(re.findall(_WORD, "\n".join(texts).lower()))
    found = {_TYPE[word] for word in words & _TYPE.keys()}
    return next((type_ for type_ in _WORDS if type_ in found), "discovery")
