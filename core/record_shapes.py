"""What the records of a run must look like to be believed: they may be damaged, of another version, or from elsewhere."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Whole = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
_EPOCH = ("epoch", "accuracy", "val_accuracy", "loss", "val_loss")


class _Shape(BaseModel):
    """A group of values; others beside them are let be."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Scores(_Shape):
    accuracy: Share
    right: Whole
    total: Annotated[int, Field(ge=1)]
    log_loss: float
    macro_f1: float


class _Voter(_Shape):
    run: str
    weight: Share


class _Result(_Shape):
    val: _Scores
    test: _Scores
    diagnosis: str
    parameters: Whole
    best_epoch: Whole
    seconds: dict[str, float]
    ensemble: list[_Voter] = []
    chosen: str | None = None
    why_stopped: str | None = None
    model_sha256: str = ""


class _Attempt(_Shape):
    what: str
    val_accuracy: float
    val_log_loss: float
    seconds: float
    cross_validated: float | None = None


class _State(_Shape):
    model_config = ConfigDict(extra="forbid", strict=True)

    state: Annotated[str, Field(pattern="^(queued|running|done|stopped|failed|interrupted)$")]
    phase: str
    done: Whole
    total: Whole
    seconds_left: float | None
    pid: int
    born: float
    ended: bool
    message: str
    hint: str
    updated: float


def is_result(value: Any) -> bool:
    """Whether a value is what result.json should hold."""
    return _fits(_Result, value)


def is_state(value: Any) -> bool:
    """Whether a value is what state.json should hold."""
    return _fits(_State, value)


def is_attempt(value: Any) -> bool:
    """Whether a value is one that tried.json should hold."""
    return _fits(_Attempt, value)


def is_epoch(value: Any) -> bool:
    """Whether a value is what a line of history.jsonl should hold: numbers by name, those of the curves among them."""
    return (
        isinstance(value, dict)
        and all(isinstance(number, int | float) for number in value.values())
        and all(name in value for name in _EPOCH)
        and math.isfinite(value["epoch"])
    )


def _fits(shape: type[BaseModel], value: Any) -> bool:
    try:
        shape.model_validate(value)
    except (ValidationError, RecursionError):
        return False
    return True
