"""How a component is put together from the files in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent


def component(name: str, html: str = "", shared: tuple[str, ...] = ()) -> Any:
    """The component of `NAME/NAME.js` and `NAME/NAME.css`, to be called with a key and data, as st.components.v2 has it.

    `html`: what it begins with, by default an element of the class `fg-NAME`; `shared`: names of files beside the folders whose
    JavaScript it uses.
    """
    scripts = [*(_HERE / f"_{one}.js" for one in shared), _HERE / name / f"{name}.js"]
    return st.components.v2.component(
        f"fieldguide_{name}",
        html=html or f'<div class="fg-{name}"></div>',
        css=(_HERE / name / f"{name}.css").read_text(encoding="utf-8"),
        js="\n".join(script.read_text(encoding="utf-8") for script in scripts),
    )
