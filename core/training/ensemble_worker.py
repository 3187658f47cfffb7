"""The process that joins the models of several runs into one. `python -m core.training.ensemble_worker RUN_DIR`."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.models.saved import load_model
from core.runs.lifecycle import Run
from core.runs.records import RunRecords
from core.runs.result import Voter
from core.system.tasks.job import load_in_background, own_state, work_through
from core.system.tasks.processes import leave
from core.training.ensembles import HEAD, in_order, members_of
from core.training.job import Job, Trained
from core.training.stacking import Stacking
from core.training.worker import finish

if TYPE_CHECKING:
    import keras


def joined(models: Sequence[keras.Model], weights: Sequence[float]) -> keras.Model:
    """One model for all: float32 (N, S, S, 3) in 0..255 -> the weighted mean of the probabilities, (N, K)."""
    import keras

    picture = keras.Input(models[0].input_shape[1:], name="picture")
    votes = []
    for number, (model, weight) in enumerate(zip(models, weights, strict=True)):
        member = keras.Model(model.inputs, model.outputs, name=f"member_{number}")  # names must not meet
        answer = member(picture)
        answer = answer[0] if isinstance(answer, list) else answer
        votes.append(keras.layers.Rescaling(weight, name=f"weight_{number}")(answer))
    return keras.Model(picture, keras.layers.Add(name="probabilities")(votes), name="ensemble")


def stacked(models: Sequence[keras.Model], kernel: np.ndarray, bias: np.ndarray) -> keras.Model:
    """One model for all, which end with a softmax each: float32 (N, S, S, 3) in 0..255 -> what a head, kernel (M * K, K) and
    bias (K,), makes of their logits side by side: probabilities (N, K)."""
    import keras

    picture = keras.Input(models[0].input_shape[1:], name="picture")
    logits = []
    for number, model in enumerate(models):
        member = keras.Model(model.inputs, model.layers[-1].input, name=f"member_{number}")  # names must not meet
        logits.append(member(picture))
    dense = keras.layers.Dense(len(bias), name="logits")
    answer = keras.layers.Softmax(name="probabilities")(dense(keras.layers.Concatenate(name="all_logits")(logits)))
    dense.set_weights([kernel, bias])
    return keras.Model(picture, answer, name="ensemble")


def together(job: Job) -> Trained:
    """What the members know together: by the weights in ensemble.json, or by the head beside it. Raises ModelError, RunError,
    Stopped."""
    folder = job.records.folder
    members = members_of(folder)
    runs = [Run(Path(member["folder"])) for member in members]
    weights = [member["weight"] for member in members]
    head = Stacking.read(folder / HEAD) if (folder / HEAD).is_file() else None
    job.until_loaded(load_in_background("core.models.litert_conversion"))
    models = [job.waiting_for(lambda run=run: load_model(run.records.model)) for run in runs]  # type: ignore[misc]

    def predict(part: str) -> np.ndarray:
        if head and part == "val":
            return head.held_out  # it learned from these pictures: its own answers would be too good
        answers = np.stack([in_order(run, job.plan, part) for run in runs])
        return head.probabilities(answers) if head else np.tensordot(weights, answers, 1)

    return Trained(
        predict,
        0,
        False,
        sum(model.count_params() for model in models) + (head.kernel.size + head.bias.size if head else 0),
        lambda: stacked(models, head.for_logits, head.bias) if head else joined(models, weights),
        {"ensemble": [Voter(run=run.id, weight=weight) for run, weight in zip(runs, weights, strict=True)]},
    )


def run(folder: Path) -> int:
    """Does the whole work in this process; returns the exit status."""
    records = RunRecords(folder)
    plan = records.plan()
    job = Job(records, own_state(records), {"start": time.time() - plan.created}, plan=plan)
    return work_through(
        job,
        lambda: finish(job, together(job)),
        what="Joining the models",
        again="try again",
        stopped="Stopped before the models were joined.",
    )


if __name__ == "__main__":
    leave(run(Path(sys.argv[1])))
