"""The frame of every page: title, side bar with the six steps, the run under way, and errors as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import StreamlitAPIException

from core.config.recipes import title_of
from core.config.training import TrainConfig
from core.datasets import opened, validation
from core.datasets.adoption import adopt
from core.datasets.catalogue import Catalogue
from core.datasets.project import Project
from core.export.exports import exports_of
from core.runs.lifecycle import Run, RunSnapshot, live_run
from core.runs.notes import about, title
from core.runs.provenance import is_foreign
from core.runs.records import RunPlan
from core.system.errors import FieldguideError, in_words
from pages.shared.components.frame import frame
from pages.shared.session import state
from pages.shared.ui import dialogs, illustrations
from pages.shared.ui.progress import show_progress
from pages.shared.ui.text import count, literal

_HOME = "app.py"
_LONGEST = 300
_MOST_NAMED = 3
_MOST_OTHERS = 6


@dataclass(frozen=True)
class Step:
    """One of the six steps, as the side bar shows it. `why_not` is empty when the step can be taken."""

    page: str
    title: str
    done: str
    why_not: str


@dataclass(frozen=True)
class Here:
    """What a page is about: the project, its pictures, and the run that this tab looks at. `newest`: the id of the newest run
    as the person sees the page, or ""."""

    project: Project
    catalogue: Catalogue
    run: RunSnapshot | None
    newest: str = ""


def begin(title: str, *, strip: bool = True) -> Here:
    """Starts a page that needs a project. Without one it says so and ends the page.

    `strip`: whether the side bar shows the run under way; the page that shows it large does without.
    """
    project = state.current_project()
    _set_up(title, project)
    if project is None:
        _sidebar(None, title)
        st.title(title, anchor=False)
        if not _ask_to_open():
            st.info("No project is open in this tab.", icon=":material/folder_open:")
        if st.button("Choose one on the first page", icon=":material/home:"):
            st.switch_page("app.py")
        st.stop()
    with stopping_at_errors():
        newest = state.newest_run(project)
        here = Here(project, state.catalogue_of(project), state.current_run(project), newest)
    for key, value in state.link_params().items():
        if st.query_params.get(key) != value:
            st.query_params[key] = value
    _sidebar(here, title, strip=strip)
    return here


def begin_home() -> None:
    """Starts the first page, which needs no project."""
    project = state.current_project()
    _set_up("", project)
    if project is None:
        _sidebar(None)
        _ask_to_open()
        return
    with stopping_at_errors():
        _sidebar(Here(project, state.catalogue_of(project), state.current_run(project)))


@contextmanager
def header(title: str, told: str = "") -> Iterator[DeltaGenerator]:
    """The first row of a page: its title, how things stand in Markdown, and to the right what is drawn meanwhile.

    Gives the place below the title, for what is only known later. `title`: "" where it stands above already.
    """
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        below = st.container(gap="xxsmall")
        with below:
            if title:
                st.title(title, anchor=False)
            if told:
                st.markdown(told)
        with st.container(horizontal=True, width="content"):
            yield below


def _ask_to_open() -> bool:
    """Where the address or this tab asks for a folder that is not open: says why, and offers to open it. Whether there is
    such a folder asked for. Nothing in it has been looked at before the button is pressed."""
    root = state.wanted_project()
    if not root:
        return False
    shown = literal(root if len(root) <= _LONGEST else f"{root[:_LONGEST]}…")
    if not state.is_there(root):
        st.warning(
            f"There is no folder {shown}. Was it moved, or is it on a stick that is not plugged in?",
            icon=":material/folder_off:",
        )
        return True
    known = root in opened.opened()
    why = (
        "What Fieldguide knew of it is not there any more. Is it on a stick or a network that is not there now?"
        if known
        else "A link asks for it, and it was never opened on this computer. Nothing in it has been looked at yet."
    )
    st.warning(f"**Open this folder?** {shown}  \n{why}", icon=":material/folder_open:")
    if st.button("Open this folder", type="primary"):
        try:
            project = state.open_project(root)
        except FieldguideError as error:
            show_error(error)
        else:
            st.query_params["project"] = str(project.root)
            st.rerun()
    return True


def _set_up(title: str, project: Project | None) -> None:
    dialogs.on_page(title)
    st.set_page_config(
        page_title=" - ".join(part for part in (title, project.name if project else "", "Fieldguide") if part),
        page_icon=illustrations.ICON,
        layout="wide",
        initial_sidebar_state="auto",
    )


@contextmanager
def stopping_at_errors() -> Iterator[None]:
    """Shows an error that a person can cure as a sentence with what to do, and ends the page there."""
    try:
        yield
    except FieldguideError as error:
        show_error(error)
        st.stop()


def show_error(error: FieldguideError, place: DeltaGenerator | None = None) -> None:
    """What happened, then what to do; `place`: where, if not here."""
    (place or st).error(f"**{literal(error.message)}** {literal(error.hint)}", icon=":material/error:")


def say(error: Exception) -> bool:
    """Shows whatever went wrong on a page as a sentence instead of a nameless box; the log of the server has the rest."""
    show_error(in_words(error))
    return True


def rerun_dialog() -> None:
    """Draws an open dialog anew; where the click came together with one that draws the whole page, the dialog closes."""
    try:
        st.rerun(scope="fragment")
    except StreamlitAPIException:
        st.rerun()


def steps(here: Here) -> list[Step]:
    """The six steps with what is done and what is missing."""
    run = here.run
    result = run.result if run else None
    pictures_missing = validation.why_not_trainable(here.catalogue)
    untrained = "" if result else "Train first."
    exports = len(exports_of(run.run)) if run else 0
    draft = state.draft_of(here.project)
    recipe = title_of(draft.recipe)
    right = f"{result.test.right} of {result.test.total} right" if result else ""
    return [
        Step(
            "pages/1_Pictures.py",
            "Pictures",
            "" if pictures_missing else f"{len(here.catalogue.in_use.pictures):,}",
            "",
        ),
        Step("pages/2_Configure.py", "Configure", recipe if run or draft != TrainConfig() else "", pictures_missing),
        Step("pages/3_Train.py", "Train", right, pictures_missing),
        Step("pages/4_Evaluate.py", "Evaluate", "", untrained),
        Step("pages/5_Test.py", "Test", "", ""),  # a model file from elsewhere can be tried before any training
        Step("pages/6_Export.py", "Export", count(exports, "file") if exports else "", untrained),
    ]


def _sidebar(here: Here | None, title: str = "", *, strip: bool = True) -> None:
    """`title`: that of the page, "" for the first one."""
    home = frame.Place(_HOME, "Fieldguide", here=not title)
    with st.sidebar:
        if here is None:
            frame.show(home, "", [], state.link_params())
            st.caption("Open a project and the six steps appear here.")
            return
        board = frame.Place("pages/0_Board.py", "Board", here=title == "Board")
        places = [
            frame.Place(step.page, step.title, step.done, bool(step.done), step.why_not, step.title == title)
            for step in steps(here)
        ]
        others = [root for root in opened.opened() if root != str(here.project.root)][:_MOST_OTHERS]
        frame.show(
            home,
            here.project.name,
            [board, *places],
            state.link_params(),
            _news(here.run),
            {root: Path(root).name for root in others},
        )
        damaged = state.damaged_runs(here.project, here.run)
        if damaged:
            names = ", ".join(map(literal, damaged[:_MOST_NAMED])) + (" and more" if len(damaged) > _MOST_NAMED else "")
            st.warning(
                f"The record of a training cannot be read: {names}. It is left alone.", icon=":material/broken_image:"
            )
        if strip:
            _run_under_way(here.project)


def _news(run: RunSnapshot | None) -> str:
    """What has become of the training that the tab looks at, in a sentence that is read aloud when it changes."""
    if run is None:
        return ""
    name, now, result = title(run.plan, about(run.run)), run.state, run.result
    if now.state in ("queued", "running"):
        return f"{name}: the training is under way."
    if result:
        return f"{name}: the training has ended, {result.test.right} of {result.test.total} right."
    return f"{name}: {now.message}"


def _run_under_way(project: Project) -> None:
    run = live_run(project)
    if run is None:
        return

    @st.fragment(run_every=2)
    def strip() -> None:
        snapshot = run.snapshot()
        if snapshot.state.state not in ("queued", "running"):
            st.rerun()
        show_progress(snapshot.state)

    strip()
    where = state.link_params() | {"run": run.id}
    st.page_link("pages/3_Train.py", label="Watch it", icon=":material/monitoring:", query_params=where)


def run_title(run: Run, plan: RunPlan) -> str:
    """A training's name for people, given or by its recipe and when it began, escaped for Markdown."""
    return literal(title(plan, about(run)))


