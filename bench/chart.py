"""A bar chart as SVG, without a library. Its own background makes it legible on any page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

_WIDTH: Final = 760
_LABELS: Final = 170
_NUMBERS: Final = 90
_BAR: Final = 18
_STEP: Final = 26
_TITLE: Final = 34
_GAP: Final = 18
_MARGIN: Final = 20
_FONT: Final = "font-family='system-ui, sans-serif'"
_BACKGROUND: Final = "#f4f5f7"
_TEXT: Final = "#57606a"
_PEER: Final = "#9aa4af"
_OURS: Final = "#2a6fdb"


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    value: float
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars that share a scale from 0."""

    title: str
    bars: tuple[Bar, ...]
    digits: int


def render_chart(title: str, panels: Sequence[Panel]) -> str:
    """The chart. Its title also serves those who cannot see it."""
    parts = [_text(_MARGIN, _MARGIN + 14, title)]
    y = _MARGIN + _TITLE
    for panel in panels:
        parts.append(_text(_MARGIN, y + 14, panel.title, weight="bold"))
        y += _TITLE
        most = max((bar.value for bar in panel.bars), default=0.0)
        for bar in panel.bars:
            parts.extend(_bar(bar, y, most, panel.digits))
            y += _STEP
        y += _GAP
    height = y - _GAP + _MARGIN
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' "
        f"width='{_WIDTH}' height='{height}' role='img'>"
    )
    background = f"<rect width='{_WIDTH}' height='{height}' rx='8' fill='{_BACKGROUND}'/>"
    return "\n".join([head, f"<title>{escape(title)}</title>", background, *parts, "</svg>\n"])


def _bar(bar: Bar, y: int, most: float, digits: int) -> list[str]:
    room = _WIDTH - _LABELS - _NUMBERS - 2 * _MARGIN
    width = max(1.0, room * bar.value / most) if most else 1.0
    x = _MARGIN + _LABELS
    fill = _OURS if bar.ours else _PEER
    weight = "bold" if bar.ours else "normal"
    middle = y + _BAR - 4
    return [
        _text(x - 10, middle, bar.label, weight=weight, anchor="end"),
        f"<rect x='{x}' y='{y}' width='{width:.1f}' height='{_BAR}' rx='2' fill='{fill}'/>",
        _text(x + width + 8, middle, f"{bar.value:,.{digits}f}", weight=weight),
    ]


def _text(x: float, y: float, text: str, *, weight: str = "normal", anchor: str = "start") -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' {_FONT} font-size='14' font-weight='{weight}' "
        f"text-anchor='{anchor}' fill='{_TEXT}'>{escape(text)}</text>"
    )
