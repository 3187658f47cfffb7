"""The attempts of a search that change networks: each is fine-tuned, and weighed by itself, and together with others."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from core.config.backbones import get_backbone
from core.models.feature_extractor import ExtractorSpec
from core.training.attempts import FEATURES, FrozenSearch, Seen, named
from core.training.candidates import Candidate, Look, mixed
from core.training.features import FeatureExtractor, FeatureStore, PictureView, features_of
from core.training.job import Job
from core.training.linear_probe import learn_head
from core.training.search_log import OF_ALL, OutOfTime

if TYPE_CHECKING:
    from core.training.fine_tuning import FineTuned

_ROUNDS, _STEPS, _MOST = 5, 300, 30
"""More epochs of fine-tuning gain nothing where they are so many steps; of few pictures there must be more, up to a limit."""
_MIXUP = 0.2
"""The alpha of MixUp that is usual."""


class Search(FrozenSearch):
    """What was tried so far, and the best of it; with networks that were fine-tuned."""

    def __init__(self, job: Job, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(job, clock)
        self.tuned: set[str] = set()  # what was fine-tuned
        self.changed: list[Seen] = []  # and what these see

    def cost_of_tuning(self, name: str, rounds: int, *, hopeful: bool = False) -> float:
        """Seconds that `tune` is expected to take for so many epochs, and that saving it takes longer than it would now.
        `hopeful`: see Budget.tune."""
        look = (name not in self.scale.looked) * self.budget.look(name, len(self.folds.pictures))
        longer = self.budget.saving_of(self._size_with(name)) - self.budget.saving
        return look + self.budget.tune(name, rounds, hopeful=hopeful) + max(0.0, longer)

    def rounds_fitting(self, name: str) -> int:
        """For how many epochs a network can be fine-tuned in the time that is left."""
        start, one = (self.cost_of_tuning(name, rounds) for rounds in (0, 1))
        return max(0, int((OF_ALL * self.budget.left - start) / (one - start)))

    def _size_with(self, name: str) -> int:
        return get_backbone(name).parameters + (self.best.parameters if self.best else 0)

    def tune(self, name: str, *, mixing: bool = False) -> None:
        """Fine-tunes a network for the time that is left, takes averaged weights and mirrored views where they gain, then
        weighs it against the best so far, and both together. Raises OutOfTime where not one epoch turned out to fit in."""
        from core.training.fine_tuning import BATCH, fine_tune
        from core.training.whole import NoTime

        began, plan = self.clock(), self.job.plan
        self.budget.saving = max(self.budget.saving, self.budget.saving_of(self._size_with(name)))
        spec = self.spec(name)
        seen = self.see(spec, self.folds.pictures)
        parts = {"train": seen[: len(plan.part("train"))], "val": seen[len(plan.part("train")) :]}
        head = learn_head(self.job, self.plain, parts)
        # Softened labels and the last round, where the rate has come down to 0: by the loss alone an early round would
        # be kept, because a network that knows its training pictures by heart becomes too sure of itself.
        steps = math.ceil(len(plan.part("train")) / min(BATCH, self.config.batch_size))
        rounds = max(_ROUNDS, min(_MOST, math.ceil(_STEPS / steps)))
        update = {"fine_tune": "all", "fine_tune_epochs": rounds, "label_smoothing": 0.1, "keep_best": False}
        update |= {"backbone": name, "second_backbone": "", "patience": 0}
        if mixing:
            update["augment"] = self.config.augment.model_copy(update={"mixup": _MIXUP})
        config = self.config.model_copy(update=update)
        seconds = OF_ALL * self.budget.left
        self.job.quiet = False
        try:
            # Half of it, before its rate has come down, would be no rival for what there is.
            tuned = fine_tune(self.job, spec, head, config, (1.0, 0.0), seconds, self.clock, thorough=True)
        except NoTime:
            raise OutOfTime from None
        finally:
            self.job.quiet = True
        self.budget.tuned(name, tuned.rounds, self.clock() - began)
        before, what, views = self.best, tuning(name, mixing=mixing), replace(spec, mirrored=tuned.mirrored)
        assert before is not None
        self.tuned.add(what)
        alone = self._weigh_tuned(what, views, tuned, began)
        if self.frozen[0].pixels == before.pixels == spec.pixels:
            self._join(before, alone, views)

    def _weigh_tuned(self, what: str, views: ExtractorSpec, tuned: FineTuned, began: float) -> Candidate:
        """Writes down what it is worth by itself, keeps it if it is the best, and gives it."""
        from core.training.fine_tuning import build_tuned

        truth, best = self.job.labels("val"), self.best
        assert best is not None
        look = Look(partial(build_tuned, views, tuned.extractor), tuned.kernel, views.backbone.parameters)
        network = Candidate(what, tuned.logits, {what: look}, tuned.bias, views.pixels, tuned.best_epoch)
        rows = [
            replace(network, what=f"{what}{why and ', '}{why}", logits={"val": logits}).as_sure_as_right(truth)
            for why, logits in tuned.tried
        ]
        before, taken = best, rows[0]
        for number, row in enumerate(rows):
            self.log.note(row, began, gained=row.score(truth)[0] - before.score(truth)[0])
            began = self.clock()
            before = taken = row if not number or row.worth(truth) > taken.worth(truth) else taken
        network = replace(network, what=taken.what).as_sure_as_right(truth)
        self.best = max((best, network), key=lambda each: each.worth(truth))
        return network

    def _join(self, before: Candidate, alone: Candidate, views: ExtractorSpec) -> None:
        """Weighs a network that was fine-tuned together with the best before it, and then with a new head on what it sees now,
        beside what the others see."""
        truth = self.job.labels("val")
        self._weigh_more(lambda: mixed(before, alone, truth, f"{alone.what}, with the best before it"))
        ((name, look),) = alone.looks.items()
        pictures, features = len(self._everyone), FEATURES * (len(self.frozen) + len(self.changed) + 1)
        seconds = self.budget.convert(views.backbone.name) + self.budget.look(views.backbone.name, pictures)
        seconds += views.mirrored * self.budget.look(views.backbone.name, pictures)
        seconds += self.budget.solve(pictures, features, len(self.job.plan.classes))
        what = f"{name}, a new head on all"
        if self.log.fits(what, seconds):
            self.log.attempt(what, partial(self._with_new_head, what, name, look, views))

    def _with_new_head(self, what: str, name: str, look: Look, views: ExtractorSpec) -> None:
        def learned() -> Candidate:
            seen = Seen(name, look.build, look.parameters, self._features_of(look, views.pixels))
            self.changed.append(seen)
            return self._with_head(what, [*map(self._seen, self.frozen), *self.changed], views.pixels)[0]

        before, joint, truth = self.best, self._weigh_more(learned), self.job.labels("val")
        assert before is not None
        self._weigh_more(lambda: mixed(before, joint, truth, f"{what}, with the best before it"))

    def _features_of(self, look: Look, pixels: int) -> np.ndarray:
        """What a network sees now: features (N, F) of all pictures, which nobody needs again."""
        from core.models.litert_conversion import to_tflite

        job, framing = self.job, self.config.input_framing
        job.phase("building")
        extractor = FeatureExtractor(job.waiting_for(lambda: to_tflite(look.build())), pixels)
        sights = [PictureView(picture.id, job.plan.file(picture), framing) for picture in self._everyone]
        job.phase("features", len(sights))
        with TemporaryDirectory(dir=job.records.folder) as folder:
            kept = FeatureStore(Path(folder) / "features.sqlite")
            return np.asarray(
                features_of(sights, extractor, kept, self.plain.augment, 0, job.progress, job.should_stop)
            )

    def _weigh_more(self, make: Callable[[], Candidate]) -> Candidate:
        """Writes down what is made, keeps it if it is the best, and gives it."""
        truth, best, began = self.job.labels("val"), self.best, self.clock()
        assert best is not None
        other = make()
        self.log.note(other, began, gained=other.score(truth)[0] - best.score(truth)[0])
        self.best = max((best, other), key=lambda each: each.worth(truth))
        return other


def tuning(name: str, *, mixing: bool) -> str:
    """What a fine-tuning is called."""
    return f"{named([name])}, fine-tuned{' with mixing (MixUp)' * mixing}"
