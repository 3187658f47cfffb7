"""The worker process: one training, from its plan to a model file. `python -m core.training.worker RUN_DIR`."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from filelock import FileLock, Timeout

from core import store
from core.backbones import get_backbone
from core.config import TrainConfig
from core.diagnosis import diagnose
from core.errors import FieldguideError
from core.evaluation import Evaluation, evaluate_predictions
from core.prediction import write_spec
from core.processes import own_state
from core.records import RunPicture, RunPlan, RunRecords, RunState
from core.runs import queue_lock
from core.training.features import FeatureExtractor, FeatureStore, Sight, Stopped, features_of
from core.training.prepare import extractor_id, prepare

if TYPE_CHECKING:
    import keras

T = TypeVar("T")
_WRITE_SECONDS = 0.2


@dataclass
class Job:
    """One training under way: its plan, its records, where it stands, and what it has cost so far."""

    records: RunRecords
    plan: RunPlan
    state: RunState
    seconds: dict[str, float] = field(default_factory=dict)
    turn: FileLock | None = None  # kept here because a lock that nobody holds on to lets go
    _phase_began: float = 0.0
    _written: float = 0.0

    @property
    def config(self) -> TrainConfig:
        """The plan's settings."""
        return self.plan.config

    def phase(self, name: str, total: int = 0) -> None:
        """Begins a phase of the work."""
        self.state.phase, self.state.done, self.state.total, self.state.seconds_left = name, 0, total, None
        self._phase_began = time.perf_counter()
        self.records.write_state(self.state)

    def progress(self, done: int, total: int) -> None:
        """Says how far the phase is; written a few times a second at most."""
        now = time.perf_counter()
        if now - self._written < _WRITE_SECONDS and done < total:
            return
        self._written = now
        self.state.done, self.state.total = done, total
        self.state.seconds_left = (now - self._phase_began) / done * (total - done) if done else None
        self.records.write_state(self.state)

    def should_stop(self) -> bool:
        """Whether someone asked to stop."""
        return self.records.stop_asked()

    def labels(self, part: str) -> np.ndarray:
        """int (N,): positions of the classes of a part's pictures."""
        return np.array([picture.label for picture in self.plan.part(part)])

    def waiting_for(self, work: Callable[[], T]) -> T:
        """Does work that can't be interrupted in a thread, so that a stop is heard while it lasts. Raises Stopped."""
        outcome: list[T] = []
        failure: list[BaseException] = []

        def target() -> None:
            try:
                outcome.append(work())
            except BaseException as error:  # noqa: BLE001 - raised again in the main thread
                failure.append(error)

        thread = threading.Thread(target=target, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.1)
            if self.should_stop():
                raise Stopped
        if failure:
            raise failure[0]
        return outcome[0]

    def until_loaded(self, loading: threading.Thread) -> None:
        """Waits for a module that loads in a thread; the time counts as part of the start."""
        self.phase("loading")
        before = time.perf_counter()
        self.waiting_for(loading.join)
        self.seconds["start"] += time.perf_counter() - before


def _load(module: str) -> threading.Thread:
    thread = threading.Thread(target=importlib.import_module, args=(module,), daemon=True)
    thread.start()
    return thread


@dataclass
class Trained:
    """What a training leaves: how to predict a part, the epoch it comes from, and how to make the whole model."""

    predict: Callable[[str], np.ndarray]
    best_epoch: int
    stopped: bool
    parameters: int
    join: Callable[[], keras.Model]


