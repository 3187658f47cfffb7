"""How a component is put together from its files: markup, styles, and JavaScript modules joined into one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent
_IMPORT = re.compile(r'^import \{\s*\w+(?:,\s*\w+)*,?\s*\} from "(\.{1,2}/[\w./-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function |class |const )", re.MULTILINE)
_DEFAULT = re.compile(r"^export default function \w+\(", re.MULTILINE)
_MODULE = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_COMMENT = re.compile(r"^ *(?:/\*\*(?:[^*]|\*(?!/))*\*/|//.*)\n", re.MULTILINE)


def component(name: str, html: str = "", styles: tuple[str, ...] = (), *, isolated: bool = True) -> Any:
    """The component of `NAME/NAME.js` and `NAME/NAME.css`, to be called with a key and data, as st.components.v2 has it.

    `html`: what it begins with, by default an element of the class `fg-NAME`. `styles`: further files of styles, such as
    "_base", which stand before its own. `isolated`: whether they are for the component only, and not for the whole page.
    """
    return st.components.v2.component(
        f"fieldguide_{name}",
        html=html or f'<div class="fg-{name}"></div>',
        css="".join((_HERE / f"{each}.css").read_text(encoding="utf-8") for each in (*styles, f"{name}/{name}")),
        js=joined(_HERE / name / f"{name}.js"),
        isolate_styles=isolated,
    )


def joined(script: Path) -> str:
    """A JavaScript module and all that it imports, each once and after what it needs itself, as one module: Streamlit takes
    a single string, in which there is nothing to import from. So all of them share one room for names at the top.

    Takes only what needs no understanding of JavaScript: imports and exports of names as they are, and one default export,
    the component's own. Raises ValueError at anything else.
    """
    parts = [_bare(module) for module in _in_order(script.resolve(), ())]
    # Streamlit sends this to the browser each time the page is drawn: comments would be half of it.
    return _COMMENT.sub("", "\n".join([*parts, _bare(script, default=True)]))


def _in_order(script: Path, importers: tuple[Path, ...]) -> list[Path]:
    """What a module imports, directly or not, without itself: each once, after what it imports."""
    if script in importers:
        raise ValueError(f"{script.name} imports itself, by way of others")
    found: list[Path] = []
    for address in _IMPORT.findall(script.read_text(encoding="utf-8")):
        module = (script.parent / address).resolve()
        found += [one for one in [*_in_order(module, (*importers, script)), module] if one not in found]
    return found


def _bare(script: Path, *, default: bool = False) -> str:
    """A module without its imports and the word export; `default`: with its default export, which it then must have."""
    text = _EXPORT.sub("", _IMPORT.sub("", script.read_text(encoding="utf-8")))
    left, expected = _MODULE.findall(text), 1 if default else 0
    if len(left) != expected or len(_DEFAULT.findall(text)) != expected:
        raise ValueError(f"{script.name} cannot be joined with others: {left}")
    return text
