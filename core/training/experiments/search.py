"""A search for good settings (hyper-parameter search): heads with other settings, each scored on the validation part.

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
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from core.config.training import TrainConfig
from core.models.feature_extractor import specs_of
from core.system.errors import RunError
from core.system.tasks.job import Stopped
from core.system.tasks.processes import is_alive, leave, spawn
from core.system.tasks.records import TaskState
from core.training.experiments import Study
from core.training.experiments.found import Before, BestTry, SearchFound, SearchOptions
from core.training.experiments.head_trainer import HeadTrainer, SilentJob, set_up
from core.training.experiments.space import tried
from core.training.experiments.trials import Pruned, Trials, values_of
from core.training.job import Job

if TYPE_CHECKING:
    from optuna.trial import Trial

_IN_MEMORY = 2  # feature sets
_IN_VAIN = 3  # helpers that may end before they finish a try


class Search:
    """One process of a search: claims tries, does them, and writes down what is known."""

    def __init__(self, job: Job, study: Study) -> None:
        self.job, self.study, self.options = job, study, study.options(SearchOptions)
        self.trials = Trials(study.folder, self.options, job.config.seed, job.config.epochs)
        self.benches: OrderedDict[Any, HeadTrainer] = OrderedDict()
        self.heads = self.options.heads  # that are left to this process

    def lead(self) -> None:
        """Does tries, with helpers if asked for, until all are done. Raises Stopped, and RunError if all tries failed."""
        if not ((last := self.study.found(SearchFound)) and last.before):
            with suppress(RunError):  # it goes astray: all the better that others are tried
                accuracy, log_loss = self.score(self.job.config)
                self.publish(Before(val_accuracy=accuracy, val_log_loss=log_loss))
        self.publish()
        workers = self.options.workers
        helpers = [self.helper() for _ in range(workers - 1)]
        try:
            while self.trials.waiting or self.trials.under_way:
                self.work()
                if self.job.should_stop():
                    raise Stopped
                at_work = sum(helper.poll() is None for helper in helpers)
                if self.trials.waiting and not self.heads and at_work < workers:
                    if len(helpers) > workers + _IN_VAIN + len(self.trials.rows()):
                        raise RunError(
                            "The processes of the search end without a word.",
                            f"Details are in {self.job.records.folder / 'worker.log'}.",
                        )
                    helpers.append(self.helper())
                time.sleep(0.1)
        finally:
            for helper in helpers:
                _end(helper)
        if self.publish().best is None:
            raise RunError("No try came to an end that counts.", "Let smaller learning rates be tried.")

    def helper(self) -> subprocess.Popen[bytes]:
        """Another process for this search."""
        folder = self.study.folder
        return spawn("core.training.experiments.search", [str(folder)], folder / "worker.log")

    def work(self) -> None:
        """Does tries until there are none to claim, or this process did as many as it may. Raises Stopped."""
        while self.heads and (trial := self.trials.claim()) is not None:
            self.heads -= 1
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
        except RunError:
            pass  # the steps were too large, and the loss no longer a number
        self.trials.finish(trial, time.perf_counter() - began, score, pruned=pruned)
        self.publish()

    def score(self, config: TrainConfig, trial: Trial | None = None) -> tuple[float, float]:
        """Accuracy and log-loss on the validation part of a head with these settings.

        Raises RunError when the loss is no longer finite, Stopped, Pruned.
        """
        bench = self.bench(config)
        head = bench.head(config, *bench.parts, self.trials.watch(trial) if trial else None)
        if head.stopped:
            raise Stopped  # half a try tells nothing
        from core.training import fit

        held_out = bench.parts[1]
        accuracy, likelihood = fit.score(head.probabilities(bench.features[held_out]), bench.labels[held_out])
        return accuracy, -likelihood

    def bench(self, config: TrainConfig) -> HeadTrainer:
        """The features that these settings ask for; only so many sets stay in memory. Raises Stopped."""
        key = specs_of(config)
        if key not in self.benches:
            while len(self.benches) >= _IN_MEMORY:
                self.benches.popitem(last=False)
            with self._alone():
                self.benches[key] = set_up(self.job, config)
            self.tell()
        self.benches.move_to_end(key)
        return self.benches[key]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Of several processes one computes features, and the others find them. Raises Stopped."""
        lock = FileLock(self.study.folder / ".features.lock")
        while not lock.is_locked:
            try:
                lock.acquire(timeout=0.2)
            except Timeout:
                if self.job.should_stop():
                    raise Stopped from None
        try:
            yield
        finally:
            lock.release()

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
                before=before or (last.before if last else None),
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
    Search(job, study).lead()


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
