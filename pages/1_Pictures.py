"""Pictures: the classes, their pictures, and what is worth a look."""

import streamlit as st

from core import checks
from pages.shared import frame, gallery
from pages.shared.text import count, literal

PAGE_SIZE = 48
MOST_PROBLEMS = 100

here = frame.begin("Pictures")
catalogue = here.catalogue
st.title("Pictures", anchor=False)
missing = checks.why_not_trainable(catalogue)
filled = [name for name, number in catalogue.counts.items() if number]
st.markdown(f"{count(len(catalogue.pictures), 'picture')} in {count(len(filled), 'class')}. {literal(missing)}")

if not catalogue.pictures:
    st.info(
        "No pictures here yet. Make a sub-folder for each class in "
        f"{literal(str(here.project.root))}, put pictures into it, and reload this page.",
        icon=":material/add_photo_alternate:",
    )
    st.stop()

problems = checks.find_problems(catalogue)
with st.container(horizontal=True, vertical_alignment="center"):
    frame.next_step("pages/2_Configure.py", "Next: choose how to train", disabled=missing)
if problems:
    with st.expander(f"{count(len(problems), 'thing')} to look at", icon=":material/visibility:"):
        for problem in problems[:MOST_PROBLEMS]:
            st.markdown(f"- {literal(problem.sentence)}")
        if len(problems) > MOST_PROBLEMS:
            st.caption(f"and {len(problems) - MOST_PROBLEMS} more: `python -m core check FOLDER` lists them all")

groups = {name: pictures for name, pictures in catalogue.by_class.items() if pictures}
if catalogue.unlabelled:
    groups["without a class"] = catalogue.unlabelled
chosen = st.pills(
    "Class",
    list(groups),
    format_func=lambda name: f"{literal(name)} · {len(groups[name]):,}",
    default=next(iter(groups)),
    required=True,
    label_visibility="collapsed",
    key="class",
)
pictures = groups.get(chosen or "") or next(iter(groups.values()))
pages = -(-len(pictures) // PAGE_SIZE)
page = st.pagination(pages, key=f"page of {chosen}") if pages > 1 else 1
gallery.grid(here.project, pictures[(page - 1) * PAGE_SIZE : page * PAGE_SIZE])
