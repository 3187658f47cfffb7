"""What a person asks of the board -> an edit, a training, or another page."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePath

from core.datasets import importing, labels
from core.datasets.groups import BY_CAMERA, WEBCAM
from core.datasets.project import Project
from core.quality import analysis
from core.runs.lifecycle import live_run
from core.system.errors import FieldguideError, ProjectError
from core.system.naming import class_name
from core.system.tasks.processes import keep_ready
from pages.shared.board import blanks
from pages.shared.components.board.board import Op
from pages.shared.components.film import film
from pages.shared.http import arriving
from pages.shared.pictures import edits
from pages.shared.session import state, tab
from pages.shared.ui.text import count

PLACE = "arriving on the board"
"""Where pictures for the cards arrive."""
_WHOLE = "whole on the board"
"""In the session: (token, card) of what has arrived whole, and may not be saved yet."""
GO, FROZEN, CHANGED = "go from the board", "frozen picture", "board changed"
"""In the session: the page to turn to; (name, content) of the picture to explain; whether the whole page must be drawn."""
_MOMENT = 1.5
"""Seconds that a press of Train waits for its answer, so that a quick one is shown at once."""


def carry_out(project: Project, op: Op, newest: str) -> str:
    """Does an op, and returns what is said of it. `newest`: the id of the newest training that the person saw. Raises
    FieldguideError, and then nothing was changed."""
    tab.put(CHANGED, True)
    if op.kind == "fresh":
        return _left_behind(project, op)
    if op.kind in ("take", "why"):
        return _arrived(project, op)
    if op.kind == "train":
        return _train(project, newest)
    if op.kind == "stop":
        run = live_run(project)
        if run:
            run.task.stop()
        return ""
    if op.kind in ("go", "open"):
        tab.put(GO, (op.to, {}) if op.kind == "go" else ("pages/1_Pictures.py", {"class": op.card, "view": "Browse"}))
        return ""
    if op.kind == "new":
        blanks.add(class_name(op.to))
        return ""
    if op.kind in ("undo", "redo"):
        return edits.turn(project, op.kind).said
    return _of_class(project, op)


def _of_class(project: Project, op: Op) -> str:
    name = op.card
    if blanks.is_blank(name):
        if op.kind == "rename":
            edits.make(project, lambda: labels.new_class(project, op.to))
            blanks.renamed(name, class_name(op.to))
        blanks.remove(name)
        return ""
    kinds: dict[str, Callable[[], str]] = {
        "rename": lambda: edits.make(project, lambda: labels.rename_class(project, name, op.to)).said,
        "aside": lambda: edits.make(project, lambda: labels.set_aside(project, name, aside=True)).said,
        "back": lambda: edits.make(project, lambda: labels.set_aside(project, name, aside=False)).said,
        "delete": lambda: edits.make(project, lambda: labels.delete_class(project, name)).said,
    }
    if op.kind not in kinds:
        raise ProjectError("The page asked for something unknown.", "Reload it.")
    said = kinds[op.kind]()
    if op.kind == "rename":
        blanks.renamed(name, class_name(op.to))
    return said


def _left_behind(project: Project, op: Op) -> str:
    """What an earlier board has left where pictures arrive: what could not be saved then is tried again, all else forgotten."""
    token, card = tab.get(_WHOLE, ("", ""))
    if op.token == token == arriving.of_tab(PLACE).token:
        return _arrived(project, replace(op, kind="take", card=card))
    if arriving.of_tab(PLACE).token == op.token:
        arriving.forget(PLACE)
    return "Pictures that were still on their way are not saved."


def _arrived(project: Project, op: Op) -> str:
    """Takes what has arrived: into a class, or one picture to be explained."""
    arrivals = arriving.of_tab(PLACE)
    if arrivals.token != op.token:
        raise ProjectError("These pictures have been taken already.")
    if op.kind == "take":
        tab.put(_WHOLE, (op.token, op.card))
    if op.kind == "why":
        pictures = [(path.name, path.read_bytes()) for path in sorted(arrivals.folder.glob("files/*"))]
        arriving.forget(PLACE)
        if pictures:
            tab.put(FROZEN, pictures[0])
        return ""
    plans, refused = arrivals.look({}, named=not op.card)
    every = importing.together(plans)
    plan = every.into_one(op.card) if op.card else every  # what lies beside the cards says itself what it is
    if all(WEBCAM.match(PurePath(entry.name).stem) for entry in plan.entries):
        plan = replace(plan, source=BY_CAMERA)
    report = importing.take(project, plan) if plan.entries else None
    arriving.forget(PLACE)
    state.look_again(project)
    blanks.remove(op.card)
    if not op.card:
        blanks.forget()
    rows = [*refused, *(report.rows if report else [])]
    left = [row for row in rows if row.outcome != "taken"]
    where = f" in {op.card}" if op.card else ""
    said = f"{count(sum(row.outcome == 'taken' for row in rows), 'picture')} saved{where}."
    if left:
        said += f" {count(len(left), 'file')} not taken: {left[0].name} ({left[0].reason})."
    return said


def _train(project: Project, newest: str) -> str:
    state.train(project, state.draft_of(project), seen=newest)
    until = time.monotonic() + _MOMENT
    while time.monotonic() < until:
        run = live_run(project)
        if run is None or run.snapshot().result:
            break
        time.sleep(0.02)
    if snapshot := state.current_run(project):
        film.watched(snapshot)
    return ""


def look_ahead(project: Project) -> None:
    """Looks at new pictures before anybody asks, so that a training finds that done."""
    catalogue = state.catalogue_of(project)
    if live_run(project) is not None:
        return
    keep_ready("core.training.worker")
    if catalogue.in_use.pictures:
        with suppress(FieldguideError):  # the page that needs it says so
            analysis.start(project, catalogue)
