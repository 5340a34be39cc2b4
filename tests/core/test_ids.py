"""Ids that are made here have the form of UUIDs, and those with a time begin with it."""

from __future__ import annotations

from uuid import UUID

from cleo_core.ids import new_id, ordered_id
from cleo_core.testing.fixtures import Clock


def test_ids_are_uuids_of_their_version() -> None:
    for make, version in ((new_id, 4), (ordered_id, 7)):
        made = {make() for _ in range(200)}
        assert len(made) == 200
        for text in made:
            assert str(UUID(text)) == text
            assert (UUID(text).version, UUID(text).variant) == (version, UUID(new_id()).variant)


def test_ordered_ids_begin_with_the_milliseconds_of_the_clock(cleo_clock: Clock) -> None:
    first = ordered_id()
    cleo_clock.advance(0.002)
    second = ordered_id()
    assert first < second
    assert UUID(second).int >> 80 == int(cleo_clock.now * 1000)
