"""Which project and run a tab looks at, and what several pages ask of them. Ids and small plain values only."""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from core.config.framing import Framing
from core.config.recipes import get_recipe
from core.config.split import SplitConfig
from core.config.training import TrainConfig, make_config
from core.datasets import opened
from core.datasets.catalogue import Catalogue
from core.datasets.edit_journal import Edit
from core.datasets.project import Progress, Project
from core.datasets.project_home import home_of
from core.datasets.validation import Problem, find_problems
from core.models.feature_extractor import prepare_in_background
from core.quality import analysis
from core.quality.analysis import Analysis
from core.quality.findings import Finding, dismissed_count, find
from core.runs.lifecycle import Run, RunSnapshot, list_runs, start
from core.system import storage
from core.system.errors import FieldguideError, as_sentence
from pages.shared.session import tab

SAMPLE = Path(__file__).parents[3] / "sample_data" / "leaves"
NEW_PICTURES = SAMPLE.parent / "new_pictures"
_FRESH_SECONDS = 3.0
_SLOW_SECONDS = 0.3
_RECENT = 8


def open_project(folder: str | Path) -> Project:
    """Opens a folder because a person asked for it, makes it this tab's project, and remembers it. Raises ProjectError."""
    before = opened.opened()
    project = opened.open_project(folder)
    tab.turn_to(str(project.root))
    if str(project.root) not in before:
        tab.put("first look", True)
    tab.take("run")
    prepare_in_background(TrainConfig())
    return project


def wanted_project() -> str:
    """The folder that the address asks for, else that of this tab, or ""."""
    return str(st.query_params.get("project") or tab.get("project") or "")


def current_project() -> Project | None:
    """This tab's project: the one in the address, else the one opened before. None if there is none, if it is gone, or if
    only a link says so: nothing in such a folder is looked at."""
    root = wanted_project()
    if not root or root not in opened.opened():
        return None
    try:
        project = _held(root) if tab.get("opened") == root else None
        if project is None:  # what opening looks for, such as half an edit, is looked for once in each session
            project = Project.open(root, again=True)
            _projects()[root] = project
    except FieldguideError:
        return None
    if tab.get("project") != str(project.root):
        tab.turn_to(str(project.root))
        opened.remember(project)
    tab.put("opened", str(project.root))
    return project


@st.cache_resource
def _projects() -> dict[str, Project]:
    """Those that are open in this process, by their roots."""
    return {}


def _held(root: str) -> Project | None:
    """The project that is open already; None where another folder lies there now. Raises ProjectError if it is gone."""
    project = _projects().get(root)
    return project if project and project.root.is_dir() and home_of(project.root, make=False) == project.home else None


def is_there(root: str) -> bool:
    """Whether there is such a folder; False too for what can be the name of none."""
    try:
        return Path(root).is_absolute() and Path(root).is_dir()
    except (OSError, ValueError):  # too long, or a NUL in it
        return False


def link_params() -> dict[str, str]:
    """What a link to another page carries, so that it survives a reload and can be sent to oneself."""
    return {key: tab.get(key) for key in ("project", "run") if tab.get(key)}


@dataclass
class _Known:
    """The catalogue of one project as all tabs share it."""

    catalogue: Catalogue
    at: float
    took: float
    looking: bool = False
    problems: tuple[Framing, list[Problem]] | None = None
    findings: tuple[Catalogue, Analysis | None, tuple[int, SplitConfig], list[Finding]] | None = None


@st.cache_resource(max_entries=1)
def _catalogues() -> dict[str, _Known]:
    return {}


