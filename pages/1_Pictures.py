"""Pictures: bring them in, look them over, label them."""

import streamlit as st

from core.config.framing import Framing
from core.datasets import validation
from pages.shared.pictures import add, browse, classes, looking, new, picture_map, problems
from pages.shared.session import state, tab
from pages.shared.ui import page
from pages.shared.ui.text import count, literal

VIEWS = {"Browse": browse, "Label what is new": new, "Problems": problems, "Map": picture_map}

here = page.begin("Pictures")
catalogue = here.catalogue
missing = validation.why_not_trainable(catalogue)
filled = [name for name, number in catalogue.in_use.counts.items() if number]


def how_many() -> str:
    """The pictures and classes in one sentence."""
    pictures, loose = len(catalogue.in_use.pictures), len(catalogue.unlabelled)
    aside = len(catalogue.pictures) - pictures
    more = f" {count(aside, 'more picture')} in classes that are set aside." if aside else ""
    if not pictures:
        return more.strip()
    if loose:
        have = "has" if pictures == 1 else "have"
        some = f"{pictures - loose:,} of {count(pictures, 'picture')} {have} a class"
        return f"{some}; {count(len(filled), 'class')} so far.{more}"
    return f"{count(pictures, 'picture')} in {count(len(filled), 'class')}.{more}"


with page.header("Pictures", f"{how_many()} {literal(missing)}".strip()):
    if st.button("Add pictures", icon=":material/add_photo_alternate:", type="primary" if missing else "secondary"):
        add.dialog.open()
    if st.button("Classes", icon=":material/label:"):
        classes.dialog.open()
    if not missing:
        if st.button("How to train", icon=":material/tune:"):
            st.switch_page("pages/2_Configure.py", query_params=state.link_params())
        page.train_button(here, state.draft_of(here.project))
add.last_report(here.project)
add.first_look(catalogue, here.project.framing())
framing = here.project.framing()
cut_off = validation.cut_off(catalogue, framing)
for problem in cut_off:
    st.warning(problem.sentence, icon=":material/crop:")
if cut_off or framing != Framing():
    st.caption(f"Each picture is shown as the model sees it: {framing.words}. Opened, it is shown whole.")

if not catalogue.pictures:
    add.ways_to_begin()
add.dialog.show(here.project)
classes.dialog.show(here.project)
if not catalogue.pictures:
    st.stop()

number = problems.number(here)
if not tab.has("view"):
    asked = st.query_params.get("view")
    tab.put("view", asked if asked in VIEWS else "Browse")
with st.container(gap="xsmall"):
    with st.container(key="one-row-views"):
        view = st.segmented_control(
            "View",
            list(VIEWS),
            format_func=lambda name: f"{name} · {number}" if name == "Problems" and number else name,
            required=True,
            label_visibility="collapsed",
            key="view",
            persist_state="session",
        )
    chosen = view or "Browse"
    st.query_params["view"] = chosen
    VIEWS[chosen].show(here)
if chosen != "Browse":
    looking.again(here.project, catalogue)
