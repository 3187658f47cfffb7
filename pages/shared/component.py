"""Our own components: a view's JavaScript and styles lie in components/ under its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent / "components"


def component(name: str) -> Any:
    """The component of `components/NAME.js` and `NAME.css`, in an element of the class `fg-NAME`; to be called with a key
    and data, as st.components.v2 has it."""
    return st.components.v2.component(
        f"fieldguide_{name}",
        html=f'<div class="fg-{name}"></div>',
        css=(_HERE / f"{name}.css").read_text(encoding="utf-8"),
        js=(_HERE / f"{name}.js").read_text(encoding="utf-8"),
    )
