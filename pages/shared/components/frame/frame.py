"""The frame of every page in the browser: the way through the steps, and what those need who hear a page or go by keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType
from urllib.parse import urlencode

import streamlit as st

from pages.shared.components._component import component
from pages.shared.session import tab

_COMPONENT = component("frame", isolated=False)
_KEY = "frame"


@dataclass(frozen=True)
class Place:
    """A page that one can go to. `note`: what is known of it in a word; `done`: whether a tick stands before it; `why_not`: why
    one cannot go there yet, or ""; `here`: whether it is the page that is shown."""

    page: str
    label: str
    note: str = ""
    done: bool = False
    why_not: str = ""
    here: bool = False


def show(
    home: Place,
    project: str,
    places: Sequence[Place],
    params: Mapping[str, str],
    news: str = "",
    others: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Draws the way: `home`, the name of the project ("" without one), and the steps in their order, as links with `params`.
    `others`: root -> name of projects that one can turn to.

    `news`: a sentence that is read aloud when it becomes another one while the tab is open.
    """

    def go() -> None:
        page = tab.get(_KEY).get("go")
        if page in {place.page for place in (home, *places) if not place.why_not}:  # anybody can forge it
            st.switch_page(page, query_params=params)

    def as_data(place: Place) -> dict[str, object]:
        number, _, name = PurePath(place.page).stem.partition("_")
        address = "./" if place is home else name
        return {
            "page": place.page,
            "number": int(number) if name else 0,
            "address": f"{address}?{urlencode(params)}" if params else address,
            "label": place.label,
            "note": place.note,
            "done": place.done,
            "whyNot": place.why_not,
            "here": place.here,
        }

    _COMPONENT(
        key=_KEY,
        data={
            "home": as_data(home),
            "project": project,
            "others": [
                {"name": name, "address": f"Board?{urlencode({'project': root})}"} for root, name in others.items()
            ],
            "places": [as_data(place) for place in places],
            "news": news,
        },
        on_go_change=go,
        height="content",
    )
