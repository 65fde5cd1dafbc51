from proxy.core.text.numbering import Marker
from proxy.core.text.output import Output


def test_a_space_at_the_end_is_held() -> None:
    out = Output()
    out.put("word ")
    assert (out.take(), out.before, out.space, out.holds) == ("word", "word", " ", True)
    out.put("next")
    assert (out.take(), out.holds) == (" next", False)


def test_a_marker_that_is_taken_out_takes_the_space_before_it() -> None:
    out = Output()
    out.put("word ")
    out.take_out_marker(with_space=True)
    out.put(".")
    assert out.take() == "word."


def test_markers_know_their_place_and_stand_in_a_run_once() -> None:
    out = Output()
    out.passing.append("word")
    out.settle()
    out.put(" ")
    out.cite([(1, 7), (2, 8), (1, 9)])
    assert out.take() == " [1][2]"
    out.put(" ")
    out.cite([(2, 8)])
    out.put(" ")
    out.cite([(1, 6)])
    out.put(".")
    out.cite([(1, 5)])
    assert out.take() == ".[1]"
    assert out.markers == [
        Marker(5, 8, 1, (7, 9, 6)),
        Marker(8, 11, 2, (8,)),
        Marker(12, 15, 1, (5,)),
    ]


def test_a_bracket_waits_for_its_link_and_goes_or_stays() -> None:
    out = Output()
    out.open("[")
    out.put("text")
    out.cite([(1, 1)])
    assert (out.take(), out.holds) == ("", True)
    assert out.close(keep=False)
    assert (out.take(), out.holds, out.before) == ("text[1]", False, "text[1]")
    assert out.markers == [Marker(4, 7, 1, (1,))]
    out.open("![")
    assert out.close(keep=True)
    assert out.take() == "!["
    assert not out.close(keep=False)


def test_inner_brackets_close_first() -> None:
    out = Output()
    for text in ("a", "b", "c"):
        out.open("[")
        out.put(text)
    assert out.close(keep=False)
    assert out.close(keep=True)
    assert out.close(keep=False)
    assert out.take() == "a[bc"


def test_a_bracket_waits_no_longer_than_its_line_and_its_bound() -> None:
    out = Output()
    out.open("[")
    out.put("x\n")
    assert out.take() == "[x\n"
    out.open("[")
    out.put("x" * 1_000)
    assert out.take() == "[" + "x" * 1_000


def test_a_bracket_that_goes_leaves_a_seam_where_it_stood() -> None:
    out = Output()
    out.put("htt")
    out.open("[")
    out.put("ps")
    out.close(keep=False)
    out.put("://x")
    assert out.take() == "htt ps://x"


def test_what_stands_on_a_line_tells_whether_it_begins() -> None:
    out = Output()
    seen = []
    for text in ("x", "\n", "> 1. ", "y", "\r", "  "):
        out.put(text)
        seen.append(out.begins_line)
    assert seen == [False, True, True, False, True, True]


def test_an_address_keeps_apart_from_what_comes_to_stand_after_it() -> None:
    out = Output()
    out.put("https://a/b")
    out.ends_address = True
    out.put(".")
    out.seam()
    out.put("c")
    assert out.take() == "https://a/b. c"


def test_a_removed_link_takes_no_destination_and_defines_none() -> None:
    out = Output()
    out.put_link_removed()
    out.put("(x)\n")
    out.put_link_removed()
    out.put(": x")
    assert out.take() == "[link removed] (x)\n[link removed] : x"


def test_at_the_end_all_goes_out() -> None:
    out = Output()
    out.open("[")
    out.put("x ")
    out.end()
    assert (out.take(), out.holds, out.has_seam) == ("[x ", False, True)
