"""Small drawings: three for the first page (show, learn, use), and the icon of the tab."""

from __future__ import annotations

_LEAF = "M0 -26 C 20 -14 22 10 0 28 C -22 10 -20 -14 0 -26 Z"
_FRAME = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 130">{}</svg>'


def _leaf(x: int, y: int, turn: int, colour: str, size: float = 1.0) -> str:
    return (
        f'<g transform="translate({x} {y}) rotate({turn}) scale({size})"><path d="{_LEAF}" fill="{colour}"/>'
        '<path d="M0 -18 V 36 M0 0 L 10 -8 M0 0 L -10 -8 M0 12 L 11 4 M0 12 L -11 4" stroke="#00000055" '
        'stroke-width="2.4" fill="none" stroke-linecap="round"/></g>'
    )


def _card(x: int, y: int, turn: int, colour: str, ground: str) -> str:
    return (
        f'<g transform="translate({x} {y}) rotate({turn})"><rect x="-38" y="-42" width="76" height="84" rx="9" '
        f'fill="{ground}" stroke="#00000022" stroke-width="1.5"/>{_leaf(0, -4, 20, colour)}</g>'
    )


ICON = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-34 -34 68 76">{_leaf(0, 0, 20, "#3f8f52")}</svg>'
"""The icon of the browser's tab. Streamlit fetches a Material icon for it from another host; nothing here may do that."""

SHOW = _FRAME.format(
    _card(62, 68, -9, "#e69f00", "#f6edd8")
    + _card(120, 62, 2, "#3f8f52", "#e3ecd9")
    + _card(180, 68, 11, "#c8553d", "#f5e2da")
)
LEARN = _FRAME.format(
    '<path d="M36 14 V 112 H 216" stroke="#9a958a" stroke-width="2.5" fill="none" stroke-linecap="round"/>'
    '<path d="M42 104 C 62 50 84 32 206 26" stroke="#9a958a" stroke-width="4" fill="none" stroke-dasharray="9 8" '
    'stroke-linecap="round"/>'
    '<path d="M42 106 C 66 66 92 46 206 42" stroke="#3f8f52" stroke-width="5" fill="none" stroke-linecap="round"/>'
    '<circle cx="206" cy="42" r="7.5" fill="#3f8f52" stroke="#fff" stroke-width="2.5"/>'
)
USE = _FRAME.format(
    '<rect x="34" y="8" width="66" height="114" rx="11" fill="#2b352f"/>'
    '<rect x="40" y="18" width="54" height="94" rx="5" fill="#e3ecd9"/>'
    + _leaf(67, 62, 24, "#3f8f52", 0.9)
    + '<rect x="118" y="36" width="96" height="15" rx="7.5" fill="#3f8f52"/>'
    '<rect x="118" y="60" width="26" height="15" rx="7.5" fill="#e69f00"/>'
    '<rect x="118" y="84" width="14" height="15" rx="7" fill="#0072b2"/>'
)
