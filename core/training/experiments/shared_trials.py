"""The tries of a search that several machines share: the same as of one machine, in a storage that all of them see.

There is no lock between machines: a try is claimed where the storage gives it its number. Loads Optuna.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, Trial, TrialState
from pydantic import ValidationError

from core.training.experiments import Shared, Study
from core.training.experiments.claims import Claims, Lost, outcome_of
from core.training.experiments.found import Before, SearchOptions, Try
from core.training.experiments.storages import open_storage, place_of
from core.training.experiments.trials import Trials, row_of
from core.training.job import Job

_BEFORE = "before"


def trials_of(study: Study, job: Job) -> Trials:
    """Those of a search. Raises RunError if its options are damaged, or its storage does not answer."""
    asked = study.folder, study.options(SearchOptions), job.config.seed, job.config.epochs
    return SharedTrials(*asked, study.shared) if study.shared else Trials(*asked)


class SharedTrials(Trials):
    """All tries of a search of several machines; see Trials. A number is that of the task, whoever did it, and however often it
    was begun."""

    def __init__(self, folder: Path, options: SearchOptions, seed: int, epochs: int, shared: Shared) -> None:
        self._shared = shared
        self.pause = min(1.0, shared.patience / 20)
        super().__init__(folder, options, seed, epochs)

    def _open(self, folder: Path) -> None:  # noqa: ARG002 - nothing of it lies there
        self._storage = open_storage(place_of(self._shared.storage))
        self._study = self._study_of(self._storage, self._shared.name)
        self._claims = Claims(self._storage, self._study, self._shared)

    def claim(self) -> Trial | None:  # noqa: D102
        claimed = self._claims.claim(self.most or None, fresh=not self._late)
        if claimed is None:
            return None
        trial = claimed[1]
        try:
            self._draw(trial)
        except UpdateFinishedTrialError:  # this process was held up for so long that it counted as dead
            return None
        return trial

    def leave(self, trial: Trial) -> None:  # noqa: D102
        self._claims.leave(trial)

    @property
    def waiting(self) -> bool:  # noqa: D102
        return self._claims.waiting(self.most or None, fresh=not self._late)

    @property
    def under_way(self) -> bool:  # noqa: D102
        return any(outcome_of(task) is None for task in self._claims.tasks(self.most or None))

    @property
    def _late(self) -> bool:
        return bool(self.seconds) and self.spent >= self.seconds

    def watch(self, trial: Trial) -> Callable[[dict[str, float]], None]:
        """As that of one machine's; raises Lost, too."""
        heard = super().watch(trial)

        def watched(epoch: dict[str, float]) -> None:
            try:
                heard(epoch)
            except UpdateFinishedTrialError:
                raise Lost from None

        return watched

    def finish(self, trial: Trial, seconds: float, score: tuple[float, float] | None, *, pruned: bool = False) -> None:  # noqa: D102
        said: dict[str, Any] = {"seconds": round(seconds, 2), "at once": self._workers}
        if score:
            self._claims.finish(trial, None, score[1], val_accuracy=score[0], **said)
        else:
            self._claims.finish(trial, TrialState.PRUNED if pruned else TrialState.FAIL, **said)

    def rows(self) -> list[Try]:  # noqa: D102
        return [row_of(trial, number) for number, trial in enumerate(self._ended()) if trial]

    @property
    def spent(self) -> float:
        """Seconds that the machine was at work that worked longest, as if all its processes had been so all the time."""
        spent: Counter[str] = Counter()
        for trial in filter(None, self._ended()):
            known = trial.user_attrs
            spent[known.get("member", "")] += known.get("seconds", 0.0) / known.get("at once", 1)
        return float(max(spent.values(), default=0.0))

    @property
    def before(self) -> Before | None:  # noqa: D102
        try:
            return Before.model_validate(self._study.user_attrs.get(_BEFORE))
        except ValidationError:
            return None

    def keep_before(self, before: Before) -> None:  # noqa: D102
        self._study.set_user_attr(_BEFORE, before.model_dump())

    def _ended(self) -> list[FrozenTrial | None]:
        return [outcome_of(task) for task in self._claims.tasks(self.most or None)]
