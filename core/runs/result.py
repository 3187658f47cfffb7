"""How good a run's model is: what its records of that hold, checked when they are read, since they may be damaged, of another
version, or from elsewhere."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.config.backbones import LARGEST_PIXELS
from core.config.training import TrainConfig

Whole = Annotated[int, Field(ge=0, le=2**53)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Interval = Annotated[list[Share], Field(min_length=2, max_length=2)]


class Shape(BaseModel):
    """A group of values; others beside them are let be."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, validate_by_name=True)


class Scores(Shape):
    """How one part went, with all else that an Evaluation says; see core.inference.metrics."""

    accuracy: Share
    right: Whole
    total: Annotated[int, Field(ge=1, le=2**53)]
    log_loss: float
    macro_f1: float

    @model_validator(mode="after")
    def _no_more_than_all(self) -> Scores:
        if self.right > self.total:
            raise ValueError("more right than there are")
        return self


class Voter(Shape):
    """One of the models of an ensemble, by the id of its run, and how much it counts; None where a head learned what to make of
    its answers (stacking)."""

    run: str
    weight: Share | None = None


class RunResult(Shape):
    """How good a model is, and what it cost.

    `best_epoch`: the one that it is as after, 0 for none; `seconds`: what each kind of work took, "total" in all; `ensemble`:
    what it was joined from; `chosen`, `why_stopped`, `left_out`: of a search, what it kept, why it ended, and a sentence for
    each thing that it did not try, or not to its end; `pixels`: the side of the squares that the model sees, where that is not
    what the settings say, else 0; `model_sha256`: of what was learned (head.npz or model.keras), "" until that is written.
    """

    val: Scores
    test: Scores
    diagnosis: str
    parameters: Whole
    best_epoch: Whole
    seconds: dict[str, Finite]
    ensemble: list[Voter] = []
    chosen: str | None = None
    why_stopped: str | None = None
    left_out: list[str] = []
    pixels: Annotated[int, Field(ge=0, le=LARGEST_PIXELS)] = 0
    model_sha256: str = ""

    def input_pixels(self, config: TrainConfig) -> int:
        """The side of the squares that the model sees, which was trained with these settings."""
        return self.pixels or config.input_pixels


class Attempt(Shape):
    """Something that a search tried: its accuracy and log-loss on the validation part, and what it took. `cross_validated`: its
    accuracy over the training and validation parts, for heads, of which that can be had quickly. `gained`: the difference of
    the accuracy to what it was to make better, by cross-validation for those, else on the validation part; None where there was
    nothing before."""

    what: str
    val_accuracy: float
    val_log_loss: float
    cross_validated: float | None = None
    gained: Finite | None = None
    seconds: Finite


class _Epoch(Shape):
    epoch: Finite
    accuracy: float
    val_accuracy: float
    loss: float
    val_loss: float
    __pydantic_extra__: dict[str, float] = Field(init=False)


def is_epoch(value: Any) -> bool:
    """Whether a value is what a line of history.jsonl should hold: numbers by name, those of the curves among them."""
    try:
        _Epoch.model_validate(value)
    except (ValidationError, RecursionError):
        return False
    return True
