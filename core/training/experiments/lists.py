"""Studies whose parts are known from the start, as the folds of a cross-validation: done one after the other, or shared by
several machines as the tries of a search are. What a part found is plain values, which go through the storage as JSON: exactly.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from core.system.errors import FieldguideError, RunError
from core.system.tasks.job import Stopped
from core.training.experiments import Shared, Study
from core.training.job import Job

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from core.training.experiments.claims import Claims

Part = Callable[[int], Any]
"""Does the part of a number, from 0, and gives what it found. Raises Stopped, and FieldguideError where it cannot be done."""
Told = Callable[[list[Any]], None]
"""Hears what the first parts found, in order, each time that there are more of them."""


def carry_out(
    job: Job, study: Study, count: int, part: Part, told: Told, known: Sequence[Any] = (), stage: str = ""
) -> list[Any]:
    """What all parts of a study found, in order, whoever did them.

    `known`: what the first of them found before this process, which only a study of one machine asks for; `stage`: of a study
    whose parts hang on those before, which ones these are. Raises Stopped, and what `part` raises, here or elsewhere.
    """
    if study.shared:
        return _shared(job, study.shared, count, part, told, stage)
    found = list(known[:count])
    while len(found) < count:
        found.append(part(len(found)))
        told(found)
    return found


def _shared(job: Job, shared: Shared, count: int, part: Part, told: Told, stage: str) -> list[Any]:
    import optuna
    from optuna.trial import TrialState

    from core.training.experiments.claims import Claims
    from core.training.experiments.storages import opened, place_of

    with opened(place_of(shared.storage)) as storage:
        name = f"{shared.name}, {stage}" if stage else shared.name
        ours = optuna.create_study(storage=storage, study_name=name, load_if_exists=True)
        claims = Claims(storage, ours, shared)
        heard: list[Any] = []
        while True:
            claimed = claims.claim(count)
            if claimed:
                number, trial = claimed
                began = time.perf_counter()
                try:
                    found = part(number)
                except Stopped:
                    claims.leave(trial)
                    raise
                except FieldguideError as error:
                    claims.finish(trial, TrialState.FAIL, error=[error.message, error.hint])
                    raise
                seconds = round(time.perf_counter() - began, 2)
                claims.finish(trial, TrialState.COMPLETE, 0.0, found=found, seconds=seconds)
            first = _first(claims, count)
            if len(first) > len(heard):
                heard = [trial.user_attrs["found"] for trial in first]
                told(heard)
            if len(heard) == count:
                return heard
            if job.should_stop():
                raise Stopped
            if not claimed:
                time.sleep(min(1.0, shared.patience / 20))


def _first(claims: Claims, count: int) -> list[FrozenTrial]:
    """The trials of the first parts that are done. Raises RunError where one could not be done anywhere."""
    from core.training.experiments.claims import outcome_of

    first: list[FrozenTrial] = []
    whole = True
    for task in claims.tasks(count):
        ended = outcome_of(task)
        if ended and "found" not in ended.user_attrs:
            message, hint = ended.user_attrs.get("error") or (
                "A part of the study ended the process that did it, again and again.",
                "Details are in worker.log in the folder of the study, on each machine. Start it again.",
            )
            raise RunError(message, hint)
        whole = whole and ended is not None
        if whole and ended:
            first.append(ended)
    return first
