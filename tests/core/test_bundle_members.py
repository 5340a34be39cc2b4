"""The members of a bundle and its manifest: what is not exactly as it is written is refused."""

from __future__ import annotations

import copy
import gzip
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleo_core.backup_sets import manifest_hash
from cleo_core.bundle.manifest import LARGEST, MOST_ITEMS, member_name, parsed
from cleo_core.bundle.members import Unpacker, packing
from cleo_core.errors import CleoError

FILES = {"project/a.db": b"alpha" * 200, "project/b": b"", "global/c.db": b"x" * 512}


def packed(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with packing(file) as packer:
        for name, content in files.items():
            packer.add(name, len(content), io.BytesIO(content))
    return file.getvalue()


def unpacked(data: bytes, files: dict[str, bytes]) -> dict[str, bytes]:
    unpacker = Unpacker(io.BytesIO(data))
    found = {}
    for name, content in files.items():
        sink = io.BytesIO()
        unpacker.member(name, len(content), sink)
        found[name] = sink.getvalue()
    unpacker.end()
    return found


def refused(data: bytes, files: dict[str, bytes] = FILES) -> None:
    with pytest.raises(CleoError) as caught:
        unpacked(data, files)
    assert (caught.value.code, caught.value.exit) == ("E_BUNDLE_INVALID", 67)


def tarred(*members: tarfile.TarInfo | tuple[str, bytes], **options: Any) -> bytes:
    """A tar as anybody could make it."""
    file = io.BytesIO()
    with tarfile.open(
        fileobj=file, mode="w:gz", **{"format": tarfile.GNU_FORMAT, **options}
    ) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member, io.BytesIO(bytes(member.size)))
            else:
                info = tarfile.TarInfo(member[0])
                info.size, info.mode = len(member[1]), 0o600
                tar.addfile(info, io.BytesIO(member[1]))
    return file.getvalue()


def special(type_: bytes, **attributes: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo("project/b")
    info.type, info.mode = type_, 0o600
    for name, value in attributes.items():
        setattr(info, name, value)
    return info


def test_what_was_packed_comes_back_and_any_tar_can_read_it() -> None:
    data = packed(FILES)
    assert unpacked(data, FILES) == FILES
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member, (name, content) in zip(tar, FILES.items(), strict=True):
            assert (member.name, member.mode, member.uid, member.mtime) == (name, 0o600, 0, 0)
            stream = tar.extractfile(member)
            assert stream is not None
            assert stream.read() == content


def test_packing_the_same_twice_gives_the_same_bytes() -> None:
    assert packed(FILES) == packed(FILES)


def test_a_source_that_ends_too_early_is_no_member() -> None:
    with pytest.raises(EOFError), packing(io.BytesIO()) as packer:
        packer.add("project/a", 10, io.BytesIO(b"short"))


@settings(max_examples=60)
@given(st.dictionaries(st.from_regex(r"project/[a-z]{1,20}", fullmatch=True), st.binary()))
def test_any_members_come_back(files: dict[str, bytes]) -> None:
    assert unpacked(packed(files), files) == files


@pytest.mark.guarantee(
    "operations-25",
    "A bundle with a link, a path, a member too many or one too few is refused, and nothing of it "
    "is written.",
)
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no gzip at all", id="no gzip"),
        pytest.param(gzip.compress(b"no tar at all"), id="no tar"),
        pytest.param(gzip.compress(bytes(1024)), id="no members"),
        pytest.param(packed(dict(list(FILES.items())[:2])), id="missing"),
        pytest.param(packed({**FILES, "project/more": b""}), id="extra"),
        pytest.param(packed(dict(reversed(FILES.items()))), id="other order"),
        pytest.param(packed({**FILES, "project/a.db": b"alpha" * 201}), id="longer"),
        pytest.param(packed({**FILES, "project/a.db": b"alpha" * 199}), id="shorter"),
        pytest.param(packed(FILES) + packed(FILES), id="two archives"),
        pytest.param(packed(FILES) + b"behind", id="something behind"),
        pytest.param(packed(FILES)[:-1], id="cut by a byte"),
        pytest.param(packed(FILES)[:-20], id="cut by twenty"),
        pytest.param(tarred(*FILES.items(), ("project/b", b"")), id="doubled"),
        *(
            pytest.param(tarred(("project/a.db", FILES["project/a.db"]), one), id=id_)
            for id_, one in {
                "symbolic link": special(tarfile.SYMTYPE, linkname="/etc/passwd"),
                "hard link": special(tarfile.LNKTYPE, linkname="project/a.db"),
                "directory": special(tarfile.DIRTYPE),
                "pipe": special(tarfile.FIFOTYPE),
                "device": special(tarfile.CHRTYPE, devmajor=1, devminor=5),
                "contiguous": special(tarfile.CONTTYPE),
                "old type": special(tarfile.AREGTYPE),
                "sparse": special(tarfile.GNUTYPE_SPARSE),
                "unknown type": special(b"Z"),
                "parent": special(tarfile.REGTYPE, name="../b"),
                "parent inside": special(tarfile.REGTYPE, name="project/../b"),
                "absolute": special(tarfile.REGTYPE, name="/project/b"),
                "long name": special(tarfile.REGTYPE, name="project/" + "b" * 300),
                "executable": special(tarfile.REGTYPE, mode=0o755),
                "set user id": special(tarfile.REGTYPE, mode=0o4600),
                "an owner": special(tarfile.REGTYPE, uid=1000),
                "an owner's name": special(tarfile.REGTYPE, uname="root"),
            }.items()
        ),
        pytest.param(
            tarred(*FILES.items(), format=tarfile.PAX_FORMAT, pax_headers={"path": "../x"}),
            id="extended header",
        ),
    ],
)
def test_whatever_else_a_tar_may_hold_is_refused(data: bytes) -> None:
    refused(data)


