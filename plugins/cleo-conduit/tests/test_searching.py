"""Search: words in, messages out, never an error."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_conduit.service import searching
from cleo_core.testing import Outcome

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
speakers, refused, execute, value = (
    _post[name] for name in ("speakers", "refused", "execute", "value")
)
disagreements = _post["disagreements"]

Cli = Callable[..., Outcome]
HOSTILE = (
    *("well-known", '"quoted"', '"', "'", "a AND b", "NOT", "OR", "NEAR(a b)", "a*", "*", "col:x"),
    *("(", ")", "a ^b", "{a}", "+a", "-a", "a\0b", "naïve", "🏴‍☠️ pirate", "x" * 10_000, "%", "_"),
    *("\\", "a\\b", "; DROP TABLE messages", "\u202e", "\udcff", "½", "²", "ﬀ", "一二三", "\ufeff"),
)


@pytest.mark.guarantee(
    "conduit-20",
    "Search takes hyphens, quotes, operators, emoji, NUL and 10 000 characters; it finds or finds "
    "nothing, and shows nothing private.",
)
@pytest.mark.parametrize("fts", [True, False], ids=["fts", "like"])
def test_hostile_words_find_or_find_nothing(
    cleo_open: Any, fts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    for text in HOSTILE:
        safe = text.replace("\0", "").encode("utf-8", "ignore").decode()
        if safe:
            ann.send(f"about {safe} here", to=["bob"])
    if not fts:
        monkeypatch.setattr(searching.searching, "has_fts", lambda db: False)
    for text in HOSTILE:
        if not searching.terms_of(text):
            assert refused(lambda text=text: bob.search(text)).exit == 2
            continue
        found, page = bob.search(text)
        assert found.arm == ("fts" if fts else "like")
        assert page.total >= len(found.hits)
    for text in ("well-known", "quoted", "naive" if fts else "naïve", "一二三", "pirate"):
        found, _ = bob.search(text)
        assert len(found.hits) >= 1, text
    assert bob.search("abou* well-known")[1].total == 1
    assert bob.search("about %")[1].total == bob.search("about")[1].total
    assert refused(lambda: bob.search("")).exit == 2


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=60))
def test_any_text_is_searched_for(cleo_open: Any, text: str) -> None:
    (ann,) = speakers(cleo_open, "ann")
    if searching.terms_of(text):
        ann.search(text)
    else:
        assert refused(lambda: ann.search(text)).exit == 2


def test_the_best_comes_first_and_filters_hold(cleo_open: Any) -> None:
    ann, bob, cem = speakers(cleo_open, "ann", "bob", "cem")
    ann.send("parser " + "word " * 200, to=["bob"])
    best = ann.send("parser parser", to=["bob"])
    other = cem.send("parser parser", to=["bob"])
    hits, page = bob.search("PARSER")
    assert [one.seq for one in hits.hits[:2]] == [other.seq, best.seq]
    assert (page.total, "[parser]" in hits.hits[0].snippet) == (3, True)
    assert [one.from_ for one in bob.search("parser", sender="cem")[0].hits] == ["cem"]
    assert bob.search("parser", conversation=best.conversation_id)[1].total == 2
    assert [one.seq for one in bob.search("parser", limit=1, offset=1)[0].hits] == [best.seq]
    assert cem.search("parser")[1].total == 1


@pytest.mark.guarantee(
    "conduit-20",
    "Confirming mail leaves the search index untouched; VACUUM and an interrupted rebuild keep it "
    "right.",
)
def test_the_index_stays_right(cleo_open: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    ids = [ann.send(f"number {n}", to=["bob"]).id for n in range(5)]
    index = "SELECT id, block FROM messages_fts_data ORDER BY id"
    before = execute(index)
    bob.poll(deliver=True)
    bob.ack(*ids)
    assert execute(index) == before
    ann.redact(ids[0])
    execute("VACUUM")
    assert disagreements() == []
    assert [one.id for one in bob.search("number")[0].hits] == ids[:0:-1]
    before = execute(index)
    with ann.app.dry_running():
        ann.reindex()
    assert execute(index) == before
    execute("INSERT INTO messages_fts (messages_fts) VALUES ('delete-all')")
    assert bob.search("number")[0].hits == []
    assert ann.reindex() == 5
    assert bob.search("number")[1].total == 4
