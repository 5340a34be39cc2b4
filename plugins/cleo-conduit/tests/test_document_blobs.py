"""Stored contents: packed, unpacked, and refused where they are not what was stored."""

from __future__ import annotations

import hashlib
import runpy
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleo_conduit.service.documents import contents, health
from cleo_core.database import connect_for_copy

_shared = runpy.run_path(str(Path(__file__).with_name("shared_documents.py")))
Room, refused, PLAN = (_shared[name] for name in ("Room", "refused", "PLAN"))
execute = _shared["post"]["execute"]


@pytest.fixture
def room(cleo_open: Callable[..., Any]) -> Any:
    return Room(cleo_open)


def spoil(hash_: str, **columns: Any) -> None:
    """Write other values into a blob's row, as a fault of a disk would."""
    connection = connect_for_copy(".cleo/conduit.db")
    names = ", ".join(f"{name} = :{name}" for name in columns)
    connection.execute(
        f"UPDATE attachment_blobs SET {names} WHERE hash = :hash", {**columns, "hash": hash_}
    )
    connection.commit()
    connection.close()


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300) | st.sampled_from((b"x" * 5000, b"\0" * 100_000)))
def test_what_is_packed_comes_out_again(data: bytes) -> None:
    packed = contents.pack(data)
    row = {
        **packed._asdict(),
        "compressed_size": len(packed.content),
    }
    assert contents._unpacked(row) == data
    assert packed.codec == "raw" or len(packed.content) <= 0.9 * len(data)


PLAIN = PLAN.encode()
SMALL = zlib.compress(PLAIN)
STORED = zlib.compress(PLAIN, 0)


@pytest.mark.guarantee(
    "conduit-23",
    "Stored content of a wrong length, with anything behind its end or of a wrong hash is refused "
    "with exit 53, and none of it is given back.",
)
@pytest.mark.parametrize(
    "columns",
    [
        {"content": SMALL[:-1]},
        {"content": SMALL[:40]},
        {"content": b""},
        {"content": SMALL + b"x"},
        {"content": SMALL + SMALL},
        {"content": b"\0" + SMALL[1:]},
        {"content": PLAIN, "codec": "raw", "original_size": len(PLAIN) + 1},
        {"content": PLAIN[:-1] + b"x", "codec": "raw"},
        {"content": zlib.compress(PLAIN[:-1] + b"x")},
        {"content": zlib.compress(PLAIN + b"x")},
        {"content": zlib.compress(PLAIN[:-1])},
        {"original_size": len(PLAIN) - 1},
        {"original_size": len(PLAIN) + 1},
        {"original_size": -1},
        {"original_size": 2**40},
        {"compressed_size": 3},
        {"codec": "raw"},
        {"content": bytes(contents.MOST_BYTES + 1), "codec": "raw"},
    ],
    ids=lambda columns: " ".join(columns),
)
def test_a_damaged_content_is_refused(room: Any, columns: dict[str, Any]) -> None:
    slug = room.ann.create(PLAN).slug
    sound = room.ann.create("sound\n").slug
    hash_ = hashlib.sha256(PLAIN).hexdigest()
    if "content" in columns:
        columns = {"compressed_size": len(columns["content"]), **columns}
    spoil(hash_, **columns)
    for call in (
        lambda: room.ann.show(slug),
        lambda: room.ann.diff(slug),
        lambda: room.ann.export(slug, "x.md"),
    ):
        error = refused(call, 53)
        assert (error.code, error.details) == ("E_CORRUPT_BLOB", {"hash": hash_})
        assert "Step" not in error.message
    assert not Path("x.md").exists()
    assert room.ann.show(sound).content == "sound\n"
    found = health.check_blobs(room.app("ann"), deep=True)
    assert (found.status, found.details["hashes"], found.details["checked"]) == (
        "error",
        [hash_],
        2,
    )


def test_a_damaged_version_is_replaced_by_the_next_one(room: Any) -> None:
    slug = room.ann.create(PLAN).slug
    spoil(hashlib.sha256(PLAIN).hexdigest(), content=b"x", compressed_size=1)
    done = room.ann.edit(slug, PLAN + "more\n", if_version=1)
    assert done.version.change_type == "full_replace"
    assert "W_CORRUPT_BASE" in [one["code"] for one in room.app("ann").warnings]
    assert room.ann.show(slug).content == PLAN + "more\n"
    refused(lambda: room.ann.show(slug, version=1), 53)


