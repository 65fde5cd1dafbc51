"""The chart is an SVG that says what the numbers say."""

from xml.etree import ElementTree as ET

from bench.chart import Bar, Panel, render_chart

SVG = "{http://www.w3.org/2000/svg}"
PANEL = Panel("CPU <µs>", (Bar("peer & co", 40.0), Bar("proxy", 10.0, ours=True)), 1)


def bars_of(chart: str) -> list[tuple[float, str | None]]:
    """Width and colour of each bar."""
    _, *rects = ET.fromstring(chart).iter(f"{SVG}rect")  # noqa: S314  # our own
    return [(float(rect.get("width", 0)), rect.get("fill")) for rect in rects]


def test_bars_are_as_long_as_their_values() -> None:
    (peer, peer_colour), (proxy, proxy_colour) = bars_of(render_chart("title", [PANEL]))
    assert round(peer / proxy, 2) == 4
    assert peer_colour != proxy_colour


def test_labels_and_numbers_are_there() -> None:
    root = ET.fromstring(render_chart("a & b", [PANEL]))  # noqa: S314  # our own
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert texts == ["a & b", "CPU <µs>", "peer & co", "40.0", "proxy", "10.0"]
    assert root.findtext(f"{SVG}title") == "a & b"


def test_it_is_as_high_as_its_panels_and_has_a_background() -> None:
    one, two = (render_chart("", [PANEL] * count) for count in (1, 2))
    heights = [float(ET.fromstring(each).get("height", 0)) for each in (one, two)]  # noqa: S314  # our own
    assert heights[0] < heights[1]
    background = next(ET.fromstring(one).iter(f"{SVG}rect"))  # noqa: S314  # our own
    assert float(background.get("height", 0)) == heights[0]


def test_nothing_to_show_is_no_error() -> None:
    assert bars_of(render_chart("", [Panel("empty", (), 0)])) == []
    assert bars_of(render_chart("", [Panel("zero", (Bar("a", 0.0),), 0)]))[0][0] == 1.0
