"""The worker process: one training, from its plan to a model file. `python -m core.training.worker RUN_DIR`."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core.inference.metrics import Evaluation, evaluate_predictions
from core.models.frozen import FrozenClassifier
from core.runs.diagnosis import diagnose
from core.runs.model_spec import write_spec
from core.runs.records import RunRecords
from core.runs.result import RunResult, Scores
from core.system import signing, storage
from core.system.errors import ModelError
from core.system.tasks.job import load_in_background, own_state, work_through
from core.system.tasks.processes import leave
from core.training.job import Job, Trained
from core.training.linear_probe import train_frozen

if TYPE_CHECKING:
    import keras


def train(job: Job) -> Trained:
    """What the settings ask for: a search, a network from scratch, or a head on a frozen backbone, then fine-tuning."""
    config = job.config
    if not config.pretrained:
        job.until_loaded(load_in_background("core.training.whole"))
        from core.training.whole import train_from_scratch

        return train_from_scratch(job)
    if config.minutes:
        from core.training.budgeted_search import search

        return search(job)
    if config.fine_tune != "off" and len(config.backbones) > 1:
        raise ModelError("Only one model can be fine-tuned at a time.", "Switch the second model off, or fine-tuning.")
    frozen, head = train_frozen(job)
    if config.fine_tune == "off" or frozen.stopped:
        return frozen
    job.until_loaded(load_in_background("core.training.fine_tuning"))  # a solved head went without TensorFlow
    from core.training.fine_tuning import fine_tuned_or_frozen

    return fine_tuned_or_frozen(job, frozen, head)


def finish(job: Job, trained: Trained) -> None:
    """Evaluates, says how good it is, then writes the model files."""
    plan, records = job.plan, job.records
    began = time.perf_counter()
    job.phase("evaluate")
    probabilities = {part: trained.predict(part) for part in ("val", "test")}
    scores: dict[str, Evaluation] = {
        part: evaluate_predictions(found, job.labels(part), plan.classes) for part, found in probabilities.items()
    }
    records.write_predictions(probabilities)
    job.film.close(trained.best_epoch, probabilities["val"])
    result = RunResult(
        parameters=trained.parameters,
        best_epoch=trained.best_epoch,
        val=Scores(**scores["val"].as_dict()),
        test=Scores(**scores["test"].as_dict()),
        diagnosis=diagnose(plan, records.history(), trained.best_epoch, scores["test"], stopped=trained.stopped),
        seconds=job.seconds,
        **trained.told,
    )
    job.seconds["evaluate"] = time.perf_counter() - began
    job.seconds["total"] = time.time() - plan.created
    records.write_result(result.model_copy(update={"seconds": job.seconds}))
    job.state.state = "stopped" if trained.stopped else "done"
    job.phase("save")

    began = time.perf_counter()
    made = _save(records, trained.model)
    result = result.model_copy(update={"model_sha256": hashlib.sha256(records.model.read_bytes()).hexdigest()})
    records.write_result(result)
    if made:
        write_spec(records.folder, plan, result, "float32", made)
        signing.write_signed(records.tflite, made)  # the last of them: whoever sees it finds all that belongs to it
    else:
        job.state.message = "This network cannot be written as a .tflite file, so it cannot be tried or taken away."
        job.state.hint = "Choose another model for that."
    job.seconds["save"] = time.perf_counter() - began
    job.seconds["total"] = time.time() - plan.created
    records.write_result(result.model_copy(update={"seconds": job.seconds}))


def _save(records: RunRecords, model: FrozenClassifier | Callable[[], keras.Model]) -> bytes | None:
    """Writes what was learned, and gives the .tflite file; None where the network cannot be one. Loads TensorFlow for a whole
    network, or a backbone that is no .tflite file here."""
    if isinstance(model, FrozenClassifier):
        signing.write_signed(records.frozen, model.as_bytes())
        made = model.tflite()
        if made:
            return made
        network = model.keras_model()
    else:
        network = model()
        storage.write_with(records.whole, network.save)
        signing.sign_files(records.whole)
    from core.models.litert_conversion import Refused, to_tflite

    try:
        return to_tflite(network)
    except Refused:
        return None


def run(folder: Path, scanned: float) -> int:
    """Does the whole training in this process; returns the exit status."""
    records = RunRecords(folder)
    state = own_state(records)
    seconds = {"start": time.time() - records.plan().created - scanned, "decode": scanned, "features": 0.0, "fit": 0.0}
    return complete(Job(records, state, seconds, plan=records.plan()))


def complete(job: Job, *, queued: bool = True) -> int:
    """Trains, says how it ended, and removes what only the training needed; returns the exit status of the process. `queued`:
    see work_through."""
    try:
        return work_through(
            job,
            lambda: finish(job, train(job)),
            what="The training",
            again="train again",
            stopped="Stopped before there was a model to keep.",
            queued=queued,
        )
    finally:
        job.records.forget_pictures()


if __name__ == "__main__":
    leave(run(Path(sys.argv[1]), float(sys.argv[2])))
