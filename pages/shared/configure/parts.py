"""The part of Configure about who is in which part: the project's own split, for all its trainings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from core.config.split import SplitConfig
from core.config.training import TrainConfig, make_config
from core.datasets import importing
from core.datasets.catalogue import Catalogue
from core.datasets.layout import in_parts
from core.datasets.project import Project
from core.datasets.splits import Split
from core.system.errors import FieldguideError
from pages.shared.session import kept, state
from pages.shared.ui import forms, page
from pages.shared.ui.text import count, percent

_TOGETHER = {
    "names": "Copies of one photo and frames of one film, as their names tell",
    "beginnings": "Names that differ in their last number only",
    "folders": "Each folder inside a class",
    "pattern": "What a pattern finds in the path",
    "table": "What a table says",
    "off": "Only what looks almost the same",
}
_LEFT_OUT = {
    "copies": ("copy", ""),
    "conflicts": ("picture", " in several classes"),
    "between": ("picture", " between two pieces of a film"),
}


def choose(
    project: Project, catalogue: Catalogue, config: TrainConfig, values: dict[str, Any], key: Callable[[str], str]
) -> dict[str, Any]:
    """Asks for the split of the project, and gives what to `keep`; fills `values` where a recipe's own is wanted instead."""
    _own(config, values, key)
    before = project.division().config
    asked = before.model_dump()
    if values["own_split"]:
        return asked
    key_of = kept.keys(project, "split", before)

    def ask(name: str) -> None:
        asked[name] = forms.field(SplitConfig, name, asked[name], key_of(name))

    for name in ("validation", "test"):
        ask(name)
    told = in_parts(picture.part for picture in catalogue.in_use.pictures)
    if told:
        keep = st.toggle(
            "Use the parts that the pictures came in",
            before.ready_made == "keep",
            help=f"{told}. Without it they are divided like all others.",
            key=key_of("ready-made"),
            persist_state="session",
        )
        asked["ready_made"] = "keep" if keep else "anew"
    with st.expander("What stays together", icon=":material/link:"):
        st.caption(
            "Pictures that belong together are in one part, so that the test asks about nothing that was learned."
        )
        asked["together"] = st.selectbox(
            "Pictures belong together",
            list(_TOGETHER),
            index=list(_TOGETHER).index(before.together),
            format_func=_TOGETHER.__getitem__,
            key=key_of("together"),
            persist_state="session",
        )
        if asked["together"] == "pattern":
            ask("pattern")
        if asked["together"] == "table":
            _table(project, catalogue)
        ask("seed")
    return asked


def keep(project: Project, asked: dict[str, Any]) -> None:
    """Keeps what was asked for. Raises FieldguideError for what cannot be."""
    after = make_config({"split": asked, "own_split": False}).split
    if after != project.division().config:
        project.keep_split(after)
        kept.put(project, "split", project.division().config)


def left_out(split: Split, learning: int) -> str:
    """How many pictures are in no part and why, or not among the `learning` that a training learns from, as a sentence with a
    space before it, or ""."""
    told = [
        count(split.left_out[why], noun) + rest for why, (noun, rest) in _LEFT_OUT.items() if split.left_out.get(why)
    ]
    spare = len(split.train) - learning
    told += [f"{count(spare, 'picture')} of the larger classes (under-sampling)"] if spare else []
    return f" Left out: {', '.join(told)}." if told else ""


def _own(config: TrainConfig, values: dict[str, Any], key: Callable[[str], str]) -> None:
    """Offers the split that came with the recipe, where that is another than usual."""
    split = config.split.model_copy(update={"seed": None})
    if split == SplitConfig() and not config.own_split:
        return
    values["own_split"] = st.toggle(
        f"Divide as the recipe's source does: {percent(split.validation)} to check, {percent(split.test)} for the test, seed "
        f"{config.dealing.seed}",
        config.own_split,
        help="To repeat what its source measured. Such a training cannot be compared with others of this project.",
        key=key("own split"),
        persist_state="session",
    )


def _table(project: Project, catalogue: Catalogue) -> None:
    """A table to choose, and what one said before."""
    known = sum(picture.group is not None for picture in catalogue.pictures)
    st.caption(f"{known:,} of {len(catalogue.pictures):,} pictures have a group by a table.")
    file = st.file_uploader(
        "A table with a column of files and one of groups", ["csv", "tsv", "jsonl"], key="groups table"
    )
    if file is None:
        return
    try:
        columns: Sequence[str] = importing.group_columns(project, file.getvalue(), file.name)
        column = st.selectbox("The column of groups", columns, key="groups column")
        if st.button("Take these groups", icon=":material/check:"):
            importing.assign_groups(project, file.getvalue(), str(column), file.name)
            state.look_again(project)
            st.rerun()
    except FieldguideError as error:
        page.show_error(error)
