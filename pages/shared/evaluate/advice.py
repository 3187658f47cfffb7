"""What the rules found: what matters as cards with the next click, the rest folded away."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.evaluation import background
from core.runs.diagnosis import Diagnosis
from core.runs.lifecycle import RunSnapshot
from core.system.errors import FieldguideError
from pages.shared.components.matrix.matrix import Cell
from pages.shared.evaluate import matrix
from pages.shared.evaluate.parts import Answers, answers_of
from pages.shared.predict import model
from pages.shared.session import state, tab
from pages.shared.ui import gallery
from pages.shared.ui.page import Here
from pages.shared.ui.text import count, literal, percent

_TITLES = {
    "rate-too-high": "Its steps were too large",
    "guessing": "It is hardly better than guessing",
    "overfitting": "It knows its own pictures better than others",
    "class-fails": "{0} fails",
    "few-pictures": "There are few pictures to learn from",
    "underfitting": "It has not learned its own training pictures yet",
    "leak": "The number is probably too good",
    "background": "It may look at the background",
    "alike": "{0} and {1} look alike to it",
}
"""Of the findings that matter; the others are folded away."""
_PAGES = {
    "pictures": ("pages/1_Pictures.py", "To the pictures"),
    "configure": ("pages/2_Configure.py", "To the settings"),
    "train": ("pages/3_Train.py", "To Train"),
    "test": ("pages/5_Test.py", "Try new pictures"),
}
_VIEWS = {"mistakes": ("Mistakes", "Show them"), "stress": ("Harder pictures", "To the harder pictures")}
_SHOWN = 3
"""Pictures on a card."""


def show_cards(here: Here, run: RunSnapshot, found: Sequence[Diagnosis]) -> None:
    """A card for each finding that matters; nothing where none does."""
    answers = answers_of(run)
    seen: list[bytes] = []
    for one in found:
        if one.kind in _TITLES:
            cells = _cells(one, answers)
            pictures = _pictures(here, run, one, cells)
            new = [(content, words) for content, words in pictures if content not in seen]
            seen += [content for content, _ in pictures]
            with st.container(border=True):
                _card(one, cells, new)


def show_rest(found: Sequence[Diagnosis]) -> None:
    """What else the rules found, folded away."""
    others = [one for one in found if one.kind not in _TITLES]
    if others:
        with st.expander(f"{count(len(others), 'more thing')} to know", icon=":material/lightbulb:"):
            for one in others:
                _say(literal(one.sentence), one)


def _card(one: Diagnosis, cells: Sequence[Cell], pictures: Sequence[tuple[bytes, str]]) -> None:
    """`pictures`: small ones, each with what is said of it."""
    title = _TITLES[one.kind].format(*one.classes)
    rest = one.sentence.removeprefix(title).lstrip(":. ")
    words = f"**{literal(title)}**  \n{literal(rest[:1].upper() + rest[1:])}"
    if not pictures:
        _say(words, one, cells)
        return
    left, right = st.columns([3, 4], gap="medium")
    with left:
        _say(words, one, cells, beside=False)
    with right, st.grid(_SHOWN, min_column_width=90, gap="small"):
        for content, said in pictures:
            st.image(content, caption=literal(said), width="stretch", alt=said)


def _say(words: str, one: Diagnosis, cells: Sequence[Cell] = (), *, beside: bool = True) -> None:
    """A sentence with the next click, which stands `beside` or below it."""
    row = st.container(
        horizontal=beside, vertical_alignment="center", horizontal_alignment="distribute" if beside else "left",
        gap="small" if beside else "xxsmall",
    )  # fmt: skip
    with row:
        with st.container(gap="xxsmall"):
            st.markdown(words)
            if one.evidence:
                st.caption(literal(one.evidence))
        if one.step in _PAGES:
            page, label = _PAGES[one.step]
            st.page_link(page, label=label, icon=":material/arrow_forward:", query_params=state.link_params())
        else:
            st.button(
                _VIEWS[one.step][1],
                key=f"advice {one.kind}",
                type="tertiary",
                icon=":material/arrow_forward:",
                on_click=_open,
                args=(one, cells),
            )


def _open(one: Diagnosis, cells: Sequence[Cell]) -> None:
    if one.step == "mistakes":
        matrix.lead_to(cells[0] if cells else Cell())
    tab.put("evaluate view", _VIEWS[one.step][0])


def _cells(one: Diagnosis, answers: Answers) -> list[Cell]:
    """Which cells of the matrix a finding is about, the fuller one first."""
    if one.kind == "class-fails":
        return [Cell(one.classes[0])]
    if one.kind != "alike":
        return []
    row, column = (answers.classes.index(name) for name in one.classes)
    confusion = answers.evaluation.confusion
    cells = [Cell(*one.classes), Cell(*reversed(one.classes))]
    return cells if confusion[row, column] >= confusion[column, row] else cells[::-1]


def _pictures(here: Here, run: RunSnapshot, one: Diagnosis, cells: Sequence[Cell]) -> list[tuple[bytes, str]]:
    """What shows a finding, where it can be shown: small pictures, each with what is said of it."""
    try:
        if one.kind == "background" and run.has_model:
            return _covered(model.of_training(run).identity, run)
        return _mistakes(here, answers_of(run), cells)
    except FieldguideError:
        return []  # without pictures it is as true


def _mistakes(here: Here, answers: Answers, cells: Sequence[Cell]) -> list[tuple[bytes, str]]:
    """The surest mistakes in some cells of which the pictures are there."""
    classes, sure = answers.classes, answers.probabilities.max(axis=1)
    said = [classes[position] for position in answers.probabilities.argmax(axis=1)]
    rows = [
        row
        for row, picture in enumerate(answers.pictures)
        if not answers.right[row] and any(cell.holds(classes[picture.label], said[row]) for cell in cells)
    ]
    rows.sort(key=lambda row: -sure[row])
    there = matrix.where_now(here, [answers.pictures[row] for row in rows])
    shown = [row for row in rows if answers.pictures[row].id in there][:_SHOWN]
    return [
        (
            here.project.thumbnail(answers.pictures[row].id, answers.framing),
            f"really {classes[answers.pictures[row].label]}, said {said[row]} {percent(float(sure[row]))}",
        )
        for row in shown
    ]


@st.cache_data(max_entries=8, show_spinner="Covering parts of pictures")
def _covered(identity: str, _run: RunSnapshot) -> list[tuple[bytes, str]]:  # noqa: ARG001 - the identity is the key
    """A picture as it is, with its middle and with its rim covered, where there is one that shows something."""
    views = background.example(_run.plan, model.of_training(_run).classifier) or ()
    return [
        (gallery.jpeg(view.square), f"{what}: said {view.class_name} {percent(view.probability)}")
        for view, what in zip(views, ("As it is", "Middle covered", "Rim covered"), strict=False)
    ]