def test_a_damaged_content_becomes_whole_when_it_is_given_again(room: Any) -> None:
    slug = room.ann.create(PLAN).slug
    spoil(hashlib.sha256(PLAIN).hexdigest(), content=b"x", compressed_size=1)
    room.bob.create(PLAN)
    assert room.ann.show(slug).content == PLAN
    assert health.check_blobs(room.app("ann"), deep=True).status == "ok"


def zeros(mebibytes: int) -> bytes:
    """A compressed stream of so many zeros, put together from equal pieces."""
    squeezer, block = zlib.compressobj(9), bytes(2**20)
    first, piece = (squeezer.compress(block) + squeezer.flush(zlib.Z_FULL_FLUSH) for _ in "ab")
    # Its checksum: both sums begin with nothing but the one, which is added once for each byte.
    checksum = (mebibytes * 2**20 % 65521) << 16 | 1
    end = squeezer.flush()[:-4] + checksum.to_bytes(4, "big")
    return first + piece * (mebibytes - 1) + end


def test_the_stream_of_zeros_is_one() -> None:
    assert zlib.decompress(zeros(3)) == bytes(3 * 2**20)


#: Warm up, allow 64 MiB more, show that this is a limit, then read the blown-up document.
_BOUNDED = """
import resource, sys, zlib
from cleo_core.app import open_app
from cleo_core.errors import CleoError
app = open_app(agent="ann")
documents = app.service("documents")
assert documents.show("sound").content == "sound\\n"
with open("/proc/self/statm") as file:
    pages = int(file.read().split()[0])
most = pages * resource.getpagesize() + 64 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (most, most))
try:
    bytearray(65 * 2**20)
except MemoryError:
    pass
else:
    sys.exit("there is no limit")
for slug in ("bomb", "most", "liar"):
    try:
        documents.show(slug)
    except CleoError as error:
        print(slug, error.exit, error.code)
"""


@pytest.mark.guarantee(
    "conduit-23",
    "A document of 1 KiB whose stored content would inflate to 1 GiB is refused within 64 MiB of "
    "memory.",
)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux for its memory")
def test_a_content_that_would_fill_the_memory_is_refused(room: Any) -> None:
    bomb = zeros(1024)
    assert len(bomb) < 2 * 2**20
    room.ann.create("sound\n", slug="sound")
    for slug, size in (("bomb", 1024), ("most", contents.MOST_BYTES), ("liar", 2**30)):
        text = f"{slug}\n" * 200
        room.ann.create(text, slug=slug)
        hash_ = hashlib.sha256(text.encode()).hexdigest()
        spoil(hash_, content=bomb, compressed_size=len(bomb), original_size=size)
    done = subprocess.run(
        [sys.executable, "-c", _BOUNDED], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "bomb 53 E_CORRUPT_BLOB\nmost 53 E_CORRUPT_BLOB\nliar 53 E_CORRUPT_BLOB\n",
        "",
    )


def test_health_looks_at_a_sample_and_deep_at_all(
    room: Any, cleo_cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = room.app("ann")
    for number in range(4):
        room.ann.create(f"{number}\n")
    monkeypatch.setattr(health, "SAMPLE", 3)
    found = health.check_blobs(app)
    assert (found.status, found.details) == ("ok", {"stored": 4, "checked": 3, "orphans": 0})
    assert health.check_blobs(app, deep=True).details["checked"] == 4
    spoil(hashlib.sha256(b"2\n").hexdigest(), content=b"3\n")
    outcome = cleo_cli("doctor", "--only", "conduit.blobs", "--deep", "--json")
    (check,) = outcome.error["details"]["checks"]
    assert (check["status"], check["details"]["count"]) == ("error", 1)
    assert check["fix"] == "cleo doc list"


def test_health_has_nothing_to_say_without_a_file(cleo_project: Path, cleo_open: Any) -> None:
    app = cleo_open()
    for path in (cleo_project / ".cleo").glob("conduit.db*"):
        path.unlink()
    assert health.check_blobs(app).status == "ok"
