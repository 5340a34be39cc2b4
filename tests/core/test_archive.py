"""Archives of rows that are pruned, whatever store they come from."""

from __future__ import annotations

import errno
import gzip
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cleo_core.archive import archive_and_delete
from cleo_core.errors import CleoError

ROWS = [{"id": number, "text": f"é\n{number}"} for number in range(1, 4)]


def gone(count: int = len(ROWS)) -> Callable[[], int]:
    return lambda: count


def read(path: str) -> list[Any]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in (directory / "backups" / "logs").iterdir())


def test_an_archive_holds_the_rows_and_is_private(tmp_path: Path) -> None:
    path = archive_and_delete(str(tmp_path), "x-audit-1-3", ROWS, gone(), expected=3)
    assert path == str(tmp_path / "backups" / "logs" / "x-audit-1-3-1.jsonl.gz")
    assert read(path) == ROWS
    assert Path(path).stat().st_mode & 0o777 == 0o600
    assert Path(path).parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.guarantee("operations-33", "An archive that is there is never written over.")
def test_the_same_name_twice_makes_two_archives(tmp_path: Path) -> None:
    for _ in range(3):
        archive_and_delete(str(tmp_path), "x", ROWS, gone(), expected=3)
    assert names(tmp_path) == ["x-1.jsonl.gz", "x-2.jsonl.gz", "x-3.jsonl.gz"]


def test_the_rows_are_deleted_only_when_the_archive_is_there(tmp_path: Path) -> None:
    seen: list[list[Any]] = []

    def delete() -> int:
        seen.append(read(str(tmp_path / "backups" / "logs" / "x-1.jsonl.gz")))
        return 3

    archive_and_delete(str(tmp_path), "x", ROWS, delete, expected=3)
    assert seen == [ROWS]


def broken(error: Exception) -> Iterator[Any]:
    yield ROWS[0]
    raise error


@pytest.mark.guarantee("operations-33", "An archive that cannot be written keeps the rows.")
@pytest.mark.parametrize(
    ("rows", "expected", "cause"),
    [
        (ROWS[:2], 3, None),
        (ROWS, 2, None),
        (broken(OSError(errno.EIO, "the disk is gone")), 3, "E_IO"),
        (broken(OSError(errno.ENOSPC, "no space")), 3, "E_DISK_FULL"),
        (broken(CleoError("E_STORE_CORRUPT", "damaged")), 3, "E_STORE_CORRUPT"),
    ],
)
def test_what_cannot_be_archived_is_not_deleted(
    tmp_path: Path, rows: Any, expected: int, cause: str | None
) -> None:
    def delete() -> int:
        raise AssertionError("rows were deleted without an archive")

    with pytest.raises(CleoError) as error:
        archive_and_delete(str(tmp_path), "x", rows, delete, expected=expected)
    assert (error.value.code, error.value.exit) == ("E_ARCHIVE_FAILED", 60)
    assert error.value.details["path"] is None
    if cause is not None:
        assert error.value.details["cause"] == cause
    assert names(tmp_path) == []


def test_a_deletion_that_fails_leaves_the_archive_and_says_so(tmp_path: Path) -> None:
    def delete() -> int:
        raise CleoError("E_WRITE_CONTENTION", "Others were writing.")

    for failing, cause in ((delete, "E_WRITE_CONTENTION"), (gone(2), "E_ARCHIVE_FAILED")):
        with pytest.raises(CleoError) as error:
            archive_and_delete(str(tmp_path), "x", ROWS, failing, expected=3)
        assert error.value.code == "E_ARCHIVE_FAILED"
        assert error.value.details["cause"] == cause
        assert read(error.value.details["path"]) == ROWS


def test_a_kill_leaves_no_file_with_the_name_of_an_archive(tmp_path: Path) -> None:
    def interrupted() -> Iterator[Any]:
        yield ROWS[0]
        assert all(name.startswith(".") for name in names(tmp_path))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        archive_and_delete(str(tmp_path), "x", interrupted(), gone(), expected=3)
    assert names(tmp_path) == []


@pytest.mark.parametrize("code", ["EPERM", "ENOTSUP", "EMLINK", "ENOSYS"])
def test_without_hard_links_no_archive_is_written_over_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    def refused(*_: Any) -> None:
        raise OSError(getattr(errno, code), "no links here")

    monkeypatch.setattr(os, "link", refused)
    for _ in range(2):
        assert read(archive_and_delete(str(tmp_path), "x", ROWS, gone(), expected=3)) == ROWS
    assert names(tmp_path) == ["x-1.jsonl.gz", "x-2.jsonl.gz"]