def train_frozen(job: Job) -> Trained:
    """A head on features of a frozen backbone."""
    config, plan = job.config, job.plan
    backbone = get_backbone(config.backbone)
    loading = _load("core.training.fit")  # TensorFlow takes seconds; meanwhile LiteRT already computes features
    job.phase("prepare")
    extractor_file = job.waiting_for(lambda: prepare(backbone, multi_level=config.multi_level))
    extractor = FeatureExtractor(extractor_file, backbone.input_pixels)
    kept = FeatureStore(_feature_folder(job) / f"{extractor_id(backbone, multi_level=config.multi_level)}.sqlite")
    draws = config.draws if config.augment.active else 0
    sights = {
        "train": [_sight(plan, picture, draw) for draw in range(draws + 1) for picture in plan.part("train")],
        "val": [_sight(plan, picture) for picture in plan.part("val")],
        "test": [_sight(plan, picture) for picture in plan.part("test")],
    }
    every = [sight for part in sights.values() for sight in part]
    job.phase("features", len(every))
    vectors = features_of(every, extractor, kept, config.augment, config.seed, job.progress, job.should_stop)
    job.seconds["decode"] += extractor.spent.decode
    job.seconds["features"] = extractor.spent.features
    ends = np.cumsum([len(part) for part in sights.values()])
    train, val, test = np.split(vectors, ends[:-1])

    job.until_loaded(loading)
    from core.training import fit

    fit.seed_everything(config.seed)
    began = time.perf_counter()
    labels = np.tile(job.labels("train"), draws + 1)
    mean, deviation = fit.standard(train)
    weights = fit.class_weights(labels, len(plan.classes)) if config.class_weights else np.ones(len(labels), np.float32)
    model = fit.head(vectors.shape[1], len(plan.classes), len(labels), config)
    steps = -(-len(labels) // config.batch_size)
    recorder = fit.Recorder(config, steps, job.progress, job.records.append_epoch, job.should_stop)
    job.phase("fit", steps * config.epochs)
    fit.fit(
        model,
        fit.feature_batches((train - mean) / deviation, labels, weights, config, training=True),
        fit.feature_batches((val - mean) / deviation, job.labels("val"), np.ones(len(val)), config, training=False),
        config,
        recorder,
    )
    job.seconds["fit"] = time.perf_counter() - began
    learned = model.layers[-1].get_weights()
    kernel, bias = fit.fold(learned[0], learned[1], mean, deviation)
    features = {"val": val, "test": test}
    return Trained(
        lambda part: _softmax(features[part] @ kernel + bias),
        recorder.best_epoch,
        recorder.stopped,
        backbone.parameters + kernel.size + bias.size,
        lambda: fit.join_frozen(config, kernel, bias),
    )


def train_from_scratch(job: Job) -> Trained:
    """A whole network on pictures."""
    config, plan = job.config, job.plan
    job.until_loaded(_load("core.training.pipeline"))
    from core.backbones.scratch import tutorial_cnn
    from core.training import fit, pipeline

    fit.seed_everything(config.seed)
    began = time.perf_counter()
    job.phase("reading", len(plan.pictures))
    squares, offset = {}, 0
    for part in ("train", "val", "test"):
        paths = [plan.file(picture) for picture in plan.part(part)]
        squares[part] = pipeline.load_squares(
            paths,
            config.input_pixels,
            job.records.folder / f"{part}.npy",
            lambda done, _, offset=offset: job.progress(offset + done, len(plan.pictures)),  # type: ignore[misc]
            job.should_stop,
        )
        offset += len(paths)
    job.seconds["decode"] += time.perf_counter() - began

    began = time.perf_counter()
    labels = {part: job.labels(part) for part in squares}
    weights = fit.class_weights(labels["train"], len(plan.classes)) if config.class_weights else None
    model = tutorial_cnn(config.input_pixels, len(plan.classes), config.dropout)
    train = pipeline.batches(squares["train"], labels["train"], config, training=True, weights=weights)
    held_out = {part: pipeline.batches(squares[part], labels[part], config, training=False) for part in ("val", "test")}
    steps = len(train)
    recorder = fit.Recorder(config, steps, job.progress, job.records.append_epoch, job.should_stop)
    job.phase("fit", steps * config.epochs)
    fit.fit(model, train, held_out["val"], config, recorder)
    job.seconds["fit"] = time.perf_counter() - began
    whole = fit.with_softmax(model)
    return Trained(
        lambda part: whole.predict(held_out[part].map(lambda x, *_: x), verbose=0),
        recorder.best_epoch,
        recorder.stopped,
        model.count_params(),
        lambda: whole,
    )


def _sight(plan: RunPlan, picture: RunPicture, draw: int = 0) -> Sight:
    return Sight(picture.id, plan.file(picture), draw)


def _feature_folder(job: Job) -> Path:
    from core.project import Project

    return Project.open(job.plan.project).home / "features"


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


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
    counts = dict(
        zip(plan.classes, np.bincount(job.labels("train"), minlength=len(plan.classes)).tolist(), strict=True)
    )
    result: dict[str, Any] = {
        "parameters": trained.parameters,
        "best_epoch": trained.best_epoch,
        "val": scores["val"].as_dict(),
        "test": scores["test"].as_dict(),
        "diagnosis": diagnose(
            records.history()[: trained.best_epoch], scores["test"], counts, pretrained=plan.config.pretrained
        ),
        "seconds": job.seconds,
    }
    job.seconds["evaluate"] = time.perf_counter() - began
    job.seconds["total"] = time.time() - plan.created
    records.write_result(result)
    job.state.state = "stopped" if trained.stopped else "done"
    job.phase("save")

    began = time.perf_counter()
    from core.export.convert import to_tflite

    model = trained.join()
    store.write_with(records.model, model.save)
    result["model_sha256"] = hashlib.sha256(records.model.read_bytes()).hexdigest()
    records.write_result(result)
    store.write_bytes(records.tflite, to_tflite(model))
    write_spec(records.folder, plan, result, "float32")
    job.seconds["save"] = time.perf_counter() - began
    job.seconds["total"] = time.time() - plan.created
    records.write_result(result)


def run(folder: Path, scanned: float) -> int:
    """Does the whole training in this process; returns the exit status."""
    records = RunRecords(folder)
    state = own_state(records)
    seconds = {"start": time.time() - records.plan().created - scanned, "decode": scanned, "features": 0.0, "fit": 0.0}
    job = Job(records, records.plan(), state, seconds)
    try:
        job.turn = _wait_for_turn(job)
        state.state = "running"
        finish(job, train_frozen(job) if job.config.pretrained else train_from_scratch(job))
    except Stopped:
        state.state = "stopped"
        state.message = "Stopped before there was a model to keep."
    except FieldguideError as error:
        _fail(state, error.message, error.hint)
    except OSError as error:
        _fail(
            state, f"The computer said: {error.strerror or error}.", "Make space, or allow writing, then train again."
        )
    except MemoryError:
        _fail(state, "Out of memory.", "Try a smaller batch or picture size, or close other programs.")
    except BaseException as error:  # noqa: BLE001 - the person must hear of whatever it was; the log keeps the details
        traceback.print_exc()
        if "ResourceExhausted" in type(error).__name__:
            _fail(state, "Out of memory.", "Try a smaller batch or picture size, or close other programs.")
        else:
            _fail(
                state,
                f"The training failed inside: {type(error).__name__}.",
                f"Details are in {folder / 'worker.log'}.",
            )
    for scratch in folder.glob("*.npy"):
        scratch.unlink()
    state.phase, state.ended, state.seconds_left = "", True, None
    records.write_state(state)
    return 0 if state.state in ("done", "stopped") else 1


def _wait_for_turn(job: Job) -> FileLock:
    """Waits for the lock that lets one training compute at a time. The system lets go of it when this process ends."""
    lock = queue_lock()
    began = time.time()
    while True:
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            if job.should_stop():
                raise Stopped from None
            continue
        job.seconds["queued"] = time.time() - began
        return lock


def _fail(state: RunState, message: str, hint: str) -> None:
    state.state, state.message, state.hint = "failed", message, hint


if __name__ == "__main__":
    status = run(Path(sys.argv[1]), float(sys.argv[2]))
    sys.stdout.flush()
    os._exit(status)  # a thread may still be loading TensorFlow
