"""The film of learning, with the curves: what a model said of validation pictures, round by round; live, and afterwards."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from core.datasets.project import Project
from core.inference.decision import decision_of
from core.runs.film import Film, read_film, shown_pictures
from core.runs.lifecycle import RunSnapshot
from core.runs.rounds import why_kept
from pages.shared.components._component import component
from pages.shared.http import routes
from pages.shared.session import state, tab
from pages.shared.ui.palette import class_colours
from pages.shared.ui.text import all_short

_COMPONENT = component("film", styles=("_base",))
_SHORT = 14
_WATCHED = "training that was watched"
_CURVES = ("epoch", "accuracy", "val_accuracy", "loss", "val_loss")


def show(project: Project, run: RunSnapshot, key: str = "film") -> None:
    """Draws the film of a run: pictures and curves as far as they are known, or the curves alone, where a training keeps no
    answers or was made by an older version. Once the run is over it stands at the round that is kept, or plays once where
    `watched` was told. `key`: its place on the page."""
    _COMPONENT(key=key, data=_data(project, run))


def watched(run: RunSnapshot) -> None:
    """Tells that a person has seen the training go on to its end, in this tab."""
    tab.put(_WATCHED, run.run.id)


def _data(project: Project, run: RunSnapshot) -> dict[str, Any]:
    """What film.js takes."""
    plan, result = run.plan, run.result
    film = read_film(run.run.records)
    # Those of a film to come lie on the wall from the start; a search and an ensemble make none.
    coming = shown_pictures(plan) if run.live and not result and not plan.config.minutes else ()
    pictures = film.pictures if film else coming
    kept = result.best_epoch if result else 0
    return {
        "run": run.run.id,
        "live": run.live and not result,
        "play": tab.get(_WATCHED) == run.run.id,
        "classes": list(plan.classes),
        "short": all_short(plan.classes, _SHORT),
        "colours": class_colours(plan.classes, state.known_catalogue(project).colours),
        "address": routes.thumbnails(project, plan.config.input_framing),
        "ids": [picture.id for picture in pictures],
        "files": [Path(picture.path).name for picture in pictures],
        "labels": [picture.label for picture in pictures],
        "total": plan.counts["val"],
        **_answers(film, decision_of(run.run.folder).temperature),
        "epochs": 0 if result or not run.live else plan.config.epochs,
        "history": {name: [_finite(epoch[name]) for epoch in run.history] for name in _CURVES},
        "kept": kept,
        "why": why_kept(plan, run.history, kept, stopped=run.state.state == "stopped"),
    }


def _finite(value: float) -> float | None:
    """A number as JSON has it."""
    return round(value, 4) if math.isfinite(value) else None


def _answers(film: Film | None, temperature: float) -> dict[str, list[Any]]:
    """What was said in each round. How sure the model was is left out where it is used with another temperature than it was
    trained with: another number would stand beside the same picture elsewhere."""
    if film is None:
        return {"rounds": [], "said": [], "sure": [], "losses": []}
    return {
        "rounds": film.rounds.tolist(),
        "said": film.said.tolist(),
        "sure": (film.sure * 100).round().astype(int).tolist() if temperature == 1 else [],
        "losses": film.losses.round(4).tolist(),
    }
