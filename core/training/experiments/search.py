"""A search for good settings (hyper-parameter search): trainings with other settings, each scored on the validation part.

Of two tries the one with the lower log-loss there is better: among few pictures many tries are equally often right, but
not equally sure.

`python -m core.training.experiments.search STUDY_DIR` is one more process for a search under way: it ends when the search does,
or when the process that leads it dies. The leader alone holds the turn that lets one training compute at a time, so that
those who help it need none.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import nullcontext, suppress
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING

from core.config.training import TrainConfig
from core.system.errors import ConfigError, RunError
from core.system.tasks.job import Stopped
from core.system.tasks.processes import is_alive, leave, spawn
from core.system.tasks.records import TaskState
from core.training.experiments import Study
from core.training.experiments.claims import Lost
from core.training.experiments.found import Before, BestTry, SearchFound, SearchOptions
from core.training.experiments.head_trainer import SilentJob
from core.training.experiments.objectives import objective_of
from core.training.experiments.shared_trials import trials_of
from core.training.experiments.space import tried
from core.training.experiments.storages import answering, place_of
from core.training.experiments.trials import Pruned, values_of
from core.training.job import Job

if TYPE_CHECKING:
    from optuna.trial import Trial

_IN_VAIN = 3  # helpers that may end before they finish a try


class Search:
    """One process of a search: claims tries, does them, and writes down what is known."""

    def __init__(self, job: Job, study: Study) -> None:
        self.job, self.study, self.options = job, study, study.options(SearchOptions)
        self.trials = trials_of(study, job)
        self.objective = objective_of(job)
        self.left = self.options.heads  # tries that this process may do

    def lead(self) -> None:
        """Does tries, with helpers if asked for, until all are done, whichever machine does them. Raises Stopped, and RunError
        if all tries failed."""
        shared = self.study.shared
        if not self.publish().before and (not shared or shared.leads):
            with suppress(RunError, ConfigError):  # it goes astray: all the better that others are tried
                accuracy, log_loss = self.score(self.job.config)
                self.trials.keep_before(before := Before(val_accuracy=accuracy, val_log_loss=log_loss))
                self.publish(before)
        workers = self.options.workers
        helpers = [self.helper() for _ in range(workers - 1)]
        try:
            while self.trials.waiting or self.trials.under_way:
                self.work()
                if self.job.should_stop():
                    raise Stopped
                at_work = sum(helper.poll() is None for helper in helpers)
                if self.trials.waiting and not self.left and at_work < workers:
                    if len(helpers) > workers + _IN_VAIN + len(self.trials.rows()):
                        raise RunError(
                            "The search stopped, and its processes did not say why.",
                            f"Details are in {self.job.records.folder / 'worker.log'}.",
                        )
                    helpers.append(self.helper())
                time.sleep(self.trials.pause)
                if shared:
                    self.publish()
        finally:
            for helper in helpers:
                _end(helper)
        if self.publish().best is None:
            raise RunError("No try gave a result that can be used.", "Let smaller learning rates be tried.")

    def helper(self) -> subprocess.Popen[bytes]:
        """Another process for this search."""
        folder = self.study.folder
        return spawn("core.training.experiments.search", [str(folder)], folder / "worker.log")

    def work(self) -> None:
        """Does tries until there are none to claim, or this process did as many as it may. Raises Stopped."""
        while self.left and (trial := self.trials.claim()) is not None:
            self.left -= 1
            self.attempt(trial)
            if self.job.should_stop():
                raise Stopped

    def attempt(self, trial: Trial) -> None:
        """Does one try and writes down how it ended. Raises Stopped: then it is left to be done again."""
        began = time.perf_counter()
        config = tried(self.job.config, values_of(trial.params))
        score, pruned = None, False
        try:
            score = self.score(config, trial)
        except Pruned:
            pruned = True
        except Lost:
            return
        except Stopped:
            self.trials.leave(trial)
            raise
        except (RunError, ConfigError):
            pass  # the steps were too large, and the loss no longer a number; or the network was too large for the memory
        self.trials.finish(trial, time.perf_counter() - began, score, pruned=pruned)
        self.publish()

    def score(self, config: TrainConfig, trial: Trial | None = None) -> tuple[float, float]:
        """As an Objective says; raises Pruned, too."""
        self.objective.prepare(config)
        self.tell()
        return self.objective.score(config, self.trials.watch(trial) if trial else None)

    def publish(self, before: Before | None = None) -> SearchFound:
        """Writes found.json anew. `before`: what the settings reach that the search starts from."""
        trials = self.trials
        with trials.lock:
            rows = trials.rows()
            done = [BestTry(**row.model_dump()) for row in rows if row.state == "done"]
            last = self.study.found(SearchFound)
            found = SearchFound(
                method=trials.method,
                trials=rows,
                best=min(done, key=lambda row: (row.val_log_loss, row.number), default=None),
                before=before or (last.before if last else None) or trials.before,
                left=max(0, trials.most - len(rows)) if trials.most else None,
                seconds=round(trials.spent, 1),
            )
            self.study.keep(found)
        self.tell()
        return found

    def tell(self) -> None:
        """Writes how far it is and how long it will take: by tries or by time, whichever is nearer to its end."""
        if isinstance(self.job, SilentJob):
            return
        state, trials, done, spent = self.job.state, self.trials, len(self.trials.rows()), self.trials.spent
        state.phase = "search"
        if trials.most and (not trials.seconds or done / trials.most >= spent / trials.seconds):
            state.done, state.total = done, trials.most
            state.seconds_left = spent / done * (trials.most - done) if done else None
        else:
            state.done, state.total = round(spent), round(trials.seconds)
            state.seconds_left = max(0.0, trials.seconds - spent)
        self.job.records.write_state(state)


def run(job: Job, study: Study) -> None:
    """The whole search, in the process of the study."""
    try:
        with answering(place_of(study.shared.storage)) if study.shared else nullcontext():
            Search(job, study).lead()
    finally:
        study.records.forget_pictures()


def help_with(folder: Path) -> None:
    """One more process for the search in a folder, while its leader lives; it writes no state of the study."""
    study = Study(folder)
    leader = study.state()
    if leader.ended:
        return
    threading.Thread(target=_end_with, args=(leader,), daemon=True).start()
    job = SilentJob(study.records, copy(leader), {"start": 0.0}, plan=study.records.plan(), quiet=True)
    try:
        Search(job, study).work()
    except Stopped:
        return


def _end(helper: subprocess.Popen[bytes]) -> None:
    """Waits for a helper that has nothing left to do, or was asked to stop; but not for ever."""
    try:
        helper.wait(10)
    except subprocess.TimeoutExpired:
        helper.kill()
        helper.wait()


def _end_with(leader: TaskState) -> None:
    while is_alive(leader.pid, leader.born):
        time.sleep(0.5)
    leave(1)


if __name__ == "__main__":
    help_with(Path(sys.argv[1]))
    leave(0)
