"""The attempts of a search: to look through networks, to put heads on them, to fine-tune them. Each says what it gained.

What looks at squares of one size can be joined: a head on several networks, frozen and fine-tuned, is one graph.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
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
from core.training.candidates import SURE, Candidate, CrossValidation, Look
from core.training.feature_matrix import logits
from core.training.features import FeatureExtractor, FeatureStore, PictureView, features_of
from core.training.job import Job
from core.training.linear_probe import feature_folder, fetch_weights, learn_head
from core.training.search_log import SearchLog

if TYPE_CHECKING:
    import keras


_SOME = 300
"""Pictures by which the promise of a network is told."""
FEATURES = 4000
"""About so many has a network."""


@dataclass(frozen=True)
class Network:
    """One that was looked through: the size of its squares, and features (n, F) of some pictures."""

    pixels: int
    features: np.ndarray


@dataclass
class Scale:
    """What was tried at squares of one size. `looked`: the networks through which all pictures were looked at; `heads`: the
    networks of each head, sorted, and whether with mirrored views; `promises`: see `FrozenSearch.promise_of`."""

    pixels: int
    networks: dict[str, Network] = field(default_factory=dict)
    looked: set[str] = field(default_factory=set)
    heads: set[tuple[tuple[str, ...], bool]] = field(default_factory=set)
    promises: dict[tuple[str, ...], float] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """A network of so many weights, by what it is called, and its features (N, F) of the pictures to learn from, to check with
    and to test with, in that order."""

    name: str
    build: Callable[[], keras.Model]
    parameters: int
    features: np.ndarray


class FrozenSearch:
    """What was tried so far, and the best of it. `clock`: seconds, from any beginning."""

    def __init__(self, job: Job, clock: Callable[[], float] = time.monotonic) -> None:
        self.job, self.config, self.clock = job, job.config, clock
        self.plain = job.config.model_copy(update={"augment": AugmentConfig()})
        self.budget = Budget(job.config, len(job.plan.part("train")), clock)
        self.log = SearchLog(job, self.budget)
        self.folds = CrossValidation(job.plan, job.config)
        self.some = self.folds.some(_SOME)
        self.scale = Scale(job.config.input_pixels)
        self.best: Candidate | None = None
        self.joined: tuple[str, ...] = ()  # the frozen networks of the best head
        self.frozen: tuple[ExtractorSpec, ...] = ()  # how these look
        self.promise, self.judged = -np.inf, 0.0  # of that head by cross-validation, and its accuracy

    @property
    def networks(self) -> dict[str, Network]:
        """Those that were looked through, at the size that is tried."""
        return self.scale.networks

    @property
    def perfect(self) -> bool:
        """Whether heads that did not see a picture name every one right, and the best of them those to check with: nothing
        could tell what is better."""
        found = self.best is not None and self.judged == 1 == self.best.score(self.job.labels("val"))[0]
        self.log.perfect = found
        return found

    def at(self, scale: Scale) -> None:
        """Goes on with squares of that size."""
        self.scale, self.budget.pixels = scale, scale.pixels

    def cost(self, names: Sequence[str], *, mirrored: bool = False) -> float:
        """Seconds that `look` is expected to take."""
        plan, total = self.job.plan, 0.0
        for name in names:
            spec = self.spec(name, mirrored=mirrored)
            looked = mirrored or name not in self.scale.looked
            total += looked * self.budget.look(name, len(plan.pictures)) + (not spec.ready) * self.budget.convert(name)
        return total + self.budget.solve(len(plan.pictures), FEATURES * len(names), len(plan.classes))

    def cost_of_probing(self, name: str) -> float:
        """Seconds that `probe` is expected to take."""
        count, classes = len(self.some), len(self.job.plan.classes)
        ready = self.spec(name).ready
        look = self.budget.look(name, count) + (not ready) * self.budget.convert(name)
        return look + self.budget.solve(count, FEATURES, classes)

    def spec(self, name: str, *, mirrored: bool = False) -> ExtractorSpec:
        """How a network looks at the pictures: at squares of the size that is tried, or of its own where it takes no other."""
        pixels = self.networks[name].pixels if name in self.networks else self.scale.pixels
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
        own, pixels = get_backbone(name).input_pixels, self.scale.pixels
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
        if key not in self.scale.promises:
            features = np.concatenate([self.networks[name].features for name in key], axis=1)
            accuracy, likelihood = self.job.waiting_for(lambda: self.folds.judge(features, self.some))
            self.scale.promises[key] = accuracy + SURE * likelihood
        return self.scale.promises[key]

    def look(self, names: Sequence[str], *, mirrored: bool = False, what: str = "", price: float = 0.0) -> None:
        """A head on frozen networks; with `mirrored`, each looks at the mirror image, too. `what`: what that is called;
        `price`: how much more it must promise than the best so far."""
        began = self.clock()
        specs = [self.spec(name, mirrored=mirrored) for name in names]
        seen = [self._seen(spec) for spec in specs]
        for name, one, spec in zip(names, seen, specs, strict=True):
            if not mirrored:
                self.scale.looked.add(name)
                self.networks.setdefault(name, Network(spec.pixels, one.features[self.some]))
        solving, what = self.clock(), what or named(names) + ", mirrored views" * mirrored
        candidate, known = self._with_head(what, seen, specs[0].pixels, specs)
        judged = self.job.waiting_for(lambda: self.folds.judge(known))
        self.budget.solved(len(known), known.shape[1], len(self.job.plan.classes), self.clock() - solving)
        if self._weigh(candidate, names, began, judged, price) and mirrored:
            self.job.phase("prepare")
            for spec in specs:  # the file is made of these: who waits for it waits no longer
                self.job.waiting_for(partial(prepare, spec))
        self.scale.heads.add((tuple(sorted(names)), mirrored))

    def look_quickly(self) -> None:
        """The head of the recipe Quick."""
        began, specs = self.clock(), specs_of(TrainConfig())
        candidate, known = self._with_head("Quick", [self._seen(spec) for spec in specs], specs[0].pixels, specs)
        self._weigh(candidate, (), began, self.job.waiting_for(lambda: self.folds.judge(known)))

    def _weigh(
        self, candidate: Candidate, names: Sequence[str], began: float, judged: tuple[float, float], price: float = 0.0
    ) -> bool:
        """Writes a head down, and keeps it if it is the best by cross-validation, by more than `price`; whether it did."""
        accuracy, promise = judged[0], judged[0] + SURE * judged[1]
        gained = None if self.best is None else accuracy - self.judged
        self.log.note(candidate, began, cross_validated=accuracy, gained=gained)
        if better := promise - price > self.promise:
            self.best, self.joined, self.frozen = candidate, tuple(names), candidate.frozen
            self.promise, self.judged = promise, accuracy
        return better

    @property
    def _everyone(self) -> list[RunPicture]:
        return [*self.folds.pictures, *self.job.plan.part("test")]

    def _seen(self, spec: ExtractorSpec) -> Seen:
        build = partial(build_extractor, spec)
        return Seen(spec.id, build, spec.backbone.parameters, self.see(spec, self._everyone))

    def _with_head(
        self, what: str, seen: Sequence[Seen], pixels: int, frozen: Sequence[ExtractorSpec] = ()
    ) -> tuple[Candidate, np.ndarray]:
        """A head on networks that look at squares of one size, which are `frozen` if these are named; and the features (N, F)
        of the pictures that are not of the test."""
        features = np.concatenate([one.features for one in seen], axis=1)
        learning, known = len(self.job.plan.part("train")), len(self.folds.pictures)
        parts = {"train": features[:learning], "val": features[learning:known], "test": features[known:]}
        head = learn_head(self.job, self.plain, parts)
        kernels = np.split(head.kernel, np.cumsum([one.features.shape[1] for one in seen])[:-1])
        candidate = Candidate(
            what,
            {part: logits(parts[part], head.kernel, head.bias) for part in ("val", "test")},
            {one.name: Look(one.build, kernel, one.parameters) for one, kernel in zip(seen, kernels, strict=True)},
            head.bias,
            pixels,
            frozen=tuple(frozen),
        )
        return candidate, features[:known]


def named(names: Sequence[str]) -> str:
    """The titles of networks that look together, a family's name once: EfficientNet-Lite0 + Lite2."""
    titles = [get_backbone(name).title for name in names]
    families = ["", *(title.partition("-")[0] + "-" for title in titles)]
    return " + ".join(title.removeprefix(before) for title, before in zip(titles, families, strict=False))
