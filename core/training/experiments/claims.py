"""Numbered tasks that processes on any machine claim one by one: trials of a study of Optuna's, in a storage that all see.

The storage gives each trial a number that no other gets, and with it its task. A process says every few seconds that it
lives; where it has not for a while, its trial fails, once, and Optuna's own callback queues another with the same task. That
word is an attribute of the trial, and each process judges by its own clock whether it has changed: Optuna's heartbeat is of
databases only, not of a journal or the proxy, does not go with ask and tell, and would wait for ever for a process that died
before its first beat. Loads Optuna.
"""

from __future__ import annotations

import copy
import threading
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.storages import BaseStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, Trial, TrialState

from core.training.experiments import Shared

MOST_DEATHS = 3
"""A task that ends its process again and again is given up."""
_BEATS = 6
"""So often a process says that it lives, in the time in which it must."""
_BEAT, _LEFT, _DIED, _STOPPED = "beat", "left", "died", "stopped"

with warnings.catch_warnings():
    warnings.simplefilter("ignore", ExperimentalWarning)
    _again = RetryHeartbeatStaleTrialCallback()


class Lost(Exception):  # noqa: N818 - it is a signal, not an error
    """The task was given to another process, since nothing was heard of this one."""


def by_task(trials: Sequence[FrozenTrial]) -> list[list[FrozenTrial]]:
    """The trials of each task, in order; all of a study are to be given, in theirs."""
    tasks: list[list[FrozenTrial]] = []
    number: dict[int, int] = {}
    for trial in trials:
        first = trial.system_attrs.get("failed_trial")  # the callback notes the first one of a task
        if first in number:
            number[trial.number] = number[first]
            tasks[number[first]].append(trial)
        else:
            number[trial.number] = len(tasks)
            tasks.append([trial])
    return tasks


def place_in(tasks: Sequence[Sequence[FrozenTrial]], number: int) -> int:
    """Which task a trial is of, by the trial's own number."""
    return next(place for place, task in enumerate(tasks) if any(trial.number == number for trial in task))


def outcome_of(task: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """The trial that ended a task, or after which it was given up; None where it is to be done, or under way."""
    for trial in task:
        if trial.state.is_finished() and not (trial.state == TrialState.FAIL and _left(trial)):
            return trial
    given_up = sum(_left(trial) == _DIED for trial in task) >= MOST_DEATHS and task[-1].state == TrialState.FAIL
    return task[-1] if given_up else None


def _left(trial: FrozenTrial) -> str:
    """Why a process left it to others, "" if it did not. The attributes of a trial go over to the one that takes its place."""
    number, why = trial.user_attrs.get(_LEFT, (None, ""))
    return str(why) if number == trial.number else ""


class Claims:
    """The tasks of a study, of which this process does some. `shared`: its machine's name, and how long one may be silent."""

    def __init__(self, storage: BaseStorage, study: optuna.Study, shared: Shared) -> None:
        self._storage, self.study, self._shared, self._patience = storage, study, shared, shared.patience
        self._seen: dict[int, tuple[object, float]] = {}
        self._beating: threading.Event | None = None

    def tasks(self, most: int | None = None) -> list[list[FrozenTrial]]:
        """See `by_task`; of the first `most` tasks only: of processes that claim the last one at once, one is in vain."""
        return by_task(self.study.get_trials(deepcopy=False))[:most]

    def claim(self, most: int | None, *, fresh: bool = True) -> tuple[int, Trial] | None:
        """The next task and its trial: what a process left that died or was stopped, else, if `fresh`, a new one below `most`.
        None if there is none now."""
        self._give_back()
        tasks = self.tasks()
        waiting = any(trial.state == TrialState.WAITING for task in tasks for trial in task)
        if not waiting and (not fresh or (most is not None and len(tasks) >= most)):
            return None
        trial = self.study.ask()
        number = place_in(self.tasks(), trial.number)
        if most is not None and number >= most:
            self._end(trial.number, TrialState.FAIL)
            return None
        trial.set_user_attr("member", self._shared.member)
        self._beating = threading.Event()
        threading.Thread(target=self._beat, args=(trial, self._beating), daemon=True).start()
        return number, trial

    def waiting(self, most: int | None, *, fresh: bool = True) -> bool:
        """Whether there is a task to claim."""
        self._give_back()
        tasks = self.tasks(most)
        waiting = any(trial.state == TrialState.WAITING for task in tasks for trial in task)
        return waiting or (fresh and (most is None or len(tasks) < most))

    def finish(self, trial: Trial, state: TrialState | None = None, value: float | None = None, **said: Any) -> None:
        """Writes down how a task ended, and what is to be said of it; nothing, if it was given to another process meanwhile.
        `state`: by default done, or failed where `value` is no number."""
        with suppress(UpdateFinishedTrialError):
            for name, what in said.items():
                trial.set_user_attr(name, what)
        self._quiet()
        self._end(trial.number, state, value)

    def leave(self, trial: Trial) -> None:
        """Leaves a task to others at once: this process was asked to stop."""
        self._quiet()
        if self._mark(trial.number, _STOPPED):
            self._queue(trial.number)

    def _beat(self, trial: Trial, quiet: threading.Event) -> None:
        number = int(trial.user_attrs.get(_BEAT, 0))
        while not quiet.wait(self._patience / _BEATS):
            number += 1
            try:
                trial.set_user_attr(_BEAT, number)
            except UpdateFinishedTrialError:
                return
            except Exception:  # noqa: BLE001, S110 - a storage that does not answer now may do so at the next beat
                pass

    def _quiet(self) -> None:
        if self._beating:
            self._beating.set()
            self._beating = None

    def _give_back(self) -> None:
        """Queues the tasks of processes of which nothing was heard for too long, and those that were left and never queued."""
        now, seen = time.monotonic(), {}
        for task in self.tasks():
            last = task[-1]
            if outcome_of(task) or not (last.state == TrialState.RUNNING or _left(last)):
                continue
            word = last.state, last.user_attrs.get(_BEAT)
            known = self._seen.get(last.number)
            seen[last.number] = known if known and known[0] == word else (word, now)
            overdue = now - seen[last.number][1] > self._patience
            if overdue and (last.state == TrialState.FAIL or self._mark(last.number, _DIED)):
                self._queue(last.number)
        self._seen = seen

    def _mark(self, number: int, why: str) -> bool:
        """Fails a trial whose task is left to others; whether it was this call that did: of several, the storage lets one."""
        study = self._storage.get_study_id_from_name(self.study.study_name)
        trial = self._storage.get_trial_id_from_study_id_trial_number(study, number)
        with suppress(UpdateFinishedTrialError):
            self._storage.set_trial_user_attr(trial, _LEFT, [number, why])
            return self._end(number, TrialState.FAIL)
        return False

    def _queue(self, number: int) -> None:
        tasks = self.tasks()
        task = tasks[place_in(tasks, number)]
        if not outcome_of(task):
            again = copy.deepcopy(task[-1])  # the callback changes what it is given
            again.params, again.distributions = {}, {}  # half of them would make those drawn after them others
            _again(self.study, again)

    def _end(self, number: int, state: TrialState | None, value: float | None = None) -> bool:
        try:
            self.study.tell(number, value, state=state)
        except (UpdateFinishedTrialError, ValueError):  # the latter says that it has ended already
            return False
        return True