def ask_to_trust(here: Here) -> bool:
    """Where the run of the page was made on another computer, or changed since, says what is not done with it, and lets the
    person say that they know who made it. Whether that is so."""
    if here.run is None or not is_foreign(here.run.run):
        return False
    st.info(
        "**This training was made on another computer, or its model was changed since.** Here it is only asked, in a process "
        "of its own. To look inside it, or to take it away, it must be loaded, and then it could run code on this computer. "
        "If you say that you know who made it, that holds for the whole project: its other trainings can be loaded, too, and "
        "edits that came with it be undone.",
        icon=":material/encrypted:",
    )
    if st.button("I know who made it: load it", icon=":material/verified_user:"):
        with stopping_at_errors():
            adopt(here.project)
        st.rerun()
    return True


def trained_run(here: Here) -> RunSnapshot:
    """The run whose model the page is about; while there is none, says so, waits where it is on its way, and ends the page."""
    run = here.run
    if run and run.has_model:
        return run
    if run:
        wait_for_model(run)
    st.markdown("There is no model yet: train first.")
    next_step("pages/3_Train.py", "Go to Train")
    return st.stop()


def wait_for_model(run: RunSnapshot) -> None:
    """Where a training is over but its model file is still being written, says so, waits, and ends the page there."""
    if not run.result or not run.live or run.has_model:
        return

    @st.fragment(run_every=1)
    def wait() -> None:
        st.caption("The model file is being written, a moment.")
        now = run.run.snapshot()
        if now.has_model or not now.live:
            st.rerun()

    wait()
    st.stop()


def train_button(here: Here, config: TrainConfig, problem: DeltaGenerator | None = None) -> None:
    """Trains with these settings, and goes to where that is seen; `problem`: where it is said that it cannot, if not here."""
    if not st.button("Train", type="primary", icon=":material/play_arrow:"):
        return
    try:
        state.train(here.project, config, here.catalogue, seen=here.newest)
    except FieldguideError as error:
        show_error(error, problem)
        st.stop()
    st.switch_page("pages/3_Train.py", query_params=state.link_params())


def next_step(page: str, label: str, *, disabled: str = "") -> None:
    """The one primary button of a page that only leads on."""
    if st.button(
        label, type="primary", icon=":material/arrow_forward:", disabled=bool(disabled), help=disabled or None
    ):
        st.switch_page(page, query_params=state.link_params())
