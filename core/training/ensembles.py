"""Several trained models that vote: a new run whose one model is the weighted mean of their probabilities, or what a small head
makes of these (see core.training.stacking). No TensorFlow.

What fits together is decided here, and how much each counts; the models are joined by a process of its own
(core.training.ensemble_worker). The new run is as any other: it can be evaluated, tested and exported.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from filelock import FileLock

from core.datasets.project import Project
from core.runs.lifecycle import Run, RunSnapshot, begin, list_runs, live_run, new_folder, wait
from core.runs.pictures import grouped_folds
from core.runs.records import RunPicture, RunPlan
from core.system import signing, storage
from core.system.errors import FieldguideError, RunError, as_sentence
from core.training import stacking
from core.training.stacking import Stacking, log_loss, right

Method = Literal["averaging", "stacking"]
METHODS: tuple[Method, ...] = get_args(Method)
RECIPE = "ensemble"
"""What stands as the recipe in the settings of a run that was joined from others."""
MOST = 5
HEAD = "stacking.npz"
"""The file with the head, in the folder of a run that was stacked."""
_ROUNDS = 500
_LEAST = 0.01
"""A model that would count for less is left out: it would only cost time."""


def candidates(project: Project) -> list[list[Run]]:
    """The project's runs that could be joined, those together that fit, the newest first; only sets of two or more."""
    found: dict[Hashable, list[Run]] = defaultdict(list)
    for run in list_runs(project):
        try:
            if _can_join(run):
                found[_fit(run)].append(run)
        except FieldguideError:
            continue  # a damaged record
    return [runs for runs in found.values() if len(runs) > 1]


def why_not(runs: Sequence[Run]) -> str:
    """Why these runs cannot be joined, as a sentence, or "" if they can. Raises RunError if a record is damaged."""
    if not 2 <= len({run.folder for run in runs}) <= MOST:
        return f"Choose 2 to {MOST} different trainings."
    plans = [run.records.plan() for run in runs]
    if len({plan.project for plan in plans}) > 1:
        return "These trainings are of different projects."
    if not all(_can_join(run) for run in runs):
        return "One of these has no model of its own; choose trainings that ended here, and were not joined themselves."
    if len({plan.classes for plan in plans}) > 1:
        return "These trainings have different classes."
    sizes: dict[int, list[str]] = defaultdict(list)
    for run in runs:
        sizes[run.records.input_pixels()].append(run.id)
    if len(sizes) > 1:
        told = "; ".join(f"{pixels} px: {', '.join(names)}" for pixels, names in sorted(sizes.items()))
        return f"These models look at pictures of different sizes. What fits together is: {told}."
    if len({plan.config.input_framing for plan in plans}) > 1:
        return "These models see different parts of a picture (centre square, whole, region): choose those that see the same."
    if len({_fit(run) for run in runs}) > 1:
        return "These trainings were checked and tested on different pictures; train them with the same seed and parts."
    return ""


