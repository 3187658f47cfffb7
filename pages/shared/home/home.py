"""The first page: what Fieldguide is, the sample, a folder of one's own, and the projects opened before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Literal

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.datasets import importing, opened, packing
from core.datasets.examples.sample import copy_sample
from core.datasets.importing import arrivals
from core.datasets.importing.archives import SUFFIXES
from core.datasets.project import Progress, Project, new_project
from core.runs.lifecycle import list_runs
from core.system import disk, storage
from core.system.errors import FieldguideError, ProjectError
from core.system.naming import as_text, class_key, file_stem, free_name
from pages.shared.board import board
from pages.shared.http import routes
from pages.shared.pictures import add, preview
from pages.shared.session import state, tab
from pages.shared.ui import dialogs, folder_picker, illustrations, page
from pages.shared.ui.gallery import mosaic
from pages.shared.ui.text import count, literal

_CRASHED = 3600.0
"""Seconds after which nobody is sending files any more, when this process has just begun."""
_UNNAMED = "My project"
_FIRST = 12
"""Projects that are shown before a person asks for all of them."""


def enter(folder: str | Path, *, camera: bool = False, rows: Sequence[importing.Row] = ()) -> None:
    """Opens a project and goes to its board, or to its pictures where something was trained already. `camera`: whether it is
    switched on there; `rows`: what became of the files that it was made of, to be told there."""
    tab.take("file to open", None)
    try:
        project = state.open_project(folder)
    except FieldguideError as error:
        page.show_error(error)
        return
    tab.put(board.WITH_CAMERA, camera)
    if rows:  # not before: what a tab knows of another project is forgotten
        add.keep_report(project, rows)
    first = "pages/1_Pictures.py" if state.newest_run(project) else "pages/0_Board.py"
    st.switch_page(first, query_params=state.link_params())


def show() -> None:
    """Draws the page."""
    page.begin_home()
    _sweep(storage.data_home())
    st.title("Teach a computer to recognise pictures", anchor=False)
    st.markdown("Point and click, from a folder of pictures to a model of your own. Everything stays on this computer.")

    if opened.opened():
        _opened_before()
        _begin_anew()
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("Or look round with 220 drawn leaves of five trees.", width="content")
            _sample_button("secondary")
        return
    sample = sorted(state.SAMPLE.glob("*/0[0-2]*.jpg"))
    with st.container(border=True):
        words, picture = st.columns([2, 3], vertical_alignment="center", gap="medium")
        with words:
            st.header("Try the leaves", anchor=False)
            st.markdown("220 drawn leaves of five trees, ready to train. From here to a trained model takes a minute.")
            _sample_button("primary")
        with picture:
            shown = tuple(str(path) for path in sample[4::7][:14])
            st.image(
                mosaic(shown, "sample", 7), width="stretch", alt="Drawn leaves of oak, maple, birch, willow and ginkgo"
            )
    _three_steps()
    _begin_anew()


def _sample_button(kind: Literal["primary", "secondary"]) -> None:
    if st.button("Try the sample", type=kind, icon=":material/psychiatry:"):
        with page.stopping_at_errors():
            folder = copy_sample(state.SAMPLE)
        enter(folder)


@lru_cache(maxsize=1)
def _sweep(_home: Path) -> None:
    """Once a process: removes what a crash left in the data home."""
    packing.sweep()
    arrivals.sweep(_CRASHED)


def _three_steps() -> None:
    steps = (
        (illustrations.SHOW, "Show", "Show it pictures of each kind, with the camera or from files."),
        (illustrations.LEARN, "Learn", "Watch it learn, and see where it errs."),
        (illustrations.USE, "Use", "Try new pictures, then take away a small file that works on a phone."),
    )
    for column, (drawing, title, sentence) in zip(st.columns(3, gap="medium"), steps, strict=True):
        with column:
            st.image(drawing, width=240, alt="")
            st.markdown(f"**{title}**  \n{sentence}")


def _begin_anew() -> None:
    """Three ways: with the camera, from a folder, from a file."""
    st.header("Your own pictures", anchor=False)
    camera, folder, packed = st.columns(3, gap="medium")
    with camera, st.container(border=True, height="stretch"):
        _new_project()
    with folder, st.container(border=True, height="stretch"):
        _folder()
    with packed, st.container(border=True, height="stretch"):
        file = _file()
    if tab.has(folder_picker.CHOSEN):
        enter(tab.take(folder_picker.CHOSEN))
    _open_file(file)


def _new_project() -> None:
    st.markdown("**With the camera, or with nothing yet**")
    with st.form("new project", border=False):
        name = st.text_input("Name of a new project", placeholder=_UNNAMED, key="new project name").strip() or _UNNAMED
        with st.container(horizontal=True):
            filmed = st.form_submit_button("Use the camera", icon=":material/photo_camera:", type="primary")
            empty = st.form_submit_button("Begin", icon=":material/add:", help="Without the camera")
    if filmed or empty:
        _begin(name, camera=filmed)


def _folder() -> None:
    st.markdown("**From a folder, with a folder in it for each class**")
    with st.form("open a folder", border=False):
        typed = st.text_input(
            "Folder on this computer",
            placeholder=str(Path.home() / "Pictures" / "flowers"),
            key="folder",
            help="Nothing in it is changed unless you sort it here; notes are kept in a hidden folder `.fieldguide`.",
        )
        if st.form_submit_button("Open", icon=":material/folder_open:") and (place := folder_picker.written(typed)):
            if Path(place).expanduser().is_file():
                tab.put("file to open", place)
            else:
                enter(place)
    if st.button("Look for it by clicking", icon=":material/search:", type="tertiary"):
        folder_picker.choose.open()
    folder_picker.choose.show()


def _file() -> UploadedFile | None:
    st.markdown("**From a file**")
    return st.file_uploader(
        "A packed project, a Teachable Machine project (.tm), or a zip of class folders",
        help="Larger than 200 MB? Type its place on this computer where folders are opened.",
        key="project file",
    )


def _open_file(file: UploadedFile | None) -> None:
    """What is in the file that was chosen here, or whose place was typed."""
    typed = tab.get("file to open", "")
    try:
        if file is not None:
            _from_file(file.getvalue(), file.name, str(file.file_id))
        elif typed:
            path = Path(typed).expanduser().absolute()
            _from_file(path, path.name, f"{path} {path.stat().st_mtime_ns}")
    except OSError:
        page.show_error(ProjectError(f"The file {typed} cannot be read.", "Is it still there?"))
    except FieldguideError as error:
        preview.reset()
        page.show_error(error)


def _from_file(source: Path | bytes, name: str, stamp: str) -> None:
    """What is in a file, and one button that makes a project of it. `stamp` changes with its content. Raises
    FieldguideError."""
    contents = packing.peek(source) if name.lower().endswith(SUFFIXES) else None
    if contents is None:
        plan = importing.look(source, name, choices=preview.choices_of(as_text(name)))
        preview.show(plan, stamp)
        preview.reset()
        if st.button("Begin a project with them", type="primary", icon=":material/add:", key="begin with file"):
            project, rows = _project_of(plan, name)
            enter(project.root, rows=rows)
        return
    words = f"{count(contents.pictures, 'picture')} in {count(contents.classes, 'class')}"
    st.markdown(f"**{literal(contents.name)}**: {words}, {count(contents.runs, 'training')}.")
    models = st.checkbox(
        "I know who packed it: open its models and its history of edits, too",
        help="A model can hold code that runs on this computer. Without them, train again to test and export.",
        key="with models",
    )
    if st.button("Open this project", type="primary", icon=":material/unarchive:", key="open project file"):
        with _bar("Unpacking") as show:
            project, rows = packing.unpack(source, progress=show, models=models)
        enter(project.root, rows=rows)


def _project_of(plan: importing.Plan, name: str) -> tuple[Project, Sequence[importing.Row]]:
    taken = {class_key(path.name) for path in storage.data_home().iterdir()}
    project = new_project(free_name(file_stem(name), "", taken))
    try:
        with _bar("Reading the pictures") as show:
            report = importing.take(project, plan, show)
    except FieldguideError:
        disk.remove_tree(project.root)
        raise
    preview.forget_choices()
    return project, report.rows


@contextmanager
def _bar(words: str) -> Iterator[Progress]:
    bar = st.progress(0.0, words)

    def show(done: int, total: int) -> None:
        bar.progress(done / total, f"{words}: {done:,} of {total:,}")

    yield show
    bar.empty()


@dialogs.dialog("Save this project as one file")
def _pack(root: str) -> None:
    """Makes one file of a project, and offers it."""
    st.markdown(
        "One file with the pictures, classes, edits, settings and trainings, to go on with on another computer: "
        "open it there on the first page."
    )
    try:
        project = Project.open(root)
        with _bar("Packing") as show:
            file = packing.pack(project, packing.place_of(project), show)
    except (FieldguideError, OSError) as error:
        page.show_error(error if isinstance(error, FieldguideError) else FieldguideError(str(error)))
        return
    st.markdown(f"It lies at {literal(str(file))}.")
    megabytes = file.stat().st_size / 1e6
    st.link_button(f"Download ({megabytes:.1f} MB)", routes.file_url(file), type="primary", icon=":material/download:")


def _begin(name: str, *, camera: bool) -> None:
    if name == _UNNAMED:
        name = free_name(name, "", {class_key(path.name) for path in storage.data_home().iterdir()})
    try:
        project = new_project(name)
    except FieldguideError as error:
        page.show_error(error)
        return
    enter(project.root, camera=camera)


def _opened_before() -> None:
    every = opened.opened()
    st.header("Opened before", anchor=False)
    shown = every if tab.get("all projects") else every[:_FIRST]
    with st.grid("auto", min_column_width=230, gap="small"):
        for root in shown:
            with st.container(border=True):
                _card(root)
    if len(shown) < len(every):
        st.button(
            f"Show all {len(every):,}",
            icon=":material/expand_more:",
            on_click=lambda: tab.put("all projects", True),
        )
    _pack.show()


def _card(root: str) -> None:
    st.markdown(f"**{literal(Path(root).name)}**")
    try:
        project = Project.open(root, again=True)
        pictures, classes, some = project.glance()
    except FieldguideError as error:
        _cannot_be_opened(root, error)
        return
    if some:
        files = tuple(str(path) for path in some)
        st.image(mosaic(files, str(pictures), 4), width="stretch", alt=f"Four pictures of {project.name}")
    st.caption(f"{count(pictures, 'picture')}, {count(classes, 'class')}{_last_result(project)}")
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        if st.button("Open", key=f"open {root}", icon=":material/arrow_forward:"):
            enter(root)
        if st.button(
            "Save as one file", key=f"pack {root}", icon=":material/inventory_2:", type="tertiary", help="As one file"
        ):
            _pack.open(root)


def _last_result(project: Project) -> str:
    """What came of the newest training, as the end of a sentence; nothing if nothing did."""
    for run in list_runs(project)[:1]:
        with suppress(FieldguideError):
            result = run.records.result()
            return f", {result.test.right} of {result.test.total} right" if result else ""
    return ""


def _cannot_be_opened(root: str, error: FieldguideError) -> None:
    """What a card says of a folder that does not open now."""
    if state.is_there(root):
        st.caption(literal(str(error)))
        if st.button("Open it again", key=f"again {root}", icon=":material/arrow_forward:"):
            enter(root)
    else:
        st.caption("This folder is gone. Was it moved, or is it on a stick?")
    if st.button("Forget it", key=f"forget {root}", icon=":material/close:", type="tertiary"):
        opened.forget(root)
        st.rerun()
