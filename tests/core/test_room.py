"""How much of an answer its client may still hear."""

from __future__ import annotations

from proxy.core.room import Room


def test_text_that_fits_passes_and_takes_its_room() -> None:
    room = Room(5)
    assert room.cut("four") == "four"
    assert (room.left, room.is_full) == (1, False)


def test_text_that_takes_all_the_room_does_not_fill_it_up() -> None:
    room = Room(4)
    assert room.cut("four") == "four"
    assert not room.is_full
    assert room.cut("") == ""
    assert not room.is_full


def test_text_beyond_the_room_is_cut_and_ends_the_turn() -> None:
    room = Room(2)
    assert room.cut("four") == "fo"
    assert (room.left, room.is_full) == (0, True)