def weights_for(answers: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """How much each model should count: float (M,), at least 0, sum 1.

    `answers` float (M, N, K): the models' probabilities for the same N pictures; `truth` int (N,). The weights make the
    log-loss of the weighted mean as small as can be. That is a convex problem: the shares of a mixture, which expectation
    maximisation finds without any setting (Dempster, Laird and Rubin 1977). What counts for less than 1 % is left out.
    The log-loss is never higher than that of the best model alone.
    """
    likely = np.take_along_axis(answers.astype(np.float64), truth[None, :, None], axis=2)[..., 0].clip(1e-7)

    def loss(weights: np.ndarray) -> float:
        return float(-np.log(weights @ likely).mean())

    best = np.eye(len(likely))[np.log(likely).mean(axis=1).argmax()]
    weights = np.full(len(likely), 1 / len(likely))
    for _ in range(_ROUNDS):
        shares = weights[:, None] * likely
        weights = (shares / shares.sum(axis=0)).mean(axis=1)
    weights[weights < _LEAST] = 0
    weights /= weights.sum()
    return weights if loss(weights) <= loss(best) else best


def head_for(answers: np.ndarray, pictures: Sequence[RunPicture], seed: int) -> tuple[Stacking | None, str]:
    """A head on the models' answers (M, N, K) for N pictures of the validation part, and what is to be said of it.

    None where, on folds that neither has learned from, averaging has a smaller log-loss or is right more often.
    """
    deal = grouped_folds(pictures, seed)
    fold = stacking.folds_of(deal)
    if fold is None:
        return None, "There are too few validation pictures to learn a head (stacking): the answers are averaged."
    truth = deal.labels
    made = stacking.learn(answers, truth, fold)
    averaged = np.empty_like(made.held_out)
    for number in np.unique(fold):
        asked = fold == number
        averaged[asked] = np.tensordot(weights_for(answers[:, ~asked], truth[~asked]), answers[:, asked], 1)
    losses = log_loss(made.held_out, truth), log_loss(averaged, truth)
    hits = right(made.held_out, truth), right(averaged, truth)
    told = (
        f"on validation pictures that it had not learned from, {hits[0]} of {len(truth)} were right, with a log-loss of "
        f"{losses[0]:.3f}; averaging had {hits[1]}, with {losses[1]:.3f}."
    )
    if losses[0] < losses[1] and hits[0] >= hits[1]:
        return made, f"A head learned from the answers of these models (stacking): {told}"
    return None, f"A head on the answers of these models (stacking) did no better, so they are averaged: {told}"


@as_sentence(RunError)
def start(runs: Sequence[Run], method: Method = "averaging") -> Run:
    """Makes a new run of the project and starts the process that joins the models; does not wait.

    With "stacking" they are averaged all the same where that does better; the new run's remarks say so. While another run of
    the project is under way, that run is returned instead. Raises RunError if the runs do not fit together, or if one of them
    alone does as well on the validation part as any mean.
    """
    reason = why_not(runs)
    if reason:
        raise RunError(reason, "Choose others.")
    began = time.time()
    plan = runs[0].records.plan()
    checked = plan.part("val")
    answers = np.stack([in_order(run, plan, "val") for run in runs])
    head, told = head_for(answers, checked, plan.config.seed) if method == "stacking" else (None, "")
    weights = weights_for(answers, np.array([picture.label for picture in checked]))
    if not head and np.count_nonzero(weights) < 2:
        alone = runs[int(weights.argmax())].id
        raise RunError(
            f"On the validation pictures {alone} alone does as well as all together.", "Choose others, or use it."
        )
    project = Project.open(plan.project, again=True)
    with FileLock(project.runs_dir / ".lock", timeout=60):
        under_way = live_run(project)
        if under_way:
            return under_way
        config = plan.config.model_copy(
            update={"recipe": RECIPE, "pixels": runs[0].records.input_pixels(), "minutes": 0.0, "fine_tune": "off"}
        )
        folder = new_folder(project, config, None)
        members = [
            {"run": run.id, "folder": str(run.folder), "weight": None if head else float(weight)}
            for run, weight in zip(runs, weights, strict=True)
            if head or weight
        ]
        storage.write_json(folder / "ensemble.json", members)
        if head:
            head.write(folder / HEAD)
        pictures = (*plan.pictures, *_learned_by_others(runs))
        joint = RunPlan(folder.name, plan.project, began, config, plan.classes, pictures, (told,) if told else ())
        begin(Run(folder), joint, "core.training.ensemble_worker", [str(folder)])
    return Run(folder)


def join(runs: Sequence[Run], watch: Callable[[RunSnapshot], None] | None = None, method: Method = "averaging") -> Run:
    """Starts it, waits, and gives the new run; an interrupt (Ctrl-C) also stops it.

    Raises as `start`, and RunError if it fails or if another run of the project is under way.
    """
    made = start(runs, method)
    if made.records.plan().config.recipe != RECIPE:
        raise RunError("A training of this project is under way.", "Wait for its end, or stop it on the Train page.")
    try:
        state = wait(made, watch).state
    except KeyboardInterrupt:
        made.stop()
        raise
    if state.state != "done":
        raise RunError(state.message or "It was stopped.", state.hint)
    return made


def members_of(folder: Path) -> list[dict[str, Any]]:
    """What a joined run is made of: [{"run": id, "folder": path, "weight": 0..1, None if stacked}]; empty for any other run."""
    found = storage.read_json(folder / "ensemble.json")
    return found if isinstance(found, list) else []


def in_order(run: Run, first: RunPlan, part: str) -> np.ndarray:
    """A run's probabilities for a part, float32 (N, K), in the order of the pictures of another run's plan that fits.

    Raises RunError if the run has no predictions.
    """
    row = {picture.id: number for number, picture in enumerate(run.records.plan().part(part))}
    return run.records.predictions(part)[[row[picture.id] for picture in first.part(part)]]


def _learned_by_others(runs: Sequence[Run]) -> list[RunPicture]:
    """The training pictures that the first of these runs did not learn from, but another did."""
    first, *others = runs
    known = {picture.id for picture in first.records.plan().part("train")}
    found: dict[str, RunPicture] = {}
    for run in others:
        found |= {picture.id: picture for picture in run.records.plan().part("train") if picture.id not in known}
    return [replace(picture, group=-1) for picture in found.values()]  # its number is of another plan


def _can_join(run: Run) -> bool:
    records = run.records
    whole = records.state().ended and signing.made_here(records.model) and records.tflite.is_file()
    return whole and records.result() is not None and not members_of(run.folder)


def _fit(run: Run) -> Hashable:
    """Runs for which this is the same fit together."""
    plan = run.records.plan()
    held_out = [frozenset((p.id, p.label) for p in plan.part(part)) for part in ("val", "test")]
    return plan.classes, run.records.input_pixels(), plan.config.input_framing, *held_out
