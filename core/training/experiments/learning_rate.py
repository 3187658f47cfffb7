"""The learning-rate finder: the rate grows from step to step, and the loss tells where steps help and where they harm.

Smith 2017, "Cyclical learning rates for training neural networks", section 3.3, on the head of a pretrained network, or on a
network from scratch: a few runs of a hundred steps, from other weights or another order of the pictures each, whose losses are
averaged, since a single run jumps too much to be read.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from core.config.training import TrainConfig
from core.system.tasks.job import Stopped, load_in_background
from core.training.experiments import Study
from core.training.experiments.found import RateOptions, RatesFound
from core.training.experiments.head_trainer import set_up
from core.training.job import Job
from core.training.standardise import raw, standard

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

LOWEST, HIGHEST = 1e-6, 1.0
"""What may be suggested: TrainConfig's bounds."""
_STEPS = 100
_FALLEN = 10.0  # deviations of the smoothed loss; noise alone makes 5, and 9 once in a hundred times
_AROUND = 10  # steps on each side by which a slope is measured: noise between two steps is steeper than any fall
_RUNS = 3
_MEMORY = 0.9  # share of the smoothed loss that stays at each step
_ASTRAY = 4.0  # a run ends where its loss is so many times the first

Start = Callable[[TrainConfig], tuple["keras.Model", "tf.data.Dataset"]]
"""What learns with such settings, ready and as it is before the first step, and its batches of one epoch."""


def run(job: Job, study: Study) -> None:
    """The whole study. Raises Stopped."""
    ends = study.options(RateOptions)
    rates = np.geomspace(ends.low, ends.high, _STEPS)
    losses = np.full((_RUNS, _STEPS), np.nan)
    try:
        start = _head(job) if job.config.pretrained else _network(job)
        job.phase("search", _RUNS * _STEPS)
        for number in range(_RUNS):
            _sweep(start, job, rates, losses, number)
    finally:
        study.records.forget_pictures()
    shown, smoothed = smooth(rates, losses)
    suggestion = suggest(rates, losses)
    study.keep(RatesFound(rates=shown.tolist(), losses=smoothed.tolist(), suggestion=suggestion))


def _head(job: Job) -> Start:
    """A head on features."""
    loading = load_in_background("core.training.fit")
    bench = set_up(job)
    job.until_loaded(loading)
    from core.training import fit
    from core.training.batches import feature_batches

    learn = bench.learned(job.config, bench.parts[0])
    features, labels, classes = bench.features[learn], bench.labels[learn], len(job.plan.classes)
    scale = (standard if job.config.standardise else raw)(features)

    def start(config: TrainConfig) -> tuple[keras.Model, tf.data.Dataset]:
        with fit.on_cpu():
            model = fit.head(features.shape[1], classes, len(labels), config)
            fit.make_ready(model, config, _STEPS)
            return model, feature_batches(features, labels, classes, config, scale, training=True)

    return start


def _network(job: Job) -> Start:
    """A network from scratch, on the pictures of the training part, changed at random as a training would."""
    job.until_loaded(load_in_background("core.training.whole"))
    from core.training import fit, pipeline, whole

    squares = whole.read_parts(job, job.config.input_pixels, ("train",))["train"]
    labels, classes = job.labels("train"), len(job.plan.classes)

    def start(config: TrainConfig) -> tuple[keras.Model, tf.data.Dataset]:
        model = whole.from_scratch(config, classes)
        fit.make_ready(model, config, _STEPS)
        return model, pipeline.picture_batches(squares, labels, classes, config, training=True)

    return start


def _sweep(start: Start, job: Job, rates: np.ndarray, losses: np.ndarray, number: int) -> None:
    """One run: fills row `number` of `losses` (runs, steps) with the loss of each batch before its step."""
    from core.training import fit

    config = job.config.model_copy(update={"schedule": "constant", "seed": (job.config.seed + number) % 2**31})
    fit.seed_everything(config.seed)
    model, batches = start(config)
    for step, batch in zip(range(len(rates)), batches.repeat(), strict=False):
        if job.should_stop():
            raise Stopped
        model.optimizer.learning_rate.assign(rates[step])
        loss = float(model.train_on_batch(*batch, return_dict=True)["loss"])
        losses[number, step] = loss
        if not math.isfinite(loss) or loss > _ASTRAY * losses[number, 0]:
            return
        job.progress(number * len(rates) + step + 1, _RUNS * len(rates))


def smooth(rates: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rates (S,) that all runs came to, and the mean of their losses (R, S), smoothed exponentially: (T,) each."""
    came = np.isfinite(losses).all(axis=0)
    mean = losses[:, came].mean(axis=0)
    kept, smoothed = 0.0, np.empty_like(mean)
    for step, loss in enumerate(mean):
        kept = _MEMORY * kept + (1 - _MEMORY) * loss
        smoothed[step] = kept / (1 - _MEMORY ** (step + 1))  # as if there had been no start at 0
    return rates[came], smoothed


def suggest(rates: np.ndarray, losses: np.ndarray) -> float | None:
    """The rate at which the smoothed loss falls most steeply on its way to the lowest point, within what TrainConfig allows;
    None if it did not fall by more than noise would. `rates` (S,), `losses` (R, S): NaN where a run did not come to.

    A tenth of the lowest point's rate, which is often taken instead, hangs on how soon noise ends the fall: for two sets
    of photos, three seeds, two optimizers and three batch sizes it lay between 0.001 and 0.02, and the steepest fall
    between 0.0006 and 0.0025, within which heads did about equally well.
    """
    rates, smoothed = smooth(rates, losses)
    lowest = int(smoothed.argmin()) if len(smoothed) else 0
    around = min(_AROUND, lowest // 2)
    if not around:
        return None
    # Between two steps nearly all is noise; what is left of it in the smoothed loss is that of an exponential mean.
    steps = np.diff(losses[:, : lowest + 1].mean(axis=0))
    noise = np.sqrt((steps**2).mean() / 2 * (1 - _MEMORY) / (1 + _MEMORY))
    if smoothed[: around + 1].mean() - smoothed[lowest] <= _FALLEN * noise:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(smoothed[: lowest + 1], 2 * around + 1)
    slopes = windows @ np.arange(-around, around + 1)  # as a line through each window, times what is the same for all
    return float(f"{min(max(float(rates[slopes.argmin() + around]), LOWEST), HIGHEST):.2g}")
