"""What the records of a run must look like to be believed: they may be damaged, of another version, or from elsewhere."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError, model_validator

from core.runs.result import Finite, Interval, Shape, Share, Whole


class _Epoch(Shape):
    epoch: Finite
    accuracy: float
    val_accuracy: float
    loss: float
    val_loss: float
    __pydantic_extra__: dict[str, float] = Field(init=False)


class _Try(Shape):
    number: Whole
    state: str
    values: dict[str, str | bool | int | Finite]
    val_accuracy: Share | None
    val_log_loss: float | None
    seconds: Finite | None


class _BestTry(_Try):
    val_accuracy: Share
    val_log_loss: float


class _Before(Shape):
    val_accuracy: Share
    val_log_loss: float


class _Search(Shape):
    trials: list[_Try]
    best: _BestTry | None
    before: _Before | None = None


class _Rates(Shape):
    rates: list[Annotated[float, Field(gt=0, allow_inf_nan=False)]]
    losses: list[float]
    suggestion: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None

    @model_validator(mode="after")
    def _one_loss_a_rate(self) -> _Rates:
        if len(self.rates) != len(self.losses) or (self.suggestion and not self.rates):
            raise ValueError("not a loss for each rate")
        return self


class _Fold(Shape):
    accuracy: Share
    right: Whole
    total: Whole


class _Folds(Shape):
    of: Annotated[int, Field(ge=1, le=1000)]
    note: str
    folds: list[_Fold]
    right: Whole
    total: Whole
    mean: Share
    deviation: Finite
    interval: Interval


class _Step(Shape):
    pictures: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    accuracy: Share
    log_loss: float
    interval: Interval
    recalls: list[Share | None]


class _Fewer(Shape):
    class_name: Annotated[str, Field(alias="class")]
    pictures: Whole
    recall: Share
    recall_with_fewer: Share


class _Curve(Shape):
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


class _Mirror(Shape):
    kind: str
    sentence: str


_FOUND: dict[str, type[Shape]] = {
    "search": _Search,
    "learning-rate": _Rates,
    "cross-validation": _Folds,
    "learning-curve": _Curve,
    "mirror": _Mirror,
}


def is_found(kind: str, value: Any) -> bool:
    """Whether a value is what a study of a kind should have found."""
    return _fits(_FOUND[kind], value)


def is_epoch(value: Any) -> bool:
    """Whether a value is what a line of history.jsonl should hold: numbers by name, those of the curves among them."""
    return _fits(_Epoch, value)


def _fits(shape: type[BaseModel], value: Any) -> bool:
    try:
        shape.model_validate(value)
    except (ValidationError, RecursionError):
        return False
    return True
