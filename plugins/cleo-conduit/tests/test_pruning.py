"""Pruning works a little at a time, so that nobody waits long for the store."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from cleo_conduit.service import pruning

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
speakers, execute, value = _post["speakers"], _post["execute"], _post["value"]
AT, uuid, lease = _post["AT"], _post["uuid"], _post["lease"]
COUNTS = {
    "leases": "SELECT count(*) FROM leases",
    "documents": "SELECT count(*) FROM attachments",
    "blobs": "SELECT count(*) FROM attachment_blobs",
}


@pytest.mark.guarantee(
    "conduit-01", "Pruning removes no more than some hundreds of rows of one kind at a time."
)
def test_prune_removes_a_little_in_each_unit(
    cleo_open: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "BATCH", 2)
    ann, _ = speakers(cleo_open, "ann", "bob")
    documents = ann.app.service("documents")
    for number in range(5):
        documents.create(f"text {number}", slug=f"doc-{number}")
    ended = "2026-01-02T00:00:00.000Z"
    execute(
        *(
            lease(number, expires_at=ended, released_at=ended, release_kind="expired")
            for number in range(31, 34)
        ),
        *(lease(number, expires_at=ended) for number in range(34, 36)),
        f"UPDATE attachments SET expires_at = '{ended}'",
    )
    monkeypatch.setattr(ann.app, "dry_run", True)
    preview = ann.prune()
    assert (preview.leases, preview.documents) == (5, 5), "all of it, though nothing goes"
    assert [value(sql) for sql in COUNTS.values()] == [5, 5, 5]
    monkeypatch.setattr(ann.app, "dry_run", False)
    left: list[list[int]] = []
    plain = ann.app.write

    def write(store: str, body: Any) -> Any:
        done = plain(store, body)
        left.append([value(sql) for sql in COUNTS.values()])
        return done

    monkeypatch.setattr(ann.app, "write", write)
    done = ann.prune()
    assert (done.leases, done.documents, done.blobs) == (5, 5, 5)
    assert left[-1] == [0, 0, 0]
    for before, after in zip([[5, 5, 5], *left], left, strict=False):
        assert all(one - two <= 2 for one, two in zip(before, after, strict=True))
