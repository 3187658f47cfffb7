"""What studies are asked, and what they find: the records of each kind, checked when they are read, since they may be damaged,
of another version, or from elsewhere."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from core.runs.result import Finite, Interval, Shape, Share, Whole

_Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class SearchOptions(Shape):
    """`space`: see core.training.experiments.space.space_of; `trials`, `minutes`: 0 for no limit; `workers`: processes;
    `heads`: tries of one process before another takes its place, since TensorFlow keeps some 5 MB of each for ever."""

    method: Literal["grid", "random", "bayesian"]
    space: dict[str, Any]
    trials: Whole
    minutes: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    workers: Annotated[int, Field(ge=1, le=64)]
    heads: Annotated[int, Field(ge=1)] = 60


class RateOptions(Shape):
    """Where the rate begins and ends."""

    low: _Rate = 1e-5
    high: _Rate = 1.0


class FoldsOptions(Shape):
    """How many times it is tested."""

    folds: Annotated[int, Field(ge=2, le=1000)]


class SeedsOptions(Shape):
    """With which seeds it trains."""

    seeds: Annotated[list[Whole], Field(min_length=2, max_length=100)]


class CurveOptions(Shape):
    """How many sizes are tried."""

    steps: Annotated[int, Field(ge=2, le=1000)]


class Try(Shape):
    """One try of a search: its values by the names of settings, and how what learned with them did on the validation part; None
    where it was cut short or failed."""

    number: Whole
    state: str
    values: dict[str, str | bool | int | Finite]
    val_accuracy: Share | None
    val_log_loss: float | None
    seconds: Finite | None


class BestTry(Try):
    """One that was finished."""

    val_accuracy: Share
    val_log_loss: float


class Before(Shape):
    """What the settings reach that a search starts from."""

    val_accuracy: Share
    val_log_loss: float


class SearchFound(Shape):
    """The tries that have ended, the best by log-loss, and how many are `left`; None where only the time ends it."""

    method: str = ""
    trials: list[Try]
    best: BestTry | None
    before: Before | None = None
    left: int | None = None
    seconds: Finite = 0.0


class RatesFound(Shape):
    """Learning rates, the smoothed loss at each, and the rate at which it falls most steeply; None if it did not fall by more
    than noise."""

    rates: list[_Rate]
    losses: list[float]
    suggestion: _Rate | None

    @model_validator(mode="after")
    def _one_loss_a_rate(self) -> RatesFound:
        if len(self.rates) != len(self.losses) or (self.suggestion and not self.rates):
            raise ValueError("not a loss for each rate")
        return self


class Fold(Shape):
    """One test of a cross-validation. `answers`: true class, class that was said, and how many pictures, of those that there
    are; none in records of before they were kept."""

    accuracy: Share
    right: Whole
    total: Whole
    macro_f1: float = 0.0
    log_loss: float = 0.0
    answers: list[Annotated[list[Whole], Field(min_length=3, max_length=3)]] = Field(default_factory=list)


class FoldsFound(Shape):
    """Of how many folds, those that are done; the mean of their accuracies and its sample standard deviation; pooled over the
    folds how many are right, `confusion` (K, K), rows are the true classes, and the 95 % interval by Wilson, which takes the
    pictures for independent, though the heads share most of what they learned from (Bengio and Grandvalet 2004 show that
    nothing better is to be had from one cross-validation); `note`: why there are fewer folds than asked for, or ""."""

    of: Annotated[int, Field(ge=1, le=1000)]
    note: str
    classes: list[str] = Field(default_factory=list)
    folds: list[Fold]
    right: Whole
    total: Whole
    accuracy: Share = 0.0
    mean: Share
    deviation: Finite
    interval: Interval
    confusion: list[list[int]] = Field(default_factory=list)


class Step(Shape):
    """One size of a learning curve: how many pictures are learned from, the mean over the folds, and how that went; `balanced`:
    the mean of the recalls (K,), each None where nobody was asked."""

    pictures: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    right: Whole = 0
    total: Whole = 0
    accuracy: Share
    interval: Interval
    balanced: float = 0.0
    log_loss: float
    recalls: list[Share | None]


class WithFewer(Shape):
    """One class, and how it fares if a third of its pictures is left out; `lost`: log-loss, with its standard `error`."""

    class_name: Annotated[str, Field(alias="class")]
    pictures: Whole
    recall: Share
    recall_with_fewer: Share
    lost: float = 0.0
    error: float = 0.0


class CurveFound(Shape):
    """A learning curve; at the end with the `gain` of the balanced accuracy from the last step and its standard error, the
    verdict ("class", "alike", "flat" or "unsure"), the class whose pictures would help most, or "", and a sentence."""

    classes: list[str]
    steps: list[Step]
    tried: list[WithFewer]
    gain: float = 0.0
    gain_error: float = 0.0
    verdict: str = ""
    class_name: Annotated[str, Field(alias="class")] = ""
    sentence: str = ""

    @model_validator(mode="after")
    def _of_its_classes(self) -> CurveFound:
        if self.class_name not in ("", *self.classes) or any(len(s.recalls) != len(self.classes) for s in self.steps):
            raise ValueError("not of these classes")
        return self


class Seed(Shape):
    """One training of several seeds: the folder of its run, on the machine that did it, and how the test part went."""

    seed: Whole
    run: str
    accuracy: Share
    right: Whole
    total: Whole
    val_accuracy: Share


class SeedsFound(Shape):
    """Of how many trainings, those that are done; the mean of their accuracies on the test part, and its sample standard
    deviation."""

    of: Annotated[int, Field(ge=1, le=1000)]
    seeds: Annotated[list[Seed], Field(min_length=1)]
    mean: Share
    deviation: Finite


class MirrorFound(Shape):
    """What mirror images do; see core.training.experiments.flip_test.FlipVerdict."""

    kind: str
    sentence: str