@dataclass
class _Looks:
    """One look at a project's folders at a time; and how many edits there were, so that a look that began before one does not
    undo it on the page."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    edits: int = 0


@st.cache_resource(max_entries=1)
def _looks() -> defaultdict[str, _Looks]:
    return defaultdict(_Looks)


def known_catalogue(project: Project) -> Catalogue:
    """The catalogue that the pages share, or a fresh one. Draws nothing, so that nothing interrupts who changes it."""
    known = _catalogues().get(str(project.root))
    return known.catalogue if known else project.scan()


def catalogue_of(project: Project) -> Catalogue:
    """The project's pictures, looked at anew if the last look is older than three seconds.

    The first look shows a bar. Of a project so large that a look takes long, the last known state is given, and the new
    look is made in the background: the next click shows what it found.
    """
    place = st.empty()  # always: if it came only when it is needed, the browser would draw all that follows anew
    known = _catalogues().get(str(project.root))
    if known and _is_fresh(known):
        return known.catalogue
    if known and known.took > _SLOW_SECONDS and project.root.is_dir():
        if not known.looking:
            known.looking = True
            threading.Thread(target=_look_again, args=(project, known), daemon=True).start()
        return known.catalogue

    def show(done: int, total: int) -> None:
        place.progress(done / total, text=f"Looking at each picture once: {done:,} of {total:,}")

    with _looks()[str(project.root)].lock:  # who waited takes what the other found
        known = _catalogues().get(str(project.root))
        catalogue = known.catalogue if known and _is_fresh(known) else _look(project, known, show)
    place.empty()
    return catalogue


def _is_fresh(known: _Known) -> bool:
    return time.monotonic() - known.at < max(_FRESH_SECONDS, 5 * known.took)


def _look(project: Project, known: _Known | None, show: Progress) -> Catalogue:
    root, shared, looks = str(project.root), _catalogues(), _looks()[str(project.root)]
    began, edits = time.monotonic(), looks.edits
    catalogue = project.scan(show, known.catalogue if known else None)
    newer = shared.get(root)
    if looks.edits != edits and newer is not None:
        return newer.catalogue
    if known is not None and known.catalogue == catalogue:
        catalogue = known.catalogue  # the same object, with all that was worked out from it
    while len(shared) >= _RECENT:
        shared.pop(next(iter(shared)))
    problems = known.problems if known and known.catalogue is catalogue else None
    now = time.monotonic()
    at = (
        now if looks.edits == edits else -math.inf
    )  # what was edited meanwhile may be missing: the next page looks again
    shared[root] = _Known(catalogue, at, now - began, problems=problems)
    return catalogue


def _look_again(project: Project, known: _Known) -> None:
    looks = _looks()[str(project.root)]
    began, edits = time.monotonic(), looks.edits
    try:
        catalogue = project.scan(previous=known.catalogue)
        if looks.edits == edits and catalogue != known.catalogue:
            known.catalogue, known.problems = catalogue, None
    except (FieldguideError, OSError):
        pass  # the next look says it
    finally:
        known.at = time.monotonic()
        known.took, known.looking = known.at - began, False


def edited(project: Project, edit: Edit) -> None:
    """Brings the catalogue that the pages share up to date after an edit, without another look where that can be."""
    _looks()[str(project.root)].edits += 1
    known = _catalogues().get(str(project.root))
    if known is None:
        return
    after = known.catalogue.after(edit.moved) if edit.kind in ("move", "delete") else None
    if after is None:
        look_again(project)
    else:
        known.catalogue, known.problems = after, None


def look_again(project: Project) -> None:
    """Forgets the catalogue that the pages share: the next page looks at the folders."""
    _looks()[str(project.root)].edits += 1
    _catalogues().pop(str(project.root), None)


def findings_of(project: Project, catalogue: Catalogue, analysis: Analysis | None) -> list[Finding]:
    """Pictures that are worth a look, worked out once for each state of folders, analysis, split, and what was dismissed."""
    known = _catalogues().get(str(project.root))
    if known is None or known.catalogue is not catalogue:
        return find(project, catalogue, analysis)
    asked, last = (dismissed_count(project), project.division().config), known.findings
    if last is None or last[0] is not catalogue or last[1] is not analysis or last[2] != asked:
        last = known.findings = (catalogue, analysis, asked, find(project, catalogue, analysis))
    return last[3]


def problems_of(project: Project, catalogue: Catalogue) -> list[Problem]:
    """What is worth a look, worked out once for each state of the folders and of what models see of a picture."""
    framing = project.framing()
    known = _catalogues().get(str(project.root))
    if known is None or known.catalogue is not catalogue:
        return find_problems(catalogue, framing)
    if known.problems is None or known.problems[0] != framing:
        known.problems = framing, find_problems(catalogue, framing)
    return known.problems[1]


def draft_of(project: Project) -> TrainConfig:
    """The settings chosen for the next training; the quick recipe if none were, or if they cannot be read."""
    values: Any = storage.read_json(project.home / "draft.json")
    try:
        return make_config(values) if isinstance(values, dict) else get_recipe("quick").config
    except FieldguideError:
        return get_recipe("quick").config


@as_sentence()
def keep_draft(project: Project, config: TrainConfig) -> None:
    """Keeps the settings for the next training, on disk, so that a reload loses nothing."""
    if not (project.home / "draft.json").is_file() or config != draft_of(project):
        storage.write_json(project.home / "draft.json", config.model_dump())


def newest_run(project: Project) -> str:
    """The id of the newest training, or ""."""
    return next((run.id for run in list_runs(project)), "")


def train(
    project: Project, config: TrainConfig, catalogue: Catalogue | None = None, *, seen: str | None = None
) -> None:
    """Starts a training, or finds the one under way, or one that others began since the person saw the page, where `seen`
    was the newest; and makes it the one that this tab looks at. Raises FieldguideError."""
    analysis.task(project).stop()  # a look at the pictures would make it wait
    config = config.model_copy(update={"framing": None})  # the project's, as people see it on Configure
    run = start(project, config, catalogue=catalogue, seen=seen)
    if run.records.state().ended:
        st.toast("Someone else has trained in the meantime: this is what came of it.", icon=":material/info:")
    select_run(run)


def select_run(run: Run) -> None:
    """Makes a run the one that this tab looks at."""
    tab.put("run", run.id)
    st.query_params["run"] = run.id


def current_run(project: Project) -> RunSnapshot | None:
    """The run that this tab looks at: the one in the address, else the one chosen, else the newest."""
    wanted = st.query_params.get("run") or tab.get("run")
    runs = list_runs(project)
    chosen = next((run for run in runs if run.id == wanted), runs[0] if runs else None)
    if chosen and st.query_params.get("run") not in (None, chosen.id):
        st.toast("That training is gone; this is the newest one.", icon=":material/info:")
    for run in ([chosen] if chosen else []) + runs:
        try:
            snapshot = run.snapshot()
        except FieldguideError:  # its record is damaged, which the list of trainings tells
            continue
        tab.put("run", run.id)
        return snapshot
    return None


def damaged_runs(project: Project, before: RunSnapshot | None) -> list[str]:
    """The ids of the newest trainings, up to the one that is shown, whose records cannot be read."""
    found = []
    for run in list_runs(project):
        if before and run.id == before.run.id:
            break
        try:
            run.records.plan()
        except FieldguideError:
            found.append(run.id)
    return found
