"""Map: all pictures as points, look-alikes close together; those inside a line drawn round them are shown below."""

from __future__ import annotations

import streamlit as st

from core.quality.analysis import Analysis
from pages.shared.components._component import component
from pages.shared.components.grid import grid
from pages.shared.http import routes
from pages.shared.pictures import edits, looking
from pages.shared.pictures.tiles import Teller
from pages.shared.session import tab
from pages.shared.ui.page import Here
from pages.shared.ui.palette import class_colours
from pages.shared.ui.text import count

_MOST_POINTS = 20_000
_MOST_TILES = 300
_COMPONENT = component("map")


def show(here: Here) -> None:
    """Draws the view."""
    found = looking.result(here.project, here.catalogue)
    if found is None:
        return
    how = "t-SNE of" if found.map_method == "t-SNE" else "the two main directions (PCA) of"
    st.caption(
        f"Pictures that look alike lie close together ({how} their features). Point at one to see it; draw a line round "
        "some to see them below."
    )
    chosen = _map(here, found)
    pictures = [picture for picture in here.catalogue.pictures if picture.id in chosen]
    if not pictures:
        return
    more = f", the first {_MOST_TILES} are shown" if len(pictures) > _MOST_TILES else ""
    st.markdown(f"**{count(len(pictures), 'picture')} chosen**{more}")
    pictures, journal = pictures[:_MOST_TILES], here.project.journal
    teller = Teller(here, pictures)
    grid.show(
        grid.View(
            f"map {hash(frozenset(chosen))}", [teller.tile(picture) for picture in pictures],
            tags=True, undo=journal.next_undo(), redo=journal.next_redo(),
        ),
        here.catalogue.colours,
        lambda op: edits.carry_out(here.project, op),
        key="map grid",
    )  # fmt: skip


def _map(here: Here, found: Analysis) -> set[str]:
    """Draws the points and returns the ids of the pictures that were chosen."""
    catalogue = here.catalogue
    classes = list(catalogue.classes)
    number = {name: at for at, name in enumerate(classes)}
    label = {picture.id: number.get(picture.class_name or "", -1) for picture in catalogue.pictures}
    points = [at for at, one in enumerate(found.ids) if one in label]
    every = max(1, -(-len(points) // _MOST_POINTS))
    points = points[::every]
    if every > 1:
        st.caption(f"One picture in {every} is drawn.")
    state = tab.get("map") or {}
    chosen = [str(one) for one in state.get("chosen") or []]
    result = _COMPONENT(
        key="map",
        data={
            "ids": [found.ids[at] for at in points],
            "x": [round(float(found.xy[at, 0]), 4) for at in points],
            "y": [round(float(found.xy[at, 1]), 4) for at in points],
            "label": [label[found.ids[at]] for at in points],
            "classes": [
                {"name": name, "colour": colour}
                for name, colour in zip(classes, class_colours(classes, catalogue.colours), strict=True)
            ],
            "address": routes.thumbnails(here.project),
            "chosen": chosen,
            "words": f"Map of {len(points)} pictures of {len(classes)} classes by how alike they look",
        },
        default={"chosen": []},
        on_chosen_change=lambda: None,
        height="content",
    )
    return {str(one) for one in result.chosen or []}
