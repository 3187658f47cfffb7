"""The attempts of a search: to look through networks, to put heads on them, to fine-tune them. Each says what it gained.

What looks at squares of one size can be joined: a head on several networks, frozen and fine-tuned, is one graph.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from core.config.augmentation import AugmentConfig
from core.config.backbones import get_backbone
from core.config.training import TrainConfig
from core.models.feature_extractor import ExtractorSpec, build_extractor, prepare, specs_of
from core.runs.records import RunPicture
from core.system.errors import ModelError
from core.training.budget import Budget
from core.training.candidates import SURE, Candidate, CrossValidation, mixed
from core.training.feature_matrix import Features, logits
from core.training.features import FeatureExtractor, FeatureStore, PictureView, features_of
from core.training.job import Job
from core.training.linear_probe import Head, feature_folder, fetch_weights, learn_head, parts_of
from core.training.search_log import OF_ALL, OutOfTime, SearchLog

if TYPE_CHECKING:
    from core.training import whole

_ROUNDS = 15
"""More epochs of fine-tuning gain nothing."""
_SOME = 300
"""Pictures by which the promise of a network is told."""
_FEATURES = 4000
"""About so many has a network."""
_MIXUP = 0.2
"""The alpha of MixUp that is usual."""


@dataclass(frozen=True)
class Network:
    """One that was looked through: the size of its squares, and features (n, F) of some pictures."""

    pixels: int
    features: np.ndarray


class Search:
    """What was tried so far, and the best of it. `clock`: seconds, from any beginning."""

    def __init__(self, job: Job, clock: Callable[[], float] = time.monotonic) -> None:
        self.job, self.config, self.clock = job, job.config, clock
        self.plain = job.config.model_copy(update={"augment": AugmentConfig()})
        self.budget = Budget(job.config, len(job.plan.part("train")), clock)
        self.log = SearchLog(job, self.budget)
        self.folds = CrossValidation(job.plan, job.config)
        self.some = self.folds.some(_SOME)
        self.networks: dict[str, Network] = {}
        self.looked: set[str] = set()  # through which all pictures were looked at
        self.heads: set[tuple[tuple[str, ...], bool]] = (
            set()
        )  # the networks of each, sorted; whether with mirrored views
        self.tuned: dict[tuple[str, bool], float] = {}  # what each fine-tuning was worth, without and with mixing
        self._promises: dict[tuple[str, ...], float] = {}
        self.best: Candidate | None = None
        self.joined: tuple[str, ...] = ()  # the frozen networks of the best head
        self.promise, self.judged = -np.inf, 0.0  # of that head by cross-validation, and its accuracy

    @property
    def perfect(self) -> bool:
        """Whether heads that did not see a picture name every one right, and the best of them those to check with: nothing
        could tell what is better."""
        found = self.best is not None and self.judged == 1 == self.best.score(self.job.labels("val"))[0]
        self.log.perfect = found
        return found

    def cost(self, names: Sequence[str], *, mirrored: bool = False) -> float:
        """Seconds that `look` is expected to take."""
        plan, total = self.job.plan, 0.0
        for name in names:
            spec = self.spec(name, mirrored=mirrored)
            looked = mirrored or name not in self.looked
            total += looked * self.budget.look(name, len(plan.pictures)) + (not spec.ready) * self.budget.convert(name)
        return total + self.budget.solve(len(plan.pictures), _FEATURES * len(names), len(plan.classes))

    def cost_of_probing(self, name: str) -> float:
        """Seconds that `probe` is expected to take."""
        count, classes = len(self.some), len(self.job.plan.classes)
        ready = self.spec(name).ready
        look = self.budget.look(name, count) + (not ready) * self.budget.convert(name)
        return look + self.budget.solve(count, _FEATURES, classes)

    def cost_of_tuning(self, name: str, rounds: int, *, hopeful: bool = False) -> float:
        """Seconds that `tune` is expected to take for so many epochs, and that saving it takes longer than it would now.
        `hopeful`: see Budget.tune."""
        look = (name not in self.looked) * self.budget.look(name, len(self.folds.pictures))
        longer = self.budget.saving_of(self._size_with(name)) - self.budget.saving
        return look + self.budget.tune(name, rounds, hopeful=hopeful) + max(0.0, longer)

    def rounds_fitting(self, name: str) -> int:
        """For how many epochs a network can be fine-tuned in the time that is left."""
        start, one = (self.cost_of_tuning(name, rounds) for rounds in (0, 1))
        return max(0, int((OF_ALL * self.budget.left - start) / (one - start)))

    def _size_with(self, name: str) -> int:
        return get_backbone(name).parameters + (self.best.parameters if self.best else 0)

    def spec(self, name: str, *, mirrored: bool = False) -> ExtractorSpec:
        """How a network looks at the pictures: at squares of the settings' size, or of its own where it takes no other."""
        pixels = self.networks[name].pixels if name in self.networks else self.config.input_pixels
        return ExtractorSpec(get_backbone(name), pixels, True, mirrored=mirrored, expanded=True)

    def see(self, spec: ExtractorSpec, pictures: Sequence[RunPicture]) -> np.ndarray:
        """Features (N, F) of the pictures, with `mirrored` the mean of those and of their mirror images': what was seen before
        comes for nothing. Raises ModelError for a network that cannot be written as a .tflite file."""
        job, name, once = self.job, spec.backbone.name, replace(spec, mirrored=False)
        if not once.ready:
            fetch_weights(once, job)
            began = self.clock()
            job.phase("prepare")
            if job.waiting_for(lambda: prepare(once)) is None:
                raise ModelError("It cannot be written as a .tflite file.", "Choose another model.")
            self.budget.converted(name, self.clock() - began)
        extractor = FeatureExtractor(once.path, once.pixels)
        kept = FeatureStore(feature_folder(job.plan.project) / f"{once.id}.sqlite")
        seen = []
        for mirror in (False, True) if spec.mirrored else (False,):
            sights = [PictureView(p.id, job.plan.file(p), self.config.input_framing, mirror=mirror) for p in pictures]
            job.phase("features", len(sights))
            before, began = extractor.spent.pictures, self.clock()
            seen.append(
                np.asarray(
                    features_of(
                        sights, extractor, kept, self.plain.augment, self.config.seed, job.progress, job.should_stop
                    )
                )
            )
            if looked := extractor.spent.pictures - before:
                self.budget.looked(name, looked, self.clock() - began)
        job.spend("decode", extractor.spent.decode)
        job.spend("features", extractor.spent.features)
        return seen[0] if len(seen) == 1 else (seen[0] + seen[1]) / 2

    def probe(self, name: str) -> None:
        """Tells by some of the pictures what a network promises."""
        some = [self.folds.pictures[row] for row in self.some]
        own, pixels = get_backbone(name).input_pixels, self.config.input_pixels
        try:
            features = self.see(self.spec(name), some)
        except ModelError:
            if pixels == own:
                raise
            pixels = own
            features = self.see(replace(self.spec(name), pixels=own), some)
        self.networks[name] = Network(pixels, features)

    def promise_of(self, names: Sequence[str]) -> float:
        """What a head on these networks promises, by some of the pictures; each was probed."""
        key = tuple(sorted(names))
        if key not in self._promises:
            features = np.concatenate([self.networks[name].features for name in key], axis=1)
            accuracy, likelihood = self.job.waiting_for(lambda: self.folds.judge(features, self.some))
            self._promises[key] = accuracy + SURE * likelihood
        return self._promises[key]

    def look(self, names: Sequence[str], *, mirrored: bool = False) -> None:
        """A head on frozen networks; with `mirrored`, each looks at the mirror image, too."""
        began, plan = self.clock(), self.job.plan
        specs = [self.spec(name, mirrored=mirrored) for name in names]
        everyone = [*self.folds.pictures, *plan.part("test")]
        seen = [self.see(spec, everyone) for spec in specs]
        for name, features, spec in zip(names, seen, specs, strict=True):
            if not mirrored:
                self.looked.add(name)
                self.networks.setdefault(name, Network(spec.pixels, features[self.some]))
        features = np.concatenate(seen, axis=1)
        solving, learning, known = self.clock(), len(plan.part("train")), len(self.folds.pictures)
        parts = {"train": features[:learning], "val": features[learning:known], "test": features[known:]}
        head = learn_head(self.job, self.plain, parts)
        accuracy, likelihood = self.job.waiting_for(lambda: self.folds.judge(features[:known]))
        self.budget.solved(known, features.shape[1], len(plan.classes), self.clock() - solving)
        if mirrored and accuracy + SURE * likelihood > self.promise:
            self.job.phase("prepare")
            for spec in specs:  # the file is made of these: who waits for it waits no longer
                self.job.waiting_for(partial(prepare, spec))
        what = named(names) + ", mirrored views" * mirrored
        self._weigh(self._candidate(what, specs, head, parts), names, began, accuracy, likelihood)
        self.heads.add((tuple(sorted(names)), mirrored))

    def look_quickly(self) -> None:
        """The head of the recipe Quick."""
        began, specs = self.clock(), specs_of(TrainConfig())
        parts = parts_of(self.job, specs, self.plain)
        head = learn_head(self.job, self.plain, parts)
        known = np.concatenate([parts["train"], parts["val"]])
        judged = self.job.waiting_for(lambda: self.folds.judge(known))
        self._weigh(self._candidate("Quick", specs, head, parts), (), began, *judged)

    def _weigh(
        self, candidate: Candidate, names: Sequence[str], began: float, accuracy: float, likelihood: float
    ) -> None:
        """Writes a head down, and keeps it if it is the best by cross-validation."""
        gained = None if self.best is None else accuracy - self.judged
        self.log.note(candidate, began, cross_validated=accuracy, gained=gained)
        if accuracy + SURE * likelihood > self.promise:
            self.best, self.joined = candidate, tuple(names)
            self.promise, self.judged = accuracy + SURE * likelihood, accuracy

    def _candidate(
        self, what: str, specs: Sequence[ExtractorSpec], head: Head, parts: Mapping[str, Features]
    ) -> Candidate:
        """What these and their head say."""
        return Candidate(
            what,
            {part: logits(parts[part], head.kernel, head.bias) for part in ("val", "test")},
            lambda: [build_extractor(spec) for spec in specs],
            head.kernel,
            head.bias,
            sum(spec.backbone.parameters for spec in specs) + head.kernel.size + head.bias.size,
            specs[0].pixels,
            frozen=tuple(specs),
        )

    def tune(self, name: str, *, mixing: bool = False) -> None:
        """Fine-tunes a network for the time that is left, takes averaged weights and mirrored views where they gain, then
        weighs it against the best so far, and both together. Raises OutOfTime where not one epoch turned out to fit in."""
        from core.training.whole import NoTime, fine_tune

        began, plan = self.clock(), self.job.plan
        self.budget.saving = max(self.budget.saving, self.budget.saving_of(self._size_with(name)))
        spec = replace(self.spec(name), expanded=False)
        width = self.job.waiting_for(lambda: int(build_extractor(spec).output_shape[1]))
        seen = self.see(self.spec(name), self.folds.pictures)[:, :width]  # the others come after those
        parts = {"train": seen[: len(plan.part("train"))], "val": seen[len(plan.part("train")) :]}
        head = learn_head(self.job, self.plain, parts)
        # Softened labels and the last round, where the rate has come down to 0: by the loss alone an early round would
        # be kept, because a network that knows its training pictures by heart becomes too sure of itself.
        update = {"fine_tune": "all", "fine_tune_epochs": _ROUNDS, "label_smoothing": 0.1, "keep_best": False}
        update |= {"backbone": name, "second_backbone": "", "patience": 0}
        if mixing:
            update["augment"] = self.config.augment.model_copy(update={"mixup": _MIXUP})
        config = self.config.model_copy(update=update)
        seconds = OF_ALL * self.budget.left
        self.job.quiet = False
        try:
            # Half of it, before its rate has come down, would be no rival for what there is.
            tuned = fine_tune(self.job, spec, head, config, (1.0, 0.0), seconds, self.clock, weigh=True)
        except NoTime:
            raise OutOfTime from None
        finally:
            self.job.quiet = True
        self.budget.tuned(name, tuned.rounds, self.clock() - began)
        self.tuned[name, mixing] = self._weigh_tuned(tuning(name, mixing=mixing), spec, tuned, began)

    def _weigh_tuned(self, what: str, spec: ExtractorSpec, tuned: whole.FineTuned, began: float) -> float:
        """Writes down what it is worth, by itself and with the best so far, and keeps the better; gives what it is worth by
        itself."""
        from core.training.whole import build_tuned

        truth, best = self.job.labels("val"), self.best
        assert best is not None
        views = replace(spec, mirrored=tuned.mirrored)
        whole_network = Candidate(
            what,
            tuned.logits,
            lambda: [build_tuned(views, tuned.extractor)],
            tuned.kernel,
            tuned.bias,
            spec.backbone.parameters + tuned.kernel.size + tuned.bias.size,
            spec.pixels,
            tuned.best_epoch,
        )
        rows = [
            replace(whole_network, what=f"{what}{why and ', '}{why}", logits={"val": logits})
            for why, logits in tuned.tried
        ]
        before, taken = best, rows[0]
        for number, row in enumerate(rows):
            self.log.note(row, began, gained=row.score(truth)[0] - before.score(truth)[0])
            began = self.clock()
            before = taken = row if not number or row.worth(truth) > taken.worth(truth) else taken
        candidates = [best, replace(whole_network, what=taken.what)]
        if best.pixels == spec.pixels:
            both = mixed(best, candidates[1], truth, f"{taken.what}, with the best before it")
            rival = max(candidates, key=lambda each: each.worth(truth))
            self.log.note(both, began, gained=both.score(truth)[0] - rival.score(truth)[0])
            candidates.append(both)
        self.best = max(candidates, key=lambda each: each.worth(truth))
        return taken.worth(truth)


def named(names: Sequence[str]) -> str:
    """The titles of networks that look together."""
    return " + ".join(get_backbone(name).title for name in names)


def tuning(name: str, *, mixing: bool) -> str:
    """What a fine-tuning is called."""
    return f"{named([name])}, fine-tuned{' with mixing (MixUp)' * mixing}"
