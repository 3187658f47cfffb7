"""The tries of a search: Optuna chooses them, and keeps them in one SQLite file from which several processes may work; for
several machines see core.training.experiments.shared_trials.

What is claimed, told and written is done under one lock, so that no two processes get in each other's way; the system opens
it when a process dies. Loads Optuna: for the processes of a search only.
"""

from __future__ import annotations

import copy
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from filelock import FileLock
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, GridSampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from core.system.tasks.processes import birth_of, is_alive
from core.training.experiments.claims import by_task, place_in
from core.training.experiments.found import Before, SearchOptions, Try
from core.training.experiments.ranges import Range
from core.training.experiments.space import space_of

Pruned = optuna.TrialPruned
"""Raised by what watches a try, when it does worse than most did by then."""

_NAME = "search"
_BY_CHANCE = 6  # tries before the Bayesian search begins to learn from them
_STARTS = 3  # a try that ends its process again and again is given up
_STATES = {TrialState.COMPLETE: "done", TrialState.PRUNED: "cut short", TrialState.FAIL: "failed"}


class Seeded(BaseSampler):
    """A sampler that begins anew for each try, from the seed and the try's number.

    So what is tried hangs neither on where a search was cut off, nor on which of its processes asks.
    """

    def __init__(self, method: str, space: dict[str, Range], seed: int) -> None:
        self._method, self._space, self._seed = method, space, seed
        self._inner: BaseSampler = RandomSampler(seed)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:  # noqa: D102
        tasks = by_task(study.get_trials(deepcopy=False))
        trial = copy.copy(trial)  # one that takes the place of another has a number of its own
        trial.number = place_in(tasks, trial.number)
        seed = int(np.random.SeedSequence([self._seed, trial.number]).generate_state(1)[0])
        if self._method == "grid":  # its order must be the same for all tries
            self._inner = GridSampler({name: chosen.choices for name, chosen in self._space.items()}, self._seed)
        elif self._method == "bayesian":
            self._inner = TPESampler(n_startup_trials=_BY_CHANCE, seed=seed)
        else:
            self._inner = RandomSampler(seed)
        self._inner.before_trial(study, trial)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:  # noqa: D102
        return self._inner.infer_relative_search_space(study, trial)

    def sample_relative(  # noqa: D102
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(  # noqa: D102
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._inner.sample_independent(study, trial, param_name, param_distribution)


class Trials:
    """All tries of the search in a folder. `options`: see `space.options_for`; `epochs`: of a try, at most.

    Raises RunError if the options are damaged.
    """

    pause = 0.1
    """Seconds between two looks at what the others do."""

    def __init__(self, folder: Path, options: SearchOptions, seed: int, epochs: int) -> None:
        self.method, self.most = options.method, options.trials
        self.seconds, self._workers = 60 * options.minutes, options.workers
        self._space = space_of(options)
        if self.method == "grid":
            self._space = {name: Range(choices=chosen.points) for name, chosen in self._space.items()}
        self._seed, self._epochs = seed, epochs
        self._me = [os.getpid(), birth_of(os.getpid())]
        self.lock = FileLock(folder / ".trials.lock")
        self._open(folder)

    def _open(self, folder: Path) -> None:
        file = folder / "trials.sqlite"
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with self.lock:
            self._storage: BaseStorage = optuna.storages.RDBStorage(
                "sqlite:///trials.sqlite",  # its place is given below: an address would not take every folder's name
                engine_kwargs={"creator": lambda: sqlite3.connect(file, timeout=60, check_same_thread=False)},
            )
            self._study = self._study_of(self._storage, _NAME)

    def _study_of(self, storage: BaseStorage, name: str) -> optuna.Study:
        return optuna.create_study(
            storage=storage,
            study_name=name,
            load_if_exists=True,
            sampler=Seeded(self.method, self._space, self._seed),
            pruner=optuna.pruners.MedianPruner(
                n_startup_trials=5, n_warmup_steps=max(3, self._epochs // 3), n_min_trials=3
            ),
        )

    def claim(self) -> Trial | None:
        """The next try, new or left behind by a process that died; None if all are done or taken, or the time is over."""
        with self.lock:
            for left in self._left_behind():
                if left.user_attrs.get("starts", 0) < _STARTS:
                    return self._mine(Trial(self._study, self._id(left.number)))
                self._study.tell(left.number, state=TrialState.FAIL)
            return None if self._enough else self._mine(self._study.ask())

    def leave(self, trial: Trial) -> None:
        """Leaves a try to others, where nothing else would tell them that this process stops."""

    @property
    def waiting(self) -> bool:
        """Whether there is a try to claim."""
        with self.lock:
            return not self._enough or bool(self._left_behind())

    @property
    def _enough(self) -> bool:
        return bool((self.most and len(self._all()) >= self.most) or (self.seconds and self.spent >= self.seconds))

    def _left_behind(self) -> list[FrozenTrial]:
        running = [trial for trial in self._all() if trial.state == TrialState.RUNNING]
        return [trial for trial in running if not is_alive(*trial.user_attrs.get("worker", (0, 0.0)))]

    def watch(self, trial: Trial) -> Callable[[dict[str, float]], None]:
        """What is to be called with each epoch's numbers; it raises Pruned when the try may end early."""
        told = self._all()[trial.number].intermediate_values  # by the process that began it and died

        def heard(epoch: dict[str, float]) -> None:
            with self.lock:
                if int(epoch["epoch"]) not in told:
                    trial.report(epoch["val_loss"], int(epoch["epoch"]))
                if trial.should_prune():
                    trial.set_user_attr("val_accuracy", epoch["val_accuracy"])
                    raise Pruned

        return heard

    def finish(self, trial: Trial, seconds: float, score: tuple[float, float] | None, *, pruned: bool = False) -> None:
        """Writes down how a try ended. `score`: its accuracy and log-loss; None if it was pruned or failed."""
        with self.lock:
            trial.set_user_attr("seconds", round(seconds, 2))
            if score:
                trial.set_user_attr("val_accuracy", score[0])
                self._study.tell(trial, score[1])
            else:
                self._study.tell(trial, state=TrialState.PRUNED if pruned else TrialState.FAIL)

    def rows(self) -> list[Try]:
        """The tries that have ended, in the order in which they began."""
        return [row_of(trial, trial.number) for trial in self._all() if trial.state.is_finished()]

    @property
    def under_way(self) -> bool:
        """Whether a try is not finished."""
        return any(trial.state == TrialState.RUNNING for trial in self._all())

    @property
    def spent(self) -> float:
        """Seconds that the finished tries took, as if all processes had been at work all the time."""
        return float(sum(trial.user_attrs.get("seconds", 0.0) for trial in self._all())) / self._workers

    @property
    def before(self) -> Before | None:
        """What another machine found out about the settings that the search starts from."""
        return None

    def keep_before(self, before: Before) -> None:
        """Tells the other machines."""

    def _all(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _id(self, number: int) -> int:
        study = self._storage.get_study_id_from_name(_NAME)
        return self._storage.get_trial_id_from_study_id_trial_number(study, number)

    def _mine(self, trial: Trial) -> Trial:
        self._draw(trial)
        trial.set_user_attr("worker", self._me)
        trial.set_user_attr("starts", trial.user_attrs.get("starts", 0) + 1)
        return trial

    def _draw(self, trial: Trial) -> None:
        for name, chosen in self._space.items():  # what was drawn before its process died stays
            if chosen.choices:
                trial.suggest_categorical(name, chosen.choices)
            else:
                trial.suggest_float(name, chosen.low, chosen.high, log=chosen.log, step=chosen.step or None)


def values_of(params: dict[str, Any]) -> dict[str, Any]:
    """What Optuna drew, as settings: numbers to three digits, which is all that they mean."""
    return {name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in params.items()}


def row_of(trial: FrozenTrial, number: int) -> Try:
    """A try that has ended, as it is told."""
    return Try(
        number=number,
        values=values_of(trial.params),
        val_accuracy=trial.user_attrs.get("val_accuracy"),
        val_log_loss=trial.value,
        seconds=trial.user_attrs.get("seconds", 0.0),
        state=_STATES[trial.state],
    )
