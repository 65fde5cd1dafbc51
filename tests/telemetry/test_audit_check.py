from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.telemetry.audit_chain import BEGINNING, End, hash_of, line_after, read_link
from tests.telemetry.audit_samples import chain, checked, faults

LINES = chain(6)
places = st.integers(0, len(LINES) - 1)


def test_a_whole_chain_has_no_fault_and_tells_of_its_ends() -> None:
    check = checked(LINES[:2], [], LINES[2:], holds=[hash_of(LINES[3])])
    assert not check.faults
    assert (check.lines, check.numbers, check.missing) == (6, (1, 6), set())
    assert check.times == ("2026-11-26T07:30:01.000Z", "2026-11-26T07:30:06.000Z")
    assert check.end.hash == hash_of(LINES[5])


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (LINES[1:], ["file1:1 number 1 is missing before it"]),
        (LINES[3:], ["file1:1 numbers 1 to 3 are missing before it"]),
        ([*LINES[:2], *LINES[3:]], ["file1:3 number 3 is missing before it"]),
        ([*LINES[:2], LINES[5]], ["file1:3 numbers 3 to 5 are missing before it"]),
        (
            [LINES[0], LINES[1].replace(b"07", b"08"), *LINES[2:]],
            ["file1:3 it does not follow from number 2: one of them was changed"],
        ),
        (
            [LINES[0], LINES[1][:40] + b"\n", *LINES[2:]],
            [
                "file1:2 it is cut off, or no line of an audit",
                "file1:3 it does not follow from number 2: one of them was changed",
            ],
        ),
        ([*LINES[:5], LINES[5][:-1]], ["file1:6 it is cut off"]),
        ([*LINES, LINES[2]], ["file1:7 number 3 stands after number 6"]),
        (
            [LINES[0].replace(b"00", b"01", 1), *LINES[1:]],
            [
                "file1:1 it is number 1, but follows another line",
                "file1:2 it does not follow from number 1: one of them was changed",
            ],
        ),
    ],
)
def test_a_fault_is_told_with_its_place(lines: list[bytes], found: list[str]) -> None:
    assert faults(lines) == found


def test_a_line_that_the_proxy_found_cut_off_and_closed_is_one_fault() -> None:
    cut = LINES[2][:50] + b"\n"
    line, end = line_after(End(3, hash_of(cut)), b'{"time":"x","event":"cut_off"}')
    assert faults([*LINES[:2], cut, line, *chain(2, end)]) == [
        "file1:3 it is cut off, or no line of an audit"
    ]


def test_lines_that_the_proxy_says_it_lost_are_a_fault() -> None:
    line, end = line_after(BEGINNING, b'{"event":"lost","lines":1234}')
    assert faults([line, *chain(2, end)]) == [
        "file1:1 the proxy could not write 1,234 of the lines before it"
    ]
    line, _ = line_after(BEGINNING, b'{"event":"lost","lines":"\\u001b"}')
    assert "write some of" in faults([line])[0]


def test_a_chain_may_begin_after_a_hash_that_was_noted() -> None:
    assert not faults(LINES[3:], after=hash_of(LINES[2]))
    unlike = "it does not follow from the hash of --after"
    assert faults(LINES[3:], after=hash_of(LINES[1])) == [f"file1:1 {unlike}"]
    assert faults(LINES, after=hash_of(LINES[1])) == [f"file1:1 {unlike}"]


def test_files_whose_chains_do_not_meet_are_told_of() -> None:
    assert faults(LINES[:2], LINES[3:]) == ["file2:1 number 3 is missing before it"]
    assert faults(LINES, chain(2)) == ["file2:1 number 1 stands after number 6"]


def test_a_time_is_told_only_if_it_is_one() -> None:
    line, _ = line_after(BEGINNING, b'{"time":"\\u001b[2J"}')
    assert checked([line]).times == ("", "")


@given(st.data())
def test_any_change_of_a_byte_is_found(data: st.DataObject) -> None:
    """In the last line only a noted hash shows it."""
    text = b"".join(LINES)
    place = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda each: each != text[place]))
    changed = text[:place] + bytes([byte]) + text[place + 1 :]
    lines = [each + b"\n" for each in changed.split(b"\n")]
    lines[-1:] = [lines[-1][:-1]] if lines[-1] != b"\n" else []
    check = checked(lines, holds=[hash_of(LINES[-1])])
    assert check.missing or place < len(text) - len(LINES[-1])
    assert check.missing or check.faults


@given(places, places)
def test_any_lines_that_are_taken_out_are_found(first: int, last: int) -> None:
    first, last = min(first, last), max(first, last)
    check = checked([*LINES[:first], *LINES[last + 1 :]], holds=[hash_of(LINES[-1])])
    assert bool(check.missing) == (last == len(LINES) - 1)
    assert check.missing or check.faults


@given(places, places)
def test_any_two_lines_that_change_places_are_found(first: int, second: int) -> None:
    lines = [*LINES]
    lines[first], lines[second] = lines[second], lines[first]
    assert bool(faults(lines)) == (first != second)


@given(st.integers(0, len(LINES)), st.sampled_from([*LINES, b"\n", b"{}\n"]) | st.binary())
def test_any_line_that_is_put_in_is_found(place: int, line: bytes) -> None:
    assert faults([*LINES[:place], line + b"\n" * (not line.endswith(b"\n")), *LINES[place:]])


@given(places, st.integers(0, 1))
def test_a_forged_line_in_the_middle_is_found_however_well_it_is_made(
    place: int, more: int
) -> None:
    """It has the right number and follows its line; but what follows does not follow it."""
    end = BEGINNING if not place else End(place, hash_of(LINES[place - 1]))
    forged, _ = line_after(end, b'{"time":"2026-11-26T07:30:00.000Z","forged":true}')
    lines = [*LINES[:place], forged, *LINES[place + 1 - more :]]
    check = checked(lines, holds=[hash_of(LINES[-1])])
    assert check.faults or check.missing


def test_every_line_of_a_sample_is_one() -> None:
    assert all(map(read_link, LINES))