@settings(max_examples=150)
@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_changes_nothing(place: int, bit: int) -> None:
    changed = bytearray(packed(FILES))
    changed[place % len(changed)] ^= 1 << bit
    try:
        found = unpacked(bytes(changed), FILES)
    except CleoError as error:
        found, exit_code = FILES, error.exit
    else:
        exit_code = 67
    # The time in the head of gzip, for one, means nothing.
    assert (found, exit_code) == (FILES, 67)


@settings(max_examples=100)
@given(st.binary(max_size=2000))
def test_no_bytes_whatsoever_are_answered_with_anything_but_the_refusal(noise: bytes) -> None:
    refused(noise)
    refused(gzip.compress(noise))


@settings(max_examples=100)
@given(block=st.binary(min_size=512, max_size=512))
def test_no_head_of_a_member_is_answered_with_anything_but_the_refusal(block: bytes) -> None:
    checked = bytearray(block)
    checked[148:156] = b" " * 8
    checked[148:156] = b"%06o\0 " % sum(checked)
    refused(gzip.compress(bytes(checked) + bytes(2048)))


BOMB = """
import gzip, io, resource, sys, tarfile
from cleo_core.bundle.container import derive, new_header
from cleo_core.bundle.members import LARGEST_MANIFEST, Unpacker
from cleo_core.errors import CleoError

zeros = gzip.compress(bytes(1 << 26), 1) * 9

class Endless:
    def __init__(self):
        info = tarfile.TarInfo("manifest.json")
        info.size, info.mode = 8 << 30, 0o600
        head = gzip.compress(info.tobuf(tarfile.GNU_FORMAT))
        self.file = io.BytesIO(head + zeros)
    def read(self, size):
        return self.file.read(size)

for attempt in (
    lambda: Unpacker(Endless()).text("manifest.json", LARGEST_MANIFEST),
    lambda: Unpacker(Endless()).member("manifest.json", 8 << 30, io.FileIO("/dev/null", "w")),
):
    try:
        attempt()
    except CleoError as error:
        assert error.exit == 67, error
    else:
        raise AssertionError("it was accepted")
derive(new_header()._replace(log_n=18), "twelve letters")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.guarantee(
    "operations-25", "No bundle makes an import use half a gigabyte of memory, packed or derived."
)
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
def test_the_worst_that_is_accepted_stays_below_512_mib() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOMB], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 512 * 1024


ITEM = {
    "name": "tasks",
    "kind": "store",
    "store": "tasks",
    "tier": "project",
    "file": "project/tasks.db",
    "bytes": 4096,
    "sha256": "0" * 64,
    "applicationId": 1,
    "revision": "tasks_0001",
    "rowCounts": {"tasks": 3},
}
MANIFEST: dict[str, Any] = {
    "format": 1,
    "scope": "project",
    "setId": "a" * 32,
    "sequence": 1,
    "tier": "project",
    "reason": "export",
    "note": "",
    "createdAt": "2026-01-01T00:00:00.000Z",
    "complete": True,
    "core": "0.1.0",
    "plugins": {"tasks": "0.1.0"},
    "project": {"id": "p-1", "name": "one"},
    "machineFingerprint": None,
    "items": [ITEM],
    "failed": [],
}


def signed(data: dict[str, Any]) -> bytes:
    return json.dumps({**data, "manifestSha256": manifest_hash(data)}).encode()


def test_a_manifest_is_read_as_it_was_written() -> None:
    found = parsed(signed(MANIFEST))
    assert (found.scope, found.tiers, found.members[0].rows) == ("project", ("project",), 3)


Change = Callable[[dict[str, Any]], None]


def setting(key: str, value: Any) -> Change:
    return lambda data: data.__setitem__(key, value)


def item(**changes: Any) -> Change:
    return lambda data: data["items"][0].update(changes)


@pytest.mark.guarantee(
    "operations-25", "A manifest that was changed, or lists what lies elsewhere, is refused."
)
@pytest.mark.parametrize(
    "change",
    [
        setting("format", 2),
        setting("format", True),
        setting("scope", "everything"),
        setting("scope", ["project"]),
        setting("scope", "global"),
        setting("createdAt", "yesterday"),
        setting("note", 7),
        setting("note", "x" * 100_000),
        setting("project", None),
        setting("project", {"id": "", "name": "one"}),
        setting("project", {"id": 5, "name": "one"}),
        setting("machineFingerprint", "not hex"),
        setting("complete", "yes"),
        setting("failed", None),
        setting("plugins", []),
        setting("items", {}),
        setting("items", [ITEM] * (MOST_ITEMS + 1)),
        setting("items", [ITEM, ITEM]),
        setting("items", [ITEM, {**ITEM, "file": "project/other.db"}]),
        setting("items", [ITEM, {**ITEM, "name": "b", "store": "b", "file": "project/TASKS.db"}]),
        setting("items", ["a"]),
        *(
            item(file=file)
            for file in (
                *("tasks.db", "../tasks.db", "project/../tasks.db", "/project/tasks.db"),
                *("project/", "project/.hidden", "project/a/b", "global/tasks.db", ""),
                *("project/a\x00b", "project/\u00e4", "project/" + "a" * 81, None),
            )
        ),
        *(item(bytes=size) for size in (-1, LARGEST + 1, 1.5, True, "4096", None)),
        *(item(sha256=text) for text in ("", "0" * 63, "G" * 64, None)),
        *(item(tier=tier) for tier in ("global", "other", None)),
        item(kind="program"),
        item(store="brain"),
        item(revision=7),
        item(rowCounts={"tasks": -1}),
        item(rowCounts={"tasks": True}),
        item(rowCounts=[1]),
        item(name=None),
    ],
)
def test_a_manifest_that_says_what_none_may_say_is_refused(change: Change) -> None:
    data = copy.deepcopy(MANIFEST)
    change(data)
    with pytest.raises(CleoError) as caught:
        parsed(signed(data))
    assert caught.value.exit == 67


def test_members_of_more_than_the_limit_together_are_refused() -> None:
    data = copy.deepcopy(MANIFEST)
    data["items"] = [
        {**ITEM, "name": name, "store": name, "file": f"project/{name}", "bytes": LARGEST // 2 + 1}
        for name in "ab"
    ]
    with pytest.raises(CleoError) as caught:
        parsed(signed(data))
    assert "64 GiB" in str(caught.value)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"format": NaN}',
        b'{"format": ' + b"9" * 5000 + b"}",
        signed(MANIFEST).replace(b"tasks_0001", b"tasks_0002"),
        signed({**MANIFEST, "note": "\ud800"}),
    ],
)
def test_what_is_no_manifest_is_refused(raw: bytes) -> None:
    with pytest.raises(CleoError) as caught:
        parsed(raw)
    assert caught.value.exit == 67


def test_a_file_with_a_name_that_no_member_may_have_gets_a_number() -> None:
    assert member_name("project", "tasks.db", 3) == "project/tasks.db"
    for name in ("a b.db", "\u00e4.db", ".hidden", "x" * 200, "manifest.json"):
        assert member_name("project", name, 3) == "project/item-3"
