"""What the records of a run must look like to be believed: they may be damaged, of another version, or from elsewhere."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Whole = Annotated[int, Field(ge=0, le=2**53)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
_Interval = Annotated[list[Share], Field(min_length=2, max_length=2)]


class _Shape(BaseModel):
    """A group of values; others beside them are let be."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Scores(_Shape):
    accuracy: Share
    right: Whole
    total: Annotated[int, Field(ge=1, le=2**53)]
    log_loss: float
    macro_f1: float

    @model_validator(mode="after")
    def _no_more_than_all(self) -> _Scores:
        if self.right > self.total:
            raise ValueError("more right than there are")
        return self


class _Voter(_Shape):
    run: str
    weight: Share


class _Result(_Shape):
    val: _Scores
    test: _Scores
    diagnosis: str
    parameters: Whole
    best_epoch: Whole
    seconds: dict[str, Finite]
    ensemble: list[_Voter] = []
    chosen: str | None = None
    why_stopped: str | None = None
    model_sha256: str = ""


class _Attempt(_Shape):
    what: str
    val_accuracy: float
    val_log_loss: float
    seconds: Finite
    cross_validated: float | None = None


class _Epoch(_Shape):
    epoch: Finite
    accuracy: float
    val_accuracy: float
    loss: float
    val_loss: float
    __pydantic_extra__: dict[str, float] = Field(init=False)


class _Try(_Shape):
    number: Whole
    state: str
    values: dict[str, str | bool | int | Finite]
    val_accuracy: Share | None
    val_log_loss: float | None
    seconds: Finite | None


class _BestTry(_Try):
    val_accuracy: Share
    val_log_loss: float


class _Before(_Shape):
    val_accuracy: Share
    val_log_loss: float


class _Search(_Shape):
    trials: list[_Try]
    best: _BestTry | None
    before: _Before | None = None


class _Rates(_Shape):
    rates: list[Annotated[float, Field(gt=0, allow_inf_nan=False)]]
    losses: list[float]
    suggestion: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None

    @model_validator(mode="after")
    def _one_loss_a_rate(self) -> _Rates:
        if len(self.rates) != len(self.losses) or (self.suggestion and not self.rates):
            raise ValueError("not a loss for each rate")
        return self


class _Fold(_Shape):
    accuracy: Share
    right: Whole
    total: Whole


class _Folds(_Shape):
    of: Annotated[int, Field(ge=1, le=1000)]
    note: str
    folds: list[_Fold]
    right: Whole
    total: Whole
    mean: Share
    deviation: Finite
    interval: _Interval


class _Step(_Shape):
    pictures: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    accuracy: Share
    log_loss: float
    interval: _Interval
    recalls: list[Share | None]


class _Fewer(_Shape):
    class_name: Annotated[str, Field(alias="class")]
    pictures: Whole
    recall: Share
    recall_with_fewer: Share


class _Curve(_Shape):
    classes: list[str]
    steps: list[_Step]
    tried: list[_Fewer]
    sentence: str = ""
    class_name: Annotated[str, Field(alias="class")] = ""

    @model_validator(mode="after")
    def _of_its_classes(self) -> _Curve:
        if self.class_name not in ("", *self.classes) or any(len(s.recalls) != len(self.classes) for s in self.steps):
            raise ValueError("not of these classes")
        return self


class _Mirror(_Shape):
    kind: str
    sentence: str


_FOUND: dict[str, type[_Shape]] = {
    "search": _Search,
    "learning-rate": _Rates,
    "cross-validation": _Folds,
    "learning-curve": _Curve,
    "mirror": _Mirror,
}


def is_found(kind: str, value: Any) -> bool:
    """Whether a value is what a study of a kind should have found."""
    return _fits(_FOUND[kind], value)


def is_result(value: Any) -> bool:
    """Whether a value is what result.json should hold."""
    return _fits(_Result, value)


def is_attempt(value: Any) -> bool:
    """Whether a value is one that tried.json should hold."""
    return _fits(_Attempt, value)


def is_epoch(value: Any) -> bool:
    """Whether a value is what a line of history.jsonl should hold: numbers by name, those of the curves among them."""
    return _fits(_Epoch, value)


def _fits(shape: type[BaseModel], value: Any) -> bool:
    try:
        shape.model_validate(value)
    except (ValidationError, RecursionError):
        return False
    return True
